"""Every new source is examined once before its first run, and cannot have a say in the verdict."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.conformance import examination
from harness.conformance.examination import Examined, digest, examine_outside, examined, released
from harness.execution.asking import ask
from harness.execution.bounds import Bounds
from harness.plugins import registry
from harness.plugins.places import bundled, cache_folder
from harness.reporting import wording
from tests.conftest import Ran

pytestmark = [pytest.mark.own_workers, pytest.mark.slow]

Command = Callable[..., Ran]
WriteFile = Callable[[str, str], Path]

SOUND = '''
@dataclass
class Sound(Matcher):
    """Mean colour."""

    bias: int = parameter(128, "what is taken off")

    def extract(self, image):
        return image.mean(axis=(0, 1)) - self.bias
'''

LEARNS = '''
@dataclass
class Learns(Matcher):
    """Mean colour, less the mean of the training images."""

    seed: int = 0

    def fit(self, train):
        self.mean_ = np.mean([image.mean(axis=(0, 1)) for image in train.images], axis=0)

    def extract(self, image):
        return image.mean(axis=(0, 1)) - self.mean_
'''

DISTANCE = """
    def compare(self, probes, references):
        return np.array([[np.abs(p - r).sum() for r in references] for p in probes])
"""

PATCH = """
import harness.conformance.agreement as agreement
import harness.execution.steps as steps
import harness.execution.answers as answers
agreement.agree = lambda one, other, otherwise: "exactly equal"
agreement.difference = lambda one, other: 0.0
answers.checked_templates = lambda given, names: list(given)
for module in list(vars(steps)):
    pass
"""

BATCH = """
    def extract_batch(self, images):
        mean = np.mean([image.mean(axis=(0, 1)) for image in images], axis=0)
        return [image.mean(axis=(0, 1)) - mean for image in images]
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_EXAMINATION", "on")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache" / "tattoo-harness"
    return cache_folder()


def subject(file: Path, **chosen: Any) -> Examined:
    plugin = registry.find_algorithm(str(file), ())
    return Examined(plugin, ask(plugin).description, registry.source_hash(plugin), chosen, {})


def outside(file: Path) -> dict[str, bool]:
    found = examine_outside(subject(file), hidden=(), threads=1, bounds=Bounds(60))
    return {finding.name: finding.passed for finding in found}


@pytest.mark.parametrize("body", [SOUND, LEARNS])
def test_a_sound_algorithm_passes_from_outside(plugin: WriteFile, body: str) -> None:
    found = outside(plugin("sound", body))
    assert all(found.values())
    assert {"fits", "does not depend on the batch", "one seed, one model"} <= found.keys()


def test_a_control_of_several_abilities_passes_from_outside() -> None:
    assert all(outside(bundled("algorithms") / "size.py").values())


@pytest.mark.parametrize(
    ("body", "check"),
    [
        (SOUND + DISTANCE, "higher is more alike"),
        (SOUND + BATCH, "does not depend on the batch"),
        (
            SOUND.replace("- self.bias", "+ int.from_bytes(os.urandom(1), 'big')"),
            "same image, same answer",
        ),
        (
            SOUND.replace("image.mean(axis=(0, 1))", "image[3].mean(axis=0)"),
            "survives odd pictures",
        ),
        (
            LEARNS + "\n    def save(self, folder):\n        (folder / 'm').write_text('')\n"
            "\n    def load(self, folder):\n        self.mean_ = np.zeros(3)\n",
            "answers alike after save and load",
        ),
        (
            LEARNS.replace("        self.mean_ =", "        self.mean_ = 9 * os.urandom(1)[0] +"),
            "one seed, one model",
        ),
        (
            SOUND.replace("        return", "        os._exit(0)\n        return"),
            "answers ordinary pictures",
        ),
        (LEARNS.replace("self.mean_ =", "raise ValueError('no')\n        self.mean_ ="), "fits"),
    ],
)
def test_a_fault_fails_the_check_that_names_it(plugin: WriteFile, body: str, check: str) -> None:
    found = outside(plugin("faulty", body))
    assert [name for name, passed in found.items() if not passed] == [check]


def test_an_algorithm_that_replaces_the_kit_in_its_process_is_found_out(plugin: WriteFile) -> None:
    found = outside(plugin("patching", PATCH + SOUND + BATCH))
    assert found["does not depend on the batch"] is False


def test_the_examined_cannot_reach_the_verdicts(plugin: WriteFile, own_cache: Path) -> None:
    (own_cache / "examinations").mkdir(parents=True)
    tries = (
        f"        try:\n            open({str(own_cache / 'examinations' / 'x.json')!r}, 'w')\n"
        "        except OSError:\n            pass\n"
    )
    outside(plugin("writing", SOUND.replace("        return", tries + "        return")))
    from harness.execution import landlock

    if landlock.version() < 1:
        pytest.skip("the kernel has no Landlock")
    assert list((own_cache / "examinations").iterdir()) == []


