"""The common interface: what an algorithm is, and what the harness gives it and asks of it.

An algorithm is a dataclass. Its fields are its parameters, its methods are its abilities, and
what it learns ends in an underscore::

    @dataclass
    class Colours(Matcher):
        \"\"\"Mean colour of a grid of cells: anything worth running should beat it.\"\"\"

        cells: int = parameter(4, "Cells along each side of the grid.", minimum=1)

        def extract(self, image: Image) -> Template:
            ...
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

Image: TypeAlias = npt.NDArray[np.uint8]
"""A picture: shape (height, width, 3), uint8 RGB, read-only."""

Template: TypeAlias = npt.NDArray[Any] | dict[str, npt.NDArray[Any]]
"""What `extract` makes of an image: an array, or named arrays, of any shape and dtype. Plain
arrays, so that a template can be stored without pickle."""

Scores: TypeAlias = npt.NDArray[np.floating[Any]]
"""Comparison scores: shape (probes, references), finite, higher means more alike."""

Mask: TypeAlias = npt.NDArray[np.floating[Any]]
"""Share of a tattoo in every pixel: shape (height, width), in [0, 1]; 0.5 and above means yes."""

T = TypeVar("T")
Progress: TypeAlias = Callable[[int, int, str], None]
"""Called as `progress(done, total, note)`; what it shows is the caller's business."""


class FailureToEnroll(Exception):
    """The one way to give up on an image.

    Raise it in a method that takes one image; return an instance in the place of the answer in a
    method that takes several. It is counted as a failure of the algorithm, never dropped.
    """


def parameter(
    default: T,
    meaning: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[T] = (),
    required: bool = False,
) -> T:
    """Declare a parameter of an algorithm: a dataclass field with a meaning and limits.

    A bare ``name: type = default`` is a parameter too; this one is also explained by
    ``harness describe`` and checked before a run.

    Parameters
    ----------
    default
        Value without ``--param``; int, float, str, bool, a tuple of those, or None.
    meaning
        One sentence, with units.
    minimum, maximum
        Inclusive limits of a number.
    choices
        The values allowed, where they are few.
    required
        Whether a run has to name a value, since the default stands for none: a file of a model,
        say. ``--algo all`` leaves such an algorithm out.
    """
    limits = {"minimum": minimum, "maximum": maximum, "choices": tuple(choices)}
    facts = {"meaning": meaning, **limits, "required": required}
    declared: T = field(default=default, metadata=facts)
    return declared


class Capture(NamedTuple):
    """One picture that a drawn training set can be asked for.

    Parameters
    ----------
    identity, take
        Which tattoo and which photograph of it, from 0 and without end.
    kin
        Which of its look-alikes, where not itself (0): another tattoo of one group.
    difficulty
        How far from one another takes may be: from 0 to 1, which is all that the recipe says.
    """

    identity: int
    take: int
    kin: int = 0
    difficulty: float = 1.0


class Drawn(Protocol):
    """A training set without end: its captures are drawn when they are asked for.

    The training set itself is what this gives at difficulty 1 of identities 0 to `identities` - 1,
    takes 0 to `captures` - 1 of each, identity by identity.
    """

    @property
    def identities(self) -> int:
        """Tattoos of the training set."""
        ...

    @property
    def captures(self) -> int:
        """Captures of each."""
        ...

    def __call__(self, wanted: Sequence[Capture], coming: Sequence[Capture] = ()) -> list[Image]:
        """Return captures, the same for the same arguments in whatever order.

        Parameters
        ----------
        wanted
            Any, of those that the training set has and of all others.
        coming
            Such as will be wanted next, to be drawn meanwhile.

        Returns
        -------
        list of numpy.ndarray
            As many as wanted: uint8, shape (height, width, 3).
        """
        ...


