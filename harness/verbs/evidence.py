"""`preregister`, `attest`, `disclose` and `verify`: what is said before a run, signed and shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError, visible
from harness.record.evidence.disclosure import DISCLOSURE
from harness.record.evidence.signing import public_key_in, read_key
from harness.record.record import ATTESTATION
from harness.runs import attesting
from harness.runs.preparing import Request
from harness.runs.proving import Proof, proof_of
from harness.verbs.result import RunLike, folder_of_run
from harness.verbs.saying import say

__all__ = ["Proof", "attest", "disclose", "preregister", "verify"]


def preregister(
    criteria: str | Path,
    out: str | Path = "preregistration.json",
    *,
    protocols: Sequence[str] = (),
    data: str | Path | None = None,
    layout: str | None = None,
    plugins: Sequence[str | Path] = (),
) -> str:
    """Write criteria, protocols and data down before a run.

    Parameters
    ----------
    criteria
        File of criteria. What its table ``[experiment]`` names is fixed, too.
    out
        A new file, for ``run(..., preregistered=out)``.
    protocols
        Names or files, beside those that the criteria name.
    data, layout
        Data set in the place of the protocols' own, and its layout.
    plugins
        Further folders of algorithms and protocols.

    Returns
    -------
    str
        SHA-256 of the file: publish it, or give it to a witness.

    Raises
    ------
    UsageError
        With every fault of the criteria, or if something that they name is not to be had.
    DataError
        With every problem of the data set.
    """
    from harness.runs.preregistering import preregister, written

    if not Path(out).parent.is_dir():
        raise UsageError(f"there is no folder {visible(str(Path(out).parent))}")
    request = Request(
        algorithms=(),
        protocols=tuple(protocols),
        data=None if data is None else Path(data),
        layout=layout,
        plugins=tuple(map(Path, plugins)),
    )
    return written(Path(out), preregister(Path(criteria), request))


def attest(
    run: RunLike, key: str | Path, *, passphrase: str = "", data: str | Path | None = None
) -> Path:
    """Sign a folder: its checksums, its numbers, and its searches one by one.

    Parameters
    ----------
    run
        Run, entry or any other folder with checksums, or a short name.
    key, passphrase
        File of a private Ed25519 key in PEM, and its passphrase if it has one.
    data
        Where the data set of the run lies now, if not where it lay.

    Returns
    -------
    Path
        The signed statement, in the folder.

    Raises
    ------
    UsageError
        If the key cannot be read.
    NotInstalled
        If the packages of the extra ``evidence`` are not installed.
    Damaged
        If the folder is not whole, or its numbers do not follow from its scores.
    """
    folder = folder_of_run(run)
    place = None if data is None else Path(data)
    attesting.attest(folder, read_key(Path(key), passphrase), place)
    return folder / ATTESTATION


def disclose(
    run: RunLike,
    search: str,
    out: str | Path,
    *,
    fold: str = "",
    pictures: int = 6,
    data: str | Path | None = None,
) -> Path:
    """Write one search of a signed run into a new folder, with the proof that it belongs to it.

    Parameters
    ----------
    run
        Run, its folder, or a short name.
    search, fold
        Name of the probe, and of the fold, where it is searched in several.
    out
        The new folder, which `verify` takes.
    pictures
        To be copied at most: the probe's, then those of candidates from the first on.
    data
        Where the data set lies now, if not where it lay.

    Returns
    -------
    Path
        The search as JSON, in the folder.

    Raises
    ------
    UsageError
        If the run is not signed, there is no such search, or the new folder is there.
    Damaged
        If the run is another than the one that was signed.
    """
    place = None if data is None else Path(data)
    _, why_none = attesting.disclose(
        folder_of_run(run), search, Path(out), fold=fold, count=pictures, data=place
    )
    if why_none:
        say(f"note: no picture was copied: {why_none}")
    return Path(out) / DISCLOSURE


def verify(
    place: RunLike, key: str | Path | None = None, *, beside: Sequence[RunLike] = ()
) -> Proof:
    """Look at a folder of a run, of a disclosed search, or any other with checksums.

    Parameters
    ----------
    place
        Run, its folder, or a short name.
    key
        File of the public key that it has to be signed with; any, or none, unless given.
    beside
        Runs of a validation, which is made again from them.

    Returns
    -------
    Proof
        What is wrong with it; what it proves, and what it does not.

    Raises
    ------
    HarnessError
        If it is no such folder, or cannot be read.
    """
    public = "" if key is None else public_key_in(Path(key))
    return proof_of(folder_of_run(place), public, [folder_of_run(one) for one in beside])
