"""Options that several commands have, and what their texts mean."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.completing import LAYOUTS, PRESETS
from harness.errors import UsageError

PATH = click.Path(path_type=Path)

# Older versions of click know its types as generic for type checkers at most.
if TYPE_CHECKING:
    _Whole = click.ParamType[int]
    _Number = click.ParamType[float]
else:
    _Whole = _Number = click.ParamType


class Memory(_Whole):
    """An amount of memory: a number of bytes, or one with a unit (kB, MB, GB; 1024 apart)."""

    name = "size"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return bytes."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([\d.]+)\s*([kmgt]?)i?b?", value.strip().lower())
        try:
            amount = float(found[1]) * 1024 ** " kmgt".index(found[2] or " ") if found else 0
        except ValueError:
            amount = 0
        if amount < 1 << 20:
            self.fail(f"{value!r} is not an amount of memory of 1MB and more, such as 500MB or 4GB")
        return int(amount)


class FiniteRange(click.FloatRange):
    """A range of numbers; nan lies in none, although no comparison says that it lies outside."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a number in the range."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


class Score(_Number):
    """A finite number, of either sign."""

    name = "score"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return it."""
        number = click.FLOAT.convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


class Margin(_Number):
    """A loss that is acceptable: a finite number from 0."""

    name = "number"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return it."""
        try:
            amount = float(value)
        except ValueError:
            amount = math.nan
        if not (math.isfinite(amount) and amount >= 0):
            self.fail(
                f"{value!r} is no margin: write a number from 0 with a point, such as 0.02 for a "
                "loss of 2 points of a rate"
            )
        return amount


class LayoutOption(click.Option):
    """A layout; its help names all that there are, read when it is asked for."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the lines of the help."""
        from harness.data.readers import layouts

        names = list(layouts.LAYOUTS)
        before = f"{self.help} " if self.help else ""
        self.help = f"{before}{', '.join(names[:-1])} or {names[-1]}, where it is not detected."
        found = super().get_help_record(ctx)
        self.help = before.strip()
        return found


MEMORY = Memory()
MARGIN = Margin()
SCORE = Score()
LAYOUT = click.option("--layout", cls=LayoutOption, shell_complete=LAYOUTS, help="Of --data:")
PLUGINS = click.option(
    "--plugins",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with further algorithms (.py or folders) and protocols (.toml). Repeatable.",
)
FOLD_COUNT = click.option(
    "--folds",
    "fold_count",
    type=click.IntRange(min=1),
    metavar="N",
    help="Deal data without lists of its own into N folds: fewer folds, larger galleries.",
)
FORENSIC = click.option(
    "--likelihood-ratios",
    "--forensic",
    "forensic",
    is_flag=False,
    flag_value="logistic",
    default="",
    metavar="[CALIBRATOR]",
    help="Add likelihood ratios to the report; calibrated by logistic (default), pav or kde.",
)
OPEN = click.option("--open", "show", is_flag=True, help="Open it in the default browser.")


def _raise_limit(_: click.Context, __: click.Parameter, value: float | None) -> None:
    if value is not None:
        from harness.data.formats import MEGAPIXELS as VARIABLE

        os.environ[VARIABLE] = f"{value:g}"


MEGAPIXELS = click.option(
    "--megapixels",
    type=FiniteRange(1, 1000),
    metavar="N",
    expose_value=False,
    callback=_raise_limit,
    help="Decode pictures of up to N million pixels; HARNESS_MEGAPIXELS=N for any command.  "
    "[default: 64]",
)
DATA_ROOT = click.option(
    "--data-root",
    "data_roots",
    multiple=True,
    metavar="LOCAL=REMOTE",
    help="What a folder of this machine is called on the workers. Repeatable.",
)
PARAM = click.option(
    "--param", "parameters", multiple=True, metavar="NAME=VALUE", help="Repeatable."
)
PRESET = click.option(
    "--preset",
    default="",
    shell_complete=PRESETS,
    help="Named set of the algorithm's parameters.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


def assignments(texts: Sequence[str]) -> dict[str, str]:
    """Split the texts of ``--param NAME=VALUE``.

    Raises
    ------
    UsageError
        If one has no name or no equals sign.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise UsageError(f"--param {text!r} should read NAME=VALUE")
        found[name.strip()] = value
    return found


def refuse_values(parameters: Sequence[str], preset: str = "") -> None:
    """Refuse values of parameters for what is no algorithm."""
    if parameters or preset:
        raise UsageError("--param and --preset are of algorithms")


BASELINES_FOLDER = click.option(
    "--folder",
    "place",
    type=PATH,
    default=Path("baselines"),
    show_default=True,
    help="Where baselines lie.",
)


HISTORY = click.option(
    "--history",
    is_flag=True,
    help="Keep runs of changed source beside the latest of the same algorithm and parameters.",
)


SEEDS = click.option(
    "--separate-seeds",
    is_flag=True,
    help="Show runs with other seeds apart, not as fits of one entry.",
)
