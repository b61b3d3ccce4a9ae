"""The section on likelihood ratios: what it must state, escaped, and drawn without faults."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from harness.reporting.drawing.forensic_figures import forensic_figures, ratio
from harness.reporting.sections.likelihood import (
    PROPOSITIONS,
    SAME_PERSON,
    SAME_TATTOO,
    Proposition,
    written,
)
from harness.statistics.estimate import Estimate
from harness.statistics.likelihood.assessment import assess
from harness.statistics.likelihood.calibration import CALIBRATORS
from harness.statistics.likelihood.crossfit import FoldScores
from tests.reporting.test_report import Page
from tests.statistics.likelihood.test_crossfit import make_fold, make_folds

EVIL = "<script>alert('x')</script> & \"quoted\" 刺青"


def section_of(
    folds: list[FoldScores], method: str = "logistic", proposition: Proposition = SAME_TATTOO
) -> str:
    return written(assess(folds, method, replicates=20), proposition, "triplet")


@pytest.mark.parametrize("method", list(CALIBRATORS))
def test_the_section_states_proposition_caution_and_calibration_data(method: str) -> None:
    folds = make_folds(3, 15)
    page = Page(section_of(folds, method))
    assert page.faults == page.open == []
    ids = [attributes.get("id") or "" for _, attributes in page.elements]
    assert max(Counter(filter(None, ids)).values()) == 1
    for sentence in (SAME_TATTOO.mated, SAME_TATTOO.nonmated, SAME_TATTOO.caution):
        assert sentence in page.text
    assert "0 1, 2 30" in page.text
    assert "fitted on the other folds only" in page.text
    for fold in assess(folds, method, replicates=20).folds:
        assert fold.calibrator in page.text
    figures = [name for name in ids if name.startswith("figure-")]
    assert figures == ["figure-tippett", "figure-ece", "figure-pav"]


def test_same_person_and_same_tattoo_are_told_apart() -> None:
    folds = make_folds(3, 15)
    tattoo, person = (section_of(folds, "pav", p) for p in (SAME_TATTOO, SAME_PERSON))
    assert "proposition “same tattoo”" in tattoo
    assert "proposition “same person”" in person
    assert {p.caution for p in PROPOSITIONS.values()} != {""}


def test_the_verdict_gives_cost_interval_and_what_no_evidence_costs() -> None:
    found = assess(make_folds(3, 15), replicates=20)
    cllr = found.estimates["cllr"]
    text = written(found, SAME_TATTOO, "triplet")
    assert f"cost {cllr.value:.3f} bits" in text
    assert f"{cllr.low:.3f} to {cllr.high:.3f}" in text
    assert "ratios that say nothing cost 1" in text


def test_ratios_that_say_nothing_are_called_so() -> None:
    text = section_of(make_folds(4, 25, shift=0.0))
    assert "cannot be told from ratios that say nothing" in text


def test_ratios_that_mislead_are_called_worse_than_none() -> None:
    found = assess(make_folds(3, 15), replicates=20)
    found.estimates["cllr"] = Estimate(1.4, 1.2, 1.6)
    assert "worse than none" in written(found, SAME_TATTOO, "triplet")


def test_failures_are_counted_and_explained() -> None:
    folds = make_folds(3, 15)
    scores = folds[0].mated.copy()
    scores[:2] = -math.inf
    page = Page(section_of([replace(folds[0], mated=scores), *folds[1:]]))
    assert "2 mated comparisons failed" in page.text


def test_no_text_gets_in_unescaped() -> None:
    folds = [make_fold(f"{EVIL}{i}", i, range(100 * i, 100 * i + 9)) for i in range(3)]
    evil = Proposition(EVIL, EVIL, EVIL, EVIL)
    text = written(assess(folds, replicates=10), evil, EVIL)
    assert "<script" not in text
    assert "&lt;script" in text


@pytest.mark.parametrize("scores", ["constant", "oracle", "reversed", "failed"])
@pytest.mark.parametrize("method", list(CALIBRATORS))
def test_odd_scores_are_drawn_without_a_number_that_is_none(method: str, scores: str) -> None:
    values = {"constant": (0, 0), "oracle": (1, 0), "reversed": (0, 1), "failed": (-math.inf, 0)}
    mated, nonmated = values[scores]
    folds = [
        replace(
            fold,
            mated=np.full(len(fold.mated), float(mated)),
            nonmated=np.full(len(fold.nonmated), float(nonmated)),
        )
        for fold in make_folds(3, 8)
    ]
    text = section_of(folds, method)
    assert not re.search(r"\b(nan|inf|None)\b", text)
    assert Page(text).faults == []


def test_a_fold_without_mated_comparisons_is_judged_as_far_as_it_goes() -> None:
    folds = make_folds(3, 10)
    folds[1] = replace(folds[1], mated=np.array([]), mated_identity=np.array([], dtype=np.int64))
    page = Page(section_of(folds))
    assert re.search(r" 1 0, 2 \d+ \d+ \d+ 0 \d+ no value ", page.text)
    assert page.faults == []


@pytest.mark.parametrize(
    ("log10", "text"),
    [(3.0, "1,000"), (6.3, "2,000,000"), (-0.30103, "1/2"), (0.0001, "1"), (-0.0001, "1")],
)
def test_a_ratio_reads_as_people_say_it(log10: float, text: str) -> None:
    assert ratio(log10) == text


def test_tippett_curves_are_drawn_as_staircases_that_end_at_none() -> None:
    found = assess(make_folds(3, 15), "pav", replicates=20)
    table = forensic_figures(found)[0].table
    assert table.rows[0][2:] == ("100.0\u202f%", "100.0\u202f%")
    assert float(table.rows[-1][2].split("\u202f")[0]) < 100
