"""An algorithm that is a folder: found, imported, glanced at, hashed and run as one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.conformance.examination import digest
from harness.errors import PluginError, UsageError
from harness.execution.readable import beside
from harness.plugins import registry
from tests.conftest import run_harness

INIT = '''
"""Greys, described by a helper."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .base import Described
from .parts.numbers import weigh


@dataclass
class GreyLevels(Described):
    """Mean colour, weighed by a file."""

    presets = {"check": {}}

    def extract(self, image):
        weights = np.loadtxt(Path(__file__).parent / "parts" / "weights.txt")
        return weigh(image.mean(axis=(0, 1)), weights)
'''
BASE = """
from dataclasses import dataclass

from harness import Matcher


@dataclass
class Described(Matcher):
    def fit(self, train):
        self.seen_ = len(train)

    def extract(self, image):
        raise NotImplementedError
"""
NUMBERS = "def weigh(colour, weights):\n    return colour * weights + 1.0\n"
SECOND = '''

@dataclass
class Darkest(Described):
    """Another one."""

    def extract(self, image):
        return image.min(axis=(0, 1)) * 1.0
'''

Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Write:
    """Write an algorithm that is a folder, into a folder of algorithms."""

    def write(name: str = "my_greys", *, init: str = INIT) -> Path:
        place = tmp_path / "algorithms" / name
        (place / "parts").mkdir(parents=True)
        (place / "__init__.py").write_text(init)
        (place / "base.py").write_text(BASE)
        (place / "parts" / "__init__.py").write_text("")
        (place / "parts" / "numbers.py").write_text(NUMBERS)
        (place / "parts" / "weights.txt").write_text("1 2 3\n")
        return place

    return write


def test_it_is_found_by_name_and_by_either_path(folder: Write) -> None:
    place = folder()
    file = place / "__init__.py"
    found = registry.find_algorithm("my-greys", [place.parent])
    assert (found.name, found.file, found.path) == ("my-greys", file, str(place))
    for path in (f"{place}", f"{place}/", f"{file}"):
        assert registry.find_algorithm(path) == found


def test_a_relative_path_without_a_separator_is_what_may_have_been_meant(
    folder: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder().parent)
    with pytest.raises(UsageError, match=r"Did you mean '\./my_greys/__init__\.py'"):
        registry.find_algorithm("my-greys")
    assert registry.find_algorithm("./my_greys").name == "my-greys"
    monkeypatch.chdir("my_greys")
    assert registry.find_algorithm(".").name == "my-greys"


def test_hidden_and_private_folders_and_packages_of_nothing_are_no_algorithms(
    folder: Write,
) -> None:
    place = folder()
    for name in ("_shared", ".hidden", "tests", "data"):
        (place.parent / name).mkdir()
        (place.parent / name / "__init__.py").write_text(INIT if name[0] in "_." else '"""Doc."""')
    (place.parent / "data" / "__init__.py").unlink()
    built_in = registry.algorithms()
    assert set(registry.algorithms([place.parent])) - set(built_in) == {"my-greys"}


@pytest.mark.parametrize("content", [None, "", '"""Only words."""\n'])
def test_a_folder_that_defines_nothing_is_refused_with_what_to_do(
    tmp_path: Path, content: str | None
) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    (place / "matcher.py").write_text(BASE)
    if content is not None:
        (place / "__init__.py").write_text(content)
    said = "without" if content is None else "with an empty"
    with pytest.raises(UsageError, match=rf"folder {said} __init__\.py.*--plugins"):
        registry.find_algorithm(str(place))
    if content is None:
        with pytest.raises(UsageError, match=r"mine' is a folder without __init__\.py"):
            registry.find_algorithm("mine", [tmp_path])


def test_a_file_and_a_folder_of_one_name_are_told_apart_by_nobody(folder: Write) -> None:
    place = folder()
    place.with_name("my-greys.py").write_text(INIT)
    with pytest.raises(UsageError, match="more than one algorithm"):
        registry.find_algorithm("my-greys", [place.parent])


def test_relative_imports_find_its_modules_and_not_those_of_a_namesake(
    folder: Write, tmp_path: Path
) -> None:
    place = folder()
    first = registry.load(registry.find_algorithm(str(place)))
    assert (first.__name__, registry.abilities_of(first)) == ("GreyLevels", ("Matcher",))
    other = tmp_path / "elsewhere" / "my_greys"
    other.parent.mkdir()
    place.rename(other)
    (other / "parts" / "numbers.py").write_text("def weigh(colour, weights):\n    return 'other'\n")
    second = registry.load(registry.find_algorithm(str(other)))
    assert second().extract(np.zeros((2, 2, 3), np.uint8)) == "other"  # type: ignore[attr-defined]


def test_a_glance_follows_base_classes_into_its_modules(folder: Write) -> None:
    seen = registry.glance(registry.find_algorithm(str(folder())))
    assert (seen.abilities, seen.learns) == (("Matcher",), True)
    assert (seen.about, seen.presets) == ("Mean colour, weighed by a file.", ("check",))


def test_a_glance_ends_where_modules_import_each_other(folder: Write) -> None:
    place = folder()
    (place / "base.py").write_text("from . import GreyLevels\n\nclass Described(GreyLevels): 1\n")
    assert registry.glance(registry.find_algorithm(str(place))).abilities == ()


def test_a_fault_in_a_module_is_shown_with_that_module_s_line(folder: Write) -> None:
    place = folder()
    (place / "parts" / "numbers.py").write_text("\nimport no_such_library\n")
    with pytest.raises(PluginError, match=r"numbers\.py, line 2: cannot be imported"):
        registry.load(registry.find_algorithm(str(place)))


def test_what_it_only_imports_is_not_its_class(folder: Write) -> None:
    place = folder(init="from .base import Described\n")
    with pytest.raises(PluginError, match=r"defines none \(what it imports from its modules"):
        registry.load(registry.find_algorithm(str(place)))


def test_several_classes_are_several_algorithms_named_after_them(folder: Write) -> None:
    place = folder(init=INIT + SECOND)
    names = {"grey-levels": "GreyLevels", "darkest": "Darkest"}
    for name, kind in names.items():
        found = registry.find_algorithm(name, [place.parent])
        assert registry.load(found).__name__ == kind
        assert registry.find_algorithm(found.path) == found
        assert found.path == str(place / name)
        assert registry.glance(found).abilities == ("Matcher",)
    with pytest.raises(UsageError, match=r"my_greys/grey-levels, .*my_greys/darkest\. Name one"):
        registry.find_algorithm(str(place))


@pytest.mark.parametrize("name", ["base.py", "parts/numbers.py", "parts/weights.txt"])
def test_its_identity_is_its_whole_folder(folder: Write, name: str) -> None:
    plugin = registry.find_algorithm(str(folder()))
    modules = {"__init__.py", "base.py", "parts/__init__.py", "parts/numbers.py"}
    assert set(registry.plugin_files(plugin)) == modules
    before = registry.source_hash(plugin, ["parts/weights.txt"])
    file = plugin.file.parent / name
    file.write_text(file.read_text() + "\n# 1\n")
    assert registry.source_hash(plugin, ["parts/weights.txt"]) != before


def test_a_file_named_in_a_module_is_looked_for_beside_that_module(folder: Write) -> None:
    plugin = registry.find_algorithm(str(folder()))
    (plugin.place / "parts" / "numbers.py").write_text(NUMBERS + "\nNAME = 'weights.txt'\n")
    assert "parts/weights.txt" in registry.plugin_files(plugin)


def test_its_digest_covers_every_python_file_whatever_the_ends_of_lines(folder: Write) -> None:
    place = folder()
    before = digest(place)
    (place / "base.py").write_bytes(BASE.replace("\n", "\r\n").encode())
    assert digest(place) == before
    (place / "parts" / "numbers.py").write_text(NUMBERS.replace("1.0", "2.0"))
    changed = digest(place)
    assert changed != before
    (place / "parts" / "numbers.py").rename(place / "parts" / "figures.py")
    assert digest(place) not in (before, changed)


def test_hidden_folders_and_environments_in_it_are_not_its_source(folder: Write) -> None:
    place = folder()
    for name in (".venv", "env"):
        (place / name).mkdir()
        (place / name / "more.py").write_text("1\n")
    (place / "env" / "pyvenv.cfg").write_text("")
    names = set(registry.plugin_files(registry.find_algorithm(str(place))))
    assert not [name for name in names if "more" in name]


def test_it_may_read_its_own_folder_and_none_beside_it(folder: Write) -> None:
    place = folder().resolve()
    (place.parent / "other.txt").write_text("")
    readable = [Path(one) for one in beside(place / "__init__.py")]
    assert place in readable
    assert not [one for one in readable if not one.is_relative_to(place)]


@pytest.mark.slow
@pytest.mark.own_workers
def test_it_is_run_in_its_fence_and_a_changed_helper_makes_another_run(
    folder: Write, small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_EXAMINATION", "off")
    place = folder()
    words: list[str | Path] = ["run", "--protocol", "similarity", "--algo", place, "--json"]
    words += ["--fold", "1"]
    words += ["--data", small_set, "--out", tmp_path / "runs"]

    def only() -> tuple[str, dict[str, object]]:
        ran = run_harness(*words)
        assert ran.code == 0, ran.err
        (one,) = ran.json["runs"]
        return one["identity"], json.loads((Path(one["folder"]) / "manifest.json").read_text())

    first, manifest = only()
    assert list(manifest["loaded"]) == ["parts/weights.txt"]  # type: ignore[call-overload]
    assert f"--algo {place} " in str(manifest["command"])
    (place / "parts" / "numbers.py").write_text(NUMBERS.replace("1.0", "2.0"))
    assert only()[0] != first


def test_the_commands_take_it_as_they_take_a_file(folder: Write) -> None:
    place = folder()
    checked = run_harness("check", place)
    assert checked.code == 0, checked.out + checked.err
    described = run_harness("describe", place)
    assert str(place / "__init__.py") in described.out
    listed = run_harness("list", "algorithms", "--plugins", place.parent)
    assert "Mean colour, weighed by a file." in listed.out
    (place / "__init__.py").unlink()
    refused = run_harness("check", place)
    assert refused.code == 2
    assert "without __init__.py" in refused.err
