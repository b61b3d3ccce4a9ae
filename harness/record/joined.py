"""The folder that joins several fits: which runs they are, what they come to, and its checksums.

::

    entry.json        which runs are joined: their recipes, results, environments and seeds
    metrics.json      mean over the fits, its interval over identities and fits, where it varies
    report.html
    checksums.sha256  of all the above; written last

The runs lie beside it (``../NAME``) or in it (``fits/NAME``), and stay runs of their own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.data.whole_files import write_whole
from harness.errors import BadFile, Damaged, UsageError, visible
from harness.record import record
from harness.record.files import read_json
from harness.record.manifest import Manifest, Origin
from harness.tasks.results import Metrics

FORMAT = 1
ENTRY = "entry.json"
INSIDE = record.FITS
_PLACE = re.compile(rf"(\.\.|{INSIDE})/[^/\\\0]+")


class Fit(msgspec.Struct):
    """One of the runs that are joined.

    Parameters
    ----------
    folder
        ``../NAME`` or ``fits/NAME``.
    identity, result_hash, environment_hash
        Of the run.
    seed
        Of its algorithm.
    value
        Of the headline.
    """

    folder: str
    identity: str
    result_hash: str
    environment_hash: str
    seed: int | None
    value: float | None


class Joined(msgspec.Struct):
    """What joins several runs: the content of ``entry.json``.

    Parameters
    ----------
    identity
        Hash of what the fits share: their recipe without its seed.
    hash
        SHA-256 over the identities and results of the fits.
    protocol, title, algorithm, headline
        Shared by all fits.
    command
        That makes the fits, and this folder, again.
    """

    format: int
    identity: str
    hash: str
    protocol: str
    title: str
    algorithm: str
    headline: str
    command: str
    fits: list[Fit]


def entry_identity(origin: Origin) -> str:
    """Hash a recipe without its seed: runs that share it are replicates of one entry."""
    parameters = {k: v for k, v in origin.parameters.items() if k != "seed"}
    return record.identity_of(msgspec.structs.replace(origin, parameters=parameters))


def name_of(manifests: Sequence[Manifest]) -> str:
    """Return the name of the folder that joins runs, such as ``triplet-x5-47a49f01fa``."""
    algorithm = manifests[0].origin.algorithm
    return f"{algorithm}-x{len(manifests)}-{hash_of(manifests)[:10]}"


def hash_of(manifests: Sequence[Manifest]) -> str:
    """Hash which runs are joined, by their recipes and results, in whatever order."""
    pairs = sorted((one.identity, one.result_hash) for one in manifests)
    return hashlib.sha256(msgspec.json.encode(pairs)).hexdigest()


def refuse_joined(folder: Path, what: str) -> None:
    """Refuse a folder of several fits where one is to be named.

    Parameters
    ----------
    what
        Is of one fit, to continue a sentence: ``--format csv is``.

    Raises
    ------
    UsageError
        It names the fits.
    """
    if is_joined(folder):
        raise UsageError(
            f"{folder} joins several fits, and {what} of one; name one of its fits: "
            f"{', '.join(map(str, fits_of(folder)))}"
        )


def read_alone(folder: Path, what: str) -> record.Run:
    """Read a run of one fit, held against its checksums.

    Parameters
    ----------
    what
        As for `refuse_joined`.

    Raises
    ------
    UsageError
        If the folder is not a run, or joins several fits.
    Damaged
        If the run is not finished, or what it is judged by changed since it was written.
    """
    refuse_joined(folder, what)
    record.check_answers(folder)
    return record.read_run(folder)


def is_joined(folder: Path) -> bool:
    """Say whether a folder joins several runs."""
    return (folder / ENTRY).exists() or (folder / ENTRY).is_symlink()


def fits_of(folder: Path) -> list[Path]:
    """Return the run folders that a folder stands for: its fits, or itself.

    Raises
    ------
    Damaged
        If a fit is missing, or is another run than the one that was joined.
    """
    if not is_joined(folder):
        return [folder]
    found = []
    for fit in read_joined(folder).fits:
        place = folder.resolve() / fit.folder
        if place.is_symlink():
            raise BadFile(place, "is a link; runs that are joined lie beside or inside")
        if not (place / record.MANIFEST).exists():
            raise Damaged(
                f"{visible(str(folder))} joins run {visible(fit.identity[:10])}, which is not in "
                f"{visible(str(place))} any more; move the runs and the folder that "
                "joins them together"
            )
        manifest = record.read_manifest(place)
        if (manifest.identity, manifest.result_hash) != (fit.identity, fit.result_hash):
            raise Damaged(
                f"{visible(str(place))} holds another result than the one that "
                f"{visible(str(folder))} joins; do the "
                "run with --repeats again"
            )
        found.append(place.resolve() if fit.folder.startswith("..") else place)
    return found


def manifest_of(folder: Path) -> Manifest:
    """Return the manifest of the first of the runs that a folder stands for."""
    return record.read_manifest(fits_of(folder)[0])


def read_joined(folder: Path) -> Joined:
    """Read what joins several runs.

    Raises
    ------
    UsageError
        If the folder joins none.
    Damaged
        If its file cannot be read, or names places elsewhere.
    """
    path = folder / ENTRY
    if not is_joined(folder):
        raise UsageError(f"{visible(str(folder))} joins no runs: it has no {ENTRY}")
    found = read_json(folder, ENTRY, Joined)
    if found.format != FORMAT:
        raise BadFile(path, f"has format {found.format}; this harness reads {FORMAT}", "$.format")
    if not found.fits:
        raise BadFile(path, "joins no run; expected one or more", "$.fits")
    for i, fit in enumerate(found.fits):
        if not _PLACE.fullmatch(fit.folder) or fit.folder.endswith(("/..", "/.")):
            raise BadFile(path, f"{fit.folder!r} is not a run beside it or in it", f"$.fits[{i}]")
        if fit.folder in [other.folder for other in found.fits[:i]]:
            raise BadFile(path, f"joins {fit.folder!r} twice", f"$.fits[{i}]")
    return found


def read_metrics(folder: Path) -> Metrics:
    """Read the numbers of all fits together.

    Raises
    ------
    Damaged
        If they cannot be read.
    """
    found = read_json(folder, record.METRICS, Metrics)
    if found.headline not in found.pooled:
        fault = f"has no value for its headline {found.headline!r}"
        raise BadFile(folder / record.METRICS, fault, "$.pooled")
    for name, estimate in found.pooled.items():
        if len(estimate.fits) != len(found.pooled[found.headline].fits):
            fault = "does not have a value of every fit"
            raise BadFile(folder / record.METRICS, fault, f"$.pooled[{name!r}].fits")
    return found


def write_joined(folder: Path, joined: Joined, metrics: Metrics, page: str = "") -> None:
    """Write the folder and seal it; without a page where nobody will read one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / record.CHECKSUMS).unlink(missing_ok=True)
    write_whole(folder / ENTRY, text_of(joined))
    write_whole(folder / record.METRICS, text_of(metrics))
    if page:
        write_whole(folder / record.REPORT, page)
    record.seal(folder)


def text_of(value: Joined | Metrics) -> bytes:
    """Return what is written of a value, byte for byte."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
