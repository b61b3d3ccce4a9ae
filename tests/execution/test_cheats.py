"""Entries that cheat, or are sloppy: they gain nothing, or the run fails with its reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Ran, save_png

pytestmark = [pytest.mark.own_workers, pytest.mark.slow]

Command = Callable[..., Ran]
WriteFile = Callable[[str, str], Path]

IDENTITIES = 30


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Thirty tattoos of two captures each; nothing in the pixels tells which are the same."""
    root = tmp_path / "people"
    rng = np.random.default_rng(1)
    for i in range(IDENTITIES):
        (root / f"p{i:02d}").mkdir(parents=True)
        for j in range(2):
            save_png(root / f"p{i:02d}" / f"{j}.png", rng.uniform(0, 255, (6, 6, 3)))
    return root


def run(harness: Command, data: Path, algorithm: Path, *more: Any) -> Ran:
    return harness(
        *("run", "--protocol", "identification", "--data", data, "--algo", algorithm, "--json"),
        *("--workers", "1", "--fold", "1", "--fold", "2", *more),
    )


def gains_nothing(ran: Ran) -> None:
    """No better than a guess: four standard deviations at rank 1."""
    assert ran.code == 0, ran.err
    (one,) = ran.json["runs"]
    found = one["metrics"]["pooled"]["hit-rate@rank=1"]
    spread = np.sqrt(found["chance"] * (1 - found["chance"]) / found["n"])
    assert found["value"] < found["chance"] + 4 * spread


def is_found_out(ran: Ran, *words: str) -> None:
    assert ran.code == 3, ran.err
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err


HASHED = """
    def extract(self, image):
        return np.random.default_rng(int(image.sum())).normal(size=8)
"""

SINKHORN = f'''
@dataclass
class Sinkhorn(Matcher):
    """Scores depend on the other references: each row has its mean taken away."""
{HASHED}
    def compare(self, probes, references):
        scores = np.stack(probes) @ np.stack(references).T
        return scores - scores.mean(axis=1, keepdims=True)
'''

MEMORY = f'''
@dataclass
class Memory(Matcher):
    """Scores depend on the probes compared before."""
{HASHED}
    def compare(self, probes, references):
        known = vars(self).setdefault("known", [])
        known.append(np.stack(probes).mean(axis=0))
        return (np.stack(probes) - np.mean(known, axis=0)) @ np.stack(references).T
'''

BATCH_MEAN = '''
@dataclass
class BatchMean(Matcher):
    """Templates less the mean of their batch."""

    def extract_batch(self, images):
        rows = np.stack([image.reshape(-1).astype(float) for image in images])
        return list(rows - rows.mean(axis=0))
'''

OFFSET = '''
@dataclass
class Offset(Matcher):
    """The mean of the batch again, hidden beside a huge number."""

    def extract_batch(self, images):
        rows = np.stack([image.reshape(-1).astype(float) for image in images])
        return list(np.hstack([np.full((len(rows), 1), 1e9), rows - rows.mean(axis=0)]))

    def compare(self, probes, references):
        return 1e9 + np.stack(probes)[:, 1:] @ np.stack(references)[:, 1:].T
'''

CHANCE = '''
@dataclass
class Chance(Matcher):
    """Random numbers of the system."""

    def extract(self, image):
        return np.frombuffer(os.urandom(64), np.uint8).astype(float)
'''

CHANCE_SCORES = f'''
@dataclass
class ChanceScores(Matcher):
    """Random numbers of the system, in comparing."""
{HASHED}
    def compare(self, probes, references):
        return np.frombuffer(os.urandom(len(references)), np.uint8).astype(float)[None]
'''

PLACE = '''
@dataclass
class Place(Matcher):
    """Earlier places in the list are liked better."""

    def extract(self, image):
        return np.zeros(1)

    def compare(self, probes, references):
        return -np.arange(len(references), dtype=float)[None]
'''

MUTATES = f'''
@dataclass
class Mutates(Matcher):
    """Writes into the templates it compares, whatever their flags say."""
{HASHED}
    def compare(self, probes, references):
        import ctypes
        for one in references:
            ctypes.c_double.from_address(one.ctypes.data).value += 1
        return np.stack(probes) @ np.stack(references).T
'''


