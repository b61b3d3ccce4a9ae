"""An installed wheel does all that a checkout does."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from harness.plugins.places import PACKAGE

CHECKOUT = PACKAGE.parent

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


def test_it_runs_from_another_folder_in_a_bare_environment(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "environment"
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)], check=True
    )
    # The dependencies weigh gigabytes: they are lent by this environment, the harness is not.
    site = subprocess.check_output(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    ).strip()
    Path(site, "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    ran = subprocess.run(
        [
            *(str(place / "bin" / "harness"), "run", "--protocol", "similarity"),
            *("--algo", "colours", "--fold", "1"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "similarity / colours" in ran.stdout
    assert list((tmp_path / "runs").rglob("report.html"))
    drawn = subprocess.run(
        [
            *(str(place / "bin" / "harness"), "synth", "drawn", "--identities", "2"),
            *("--images", "2", "--size", "48", "--param", "size=64", "--workers", "2"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert drawn.returncode == 0, drawn.stderr
    assert len(list((tmp_path / "drawn" / "images").rglob("*.jpg"))) == 4
    listed = subprocess.run(
        [str(place / "bin" / "harness"), "describe", "colours"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{place}" in listed.stdout
    assert "bundled" in listed.stdout
