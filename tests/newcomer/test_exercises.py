"""A newcomer adds a question, a metric and a layout, each in as few files as CONTRIBUTING says.

The exercise with a section of a report is in `tests/reporting/test_sections.py`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import save_png
from tests.newcomer.copies import House

pytestmark = pytest.mark.slow


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "copy")


TASK = '''"""Medium: is a picture a photograph, or drawn, printed or painted?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.api import Detector
from harness.data.records import Dataset, Fold, Record
from harness.metrics.ids import Metric
from harness.statistics.bootstrap import choose_interval
from harness.statistics.chance import blind_guesses
from harness.statistics.estimate import Estimate
from harness.tasks.answers import Answered
from harness.tasks.clusters import cluster_of
from harness.tasks.images import dealt_folds
from harness.tasks.intervals import set_interval
from harness.tasks.protocol import Protocol
from harness.tasks.results import FoldMetrics
from harness.tasks.task import Task
from harness.tasks.trials import Trials, Values


@dataclass
class _Seen:
    fold: str
    right: npt.NDArray[np.float64]
    truth: npt.NDArray[np.bool_]
    whose: npt.NDArray[np.str_]

    def counts(self) -> dict[str, int]:
        return {"images": len(self.right), "photographs": int(self.truth.sum())}


class Medium(Task[_Seen, _Seen]):
    """Is a picture a photograph? An answer has one score for each image."""

    ability = Detector
    metrics = ("accuracy",)
    failure_policy = "An image without a score is a wrong decision."
    needs = ("media",)
    truth_shown = "elements"

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Return folds that share no identity."""
        return dealt_folds(dataset, protocol.folds)

    def truth_matrix(
        self, fold: Fold, records: Mapping[str, Record], vocabulary: Sequence[str] = ()
    ) -> npt.NDArray[np.bool_]:
        """Return which images are photographs: bool, shape (images,)."""
        return np.array([records[name].media == "photo" for name in fold.probes], dtype=bool)

    def parts(self, run: Answered) -> list[_Seen]:
        """Return the decisions of each fold."""
        found = []
        for fold, answer in run.by_fold:
            truth = self.truth_matrix(fold, run.records)
            failed = np.array([name in answer.failures for name in fold.probes], dtype=bool)
            right = (answer.scores >= run.protocol.threshold) == truth
            whose = np.array([cluster_of(run.records[name]) for name in fold.probes])
            found.append(_Seen(fold.name, (right & ~failed).astype(np.float64), truth, whose))
        return found

    def whole(self, parts: Sequence[_Seen], run: Answered) -> _Seen:
        """Return the images of all folds."""
        return _Seen(
            "",
            np.concatenate([part.right for part in parts]),
            np.concatenate([part.truth for part in parts]),
            np.concatenate([part.whose for part in parts]),
        )

    def of_part(self, part: _Seen, protocol: Protocol) -> FoldMetrics:
        """Return the accuracy of a fold."""
        return FoldMetrics(part.fold, part.counts(), {"accuracy": float(part.right.mean())})

    def estimates(self, whole: _Seen, protocol: Protocol) -> dict[str, Estimate]:
        """Return the accuracy with its interval and what blind guesses get."""
        numbers = np.unique(whole.whose, return_inverse=True)[1]
        found = Estimate(float(whole.right.mean()), n=len(whole.right))
        set_interval(found, choose_interval(whole.right, numbers), len(np.unique(numbers)))
        photo = whole.truth.astype(np.float64)
        guess = blind_guesses(sorted((photo, 1 - photo), key=np.sum))
        found.chance, found.chance_low, found.chance_high = guess.mean, guess.low, guess.high
        return {"accuracy": found}

    def trials_in(self, whole: _Seen, metric: Metric, protocol: Protocol) -> Trials | None:
        """Return the decisions, of which the accuracy is the mean."""
        return Values(whole.right, whole.whose)


TASK = Medium()
'''

PROTOCOL = """version = 1
title = "Medium"
question = "Is the picture a photograph?"
task = "medium"
headline = "accuracy"
metrics = ["accuracy"]

[data]
use-case = "mixed_media"

