"""What ``--algo exec:COMMAND`` names: the words of a command, and the files among them.

``tatte:LIBRARY`` is such a command, too: that of the driver which loads the library.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.data.whole_files import digest_of
from harness.errors import UsageError, some
from harness.plugins.programs.driver import HEADER, built, is_driver, made_of, was_driver

PREFIX = "exec:"
"""How the name of an algorithm begins that is a command."""

LIBRARY = "tatte:"
"""How the name of an algorithm begins that is a library for NIST's Tatt-E."""

MOST_FILES = 10_000
"""Files that a folder named in a command may hold."""

_INTERPRETER = re.compile(
    r"(python|pypy|perl|ruby|node|java|(ba|z|da|k)?sh|Rscript|julia|octave|matlab|dotnet)[\d.]*"
)
"""What runs the program that the next file of a command is, wherever it lies."""


@dataclass(frozen=True)
class Command:
    """A command that starts a program.

    Parameters
    ----------
    words
        Of it, with whole paths where a word is a file or a folder.
    files
        What words name, in their order: files and folders.
    """

    words: tuple[str, ...]
    files: tuple[Path, ...]

    @property
    def text(self) -> str:
        """The command as a shell takes it."""
        return shlex.join(self.words)

    @property
    def path(self) -> str:
        """What names it after ``--algo``."""
        return f"{LIBRARY}{self.words[1]}" if self.is_driven else f"{PREFIX}{self.text}"

    @property
    def is_driven(self) -> bool:
        """Whether it is a library behind a driver of ours."""
        return len(self.words) == 2 and is_driver(Path(self.words[0]))

    @property
    def file(self) -> Path:
        """The program's own file: of ``python3 match.py`` the second, of ``./match`` the first."""
        first = Path(self.words[0])
        if self.is_driven:
            return Path(self.words[1])
        later = [one for one in self.files[1:] if one.is_file()]
        runs_others = str(first.parent) in _system_folders() or _INTERPRETER.fullmatch(first.name)
        return later[0] if later and runs_others else first

    @property
    def name(self) -> str:
        """What the program is called where it is listed."""
        stem = self.file.stem.lower()
        if self.is_driven:
            stem = stem.removeprefix("lib")
        return re.sub(r"[^a-z0-9]+", "-", stem).strip("-") or "program"

    def hashes(self) -> dict[str, str]:
        """Return SHA-256 of every file that the command names, by its path.

        Paths are relative to the folder of the program's file where they lie below it.

        Raises
        ------
        UsageError
            If a folder holds more files than can be looked at.
        """
        home = self.file.resolve().parent
        found = {}
        for place in self.files[1 if self.is_driven else 0 :]:
            for file in files_of(place):
                path = file.resolve()
                inside = path.is_relative_to(home)
                key = path.relative_to(home).as_posix() if inside else str(path)
                found[key] = digest_of(path)
        return dict(sorted(found.items()))

    def digest(self) -> str:
        """Hash the words that name no file: other options are another program.

        Of a driver it is what it was made of: compilers need not write the same bytes twice.
        """
        if self.is_driven:
            return hashlib.sha256(made_of(Path(self.words[0])).encode()).hexdigest()
        words = [re.sub(r"^.*/", "", w) if _named_in(w) else w for w in self.words]
        return hashlib.sha256(shlex.join(words).encode()).hexdigest()


def is_command(name: str) -> bool:
    """Say whether the name of an algorithm is a command."""
    return name.startswith((PREFIX, LIBRARY))


def command_of(name: str) -> Command:
    """Read a command as a shell would, and find the files that it names.

    Parameters
    ----------
    name
        ``exec:COMMAND``, or ``tatte:LIBRARY``, whose driver is compiled where need be.

    Raises
    ------
    UsageError
        If there is no such command.
    """
    if name.startswith(LIBRARY):
        return _driven(name)
    text = name.removeprefix(PREFIX)
    try:
        words = shlex.split(text)
    except ValueError as reason:
        raise UsageError(f"--algo {name}: the command cannot be read: {reason}") from None
    if not words:
        raise UsageError(
            f"--algo {PREFIX} names no command; write {PREFIX}./program, or with options "
            f"'{PREFIX}./program --option value'"
        )
    found = shutil.which(words[0])
    if found is None:
        raise UsageError(f"--algo {name}: {_why_not(words[0])}")
    words[0] = os.path.abspath(found)  # noqa: PTH100 - a link stays: an environment's Python is one
    files = [Path(words[0])]
    for number, word in enumerate(words[1:], start=1):
        place = _named_in(word)
        if place is not None:
            whole = str(place.absolute())
            words[number] = word.removesuffix(str(_value(word))) + whole
            files.append(Path(whole))
    return Command(tuple(words), tuple(dict.fromkeys(files)))


