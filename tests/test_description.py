"""Parameters: texts become values of the dataclass's types, or one list of faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from harness import Control, Image, Matcher, Template, parameter
from harness.description import convert, describe
from harness.errors import UsageError


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


def test_nan_is_out_of_every_limit() -> None:
    @dataclass
    class Limited(Matcher):
        """Limited."""

        rate: float = parameter(1.0, "Rate.", minimum=0)

        def extract(self, image: Image) -> Template:
            return np.zeros(1)

    with pytest.raises(UsageError, match="out of limits"):
        describe(Limited, assignments={"rate": "nan"})


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
