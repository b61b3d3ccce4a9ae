"""Whole data sets in a layout of a generator's own: asked for, checked, sent to other processes."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from harness.cli import commands
from harness.conformance.generators import examine_generator
from harness.data.marker import MARKER, read_marker
from harness.data.readers.layouts import open_dataset
from harness.errors import PluginError, UsageError
from harness.plugins.places import PACKAGE
from harness.synthesis.finding import build
from harness.synthesis.whole_sets import CHECKSUMS, draw_whole_set

PAGE = PACKAGE.parent / "docs" / "synthetic-data.md"
EXAMPLE = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)[-1]

FOLDER = {
    "__init__.py": "from .noise import Noise as Noise\n",
    "noise.py": EXAMPLE.replace("def file_of", "from .names import file_of\n\n\ndef _file_of"),
    "names.py": """
def file_of(one):
    _, folder, seed, take = one
    return folder / f"t{seed}" / f"{take}.png"
""",
}
"""The page's generator as a folder: its class in one module, a function it calls in another."""


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    file = tmp_path / "noise.py"
    file.write_text(EXAMPLE)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "noise_folder"
    place.mkdir()
    for name, text in FOLDER.items():
        (place / name).write_text(text)
    return place


def contents(place: Path) -> dict[str, bytes]:
    files = (path for path in sorted(place.rglob("*")) if path.is_file())
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in files}


def drawn(place: Path, generator: Path, seed: int = 0, workers: int = 1) -> bool:
    return draw_whole_set(
        *(place, "three"),
        generator=str(generator),
        parameters={},
        seed=seed,
        workers=workers,
        report=lambda done, total: None,
    )


def test_a_set_is_drawn_whole_and_states_what_every_made_set_does(
    noise: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    assert drawn(out, noise, seed=4) is True
    data = open_dataset(out)
    assert not data.problems
    assert {record.tattoo for record in data.records.values()} == {"t4", "t5", "t6"}
    assert data.synthetic == "yes"
    lines = (out / CHECKSUMS).read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    there = contents(out)
    del there[CHECKSUMS]
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in there.items()}
    assert "--scale three --seed 4" in (out / MARKER).read_text()
    before = contents(out)
    assert drawn(out, noise, seed=4) is False
    assert contents(out) == before
    (out / "t5" / "1.png").unlink()
    assert drawn(out, noise, seed=4) is True
    assert contents(out) == before


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_functions_of_a_generator_found_by_its_path_reach_other_processes(
    noise: Path, folder: Path, tmp_path: Path, kind: str
) -> None:
    path = noise if kind == "file" else folder
    drawn(tmp_path / "one", path)
    drawn(tmp_path / "two", path, workers=2)
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert len(one) == 9
    assert one == two


def test_a_layout_that_a_generator_has_not_is_refused_with_those_it_has(
    noise: Path, tmp_path: Path
) -> None:
    for layout, said in (("tree", "Did you mean 'three'"), ("mini", "it has: three")):
        with pytest.raises(UsageError, match=said):
            draw_whole_set(
                *(tmp_path / "set", layout),
                generator=str(noise),
                parameters={},
                seed=0,
                report=lambda done, total: None,
            )
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        ("1 / 0", r"noise.py, line \d+: draw_layout failed: ZeroDivisionError"),
        ("return None", "has to return whether anything was drawn"),
        ("return True", "wrote nothing"),
    ],
)
def test_what_a_generator_does_wrong_is_told_of_its_file(
    tmp_path: Path, instead: str, said: str
) -> None:
    file = tmp_path / "noise.py"
    file.write_text(EXAMPLE.replace("        wanted = [", f"        {instead}\n        wanted = ["))
    with pytest.raises(PluginError, match=said):
        drawn(tmp_path / "set", file)


def test_a_marker_of_the_generator_s_own_is_kept(noise: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    out.mkdir()
    (out / MARKER).write_text('synthetic = true\nmade-with = "my hands"\n')
    drawn(out, noise)
    assert read_marker(out) == ("yes", "")
    assert "my hands" in (out / MARKER).read_text()
    assert MARKER in (out / CHECKSUMS).read_text()


def test_the_page_s_generator_keeps_to_the_contract(noise: Path, folder: Path) -> None:
    for path in (noise, folder / "__init__.py"):
        found = list(examine_generator(path))
        assert [one for one in found if not one.passed] == []
        assert "draws the layout three" in [one.name for one in found]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('("three",)', '("three", "..")', "no name that can be typed"),
        ('("three",)', '("three", "three")', "stands twice"),
        ('("three",)', '"three"', "has to be a tuple"),
        ('("three",)', "()", "names nothing that it draws"),
        ("def draw_layout", "def drawlayout", "there is no `draw_layout`"),
        ("report(done, len(wanted))", "pass", "before the first is made"),
        ("report(made, len(wanted))", "report(made, 2 * made)", "and of others later"),
        ("report(made, len(wanted))", "pass", "hears of 0 pictures in the end"),
        ("return bool(missing)", "return False", "of a new folder"),
        ("return bool(missing)", "return True", "asked for again"),
        ("[order.seed, order.take]", "None", "the same seed gives other files"),
        ('f"{take}.png"', '"a" / "b" / f"{take}.txt"', "ValueError"),
        ("report(made, len(wanted))", "1 / 0", "ZeroDivisionError"),
    ],
)
def test_the_kit_sees_a_layout_that_breaks_the_contract(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    assert before in EXAMPLE
    file = tmp_path / "noise.py"
    text = EXAMPLE.replace(before, after)
    file.write_text(text)
    faults = [one.message for one in examine_generator(file) if not one.passed]
    assert any(said in fault for fault in faults), faults


def test_a_large_layout_is_begun_and_not_drawn_whole(tmp_path: Path) -> None:
    file = tmp_path / "noise.py"
    file.write_text(EXAMPLE.replace("for k in range(3)", "for k in range(100)"))
    found = {one.name: one for one in examine_generator(file)}
    assert found["draws the layout three"].passed


def test_the_command_asks_a_generator_for_its_layout(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "set"
    words = ("--generator", str(folder), "--scale", "three", "--workers", "1")
    command("synth", str(out), *words)
    said = capsys.readouterr()
    assert "6 pictures to make" in said.err
    assert f"next: harness data {out}" in said.out
    assert len(open_dataset(out).records) == 6
    command("synth", str(out), *words)
    assert "already there; nothing was drawn again" in capsys.readouterr().err


def command(*words: str) -> None:
    """Do what a command does, in this process."""
    commands.main(args=list(words), prog_name="harness", standalone_mode=False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scale", "mini", "--images", "2"), "of identities"),
        (("--scale", "mini", "--recipe", "captures"), "of identities"),
        (("--scale", "mini", "--param", "size=99"), "take no parameters"),
        (("--scale", "medium"), "it has: mini, full, bivtatt"),
        (("--scale", "mini", "--generator", "diffusion"), "it has none"),
    ],
)
def test_what_does_not_go_together_with_a_layout_is_refused(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        command("synth", str(tmp_path / "set"), *words)
    assert not (tmp_path / "set").exists()


def test_parameters_reach_the_generator_that_draws_a_layout(noise: Path, tmp_path: Path) -> None:
    noise.write_text(EXAMPLE.replace("    retakes:", "    side: int = 64\n    retakes:", 1))
    assert build(noise, {"side": "32"}) != build(noise, {})
    with pytest.raises(UsageError, match="Did you mean 'side'"):
        draw_whole_set(
            *(tmp_path / "set", "three"),
            generator=str(noise),
            parameters={"sides": "1"},
            seed=0,
            report=lambda done, total: None,
        )
