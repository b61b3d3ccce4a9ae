"""Parameters: texts become values of the dataclass's types, or one list of faults."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from harness import Control, Image, Matcher, Template, TrainingSet, parameter
from harness.errors import UsageError
from harness.plugins.description import describe, described
from harness.plugins.values import convert


@dataclass
class Tuned(Matcher):
    """A matcher with every kind of parameter.

    And a second paragraph.
    """

    cells: int = parameter(4, "Cells per side.", minimum=1, maximum=64)
    rate: float = 1e-3
    flips: bool = True
    solver: str = parameter("adam", "Solver.", choices=("sgd", "adam"))
    sizes: tuple[int, ...] = (3, 5)
    mode: Literal["fast", "exact"] = "exact"
    limit: int | None = None

    citation: ClassVar[str] = "A paper"
    presets: ClassVar[dict[str, dict[str, Any]]] = {"paper": {"cells": 8, "rate": 1e-4}}

    def extract(self, image: Image) -> Template:
        return np.zeros(self.cells)


def test_defaults_are_described_with_types_meanings_and_limits() -> None:
    found = describe(Tuned)
    assert found.abilities == ["Matcher"]
    assert (found.about, found.citation, found.learns, found.control) == (
        "A matcher with every kind of parameter.",
        "A paper",
        False,
        False,
    )
    by_name = {parameter.name: parameter for parameter in found.parameters}
    assert by_name["cells"].limits == ">= 1 and <= 64"
    assert by_name["cells"].meaning == "Cells per side."
    assert by_name["cells"].type == "int"
    assert by_name["solver"].limits == "one of sgd, adam"
    assert by_name["seed"].value == 0


def test_texts_become_values_of_the_declared_types() -> None:
    texts = {
        "cells": "6",
        "rate": "3e-4",
        "flips": "no",
        "solver": "sgd",
        "sizes": "7, 9",
        "mode": "fast",
        "limit": "none",
    }
    values = describe(Tuned, assignments=texts, seed=3).values()
    assert values == {
        "cells": 6,
        "rate": 3e-4,
        "flips": False,
        "solver": "sgd",
        "sizes": (7, 9),
        "mode": "fast",
        "limit": None,
        "seed": 3,
    }


def test_a_preset_sets_several_and_an_assignment_wins_over_it() -> None:
    values = describe(Tuned, preset="paper", assignments={"cells": "9"}).values()
    assert (values["cells"], values["rate"]) == (9, 1e-4)


def test_all_faults_are_reported_at_once() -> None:
    texts = {"cels": "3", "cells": "0", "rate": "fast", "solver": "sdg", "mode": "slow"}
    with pytest.raises(UsageError) as caught:
        describe(Tuned, preset="papr", assignments=texts)
    text = str(caught.value)
    assert "no preset 'papr'" in text
    assert "Did you mean 'paper'?" in text
    assert "no parameter is called 'cels'. Did you mean 'cells'?" in text
    assert "cells: 0 is out of limits (>= 1 and <= 64)" in text
    assert "rate: expected float, got 'fast'" in text
    assert "solver: 'sdg' is not one of sgd, adam. Did you mean 'sgd'?" in text
    assert "mode: expected" in text


@pytest.mark.parametrize(("text", "value"), [("4e4", 40000), ("0x10", 16), ("-3", -3)])
def test_whole_numbers_may_be_written_as_schedules_write_them(text: str, value: int) -> None:
    assert convert(text, int) == value


@pytest.mark.parametrize("text", ["1.5", "many", "", "1e-3"])
def test_a_fraction_is_not_a_whole_number(text: str) -> None:
    with pytest.raises(ValueError, match="expected int"):
        convert(text, int)


@pytest.mark.parametrize(
    ("text", "value"),
    [(".25", 0.25), ("+1.5", 1.5), ("2.", 2.0), ("1_000", 1000.0), ("-.5e1", -5.0), (" 7 ", 7.0)],
)
def test_numbers_may_be_written_as_on_paper(text: str, value: float) -> None:
    assert convert(text, float) == value
    assert convert(text, float | None) == value
    assert convert(f"{text},1", tuple[float, ...]) == (value, 1.0)


@pytest.mark.parametrize("text", ["inf", "-Infinity", "nan", "1e999"])
@pytest.mark.parametrize("hint", [float, float | None, tuple[float, ...]])
def test_what_is_not_finite_is_no_value(text: str, hint: Any) -> None:
    with pytest.raises(ValueError, match="is not a finite number"):
        convert(text, hint)


@pytest.mark.parametrize("text", ["1e-400", "-2.5E-999", "0.001e-400"])
def test_a_number_too_small_to_be_told_from_nought_is_no_value(text: str) -> None:
    with pytest.raises(ValueError, match="is too small to be told from 0"):
        convert(text, float)


@pytest.mark.parametrize("text", ["0", "0.0", "-0", "0e-400", "1e-300"])
def test_nought_and_small_numbers_are_values(text: str) -> None:
    assert convert(text, float) == float(text)


@pytest.mark.parametrize("text", ["1,,2", ",1", "1, ,2"])
def test_a_list_with_a_hole_is_no_value(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        convert(text, tuple[float, ...])


def test_a_number_that_is_not_finite_is_no_default_either() -> None:
    @dataclass
    class Endless(Matcher):
        """Endless."""

        rate: float = float("inf")

        def extract(self, image: Image) -> Template:
            return np.zeros(1)

    with pytest.raises(UsageError, match="rate: inf is not a finite number"):
        describe(Endless)


@pytest.mark.parametrize("text", ["9223372036854775808", "-1e30", "0x1ffffffffffffffff"])
def test_a_whole_number_has_64_bits_at_most(text: str) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        convert(text, int)


@pytest.mark.parametrize("text", ["0,5", "1,5e-3"])
def test_a_decimal_comma_is_told_how_to_be_written(text: str) -> None:
    with pytest.raises(ValueError, match=f"write {text.replace(',', '.')}, with a point"):
        convert(text, float)


@pytest.mark.parametrize(
    ("text", "value"),
    [("No", False), ("OFF", False), ("0", False), ("true", True), ("On", True), (" 1", True)],
)
def test_switches_are_yes_or_no_in_any_usual_writing(text: str, *, value: bool) -> None:
    assert convert(text, bool) is value


@pytest.mark.parametrize("text", ["maybe", "2", ""])
def test_what_is_no_switch_is_told_the_words(text: str) -> None:
    with pytest.raises(ValueError, match="write yes or no"):
        convert(text, bool)


def test_limits_hold_for_every_part_of_a_list() -> None:
    @dataclass
    class Limited(Matcher):
        """Limited."""

        sizes: tuple[int, ...] = parameter((8,), "Sizes.", minimum=2)

        def extract(self, image: Image) -> Template:
            return np.zeros(1)

    with pytest.raises(UsageError, match="sizes: 1 is out of limits"):
        describe(Limited, assignments={"sizes": "4,1"})


def test_a_seed_is_never_negative() -> None:
    with pytest.raises(UsageError, match="seed: -1 is out of limits"):
        describe(Tuned, seed=-1)


def test_whoever_declares_itself_a_control_is_one_without_being_shown_the_truth() -> None:
    @dataclass
    class Blind(Tuned):
        """Looks at nothing."""

        control: ClassVar[bool] = True

    found = describe(Blind)
    assert found.control
    assert not found.shown_truth
    assert (describe(Tuned).control, describe(Tuned).sees) == (False, "pixels")


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("control", 1, "control is 1"),
        ("sees", "bytes", "sees is 'bytes'"),
        ("sees", "file", "for controls alone"),
    ],
)
def test_class_variables_that_say_something_impossible_are_refused(
    name: str, value: Any, fault: str
) -> None:
    declared = type("Odd", (Tuned,), {name: value, "__doc__": "Odd."})
    with pytest.raises(UsageError, match=fault):
        describe(dataclass(declared))


def test_whoever_is_shown_the_truth_cannot_pass_for_a_contender() -> None:
    @dataclass
    class Sly(Control):
        control: ClassVar[bool] = False

    with pytest.raises(UsageError, match="a Control is shown the truth"):
        describe(Sly)


@dataclass
class Weighted(Matcher):
    """A matcher with weights in a cache, which learns where it is told to."""

    cache: str = parameter("", "Folder of the weights.", required=True)
    learns: bool = False

    def fit(self, train: TrainingSet) -> None:
        """Learn nothing."""

    def extract(self, image: Image) -> Template:
        return np.zeros(1)

    def assets(self) -> Mapping[str, Path | str]:
        file = Path(self.cache) / "w.pth"
        if not file.is_file():
            raise UsageError(f"{file} is not there")
        return {"https://example.org/w.pth": file, "pictures": "224 x 224", "library": "its 1.0"}

    @classmethod
    def surveyed(cls, values: Mapping[str, Any]) -> type[Matcher]:
        frozen = {"fit": Matcher.fit, "__doc__": cls.__doc__}
        return cls if values["learns"] else type(cls.__name__, (cls,), frozen)


def test_assets_are_files_with_their_hash_and_texts_as_they_stand(tmp_path: Path) -> None:
    assert (describe(Weighted).files, describe(Weighted).version) == ({}, "")
    with pytest.raises(UsageError, match=r"w\.pth is not there"):
        describe(Weighted, assignments={"cache": str(tmp_path)})
    (tmp_path / "w.pth").write_bytes(b"weights")
    found = describe(Weighted, assignments={"cache": str(tmp_path)})
    assert found.files == {"https://example.org/w.pth": hashlib.sha256(b"weights").hexdigest()}
    assert found.version == "pictures: 224 x 224; library: its 1.0"


def test_a_parameter_may_say_whether_an_algorithm_learns() -> None:
    assert not described(Weighted).learns
    assert described(Weighted, assignments={"learns": "yes"}).learns
    assert described(Weighted).doc == describe(Weighted).doc
