"""What captures are drawn by where no data set is read: a generator and a recipe, as facts."""

from __future__ import annotations

import msgspec


class Drawing(msgspec.Struct, frozen=True):
    """What draws; `harness.synthesis.drawn` makes it, and captures by it.

    Parameters
    ----------
    generator, file, source
        Its name, its file, and the SHA-256 of its source.
    recipe
        All that it is asked for, as JSON.
    identities, captures
        Tattoos of the set, and captures of each.
    digest
        SHA-256 of all that a capture depends on, and of how many the set has.
    """

    generator: str
    file: str
    source: str
    recipe: str
    identities: int
    captures: int
    digest: str

    @property
    def count(self) -> int:
        """Captures of the set."""
        return self.identities * self.captures
