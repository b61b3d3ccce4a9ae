"""Captures drawn by a recipe: pure, other tattoos than any written set, and of one digest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.api import Capture
from harness.data.drawing import Drawing
from harness.errors import UsageError
from harness.execution.studio import Studio
from harness.synthesis.drawn import draw, drawing_of

RECIPE = """
generator = "{generator}"
parameters = {{ {parameters} }}
identities = 3
images = 2
captures = {captures}
size = 48
"""
FLAT = """
from dataclasses import dataclass
import numpy as np
from harness.synthesis import Generated, GenerationFailed, Generator, Order

@dataclass
class Flat(Generator):
    retakes = True

    def generate(self, order: Order) -> Generated:
        if order.take == 7:
            raise GenerationFailed("no seventh")
        level = np.full((48, 48, 3), order.seed % 200 + order.take, np.uint8)
        return Generated(level, box=(8, 8, 40, 40))
"""


def written(folder: Path, *, generator: str = "procedural", captures: int = 2) -> Path:
    parameters = "size = 48" if generator == "procedural" else ""
    file = folder / "mine.toml"
    file.write_text(RECIPE.format(generator=generator, parameters=parameters, captures=captures))
    return file


@pytest.fixture
def flat(tmp_path: Path) -> Drawing:
    (tmp_path / "flat.py").write_text(FLAT)
    return drawing_of(str(written(tmp_path, generator=str(tmp_path / "flat.py"))))


def test_a_capture_is_the_same_whatever_was_drawn_before(tmp_path: Path) -> None:
    drawing = drawing_of(str(written(tmp_path)))
    first = draw(drawing, Capture(5, 1))
    draw(drawing, Capture(6, 0))
    assert np.array_equal(draw(drawing, Capture(5, 1)), first)
    assert not np.array_equal(draw(drawing, Capture(5, 1, kin=1)), first)
    assert first.dtype == np.uint8
    assert max(first.shape[:2]) <= 48


def test_the_digest_is_of_what_decides_about_pictures_and_of_how_many(tmp_path: Path) -> None:
    file = written(tmp_path)
    text = file.read_text()

    def other(more: str) -> str:
        file.write_text(more + text)
        return drawing_of(str(file)).digest

    assert other('title = "another"\nquality = 85\n') == other("descriptions = 3\n") == other("")
    assert (
        len({other(""), other("seed = 1\n"), other("margin = 0.5\n"), other("quality = 40\n")}) == 4
    )


def test_a_set_without_two_captures_of_a_tattoo_teaches_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two of two are needed"):
        drawing_of(str(written(tmp_path, captures=1)))
    with pytest.raises(UsageError, match="no recipe is called 'nothing'"):
        drawing_of("nothing")


def test_a_studio_draws_each_capture_once_and_counts(flat: Drawing) -> None:
    from harness.synthesis.generator import GenerationFailed

    wanted = [Capture(4, 0), Capture(0, 1)]
    with Studio(flat) as studio:
        found = studio(wanted, [Capture(0, 0)])
        assert np.array_equal(found[0], draw(flat, wanted[0]))
        # Images of the set are numbered identity by identity.
        assert np.array_equal(studio.picture(1), found[1])
        assert studio.picture(0).shape == (42, 42, 3)
        with pytest.raises(LookupError):
            studio.picture(6)
        with pytest.raises(LookupError):
            studio([Capture(0, 0, difficulty=2.0)])
        with pytest.raises(GenerationFailed, match="no seventh"):
            studio([Capture(0, 7)])
    assert studio.counts == {"identities": 4, "captures": 7}
