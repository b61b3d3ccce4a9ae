"""Files that `harness new` writes: they work as they are, and nothing is overwritten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness import conformance
from harness.conformance.generators import examine_generator, is_generator
from harness.errors import UsageError
from harness.plugins import glancing, registry
from harness.plugins.scaffold import ABILITIES, write_algorithm, write_generator, write_protocol
from harness.synthesis.grammar import Grammar
from harness.synthesis.pipeline import write_identities
from harness.synthesis.recipe import Recipe
from harness.tasks.reading import read_protocol
from tests.conftest import Ran

Command = Callable[..., Ran]


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten tattoos in three pictures each, with masks, drawn by the generator to start from."""
    place = tmp_path_factory.mktemp("drawn")
    recipe = Recipe(
        generator=str(write_generator("dots", place)),
        parameters={"size": 64},
        identities=10,
        images=3,
        captures=2,
        size=64,
        pairs=True,
        prompts=Grammar(motifs=("rose", "anchor")),
    )
    write_identities(place / "set", recipe)
    return place / "set"


def test_there_is_a_scaffold_for_every_ability() -> None:
    assert list(ABILITIES) == [ability.lower() for ability in glancing.ABILITIES]


@pytest.mark.parametrize(
    ("ability", "protocol"),
    [
        ("matcher", "closed-set"),
        ("segmenter", "segmentation"),
        ("remover", "removal"),
        ("control", "verification"),
    ],
)
def test_a_new_algorithm_runs(
    harness: Command, drawn: Path, tmp_path: Path, ability: str, protocol: str
) -> None:
    path = write_algorithm("my-idea", tmp_path, ability=ability)
    ran = harness("run", "--protocol", protocol, "--algo", path, "--data", drawn, "--json")
    assert ran.code == 0, ran.err
    (run,) = ran.json["runs"]
    assert run["metrics"]["pooled"][run["metrics"]["headline"]]["value"] is not None


def test_a_new_detector_runs(harness: Command, small_set: Path, tmp_path: Path) -> None:
    path = write_algorithm("my-idea", tmp_path, ability="detector")
    ran = harness("run", "--protocol", "detection", "--algo", path, "--data", small_set)
    assert ran.code == 0, ran.err


def test_a_new_tagger_runs_on_a_new_protocol(harness: Command, drawn: Path, tmp_path: Path) -> None:
    path = write_algorithm("my-idea", tmp_path, ability="tagger")
    asked = write_protocol("few", tmp_path, origin="tagging")
    text = asked.read_text()
    assert "minimum-use = 20" in text
    asked.write_text(text.replace("minimum-use = 20", "minimum-use = 6"))
    ran = harness("run", "--protocol", asked, "--algo", path, "--data", drawn)
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("origin", sorted(registry.protocols()))
def test_a_new_protocol_says_what_the_other_says_under_its_own_title(
    origin: str, tmp_path: Path
) -> None:
    path = write_protocol("my-own", tmp_path, origin=origin)
    made, _ = read_protocol(path)
    before, _ = read_protocol(registry.find_protocol(origin))
    assert (made.title, made.version) == ("My own", 1)
    same = {"title": before.title, "version": before.version}
    assert made.model_copy(update=same) == before


def test_a_new_protocol_takes_no_name_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is a protocol called 'region' already"):
        write_protocol("region", tmp_path, origin="similarity")
    with pytest.raises(UsageError, match="Did you mean 'similarity'"):
        write_protocol("mine", tmp_path, origin="similarty")
    own = write_protocol("mine", tmp_path, origin="similarity")
    with pytest.raises(UsageError, match="already"):
        write_protocol("mine", tmp_path, origin="region")
    assert write_protocol("other", tmp_path, origin=str(own)).is_file()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('task = "identification"', 'task = "dance"'),
        ("version = 1", "version = 'one'"),
        ('title = "Region of interest"', 'title = """\nRegion"""'),
        ("[data]", "[data"),
    ],
)
def test_nothing_is_written_where_the_protocol_to_start_from_is_faulty(
    tmp_path: Path, before: str, after: str
) -> None:
    text = registry.find_protocol("region").read_text(encoding="utf-8")
    assert before in text
    (tmp_path / "odd.toml").write_text(text.replace(before, after))
    with pytest.raises(UsageError):
        write_protocol("mine", tmp_path / "new", origin=str(tmp_path / "odd.toml"))
    assert not (tmp_path / "new").exists()


def test_a_new_generator_passes_check(harness: Command, tmp_path: Path) -> None:
    path = write_generator("my-dots", tmp_path)
    assert is_generator(path)
    assert [one for one in examine_generator(path) if not one.passed] == []
    ran = harness("check", path)
    assert ran.code == 0, ran.err
    assert " 0 failed" in ran.out


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (".astype(np.uint8),\n            mask", ",\n            mask", "has to be uint8"),
        ("[order.seed, *name, order.take + 1]", "[order.seed, *name]", "take 1 is the picture"),
        ("[order.seed, *name, order.take + 1]", "None", "two pictures of it differ"),
        ("box=(int(box[0])", "box=(-1", "does not lie in"),
        ("mask=ink", "mask=None", "no mask"),
        ("points = [", "raise ValueError('no ink')\n        points = [", "ValueError: no ink"),
    ],
)
def test_a_generator_that_breaks_its_promises_is_found_out(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    path = write_generator("my-dots", tmp_path)
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    bad = [one.message for one in examine_generator(path) if not one.passed]
    assert any(said in message for message in bad), bad


@pytest.mark.parametrize("name", ["region", "bivtatt"])
def test_a_protocol_is_checked_with_the_data_it_is_meant_for(harness: Command, name: str) -> None:
    ran = harness("check", name)
    assert ran.code == 0, ran.err
    assert ("can be asked on fixtures/mini" in ran.out) == (name == "region")


@pytest.mark.parametrize("ability", list(ABILITIES))
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
