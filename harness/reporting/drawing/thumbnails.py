"""Pictures for a page: small, embedded, each fetched once, all together within a budget."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence

from harness.data.records import Record
from harness.data.words import is_description, read_words
from harness.errors import HarnessError

SIDE = 240
"""Pixels of the longer side: enough to judge a tattoo, enlarged by the reader."""

SMALLER = (200, 160, 128, 96)
"""Sides that are tried in turn where pictures of `SIDE` would make the page too heavy."""

PICTURE_BYTES = 1_500_000
"""Of all pictures of a page together, so that it is easy to mail: with its text it stays below
2 MB. Pictures beyond this become placeholders."""


def thumbnails(records: Mapping[str, Record]) -> Callable[[str], bytes | None]:
    """Return what gives the JPEG thumbnail of a record by name; None where it is not at hand."""
    from harness.data.images import decode, encode_thumbnail

    def picture(name: str) -> bytes | None:
        shown = records.get(name)
        if shown is None:
            return None
        try:
            return encode_thumbnail(decode(shown.path), SIDE)
        except (HarnessError, OSError):
            return None

    return picture


def words_in(records: Mapping[str, Record], name: str) -> str:
    """Return the words of a description; empty for a picture, or where they are not at hand."""
    shown = records.get(name)
    if shown is None or not is_description(shown.path):
        return ""
    try:
        return read_words(shown.path)
    except HarnessError:
        return ""


class Pictures:
    """Thumbnails as data addresses, all of one size, as large as the page can carry.

    Parameters
    ----------
    picture
        Returns the JPEG of a record by its name, or None.
    names
        Names of all that will be shown, as often as they will be: the largest of `SIDE` and
        `SMALLER` is taken at which they stay within `PICTURE_BYTES`. Without names it is `SIDE`.
    used
        Bytes that other pictures of the page take.
    """

    def __init__(
        self,
        picture: Callable[[str], bytes | None],
        names: Sequence[str] = (),
        used: int = 0,
    ) -> None:
        self._picture = picture
        self._left = max(0, PICTURE_BYTES - used)
        self._known: dict[str, str | None] = {}
        whole = {name: picture(name) for name in dict.fromkeys(names)}
        for side in (SIDE, *SMALLER):
            sized = whole if side == SIDE else {n: smaller(d, side) for n, d in whole.items()}
            self._known = {name: data_address(data) for name, data in sized.items()}
            if sum(len(self._known[name] or "") for name in names) <= self._left:
                break

    def address(self, name: str) -> str | None:
        """Return a picture's ``data:`` address, or None where there is none to show."""
        if name not in self._known:
            self._known[name] = data_address(self._picture(name))
        found = self._known[name]
        # A picture costs its bytes every time it is shown.
        if found is None or len(found) > self._left:
            return None
        self._left -= len(found)
        return found


def data_address(data: bytes | None, kind: str = "jpeg") -> str | None:
    """Return the ``data:`` address of a picture; None without one."""
    return None if data is None else f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def smaller(data: bytes | None, side: int) -> bytes | None:
    """Return a JPEG made smaller, its longer side at most `side` pixels; as it is where it is not.

    What cannot be read stays as it is, too.
    """
    import PIL.Image

    if data is None:
        return None
    out = io.BytesIO()
    try:
        with PIL.Image.open(io.BytesIO(data)) as picture:
            if max(picture.size) <= side:
                return data
            picture.thumbnail((side, side), PIL.Image.Resampling.LANCZOS)
            picture.save(out, "JPEG", quality=82, optimize=True)
    except OSError:
        return data
    return out.getvalue()
