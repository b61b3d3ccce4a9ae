"""A synthetic data set of identities: counts, truth, sources, pairs, resuming, refusals."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace as _replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from generators.procedural.body import PLACES
from harness.cli import commands
from harness.data.dates import is_date
from harness.data.readers.layouts import open_dataset
from harness.errors import PluginError, UsageError
from harness.synthesis import GenerationFailed, pipeline
from harness.synthesis.finding import build, find_generator, generators, recipes
from harness.synthesis.grammar import Grammar
from harness.synthesis.pipeline import read_prompts, write_identities
from harness.synthesis.recipe import Recipe, read_recipe
from tests.conftest import Ran

SMALL = Recipe(identities=3, images=5, size=48, parameters={"size": 64}, seed=4)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "set"
    assert write_identities(out, SMALL) == 15
    return out


def test_there_is_a_folder_per_identity_with_one_original_and_its_variations(made: Path) -> None:
    folders = sorted(p.name for p in (made / "images").iterdir())
    assert folders == ["t0001", "t0002", "t0003"]
    names = sorted(p.name for p in (made / "images" / "t0002").iterdir())
    assert names == ["original.jpg", *(f"variation-{k:02d}.jpg" for k in range(1, 5))]
    data = open_dataset(made / "images")
    assert data.layout == "folders"
    assert Counter(r.tattoo for r in data.records.values()) == dict.fromkeys(folders, 5)


def test_the_manifest_is_the_harness_s_own_and_says_where_every_image_comes_from(
    made: Path,
) -> None:
    data = open_dataset(made)
    assert data.layout == "csv"
    assert data.problems == ()
    assert {(r.tattoo, r.source) for r in data.records.values()} == {
        (f"t000{k}", f"t000{k}/1") for k in (1, 2, 3)
    }
    prompts = {line["identity"]: line for line in csv.DictReader((made / "prompts.csv").open())}
    for row in rows(made):
        asked = prompts[row["tattoo"]]
        assert row["x_prompt"] == asked["prompt"]
        assert row["style"] == asked["style"]
        assert asked["motif"] in row["tags"].split()
        assert row["x_generator"] == "procedural"
        assert row["x_seed"].isdigit()
        assert row["site"] in PLACES
        assert row["x_placement"] == row["site"] or row["x_placement"] not in PLACES
        assert is_date(row["taken"])
        assert row["skin"].startswith("tone-")
        assert ("rotation=" in row["x_variation"]) == ("variation" in row["image"])
        with Image.open(made / row["image"]) as image:
            assert max(image.size) == 48


def test_checksums_cover_every_file(made: Path) -> None:
    lines = (made / "checksums.sha256").read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    there = contents(made)
    del there["checksums.sha256"]
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in there.items()}


def test_the_same_recipe_gives_the_same_bytes_also_after_an_interruption_and_with_workers(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "again"
    real, calls = pipeline._make, []

    def stopping(job: Any) -> None:
        calls.append(job.identity)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(job)

    def counting(job: Any) -> None:
        calls.append(job.identity)
        real(job)

    monkeypatch.setattr(pipeline, "_make", stopping)
    with pytest.raises(KeyboardInterrupt):
        write_identities(out, SMALL)
    assert not (out / "manifest.csv").exists()
    monkeypatch.setattr(pipeline, "_make", counting)
    write_identities(out, SMALL)
    assert calls == ["t0001", "t0002", "t0002", "t0003"]
    assert contents(out) == contents(made)
    write_identities(out, SMALL)  # finished: nothing is made again
    assert len(calls) == 4


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(made: Path, tmp_path: Path) -> None:
    write_identities(tmp_path / "two", SMALL, workers=2)
    assert contents(tmp_path / "two") == contents(made)


def test_more_captures_are_more_sources_and_variations_are_dealt_over_them(tmp_path: Path) -> None:
    recipe = msgspec.structs.replace(SMALL, identities=1, images=5, captures=2)
    write_identities(tmp_path / "set", recipe)
    found = {Path(r["image"]).stem: r["source"] for r in rows(tmp_path / "set")}
    assert found == {
        "original-01": "t0001/1",
        "original-02": "t0001/2",
        "variation-01": "t0001/1",
        "variation-02": "t0001/2",
        "variation-03": "t0001/1",
    }


def test_pairs_differ_in_the_tattoo_alone_and_come_with_both_masks(tmp_path: Path) -> None:
    recipe = msgspec.structs.replace(SMALL, identities=2, pairs=True, mask="filled", quality=100)
    write_identities(tmp_path / "set", recipe)
    data = open_dataset(tmp_path / "set")
    assert data.problems == ()
    for row in rows(tmp_path / "set"):
        image, clean, used, whole, ink = (
            np.asarray(Image.open(tmp_path / "set" / name))
            for name in (
                *(row["image"], row["clean"], row["mask"], row["x_filled"]),
                row["x_filled"].replace("filled/", "masks/"),
            )
        )
        assert np.array_equal(used, whole)
        assert whole[ink].all()
        assert whole.sum() >= ink.sum()
        change = np.abs(image.astype(int) - clean).max(axis=2)
        assert change[ink].mean() > 3 * change[~whole].mean()


def test_a_folder_made_otherwise_is_not_mixed_with(made: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="another seed"):
        write_identities(made, msgspec.structs.replace(SMALL, seed=5))
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        write_identities(tmp_path, SMALL)


def test_another_generator_can_be_given_the_same_prompts(made: Path, tmp_path: Path) -> None:
    prompts = read_prompts(made / "prompts.csv")
    recipe = msgspec.structs.replace(SMALL, seed=9, images=1)
    write_identities(tmp_path / "set", recipe, prompts=prompts)
    assert (tmp_path / "set" / "prompts.csv").read_bytes() == (made / "prompts.csv").read_bytes()
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="should have the columns"):
        read_prompts(bad)
    with pytest.raises(UsageError, match="3 prompts for 4 identities"):
        write_identities(
            tmp_path / "more", msgspec.structs.replace(recipe, identities=4), prompts=prompts
        )


PLUGIN = '''
"""A generator of somebody's own."""
from dataclasses import dataclass
from typing import Annotated
import numpy as np
from msgspec import Meta
from harness.synthesis import Generated, Generator, Order

