"""Files that `harness new` writes: they work as they are, and nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import conformance, registry
from harness.errors import UsageError
from harness.scaffold import write_algorithm


@pytest.mark.parametrize("ability", ["matcher", "detector"])
def test_a_new_algorithm_passes_the_conformance_kit(ability: str, tmp_path: Path) -> None:
    path = write_algorithm("my-idea", tmp_path / "plugins", ability=ability)
    algorithm = registry.load(registry.find_algorithm(str(path)))
    findings = conformance.check(algorithm, folder=tmp_path)
    assert [finding for finding in findings if not finding.passed] == []
    assert registry.abilities_of(algorithm) == (ability.capitalize(),)


def test_the_class_is_named_after_the_file(tmp_path: Path) -> None:
    path = write_algorithm("my_second-idea2", tmp_path)
    assert path == tmp_path / "my_second-idea2.py"
    assert registry.load(registry.find_algorithm(str(path))).__name__ == "MySecondIdea2"


@pytest.mark.parametrize("name", ["matcher", "none", "image", "training-set"])
def test_a_name_that_clashes_with_one_in_the_file_still_works(name: str, tmp_path: Path) -> None:
    path = write_algorithm(name, tmp_path)
    assert registry.load(registry.find_algorithm(str(path))).__name__.endswith("Algorithm")


@pytest.mark.parametrize(
    "name", ["", "My-Idea", "my idea", "2nd", "-x", "x-", "a--b", "../x", "x.py", "é", "x\n"]
)
def test_other_names_are_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lower-case words joined by '-' or '_'"):
        write_algorithm(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("again", ["my-idea", "my_idea"])
def test_a_file_that_exists_is_never_overwritten(again: str, tmp_path: Path) -> None:
    path = write_algorithm("my-idea", tmp_path)
    path.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        write_algorithm(again, tmp_path)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_ability_is_refused_with_the_nearest_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'matcher'"):
        write_algorithm("x", tmp_path, ability="macher")
