"""Texts of the files that `harness new` writes; each works as it is."""

from __future__ import annotations

from string import Template

_HEAD = '''\
"""${title}: say here what is new about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

'''


def _algorithm(text: str) -> Template:
    return Template(_HEAD + text)


MATCHER = _algorithm('''\
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
    # a witness's words search pictures where you define
    #     def describe_text(self, query: str) -> Template
    # and nothing is learned unless you define
    #     def fit(self, train: TrainingSet) -> None
    # What it learns belongs in attributes ending in "_", so that it is saved and loaded.
''')

SEARCHER = _algorithm('''\
from collections.abc import Sequence

import numpy as np
import PIL.Image

from harness import Candidates, FailureToEnroll, Image, Searcher, Template, parameter


@dataclass
class ${classname}(Searcher):
    """A small gray picture, looked up among all references: replace it with your idea."""

    side: int = parameter(16, "Side of the small picture, in pixels.", minimum=2)

    citation: ClassVar[str] = ""

    def extract(self, image: Image) -> Template:
        """Return the template of a probe; those of references are the same without `enrol`."""
        small = PIL.Image.fromarray(image).convert("L").resize((self.side, self.side))
        values = np.array(small, dtype=np.float64).ravel()
        values -= values.mean()
        if not values.any():
            # The one way to give up on an image: it is counted as a failure, never dropped.
            raise FailureToEnroll("the picture has one shade only")
        return values / np.linalg.norm(values)

    def finalise(self, references: Sequence[Template]) -> None:
        """Take the gallery: build an index of it here."""
        self._gallery = np.stack(list(references))

    def search(self, probe: Template, length: int) -> Candidates:
        """Return the best references, the best first."""
        # Row by row, so that a score depends on its own reference alone.
        scores = (self._gallery * probe).sum(axis=1)
        best = np.argsort(-scores, kind="stable")[:length]
        return Candidates(best, scores[best])
''')

