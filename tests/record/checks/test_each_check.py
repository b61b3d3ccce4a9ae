"""Each check fires on a small made case, and stays silent on its twin."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.data.findings import Finding
from harness.record.checks.calibration import OtherCalibration, apart, shifted
from harness.record.checks.chance import AtChance
from harness.record.checks.errors import FewErrors
from harness.record.checks.examined import ExaminedRun, Searched
from harness.record.checks.fits import ONE_FIT, OneFit
from harness.record.checks.identities import FewIdentities
from harness.record.checks.outstanding import TooGood
from harness.record.checks.photographs import COPIES, SamePhotograph
from harness.record.checks.refusals import Refused, without_refused
from harness.record.checks.shortcut import Shortcut
from harness.record.checks.thresholds import NotThresholdable, missed_at
from harness.record.checks.ties import TiesDecide, hits_between, tied_pairs
from harness.record.checks.training import LearnedAndJudged
from harness.record.manifest import Import
from harness.record.published import Published
from harness.record.record import assessed, write_assessment
from harness.statistics.estimate import Estimate
from tests.record.checks.conftest import Made, with_figures

MADE = Made()


def severity(check: type, run: ExaminedRun) -> str:
    found: str = check().look(run).severity
    return found


# Mates of the same photograph.


def photographed(copies: int) -> ExaminedRun:
    """Copies are found, and no other mate is."""
    probes, references = MADE.names(0)
    sources = {n: f"photograph {i}" for i, n in enumerate(probes)}
    sources |= {n: f"photograph {i + (i >= copies) * 100}" for i, n in enumerate(references)}
    (scores,) = MADE.scores(-1.0)
    scores[np.arange(copies), np.arange(copies)] = 9.0
    return MADE.run([scores], records=MADE.records(source=sources))


def test_copies_that_make_the_headline_are_an_issue() -> None:
    found = SamePhotograph().look(photographed(20))
    assert found.severity == "issue"
    assert found.evidence["mates of the same photograph"] == 20


def test_other_photographs_pass_and_unknown_ones_do_not() -> None:
    assert severity(SamePhotograph, photographed(0)) == "passed"
    assert severity(SamePhotograph, MADE.run(MADE.scores(1.0))) == "not applicable"


def test_one_copy_among_many_is_a_tip_and_nothing_but_copies_an_issue() -> None:
    assert severity(SamePhotograph, photographed(1)) == "tip"
    assert severity(SamePhotograph, photographed(40)) == "issue"


def test_pictures_that_are_compared_with_themselves_are_an_issue() -> None:
    run = photographed(0)
    run.manifest.findings = [Finding(COPIES, "warning", "'a' and 'b' are the same picture")]
    assert severity(SamePhotograph, run) == "issue"


# What is learned from and judged.


def pictured(tmp_path: Path, *, copied: bool, tattoo: str = "of nobody else") -> ExaminedRun:
    """A fold learns from one picture, which may be a smaller JPEG of one that it judges."""
    made = Made(count=3)
    rng = np.random.default_rng(1)
    records = made.records()
    for name in records:
        pixels = np.kron(rng.integers(0, 256, (8, 8, 3)), np.ones((12, 12, 1))).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        records[name] = replace(records[name], path=tmp_path / f"{name}.png")
    learned = tmp_path / "learned.jpg"
    pixels = np.kron(rng.integers(0, 256, (8, 8, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    picture = Image.open(records["0r1"].path) if copied else Image.fromarray(pixels)
    picture.resize((64, 64)).save(learned, quality=70)
    records["learned"] = replace(records["0r1"], name="learned", path=learned, tattoo=tattoo)
    run = made.run(made.scores(1.0), records=records, train={0: ["learned"]})
    run.manifest.learns = True
    return run


def test_a_copy_that_is_learned_from_is_an_issue_and_another_picture_passes(tmp_path: Path) -> None:
    found = LearnedAndJudged().look(pictured(tmp_path, copied=True))
    assert (found.severity, found.evidence["copies"]) == ("issue", "1: 0r1")
    found = LearnedAndJudged().look(pictured(tmp_path, copied=False))
    assert (found.severity, found.evidence["pictures looked at"]) == ("passed", 7)


def test_an_identity_that_is_learned_from_is_an_issue(tmp_path: Path) -> None:
    found = LearnedAndJudged().look(pictured(tmp_path, copied=False, tattoo="0t2"))
    assert found.severity == "issue"
    assert found.evidence["tattoos learned from and judged"] == "1: 0t2"


def test_who_is_learned_from_does_not_matter_where_nothing_is_fitted(tmp_path: Path) -> None:
    run = pictured(tmp_path, copied=True)
    run.manifest.learns = False
    assert severity(LearnedAndJudged, run) == "not applicable"


def test_a_shared_person_and_an_unknown_past_are_tips(tmp_path: Path) -> None:
    run = pictured(tmp_path, copied=False)
    shared = {n: replace(run.records[n], subject="one person") for n in ("learned", "0p0")}
    assert severity(LearnedAndJudged, replace(run, records={**run.records, **shared})) == "tip"
    run.manifest.findings = [Finding("training-unknown", "warning", "nobody knows")]
    assert severity(LearnedAndJudged, run) == "tip"


# Shortcuts.


def test_a_feature_that_finds_mates_is_an_issue_and_none_passes() -> None:
    run = MADE.run(MADE.scores(1.0))
    assert severity(Shortcut, run) == "passed"
    run.manifest.findings = [Finding("shortcut-size", "warning", "width and height alone ...")]
    found = Shortcut().look(run)
    assert (found.severity, found.evidence) == ("issue", {"size": "width and height alone ..."})


def test_of_mean_colour_it_is_said_that_it_may_be_a_rightful_cue() -> None:
    run = MADE.run(MADE.scores(1.0))
    run.manifest.findings = [Finding("shortcut-size", "warning", "width and height alone ...")]
    alone = Shortcut().look(run).sentence
    assert alone == "size of the pictures alone finds what is asked: run the control size beside it"
    run.manifest.findings += [Finding("shortcut-mean-colour", "warning", "mean colour alone ...")]
    found = Shortcut().look(run)
    assert found.severity == "issue"
    assert found.sentence == (
        "size and mean colour of the pictures alone find what is asked (light, camera, skin or ink "
        "may be why): run the controls size, mean-colour beside it"
    )
    assert found.evidence["mean-colour"] == "mean colour alone ..."


def test_nobody_looked_at_the_pictures_behind_imported_scores() -> None:
    run = MADE.run(MADE.scores(1.0))
    run.manifest.imported = Import("x.csv", ["csv"], None, [], [])
    assert severity(Shortcut, run) == "not applicable"


# Chance.


@pytest.mark.parametrize(("shift", "expected"), [(0.0, "issue"), (4.0, "passed"), (-4.0, "issue")])
def test_a_headline_at_or_below_chance_is_an_issue(shift: float, expected: str) -> None:
    found = AtChance().look(MADE.run(MADE.scores(shift)))
    assert found.severity == expected
    assert ("worse than chance" in found.sentence) == (shift < 0)


def test_a_control_at_chance_is_what_it_is_for() -> None:
    run = MADE.run(MADE.scores(0.0))
    run.manifest.control = True
    assert severity(AtChance, run) == "not applicable"


# The rule of 30.


@pytest.mark.parametrize(
    ("value", "n", "expected"),
    [(0.3, 100, "passed"), (0.29, 100, "issue"), (0.0, 1000, "issue"), (None, 0, "not applicable")],
)
def test_fewer_than_thirty_errors_are_an_issue_of_the_headline(
    value: float | None, n: int, expected: str
) -> None:
    run = with_figures(MADE.run(MADE.scores(1.0)), "eer", Estimate(value, n=n))
    assert severity(FewErrors, run) == expected


def test_few_errors_of_another_figure_are_a_tip_and_misses_are_errors() -> None:
    run = MADE.run(MADE.scores(1.0))
    few = Estimate(0.1, n=100)
    assert severity(FewErrors, with_figures(run, "eer", Estimate(0.5, n=100), fnmr=few)) == "tip"
    hits = with_figures(run, "hit-rate@rank=1", Estimate(0.9, n=100))
    assert FewErrors().look(hits).evidence == {"errors behind hit-rate@rank=1": 10}


# Identities.


def test_a_headline_beyond_the_data_is_an_issue_and_another_figure_a_tip() -> None:
    run = replace(MADE.run(MADE.scores(1.0)))
    beyond = Estimate(0.4, 0.39, 0.41, flags=["not supported by this data: too few"])
    within = Estimate(0.4, 0.39, 0.41)
    name = "fnmr@fmr=0.001"
    assert severity(FewIdentities, with_figures(run, name, beyond)) == "issue"
    assert severity(FewIdentities, with_figures(run, "eer", within, fnmr=beyond)) == "tip"
    assert severity(FewIdentities, with_figures(run, name, within)) == "passed"


def test_an_interval_wider_than_the_margin_says_how_many_identities_would_do() -> None:
    run = with_figures(MADE.run(MADE.scores(1.0)), "eer", Estimate(0.4, 0.3, 0.5))
    found = FewIdentities().look(run)
    assert run.protocol.gate is not None
    assert run.protocol.gate.margin == 0.02
    # Half of the interval is five margins: 25 times as many.
    assert (found.severity, found.evidence["identities that would do"]) == ("tip", 2500)


def test_fewer_than_ten_identities_are_an_issue() -> None:
    made = Made(count=9)
    assert severity(FewIdentities, made.run(made.scores(1.0))) == "issue"


# Fits.


def test_one_fit_of_a_learner_is_a_tip_and_several_pass() -> None:
    run = MADE.run(MADE.scores(1.0))
    assert severity(OneFit, run) == "not applicable"
    run.manifest.learns = True
    run.manifest.findings = [Finding(ONE_FIT, "warning", "this is one fit")]
    assert OneFit().look(run).sentence == "this is one fit"
    assert severity(OneFit, replace(run, fits=5)) == "passed"


# Refused images.


def refused(names: list[str]) -> ExaminedRun:
    (scores,) = MADE.scores(0.0)
    scores[:20, :20] += 9 * np.eye(20)  # half of the mates are found
    return MADE.run([scores], failures=names)


def test_refusals_that_would_move_the_headline_out_of_its_interval_are_an_issue() -> None:
    found = Refused().look(refused([f"0p{i}" for i in range(14)]))
    assert (found.severity, found.evidence["refused images"]) == ("issue", 14)
    assert severity(Refused, refused([])) == "passed"
    assert severity(Refused, refused(["0p30"])) == "tip"


@pytest.mark.parametrize("protocol", ["identification", "verification"])
def test_the_headline_without_refused_images_is_that_of_a_run_without_them(protocol: str) -> None:
    gone = ["0p3", "0p25"]
    (scores,) = MADE.scores(1.0)
    run = MADE.run([scores], failures=gone, protocol=protocol)
    kept = [i for i, name in enumerate(MADE.names(0)[0]) if name not in gone]
    if protocol == "identification":
        rank = 1 + np.array([(scores[i] > scores[i, i]).sum() for i in kept])
        expected = float((rank <= 10).mean())
    else:
        mated = np.diag(scores)[kept]
        others = np.array([scores[i, j] for i, j in product(kept, range(40)) if i != j])
        fmr = float(run.metrics.headline.partition("=")[2])
        rates = [
            (float((mated < t).mean()), float((others >= t).mean())) for t in (*scores.ravel(), 99)
        ]
        expected = min(missed for missed, false in rates if false <= fmr)
    assert without_refused(run) == pytest.approx(expected)


# Ties.


def test_equal_scores_that_decide_are_an_issue_and_others_pass() -> None:
    assert severity(TiesDecide, MADE.run([np.zeros((40, 40))])) == "issue"
    assert severity(TiesDecide, MADE.run(MADE.scores(1.0))) == "passed"
    levels = [np.round(one) for one in MADE.scores(1.0)]
    assert severity(TiesDecide, MADE.run(levels, protocol="verification")) == "issue"
    assert severity(TiesDecide, MADE.run(MADE.scores(1.0), protocol="verification")) == "passed"


def test_hits_between_are_the_worst_and_best_order_of_equal_scores() -> None:
    rng = np.random.default_rng(3)
    scores = rng.integers(0, 4, (30, 8)).astype(float)
    scores[rng.random((30, 8)) < 0.1] = np.nan
    mated = np.eye(30, 8, dtype=bool) | np.eye(30, 8, 3, dtype=bool)
    mated[11:, 7] = True
    worst, best = [], []
    for row, own in zip(scores, mated, strict=True):
        mate = max((s for s in row[own] if not np.isnan(s)), default=None)
        above = 0 if mate is None else sum(s > mate for s in row[~own])
        equal = 0 if mate is None else sum(s == mate for s in row[~own])
        worst.append(mate is not None and above + equal + 1 <= 2)
        best.append(mate is not None and above + 1 <= 2)
    fold = Searched(scores, mated, ~mated)
    assert hits_between([fold], 2) == (np.mean(worst), np.mean(best))
    pairs = [(a, b) for a in scores[mated] for b in scores[~mated] if not np.isnan([a, b]).any()]
    assert tied_pairs([fold]) == pytest.approx(np.mean([a == b for a, b in pairs]))


# Thresholds.


def test_scores_of_their_own_level_in_each_search_are_an_issue_and_others_pass() -> None:
    rng = np.random.default_rng(5)
    (scores,) = MADE.scores(5.0)
    levels = 30 * rng.normal(size=(40, 1))
    found = NotThresholdable().look(MADE.run([scores + levels]))
    assert found.severity == "issue"
    assert float(found.evidence["FNIR of the scores as they are"] or 0) > 0.8
    assert float(found.evidence["searches whose mate is first"] or 0) > 0.9
    assert severity(NotThresholdable, MADE.run([scores])) == "passed"


def test_a_weak_algorithm_whose_scores_are_comparable_is_not_accused() -> None:
    assert severity(NotThresholdable, MADE.run(MADE.scores(1.5))) == "passed"
    assert severity(NotThresholdable, MADE.run([np.zeros((40, 40))])) == "passed"


def test_it_takes_twenty_searches() -> None:
    made = Made(count=19)
    assert severity(NotThresholdable, made.run(made.scores(1.0))) == "not applicable"


@pytest.mark.parametrize("fpir", [0.0, 0.1, 0.34])
def test_missed_mates_are_those_of_the_lowest_threshold_that_is_allowed(fpir: float) -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        mates, others = rng.integers(0, 9, 30).astype(float), rng.integers(0, 9, 30).astype(float)
        allowed = [t for t in np.arange(0, 11) if (others >= t).mean() <= fpir + 1e-12]
        assert missed_at(mates, others, fpir).tolist() == (mates < min(allowed)).tolist()


# Calibration.


def calibrated(folder: Path, shift: float) -> ExaminedRun:
    made = Made(count=25, folds=3)
    scores = made.scores(2.0)
    scores[1] = scores[1] + shift
    run = made.run(scores, folder, protocol="verification")
    assert run.kept is not None
    write_assessment(folder, assessed(run.kept, "logistic"))
    return run


def test_a_fold_of_other_scores_is_an_issue_of_likelihood_ratios(tmp_path: Path) -> None:
    found = OtherCalibration().look(calibrated(tmp_path, 1.0))
    assert found.severity == "issue"
    assert "fold 1" in found.sentence
    assert severity(OtherCalibration, calibrated(tmp_path, 0.0)) == "passed"
    assert severity(OtherCalibration, MADE.run(MADE.scores(1.0))) == "not applicable"


def test_a_skin_tone_that_one_fold_has_alone_is_an_issue(tmp_path: Path) -> None:
    run = calibrated(tmp_path, 0.0)
    tones = {n: "dark" if n.startswith("2") else "light" for n in run.records}
    records = {n: replace(one, skin=tones[n]) for n, one in run.records.items()}
    found = OtherCalibration().look(replace(run, records=records))
    assert (found.severity, found.evidence["largest difference of a skin"]) == ("issue", 1.0)
    mixed = {n: replace(one, skin="dl"[int(n[2:]) % 2]) for n, one in run.records.items()}
    assert severity(OtherCalibration, replace(run, records=mixed)) == "passed"


def test_a_gallery_that_all_probes_of_a_fold_meet_is_no_other_population() -> None:
    """Folds of one population: luck makes one differ once in a thousand sets, and not often."""
    rng = np.random.default_rng(11)
    rows, columns = (one.ravel() for one in np.indices((15, 12)))
    fired = 0
    for _ in range(300):
        folds = []
        for _ in range(5):
            scores = rng.normal(size=15)[rows] + rng.normal(size=12)[columns]
            folds.append((scores + rng.normal(size=180), [rows, columns]))
        found = shifted(folds)
        assert found is not None
        fired += found.beyond
    assert fired <= 3


def test_a_shift_is_measured_in_standard_deviations_of_scores() -> None:
    names = np.array(["a", "b"])
    two = shifted([(np.array([0.0, 2.0]), [names]), (np.array([4.0, 6.0]), [names])])
    assert two is not None
    assert two.largest == pytest.approx(4 / np.std([0, 2, 4, 6]))
    assert not two.beyond, "of two identities each nothing follows"
    assert shifted([(np.zeros(2), [names]), (np.zeros(2), [names])]) is None
    assert shifted([(np.zeros(2), [names])]) is None


def test_how_far_folds_lie_apart_is_the_largest_difference_of_means() -> None:
    values, whose = np.array([[1.0], [3.0], [2.0], [10.0]]), np.array([0, 0, 1, 1])
    found = apart(values, whose, 2)
    assert (found.largest, found.beyond) == (4.0, False)


# Published figures.


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Published(
        "tattoo_identification", "Somebody", "hit-rate@rank=10", 0.6, "a set", *[""] * 5
    )
    monkeypatch.setattr("harness.record.published.read_published", lambda: (row,))


@pytest.mark.usefixtures("published")
def test_what_is_above_everything_published_is_a_tip_and_less_passes() -> None:
    found = TooGood().look(MADE.run(MADE.scores(9.0)))
    assert (found.severity, found.evidence["best published hit-rate@rank=10"]) == ("tip", 0.6)
    assert severity(TooGood, MADE.run(MADE.scores(0.5))) == "passed"


@pytest.mark.usefixtures("published")
def test_synthetic_data_and_controls_are_above_whatever_they_like() -> None:
    run = MADE.run(MADE.scores(9.0))
    run.manifest.dataset["synthetic"] = "yes"
    assert severity(TooGood, run) == "not applicable"
    run.manifest.dataset["synthetic"], run.manifest.control = "no", True
    assert severity(TooGood, run) == "not applicable"
