"""What a run has stored, step by step, with its hash: nothing else is taken for done.

The journal lies in the run folder, which no fenced worker can write. Where there is no fence, what
this process remembers of its own steps is compared with the files once the last worker has ended,
and only what earlier processes noted is taken from the file: see docs/trust.md.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
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
    unit
        The only unit that is noted: by a process elsewhere, which has a file of its own in that
        unit's folder, until the process that leads the run has taken it over.
    """

    def __init__(self, run: Path, unit: str = "") -> None:
        self._run = run
        self._file = _file_of(run, unit) if unit else run / JOURNAL
        self._lock = threading.Lock()
        self._steps = _read(self._file)

    @classmethod
    def of(cls, run: Path, hashes: Mapping[str, str]) -> Journal:
        """Return one that knows these hashes, by ``unit/step``, whatever lies in the run folder."""
        found = cls(run)
        found._steps = dict(hashes)
        return found

    def note(self, unit: str, step: str) -> None:
        """Note what has just been stored."""
        self.add({f"{unit}/{step}": digest_of_folder(self._run / "units" / unit / step)})

    def add(self, hashes: Mapping[str, str]) -> None:
        """Note hashes by ``unit/step``."""
        with self._lock:
            self._steps |= hashes
            text = msgspec.json.encode(self._steps, order="sorted")
            write_whole(self._file, msgspec.json.format(text, indent=1) + b"\n")

    def take_over(self, unit: str) -> None:
        """Note what a process elsewhere noted of its unit, as far as that is there as it was."""
        file = _file_of(self._run, unit)
        noted = _read(file)
        there = {name: hashed for name, hashed in noted.items() if self._is_there(name, hashed)}
        if there:
            self.add(there)
        if there == noted:
            file.unlink(missing_ok=True)

    def has(self, unit: str, step: str) -> bool:
        """Return whether a step is stored as it was noted."""
        noted = self._steps.get(f"{unit}/{step}")
        return noted is not None and self._is_there(f"{unit}/{step}", noted)

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

    def _is_there(self, name: str, digest: str) -> bool:
        unit, _, step = name.partition("/")
        folder = self._run / "units" / unit / step
        return folder.is_dir() and digest_of_folder(folder) == digest


def _file_of(run: Path, unit: str) -> Path:
    return run / "units" / unit / JOURNAL


def _read(file: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}  # nothing is done yet, then


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