DETECTOR = _algorithm('''\
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

TAGGER = _algorithm('''\
import numpy as np
import numpy.typing as npt

from harness import Image, Scores, Tagger, TrainingSet, parameter


@dataclass
class ${classname}(Tagger):
    """The nearer mean colour, with the tag or without it: replace it with your idea."""

    cells: int = parameter(2, "Cells along each side of the picture.", minimum=1, maximum=8)

    citation: ClassVar[str] = ""

    def fit(self, train: TrainingSet) -> None:
        """Learn from training images; attributes ending in "_" are saved and loaded."""
        seen = np.array([self._colours(image) for image in train.images])
        given = train.tags  # bool, shape (images, tags), in the order of train.vocabulary
        middle = seen.mean(axis=0)
        self.with_ = np.array(
            [seen[has].mean(axis=0) if has.any() else middle for has in given.T]
        )
        self.without_ = np.array(
            [seen[~has].mean(axis=0) if not has.all() else middle for has in given.T]
        )

    def tag(self, image: Image) -> Scores:
        """Score every tag between 0 and 1; from 0.5 on it is said to apply."""
        colours = self._colours(image)
        to_with = np.linalg.norm(self.with_ - colours, axis=1)
        to_without = np.linalg.norm(self.without_ - colours, axis=1)
        # 0.5 where both are equally far; the small number is for both at once being zero.
        return 0.5 + 0.5 * (to_without - to_with) / (to_without + to_with + 1e-12)

    def _colours(self, image: Image) -> npt.NDArray[np.float64]:
        """Return the mean colour of each cell."""
        height, width = image.shape[:2]
        means = []
        for row in range(self.cells):
            for column in range(self.cells):
                top, left = row * height // self.cells, column * width // self.cells
                bottom = max(top + 1, (row + 1) * height // self.cells)
                right = max(left + 1, (column + 1) * width // self.cells)
                means.append(image[top:bottom, left:right].mean(axis=(0, 1)))
        return np.concatenate(means)
''')

SEGMENTER = _algorithm('''\
import numpy as np

from harness import Image, Mask, Segmenter, parameter


@dataclass
class ${classname}(Segmenter):
    """What is darker than most of the picture: replace it with your idea."""

    depth: float = parameter(30.0, "Levels below the median.", minimum=0.0, maximum=255.0)

    citation: ClassVar[str] = ""

    def segment(self, image: Image) -> Mask:
        """Give every pixel its share of tattoo, in [0, 1]; from 0.5 on it is tattoo."""
        grey = image.mean(axis=2)
        darker = np.median(grey) - grey
        return np.clip(0.5 + (darker - self.depth) / 255.0, 0.0, 1.0)

    # Nothing is learned unless you define
    #     def fit(self, train: TrainingSet) -> None
    # where train.images has the pictures and train.masks the tattoo's pixels in each.
    # What it learns belongs in attributes ending in "_", so that it is saved and loaded.
''')

REMOVER = _algorithm('''\
import numpy as np
import PIL.Image
import PIL.ImageFilter

from harness import Image, Remover, parameter


@dataclass
class ${classname}(Remover):
    """Dark strokes take the colour of what lies around them: replace it with your idea."""

    reach: int = parameter(9, "How far around is looked, in pixels.", minimum=1, maximum=99)
    depth: float = parameter(20.0, "Levels by which ink is darker.", minimum=0.0, maximum=255.0)

    citation: ClassVar[str] = ""

    def remove(self, image: Image) -> Image:
        """Return the picture without its tattoo: uint8 RGB, in the shape it was given in."""
        picture = PIL.Image.fromarray(image)
        around = np.array(picture.filter(PIL.ImageFilter.BoxBlur(self.reach)))
        ink = around.mean(axis=2) - image.mean(axis=2) > self.depth
        retouched = image.copy()  # what is given is read-only
        retouched[ink] = around[ink]
        return retouched

    # Nothing is learned unless you define
    #     def fit(self, train: TrainingSet) -> None
    # where train.images has the pictures and train.clean each of them without its tattoo.
    # What it learns belongs in attributes ending in "_", so that it is saved and loaded.
''')

CONTROL = Template('''\
"""${title}: say here what it is a control of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from harness import Control, Scores, parameter


@dataclass
class ${classname}(Control):
    """Knows the truth, and says the opposite in a share of cases: replace it with your idea."""

    wrong: float = parameter(0.25, "Share of answers that are wrong.", minimum=0.0, maximum=1.0)

    citation: ClassVar[str] = "control"

    def answer(self, truth: npt.NDArray[np.bool_], rng: np.random.Generator) -> Scores:
        """Return a score for every element of the truth, in its shape; higher means "true"."""
        turned = rng.random(truth.shape) < self.wrong
        # The rest of the score is by lot, so that no two are equal.
        return 0.5 * (truth ^ turned) + 0.5 * rng.random(truth.shape)
''')

GENERATOR = Template('''\
"""${title}: say here what it draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import PIL.Image
import PIL.ImageDraw
from msgspec import Meta

from harness.synthesis import Generated, Generator, Order


@dataclass
class ${classname}(Generator):
    """A figure of strokes on plain skin: replace it with your idea.

    Parameters
    ----------
    size
        Side of the picture in pixels.
    strokes
        Of each figure.
    """

    size: Annotated[int, Meta(ge=48, le=2048)] = 320
    strokes: Annotated[int, Meta(ge=1, le=100)] = 7

    # Another take shows the same tattoo in another photograph; what `pairs` promises is the mask,
    # and the same picture without the tattoo.
    retakes: ClassVar[bool] = True
    pairs: ClassVar[bool] = True

    def generate(self, order: Order) -> Generated:
        """Draw one picture; the same order gives the same picture."""
        # What the tattoo is follows from its seed and name, what the photograph is from the take.
        name = [ord(letter) for letter in order.identity]
        tattoo = np.random.default_rng([order.seed, *name])
        photograph = np.random.default_rng([order.seed, *name, order.take + 1])
        ends = tattoo.uniform(0.2, 0.8, (self.strokes + 1, 2)) + photograph.normal(0, 0.01, 2)
        mask = PIL.Image.new("1", (self.size, self.size))
        points = [(float(x), float(y)) for x, y in ends * self.size]
        PIL.ImageDraw.Draw(mask).line(points, fill=1, width=max(2, self.size // 50))
        ink = np.array(mask)
        skin = np.array([205, 165, 140]) + photograph.normal(0, 12, 3)
        clean = skin + photograph.normal(0, 4, (self.size, self.size, 3))
        image = np.where(ink[..., None], clean * 0.35, clean)
        rows, columns = np.nonzero(ink)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        return Generated(
            np.clip(image, 0, 255).astype(np.uint8),
            mask=ink,
            clean=np.clip(clean, 0, 255).astype(np.uint8),
            box=(int(box[0]), int(box[1]), int(box[2]), int(box[3])),
            tags=(order.prompt.motif,),
        )
''')
