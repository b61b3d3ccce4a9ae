"""Baselines: the run that a gate compares with, kept whole, and moved on command alone.

::

    baselines/NAME/baseline.json   which run it is, who chose it, when and why; and the earlier ones
    baselines/NAME/.gitattributes  tells git to check files out as they are
    baselines/NAME/run/            what a gate needs of that run: manifest, protocol, truth, answers

The folder is small and meant to be committed, so that CI has it where no run was kept.
"""

from __future__ import annotations

import getpass
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import msgspec

from harness.data.whole_files import write_whole
from harness.errors import Damaged, UsageError, nearest, visible
from harness.record import record
from harness.record.files import read_json
from harness.record.joined import (
    INSIDE,
    fits_of,
    is_joined,
    read_joined,
    read_metrics,
    write_joined,
)
from harness.record.manifest import now

FILE, RUN = "baseline.json", "run"
PLACE = Path("baselines")
ATTRIBUTES, AS_THEY_ARE = ".gitattributes", "* -text\n"
"""Tells git to leave line ends alone: checksums are of bytes."""


class Choice(msgspec.Struct):
    """A run that somebody chose as baseline.

    Parameters
    ----------
    identity, protocol, algorithm, finished
        Of the run; of several fits the hash of what joins them, and the first.
    fits
        How many fits were chosen.
    value
        Of the headline metric, whose id is `metric`.
    source
        Folder that it was taken from.
    who, when, why
        Who chose it, when (UTC, ISO 8601), and the reason given.
    """

    identity: str
    protocol: str
    algorithm: str
    finished: str
    metric: str
    value: float | None
    source: str
    who: str
    when: str
    why: str
    fits: int = 1


class Baseline(msgspec.Struct):
    """The content of ``baseline.json``: the choice in force, and the earlier ones, newest first."""

    format: int
    name: str
    current: Choice
    earlier: list[Choice] = []


def set_baseline(run: Path, name: str, reason: str, place: Path = PLACE) -> Baseline:
    """Make a run the baseline of that name, whatever it was before.

    Parameters
    ----------
    run
        Folder of a finished run.
    name
        Letters, digits, ``-``, ``_`` and ``.``.
    reason
        The reason, for those who read the history.
    place
        Folder of all baselines.

    Raises
    ------
    UsageError
        If the folder is not a run, the name impossible or the reason empty.
    Damaged
        If the run is not whole.
    """
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise UsageError(f"--name {name!r} should be letters, digits, '-', '_' and '.'")
    if not reason.strip():
        raise UsageError("--why is empty: say why the baseline moves, for those who come after")
    fits = fits_of(run)
    for fit in fits:
        record.check_answers(fit)
    read = record.read_run(fits[0])
    metrics = read_metrics(run) if is_joined(run) else read.judge().metrics
    manifest = read.manifest
    folder = place / name
    earlier: list[Choice] = []
    if (folder / FILE).exists():
        before = read_baseline(folder)
        earlier = [before.current, *before.earlier]
    headline = metrics.headline
    chosen = Choice(
        identity=_identity_in(run),
        protocol=manifest.origin.protocol,
        algorithm=manifest.origin.algorithm,
        finished=manifest.finished,
        fits=len(fits),
        metric=headline,
        value=metrics.pooled[headline].value,
        source=str(run),
        who=who(),
        when=now(),
        why=reason.strip(),
    )
    _take(run, folder)
    write_whole(folder / ATTRIBUTES, AS_THEY_ARE)
    found = Baseline(1, name, chosen, earlier)
    write_whole(folder / FILE, msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    return found


def read_baseline(folder: Path) -> Baseline:
    """Read the history of a baseline, and check that its run is the one in force.

    Raises
    ------
    Damaged
        If a file cannot be read, or the run is another than the history says.
    """
    try:
        found = read_json(folder, FILE, Baseline)
        identity = _identity_in(folder / RUN)
    except (Damaged, UsageError) as reason:
        raise Damaged(f"{visible(str(folder))} is not a whole baseline: {reason}") from None
    if identity != found.current.identity:
        raise Damaged(
            f"{folder / RUN} is run {visible(identity[:10])}, and {FILE} names "
            f"{visible(found.current.identity[:10])}; set the baseline again"
        )
    return found


def known_baselines(place: Path = PLACE) -> list[str]:
    """Return the names of all baselines in a folder."""
    return sorted(file.parent.name for file in place.glob(f"*/{FILE}"))


def run_of(text: str, place: Path = PLACE) -> Path:
    """Return the run folder that ``--baseline`` means: a run, a baseline's folder, or its name.

    Raises
    ------
    UsageError
        If there is none.
    Damaged
        If the baseline is not whole.
    """
    given = Path(text)
    for folder in (given, given.parent if given.name == FILE else given, place / text):
        if (folder / FILE).exists():
            read_baseline(folder)
            return folder / RUN
    if given.is_dir():
        return given
    known = known_baselines(place)
    raise UsageError(
        f"there is no run folder and no baseline {text!r}.{nearest(text, known)} "
        f"`harness baseline set RUN --name {given.name or 'NAME'} --why ...` makes one."
    )


def who() -> str:
    """Return the name that git knows of whoever is at work, or that of the account."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            ["git", "config", "user.name"],  # noqa: S607 - found on PATH, as git is
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        if done.stdout.strip():
            return done.stdout.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _take(run: Path, folder: Path) -> None:
    """Copy what a gate needs, and let it take the place of what was there in one step."""
    part, old = folder / f"{RUN}.new", folder / f"{RUN}.old"
    for left in (part, old):
        shutil.rmtree(left, ignore_errors=True)
    part.mkdir(parents=True)
    if is_joined(run):
        joined = read_joined(run)
        for fit, place in zip(joined.fits, fits_of(run), strict=True):
            fit.folder = f"{INSIDE}/{place.name}"
            _copy(place, part / fit.folder)
        write_joined(part, joined, read_metrics(run))
    else:
        _copy(run, part)
    if (folder / RUN).exists():
        (folder / RUN).rename(old)
    part.rename(folder / RUN)
    shutil.rmtree(old, ignore_errors=True)


def _copy(run: Path, part: Path) -> None:
    """Copy what a gate needs of a run."""
    for name in record.read_checksums(run):
        if record.is_source(name):
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(run / name, part / name)
    # Where the images lie names a machine and an account, and a gate does not look at them.
    manifest = record.read_run(part).manifest
    manifest.dataset["path"] = "."
    record.write_manifest(part, manifest)
    record.seal(part)


def _identity_in(folder: Path) -> str:
    """Return the identity of a run, or the hash of what joins several."""
    if is_joined(folder):
        return read_joined(folder).hash
    return record.read_manifest(folder).identity
