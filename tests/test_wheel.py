"""An installed wheel does all that a checkout does."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.plugins.places import PACKAGE
from tests.bare import bare_environment, core_of

CHECKOUT = PACKAGE.parent

EXTRAS = ("torch", "pyeer")
CHOSEN = ("--protocol", "similarity", "--fold", "1")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("wheel"),
    pytest.mark.skipif(
        not (CHECKOUT / "pyproject.toml").exists(), reason="needs a checkout to build from"
    ),
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the checkout with the build backend that pyproject.toml names."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*command, str(folder), str(CHECKOUT)], check=True)
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_carries_algorithms_protocols_reports_and_fixtures(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern in (
        ("algorithms", "*.py"),
        ("algorithms", "*/*.py"),
        ("protocols", "*.toml"),
        ("reports", "**/*.j2"),
        ("reports", "annotate.*"),
        ("generators", "*.*"),
        ("generators", "procedural/*.py"),
        ("fixtures", "mini/5-fold/*/*.txt"),
    ):
        expected = {
            f"harness/bundled/{path.relative_to(CHECKOUT).as_posix()}"
            for path in (CHECKOUT / folder).glob(pattern)
        }
        assert expected
        assert expected <= names
    assert not [name for name in names if name.startswith("tests/")]
    driver = Path("harness", "plugins", "programs", "native")
    sources = {f"{driver}/{path.name}" for path in (CHECKOUT / driver).iterdir()}
    assert len(sources) == 2
    assert sources <= names


def test_with_the_extras_of_the_readme_a_network_is_trained_and_pictures_are_drawn(
    wheel: Path, tmp_path: Path
) -> None:
    place = tmp_path / "environment"
    bare_environment(place, wheel, *EXTRAS)

    def does(*words: str) -> str:
        done = subprocess.run(
            [str(place / "bin" / "harness"), *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    ran = does("run", *CHOSEN, "--algo", "triplet", "--preset", "check")
    assert "similarity / triplet" in ran
    (report,) = (tmp_path / "runs").rglob("report.html")
    assert "computed independently by PyEER" in report.read_text()
    does(
        *("synth", "drawn", "--identities", "2", "--images", "2", "--size", "48"),
        *("--param", "size=64", "--workers", "2"),
    )
    assert len(list((tmp_path / "drawn" / "images").rglob("*.jpg"))) == 4
    listed = does("describe", "colours")
    assert f"{place}" in listed
    assert "bundled" in listed


def test_those_extras_are_what_the_readme_s_first_command_installs() -> None:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    first = text[text.index("python3 -m venv") :].splitlines()[0]
    assert f"'.[{','.join(EXTRAS)}]'" in first
    assert first.endswith("--protocol similarity --algo triplet")


CORE = {"click", "Jinja2", "msgspec", "numpy", "pandas", "pillow", "pydantic", "scipy"}
FRAMEWORKS = ["torch", "torchvision", "tensorflow", "keras", "cv2", "sklearn", "matplotlib"]


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `harness` where nothing but the core is installed."""
    place = tmp_path_factory.mktemp("bare") / "environment"
    python = bare_environment(place, wheel)
    program = f"from importlib.util import find_spec as f; print([n for n in {FRAMEWORKS} if f(n)])"
    assert subprocess.check_output([str(python), "-c", program], text=True) == "[]\n"
    return python.with_name("harness")


def test_the_core_runs_judges_compares_gates_and_reports_and_nothing_else_is_imported(
    bare: Path, tmp_path: Path
) -> None:
    def does(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(bare), *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    does("run", *CHOSEN, "--algo", "colours,random,oracle")
    good, bad = "similarity/colours", "similarity/random"
    does("gate", "--baseline", good, "--candidate", good, "--out", "gate", "--page")
    assert json.loads((tmp_path / "gate" / "gate.json").read_text())["verdict"] == "passed"
    assert (tmp_path / "gate" / "compare.html").is_file()
    does("gate", "--baseline", "similarity/oracle", "--candidate", bad, "--out", "worse", code=1)
    does("compare", good, bad, "--out", "compared")
    does("leaderboard", "runs", "--out", "board")
    assert (tmp_path / "board" / "index.html").is_file()
    (report,) = tmp_path.glob("runs/similarity/colours-*/report.html")
    report.unlink()
    does("report", good)
    assert "not installed" in report.read_text(), "PyEER's opinion is missing, with the reason"
    does("verify", good)
    does("export", good, "--format", "csv", "--out", "files")
    does("score", "--scores", "files/scores.csv", *CHOSEN, "--name", "theirs")
    (theirs,) = tmp_path.glob("runs/similarity/theirs-*/metrics.json")
    ours = json.loads((report.parent / "metrics.json").read_text())["pooled"]
    assert json.loads(theirs.read_text())["pooled"]["map"]["value"] == ours["map"]["value"]
    program = (
        "import harness, sys\n"
        "good, bad = harness.load(sys.argv[1]), harness.load(sys.argv[2])\n"
        "frame = good.metrics\n"
        "print(frame.loc[frame['metric'] == 'map', 'value'].iloc[0])\n"
        "print(harness.gate(good, good).verdict, len(harness.compare(good, bad).metrics) > 0)\n"
    )
    (other,) = tmp_path.glob("runs/similarity/random-*/")
    told = subprocess.check_output(
        [str(bare.with_name("python")), "-c", program, str(report.parent), str(other)],
        cwd=tmp_path,
        text=True,
    )
    assert told.split() == [str(ours["map"]["value"]), "passed", "True"]
    does("data", str(CHECKOUT / "fixtures" / "mini"))
    does("new", "algorithm", "mine")
    listed = json.loads(does("list", "--json").stdout)["algorithms"]
    assert {one["name"] for one in listed if one["install"] == ""} >= {"colours", "random"}
    assert {one["name"] for one in listed if "[torch]" in one["install"]} >= {"triplet", "arcface"}
    assert {one["name"] for one in listed if "[vision]" in one["install"]} == {
        *("hog", "hog-svm", "hog-words", "inpaint", "sift"),
    }
    does("list", "generators")


def test_what_the_core_cannot_do_names_the_extra_that_brings_it(bare: Path, tmp_path: Path) -> None:
    for words, extra in (
        (("run", "--protocol", "similarity", "--algo", "triplet"), "torch"),
        (("run", "--protocol", "tagging", "--algo", "anime-tags"), "tensorflow"),
        (("run", "--protocol", "similarity", "--algo", "colours", "--on", "dask"), "cluster"),
        (("run", "--protocol", "similarity", "--algo", "colours", "--device", "cuda"), "torch"),
        (("synth", "drawn", "--identities", "2"), "vision"),
        (("score", "--scores", "s.parquet", "--protocol", "similarity"), "parquet"),
    ):
        (tmp_path / "s.parquet").write_bytes(b"PAR1")
        done = subprocess.run(
            [str(bare), *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2, (words, done.stderr)
        assert f"pip install 'tattoo-harness[{extra}]'" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_core_holds_what_judging_takes_and_no_more(wheel: Path) -> None:
    names = {package.name for package in core_of(wheel)}
    assert names >= CORE
    assert not names & {"torch", "tensorflow", "keras", "opencv-python-headless", "pyeer", "pytest"}
    assert len(names) < 30
