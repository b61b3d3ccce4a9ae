"""What witnesses say of a tattoo whose motifs, style and place are known: some exactly, some not.

Nothing that is said is wrong, and nothing is stated that the words do not say: which pictures of a
set fit a description is then known exactly.
"""

from __future__ import annotations

from typing import NamedTuple

from harness.synthesis.grammar import with_articles
from harness.synthesis.streams import stream

__all__ = ["Said", "witnesses"]

_EXACT = (
    "a {style} tattoo of {chief} on the {site}{rest}",
    "{chief}{rest}, tattooed on the {site} in {style} style",
    "I am sure: {chief}, {style}, and it was on the {site}{rest}",
)
_PARTLY = {
    "site": ("I saw {chief} on the {site}", "there was {chief}, on the {site} I believe"),
    "style": ("{chief} in {style} style", "it was a {style} tattoo with {chief}"),
}
_VAGUE = ("I only remember one thing: {tag}", "a tattoo: {tag}, I think", "no idea, {tag} perhaps")


class Said(NamedTuple):
    """A description, and what it states: cells of a manifest."""

    words: str
    tags: tuple[str, ...]
    style: str = ""
    site: str = ""


def witnesses(
    number: int, seed: int, identity: str, *, tags: tuple[str, ...], style: str = "", site: str = ""
) -> list[Said]:
    """Return what so many witnesses say: in turn exactly, in part, and vaguely.

    Parameters
    ----------
    number
        Of witnesses.
    seed, identity
        That their words are drawn by.
    tags
        Motifs of the tattoo, the chief one first; those after it may say more generally what it is.
    style, site
        Of it; empty where they are not known, and then nobody says them.

    Examples
    --------
    >>> known = {"tags": ("rose", "flower"), "style": "realism", "site": "wrist"}
    >>> exact, _, vague = witnesses(3, 0, "t1", **known)
    >>> exact.tags, exact.style, exact.site, vague.tags
    (('rose', 'flower'), 'realism', 'wrist', ('flower',))
    """
    found: list[Said] = []
    for k in range(number if tags else 0):
        rng = stream(seed, "witness", identity, k)
        chief, others = tags[:1], tags[1:]
        about = "site" if site and (not style or rng.random() < 0.5) else "style"
        if k % 3 == 0 and style and site:
            drawn = Said("", (*chief, *others[:1]), style, site)
            forms: tuple[str, ...] = _EXACT
        elif k % 3 < 2 and (style or site):
            drawn = Said("", chief, **{about: site if about == "site" else style})
            forms = _PARTLY[about]
        else:
            general = others or chief
            drawn = Said("", (general[int(rng.integers(len(general)))],))
            forms = _VAGUE
        words = forms[int(rng.integers(len(forms)))].format(
            chief=_thing(drawn.tags[0]),
            tag=_plain(drawn.tags[0]),
            rest="".join(f", {_plain(tag)}" for tag in drawn.tags[1:]),
            style=_plain(drawn.style),
            site=_plain(drawn.site),
        )
        found.append(drawn._replace(words=with_articles(words)))
    return found


def _plain(word: str) -> str:
    return word.replace("_", " ").replace("-", " ")


def _thing(tag: str) -> str:
    """Return a motif with its article, where it is not several things."""
    word = _plain(tag)
    several = word.endswith("s") and not word.endswith(("ss", "us"))
    return word if several else f"a {word}"
