"""Finding algorithms and protocols by name, and saying what is wrong with one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.api import ABILITIES, Algorithm
from harness.errors import PluginError, UsageError
from harness.plugins import glancing, registry
from harness.plugins.places import bundled

WriteFile = Callable[[str, str], Path]

MATCHER = '''
@dataclass
class Mine(Matcher):
    """My matcher."""

    def extract(self, image):
        return image.mean(axis=(0, 1))
'''


def test_the_names_of_the_abilities_are_those_of_the_interface() -> None:
    assert tuple(ability.__name__ for ability in ABILITIES) == glancing.ABILITIES


def test_built_in_algorithms_are_found_by_their_file_names() -> None:
    assert {"triplet", "contrastive", "sift", "colours", "hog-svm"} <= set(registry.algorithms())


def test_a_folder_of_ones_own_is_searched_too(plugin: WriteFile) -> None:
    path = plugin("my_matcher", MATCHER)
    assert registry.find_algorithm("my-matcher", [path.parent]).file == path
    assert registry.find_algorithm("my_matcher", [path.parent]).file == path


def test_a_folder_named_in_the_environment_is_searched_too(
    plugin: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = plugin("my_matcher", MATCHER)
    monkeypatch.setenv(registry.PLUGINS_VARIABLE, str(path.parent))
    assert registry.find_algorithm("my-matcher").file == path


def test_a_file_is_an_algorithm_by_its_path(plugin: WriteFile) -> None:
    found = registry.load(registry.find_algorithm(str(plugin("mine", MATCHER))))
    assert found.__name__ == "Mine"
    assert registry.abilities_of(found) == ("Matcher",)


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(
        UsageError, match="no algorithm is called 'triplit'. Did you mean 'triplet'"
    ):
        registry.find_algorithm("triplit")
    with pytest.raises(UsageError, match="Did you mean 'similarity'"):
        registry.find_protocol("similarty")


def test_two_algorithms_of_one_name_are_refused_rather_than_one_hidden(plugin: WriteFile) -> None:
    path = plugin("colours", MATCHER)
    with pytest.raises(UsageError, match="more than one"):
        registry.find_algorithm("colours", [path.parent])


def test_an_import_error_is_shown_as_that_error_with_file_and_line(plugin: WriteFile) -> None:
    path = plugin("broken", "import no_such_library\n")
    line = path.read_text().splitlines().index("import no_such_library") + 1
    with pytest.raises(PluginError) as caught:
        registry.load(registry.find_algorithm(str(path)))
    text = str(caught.value)
    assert f"{path}, line {line}" in text
    assert "ModuleNotFoundError: No module named 'no_such_library'" in text
    assert text.endswith("import no_such_library")


def test_a_syntax_error_is_shown_with_its_line(plugin: WriteFile) -> None:
    path = plugin("typo", "def extract(:\n")
    with pytest.raises(PluginError, match=r"line \d+.*SyntaxError"):
        registry.load(registry.find_algorithm(str(path)))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "it defines none"),
        (MATCHER + MATCHER.replace("Mine", "Other"), "it defines Mine, Other"),
        (MATCHER.replace("@dataclass\n", ""), "put @dataclass above `class Mine`"),
    ],
)
def test_a_file_must_define_one_dataclass(plugin: WriteFile, body: str, said: str) -> None:
    with pytest.raises(PluginError, match=said):
        registry.load(registry.find_algorithm(str(plugin("mine", body))))


def test_a_glance_reads_abilities_from_the_source_without_importing(plugin: WriteFile) -> None:
    path = plugin("mine", MATCHER + "\nraise RuntimeError('imported')\n")
    seen = registry.glance(registry.find_algorithm(str(path)))
    assert (seen.abilities, seen.about, seen.learns) == (("Matcher",), "My matcher.", False)


def test_a_glance_agrees_with_the_imported_class_for_every_built_in_algorithm() -> None:
    for plugins in registry.algorithms().values():
        for found in plugins:
            imported = registry.load(found)
            seen = registry.glance(found)
            assert seen.abilities == registry.abilities_of(imported), found.name
            assert seen.about == (imported.__doc__ or "").strip().split("\n")[0]
            assert seen.learns == (imported.fit is not Algorithm.fit), found.name


def test_the_source_hash_changes_with_the_algorithm_s_text(plugin: WriteFile) -> None:
    path = plugin("mine", MATCHER)
    before = registry.source_hash(registry.find_algorithm(str(path)))
    assert registry.source_hash(registry.find_algorithm(str(path))) == before
    path.write_text(path.read_text().replace("axis=(0, 1)", "axis=(1, 0)"))
    assert registry.source_hash(registry.find_algorithm(str(path))) != before


def test_an_installed_package_offers_algorithms_by_entry_points(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "acme").mkdir(parents=True)
    (site / "acme" / "__init__.py").write_text("")
    shutil.copy(bundled("algorithms") / "colours.py", site / "acme" / "match.py")
    info = site / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{registry.ENTRY_POINTS}]\nacme-colours = acme.match:Colours\n"
    )
    program = "\n".join(
        [
            "import sys",
            f"sys.path.insert(0, {str(site)!r})",
            "from harness.plugins import registry",
            "found = registry.find_algorithm('acme-colours')",
            "print(registry.glance(found).abilities, 'acme.match' in sys.modules)",
            "print(registry.load(found).__name__, len(registry.source_hash(found)))",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["('Matcher',) False", "Colours 64"], done.stderr


def test_what_is_installed_meanwhile_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offered() -> list[str]:
        return [entry.name for entry, _ in registry.of_packages(registry.ENTRY_POINTS)]

    monkeypatch.syspath_prepend(str(tmp_path))
    before = offered()
    (tmp_path / "late.py").write_text("")
    info = tmp_path / "late-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: late\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{registry.ENTRY_POINTS}]\nlate = late:Late\n")
    assert sorted(offered()) == sorted([*before, "late"])
