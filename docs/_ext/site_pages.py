"""What the build makes itself: the reference in `docs/reference`, and the gallery."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any, ClassVar

import algorithm_pages
import command_pages
import gallery
import metric_pages
import protocol_pages
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from writing import Shelf

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "described"
GALLERY = ROOT / "build" / "gallery"


class Shot(SphinxDirective):
    """``{shot} NAME``: a picture that `pictures.py` took, light or dark as the reader's page.

    The content is its description, for those who do not see it.
    """

    required_arguments: ClassVar[int] = 1
    has_content: ClassVar[bool] = True

    def run(self) -> list[nodes.Node]:
        """Return both pictures, of which the style sheet shows one."""
        return [
            nodes.image(
                uri=f"/pictures/{self.arguments[0]}-{scheme}.webp",
                alt=" ".join(self.content),
                classes=[f"only-{scheme}", "shot"],
            )
            for scheme in ("light", "dark")
        ]


def setup(app: Sphinx) -> dict[str, bool | int]:
    """Let Sphinx make the pages before it reads any."""
    app.add_directive("shot", Shot)
    app.connect("builder-inited", _write)
    app.connect("source-read", _of_the_project)
    app.connect("html-page-context", _for_all_readers, priority=900)
    # After a change of what makes pages, all of them are made again.
    made_by = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return {
        "env_version": zlib.crc32(made_by),
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }


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


OF_THE_PROJECT = {"contributing": "CONTRIBUTING.md", "changes": "CHANGELOG.md"}
"""Files beside the documentation that are pages of it, by the name of the page."""


def _of_the_project(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the text of a file of the project in the place of its page, with links that fit there."""
    if page not in OF_THE_PROJECT:
        return
    path = ROOT / OF_THE_PROJECT[page]
    text = path.read_text(encoding="utf-8").replace("](docs/", "](")
    for other, name in OF_THE_PROJECT.items():
        text = text.replace(f"]({name}", f"]({other}.md")
    app.env.note_dependency(str(path))
    source[0] = text


def _for_all_readers(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Let keys reach what scrolls, and say the level of headings that the theme makes."""
    if isinstance(context.get("body"), str):
        for scrolls in ("<pre", '<div class="table-wrapper', '<div class="cell_output'):
            tag = scrolls.split()[0]
            context["body"] = context["body"].replace(
                scrolls, scrolls.replace(tag, f'{tag} tabindex="0"')
            )
    if isinstance(context.get("furo_navigation_tree"), str):
        context["furo_navigation_tree"] = context["furo_navigation_tree"].replace(
            'role="heading"', 'role="heading" aria-level="2"'
        )
