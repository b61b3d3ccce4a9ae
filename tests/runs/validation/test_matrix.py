"""Every characteristic passes, fails and is not supported, with numbers that follow from scores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.metrics.verification import score_to_exceed
from harness.record.differing import differentials_in
from harness.record.record import read_run
from harness.record.told_apart import ToldApart
from harness.runs.validation.criteria import CHARACTERISTICS
from harness.runs.validation.deciding import FAIL, PASS, UNSUPPORTED
from harness.runs.validation.matrix import Row
from harness.statistics.likelihood.calibration import CALIBRATORS
from harness.statistics.likelihood.crossfit import cross_fit
from harness.statistics.likelihood.validity import cllr
from harness.tasks.binned import bins_by
from harness.tasks.clusters import identities_of
from harness.tasks.kinds import task_of
from tests.conftest import run_harness
from tests.runs.validation.conftest import Runs, comparisons, held, row

pytestmark = pytest.mark.xdist_group("validation")


LOW_QUALITY = "quality 0.300, by the column"
CASES = [
    # characteristic, metric, further keys; row; limits that fail, pass and leave it open.
    ("accuracy", "cllr", "", "", (0.1, 0.6, 0.38)),
    ("accuracy", "hit-rate@rank=1", 'protocol = "identification"', "", (0.95, 0.5, 0.75)),
    ("discriminating-power", "cllr-min", "", "", (0.1, 0.6, 0.35)),
    ("discriminating-power", "eer", "", "", (0.01, 0.3, 0.13)),
    ("calibration", "cllr-cal", "", "", (1e-4, 0.1, 0.0415)),
    ("calibration", "misleading-nonmated", "", "", (0.02, 0.3, 0.11)),
    ("robustness", "cllr", 'by = "skin"', "dark", (0.2, 0.9, 0.55)),
    ("robustness", "fnmr@fmr=0.1", 'by = "skin"', "dark", (0.05, 0.6, 0.35)),
    ("robustness", "eer", 'by = "skin"', "dark", (0.02, 0.5, 0.18)),
    (
        *("robustness", "hit-rate@rank=1", 'by = "skin"\nprotocol = "identification"', "dark"),
        (0.95, 0.2, 0.5),
    ),
    (
        *("robustness", "cllr", 'attack = "unchanged"\nprotocol = "identification"', "unchanged"),
        (0.1, 0.6, 0.38),
    ),
    ("coherence", "cllr", 'by = "area"', "over 60 %", (0.1, 0.6, 0.4)),
    ("coherence", "cllr", 'by = "quality"', LOW_QUALITY, (0.2, 0.9, 0.6)),
    (
        "coherence",
        "fnmr@fmr=0.1",
        'by = "quality"',
        LOW_QUALITY,
        (0.05, 0.6, 0.35),
    ),
    (
        *("generalisation", "cllr", 'calibrated-on = "others"', "calibrated on others"),
        (0.1, 0.6, 0.4),
    ),
]


VERDICTS = (FAIL, PASS, UNSUPPORTED)


@pytest.fixture(scope="module")
def decided(runs: Runs) -> dict[str, list[Row]]:
    """The rows of all cases, by the verdict that their limits are there for."""
    folders = [runs.verification, runs.identification, runs.attacked, runs.elsewhere]
    found = {}
    for i, verdict in enumerate(VERDICTS):
        asked = []
        for characteristic, metric, keys, _, limits in CASES:
            side = "at-least" if "hit-rate" in metric else "at-most"
            asked.append(row(characteristic, metric, f"{keys}\n{side} = {limits[i]}"))
        found[verdict] = held(folders, *asked).rows
    return found


@pytest.mark.parametrize("number", range(len(CASES)), ids=[" ".join(one[:3]) for one in CASES])
@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_characteristic_fails_passes_and_is_not_supported(
    decided: dict[str, list[Row]], number: int, verdict: str
) -> None:
    own = [one for one in decided[verdict] if one.criterion == number + 1]
    (found,) = (one for one in own if one.group == CASES[number][3])
    assert found.verdict == verdict, (found.limits, found.value, found.low, found.high)
    assert found.value is not None
    if verdict == UNSUPPORTED:
        assert (found.settled_by or 0) > found.identities


@pytest.mark.parametrize("limit", ["at-most = 1e-6", "at-most = 0.5"])
def test_nine_identities_support_no_characteristic_whatever_is_asked(
    runs: Runs, limit: str
) -> None:
    asked = [
        row(characteristic, metric, f"{keys}\n{limit}")
        for characteristic, metric, keys, *_ in CASES
        if "protocol" not in keys and not metric.startswith("fnmr")
    ]
    found = held([runs.few, runs.elsewhere], *asked).rows
    assert {one.characteristic for one in found} == set(CHARACTERISTICS)
    assert {one.verdict for one in found} == {UNSUPPORTED}
    assert {one.group for one in found} >= {"dark", "fair", LOW_QUALITY}


def test_a_row_of_a_whole_run_has_the_number_that_score_and_report_have(runs: Runs) -> None:
    found = held(
        [runs.verification],
        row("accuracy", "cllr"),
        row("calibration", "cllr-cal"),
        row("discriminating-power", "fnmr@fmr=0.1"),
        row("discriminating-power", "fnmr@fmr=0.2"),
    )
    scored = run_harness("score", runs.verification, "--likelihood-ratios", "logistic")
    assert scored.code == 0, scored.err
    ratios = json.loads((runs.verification / "forensic.json").read_text())["estimates"]
    pooled = json.loads((runs.verification / "metrics.json").read_text())["pooled"]
    by_metric = {one.metric: one for one in found.rows}
    for known, name in ((ratios, "cllr"), (ratios, "cllr-cal"), (pooled, "fnmr@fmr=0.1")):
        one = by_metric[name]
        assert [one.value, one.low, one.high] == [known[name][k] for k in ("value", "low", "high")]
    # A rate that the protocol does not report is counted as the others are.
    scores = comparisons(runs.verification)
    nonmated = np.array([s for s, _, _, mated in scores if not mated])
    mated = np.array([s for s, _, _, mated in scores if mated])
    bar = np.sort(nonmated)[::-1][int(0.2 * len(nonmated))]
    assert by_metric["fnmr@fmr=0.2"].value == pytest.approx(float((mated <= bar).mean()))


def test_error_rates_of_groups_are_read_at_the_one_threshold_of_all(runs: Runs) -> None:
    found = held(
        [runs.verification], row("robustness", "fnmr@fmr=0.1", 'by = "skin"\nat-most = 1e-6')
    )
    records = read_run(runs.verification).records
    scores = comparisons(runs.verification)
    bar = score_to_exceed(np.array([s for s, _, _, mated in scores if not mated]), 0.1)
    expected = {}
    for skin in ("dark", "fair"):
        own = [
            s
            for s, one, other, mated in scores
            if mated and records[one].skin == records[other].skin == skin
        ]
        expected[skin] = sum(s <= bar for s in own) / len(own)
    assert {one.group: one.value for one in found.rows} == pytest.approx(expected)
    assert expected["dark"] > expected["fair"]
    assert "3 mated comparisons are in no group" in found.rows[0].experiment


def test_ratios_of_groups_come_from_the_calibrators_of_all(runs: Runs) -> None:
    found = held([runs.verification], row("robustness", "cllr", 'by = "skin"\nat-most = 1'))
    run = read_run(runs.verification)
    folds = task_of(run.protocol).comparisons(run.folds, run.answers, run.records)
    skin = {whose: run.records[name].skin for name, whose in identities_of(run.folds).items()}
    mated: dict[str, list[float]] = {"dark": [], "fair": []}
    nonmated: dict[str, list[float]] = {"dark": [], "fair": []}
    for fold, judged in zip(folds, cross_fit(folds, "logistic"), strict=True):
        for llr, whose in zip(judged.mated, fold.mated_identity.tolist(), strict=True):
            if skin[whose]:
                mated[str(skin[whose])].append(llr)
        both = zip(fold.nonmated_probe.tolist(), fold.nonmated_reference.tolist(), strict=True)
        for llr, (one, other) in zip(judged.nonmated, both, strict=True):
            if skin[one] and skin[one] == skin[other]:
                nonmated[str(skin[one])].append(llr)
    for one in found.rows:
        expected = cllr(np.array(mated[one.group]), np.array(nonmated[one.group]))
        assert one.value == pytest.approx(expected)


def test_bins_of_area_are_those_of_the_probe_and_of_the_report(runs: Runs) -> None:
    found = held([runs.verification], row("coherence", "eer", 'by = "area"\nat-most = 0.9'))
    run = read_run(runs.verification)
    bins = bins_by("area", run.records).of
    scores = comparisons(runs.verification)
    assert [one.group for one in found.rows] == ["10 to 30 %", "over 60 %"]
    assert "by the share of the image that the tattoo's box takes" in found.rows[0].experiment
    for one in found.rows:
        own = [s for s, probe, _, mated in scores if mated and bins[probe] == one.group]
        assert one.data.startswith(f"pictures: {len(own)} mated and ")
    rates = {one.name: one.fnmr for one in ToldApart(run).sizes()["area"]}
    threshold = ToldApart(run).threshold
    assert threshold is not None
    asked = row("coherence", f"fnmr@fmr={threshold.fmr}", 'by = "area"\nat-most = 0.9')
    for one in held([runs.verification], asked).rows:
        report = rates[one.group]
        assert report is not None
        assert (one.value, one.low, one.high) == (report.value, report.low, report.high)


def test_groups_have_the_error_rates_of_the_report(runs: Runs) -> None:
    found = differentials_in(read_run(runs.verification), "skin")
    report = {one.group: one.fnmr for one in found.rows if one.fnmr is not None}
    asked = row("robustness", f"fnmr@fmr={found.fmr}", 'by = "skin"\nat-most = 0.9')
    values = {one.group: one.value for one in held([runs.verification], asked).rows}
    assert len(values.keys() & report.keys()) > 0
    for group in values.keys() & report.keys():
        assert values[group] == pytest.approx(report[group])


def test_generalisation_judges_by_the_other_runs_calibrator(runs: Runs) -> None:
    folders = [runs.verification, runs.elsewhere]
    (found,) = held(
        folders, row("generalisation", "cllr", 'calibrated-on = "others"\nat-most = 1')
    ).rows
    theirs, ours = comparisons(runs.elsewhere), comparisons(runs.verification)

    def scores(of: list[tuple[float, str, str, bool]], kind: bool) -> np.ndarray:
        return np.array([s for s, _, _, mated in of if mated is kind])

    calibrator = CALIBRATORS["logistic"](scores(theirs, True), scores(theirs, False))
    expected = cllr(calibrator.apply(scores(ours, True)), calibrator.apply(scores(ours, False)))
    assert found.value == pytest.approx(expected)
    assert "that the two data sets share nobody is not on record" in found.experiment


def test_a_calibrator_never_learns_from_what_it_is_judged_on(runs: Runs) -> None:
    asked = row("generalisation", "cllr", 'calibrated-on = "identification"\nat-most = 1')
    (found,) = held([runs.verification, runs.identification], asked).rows
    assert found.verdict == UNSUPPORTED
    assert "cannot be fitted on the other run" in found.why


def test_an_attack_that_changes_nothing_gives_the_numbers_of_the_plain_run(runs: Runs) -> None:
    folders = [runs.identification, runs.attacked]
    attack = 'attack = "unchanged"\nat-most = {}'
    found = held(
        folders,
        row("accuracy", "cllr", "at-most = 9"),
        row("robustness", "cllr", attack.format(9)),
        row("accuracy", "fnmr@fmr=0.1", "at-most = 0.9"),
        row("robustness", "fnmr@fmr=0.1", attack.format(0.9)),
    ).rows
    values = {(one.characteristic, one.metric): one.value for one in found}
    for metric in ("cllr", "fnmr@fmr=0.1"):
        assert values["robustness", metric] == pytest.approx(values["accuracy", metric])
    assert found[0].run != found[-1].run


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (row("robustness", "cllr", 'by = "site"\nat-most = 1'), "does not state 'site'"),
        (row("robustness", "cllr", 'by = "skn"\nat-most = 1'), "Did you mean 'skin'?"),
        (row("robustness", "cllr", 'by = "tattoo"\nat-most = 1'), "60 values"),
        (row("robustness", "cllr", 'attack = "inpaint"\nat-most = 1'), "--attack inpaint"),
        (row("accuracy", "hit-rate@rank=1", "at-least = 0.1"), "is not measured by hit-rate"),
        (
            row("robustness", "hit-rate@rank=1", 'by = "skin"\nat-least = 0.1'),
            "of this run is in any group",
        ),
        (row("generalisation", "cllr", 'calibrated-on = "x"\nat-most = 1'), "a data set 'x'"),
        (row("accuracy", "cllr", 'protocol = "similarity"\nat-most = 1'), "protocol 'similarity'"),
        (row("coherence", "cllr", 'by = "mask"\nat-most = 1'), "does not state the mask"),
    ],
)
def test_what_the_data_lacks_is_said_in_the_row(runs: Runs, asked: str, said: str) -> None:
    (found,) = held([runs.verification], asked).rows
    assert (found.verdict, found.value) == (UNSUPPORTED, None)
    assert said in found.why


def test_a_row_that_passes_by_guessing_says_so(tmp_path: Path) -> None:
    words = ("--protocol", "mixed-media", "--algo", "random", "--json", "--out", tmp_path)
    ran = run_harness("run", *words)
    assert ran.code == 0, ran.err
    folder = Path(ran.json["runs"][0]["folder"])
    (found,) = held([folder], row("accuracy", "hit-rate@rank=10", "at-least = 0.1")).rows
    assert found.verdict == PASS
    assert "cannot be told from guessing" in found.flags


def test_rows_stand_in_the_order_of_the_characteristics_and_the_worst_is_the_verdict(
    runs: Runs,
) -> None:
    found = held(
        [runs.verification],
        row("coherence", "eer", 'by = "area"\nat-most = 1e-6'),
        row("accuracy", "cllr", "at-most = 9"),
    )
    assert [one.criterion for one in found.rows] == [2, 1, 1]
    assert found.verdict == FAIL
    assert held([runs.verification], row("accuracy", "cllr", "at-most = 9")).verdict == PASS
