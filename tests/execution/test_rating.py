"""An algorithm may say how good an image is: it is checked, kept, and changes no score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness import Detector, Image, Matcher, Template, parameter
from harness.api import Searcher, rates
from harness.conformance import examine
from harness.execution.answers import BadAnswer, checked_quality
from harness.record.record import read_run, result_hash
from harness.record.told_apart import OWN, ToldApart
from tests.conftest import Ran

Command = Callable[..., Ran]
WriteFile = Callable[[str, str], Path]

MATCHER = '''
@dataclass
class Rating(Matcher):
    """Mean colour."""

    def extract(self, image):
        if image.mean() < 125:
            raise FailureToEnroll("dark")
        return image.mean(axis=(0, 1)) - 128
'''
SEVERAL = MATCHER.replace("def extract(self, image):", "def extract_batch(self, images):").replace(
    """        if image.mean() < 125:
            raise FailureToEnroll("dark")
        return image.mean(axis=(0, 1)) - 128
""",
    """        return [
            FailureToEnroll("dark") if image.mean() < 125 else image.mean(axis=(0, 1)) - 128
            for image in images
        ]
""",
)
RETURNED = MATCHER.replace("raise FailureToEnroll", "return FailureToEnroll")
QUALITY = """
    def quality(self, image):
        return float(image.std()) / 128
"""


def run(harness: Command, file: Path, data: Path) -> Path:
    done = harness("run", "--protocol", "similarity", "--algo", file, "--data", data, "--json")
    assert done.code == 0, done.err
    return Path(done.json["runs"][0]["folder"])


@pytest.mark.parametrize("body", [MATCHER, SEVERAL, RETURNED])
def test_what_is_said_is_kept_of_each_template_and_no_score_changes(
    harness: Command, plugin: WriteFile, small_set: Path, tmp_path: Path, body: str
) -> None:
    from harness.data.images import decode

    place = tmp_path / "work"
    silent = place / run(harness, plugin("silent", body.replace("Rating", "Silent")), small_set)
    asked = QUALITY.replace("        return", "        assert image.mean() >= 125\n        return")
    rated = place / run(harness, plugin("rating", body + asked), small_set)
    assert result_hash(silent) == result_hash(rated)
    assert ToldApart(read_run(silent)).qualities() == {}
    kept = read_run(rated)
    probes, references = ToldApart(kept).qualities()[OWN]
    refused = 0
    for fold, answer, one, other in zip(kept.folds, kept.answers, probes, references, strict=True):
        for names, said in ((fold.probes, one), (fold.gallery, other)):
            assert set(said) == {name for name in names if name not in answer.failures}
            for name, quality in said.items():
                picture = decode(kept.records[name].path)
                assert quality == pytest.approx(float(picture.std()) / 128)
        refused += len(answer.failures)
    assert refused


@pytest.mark.parametrize("body", [MATCHER, SEVERAL])
def test_the_time_of_a_quality_is_part_of_the_template_s(
    harness: Command, plugin: WriteFile, small_set: Path, tmp_path: Path, body: str
) -> None:
    slow = QUALITY.replace(
        "        return", "        __import__('time').sleep(0.005)\n        return"
    )
    all_of_them = body.replace("image.mean() < 125", "False")
    folder = run(harness, plugin("rating", all_of_them + slow), small_set)
    costs = read_run(tmp_path / "work" / folder).manifest.costs
    assert costs["extract"].median >= 0.005


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("float('nan')", "quality returned nan; return a float from 0 (worst) to 1 (best)"),
        ("1.01", "quality returned 1.01; return a float"),
        ("-0.5", "quality returned -0.5"),
        ("'good'", "quality returned 'good' (str); return a float from 0 to 1"),
        ("None", "quality returned None (NoneType)"),
        ("True", "quality returned True (bool)"),
        ("1 / 0", "quality failed: ZeroDivisionError"),
    ],
)
def test_a_quality_that_is_none_fails_the_run_with_a_sentence(
    harness: Command, plugin: WriteFile, small_set: Path, value: str, said: str
) -> None:
    body = MATCHER + QUALITY.replace("float(image.std()) / 128", value)
    done = harness(
        *("run", "--protocol", "similarity", "--algo", plugin("rating", body)),
        *("--data", small_set, "--fold", "1"),
    )
    assert done.code == 3
    assert said in done.err
    assert "Traceback" not in done.err or "ZeroDivisionError" in said  # that of the author's code


def test_only_a_method_of_its_own_rates_images() -> None:
    class Field(Matcher):
        quality: int = parameter(80, "Of JPEG files.")  # type: ignore[assignment]

        def extract(self, image: Image) -> Template:
            return np.zeros(3)

    class Own(Field):
        def quality(self, image: Image) -> float:  # type: ignore[override]
            return 0.5

    assert not rates(Field)
    assert rates(Own)
    assert not rates(Matcher)
    assert not rates(Searcher)
    assert not rates(Detector)
    with pytest.raises(NotImplementedError, match="does not define `quality`"):
        Matcher().quality(np.zeros((2, 2, 3), np.uint8))


def test_numbers_of_numpy_are_numbers() -> None:
    assert checked_quality(np.float32(0.5)) == 0.5
    assert checked_quality(1) == 1.0
    with pytest.raises(BadAnswer, match="NoneType"):
        checked_quality(None)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("float(image.std()) / 128", ""),
        ("float(image.std())", "return a float from 0"),
        ("float(np.random.default_rng().random())", "and then"),
    ],
)
def test_the_kit_asks_for_qualities_that_are_some(
    plugin: WriteFile, tmp_path: Path, body: str, said: str
) -> None:
    from harness.plugins import registry

    text = MATCHER.replace("        if image", "        if False and image")
    file = plugin("rating", text + QUALITY.replace("float(image.std()) / 128", body))
    kind = registry.load(registry.find_algorithm(str(file)))
    found = {one.name: one for one in examine(kind, folder=tmp_path)}
    one = found["rates pictures from 0 to 1"]
    assert one.passed is not bool(said)
    assert said in one.message
