"""What the build makes itself: the reference in `docs/reference`, and the gallery."""

from __future__ import annotations

from pathlib import Path

import algorithm_pages
import command_pages
import gallery
import metric_pages
import protocol_pages
from sphinx.application import Sphinx
from writing import Shelf

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "described"
GALLERY = ROOT / "build" / "gallery"


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx make the pages before it reads any."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write(app: Sphinx) -> None:
    shelf = Shelf(Path(app.srcdir) / "reference")
    algorithms = algorithm_pages.described(KEPT)
    metric_pages.write(shelf)
    protocol_pages.write(shelf, algorithms)
    algorithm_pages.write(shelf, algorithms)
    algorithm_pages.write_generators(shelf)
    command_pages.write(shelf)
    gallery.make(GALLERY)
    gallery.write(shelf, GALLERY)
    shelf.clear()
