"""Short names of run folders: `latest`, `PROTOCOL/ALGORITHM` for the latest run of the two, or a
file with what `harness run --json` printed.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from harness.errors import RunFailed, UsageError, nearest
from harness.plugins.places import CHECKSUMS

RUNS = Path("runs")
"""Where `harness run` puts run folders without ``--out``, and where short names are found."""

LATEST = "latest"
_HASHES = re.compile(r"(-x\d+)?-[0-9a-f]{10}(-[0-9a-f]{6})?$")


def folder_of(text: str, runs: Path = RUNS) -> Path:
    """Return the run folder that a text names.

    Parameters
    ----------
    text
        A path; ``latest`` for the run that was finished last; or a protocol and an algorithm with a
        slash between them, for the last finished run of the two; or a JSON file that `harness run
        --json` wrote, for its run.
    runs
        Where short names are found.

    Returns
    -------
    Path
        The text itself, as a path, where it is one or looks like one.

    Raises
    ------
    UsageError
        If it is a short name and there is no finished run of that name, or a JSON file that names
        no run, or several.
    RunFailed
        If the run of a JSON file failed.
    """
    path = Path(text)
    if path.suffix == ".json" and path.is_file():
        return _folder_in(path)
    if path.exists() or not re.fullmatch(rf"{LATEST}|[\w.+:-]+/[\w.-]+", text):
        return path
    names = finished_runs(runs)
    finished = finished_folders(runs)
    if text == LATEST and finished:
        return finished[-1]
    for name in (text, text.replace("_", "-")):  # of a file my_matcher.py
        if name in names:
            return names[name]
    if text != LATEST and path.parent.is_dir():
        return path  # a folder that is missing, as the command itself will say
    known = f" Known: {', '.join(sorted(names))}." if names else ""
    raise UsageError(
        f"there is no run folder {text!r}, and below {runs} no finished run of that name."
        f"{nearest(text, names)}{known}"
    )


def _folder_in(file: Path) -> Path:
    """Return the folder of the one run, or of the one entry of several fits, in a JSON file."""
    if not file.stat().st_size:
        raise RunFailed(f"{file} is empty: the run ended before it was done, as its log says")
    try:
        said = json.loads(file.read_bytes())
        failed = [str(one["error"]) for one in said.get("failed", [])]
        failed += [str(one["text"]) for one in said.get("findings", [])]
        folders = [str(one["folder"]) for one in said.get("entries") or said["runs"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(
            f"{file} is not what `harness run --json` prints; write that to a file, or name the "
            "run folder"
        ) from None
    if failed:
        raise RunFailed(f"by {file} a run failed: {failed[0]}")
    if len(folders) != 1:
        what = f"{len(folders)} runs: {', '.join(folders[:5])}" if folders else "no run"
        raise UsageError(f"{file} names {what}; name the folder of one")
    return Path(folders[0])


def finished_runs(runs: Path) -> dict[str, Path]:
    """Return the latest finished run by its short name, ``PROTOCOL/ALGORITHM``."""
    return {
        f"{folder.parent.name}/{_algorithm(folder)}": folder for folder in finished_folders(runs)
    }


def finished_folders(runs: Path) -> list[Path]:
    """Return the folders of finished runs, the latest last."""
    finished = [
        (seal.lstat().st_mtime_ns, str(seal.parent), seal.parent)
        for seal in runs.glob(f"*/*/{CHECKSUMS}")  # written last, once a run is finished
    ]
    return [folder for _, _, folder in sorted(finished)]


def _algorithm(folder: Path) -> str:
    """Return the algorithm that a run folder is named after: all before its hashes."""
    return _HASHES.sub("", folder.name)