class TrainingSet:
    """The images an algorithm may learn from, with the truth that the protocol gives about them.

    Parameters
    ----------
    images
        n pictures, decoded when they are asked for. Iterate once and keep what you need.
    identities
        int64, shape (n,): images with equal numbers show the same thing in the protocol's sense
        (one tattoo for `identification`, one group of look-alikes for `similarity`).
    mated
        int64, shape (pairs, 2): indices of the pairs that the protocol calls mated. All of them
        share an identity; not every two images of one identity need be a pair.
    probes, references
        bool, shape (n,): whether each image is a probe, or a reference, in the fold that judges it.
        A listed set may use an image as both; one that is only ever learned from is neither.
    tattoo
        bool, shape (n,): whether the image shows a tattoo.
    tags
        bool, shape (n, tags): which tags of `vocabulary` apply to each image.
    vocabulary
        The tags that the protocol asks for, in the order of its columns.
    masks
        n masks of bool, shape (height, width): the pixels of each image's tattoo.
    clean
        n pictures: each capture as it would be without its tattoo.
    progress
        Called by `fit` as ``train.progress(done, total, note)``.
    checkpoints
        Folder of this fit's own that outlives a killed process, or None: what `fit` leaves there it
        finds again when the same run goes on. It need not exist, and is removed after the fit.
    drawn
        Where captures are drawn as they are learned from: the way to more of them, or None.

    Asking for a truth that the protocol does not give raises `LookupError`.
    """

    def __init__(
        self,
        images: Sequence[Image],
        *,
        identities: npt.NDArray[np.int64] | None = None,
        mated: npt.NDArray[np.int64] | None = None,
        probes: npt.NDArray[np.bool_] | None = None,
        references: npt.NDArray[np.bool_] | None = None,
        tattoo: npt.NDArray[np.bool_] | None = None,
        tags: npt.NDArray[np.bool_] | None = None,
        vocabulary: Sequence[str] | None = None,
        masks: Sequence[npt.NDArray[np.bool_]] | None = None,
        clean: Sequence[Image] | None = None,
        progress: Progress | None = None,
        checkpoints: Path | None = None,
        drawn: Drawn | None = None,
    ) -> None:
        self.images = images
        self.drawn = drawn
        self.progress: Progress = progress or (lambda done, total, note: None)
        self.checkpoints = checkpoints
        self._truth: dict[str, Any] = {
            "identities": identities,
            "mated": mated,
            "probes": probes,
            "references": references,
            "tattoo": tattoo,
            "tags": tags,
            "vocabulary": None if vocabulary is None else tuple(vocabulary),
            "masks": masks,
            "clean": clean,
        }

    def __len__(self) -> int:
        return len(self.images)

    @property
    def identities(self) -> npt.NDArray[np.int64]:
        """Identity of every image: int64, shape (n,)."""
        found: npt.NDArray[np.int64] = self._given("identities")
        return found

    @property
    def mated(self) -> npt.NDArray[np.int64]:
        """Mated pairs: int64, shape (pairs, 2), indices into `images`."""
        found: npt.NDArray[np.int64] = self._given("mated")
        return found

    @property
    def probes(self) -> npt.NDArray[np.bool_]:
        """Whether each image is a probe where it is judged: bool, shape (n,)."""
        found: npt.NDArray[np.bool_] = self._given("probes")
        return found

    @property
    def references(self) -> npt.NDArray[np.bool_]:
        """Whether each image is a reference where it is judged: bool, shape (n,)."""
        found: npt.NDArray[np.bool_] = self._given("references")
        return found

    @property
    def tattoo(self) -> npt.NDArray[np.bool_]:
        """Whether each image shows a tattoo: bool, shape (n,)."""
        found: npt.NDArray[np.bool_] = self._given("tattoo")
        return found

    @property
    def tags(self) -> npt.NDArray[np.bool_]:
        """Which tags of `vocabulary` apply to each image: bool, shape (n, tags)."""
        found: npt.NDArray[np.bool_] = self._given("tags")
        return found

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The tags asked for; a `Tagger` scores them in this order."""
        found: tuple[str, ...] = self._given("vocabulary")
        return found

    @property
    def masks(self) -> Sequence[npt.NDArray[np.bool_]]:
        """The pixels of each image's tattoo: bool, shape (height, width)."""
        found: Sequence[npt.NDArray[np.bool_]] = self._given("masks")
        return found

    @property
    def clean(self) -> Sequence[Image]:
        """Each capture as it would be without its tattoo, decoded when asked for."""
        found: Sequence[Image] = self._given("clean")
        return found

    def gives(self, name: str) -> bool:
        """Return whether the protocol says this of its training images, e.g. ``"tattoo"``."""
        return self._truth.get(name) is not None

    def _given(self, name: str) -> Any:
        truth = self._truth[name]
        if truth is None:
            given = ", ".join(k for k, v in self._truth.items() if v is not None) or "nothing"
            raise LookupError(
                f"this protocol's training set does not say {name!r}; it gives: {given}"
            )
        return truth


