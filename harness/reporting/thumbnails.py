"""Pictures for a page: small, embedded, each fetched once, all together within a budget."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from harness.data.records import Record
from harness.errors import HarnessError

SIDE = 112
"""Pixels of the longer side."""

# Pictures beyond this many bytes become placeholders, so that a report stays easy to mail.
PICTURE_BYTES = 1_200_000


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


class Pictures:
    """Thumbnails as data addresses.

    Parameters
    ----------
    picture
        Returns the JPEG of a record by its name, or None.
    """

    def __init__(self, picture: Callable[[str], bytes | None]) -> None:
        self._picture = picture
        self._known: dict[str, str | None] = {}
        self._left = PICTURE_BYTES

    def address(self, name: str) -> str | None:
        """Return a picture's ``data:`` address, or None where there is none to show."""
        if name not in self._known:
            data = self._picture(name)
            self._known[name] = (
                f"data:image/jpeg;base64,{base64.b64encode(data).decode()}" if data else None
            )
        found = self._known[name]
        # A picture costs its bytes every time it is shown.
        if found is None or len(found) > self._left:
            return None
        self._left -= len(found)
        return found
