"""What carrying units by Dask costs, beside the pool of the default, once both have started."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image

from benchmarks.timing import Contender, Timing, absent, race
from harness.data.records import Picture
from harness.errors import UsageError
from harness.execution.cluster.choosing import opened
from harness.execution.executor import SUBPROCESS, Executor
from harness.execution.keeping import Workplace, is_done
from harness.execution.nursery import Nursery
from harness.execution.pool import Limits, do_all
from harness.execution.unit import Unit
from harness.execution.variables import variables
from harness.plugins.registry import Plugin

WORKERS = 2
ALGORITHM = """
import time
from dataclasses import dataclass

import numpy as np

from harness import Matcher


@dataclass
class Naps(Matcher):
    def extract(self, image):
        time.sleep({nap})
        return np.ones(4)
"""


def carried(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Time units that wait, in the pool of two processes and on two workers of Dask."""
    count, nap = (4, 0.05) if quick else (40, 0.4)
    title = f"{count} units of {nap:g} s, {WORKERS} at a time"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = folder / "naps.py"
        file.write_text(ALGORITHM.format(nap=nap), encoding="utf-8")
        picture = folder / "picture.png"
        PIL.Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(picture)
        units = [_unit(i, file, picture) for i in range(count)]
        nursery = Nursery(file, {"numpy"}, variables(1))
        try:
            pool = _doing(units, folder, SUBPROCESS, nursery)
            with opened(
                "dask",
                file=None,
                data_roots=(),
                workers=WORKERS,
                threads=1,
                device="cpu",
                out=folder / "runs",
            ) as executor:
                executor.ask(Plugin("naps", file))
                dask = _doing(units, folder, executor, None)
                contenders = {
                    "pool of processes": Contender(pool, _missing(units)),
                    "dask": Contender(dask, _missing(units)),
                }
                return title, race(contenders, "pool of processes", turns)
        except UsageError as reason:
            return title, [absent("dask", f"absent: {reason}")]
        finally:
            nursery.close()


def _unit(number: int, file: Path, picture: Path) -> Unit:
    return Unit(
        name=f"templates-{number:03d}",
        ability="Matcher",
        algorithm="naps",
        file=str(file),
        attribute="",
        module="",
        parameters={},
        pictures={"a": Picture(str(picture))},
        extract=["a"],
        score=False,
    )


_number = itertools.count()


def _doing(
    units: list[Unit], folder: Path, executor: Executor, nursery: Nursery | None
) -> Callable[[], Workplace]:
    def work() -> Workplace:
        run = folder / f"run-{next(_number)}"
        run.mkdir()
        place = Workplace(run, (), () if nursery is None else (nursery,), executor)
        do_all(units, place, Limits(workers=WORKERS), lambda event: None)
        return place

    return work


def _missing(units: list[Unit]) -> Callable[[Workplace], str]:
    def check(place: Workplace) -> str:
        missing = sum(not is_done(unit, place) for unit in units)
        return f"{missing} units are missing" if missing else ""

    return check