class Method(NamedTuple):
    """What an ability is asked of one image, and with ``_batch`` behind its name of several.

    Parameters
    ----------
    name
        Of the method of the class.
    does, gives
        In the words of an error: what it is for, and the type that it returns.
    """

    name: str
    does: str
    gives: str


METHODS = {
    "Matcher": Method("extract", "makes templates", "Template"),
    "Searcher": Method("extract", "makes templates", "Template"),
    "Detector": Method("detect", "detects", "float"),
    "Tagger": Method("tag", "tags", "Scores"),
    "Segmenter": Method("segment", "segments", "Mask"),
    "Remover": Method("remove", "retouches", "Image"),
}
"""By the name of the ability's class; a `Control` is asked for no image."""


@dataclass
class Algorithm:
    """What every algorithm has. Derive from abilities such as `Matcher`, not from this.

    Parameters
    ----------
    seed
        Of everything random, set with ``--seed``. The worker also seeds Python's, NumPy's and, if
        it is imported, torch's global generators with it before each step.
    """

    seed: int = field(
        default=0, kw_only=True, metadata={"meaning": "Of everything random.", "minimum": 0}
    )

    citation: ClassVar[str] = ""
    """Where the method comes from; printed in lists and reports."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    """Named sets of parameters, chosen with ``--preset``."""

    control: ClassVar[bool] = False
    """Whether it measures the data or the metric and is no contender; reports and boards say so."""

    sees: ClassVar[Literal["pixels", "file"]] = "pixels"
    """What stands in the place of an image: its pixels, or the bytes of its file as they are.

    With ``"file"``, which is for controls alone, each image is uint8 of shape (bytes,), read-only,
    of the whole file even where a protocol shows algorithms a part of the picture.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a class that overrides neither of the two methods of an ability that it has."""
        super().__init_subclass__(**kwargs)
        for ability in cls.__mro__[1:]:
            method = METHODS.get(ability.__name__) if ability.__module__ == __name__ else None
            if method is None:
                continue
            one, several = method.name, f"{method.name}_batch"
            if all(getattr(cls, each) is getattr(ability, each) for each in (one, several)):
                raise TypeError(
                    f"{cls.__name__} is a {ability.__name__} without a method that {method.does}: "
                    f"define `def {one}(self, image: Image) -> {method.gives}` (or `{several}`)"
                )

    def fit(self, train: TrainingSet) -> None:
        """Learn from the training images of a fold; does nothing unless overridden.

        Keep what is learned in attributes whose names end in an underscore.
        """

    def save(self, folder: Path) -> None:
        """Write what `fit` learned into an empty folder, without pickle.

        Stores attributes that end in an underscore and are arrays, numbers, strings, None, or
        lists and dicts of those. Override it, and `load`, for anything else.

        Raises
        ------
        TypeError
            If a learned attribute is none of these.
        """
        from safetensors.numpy import save_file

        arrays: dict[str, npt.NDArray[Any]] = {}
        plain: dict[str, Any] = {}
        for name, value in vars(self).items():
            if not name.endswith("_") or name.startswith("_"):
                continue
            if isinstance(value, np.ndarray):
                arrays[name] = np.ascontiguousarray(value)
            else:
                plain[name] = value
        try:
            text = json.dumps(plain, allow_nan=True)
        except TypeError as reason:
            raise TypeError(
                f"{type(self).__name__}.save cannot store what fit learned ({reason}): "
                "keep arrays and plain values in attributes ending in '_', or override `save` "
                "and `load`"
            ) from None
        save_file(arrays, folder / "learned.safetensors")
        (folder / "learned.json").write_text(text, encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Restore what `save` wrote, so that every answer is the same as before it."""
        from safetensors.numpy import load_file

        vars(self).update(load_file(folder / "learned.safetensors"))
        vars(self).update(json.loads((folder / "learned.json").read_text(encoding="utf-8")))

    def assets(self) -> Mapping[str, Path | str]:
        """Say what answers depend on beside source and parameters; nothing unless overridden.

        It is asked before anything runs, with every required parameter set, so that what is missing
        is said then, by a `harness.errors.UsageError`.

        Returns
        -------
        Mapping
            By name. Of a file, such as weights in a cache under their URL, the SHA-256 becomes part
            of a run's identity, as of a file that a parameter names; a text (which library, how
            pictures are prepared) becomes part of it as it stands.
        """
        return {}


