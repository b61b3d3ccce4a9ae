"""Names that data files give to images, turned into paths that stay inside the data set's root.

A list or manifest comes from elsewhere, so a name in it is not trusted: it may not be absolute,
climb with ``..``, or reach a file through a symbolic link that leads out of the root.

Letters such as é exist as one code point or as a letter with an accent after it (NFC and NFD); an
archive made on one system and unpacked on another mixes the two. Names are compared in NFC, and a
file is found under either spelling.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

from harness.errors import HarnessError

__all__ = ["BadNameError", "Root", "canonical", "unwritable"]

LONGEST_PART, LONGEST_PATH = 255, 4095
"""Bytes of a name in a folder, and of a whole path, on every system that is known here."""


class BadNameError(HarnessError):
    """A name that is no path inside the root; the message continues ``'name' ...``."""


def canonical(name: str) -> str:
    r"""Return a name in the form that names are compared in: Unicode NFC, ``/`` between folders.

    >>> canonical("cafe\u0301/a.png") == "caf\u00e9/a.png"
    True
    >>> canonical("./a//b.png")
    'a/b.png'
    """
    parts = [part for part in unicodedata.normalize("NFC", name).split("/") if part != "."]
    start = "/" if name.startswith("/") else ""
    return start + "/".join(part for part in parts if part)


def unwritable(name: str) -> str | None:
    """Return why candidate lists and result files could not carry a name, or None if they can."""
    if "|" in name:
        return "contains '|', which separates columns in candidate lists"
    if re.search(r"[\x00-\x1f\x7f-\x9f]", name):
        return "contains a control character"
    if re.search(r"[\ud800-\udfff]", name):
        return "is not valid Unicode"
    return None


class Root:
    """A folder that no path of a data set may leave.

    Parameters
    ----------
    folder
        Of the data set; it may itself be reached through a symbolic link.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._real = folder.resolve()
        self._parents: dict[Path, bool] = {}
        self._listed: dict[Path, dict[str, str]] = {}

    def file(self, name: str, *, under: str = "", carried: bool = True) -> Path:
        """Return the path of a named file, which need not exist.

        Parameters
        ----------
        name
            As a list or manifest writes it, with ``/`` between folders.
        under
            Folder inside the root that the name is relative to.
        carried
            Whether result files will carry the name, so that it must be one they can; False where
            a record has another name than its file.

        Raises
        ------
        BadNameError
            If the path is not inside the root.
        """
        fault = unwritable(name) if carried else "contains a NUL" if "\0" in name else None
        if fault:
            raise BadNameError(fault)
        parts = canonical(name).split("/")
        if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:[\\/]", name):
            raise BadNameError("is an absolute path; names are relative to the data set")
        if ".." in re.split(r"[\\/]", name):
            raise BadNameError("climbs out of its folder with '..'")
        if parts == [""]:
            raise BadNameError("is empty")
        if any(_bytes(part) > LONGEST_PART for part in name.split("/")):
            raise BadNameError(f"has a part longer than a name may be ({LONGEST_PART} bytes)")
        base = self.folder / under
        path = base / name
        if not os.path.lexists(path):
            path = self._other_spelling(base, parts) or path
        if _bytes(str(path)) > LONGEST_PATH:
            raise BadNameError(f"is longer than a path may be ({LONGEST_PATH:,} bytes)")
        if not self.holds(path):
            raise BadNameError(f"leads out of {self.folder} through a symbolic link")
        return path

    def has(self, name: str) -> bool:
        """Return whether there is a file of just this name."""
        try:
            return os.path.lexists(self.folder / name)
        except ValueError:  # a NUL, or half a character
            return False

    def in_other_case(self, name: str) -> str | None:
        """Return the one name of a file that differs in letter case at most.

        None where there is no such file, or several that differ from the name and each other.
        """
        parts = canonical(name).split("/")
        if "\0" in name or ".." in parts or name.startswith("/"):
            return None
        here: list[str] = []
        for part in parts:
            alike = [one for one in self.names(self.folder.joinpath(*here)) if _alike(one, part)]
            exact = [one for one in alike if canonical(one) == part]
            if len(exact or alike) != 1:
                return None
            here.append((exact or alike)[0])
        return "/".join(canonical(part) for part in here)

    def names(self, folder: Path) -> list[str]:
        """Return what lies in a folder, sorted; nothing where it cannot be read."""
        return list(self._listing(folder).values())

    def _listing(self, folder: Path) -> dict[str, str]:
        if folder not in self._listed:
            try:
                names = sorted(os.listdir(folder))  # noqa: PTH208 - names, not paths
            except OSError:
                names = []
            self._listed[folder] = {canonical(name): name for name in names}
        return self._listed[folder]

    def holds(self, path: Path) -> bool:
        """Return whether a path is inside the root once symbolic links are followed."""
        if path.is_symlink():
            return self._inside(path)
        parent = path.parent
        if parent not in self._parents:
            self._parents[parent] = self._inside(parent)
        return self._parents[parent]

    def _inside(self, path: Path) -> bool:
        try:
            return path.resolve().is_relative_to(self._real)
        except (OSError, RuntimeError):  # a loop of links leads nowhere
            return False

    def _other_spelling(self, base: Path, parts: list[str]) -> Path | None:
        """Return the existing path whose parts are canonically the same, or None."""
        here = base
        for part in parts:
            found = self._listing(here).get(part)
            if found is None:
                return None
            here = here / found
        return here


def _alike(left: str, right: str) -> bool:
    return canonical(left).casefold() == canonical(right).casefold()


def _bytes(name: str) -> int:
    return len(name.encode("utf-8", "surrogatepass"))