@dataclass
class Squares(Generator):
    side: Annotated[int, Meta(ge=4, le=20)] = 10
    kind: str = "image"

    def generate(self, order: Order) -> Generated:
        image = np.full((64, 64, 3), 210, np.uint8)
        at = order.seed % 30
        image[at : at + self.side, at : at + self.side] = 10
        return Generated(image if self.kind == "image" else image[:, :, 0])
'''


def test_a_file_of_one_s_own_is_a_generator(tmp_path: Path) -> None:
    folder = tmp_path / "plugins" / "generators"
    folder.mkdir(parents=True)
    (folder / "squares.py").write_text(PLUGIN)
    assert find_generator("squares", [tmp_path / "plugins"]) == folder / "squares.py"
    grammar = Grammar(motifs=("unicorn",))
    recipe = Recipe(
        generator="squares",
        identities=2,
        images=2,
        size=64,
        parameters={"side": 12},
        prompts=grammar,
    )
    write_identities(tmp_path / "set", recipe, plugins=[tmp_path / "plugins"])
    for row in rows(tmp_path / "set"):
        at = int(row["x_seed"]) % 30
        x1, y1, x2, y2 = map(int, row["box"].split())
        assert row["tags"] == "unicorn"
        if not row["x_variation"]:
            assert np.abs(np.subtract((x1, y1, x2, y2), (at, at, at + 12, at + 12))).max() <= 3


@pytest.mark.parametrize(("fact", "said"), [("taken", "02/03/2019"), ("skin", 3)])
def test_what_a_generator_knows_is_a_word_or_a_date(tmp_path: Path, fact: str, said: Any) -> None:
    knowing = PLUGIN.replace('if self.kind == "image" else image[:, :, 0])', f", {fact}={said!r})")
    (tmp_path / "squares.py").write_text(knowing)
    recipe = Recipe(generator=str(tmp_path / "squares.py"), identities=1, images=1)
    with pytest.raises(GenerationFailed, match=f"returned {fact} {said!r}"):
        write_identities(tmp_path / "set", recipe)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"side": "3"}, "side = '3'"),
        ({"side": "x"}, "side = 'x'"),
        ({"sides": 5}, "Did you mean 'side'"),
    ],
)
def test_wrong_parameters_are_refused(
    tmp_path: Path, parameters: dict[str, Any], said: str
) -> None:
    (tmp_path / "squares.py").write_text(PLUGIN)
    with pytest.raises(UsageError, match=said):
        build(tmp_path / "squares.py", parameters)


def test_what_a_generator_cannot_do_is_said_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "squares.py").write_text(PLUGIN)
    own = Recipe(generator=str(tmp_path / "squares.py"), identities=1, images=3)
    change = msgspec.structs.replace
    for recipe, said in (
        (change(own, captures=2), "the same tattoo again"),
        (change(own, pairs=True), "without the tattoo"),
        (change(own, captures=4), "do not fit"),
        (change(own, generator="squars"), "no generator is called"),
        (Recipe(prompts=Grammar(motifs=("unicorn",))), "cannot draw motifs 'unicorn'"),
    ):
        with pytest.raises(UsageError, match=said):
            write_identities(tmp_path / "set", recipe)
    assert not (tmp_path / "set").exists()
    with pytest.raises(GenerationFailed, match="no uint8 image"):
        write_identities(tmp_path / "set", change(own, parameters={"kind": "gray"}))


def test_a_file_that_is_no_generator_is_refused_with_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(PluginError, match="broken.py, line 1"):
        build(tmp_path / "broken.py", {})
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(PluginError, match="exactly one public class"):
        build(tmp_path / "empty.py", {})


def test_the_built_in_recipes_and_generators_are_found_and_sound(tmp_path: Path) -> None:
    assert {"diffusion", "procedural"} <= set(generators())
    found = {name: read_recipe(file) for name, file in recipes().items()}
    assert (found["aigtatt"].identities, found["aigtatt"].images) == (250, 21)
    assert found["captures"].captures == 7
    (tmp_path / "r.toml").write_text("identities = 0\n")
    with pytest.raises(UsageError, match="identities"):
        read_recipe(tmp_path / "r.toml")
    (tmp_path / "r.toml").write_text("identitys = 3\n")
    with pytest.raises(UsageError, match="identitys"):
        read_recipe(tmp_path / "r.toml")


def test_the_motif_and_style_of_the_prompt_decide_what_is_drawn() -> None:
    generator = build(find_generator("procedural"), {"size": 96})
    from harness.synthesis import Order, Prompt

    order = Order(Prompt("", "anchor", "tribal", "wrist"), "t1", 0, 7)
    first = generator.generate(order)
    assert "anchor" in first.tags
    again = generator.generate(order)
    later = generator.generate(_replace(order, take=1))
    other = generator.generate(_replace(order, prompt=Prompt("", "anchor", "realism", "wrist")))
    assert np.array_equal(first.image, again.image)
    assert first.image.shape != later.image.shape or not np.array_equal(first.image, later.image)
    assert first.image.shape != other.image.shape or not np.array_equal(first.image, other.image)
    with pytest.raises(GenerationFailed, match="draws no 'cat dog'"):
        generator.generate(_replace(order, prompt=Prompt("", "cat dog", "tribal", "wrist")))


def test_the_command_makes_a_set_and_refuses_what_does_not_go_together(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    out = tmp_path / "set"
    words = ("synth", out, "--identities", 2, "--images", 3, "--size", 48, "--param", "size=64")
    ran = harness(*words)
    assert ran.code == 0, ran.err
    assert "2 identities, 6 images" in ran.out
    assert len(rows(out)) == 6
    command(*words)  # which is finished
    with pytest.raises(UsageError, match="another seed"):
        command(*words, "--seed", 1)
    for extra, said in (
        (("--scale", "mini", "--identities", "2"), "fixed layouts"),
        (("--generator", "nobody"), "no generator is called"),
        (("--recipe", "aigtat"), "Did you mean 'aigtatt'"),
        (("--size", "7"), "size"),
    ):
        with pytest.raises(UsageError, match=said):
            command("synth", tmp_path / "other", *extra)


def command(*words: object) -> None:
    """Do what a command does, in this process."""
    commands.main(args=[str(one) for one in words], prog_name="harness", standalone_mode=False)