def test_an_algorithm_that_never_answers_is_given_up(
    plugin: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "PATIENCE", 3.0)
    body = LEARNS.replace("        self.mean_ =", "        time.sleep(600)\n        self.mean_ =")
    found = list(
        examine_outside(subject(plugin("slow", body)), hidden=(), threads=1, bounds=Bounds(60))
    )
    assert [(finding.name, finding.passed) for finding in found] == [("fits", False)]
    assert "preset 'check'" in found[0].message


def test_one_source_is_examined_once_and_another_again(plugin: WriteFile) -> None:
    def look(file: Path, **chosen: Any) -> str:
        return examined(subject(file, **chosen), hidden=(), threads=1, bounds=Bounds(60)).how

    file = plugin("again", SOUND)
    assert look(file) == "now"
    assert look(file) == "before"
    assert look(file, seed=3) == "before", "a seed makes no other algorithm"
    assert look(file, bias=3) == "now"
    plugin("again", SOUND + DISTANCE)
    assert look(file) == "now"


def test_a_verdict_that_cannot_be_kept_or_read_is_found_again(
    plugin: WriteFile, own_cache: Path
) -> None:
    one = subject(plugin("kept", SOUND))
    shutil.rmtree(own_cache)  # in which its source's hash is
    own_cache.write_text("a file in its place")
    assert examined(one, hidden=(), threads=1, bounds=Bounds(60)).how == "now"
    own_cache.unlink()
    (own_cache / "examinations").mkdir(parents=True)
    (own_cache / "examinations" / f"{one.key}.json").write_text('{"passed": 3')
    assert examined(one, hidden=(), threads=1, bounds=Bounds(60)).how == "now"


def test_a_failed_check_stands_on_the_terminal_in_the_record_and_in_the_report(
    harness: Command, plugin: WriteFile, small_set: Path, tmp_path: Path
) -> None:
    words = ["run", "--protocol", "similarity", "--data", small_set, "--out", tmp_path / "out"]
    ran = harness(*words, "--algo", plugin("distance", SOUND + DISTANCE))
    assert ran.code == 0, ran.err
    assert "fails the check 'higher is more alike'" in ran.err
    (run,) = (tmp_path / "out" / "similarity").glob("distance-*")
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["examination"]["how"] == "now"
    assert list(manifest["examination"]["failed"]) == ["higher is more alike"]
    assert "failed-checks" in [finding["code"] for finding in manifest["findings"]]
    report = (run / "report.html").read_text()
    assert "fails the check" in report
    assert "failed 1: higher is more alike" in report


def test_a_built_in_algorithm_was_examined_before_the_release_only_if_it_is_unchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = bundled("algorithms") / "colours.py"
    plugin = registry.find_algorithm("colours", ())
    one = Examined(plugin, ask(plugin).description, registry.source_hash(plugin), {}, {})
    monkeypatch.setattr(examination, "released", lambda: {"colours": digest(file)})
    assert examined(one, hidden=(), threads=1, bounds=Bounds(60)).how == "release"
    monkeypatch.setattr(examination, "released", lambda: {"colours": "0" * 64})
    assert examined(one, hidden=(), threads=1, bounds=Bounds(60)).how == "now"


@pytest.mark.slow
def test_the_built_in_algorithms_are_those_that_passed_before_the_release() -> None:
    every = [one for found in registry.algorithms().values() for one in found]
    built_in = [one.place for one in every if not registry.glance(one).composite]
    # What needs a file of weights is examined with it, wherever it runs.
    own = ("backbone", "clip", "onnx")
    now = {place.stem: digest(place) for place in built_in if place.stem not in own}
    stale = {name for name in now if released().get(name) != now[name]}
    assert not stale, (
        "run tests/conformance/test_conformance.py for these and write their hashes into "
        f"{examination.RELEASED.name}: {json.dumps(now, indent=1)}"
    )


def test_an_examination_that_is_switched_off_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_EXAMINATION", "off")
    mine = tmp_path / "mine.py"
    mine.write_text(bundled("algorithms").joinpath("colours.py").read_text() + "\n# mine\n")
    found = examined(subject(mine), hidden=(), threads=1, bounds=Bounds(60))
    (remark,) = examination.remarks_on(found, "mine")
    assert (remark.code, remark.severity) == ("not-examined", "warning")
    assert "switched off" in wording.examination(found)[0]
