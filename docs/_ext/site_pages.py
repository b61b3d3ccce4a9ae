"""What the build makes itself: the reference in `docs/reference`, and the gallery."""

from __future__ import annotations

import re
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
    app.connect("autodoc-process-signature", _arrays)
    app.connect("autodoc-process-docstring", _last_words, priority=100)
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


def _last_words(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Put a paragraph behind the sections of a docstring before them: it is no parameter."""
    parts = "\n".join(lines).rstrip().split("\n\n")
    last = parts[-1].split("\n")
    heads = [at for at, part in enumerate(parts) if re.match(r"\w+\n---", part)]
    if heads and heads[-1] < len(parts) - 1 and all(re.match(r"[A-Z][a-z]+ ", one) for one in last):
        parts.insert(heads[0], parts.pop())
        lines[:] = "\n\n".join(parts).split("\n")


ARRAY = re.compile(
    r"~?numpy\.ndarray\[tuple\[~?typing\.Any, \.\.\.\], ~?numpy\.dtype\[([~\w.]+)(\[[^\]]*\])?\]\]"
)
"""The type of an array, as NumPy spells it out."""


def _arrays(
    app: Sphinx, what: str, name: str, obj: object, options: object, *texts: str | None
) -> tuple[str | None, ...]:
    """Return a signature in which arrays are called as they are in the code."""
    return tuple(text and ARRAY.sub(r"~numpy.typing.NDArray[\1]", text) for text in texts)


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


SHELL = re.compile(
    r'(<div class="highlight-sh [^>]*><div class="highlight"><pre>)(.*?)</pre>', re.DOTALL
)
"""A block of commands, as Pygments writes it."""


WORD = re.compile(r'<span class="pre">([^<]{1,26})</span>')
"""A word of code within a sentence that a line has room for."""

NARROW = 13
"""Characters that a column of a table on a phone has room for."""


def _whole(word: re.Match[str]) -> str:
    """Return a word of code that stays whole: on a phone in tables, too, or elsewhere alone."""
    kind = "whole" if len(word[1]) <= NARROW else "whole wide"
    return f'<span class="pre {kind}">{word[1]}</span>'


OPTION = re.compile(r"(?<=>)([^<>\s]{0,30}-[^<>\s]{1,30})(?=<|\n)")
"""A word of a command that browsers would break at a hyphen."""


def _by_line(block: re.Match[str]) -> str:
    """Return a block of commands with a box for each line: the style sheet indents what wraps."""
    lines = OPTION.sub(r'<span class="whole">\1</span>', block[2]).removesuffix("\n").split("\n")
    return block[1] + "".join(f'<span class="line">{line}\n</span>' for line in lines) + "</pre>"


def _for_all_readers(
    app: Sphinx, page: str, template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Let keys reach what scrolls, commands wrap, and headings of the theme say their level."""
    if isinstance(context.get("body"), str):
        context["body"] = SHELL.sub(_by_line, context["body"])
        # The corner of a data frame is no head of anything.
        context["body"] = context["body"].replace("<th></th>", "<td></td>")
        context["body"] = WORD.sub(_whole, context["body"])
        for scrolls in ("<pre", '<div class="table-wrapper', '<div class="cell_output'):
            tag = scrolls.split()[0]
            context["body"] = context["body"].replace(
                scrolls, scrolls.replace(tag, f'{tag} tabindex="0"')
            )
    if isinstance(context.get("furo_navigation_tree"), str):
        context["furo_navigation_tree"] = context["furo_navigation_tree"].replace(
            'role="heading"', 'role="heading" aria-level="2"'
        )