@pytest.mark.parametrize(
    ("name", "body", "about"),
    [
        ("sinkhorn", SINKHORN, "the score of"),
        ("memory", MEMORY, "the score of"),
        ("batch-mean", BATCH_MEAN, "the score of"),
        ("offset", OFFSET, "the score of"),
        ("chance", CHANCE, "the score of"),
        ("chance-scores", CHANCE_SCORES, "the score of"),
        ("place", PLACE, "the score of"),
        ("mutates", MUTATES, "the score of"),
    ],
)
def test_an_answer_that_depends_on_more_than_its_own_images_fails_the_run(
    harness: Command, plugin: WriteFile, people: Path, name: str, body: str, about: str
) -> None:
    ran = run(harness, people, plugin(name.replace("-", "_"), body))
    is_found_out(ran, about, "when it was asked for again apart from the others", "harness check")


def test_a_detector_a_tagger_and_a_segmenter_are_checked_too(
    harness: Command, plugin: WriteFile, small_set: Path
) -> None:
    body = '''
@dataclass
class Tide(Detector):
    """Less the mean of the batch."""

    def detect_batch(self, images):
        levels = np.array([image.mean() / 255 for image in images])
        return list(levels - levels.mean())
'''
    ran = harness(
        *("run", "--protocol", "detection", "--data", small_set, "--algo", plugin("tide", body))
    )
    is_found_out(ran, "the score of f", "asked for again")


def test_refusals_that_depend_on_the_place_are_found_out(
    harness: Command, plugin: WriteFile, people: Path
) -> None:
    body = '''
@dataclass
class Coin(Matcher):
    """Refuses every other picture by chance."""

    def extract(self, image):
        if os.urandom(1)[0] % 2:
            raise FailureToEnroll("tails")
        return image.reshape(-1).astype(float)
'''
    # In all five folds some pictures are asked for again: that each falls as before is too rare.
    more = ("--fold", "3", "--fold", "4", "--fold", "5")
    is_found_out(run(harness, people, plugin("coin", body), *more), "enrolled", "refused")


HONEST = {
    "seeded": '''
@dataclass
class Seeded(Matcher):
    """Draws from the global generator, which is seeded for every image."""

    def extract(self, image):
        return image.reshape(-1) + np.random.normal(0, 30, image.size)
''',
    "single": '''
@dataclass
class Single(Matcher):
    """Sums in float32, in another order for another number of references."""

    def extract(self, image):
        return image.reshape(-1).astype(np.float32) / 255

    def compare(self, probes, references):
        return np.stack(probes) @ np.stack(references).T
''',
    "refuses": '''
@dataclass
class Refuses(Matcher):
    """Refuses pictures by a rule."""

    def extract(self, image):
        if image[0, 0, 0] < 80:
            raise FailureToEnroll("dark")
        return image.reshape(-1).astype(float)
''',
    "huge": '''
@dataclass
class Huge(Matcher):
    """Numbers at the ends of what float64 holds."""

    def extract(self, image):
        return image.reshape(-1).astype(float)

    def compare(self, probes, references):
        scores = np.stack(probes) @ np.stack(references).T
        return np.where(scores > np.median(scores), 1e305, -0.0) * 1.0
''',
    "constant": '''
@dataclass
class Flat(Matcher):
    """Says the same of all."""

    def extract(self, image):
        return np.ones(3)

    def compare(self, probes, references):
        return np.full((len(probes), len(references)), 0.25)
''',
}


@pytest.mark.parametrize("name", ["seeded", "single", "refuses", "constant"])
def test_honest_entries_stay_what_they_are(
    harness: Command, plugin: WriteFile, people: Path, tmp_path: Path, name: str
) -> None:
    ran = run(harness, people, plugin(name, HONEST[name]))
    assert ran.code == 0, ran.err
    (one,) = ran.json["runs"]
    manifest = json.loads((tmp_path / "work" / one["folder"] / "manifest.json").read_text())
    protection = manifest["protection"]
    assert protection["pictures"] >= 2
    assert protection["pairs"] >= 1
    assert protection["largest"] < 0.01


