"""What a run has stored, step by step, with its hash: nothing else is taken for done.

The journal lies in the run folder, which no fenced worker can write. Where there is no fence, what
this process remembers of its own steps is compared with the files once the last worker has ended,
and only what earlier processes noted is taken from the file: see docs/trust.md.
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import msgspec

from harness.data.whole_files import digest_of, write_whole
from harness.errors import RunFailed

JOURNAL = "journal.json"


class Journal:
    """The hashes of the steps of a run, by their folder below ``units/``.

    Parameters
    ----------
    run
        The run folder.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._steps: dict[str, str] = {}
        try:
            content = (run / JOURNAL).read_bytes()
            self._steps = msgspec.json.decode(content, type=dict[str, str])
        except (OSError, msgspec.DecodeError):
            return  # nothing is done yet, then

    def note(self, unit: str, step: str) -> None:
        """Note what has just been stored."""
        digest = digest_of_folder(self._run / "units" / unit / step)
        with self._lock:
            self._steps[f"{unit}/{step}"] = digest
            text = msgspec.json.encode(self._steps, order="sorted")
            write_whole(self._run / JOURNAL, msgspec.json.format(text, indent=1) + b"\n")

    def has(self, unit: str, step: str) -> bool:
        """Return whether a step is stored as it was noted."""
        noted = self._steps.get(f"{unit}/{step}")
        folder = self._run / "units" / unit / step
        return noted is not None and folder.is_dir() and digest_of_folder(folder) == noted

    def hashes(self) -> dict[str, str]:
        """Return the noted hashes by ``unit/step``."""
        with self._lock:
            return dict(sorted(self._steps.items()))

    def check(self) -> None:
        """Refuse to go on where something changed after it had been stored.

        Raises
        ------
        RunFailed
            If it did.
        """
        for name in self.hashes():
            unit, step = name.split("/")
            if (self._run / "units" / unit).is_dir() and not self.has(unit, step):
                raise RunFailed(
                    f"{self._run / 'units' / name} changed after the harness had stored it: an "
                    "algorithm, or somebody else, wrote into the run folder. Remove the folder of "
                    "the run and run again"
                )


def digest_of_folder(folder: Path) -> str:
    """Return SHA-256 over the files of a folder: their names and their contents."""
    whole = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() or p.is_symlink()):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            whole.update(f"link  {name}\n".encode())
            continue
        whole.update(f"{digest_of(path)}  {name}\n".encode())
    return whole.hexdigest()
