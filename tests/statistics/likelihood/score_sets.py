"""Score sets with known answers, shared by the tests of likelihood ratios.

UNTIED and TIED were made for comparing packages, NONSEP is the set of that name of bob.measure
6.1.1 (BSD-3-Clause, tests/data/nonsep-*.hdf5). All three are read as natural-log LLRs. Their
answers are those of llreval and of lir 1.7.1 (Apache-2.0), which agree; only numbers were taken.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Pair(NamedTuple):
    """Mated and non-mated scores."""

    mated: Floats
    nonmated: Floats


def unfold(histogram: str) -> Floats:
    """Scores in tenths from ``score:count`` pairs."""
    pairs = [pair.split(":") for pair in histogram.split()]
    return np.array([int(score) / 10 for score, count in pairs for _ in range(int(count))])


_UNTIED = json.loads((Path(__file__).parent / "untied_scores.json").read_text(encoding="utf-8"))
UNTIED = Pair(np.array(_UNTIED["mated"]), np.array(_UNTIED["nonmated"]))
TIED = Pair(
    unfold(
        "-12:1 -9:1 -5:3 -3:2 -2:3 -1:3 0:5 2:4 3:3 4:2 5:4 6:5 7:2 8:6 9:4 10:4 11:3 12:8 13:6 "
        "14:5 15:3 16:3 17:5 18:6 19:5 20:1 21:3 22:3 23:3 24:2 25:3 26:2 27:1 28:2 32:1 33:1 42:1 "
        "44:1"
    ),
    unfold(
        "-31:1 -29:2 -28:1 -27:2 -26:2 -24:3 -23:1 -22:8 -21:3 -20:2 -19:5 -18:7 -17:6 -16:9 "
        "-15:10 -14:14 -13:12 -12:12 -11:12 -10:14 -9:11 -8:9 -7:11 -6:17 -5:24 -4:14 -3:13 -2:20 "
        "-1:11 0:13 1:17 2:14 3:13 4:11 5:11 6:11 7:15 8:2 9:3 10:6 11:5 12:4 13:3 14:5 15:2 16:1 "
        "17:2 19:2 20:1 23:1 24:1 25:1"
    ),
)
NONSEP = Pair(
    unfold(
        "49:1 50:2 51:1 52:1 54:1 55:5 56:5 57:5 58:3 59:2 60:4 61:4 62:2 63:3 64:2 65:1 66:2 67:3 "
        "68:1 69:1 70:1"
    ),
    unfold("43:1 44:3 45:1 46:4 47:2 48:5 49:4 50:8 51:8 52:3 53:1 54:5 55:2 57:2 58:1"),
)
