"""Writes a working file for someone to start from: behind `harness new`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template

from harness.errors import UsageError, nearest
from harness.plugins import scaffold_texts as texts
from harness.plugins.glancing import INIT
from harness.plugins.programs.starting_points import LANGUAGES
from harness.plugins.registry import find_protocol
from harness.tasks.reading import (
    parse_protocol,
    read_protocol,
)

__all__ = [
    "ABILITIES",
    "LANGUAGES",
    "Scaffold",
    "title_of",
    "words_of",
    "write_algorithm",
    "write_generator",
    "write_program",
    "write_protocol",
    "written",
]

NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")

TAKEN = {"False", "None", "True"} | {
    "Annotated", "Any", "Candidates", "ClassVar", "Control", "Detector",
    "FailureToEnroll", "Generated",
    "Generator", "Image", "Mask", "Matcher", "Meta", "Order", "Remover", "Scores",
    "Searcher", "Segmenter", "Tagger", "Template", "TrainingSet",
}  # fmt: skip
"""Class names that the files themselves need, or that Python does."""


@dataclass(frozen=True)
class Scaffold:
    """A kind of algorithm to start from.

    Parameters
    ----------
    text
        With ``title`` and ``classname`` to be filled in.
    protocol
        That it can be run on.
    """

    text: Template
    protocol: str


ABILITIES = {
    "matcher": Scaffold(texts.MATCHER, "similarity"),
    "searcher": Scaffold(texts.SEARCHER, "similarity"),
    "detector": Scaffold(texts.DETECTOR, "detection"),
    "tagger": Scaffold(texts.TAGGER, "tagging"),
    "segmenter": Scaffold(texts.SEGMENTER, "segmentation"),
    "remover": Scaffold(texts.REMOVER, "removal"),
    "control": Scaffold(texts.CONTROL, "similarity"),
}
"""By ability; a test holds its names to `harness.plugins.glancing.ABILITIES`."""


def write_algorithm(name: str, folder: Path, *, ability: str = "matcher") -> Path:
    """Write an algorithm file that works as it is and passes `harness check`.

    Parameters
    ----------
    name
        Its name on the command line: lower-case words joined by ``-`` or ``_``.
    folder
        Where to write it; made if it does not exist.
    ability
        A name in `ABILITIES`.

    Returns
    -------
    Path
        The new file.

    Raises
    ------
    UsageError
        If the name or ability is not allowed, or there is such a file already.
    """
    words = words_of(name, "an algorithm", "my-matcher")
    if ability not in ABILITIES:
        raise UsageError(
            f"no scaffold for ability {ability!r}.{nearest(ability, ABILITIES)} "
            f"Known: {', '.join(ABILITIES)}"
        )
    text = ABILITIES[ability].text.substitute(
        title=title_of(words), classname=_classname(words, "Algorithm")
    )
    return written(name, folder, ".py", text)


def write_program(name: str, folder: Path, *, language: str = "python") -> Path:
    """Write a program that speaks the line protocol, works as it is and passes `harness check`.

    Parameters
    ----------
    name, folder
        As for `write_algorithm`.
    language
        A name in `LANGUAGES`. What needs no compiler may be executed as it is.

    Raises
    ------
    UsageError
        If the name or the language is not allowed, or there is such a file already.
    """
    words = words_of(name, "a program", "my-program")
    if language not in LANGUAGES:
        raise UsageError(
            f"no program to start from in {language!r}.{nearest(language, LANGUAGES)} "
            f"Known: {', '.join(LANGUAGES)}"
        )
    ending, text = LANGUAGES[language]
    path = written(name, folder, ending, text.substitute(title=title_of(words), name=name))
    if language == "python":
        path.chmod(path.stat().st_mode | 0o111)
    return path


def write_generator(name: str, folder: Path) -> Path:
    """Write a generator of synthetic pictures that works as it is and passes `harness check`.

    Parameters
    ----------
    name, folder
        As for `write_algorithm`.

    Raises
    ------
    UsageError
        If the name is not allowed, or there is such a file already.
    """
    words = words_of(name, "a generator", "my-generator")
    text = texts.GENERATOR.substitute(
        title=title_of(words), classname=_classname(words, "Pictures")
    )
    return written(name, folder, ".py", text)


def write_protocol(name: str, folder: Path, *, origin: str, plugins: Iterable[Path] = ()) -> Path:
    """Write a protocol file with all that another one says, under a title of its own.

    Parameters
    ----------
    name, folder
        As for `write_algorithm`.
    origin
        Name or file of the protocol to start from.
    plugins
        Folders with further protocols.

    Raises
    ------
    UsageError
        If the name is not allowed or that of a protocol that there is, if there is such a file
        already, or if there is no protocol to start from.
    """
    words = words_of(name, "a protocol", "my-protocol")
    source = find_protocol(origin, plugins)
    try:
        find_protocol(name, plugins)
    except UsageError:
        pass
    else:
        raise UsageError(f"there is a protocol called {name!r} already; choose another name")
    read_protocol(source)
    text = source.read_text(encoding="utf-8")
    for key, value in (("version", 1), ("title", title_of(words))):
        # A key of the file itself stands before its first table.
        text = re.sub(
            rf"(?m)\A((?:(?!\[).*\n)*?){key} *=.*$", rf"\g<1>{key} = {json.dumps(value)}", text
        )
    intro = (
        f"# Made from {source.stem!r} by `harness new protocol`: change what is asked below, and\n"
        "# say in title and question what that is. Raise `version` when a number may change.\n"
    )
    made = parse_protocol((intro + text).encode(), name)
    if (made.title, made.version) != (title_of(words), 1):
        raise UsageError(
            f"{source}: write `version = ...` and `title = ...` each on a line of its own, so that "
            "the new protocol can have others"
        )
    return written(name, folder, ".toml", intro + text)


def words_of(name: str, what: str, example: str) -> list[str]:
    """Return the words of a name.

    Parameters
    ----------
    name
        Lower-case words joined by ``-`` or ``_``.
    what, example
        What it is the name of, and such a name, for the message.

    Raises
    ------
    UsageError
        If it cannot be the name of a file and of a class.

    Examples
    --------
    >>> words_of("two-words", "an algorithm", "mine")
    ['two', 'words']
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of {what}: use lower-case words joined by '-' or "
            f"'_', starting with a letter, as in {example!r}"
        )
    return re.split("[-_]", name)


def title_of(words: list[str]) -> str:
    """Return the words of a name as a title.

    >>> title_of(["two", "words"])
    'Two words'
    """
    return " ".join(words).capitalize()


def _classname(words: list[str], more: str) -> str:
    name = "".join(word.capitalize() for word in words)
    return name + more if name in TAKEN else name


def written(name: str, folder: Path, ending: str, text: str) -> Path:
    """Write a new file, never over another.

    Parameters
    ----------
    name, folder, ending
        Name of the file, where to write it, and what stands behind its name.
    text
        Its content.

    Raises
    ------
    UsageError
        If there is such a file already, or the folder is none.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is not a folder")
    # The harness takes `-` and `_` in file names to mean the same name.
    for spelling in dict.fromkeys([name, name.replace("-", "_"), name.replace("_", "-")]):
        for place in (folder / f"{spelling}{ending}", folder / spelling / INIT):
            if place.exists() and ending in place.name:
                raise UsageError(
                    f"{str(place)!r} exists already; choose another name or remove the file"
                )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}{ending}"
    # `x` refuses a file that appeared in the meantime.
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return path
