"""The golden tier: shipped algorithms give the scores on the fixtures that they gave before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.comparing.baselines import read_baseline, run_of
from harness.plugins.places import bundled
from harness.record.record import check_answers, read_run
from tests.conftest import run_harness

GOLDEN = bundled("fixtures") / "golden"
RENEW = "if the change is meant, renew it as docs/ci.md says under “Golden tier”"

# Sums of floats differ in their last digits between processors and versions of NumPy and OpenCV.
RELATIVE, ABSOLUTE = 1e-5, 1e-7


def names() -> list[str]:
    return sorted(folder.name for folder in GOLDEN.iterdir())


def test_there_is_a_golden_run_of_a_matcher_and_of_a_detector() -> None:
    chosen = {read_baseline(GOLDEN / name).current.protocol for name in names()}
    assert {"similarity", "detection"} <= chosen


@pytest.mark.parametrize("name", names())
def test_golden_runs_are_whole_and_name_no_machine(name: str) -> None:
    assert check_answers(run_of(name, GOLDEN))
    manifest = read_run(GOLDEN / name / "run").manifest
    assert manifest.dataset["path"] == "."
    assert not Path(read_baseline(GOLDEN / name).current.source).is_absolute()


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("name", names())
def test_shipped_algorithms_give_their_golden_scores(name: str, tmp_path: Path) -> None:
    golden = read_run(run_of(name, GOLDEN))
    origin = golden.manifest.origin
    ran = run_harness(
        *("run", "--protocol", origin.protocol, "--algo", origin.algorithm),
        *("--out", tmp_path, "--json"),
        timeout=400,
    )
    assert ran.code == 0, ran.err
    fresh = read_run(Path(ran.json["runs"][0]["folder"]))
    assert fresh.folds == golden.folds, RENEW
    for fold, now, before in zip(golden.folds, fresh.answers, golden.answers, strict=True):
        assert dict(now.failures) == dict(before.failures), f"fold {fold.name}: {RENEW}"
        np.testing.assert_allclose(
            now.scores,
            before.scores,
            rtol=RELATIVE,
            atol=ABSOLUTE,
            err_msg=f"fold {fold.name}: {RENEW}",
        )
