"""Generators are found as files and as folders, and are known by all of their source."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from harness.conformance.generators import examine_generator, is_generator
from harness.errors import PluginError, UsageError
from harness.plugins.registry import PLUGINS_VARIABLE
from harness.synthesis import GenerationFailed, Order, Prompt
from harness.synthesis.finding import build, find_generator, generators, load, source_hash
from harness.synthesis.pipeline import write_identities
from harness.synthesis.recipe import Recipe

INIT = '''
"""Stripes: as broad as another file says."""
from dataclasses import dataclass
import numpy as np
from harness.synthesis import Generated, Generator, Order
from .inner.width import width_of

@dataclass
class Stripes(Generator):
    strength: int = 200

    def generate(self, order: Order) -> Generated:
        image = np.full((64, 64, 3), 220, np.uint8)
        image[:, 20 : 20 + width_of(order.seed)] -= self.strength
        return Generated(image)
'''
WIDTH = "def width_of(seed):\n    return 4 + seed % 20\n"
ORDER = Order(Prompt("", "stripe", "plain", ""), "t1", 0, 6)


def stripes(place: Path, *, width: str = WIDTH, name: str = "stripes") -> Path:
    """Write a generator that is a folder with a folder in it, and return it."""
    folder = place / name
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text(INIT)
    (folder / "inner" / "__init__.py").write_text("")
    (folder / "inner" / "width.py").write_text(width)
    return folder


def drawn_width(file: Path) -> int:
    image = build(file, {}).generate(ORDER).image
    return int((image[0, :, 0] < 100).sum())


def contents(place: Path) -> dict[str, bytes]:
    files = (path for path in sorted(place.rglob("*")) if path.is_file())
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_found_by_its_name_and_by_its_path(
    inside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stripes(inside / "mine" / "generators", name="my_stripes")
    file = folder / "__init__.py"
    for name in ("my-stripes", "my_stripes"):
        assert find_generator(name, [inside / "mine"]) == file
    assert generators([inside / "mine"])["my-stripes"] == file
    monkeypatch.setenv(PLUGINS_VARIABLE, str(inside / "mine"))
    assert find_generator("my-stripes") == find_generator("my-stripes", [inside / "mine"]) == file
    for path in (str(folder), f"{folder}/", str(file), "mine/generators/my_stripes"):
        assert find_generator(path) == file
    assert drawn_width(file) == 10


def test_a_folder_without_an_init_is_refused_as_what_it_is(inside: Path) -> None:
    bare = inside / "mine" / "generators" / "bare_one"
    bare.mkdir(parents=True)
    (bare / "bare.py").write_text(INIT)
    for name in (str(bare), "mine/generators/bare_one", "bare-one", "bare_one"):
        with pytest.raises(UsageError, match=r"has no __init__\.py: a generator that is a folder"):
            find_generator(name, [inside / "mine"])
    with pytest.raises(UsageError, match="there is no generator folder"):
        find_generator("./elsewhere")
    assert "bare-one" not in generators([inside / "mine"])


def test_a_folder_of_that_name_beside_is_what_may_have_been_meant(inside: Path) -> None:
    stripes(inside)
    with pytest.raises(UsageError, match=r"Did you mean '\./stripes'\?"):
        find_generator("stripes")
    assert find_generator("./stripes").name == "__init__.py"


def test_a_folder_beside_hides_no_generator_of_that_name(inside: Path) -> None:
    stripes(inside, name="procedural")
    assert find_generator("procedural") == generators()["procedural"]


@pytest.mark.parametrize("second", ["file", "folder elsewhere", "built-in"])
def test_two_of_one_name_are_refused_with_their_places(inside: Path, second: str) -> None:
    name = "procedural" if second == "built-in" else "stripes"
    stripes(inside / "one" / "generators", name=name)
    if second == "file":
        (inside / "one" / "generators" / "stripes.py").write_text(INIT)
    if second == "folder elsewhere":
        stripes(inside / "two" / "generators")
    with pytest.raises(UsageError, match=f"names more than one generator: .*{name}"):
        find_generator(name, [inside / "one", inside / "two"])
    assert find_generator(f"one/generators/{name}").parent.name == name


def test_the_hash_of_a_folder_covers_every_python_file_below_it(inside: Path) -> None:
    folder = stripes(inside)
    file = folder / "__init__.py"
    seen = {source_hash(file)}
    for name in ("__init__.py", "inner/width.py", "inner/__init__.py"):
        (folder / name).write_text((folder / name).read_text() + "# changed\n")
        seen.add(source_hash(file))
    (folder / "inner" / "new.py").write_text("")
    seen.add(source_hash(file))
    (folder / "inner" / "new.py").rename(folder / "inner" / "newer.py")
    seen.add(source_hash(file))
    assert len(seen) == 6
    before = source_hash(file)
    (folder / "notes.txt").write_text("nothing that runs")
    drawn_width(file)  # which leaves compiled files
    assert source_hash(file) == before


def test_a_file_that_changed_is_imported_anew_and_others_are_not(inside: Path) -> None:
    file = stripes(inside) / "__init__.py"
    module = load(file)
    assert load(file) is module
    assert drawn_width(file) == 10
    (file.parent / "inner" / "width.py").write_text("def width_of(seed):\n    return 31\n")
    assert drawn_width(file) == 31


def test_two_folders_of_one_name_are_not_mixed_up(inside: Path) -> None:
    one = stripes(inside / "one") / "__init__.py"
    other = stripes(inside / "two", width="def width_of(seed):\n    return 30\n") / "__init__.py"
    for _ in range(2):
        assert (drawn_width(one), drawn_width(other)) == (10, 30)


def test_what_cannot_be_imported_is_not_taken_for_what_could(inside: Path) -> None:
    one = stripes(inside / "one") / "__init__.py"
    other = stripes(inside / "two", width="from json import nothing_of_this_name\n") / "__init__.py"
    drawn_width(one)
    with pytest.raises(PluginError, match=r"width\.py, line 1: cannot be imported: ImportError"):
        build(other, {})
    assert drawn_width(one) == 10


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("return 1 / 0", 2, r"generate failed: ZeroDivisionError"),
        ("raise KeyError('no such stripe')", 2, r"generate failed: KeyError"),
        ("return 'broad'", 14, r"generate failed: TypeError"),
        ("return [][seed]", 2, r"generate failed: IndexError"),
    ],
)
def test_what_a_generator_raises_is_told_by_its_own_line(
    inside: Path, body: str, line: int, said: str
) -> None:
    folder = stripes(inside, width=f"def width_of(seed):\n    {body}\n")
    recipe = Recipe(generator=str(folder), identities=1, images=1, size=48)
    with pytest.raises(PluginError, match=rf"\.py, line {line}: {said}"):
        write_identities(inside / "set", recipe)


def test_what_a_generator_says_itself_is_left_as_it_is(inside: Path) -> None:
    text = "from harness.synthesis import GenerationFailed\n\n\ndef width_of(seed):\n"
    folder = stripes(inside, width=f"{text}    raise GenerationFailed('no stripes today')\n")
    recipe = Recipe(generator=str(folder), identities=1, images=1, size=48)
    with pytest.raises(GenerationFailed, match="^no stripes today$"):
        write_identities(inside / "set", recipe)


def test_a_folder_makes_identities_in_other_processes_and_its_source_is_part_of_the_set(
    inside: Path,
) -> None:
    folder = stripes(inside)
    recipe = Recipe(generator=str(folder), identities=2, images=2, size=48)
    write_identities(inside / "one", recipe)
    write_identities(inside / "two", recipe, workers=2)
    assert contents(inside / "one") == contents(inside / "two")
    made = msgspec.json.decode((inside / "one" / "recipe.json").read_bytes())
    assert made["source"] == source_hash(folder / "__init__.py")
    (folder / "inner" / "width.py").write_text(WIDTH + "# changed\n")
    with pytest.raises(UsageError, match="made with another source"):
        write_identities(inside / "one", recipe)


def test_a_class_of_another_file_of_the_folder_is_the_generator(inside: Path) -> None:
    folder = stripes(inside)
    (folder / "stripes.py").write_text(INIT)
    (folder / "__init__.py").write_text("from .stripes import Stripes\n")
    assert drawn_width(folder / "__init__.py") == 10
    assert is_generator(folder)
    assert [one for one in examine_generator(folder / "__init__.py") if not one.passed] == []


def test_a_folder_whose_init_defines_no_generator_is_refused(inside: Path) -> None:
    folder = stripes(inside)
    (folder / "stripes.py").write_text(INIT)
    (folder / "__init__.py").write_text("")
    with pytest.raises(PluginError, match="exactly one public class"):
        build(folder / "__init__.py", {})


def test_a_name_with_a_dot_or_a_dash_is_no_package_s_own(inside: Path) -> None:
    folder = stripes(inside, name="stripes.v2-b")
    assert drawn_width(folder / "__init__.py") == 10
    assert "harness_generator_stripes_v2_b.inner.width" in sys.modules
