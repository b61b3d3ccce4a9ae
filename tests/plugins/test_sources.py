"""The code that makes scores is part of a recipe, and code that does not is not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.plugins import sources
from harness.plugins.places import PACKAGE, bundled
from harness.plugins.sources import libraries
from tests.conftest import run_harness

pytestmark = pytest.mark.own_workers

WriteFile = Callable[[str, str], Path]

COUNTS = {
    "algorithms/colours.py": True,
    "harness/data/images.py": True,
    "harness/execution/answers.py": True,
    "harness/api.py": True,
    "harness/plugins/description.py": True,
    "harness/execution/worker.py": True,
    "harness/execution/storage.py": True,
    "harness/matching/search.py": True,
    "harness/matching/windows.py": True,
    "algorithms/random.py": False,
    "harness/reporting/report.py": False,
    "harness/boards/boards.py": False,
    "harness/metrics/verification.py": False,
    "harness/training/losses.py": False,
    "harness/training/descent.py": False,
    "harness/cli/verbs/run.py": False,
    "harness/plugins/sources.py": False,
    "harness/record/record.py": False,
    "harness/tasks/identification.py": False,
    "harness/tasks/trade_off.py": False,  # names of errors, for reports
}
"""Files of every kind, and whether they make scores of an algorithm that does not learn."""

OF_THE_TOOLKIT = {
    "harness/training/losses.py": True,  # imported inside a method
    "harness/training/embedding.py": True,  # imported by a module of the algorithm's folder
    "harness/training/engine.py": True,  # imported by another module of the toolkit
    "algorithms/siamese/network.py": True,
    "harness/training/backbones.py": False,
    "algorithms/alexnet_svm/network.py": False,
}

IN_ONE_MODULE = {
    "def errors_allowed(": True,  # of what streaming keeps
    "def auc(": False,
}

PROGRAM = """
import json, sys
from pathlib import Path
from harness.plugins import registry, sources

def hash_of(name):
    remembered = (sources._common, sources._texts_of_the_harness)
    for cached in (*remembered, sources._bindings, sources.file_of):
        cached.cache_clear()
    return registry.source_hash(registry.find_algorithm(name))

found, as_it_is = [], {}
for file, old, new, name in json.load(sys.stdin):
    path = Path(file)
    text = path.read_text(encoding="utf-8")
    if name not in as_it_is:
        as_it_is[name] = hash_of(name)
    assert old in text, (file, old)
    path.write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")
    found.append(hash_of(name) != as_it_is[name])
    path.write_text(text, encoding="utf-8")
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[bool]]:
    """Say which changes of files change the hash of an algorithm's source, in a copy."""
    place = tmp_path_factory.mktemp("copy")
    for folder in (PACKAGE, bundled("algorithms")):
        shutil.copytree(
            folder, place / folder.name, ignore=shutil.ignore_patterns("__pycache__", "bundled")
        )

    def ask(cases: list[tuple[str, str, str, str]]) -> list[bool]:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=json.dumps(cases),
            capture_output=True,
            text=True,
            check=False,
            cwd=place,
        )
        assert done.returncode == 0, done.stderr
        found: list[bool] = json.loads(done.stdout)
        return found

    return ask


@pytest.mark.slow
def test_code_that_makes_scores_is_in_the_hash_and_other_code_is_not(
    changes: Callable[..., list[bool]],
) -> None:
    found = changes([(file, "", "\n# changed\n", "colours") for file in COUNTS])
    assert dict(zip(COUNTS, found, strict=True)) == COUNTS


@pytest.mark.slow
def test_of_the_toolkit_what_an_algorithm_imports_is_in_its_hash(
    changes: Callable[..., list[bool]],
) -> None:
    found = changes([(file, "", "\n# changed\n", "triplet") for file in OF_THE_TOOLKIT])
    assert dict(zip(OF_THE_TOOLKIT, found, strict=True)) == OF_THE_TOOLKIT


def test_of_another_module_only_what_makes_stored_scores_is_in_the_hash(
    changes: Callable[..., list[bool]],
) -> None:
    file = "harness/metrics/verification.py"
    found = changes([(file, old, f"{old}  # changed\n", "colours") for old in IN_ONE_MODULE])
    assert dict(zip(IN_ONE_MODULE, found, strict=True)) == IN_ONE_MODULE