@dataclass
class Matcher(Algorithm):
    """An algorithm that says how alike two images are.

    Override `extract`, or `extract_batch` where batches are faster, and `compare` where cosine
    similarity of vectors is not what you want.
    """

    def extract(self, image: Image) -> Template:
        """Make the template of one image, or raise `FailureToEnroll`."""
        template: Template = _alone(self.extract_batch, image)
        return template

    def extract_batch(self, images: Sequence[Image]) -> Sequence[Template | FailureToEnroll]:
        """Make the templates of several images, in their order; failures in their places.

        A template may not depend on the other images of the batch.
        """
        return [_attempt(self.extract, image) for image in images]

    def quality(self, image: Image) -> float:
        """Say how good an image is for comparing: in [0, 1], higher is better; optional.

        Where it is overridden it is asked of every image that has a template, right after that, and
        what it says is kept beside the template. No score follows from it: a report holds errors
        against it. An image that is no good at all is a `FailureToEnroll` of `extract`.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `quality`")

    def describe_text(self, query: str) -> Template:
        """Make the template of a description, or raise `FailureToEnroll`; optional.

        Where it is overridden, a protocol may have a witness's words search a gallery of images:
        `compare` is given this template as a probe, and those of `extract` as references.

        Parameters
        ----------
        query
            The words: one line, never empty.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `describe_text`")

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        """Score every probe against every reference; cosine similarity unless overridden.

        Parameters
        ----------
        probes, references
            Templates that `extract` made; never failures.

        Returns
        -------
        numpy.ndarray
            Floating point, shape (probes, references), finite, higher means more alike. For the
            default in [-1, 1], and 0 against a template of length zero.
        """
        left, right = unit_rows(probes), unit_rows(references)
        # In float64, so that what BLAS makes of another batch size shows in the 16th digit only.
        return np.clip(left @ right.T, -1.0, 1.0)


class Candidates(NamedTuple):
    """What a search answers: the best references first.

    Parameters
    ----------
    places
        int64, shape (candidates,): which references, as they were given to `Searcher.finalise`.
    scores
        float64, shape (candidates,), finite and never rising.
    empty
        Places of the list that stay empty, since nothing else was found.
    """

    places: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    empty: int = 0


