"""The conditions of a run in one line, restated under every table as NIST does.

What is copied out of a report then still says what it was measured on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from harness.errors import some
from harness.record.manifest import Manifest
from harness.reporting.headline import galleries
from harness.reporting.wording import count

__all__ = ["conditions", "folds_in", "judged", "under_tables"]

HASH = 8
"""Digits of the hash of the data that tell two data sets apart."""

_NAMED = 3
"""Folds without numbers that are named one by one."""

_UNSAID = re.compile(r'</table>(?!\s*<p class="conditions">)')
"""Where a table ends that says nothing of conditions of its own."""


def judged(counts: Mapping[str, int]) -> str:
    """Return how much was judged, and in which roles.

    Parameters
    ----------
    counts
        Of a run's metrics.

    Examples
    --------
    >>> judged({"searches": 7, "identities": 1, "smallest_gallery": 2, "largest_gallery": 2})
    '7 searches, 1 identity, in galleries of 2'
    >>> judged({"images": 9, "mated_comparisons": 9, "nonmated_comparisons": 8})
    '9 images, 9 mated and 8 non-mated comparisons'
    >>> judged({"images": 9, "tattoo": 4, "non_tattoo": 5})
    '9 images (4 tattoo, 5 non-tattoo)'
    """
    parts = []
    if "mated_searches" in counts:
        parts.append(_both(counts, "searches"))
    elif "searches" in counts:
        parts.append(some(counts["searches"], "search", "searches"))
    elif "queries" in counts:
        parts.append(some(counts["queries"], "query", "queries"))
    if "searches" not in counts and "images" in counts:
        parts.append(some(counts["images"], "image"))
        if "tattoo" in counts and "non_tattoo" in counts:
            kinds = f"{count(counts['tattoo'])} tattoo, {count(counts['non_tattoo'])} non-tattoo"
            parts[-1] += f" ({kinds})"
    if "identities" in counts:
        parts.append(some(counts["identities"], "identity", "identities"))
    if "searches" not in counts and "mated_comparisons" in counts:
        parts.append(_both(counts, "comparisons"))
    if "references" in counts:
        parts.append(some(counts["references"], "reference"))
    return ", ".join(filter(None, [*parts, galleries(counts)]))


def _both(counts: Mapping[str, int], what: str) -> str:
    mated, others = counts[f"mated_{what}"], counts.get(f"nonmated_{what}", 0)
    return f"{count(mated)} mated and {count(others)} non-mated {what}"


def folds_in(names: Sequence[str], draws: int = 0) -> str:
    r"""Return which folds were judged, numbers in a row as their ends.

    Parameters
    ----------
    names
        Of the folds.
    draws
        Samples that were drawn from all of them; 0 where each was judged as it is.

    Examples
    --------
    >>> some_of_all = folds_in(["1", "2", "3"]), folds_in(["2"], 10), folds_in(["1", "4"])
    >>> [said.replace("\u00a0", " ") for said in some_of_all]
    ['folds 1–3', 'fold 2, 10 draws', 'folds 1, 4']
    """
    said = []
    if names:
        numbers = [int(name) for name in names if name.isdecimal()]
        in_a_row = len(numbers) == len(names) > 2 and all(b - a == 1 for a, b in pairwise(numbers))
        if in_a_row:
            said.append(f"folds\u00a0{names[0]}–{names[-1]}")
        elif len(names) == 1:
            said.append(f"fold\u00a0{names[0]}")
        elif len(names) <= _NAMED:
            said.append(f"folds {', '.join(names)}")
        else:
            said.append(f"{count(len(names))} folds")
    if draws:
        said.append(some(draws, "draw"))
    return ", ".join(said)


def conditions(manifest: Manifest, counts: Mapping[str, int]) -> str:
    """Return on what a run was measured, in one line.

    Parameters
    ----------
    manifest
        Of the run.
    counts
        Of its metrics.
    """
    origin = manifest.origin
    name = manifest.dataset.get("name") or "an unnamed data set"
    parts = [judged(counts), folds_in(origin.folds, counts.get("draws", 0))]
    if manifest.mated_by == "group":
        parts.append("mates are look-alikes")
    if origin.attack is not None:
        parts.append(f"probes retouched by {origin.attack.algorithm}")
    return f"{name}, data {origin.data_hash[:HASH]}: {', '.join(filter(None, parts))}."


def under_tables(content: Markup, line: str) -> Markup:
    """Return finished HTML with a line under every table that has none of its own.

    Parameters
    ----------
    content
        Of a section. Names in it are escaped, so nothing but a table ends as one.
    line
        Of `conditions`.

    Examples
    --------
    >>> str(under_tables(Markup("<table></table><p>x</p>"), "a < b"))
    '<table></table><p class="conditions">a &lt; b</p><p>x</p>'
    """
    said = f'</table><p class="conditions">{escape(line)}</p>'
    return Markup(_UNSAID.sub(lambda _: said, content))  # noqa: S704 - both parts are escaped