TRUTH = '''
import json
from pathlib import Path
from harness import TrainingSet

def everywhere():
    """Whatever this process can find: frames, arguments, files above and beside."""
    import sys
    found = set()
    frame = sys._getframe()
    while frame:
        for value in frame.f_locals.values():
            try:
                found.add(repr(value)[:100000])
            except Exception:
                pass
        frame = frame.f_back
    return " ".join(found) + " ".join(sys.argv) + json.dumps(dict(os.environ))

@dataclass
class Truth(Matcher):
    """Looks for names, paths and truth wherever a worker could be told them."""

    def fit(self, train):
        self.x_ = 1.0
        assert len(train.images[0]) == 6
        text = everywhere()
        for word in ("people/", ".png", "p07"):
            assert word not in text, word

    def extract(self, image):
        text = everywhere()
        for word in ("people/", ".png", "p07", "fold-", "reference"):
            assert word not in text, word
        return image.reshape(-1).astype(float)

    def compare(self, probes, references):
        text = everywhere()
        for word in ("people/", ".png", "p07", "fold-"):
            assert word not in text, word
        return np.stack(probes) @ np.stack(references).T
'''


def test_a_worker_is_told_no_name_path_or_role(
    harness: Command, plugin: WriteFile, people: Path
) -> None:
    ran = run(harness, people, plugin("seeker", TRUTH))
    assert ran.code == 0, ran.err


def test_nothing_in_the_run_folder_tells_the_truth_while_an_algorithm_is_at_work(
    harness: Command, plugin: WriteFile, people: Path, tmp_path: Path
) -> None:
    body = '''
@dataclass
class Waits(Matcher):
    """Waits to be looked at."""

    def extract(self, image):
        time.sleep(0.05)
        return image.reshape(-1).astype(float)
'''
    out = tmp_path / "out"
    words = ["run", "--protocol", "identification", "--data", people, "--out", out]
    command = [sys.executable, "-m", "harness", *map(str, words)]
    command += [
        "--algo",
        str(plugin("waits", body)),
        "--workers",
        "1",
        "--fold",
        "1",
        "--fold",
        "2",
    ]
    seen: set[str] = set()
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        while process.poll() is None:
            # `os.walk` leaves out what is gone by the time it is listed.
            names = {name for _, _, files in os.walk(out) for name in files}
            # The first that is written after the last worker; looked for when all have been listed.
            if any("protocol.toml" in files for _, _, files in os.walk(out)):
                break
            seen |= names
            time.sleep(0.005)
        process.communicate(timeout=300)
    assert process.returncode == 0
    assert "worker.log" in seen
    assert not seen & {"unit.json", "truth.json", "searches.npz", "manifest.json"}


def test_scores_that_lie_there_are_not_taken_for_done(
    harness: Command, plugin: WriteFile, people: Path, tmp_path: Path
) -> None:
    body = f'''
@dataclass
class Plain(Matcher):
    """Random features."""
{HASHED}
'''
    path = plugin("plain", body)
    first = run(harness, people, path, "--out", tmp_path / "one")
    folder = tmp_path / "work" / first.json["runs"][0]["folder"]
    scores = sorted(folder.glob("units/fold-*/scores"))[0]
    truth = np.load(scores / "scores.npy")
    # What a worker without a fence could have left for a run that was interrupted.
    forged = tmp_path / "two" / folder.parent.name / folder.name / "units" / scores.parent.name
    (forged / "scores").mkdir(parents=True)
    np.save(forged / "scores" / "scores.npy", np.eye(*truth.shape))
    (forged / "scores" / "failures.json").write_text("{}")
    (forged / "scores" / "step.json").write_text('{"seconds": 1.0, "items": 1}')
    again = run(harness, people, path, "--out", tmp_path / "two")
    assert again.json["runs"][0]["metrics"] == first.json["runs"][0]["metrics"]
    assert scores.parent.name in again.json["runs"][0]["done"]


