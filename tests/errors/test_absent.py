"""What is not installed: whose package it is, which extra brings it, and how that is said."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Callable, Iterator

import pytest

from harness.errors.absent import (
    NotInstalled,
    brings,
    how_to_install,
    imported,
    is_absent,
    is_whole,
    known_absence,
    lacking,
)
from harness.plugins.places import PACKAGE

WRITTEN = [
    "numpy>=2.0",
    'pencils>=1.0; extra == "draw"',
    'ink>=2; (python_version < "4") and extra == "draw"',
    'ink>=2; extra == "print"',
    'pencils>=1.0; extra == "print"',
    'Press_Works[oil]>=3; extra == "print"',
    "opencv-python-headless>=4.10; extra == 'look'",
    'pytest>=8; extra == "dev"',
    'pencils>=1.0; extra == "dev"',
]


@pytest.fixture
def extras(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[str] | None], None]]:
    """Let the metadata of the installed harness say something else."""

    def say(lines: list[str] | None) -> None:
        def requires(name: str) -> list[str] | None:
            if lines is None:
                raise importlib.metadata.PackageNotFoundError(name)
            return lines

        monkeypatch.setattr(importlib.metadata, "requires", requires)
        brings.cache_clear()

    say(WRITTEN)
    yield say
    brings.cache_clear()


@pytest.mark.usefixtures("extras")
@pytest.mark.parametrize(
    ("modules", "command"),
    [
        (["pencils"], "pip install 'tattoo-harness[draw]'"),
        (["press_works.rollers"], "pip install 'tattoo-harness[print]'"),
        (["pencils", "press_works"], "pip install 'tattoo-harness[print]'"),  # brings both
        (["cv2", "ink"], "pip install 'tattoo-harness[draw,look]'"),
        (["cv2", "faiss"], "pip install 'tattoo-harness[look]' faiss"),
        (["numpy"], "pip install numpy"),  # of the core, and gone all the same
        (["pytest"], "pip install pytest"),  # nobody needs our tools for tests to run theirs
    ],
)
def test_the_command_names_the_smallest_extras_that_bring_all(
    modules: list[str], command: str
) -> None:
    assert how_to_install(modules) == command


@pytest.mark.usefixtures("extras")
def test_one_package_is_and_several_are_not_installed() -> None:
    assert lacking(["ink"]) == "ink, which is not installed: pip install 'tattoo-harness[draw]'"
    assert lacking(["ink", "cv2", "wax"]).startswith(
        "ink, opencv-python-headless and wax, which are not installed: pip install '"
    )


def test_a_harness_that_was_never_installed_names_packages(
    extras: Callable[[list[str] | None], None],
) -> None:
    extras(None)
    assert how_to_install(["torch"]) == "pip install torch"
    assert not is_whole()


def test_an_installation_is_whole_where_every_package_of_an_extra_is_there(
    extras: Callable[[list[str] | None], None],
) -> None:
    extras(['numpy>=2; extra == "a"', 'pillow; extra == "b"'])
    assert is_whole()
    extras(['numpy>=2; extra == "a"', 'no-such-thing; extra == "b"'])
    assert not is_whole()


def test_what_is_there_is_imported_and_what_is_not_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert imported("json.decoder", "reading").__name__ == "json.decoder"
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert is_absent("pyarrow.parquet")
    with pytest.raises(NotInstalled, match="^reading needs pyarrow, which .*, or save it as CSV$"):
        imported("pyarrow", "reading", ", or save it as CSV")


def test_a_package_that_is_there_and_lacks_a_part_is_not_called_absent() -> None:
    assert not is_absent("json.no_such_part")
    with pytest.raises(ModuleNotFoundError, match="json.no_such_part"):
        imported("json.no_such_part", "reading")


@pytest.mark.usefixtures("extras")
def test_a_failed_import_is_explained_where_it_is_a_package_of_an_extra() -> None:
    assert known_absence(ModuleNotFoundError("No module named 'ink'", name="ink")).startswith(
        "ink,"
    )
    assert not known_absence(ModuleNotFoundError("No module named 'wax'", name="wax"))
    assert not known_absence(ModuleNotFoundError("No module named 'json.x'", name="json.x"))
    assert not known_absence(ImportError("libink.so: cannot be read", name="ink"))
    assert not known_absence(ValueError("ink"))


def test_the_extras_that_are_named_are_those_of_the_project() -> None:
    project = PACKAGE.parent / "pyproject.toml"
    if not project.exists():
        pytest.skip("needs a checkout")
    written = tomllib.loads(project.read_text())["project"]["optional-dependencies"]
    assert set(brings()) == set(written) - {"dev", "docs"}, "pip install -e . again"


def test_no_package_stands_in_two_extras() -> None:
    project = PACKAGE.parent / "pyproject.toml"
    if not project.exists():
        pytest.skip("needs a checkout")
    facts = tomllib.loads(project.read_text())["project"]
    every = [
        *facts["dependencies"],
        *(x for e in facts["optional-dependencies"].values() for x in e),
    ]
    named = [
        line.split(">=")[0].lower() for line in every if not line.startswith("tattoo-harness[")
    ]
    assert sorted(named) == sorted(set(named))


def test_contributing_says_of_every_package_where_it_belongs() -> None:
    project = PACKAGE.parent / "pyproject.toml"
    if not project.exists():
        pytest.skip("needs a checkout")
    facts = tomllib.loads(project.read_text())["project"]
    asked = {"core": facts["dependencies"], **facts["optional-dependencies"]}
    wanted = {
        (extra, re.split("[><=]", line)[0].lower())
        for extra, lines in asked.items()
        for line in lines
        if not line.startswith("tattoo-harness[")
    }
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("| where | package |") : text.index("What a library would do")]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:] if line]
    assert {(row[0], row[1]) for row in rows} == wanted
    assert len(rows) == len(wanted)


def test_the_page_on_installing_names_every_extra() -> None:
    page = PACKAGE.parent / "docs" / "install.md"
    if not page.exists():
        pytest.skip("needs a checkout")
    facts = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    named = set(re.findall(r"`tattoo-harness\[([a-z,]+)\]`", page.read_text(encoding="utf-8")))
    assert named == set(facts["optional-dependencies"]) - {"docs"}
