"""Writes a working algorithm file for someone to start from: behind `harness new NAME`."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from harness.errors import UsageError, nearest

NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")

TAKEN = {"False", "None", "True"} | {
    "Any", "ClassVar", "Detector", "FailureToEnroll", "Image", "Matcher", "Template", "TrainingSet"
}  # fmt: skip
"""Class names that the file itself needs, or that Python does."""

MATCHER = Template('''\
"""${title}: say here what is new about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import PIL.Image

from harness import FailureToEnroll, Image, Matcher, Template, parameter


@dataclass
class ${classname}(Matcher):
    """A small gray picture, compared by cosine: replace it with your idea."""

    side: int = parameter(16, "Side of the small picture, in pixels.", minimum=2)

    citation: ClassVar[str] = ""

    def extract(self, image: Image) -> Template:
        """Return what `compare` needs of an image: uint8 RGB, (height, width, 3), read-only."""
        small = PIL.Image.fromarray(image).convert("L").resize((self.side, self.side))
        values = np.array(small, dtype=np.float64)
        values -= values.mean()
        if not values.any():
            # The one way to give up on an image: it is counted as a failure, never dropped.
            raise FailureToEnroll("the picture has one shade only")
        return values

    # Templates are compared by cosine unless you define
    #     def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores
    # and nothing is learned unless you define
    #     def fit(self, train: TrainingSet) -> None
    # What it learns belongs in attributes ending in "_", so that it is saved and loaded.
''')

DETECTOR = Template('''\
"""${title}: say here what is new about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from harness import Detector, Image, TrainingSet, parameter


@dataclass
class ${classname}(Detector):
    """The nearer of two mean colour histograms: replace it with your idea."""

    steps: int = parameter(8, "Steps of each colour channel.", minimum=2, maximum=256)

    citation: ClassVar[str] = ""

    def fit(self, train: TrainingSet) -> None:
        """Learn from training images; attributes ending in "_" are saved and loaded."""
        shares = np.array([self._shares(image) for image in train.images])
        self.with_ = shares[train.tattoo].mean(axis=0)
        self.without_ = shares[~train.tattoo].mean(axis=0)

    def detect(self, image: Image) -> float:
        """Score one image between 0 and 1; from 0.5 on it is said to show a tattoo."""
        shares = self._shares(image)
        to_with = float(np.linalg.norm(shares - self.with_))
        to_without = float(np.linalg.norm(shares - self.without_))
        # 0.5 where both are equally far; the small number is for both at once being zero.
        return 0.5 + 0.5 * (to_without - to_with) / (to_without + to_with + 1e-12)

    def _shares(self, image: Image) -> npt.NDArray[np.float64]:
        """Return the share of pixels in each step of each channel."""
        levels = image.astype(np.int64) * self.steps // 256
        shares = np.empty((3, self.steps))
        for channel in range(3):
            counts = np.bincount(levels[..., channel].ravel(), minlength=self.steps)
            shares[channel] = counts / levels[..., channel].size
        return shares
''')

ABILITIES = {"matcher": MATCHER, "detector": DETECTOR}


def write_algorithm(name: str, folder: Path, *, ability: str = "matcher") -> Path:
    """Write an algorithm file that works as it is and passes `harness check`.

    Parameters
    ----------
    name
        Its name on the command line: lower-case words joined by ``-`` or ``_``.
    folder
        Where to write it; made if it does not exist.
    ability
        ``matcher`` or ``detector``.

    Returns
    -------
    Path
        The new file.

    Raises
    ------
    UsageError
        If the name or ability is not allowed, or there is such a file already.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of an algorithm: use lower-case words joined by '-' or "
            "'_', starting with a letter, as in 'my-matcher'"
        )
    if ability not in ABILITIES:
        raise UsageError(
            f"no scaffold for ability {ability!r}.{nearest(ability, ABILITIES)} "
            f"Known: {', '.join(ABILITIES)}"
        )
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is not a folder")
    # The harness takes `-` and `_` in file names to mean the same name.
    for spelling in dict.fromkeys([name, name.replace("-", "_"), name.replace("_", "-")]):
        if (folder / f"{spelling}.py").exists():
            raise UsageError(
                f"{str(folder / f'{spelling}.py')!r} exists already; choose another name or remove "
                "the file"
            )
    words = re.split("[-_]", name)
    classname = "".join(word.capitalize() for word in words)
    if classname in TAKEN:
        classname += "Algorithm"
    text = ABILITIES[ability].substitute(title=" ".join(words).capitalize(), classname=classname)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    # `x` refuses a file that appeared in the meantime.
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return path