PATCH = '''
@dataclass
class Patch(Matcher):
    """Replaces what it can reach of the harness in its own process."""

    def extract(self, image):
        from harness.execution import steps
        import harness.execution.answers
        steps.Asked._compare = lambda *a: None
        harness.execution.answers.checked_scores = lambda *a: 1
        harness.execution.answers.checked_templates = lambda *a: a[0]
        return np.array(["not", "numbers"])
'''


def test_a_plugin_that_patches_the_harness_in_its_process_changes_nothing(
    harness: Command, plugin: WriteFile, people: Path
) -> None:
    is_found_out(run(harness, people, plugin("patch", PATCH)), "return a NumPy array of numbers")


ENDS = {
    "os._exit(0)": "ended with exit code 0 without an answer",
    "os._exit(7)": "ended with exit code 7 without an answer",
    "os.closerange(3, 256); time.sleep(60)": "closed its line to the harness without an answer",
    "sys.exit(0)": "SystemExit: 0",
    "os.kill(os.getpid(), 9)": "was ended by SIGKILL",
    "os.fork() == 0 and time.sleep(600); os._exit(0)": "ended with exit code 0 without an answer",
}


@pytest.mark.parametrize("line", ENDS)
def test_however_a_process_ends_the_reason_is_said_at_once(
    harness: Command, plugin: WriteFile, people: Path, line: str
) -> None:
    body = f'''
import sys

@dataclass
class Ends(Matcher):
    """Ends."""

    def extract(self, image):
        {line}
        return image.reshape(-1).astype(float)
'''
    ran = run(harness, people, plugin("ends", body), "--timeout", "60")
    is_found_out(ran, ENDS[line])


def test_a_child_left_behind_neither_holds_the_run_up_nor_fails_it(
    harness: Command, plugin: WriteFile, people: Path
) -> None:
    body = '''
import os
import subprocess

@dataclass
class Leaves(Matcher):
    """Leaves a child behind that holds everything open."""

    def extract(self, image):
        if not vars(self).get("left"):
            self.left = True
            if os.fork() == 0:
                time.sleep(600)
                os._exit(0)
            subprocess.Popen(["sleep", "600"], start_new_session=True)
        return image.reshape(-1).astype(float)
'''
    began = time.monotonic()
    ran = run(harness, people, plugin("leaves", body), "--timeout", "60")
    assert ran.code == 0, ran.err
    assert time.monotonic() - began < 60


def test_steps_see_nothing_of_each_other(
    harness: Command, plugin: WriteFile, tmp_path: Path, people: Path
) -> None:
    body = '''
import mmap, tempfile
from pathlib import Path

SHARED = mmap.mmap(-1, 4096)

@dataclass
class Tells(Matcher):
    """Would tell its later self in memory, in files and in attributes."""

    def fit(self, train):
        assert len(train.images[0]) == 6
        self.seen_ = 1.0
        self.hidden = 1
        SHARED[0] = 1
        (Path(tempfile.gettempdir()) / "note").write_text("x")

    def extract(self, image):
        assert self.seen_ == 1.0
        assert not hasattr(self, "hidden")
        assert SHARED[0] == 0
        assert not (Path(tempfile.gettempdir()) / "note").exists()
        return image.reshape(-1).astype(float)
'''
    ran = run(harness, people, plugin("tells", body))
    assert ran.code == 0, ran.err


def test_what_is_printed_without_end_is_bounded(
    harness: Command, plugin: WriteFile, people: Path, tmp_path: Path
) -> None:
    body = '''
@dataclass
class Loud(Matcher):
    """Prints a megabyte per image."""

    def extract(self, image):
        print("x" * 1_000_000)
        return image.reshape(-1).astype(float)
'''
    ran = run(harness, people, plugin("loud", body))
    assert ran.code == 0, ran.err
    folder = tmp_path / "work" / ran.json["runs"][0]["folder"]
    logs = list(folder.rglob("worker.log"))
    assert logs
    assert sum(log.stat().st_size for log in logs) < 8 << 20
    assert any("bytes left out" in log.read_text(errors="replace") for log in logs)