@dataclass
class Composite(Matcher):
    """A matcher made of other matchers; it is declared, and has no code of its own.

    The harness asks each part as it asks any algorithm, in processes of its own, and joins their
    scores by a rule. A parameter of a part is named after it: ``first.size``.
    """

    parts: ClassVar[tuple[str, ...]] = ()
    """Parameters that each name a part: an algorithm, its file or folder, or ``NAME:PRESET``."""

    rule: ClassVar[str] = ""
    """How scores are joined: the name of a rule in `harness.tasks.composites`."""

    def extract(self, image: Image) -> Template:
        """Refuse: templates are those of the parts."""
        raise TypeError(f"{type(self).__name__} is made of other matchers, which make templates")


@dataclass
class Searcher(Algorithm):
    """An algorithm that answers a probe with a list of candidates, not with all scores.

    What lies outside the list is a miss. It does not learn. One with a parameter ``gallery`` may
    be asked for one template of each identity, and not of each picture: see `enrol_together`.

    Parameters
    ----------
    candidates
        Length of the lists.
    """

    candidates: int = field(
        default=50,
        kw_only=True,
        metadata={"meaning": "Length of the candidate lists.", "minimum": 1, "maximum": 100_000},
    )

    def extract(self, image: Image) -> Template:
        """Make the template of a probe, or raise `FailureToEnroll`."""
        template: Template = _alone(self.extract_batch, image)
        return template

    def extract_batch(self, images: Sequence[Image]) -> Sequence[Template | FailureToEnroll]:
        """Make the templates of several probes, in their order; failures in their places."""
        return [_attempt(self.extract, image) for image in images]

    def quality(self, image: Image) -> float:
        """Say how good an image is for comparing: in [0, 1], higher is better; optional.

        Where it is overridden it is asked of every image that has a template, right after that, and
        what it says is kept beside the template. No score follows from it: a report holds errors
        against it. An image that is no good at all is a `FailureToEnroll` of `extract`.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `quality`")

    def enrol(self, image: Image) -> Template:
        """Make the template of a reference: that of a probe, unless overridden."""
        return self.extract(image)

    def enrol_together(self, images: Sequence[Image]) -> Template:
        """Make one template of all references of an identity, in no order that means anything.

        Asked in the place of `enrol`, also of one alone, where the searcher has a parameter
        ``gallery``, that is ``"consolidated"``, and identities have several references; raise
        `FailureToEnroll` to give up on the identity.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `enrol_together`")

    def finalise(self, references: Sequence[Template]) -> None:
        """Take the templates of all references, in the place of an earlier gallery."""
        raise NotImplementedError(f"{type(self).__name__} does not define `finalise`")

    def search(self, probe: Template, length: int) -> Candidates:
        """Return the best `length` references, or fewer and how many places stay empty.

        Parameters
        ----------
        probe
            That `extract` made.
        length
            From 1, and never more than there are references.

        Raises
        ------
        FailureToEnroll
            If the search fails; it is counted as a miss.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `search`")


@dataclass
class Detector(Algorithm):
    """An algorithm that says whether an image shows a tattoo; override one of its two methods."""

    def detect(self, image: Image) -> float:
        """Score one image: finite, higher means more surely a tattoo, 0.5 and above means yes."""
        found: float = _alone(self.detect_batch, image)
        return found

    def detect_batch(self, images: Sequence[Image]) -> Sequence[float | FailureToEnroll]:
        """Score several images, in their order; failures in their places."""
        return [_attempt(self.detect, image) for image in images]


@dataclass
class Tagger(Algorithm):
    """An algorithm that says which tags apply to an image; override one of its two methods.

    What the tags are is learned in `fit`, from ``train.vocabulary``. One that does not learn is
    told before its first image, by `name_tags`.
    """

    def name_tags(self, tags: Sequence[str]) -> None:
        """Be told what is asked for, in the order of the scores; does nothing unless overridden."""

    def tag(self, image: Image) -> Scores:
        """Score every tag of the vocabulary for one image: shape (tags,), in [0, 1].

        Higher means more surely; 0.5 and above means that the tag applies.
        """
        found: Scores = _alone(self.tag_batch, image)
        return found

    def tag_batch(self, images: Sequence[Image]) -> Sequence[Scores | FailureToEnroll]:
        """Tag several images, in their order; failures in their places."""
        return [_attempt(self.tag, image) for image in images]


@dataclass
class Segmenter(Algorithm):
    """An algorithm that says which pixels show a tattoo; override one of its two methods."""

    def segment(self, image: Image) -> Mask:
        """Give every pixel of one image its share of tattoo: shape (height, width), in [0, 1].

        The harness keeps 256 levels of it.
        """
        found: Mask = _alone(self.segment_batch, image)
        return found

    def segment_batch(self, images: Sequence[Image]) -> Sequence[Mask | FailureToEnroll]:
        """Segment several images, in their order; failures in their places."""
        return [_attempt(self.segment, image) for image in images]


@dataclass
class Remover(Algorithm):
    """An algorithm that retouches a tattoo away; override one of its two methods."""

    def remove(self, image: Image) -> Image:
        """Return one image without its tattoo: uint8 RGB, of the shape it was given in."""
        found: Image = _alone(self.remove_batch, image)
        return found

    def remove_batch(self, images: Sequence[Image]) -> Sequence[Image | FailureToEnroll]:
        """Retouch several images, in their order; failures in their places."""
        return [_attempt(self.remove, image) for image in images]


@dataclass
class Control(Algorithm):
    """An algorithm that is shown the truth, to test metrics and to draw the line of chance.

    Every report and board marks it as a control.
    """

    control: ClassVar[bool] = True

    def answer(self, truth: npt.NDArray[np.bool_], rng: np.random.Generator) -> Scores:
        """Return a score for every element of `truth`, in its shape; higher means "true".

        Where the question is a mask, `truth` is one image's, and scores lie in [0, 1].
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `answer`")


