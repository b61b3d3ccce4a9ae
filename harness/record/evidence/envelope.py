"""A DSSE envelope as a file: a statement, and the signature over it; read without any library."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import BadFile
from harness.record.files import decoded, read_bytes

__all__ = ["PAYLOAD_TYPE", "Envelope", "Signature", "bytes_of", "read_envelope"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
LARGEST = 64 << 20
"""Bytes of the largest envelope that is read."""


class Signature(msgspec.Struct, forbid_unknown_fields=True):
    """A signature, in Base64, and which key claims to have made it."""

    keyid: str
    sig: str


class Envelope(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A payload, in Base64, with its signatures.

    Parameters
    ----------
    payload, payload_type
        What is signed, and what kind of thing it is.
    signatures
        One.
    """

    payload: str
    payload_type: str
    signatures: list[Signature]

    @classmethod
    def of(cls, payload: bytes, signatures: list[Signature]) -> Envelope:
        """Return an envelope with a payload."""
        return cls(base64.b64encode(payload).decode(), PAYLOAD_TYPE, signatures)

    @property
    def content(self) -> bytes:
        """The payload itself."""
        return base64.b64decode(self.payload, validate=True)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


def bytes_of(envelope: Envelope) -> bytes:
    """Return what is written of an envelope, byte for byte."""
    return msgspec.json.format(msgspec.json.encode(envelope), indent=1) + b"\n"


def read_envelope(folder: Path, name: str) -> Envelope:
    """Read an envelope, which is untrusted; its signature is not looked at.

    Raises
    ------
    BadFile
        If it is no envelope with one signature, holds no in-toto statement, or is not written as
        `bytes_of` writes it: what nobody signed has no room in it.
    """
    place, content = folder / name, read_bytes(folder, name, LARGEST)
    found = decoded(place, content, Envelope)
    if found.payload_type != PAYLOAD_TYPE:
        fault = f"holds {found.payload_type!r}; expected {PAYLOAD_TYPE!r}"
        raise BadFile(place, fault, "$.payloadType")
    if len(found.signatures) != 1:
        fault = f"has {len(found.signatures)} signatures; expected one"
        raise BadFile(place, fault, "$.signatures")
    for where, text in (("payload", found.payload), ("signatures[0].sig", found.signatures[0].sig)):
        try:
            again = base64.b64encode(base64.b64decode(text, validate=True)).decode()
        except (binascii.Error, ValueError):
            again = ""
        if again != text:
            raise BadFile(place, "is no Base64", f"$.{where}")
    if bytes_of(found) != content:
        raise BadFile(
            place, "is not written as `harness attest` writes it, though it says the same"
        )
    return found
