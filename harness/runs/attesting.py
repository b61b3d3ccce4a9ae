"""Signing sealed folders, and showing one search of a signed run."""

from __future__ import annotations

import os
from pathlib import Path

from harness.data.whole_files import write_whole
from harness.errors import Damaged, UsageError, visible
from harness.record import record
from harness.record.evidence import disclosure
from harness.record.evidence.envelope import bytes_of, read_envelope
from harness.record.evidence.pictures import Pictures, pictures_of
from harness.record.evidence.signing import SigningKey
from harness.record.evidence.statement import (
    Statement,
    again,
    differences,
    payload_of,
    read_statement,
    searches_of,
    statement_of,
)
from harness.record.files import read_bytes
from harness.record.joined import refuse_joined
from harness.record.manifest import now
from harness.runs.proving import faults_of

__all__ = ["attest", "disclose"]


def attest(folder: Path, key: SigningKey, data: Path | None = None) -> Statement:
    """Sign a folder that is whole, and return what was signed.

    Parameters
    ----------
    folder
        Of a run, of an entry of several fits, or any other with checksums.
    key
        That signs.
    data
        Where the data set of a run lies now, if not where it lay.

    Raises
    ------
    Damaged
        If the folder is not whole, or its numbers do not follow from its scores.
    """
    found = faults_of(folder)
    if found:
        listed = "".join(f"\n  - {one}" for one in found)
        raise Damaged(f"{visible(str(folder))} is not whole, and is not signed:{listed}")
    pictures = None
    if (folder / record.MANIFEST).exists():
        pictures = pictures_of(record.read_run(folder), data)
        if data is not None and pictures.why_none:
            raise UsageError(f"--data: {pictures.why_none}")
    statement = statement_of(
        folder,
        key=key.public,
        signed=now(),
        pictures=None if pictures is None or pictures.why_none else pictures.digests,
        no_pictures="" if pictures is None else pictures.why_none,
    )
    write_whole(folder / record.ATTESTATION, bytes_of(key.sign(payload_of(statement))))
    return statement


def disclose(
    folder: Path, name: str, out: Path, *, fold: str = "", count: int = 6, data: Path | None = None
) -> tuple[disclosure.Disclosure, str]:
    """Write one search of a signed run into a folder of its own.

    Parameters
    ----------
    folder
        Of the run.
    name, fold
        Of the probe, and of the fold that it is searched in; any fold if empty.
    out
        A new folder.
    count
        Pictures to be copied at most: the probe's, then those of candidates from the first on.
    data
        Where the data set lies now, if not where it lay.

    Returns
    -------
    tuple
        What was written, and why there is no picture; empty where there are some, or none wanted.

    Raises
    ------
    UsageError
        If the run is not signed, there is no such search, or the new folder is there.
    Damaged
        If the run is another than the one that was signed.
    """
    refuse_joined(folder, "a search is")
    record.read_checksums(folder)
    shown = visible(str(folder))
    if not os.path.lexists(folder / record.ATTESTATION):
        raise UsageError(
            f"{shown} is not signed, and a search of it would prove nothing; sign it first: "
            f"harness attest {shown} --key FILE"
        )
    envelope = read_envelope(folder, record.ATTESTATION)
    statement = read_statement(folder / record.ATTESTATION, envelope.content)
    changed = record.changed_files(folder) or list(differences(statement, again(folder, statement)))
    if changed:
        listed = "".join(f"\n  - {one}" for one in changed)
        raise Damaged(f"{shown} is not the folder that was signed:{listed}")
    searches = searches_of(folder)
    place = disclosure.chosen(searches, name, fold)
    pictures = Pictures({}, {}, "")
    if count:
        pictures = pictures_of(record.read_run(folder), data)
        if statement.predicate.pictures is None:
            why = f"no picture was signed: {statement.predicate.no_pictures}"
            pictures = Pictures({}, {}, why)
    content = read_bytes(folder, record.ATTESTATION)
    made = disclosure.write_disclosure(out, searches, place, content, pictures, count)
    return made, pictures.why_none