ABILITIES: tuple[type[Algorithm], ...] = (
    Matcher,
    Searcher,
    Detector,
    Tagger,
    Segmenter,
    Remover,
    Control,
)
"""The kinds of question that an algorithm can answer; a protocol's task needs one of them."""


def rates(algorithm: type[Algorithm]) -> bool:
    """Return whether an algorithm says how good images are: whether it overrides `quality`."""
    found = getattr(algorithm, "quality", None)
    return callable(found) and found not in (Matcher.quality, Searcher.quality)


def describes(algorithm: type[Algorithm]) -> bool:
    """Return whether an algorithm takes words: whether it overrides `Matcher.describe_text`."""
    found = getattr(algorithm, "describe_text", None)
    return callable(found) and found is not Matcher.describe_text


def unit_rows(templates: Sequence[Template]) -> npt.NDArray[np.float64]:
    """Stack vector templates and scale each to length 1 (zero vectors stay zero).

    Returns
    -------
    numpy.ndarray
        float64, shape (templates, dimension); a template of more axes is read as one vector.

    Raises
    ------
    TypeError
        If the templates are not vectors of one length.
    """
    if any(isinstance(template, dict) for template in templates):
        raise TypeError("templates of named arrays need a `compare` of the algorithm's own")
    rows = np.asarray([np.ravel(np.asarray(t, dtype=np.float64)) for t in templates])
    if rows.ndim != 2:
        raise TypeError("cosine similarity needs vector templates of one length")
    # Dividing by the largest entry first keeps squares from overflowing or vanishing.
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    rows = np.divide(rows, largest, out=np.zeros_like(rows), where=largest > 0)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: npt.NDArray[np.float64] = np.divide(
        rows, lengths, out=np.zeros_like(rows), where=lengths > 0
    )
    return scaled


def _alone(several: Callable[[Sequence[Image]], Sequence[Any]], image: Image) -> Any:
    """Return the answer of a batch method to one image, or raise its failure."""
    (answer,) = several([image])
    if isinstance(answer, FailureToEnroll):
        raise answer
    return answer


def _attempt(method: Callable[[Image], T], image: Image) -> T | FailureToEnroll:
    try:
        return method(image)
    except FailureToEnroll as failure:
        return failure