def configured(command: str, assignments: Mapping[str, str]) -> str:
    """Return the command that values of parameters make of another: they may choose a driver.

    Parameters
    ----------
    command
        As a shell takes it.
    assignments
        Of ``--param``.
    """
    words = shlex.split(command)
    if len(words) == 2 and is_driver(Path(words[0])) and assignments.get(HEADER):
        words[0] = str(built(assignments[HEADER]))
    return shlex.join(words)


def moved(command: str, renamed: Callable[[str], str], header: str = "") -> str:
    """Return a command as another machine has it.

    Parameters
    ----------
    command
        As a shell takes it.
    renamed
        Returns what a whole path is called there.
    header
        That of a driver, as it is called there.

    Raises
    ------
    UsageError
        If the command is a driver's, and none can be compiled there: that of another machine may
        lie in another place, and be another.
    """
    words = shlex.split(command)
    if len(words) == 2 and was_driver(Path(words[0])):
        return shlex.join([str(built(header)), renamed(words[1])])
    found = []
    for word in words:
        value = _value(word)
        whole = Path(value).is_absolute()
        found.append(word.removesuffix(value) + renamed(value) if whole else word)
    return shlex.join(found)


def _driven(name: str) -> Command:
    """Return the command that loads a library."""
    text = name.removeprefix(LIBRARY)
    place = Path(text)
    if not text:
        raise UsageError(
            f"--algo {LIBRARY} names no library; write {LIBRARY}PATH, as in "
            f"{LIBRARY}build/libtatte_acme_001.so"
        )
    if not place.is_file():
        what = "is a folder; name the library in it" if place.is_dir() else "is not there"
        raise UsageError(f"--algo {name}: the library {text!r} {what}")
    driver, library = built(), place.absolute()
    return Command((str(driver), str(library)), (driver, library))


def _why_not(word: str) -> str:
    path = Path(word)
    if path.is_dir():
        return f"{word!r} is a folder; name the program in it"
    if path.is_file():
        return (
            f"{word!r} may not be executed: chmod +x {shlex.quote(word)}, or name what runs it "
            f"first, as in '{PREFIX}python3 {word}'"
        )
    if os.sep in word:
        return f"there is no program {word!r}"
    return f"no program is called {word!r}; one of a folder is named with it, as in ./{word}"


def _value(word: str) -> str:
    """Return what of a word may be a path: ``--model=FILE`` names one, too."""
    return word.partition("=")[2] if word.startswith("-") and "=" in word else word


def _named_in(word: str) -> Path | None:
    """Return the file or folder that a word names, if it names one."""
    value = _value(word)
    with suppress(OSError, ValueError):
        place = Path(value)
        if value not in ("", ".", "..", "/") and place.exists():
            return place
    return None


def _system_folders() -> set[str]:
    folders = os.environ.get("PATH", "").split(os.pathsep)
    return {os.path.abspath(one) for one in folders if one}  # noqa: PTH100 - as above


def files_of(place: Path) -> Iterator[Path]:
    """Yield a file, or the files below a folder in their order.

    Raises
    ------
    UsageError
        If a folder holds more files than can be looked at.
    """
    if place.is_file():
        yield place
        return
    count = 0
    for file in sorted(place.rglob("*")):
        if file.is_file():
            count += 1
            if count > MOST_FILES:
                raise UsageError(
                    f"{str(place)!r} holds more than {MOST_FILES:,} files, which would all belong "
                    "to the program; name the folder or file of its model"
                )
            yield file


def folder_digest(folder: Path) -> str:
    """Hash the files below a folder, with their paths in it.

    Raises
    ------
    UsageError
        If it holds more files than can be looked at.
    """
    lines = [f"{digest_of(one)}  {one.relative_to(folder).as_posix()}" for one in files_of(folder)]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def unknown(name: str) -> str:
    """Say what of a program is not known, of the name that it has on the command line."""
    command = command_of(name)
    if command.is_driven:
        return (
            f"the library {command.name!r} is known by its own bytes and by the files that its "
            "parameters name; what else it loads (other libraries) is not known, and may change "
            "without being another entry"
        )
    files = some(len(command.hashes()), "file")
    return (
        f"the program {command.name!r} is known by the {files} that its command names and by the "
        "version that it says; what else it loads (libraries, modules of an interpreter, models) "
        "is not known, and may change without being another entry"
    )


def words_of(text: str) -> Sequence[str]:
    """Return the words of a command that `command_of` made."""
    return shlex.split(text)
