"""Small folds with known truth, and random ones with answers, for the tests of score files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from harness.data.records import Fold, Record
from harness.tasks.answers import Answer

FOLDS = (
    Fold(
        name="1",
        train=("t.png",),
        probes=("p1.png", "p2.png"),
        gallery=("a.png", "b.png", "c.png"),
        mates=frozenset({("p1.png", "a.png"), ("p2.png", "b.png")}),
    ),
    Fold(
        name="2",
        train=("p1.png",),
        probes=("q1.png",),
        gallery=("d.png", "c.png"),
        mates=frozenset({("q1.png", "d.png")}),
    ),
)
ONE = FOLDS[:1]

IMAGES = (Fold(name="1", train=(), probes=("i1.png", "i2.png", "i3.png")),)

_TATTOOS = (
    *(("p1.png", "rose"), ("a.png", "rose"), ("p2.png", "skull"), ("b.png", "skull")),
    *(("c.png", "koi"), ("q1.png", "star"), ("d.png", "star"), ("t.png", "sun"), ("e.png", "sun")),
)
RECORDS = {name: Record(name, Path(name), tattoo=tattoo) for name, tattoo in _TATTOOS}


def written(folder: Path, name: str, *lines: str) -> Path:
    """Write lines to a file and return its path."""
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


# What data sets refuse in names, and what only some formats cannot carry.
LETTERS = st.characters(codec="utf-8", categories=["L", "N", "P", "S"], exclude_characters="|")
PLAIN_NAMES = st.text(LETTERS, min_size=1, max_size=6).map(lambda text: f"{text}.png")
SPACED_NAMES = st.builds("{} {}.png".format, st.text(LETTERS, min_size=1, max_size=4), PLAIN_NAMES)
SCORES = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 0.5, 1.0])


@st.composite
def answered(
    draw: st.DrawFn, names: st.SearchStrategy[str], *, folds: int = 2, mates: int = 2
) -> tuple[list[Fold], list[Answer]]:
    """Folds with identities of at most `mates` references, and answers with failures."""
    asked, answers = [], []
    known = draw(st.lists(names, min_size=6 * folds, max_size=9 * folds, unique_by=_normal))
    share = len(known) // folds
    for number in range(folds):
        part = known[number * share : (number + 1) * share]
        split = draw(st.integers(2, len(part) - 2))
        probes, gallery = part[:split], part[split:]
        groups = [gallery[i : i + mates] for i in range(0, len(gallery), mates)]
        pairs = {
            (probe, reference)
            for probe in probes
            for reference in draw(st.sampled_from([[], *groups]))
        }
        asked.append(
            Fold(str(number + 1), (), tuple(probes), tuple(gallery), mates=frozenset(pairs))
        )
        # One of each side stays, as a file without any comparison is refused.
        lost = draw(st.sets(st.sampled_from([*probes[1:], *gallery[1:]]), max_size=3))
        shape = (len(probes), len(gallery))
        values = draw(st.lists(SCORES, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
        scores = np.array(values).reshape(shape)
        scores[[i for i, name in enumerate(probes) if name in lost]] = np.nan
        scores[:, [j for j, name in enumerate(gallery) if name in lost]] = np.nan
        answers.append(Answer(scores, dict.fromkeys(lost, "too dark")))
    return asked, answers


def _normal(name: str) -> str:
    from harness.data.paths import canonical

    return canonical(name)
