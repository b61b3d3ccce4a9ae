"""Keys are kept to their owner, and a signature is that of one key over one payload."""

from __future__ import annotations

import base64
import stat
import subprocess
from pathlib import Path

import msgspec
import pytest

from harness.errors import BadFile, UsageError
from harness.record.evidence.envelope import Envelope, Signature, bytes_of, read_envelope
from harness.record.evidence.signing import is_signed_by, new_key, public_key_in, read_key

pytest.importorskip("securesystemslib")
pytest.importorskip("cryptography")

PAYLOAD = b'{"_type": "something"}'


def test_a_new_key_is_a_private_file_and_a_public_one_that_fit(tmp_path: Path) -> None:
    made = new_key(tmp_path / "key.pem")
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    assert read_key(tmp_path / "key.pem").public == made.public
    assert public_key_in(tmp_path / "key.pem.pub") == made.public
    assert len(bytes.fromhex(made.public)) == 32


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    new_key(tmp_path / "key.pem")
    with pytest.raises(UsageError, match="never written over"):
        new_key(tmp_path / "key.pem")
    (tmp_path / "other.pub").write_text("mine")
    with pytest.raises(UsageError, match="other.pub is there already"):
        new_key(tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_key_with_a_passphrase_is_read_with_that_alone(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    made = new_key(path, "correct horse")
    assert b"ENCRYPTED" in path.read_bytes()
    assert read_key(path, "correct horse").public == made.public
    with pytest.raises(UsageError, match="is encrypted.*HARNESS_KEY_PASSPHRASE"):
        read_key(path)
    with pytest.raises(UsageError, match="passphrase is another"):
        read_key(path, "wrong")
    new_key(tmp_path / "open.pem")
    with pytest.raises(UsageError, match="is not encrypted"):
        read_key(tmp_path / "open.pem", "correct horse")


def test_what_is_no_key_is_said_so(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    with pytest.raises(UsageError, match="there is no key file.*--new-key"):
        read_key(tmp_path / "none.pem")
    (tmp_path / "text.pem").write_text("hello")
    with pytest.raises(UsageError, match="holds no private key"):
        read_key(tmp_path / "text.pem")
    with pytest.raises(UsageError, match="holds no public key"):
        public_key_in(tmp_path / "text.pem")
    (tmp_path / "large.pem").write_bytes(bytes(1 << 17))
    with pytest.raises(UsageError, match="larger than"):
        read_key(tmp_path / "large.pem")
    new_key(tmp_path / "key.pem")
    with pytest.raises(UsageError, match="holds a private key.*key.pem.pub"):
        public_key_in(tmp_path / "key.pem")
    other = generate_private_key(SECP256R1())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = other.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    (tmp_path / "ec.pem").write_bytes(secret)
    with pytest.raises(UsageError, match="expected an Ed25519 key"):
        read_key(tmp_path / "ec.pem")
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    (tmp_path / "ec.pub").write_bytes(other.public_key().public_bytes(pem, form))
    with pytest.raises(UsageError, match="expected an Ed25519 key"):
        public_key_in(tmp_path / "ec.pub")


def test_a_signature_is_ed25519_over_the_bytes_that_dsse_prescribes(tmp_path: Path) -> None:
    """Without the library that signed: `cryptography` alone, and the encoding written out."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = new_key(tmp_path / "key.pem")
    envelope = key.sign(PAYLOAD)
    kind = b"application/vnd.in-toto+json"
    signed = b"DSSEv1 28 " + kind + b" 22 " + PAYLOAD
    assert (len(kind), len(PAYLOAD)) == (28, 22)
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public))
    public.verify(base64.b64decode(envelope.signatures[0].sig), signed)
    assert envelope.content == PAYLOAD


@pytest.mark.slow
def test_openssl_agrees_that_it_is_signed(tmp_path: Path) -> None:
    key = new_key(tmp_path / "key.pem")
    envelope = key.sign(PAYLOAD)
    (tmp_path / "signed").write_bytes(b"DSSEv1 28 application/vnd.in-toto+json 22 " + PAYLOAD)
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope.signatures[0].sig))
    command = "openssl pkeyutl -verify -pubin -inkey key.pem.pub -rawin -in signed -sigfile sig"
    try:
        done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no openssl")
    assert b"Signature Verified Successfully" in done.stdout, done.stderr


def test_a_signature_fits_one_key_and_one_payload(tmp_path: Path) -> None:
    key, other = new_key(tmp_path / "one.pem"), new_key(tmp_path / "other.pem")
    envelope = key.sign(PAYLOAD)
    assert is_signed_by(envelope, key.public)
    assert not is_signed_by(envelope, other.public)
    assert not is_signed_by(envelope, "no key")
    assert not is_signed_by(envelope, "00" * 32)
    assert not is_signed_by(Envelope.of(PAYLOAD + b" ", envelope.signatures), key.public)
    (one,) = envelope.signatures
    for forged in (
        msgspec.structs.replace(one, keyid=other.sign(PAYLOAD).signatures[0].keyid),
        msgspec.structs.replace(one, sig=other.sign(PAYLOAD).signatures[0].sig),
        msgspec.structs.replace(one, sig=""),
        Signature("", ""),
    ):
        assert not is_signed_by(Envelope.of(PAYLOAD, [forged]), key.public)


def test_no_byte_of_an_envelope_can_change_unseen(tmp_path: Path) -> None:
    key = new_key(tmp_path / "key.pem")
    content = bytes_of(key.sign(PAYLOAD))
    file = tmp_path / "attestation.json"
    for place in range(len(content)):
        for bit in (0x01, 0x20):
            file.write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
            try:
                envelope = read_envelope(tmp_path, file.name)
            except BadFile:
                continue
            assert not is_signed_by(envelope, key.public), f"byte {place}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"signatures": []}, "has 0 signatures"),
        ({"payloadType": "text/plain"}, "holds 'text/plain'"),
        ({"payload": "no base64!"}, "is no Base64"),
        ({"payload": 3}, "expected `str`"),
        ({"more": 1}, "unknown field"),
    ],
)
def test_what_is_no_envelope_is_refused_in_a_sentence(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    envelope = Envelope.of(PAYLOAD, [Signature("a", "AAAA")]).plain() | change
    (tmp_path / "attestation.json").write_bytes(msgspec.json.encode(envelope))
    with pytest.raises(BadFile, match=message):
        read_envelope(tmp_path, "attestation.json")
