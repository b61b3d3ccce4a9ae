"""What every page is made with: the template engine, and the style, scripts and rules around it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from harness.plugins.places import bundled
from harness.record import provenance
from harness.record.manifest import value_text
from harness.reporting import wording

if TYPE_CHECKING:
    import jinja2
    from jinja2.bccache import Bucket
    from markupsafe import Markup


SCRIPTS = ("page.js", "viewer.js", "plots.js")
"""Of a page of one run, in this order: what copies and folds, pictures enlarged, plots read."""


_UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def seen(value: Any) -> Any:
    r"""Return a text with signs that nobody sees by their number; anything else as it is.

    Some of them turn the letters after them round, so that a name would show as another.

    >>> seen("a\u202egnp.exe")
    'a⟨U+202E⟩gnp.exe'
    """
    from markupsafe import Markup

    if not isinstance(value, str) or (value.isascii() and value.isprintable()):
        return value
    plain = _UNSEEN.sub(lambda sign: f"⟨U+{ord(sign[0]):04X}⟩", value)
    # What is put in needs no escaping, so what was markup still is.
    return Markup(plain) if isinstance(value, Markup) else plain  # noqa: S704


@cache
def _compiled() -> jinja2.BytecodeCache:
    """Return what keeps templates as they were compiled, for all pages that this process writes."""
    import jinja2

    class Kept(jinja2.BytecodeCache):
        """Code by template; a template whose text changed is compiled again."""

        code: ClassVar[dict[str, bytes]] = {}

        def load_bytecode(self, bucket: Bucket) -> None:
            if bucket.key in self.code:
                bucket.bytecode_from_string(self.code[bucket.key])

        def dump_bytecode(self, bucket: Bucket) -> None:
            self.code[bucket.key] = bucket.bytecode_to_string()

    return Kept()


def environment() -> jinja2.Environment:
    """Return the template engine: everything escaped, nothing undefined or unseen let through."""
    import jinja2  # not needed until a page is written

    engine = jinja2.Environment(
        loader=jinja2.FileSystemLoader(bundled("reports")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=seen,
        bytecode_cache=_compiled(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters.update(
        count=wording.count,
        percent=wording.percent,
        plain=wording.plain,
        value_text=value_text,
        score=wording.score,
        short=wording.short,
        fold=wording.fold,
        badge=provenance.badge,
        provenance=provenance.sentence,
        metric_label=wording.metric_label,
        whole_options=whole_options,
    )
    return engine


_OPTION = re.compile(r"--[a-z][a-z-]*(?: [a-z0-9-]+(?=[);.,]|$))?")


def whole_options(text: str) -> Markup:
    """Return a text in which options of the command line are never broken over two lines.

    >>> str(whole_options("run both with --repeats 5."))
    'run both with <span class="whole">--repeats 5</span>.'
    """
    from markupsafe import Markup, escape

    safe = str(escape(text))
    # Options are letters, digits, spaces and hyphens: the rest is escaped above.
    found = _OPTION.sub(lambda option: f'<span class="whole">{option[0]}</span>', safe)
    return Markup(found)  # noqa: S704


def surroundings(
    identity: str = "",
    scripts: Sequence[str] = SCRIPTS,
    live: bool = False,
    styles: Sequence[str] = ("style.css",),
    beside: Sequence[str] = (),
) -> dict[str, Any]:
    """Return ``page``, which `base.html.j2` needs: style, script and the rule that allows them.

    Parameters
    ----------
    identity
        Goes to the foot of every printed page; only letters and digits are taken.
    scripts
        Files of `reports/` that become the page's one script, in this order.
    live
        Whether the page may ask the server that it came from, and nothing else, for changes.
    styles
        Files of `reports/` that become the page's one style, in this order.
    beside
        Identities of further runs of which the page tells.
    """
    from markupsafe import Markup

    folder = bundled("reports")
    style = "".join((folder / name).read_text(encoding="utf-8") for name in styles)
    script = script_of(scripts)
    return {
        "style": Markup(style),  # noqa: S704 - our own files
        "script": Markup(script),  # noqa: S704 - our own files
        "script_hash": script_hash(script),
        # Identities go into the style, so they have to be what they claim to be.
        "runs": [one[:12] for one in dict.fromkeys([identity, *beside]) if one.isalnum()],
        "live": live,
    }


def script_of(scripts: Sequence[str] = SCRIPTS) -> str:
    """Return the text of a page's one script, made of files of `reports/` in their order."""
    return "".join((bundled("reports") / name).read_text(encoding="utf-8") for name in scripts)


def script_hash(script: str) -> str:
    """Return the source expression of a content security policy that lets one script run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