@pytest.mark.slow
def test_every_module_that_a_worker_loads_counts_or_is_known_to_make_no_scores(
    small_set: Path, tmp_path: Path, plugin: WriteFile
) -> None:
    """What really runs is the measure: a module that is forgotten shows here."""
    path = plugin(
        "tells",
        '''
import json
import sys


@dataclass
class Tells(Matcher):
    """Says which modules of the harness its process has loaded."""

    def extract(self, image):
        return image.mean(axis=(0, 1))

    def compare(self, probes, references):
        loaded = sorted(name for name in sys.modules if name.split(".")[0] == "harness")
        print(json.dumps(loaded))
        return super().compare(probes, references)
''',
    )
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", path, "--data", small_set, "--json"),
        *("--out", tmp_path / "runs"),
    )
    assert ran.code == 0, ran.err
    folder = Path(ran.json["runs"][0]["folder"])
    lines = [
        line
        for log in folder.rglob("*.log")
        for line in log.read_text(encoding="utf-8").splitlines()
        if line.startswith('["harness')
    ]
    loaded = set(json.loads(lines[0]))
    assert "harness.execution.answers" in loaded
    counted = {place.partition(":")[0] for place in sources.score_makers()}
    harmless = {
        "harness",  # passes names on
        "harness.plugins.places",  # where folders lie
        "harness.data.toml_text",  # protocols and recipes, before anything is scored
        "harness.tasks.results",  # what is computed from stored scores
        "harness.data",
        "harness.data.findings",  # remarks about data
        "harness.data.marker",
        "harness.metrics",
        "harness.tasks",
        "harness.plugins",
        "harness.statistics",
        "harness.training",
        "harness.verbs",  # packages without code
        "harness.statistics.error_rates",  # intervals
        "harness.statistics.margins",
        "harness.statistics.bootstrap",
        "harness.statistics.intervals",
        "harness.tasks.comparisons",  # numbers from stored scores
        "harness.tasks.folds",  # its outcome, the folds, is in the recipe
        *sources.APART,
    }
    assert loaded - counted - harmless == set()


def test_a_name_of_a_file_in_the_text_is_found_without_running_it(plugin: WriteFile) -> None:
    path = plugin("mine", "MODEL = 'models/net.onnx'\nABSENT = 'other.onnx'\nUP = '../secret'\n")
    (path.parent / "models").mkdir()
    (path.parent / "models" / "net.onnx").write_bytes(b"net")
    (path.parent.parent / "secret").write_text("not below")
    assert sources.named_files(path.parent, [path]) == ["models/net.onnx"]


def test_the_libraries_of_an_algorithm_are_those_that_it_and_its_toolkit_import() -> None:
    assert "torch" in libraries([bundled("algorithms") / "siamese" / "__init__.py"])
    assert "torch" not in libraries([bundled("algorithms") / "sift.py"])
    assert "cv2" in libraries([bundled("algorithms") / "sift.py"])
    assert "harness" not in libraries([bundled("algorithms") / "arcface.py"])


def found_anew() -> dict[str, str]:
    sources._common.cache_clear()
    return sources.score_makers([bundled("algorithms") / "arcface.py"])


def test_what_makes_scores_is_worked_out_once_for_the_same_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = found_anew()
    kept = list(tmp_path.rglob("*.json"))
    assert len(kept) == 2  # of all algorithms, and of this one
    with monkeypatch.context() as patch:
        patch.setattr(sources, "_closure", lambda *_: pytest.fail("worked out again"))
        assert found_anew() == first
    for file in kept:
        file.write_text(file.read_text()[:-9])
    assert found_anew() == first
    assert not list(tmp_path.rglob("*.part-*"))


def test_a_cache_that_cannot_be_written_costs_time_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = found_anew()
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert found_anew() == first


def test_findings_of_old_states_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sources, "KEPT", 1)
    assert found_anew() == found_anew()
    assert len(list(tmp_path.rglob("*.json"))) == 1