[gate]
margin = 0.02
"""


def test_a_new_question_takes_three_files_and_its_tests(house: House) -> None:
    house.write("harness/tasks/medium.py", TASK)
    house.change(
        "harness/tasks/kinds.py",
        ("    identification,\n", "    identification,\n    medium,\n"),
        (
            '    "search": search.TASK,\n',
            '    "search": search.TASK,\n    "medium": medium.TASK,\n',
        ),
    )
    house.write("protocols/medium.toml", PROTOCOL)
    assert len(house.touched) + 1 <= 4, "with a file of tests"

    checks = house.run("check", "protocols/medium.toml")
    assert " 0 failed" in checks
    ran = house.json("run", "--protocol", "medium", "--algo", "oracle,random")
    oracle, random = (
        next(run for run in ran["runs"] if run["algorithm"] == name)
        for name in ("oracle", "random")
    )
    assert oracle["metrics"]["pooled"]["accuracy"]["value"] == 1.0
    assert random["metrics"]["pooled"]["accuracy"]["value"] < 0.8
    gated = house.run("gate", "--baseline", oracle["folder"], "--candidate", oracle["folder"])
    assert "passed" in gated.lower()
    house.run("compare", oracle["folder"], random["folder"])
    house.run("leaderboard", "runs", "--out", "site")
    assert any((house.place / "site").glob("board-medium*"))
    assert "Is the picture a photograph?" in (
        house.place / oracle["folder"] / "report.html"
    ).read_text(encoding="utf-8")


METRIC = '''def balanced_accuracy(
    scores: Scores, truth: Bools, threshold: float, failed: Bools | None = None
) -> float:
    """Return the mean of the accuracies on images with and without a tattoo.

    Parameters
    ----------
    scores, truth, threshold, failed
        As for `accuracies`.

    Returns
    -------
    float
        In [0, 1]; NaN where there are images of one kind alone.
    """
    found = accuracies(scores, truth, threshold, failed)
    return (found.tattoo + found.non_tattoo) / 2


ENTRIES = {
    "balanced-accuracy": Entry(
        balanced_accuracy, "Balanced accuracy", unit="percent", guess=0.5, trials="Images"
    ),
'''


def test_a_new_metric_takes_two_files(house: House) -> None:
    house.change(
        "harness/metrics/detection.py",
        ("ENTRIES = {\n", METRIC),
    )
    house.change(
        "harness/tasks/detection.py",
        ('        "accuracy",\n', '        "accuracy",\n        "balanced-accuracy",\n'),
        (
            '    if metric.name == "tpdr":\n        fpdr = float(dict(metric.options)["fpdr"])\n'
            "        return finite(detecting.tpdr",
            '    if metric.name == "balanced-accuracy":\n'
            "        return finite(detecting.balanced_accuracy(scores, truth, threshold, failed))\n"
            '    if metric.name == "tpdr":\n        fpdr = float(dict(metric.options)["fpdr"])\n'
            "        return finite(detecting.tpdr",
        ),
        (
            'wanted = [metric for metric in ids if not metric.name.endswith("accuracy")]',
            'wanted = [m for m in ids if m.name.startswith("b") or "accuracy" not in m.name]',
        ),
        (
            'found = spread_of(drawn.auc() if metric.name == "auc" else drawn.eer())',
            'found = spread_of(drawn.eer() if metric.name == "eer" else drawn.auc())',
        ),
    )
    assert len(house.touched) == 2
    text = (house.place / "protocols/detection.toml").read_text(encoding="utf-8")
    asked = text.replace('    "auc",', '    "auc",\n    "balanced-accuracy",')
    (house.place / "mine.toml").write_text(asked, encoding="utf-8")

    assert "Balanced accuracy" in house.run("describe", "balanced-accuracy")
    ran = house.json("run", "--protocol", "mine.toml", "--algo", "random,oracle", "--fold", "1")
    for run in ran["runs"]:
        values = {name: one["value"] for name, one in run["metrics"]["pooled"].items()}
        halves = values["tattoo-accuracy"] + values["non-tattoo-accuracy"]
        assert values["balanced-accuracy"] == pytest.approx(halves / 2)
        page = (house.place / run["folder"] / "report.html").read_text(encoding="utf-8")
        assert "Balanced accuracy" in page


READER = '''"""Files named after their tattoo: ``t17_2.png`` shows the tattoo ``t17``."""

from __future__ import annotations

from pathlib import Path

from harness.data.records import Dataset, Record


def read_flat(root: Path) -> Dataset:
    """Read the pictures of one folder, whose names begin with their identity and ``_``."""
    records = {
        path.name: Record(path.name, path, tattoo=path.stem.partition("_")[0])
        for path in sorted(root.glob("*.png"))
    }
    return Dataset(root.name, root, "flat", records)
'''


def test_a_new_layout_takes_two_files(house: House, tmp_path: Path) -> None:
    house.write("harness/data/readers/flat.py", READER)
    house.change(
        "harness/data/readers/layouts.py",
        (
            "from harness.data.readers.folders import read_folders\n",
            "from harness.data.readers.flat import read_flat\n"
            "from harness.data.readers.folders import read_folders\n",
        ),
        (
            "LAYOUTS: dict[str, Layout] = {\n",
            "LAYOUTS: dict[str, Layout] = {\n"
            '    "flat": Layout(lambda path, use, back: read_flat(path), "t17_2.png shows t17"),\n',
        ),
    )
    assert len(house.touched) == 2

    folder, rng = tmp_path / "flat", np.random.default_rng(0)
    folder.mkdir()
    for tattoo in range(6):
        pattern = rng.integers(0, 256, (4, 4, 3))
        for take in range(4):
            picture = np.kron(pattern, np.ones((8, 8, 1))) + rng.normal(0, 20, (32, 32, 3))
            save_png(folder / f"t{tattoo}_{take}.png", picture)
    assert "6" in house.run("data", str(folder), "--layout", "flat")
    ran = house.json(
        *("run", "--protocol", "identification", "--algo", "colours", "--folds", "2"),
        *("--data", str(folder), "--layout", "flat"),
    )
    (run,) = ran["runs"]
    assert run["metrics"]["pooled"]["hit-rate@rank=1"]["value"] > 0.9
    assert "flat" in house.run("list", "layouts")
