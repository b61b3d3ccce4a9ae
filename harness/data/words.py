"""Descriptions: a witness's words in a text file, which stands in the place of a picture."""

from __future__ import annotations

from pathlib import Path

from harness.data.formats import UnreadableImage

__all__ = ["LONGEST", "SUFFIX", "is_description", "read_words", "words_fault"]

SUFFIX = ".txt"
"""By which a file is taken for a description: what ends in it is never decoded as a picture."""

LONGEST = 1 << 14
"""Bytes of a description: no witness says more of a tattoo."""


def is_description(path: Path | str) -> bool:
    """Return whether a file is a description, by the end of its name.

    >>> is_description("said/0001.TXT"), is_description("images/0001.jpg")
    (True, False)
    """
    return Path(path).suffix.lower() == SUFFIX


def read_words(path: Path) -> str:
    """Return the words of a description: one line, spaces between them.

    Raises
    ------
    UnreadableImage
        If the file cannot be read, is too long, is no UTF-8 text, or says nothing.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
        words = " ".join(content.decode("utf-8-sig").split())
    except OSError as reason:
        raise UnreadableImage(path, f"cannot be read: {reason.strerror or reason}") from None
    except UnicodeDecodeError as reason:
        raise UnreadableImage(path, f"is no UTF-8 text (byte {reason.start:,})") from None
    if len(content) > LONGEST:
        raise UnreadableImage(path, f"is longer than the {LONGEST:,} bytes of a description")
    if not words.isprintable():
        raise UnreadableImage(path, "holds characters that no text has")
    if not words:
        raise UnreadableImage(path, "says nothing: write the description into it")
    return words


def words_fault(path: Path) -> str | None:
    """Return why a file is no description, to follow its name in a sentence; None if it is one."""
    try:
        read_words(path)
    except UnreadableImage as fault:
        return fault.reason
    return None
