"""Ed25519 keys in PEM files, and signatures by them: all that needs the extra `evidence`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from harness.errors import UsageError, visible
from harness.errors.absent import NotInstalled, imported, is_absent
from harness.record.evidence.envelope import PAYLOAD_TYPE, Envelope, Signature

__all__ = ["PUBLIC", "SigningKey", "is_signed_by", "new_key", "public_key_in", "read_key"]

PUBLIC = ".pub"
"""What the public key's file is called after the private key's."""

LIBRARY = "securesystemslib"

LARGEST = 1 << 16
"""Bytes of the largest key file that is read."""


class SigningKey:
    """A private key that signs.

    Parameters
    ----------
    private
        As the package `cryptography` has it.
    """

    def __init__(self, private: Any) -> None:
        library = _imported("securesystemslib.signer")
        self._signer = library.CryptoSigner(private)
        self.public = str(private.public_key().public_bytes_raw().hex())
        """The public key: 32 bytes in hexadecimal."""

    def sign(self, payload: bytes) -> Envelope:
        """Return a payload in a DSSE envelope with this key's signature."""
        library = _imported("securesystemslib.dsse")
        made = library.Envelope(payload, PAYLOAD_TYPE, {})
        made.sign(self._signer)
        (one,) = made.to_dict()["signatures"]
        return Envelope.of(payload, [Signature(keyid=one["keyid"], sig=one["sig"])])


def new_key(path: Path, passphrase: str = "") -> SigningKey:
    """Make a key: a private file that only its owner can read, and a public one beside it.

    Parameters
    ----------
    path
        Of the private key; the public one is called the same with `PUBLIC` at the end.
    passphrase
        With which the private file is encrypted; it is not where this is empty.

    Raises
    ------
    UsageError
        If there is a file of either name.
    NotInstalled
        If the packages of the extra are not installed.
    """
    serial = _imported("cryptography.hazmat.primitives.serialization")
    kinds = _imported("cryptography.hazmat.primitives.asymmetric.ed25519")
    beside = path.with_name(path.name + PUBLIC)
    for one in (path, beside):
        if os.path.lexists(one):
            raise UsageError(f"{visible(str(one))} is there already; a key is never written over")
    private = kinds.Ed25519PrivateKey.generate()
    how = (
        serial.BestAvailableEncryption(passphrase.encode()) if passphrase else serial.NoEncryption()
    )
    pem, form = serial.Encoding.PEM, serial.PrivateFormat.PKCS8
    secret = private.private_bytes(pem, form, how)
    shown = private.public_key().public_bytes(pem, serial.PublicFormat.SubjectPublicKeyInfo)
    for place, content, mode in ((path, secret, 0o600), (beside, shown, 0o644)):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(place, flags, mode), "wb") as file:
            file.write(content)
    return SigningKey(private)


def read_key(path: Path, passphrase: str = "") -> SigningKey:
    """Read a private key.

    Raises
    ------
    UsageError
        If there is no such file, it holds no private Ed25519 key, or the passphrase is not its own.
    NotInstalled
        If the packages of the extra are not installed.
    """
    serial = _imported("cryptography.hazmat.primitives.serialization")
    kinds = _imported("cryptography.hazmat.primitives.asymmetric.ed25519")
    name, content = visible(str(path)), _content(path)
    try:
        found = serial.load_pem_private_key(content, passphrase.encode() if passphrase else None)
    except TypeError:
        if passphrase:
            raise UsageError(f"{name} is not encrypted, and a passphrase was given") from None
        raise UsageError(
            f"{name} is encrypted: give its passphrase with --passphrase, or in the environment "
            "variable HARNESS_KEY_PASSPHRASE"
        ) from None
    except Exception as reason:  # the library's kinds differ between its versions
        raise UsageError(
            f"{name} holds no private key in PEM, or its passphrase is another: "
            f"{visible(str(reason))[:200]}. `harness attest --new-key FILE` makes one"
        ) from None
    if not isinstance(found, kinds.Ed25519PrivateKey):
        raise UsageError(f"{name} holds a {type(found).__name__}; expected an Ed25519 key")
    return SigningKey(found)


def public_key_in(path: Path) -> str:
    """Return the public key in a PEM file: 32 bytes in hexadecimal.

    Raises
    ------
    UsageError
        If there is no such file, or it holds no public Ed25519 key.
    NotInstalled
        If the packages of the extra are not installed.
    """
    serial = _imported("cryptography.hazmat.primitives.serialization", "--key")
    kinds = _imported("cryptography.hazmat.primitives.asymmetric.ed25519", "--key")
    name, content = visible(str(path)), _content(path)
    if b"PRIVATE KEY" in content:
        raise UsageError(
            f"{name} holds a private key; a signature is checked with the public one, "
            f"{name}{PUBLIC}. Whoever has the private key can sign in its owner's name"
        )
    try:
        found = serial.load_pem_public_key(content)
    except Exception as reason:  # the library's kinds differ between its versions
        raise UsageError(
            f"{name} holds no public key in PEM: {visible(str(reason))[:200]}"
        ) from None
    if not isinstance(found, kinds.Ed25519PublicKey):
        raise UsageError(f"{name} holds a {type(found).__name__}; expected an Ed25519 key")
    return str(found.public_bytes_raw().hex())


def is_signed_by(envelope: Envelope, public: str) -> bool:
    """Say whether an envelope's one signature is that of a key.

    Parameters
    ----------
    public
        The key: 32 bytes in hexadecimal.

    Raises
    ------
    NotInstalled
        If the packages of the extra are not installed.
    """
    kinds = _imported("cryptography.hazmat.primitives.asymmetric.ed25519")
    dsse = _imported("securesystemslib.dsse")
    signer = _imported("securesystemslib.signer")
    errors = _imported("securesystemslib.exceptions")
    try:
        raw = kinds.Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key = signer.SSlibKey.from_crypto(raw)
        dsse.Envelope.from_dict(envelope.plain()).verify([key], 1)
    except (ValueError, KeyError, errors.Error):
        return False
    return True


def _imported(module: str, what: str = "a signature") -> Any:
    if is_absent(LIBRARY) or is_absent("cryptography"):  # which it asks for
        raise NotInstalled(what, [LIBRARY])
    return imported(module, what)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise UsageError(
            f"there is no key file {visible(str(path))}; `harness attest --new-key FILE` makes one"
        ) from None
    if len(content) > LARGEST:
        raise UsageError(
            f"{visible(str(path))} is no key file: it is larger than {LARGEST:,} bytes"
        )
    return content
