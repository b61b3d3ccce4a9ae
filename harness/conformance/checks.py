"""The checks themselves: each is a method that says what it saw, or raises what is wrong."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Sequence
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness.api import METHODS, Algorithm, FailureToEnroll, Image, Matcher, Searcher, Tagger
from harness.conformance import specimens
from harness.conformance.agreement import Fault, agree, difference, frozen
from harness.errors import some
from harness.execution.answers import (
    BadAnswer,
    checked_candidates,
    checked_detections,
    checked_masks,
    checked_pictures,
    checked_quality,
    checked_scores,
    checked_tags,
    checked_templates,
)
from harness.execution.steps import seed_everything

_BEYOND = -1e9
"""Stands for the score of a reference that no list has."""


_pictures = cache(specimens.ordinary)
"""The same in every examination; algorithms get copies, since some would change what they get."""


class Subject:
    """One algorithm under examination, with the pictures it is examined on.

    Parameters
    ----------
    kind
        Its class.
    ability
        Which of its abilities is examined.
    parameters
        Those that differ from the defaults.
    folder
        Models are saved in new folders in it.
    """

    COMPARED: ClassVar[int] = 12
    """Templates that are compared with each other, about: some matchers take long over a pair."""

    def __init__(
        self,
        kind: type[Algorithm],
        ability: type[Algorithm],
        parameters: dict[str, Any],
        folder: Path,
    ) -> None:
        self.kind = kind
        self.inside = isinstance(kind, type)
        self.matches = ability is Matcher
        self.searches = ability is Searcher
        self._searched: list[Image] = []
        self.method = METHODS[ability.__name__].name if ability.__name__ in METHODS else ""
        self.parameters = parameters
        self.folder = folder
        self.pictures = _pictures()
        self.images: Sequence[Image] = [self._seen(image) for image in self.pictures.images]
        self.algorithm: Any = None
        self._answers: list[Any] = []
        self._templates: list[Any] = []
        self._whole: Any = None

    def _seen(self, image: Image) -> Image:
        """Return what the algorithm gets of a picture: its pixels, or the bytes of a file of it."""
        if self.kind.sees == "file":
            return specimens.as_file(image)
        return specimens.read_only(image.copy())

    def rated(self) -> str:
        """Require a quality in [0, 1] of every picture, the same each time."""
        found = []
        for image in self.images:
            seed_everything(self.algorithm.seed)
            found.append(checked_quality(self.algorithm.quality(image)))
            seed_everything(self.algorithm.seed)
            again = checked_quality(self.algorithm.quality(image))
            if again != found[-1]:
                raise Fault(f"quality said {found[-1]} of a picture, and then {again} of the same")
        return f"qualities from {min(found):.3f} to {max(found):.3f}"

    # Every algorithm

    def declared(self) -> str:
        """Require a dataclass of its own, with a default for every parameter."""
        if "__dataclass_fields__" not in vars(self.kind):
            raise Fault(f"put @dataclass above `class {self.kind.__name__}`: fields are parameters")
        without = [field.name for field in fields(self.kind) if field.default is MISSING]
        if without:
            raise Fault(f"give every parameter a plain default; {', '.join(without)} has none")
        return f"{len(fields(self.kind))} parameters, all with defaults"

    def documented(self) -> str:
        """Require a docstring of its own."""
        text = (vars(self.kind).get("__doc__") or "").strip()
        # A dataclass without a docstring is given its signature as one.
        if not text or text.startswith(f"{self.kind.__name__}("):
            raise Fault("write a docstring: its first line stands in lists and reports")
        return str(text.splitlines()[0])

    def built(self) -> str:
        """Build an instance with these parameters."""
        self._build()
        changed = ", ".join(f"{name}={value!r}" for name, value in self.parameters.items())
        return f"built with {changed or 'its defaults'}"

    def fits(self) -> str:
        """Fit on drawn pictures with every truth that a protocol can give."""
        self.algorithm = self._fitted()
        learns = self.kind.fit is not Algorithm.fit
        return f"learned from {some(len(self.images), 'picture')}" if learns else "nothing to learn"

    def parameters_kept(self) -> str:
        """Require parameters to keep value and type, before and after `fit`."""
        fresh = self._build()
        for field in fields(self.kind):
            given = self.parameters.get(field.name, field.default)
            for when, algorithm in [("when built", fresh), ("after fit", self.algorithm)]:
                value = getattr(algorithm, field.name)
                if type(value) is not type(given) or value != given:
                    raise Fault(
                        f"parameter {field.name!r} was given as {given!r} and is {value!r} {when}; "
                        "leave parameters as they are and keep what you derive from them elsewhere"
                    )
        return "all parameters are what they were set to"

    # One answer per image: a template, a score, tags, a mask, a picture

    def answers(self) -> str:
        """Require proper answers for most ordinary pictures."""
        # Copies that may be written to: whether inputs are left alone is a question of its own.
        answers = self._batch([image.copy() for image in self.images])
        failed = sum(isinstance(answer, FailureToEnroll) for answer in answers)
        if 2 * failed > len(answers):
            raise Fault(
                f"{failed} of {len(answers)} ordinary pictures of about 100 pixels failed to "
                "enrol; scale small images up, or ask for less before raising FailureToEnroll"
            )
        return f"{len(answers) - failed} of {len(answers)} pictures"

    def images_unchanged(self) -> str:
        """Require read-only images to be accepted and left alone."""
        before = [image.copy() for image in self.images]
        self._answers = self._batch(self.images)
        if any(difference(*pair) > 0 for pair in zip(self.images, before, strict=True)):
            raise Fault("an image was changed in place; work on `image.copy()`")
        return "read-only images were accepted and are unchanged"

    def repeatable(self) -> str:
        """Require the same answers for the same images."""
        return agree(
            self._answers,
            self._batch(self.images),
            "the same images gave other answers the second time: draw random numbers from "
            "np.random.default_rng(self.seed), made anew in each call",
        )

    def batch_independent(self) -> str:
        """Require the same answer in any batch, in any place of it, and alone."""
        whole = self._answers
        rule = ": an answer may depend on its own image only, not on its batch or its place in it"
        backwards = self._batch(self.images[::-1])[::-1]
        ones = [answer for image in self.images for answer in self._batch([image])]
        reversal = agree(whole, backwards, "the batch in reverse order gave other answers" + rule)
        apart = agree(whole, ones, "batches of one image gave other answers" + rule)
        if self.inside:
            alone = [self._single(image) for image in self.images]
            agree(
                ones, alone, "the method for one image gives other answers than the batch's" + rule
            )
        return f"in reverse order {reversal}, one by one {apart}"

    def odd_survived(self) -> str:
        """Require an answer or a failure to enrol for blank, tiny and very long pictures."""
        pictures = specimens.odd()
        faults, refused = [], 0
        others = self._templates[:3]
        for name, image in pictures.items():
            try:
                answer = self._single(self._seen(image))
                if isinstance(answer, FailureToEnroll):
                    refused += 1
                elif self.matches:
                    everyone = [*others, frozen(answer)]
                    self._scores(everyone, everyone)
            except BadAnswer as fault:
                faults.append(f"{name}: {fault}")
            except Exception as reason:  # whatever an author's code raises is a finding
                faults.append(f"{name}: {type(reason).__name__}: {reason}")
        if faults:
            raise Fault("; ".join(faults) + ". Raise FailureToEnroll for images you cannot use")
        return f"no crash; {refused} of {len(pictures)} refused with FailureToEnroll"

    def saved(self) -> str:
        """Require the same answers of another instance that loads what was saved."""
        place = Path(tempfile.mkdtemp(dir=self.folder))
        before = self._own_evidence()
        self.algorithm.save(place)
        restored = self._build()
        restored.load(place)
        return agree(
            before,
            self._evidence(restored),
            "after save and load the answers differ: everything that fit learns belongs in "
            "attributes ending in '_', or in your own save and load",
        )

    def fitted_twice(self) -> str:
        """Require the same answers after fitting again under the same seed."""
        return agree(
            self._own_evidence(),
            self._evidence(self._fitted()),
            "fitted again with the same seed it answers differently: take all randomness of fit "
            "from self.seed",
        )

    # Matchers

    def compared(self) -> str:
        """Require scores to be finite floats, one per pair."""
        made = [one for one in self._answers if not isinstance(one, FailureToEnroll)]
        # Read-only from here on, as templates from a stored file are.
        self._templates = [frozen(one) for one in made[:: max(1, len(made) // self.COMPARED)]]
        for count in (4, 1):
            probes, references = self._templates[:count], self._templates[:1]
            self._scores(copy.deepcopy(probes), copy.deepcopy(references))
        return f"shapes (4, 1) and (1, 1), from {len(self._templates)} templates"

    def templates_unchanged(self) -> str:
        """Require read-only templates to be accepted and left alone."""
        templates = self._templates
        before = copy.deepcopy(templates)
        self._whole = self._scores(templates, templates)
        if any(difference(*pair) > 0 for pair in zip(templates, before, strict=True)):
            raise Fault("compare changed a template in place; work on a copy")
        return "read-only templates were accepted and are unchanged"

    def comparison_repeatable(self) -> str:
        """Require the same scores for the same templates."""
        templates = self._templates
        return agree(
            [self._whole],
            [self._scores(templates, templates)],
            "the same templates gave other scores the second time: compare must not draw random "
            "numbers or remember earlier calls",
        )

    def comparison_independent(self) -> str:
        """Require the same score whatever else is compared in the call."""
        templates, whole = self._templates, self._whole
        rule = ": a score may depend on its own two templates only"
        backwards = self._scores(templates[::-1], templates[::-1])[::-1, ::-1]
        rows = np.concatenate([self._scores([probe], templates) for probe in templates])
        columns = np.concatenate([self._scores(templates, [one]) for one in templates], axis=1)
        reversal = agree([whole], [backwards], "another order gave other scores" + rule)
        probes = agree([whole], [rows], "one probe at a time gave other scores" + rule)
        references = agree([whole], [columns], "one reference at a time gave other scores" + rule)
        return f"in reverse order {reversal}, by probe {probes}, by reference {references}"

    def self_match(self) -> str:
        """Require most pictures to be no less like themselves than like any other."""
        templates, scores = self._templates, self._whole
        # A tolerance, since the cosine of a vector with itself is 1 only up to rounding.
        best = int((np.diag(scores) >= scores.max(axis=1) - 1e-6 * np.abs(scores).max()).sum())
        if 2 * best <= len(templates):
            raise Fault(
                f"only {best} of {len(templates)} pictures are most like themselves; scores must "
                "rise with likeness: change the sign of a distance"
            )
        return f"{best} of {len(templates)} pictures are most like themselves"

    def described(self) -> str:
        """Require templates of words that compare with those of pictures, also of what is loaded.

        Words that the algorithm does not know it may refuse, but not those that it has learned.
        """
        made = [self._template_of(query, self.algorithm) for query in specimens.QUERIES]
        if all(isinstance(one, FailureToEnroll) for one in made[:2]):
            raise Fault(
                f"describe_text refused {specimens.QUERIES[0]!r} and {specimens.QUERIES[1]!r}, "
                f"though the tags {', '.join(specimens.VOCABULARY)} were there to learn"
            )
        again = [self._template_of(query, self.algorithm) for query in specimens.QUERIES]
        agree(made, again, "the same words gave another template the second time")
        known = [frozen(one) for one in made if not isinstance(one, FailureToEnroll)]
        scores = self._scores(known, self._templates)
        place = Path(tempfile.mkdtemp(dir=self.folder))
        self.algorithm.save(place)
        restored = self._build()
        restored.load(place)
        loaded = [self._template_of(query, restored) for query in specimens.QUERIES]
        agree(made, loaded, "after save and load the same words give another template")
        self.algorithm = restored
        return f"{len(known)} of {len(made)} descriptions; scores {scores.shape}"

    def _template_of(self, query: str, algorithm: Any) -> Any:
        seed_everything(algorithm.seed)
        try:
            made = algorithm.describe_text(query)
        except FailureToEnroll as failure:
            made = failure
        return checked_templates([made], [repr(query)])[0]

    # Searchers

    def searched(self) -> str:
        """Require lists of the length that is asked for, sorted, of references that there are."""
        kept = [
            image
            for image, made in zip(self.images, self._answers, strict=True)
            if not isinstance(made, FailureToEnroll)
        ]
        self._searched = kept[:: max(1, len(kept) // self.COMPARED)]
        self._whole = np.nan_to_num(self._lists(), nan=_BEYOND)
        failed = int((self._whole.max(axis=1) <= _BEYOND).sum())
        refused = f"; {some(failed, 'search', 'searches')} refused" if failed else ""
        return f"lists of {len(self._searched)} for {some(len(self._searched), 'picture')}{refused}"

    def searches_apart(self) -> str:
        """Require the same lists when probes come in another order."""
        again = np.nan_to_num(self._lists(backwards=True), nan=_BEYOND)
        return "in reverse order " + agree(
            [self._whole],
            [again],
            "searches in another order gave other lists: a search must not remember earlier ones",
        )

    def head_of_longer(self) -> str:
        """Require a shorter list to be the head of a longer one."""
        count = len(self._searched)
        short = self._lists(length=max(1, count // 3))
        listed = np.isfinite(short)
        agree(
            [self._whole[listed]],
            [short[listed]],
            "a shorter list has other scores than a longer one: how many are asked for must not "
            "change them",
        )
        rest = np.where(listed, _BEYOND, self._whole).max(axis=1)
        last = np.where(listed, short, np.inf).min(axis=1)
        if (rest > last + 1e-9 * np.abs(last)).any():
            raise Fault("a shorter list leaves out references that score higher in a longer one")
        return f"lists of {max(1, count // 3)} are heads of those of {count}"

    def finds_itself(self) -> str:
        """Require most pictures to be found first by themselves."""
        answered = self._whole.max(axis=1) > _BEYOND
        count = int(answered.sum())
        best = int((np.diag(self._whole) >= self._whole.max(axis=1))[answered].sum())
        if 2 * best <= count:
            if not count:
                raise Fault("every search was refused; a picture has to find itself")
            raise Fault(
                f"only {best} of {count} pictures find themselves first; scores must rise with "
                "likeness: change the sign of a distance"
            )
        return f"{best} of {count} pictures find themselves first"

    # Detectors

    def higher_means_tattoo(self) -> str:
        """Require a fitted detector to score its training tattoos above bare skin."""
        if self.kind.fit is Algorithm.fit:
            return "not asked: it learned nothing from these drawings"
        answers = self._answers
        kept = [not isinstance(answer, FailureToEnroll) for answer in answers]
        scores = np.array([float(a) for a, ok in zip(answers, kept, strict=True) if ok])
        tattoo = self.pictures.tattoo[kept]
        if tattoo.all() or not tattoo.any():
            return "not asked: one of the two kinds failed to enrol"
        higher, lower = float(scores[tattoo].mean()), float(scores[~tattoo].mean())
        if higher <= lower:
            raise Fault(
                f"on its training pictures tattoos score {higher:.3g} on average and bare skin "
                f"{lower:.3g}; higher must mean more surely a tattoo"
            )
        return f"mean score {higher:.3g} with and {lower:.3g} without a tattoo"

    # Taggers, segmenters, removers

    def tags_learned(self) -> str:
        """Require the tags of the training pictures to score above the others, on average."""
        scores, kept = self._kept()
        tags = self.pictures.tags[kept]
        higher, lower = float(scores[tags].mean()), float(scores[~tags].mean())
        if higher <= lower:
            raise Fault(
                f"on its training pictures tags that apply score {higher:.3g} on average and "
                f"others {lower:.3g}; score in the order of train.vocabulary, higher for yes"
            )
        return f"mean score {higher:.3g} where a tag applies and {lower:.3g} where not"

    def mask_learned(self) -> str:
        """Require the pixels of the training tattoos to score above the others, on average."""
        if self.kind.control:
            return "not asked of a control"
        answers = self._answers
        inside, outside = [], []
        for answer, mask in zip(answers, self.pictures.masks, strict=True):
            if not isinstance(answer, FailureToEnroll) and mask.any():
                inside.append(float(answer[mask].mean()))
                outside.append(float(answer[~mask].mean()))
        if not inside:
            return "not asked: every tattoo failed to enrol"
        higher, lower = float(np.mean(inside)), float(np.mean(outside))
        if higher < lower:
            raise Fault(
                f"on its training pictures pixels of tattoos get {higher:.3g} on average and "
                f"skin {lower:.3g}; 1 must mean tattoo"
            )
        return f"mean {higher:.3g} inside and {lower:.3g} outside of tattoos"

    def _kept(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """Return the answers that are not failures as one array, and which they are."""
        answers = self._answers
        kept = np.array([not isinstance(answer, FailureToEnroll) for answer in answers])
        return np.stack([a for a, ok in zip(answers, kept, strict=True) if ok]), kept

    # Controls

    def answered(self) -> str:
        """Require scores for truth of any shape, the same ones again, and truth left alone."""
        for shape in [(3, 5), (7,), (0, 4), (1, 1)]:
            truth = np.arange(int(np.prod(shape))).reshape(shape) % 3 == 0
            before = truth.copy()
            truth.flags.writeable = False
            first, second = (
                checked_scores(
                    self.algorithm.answer(truth, np.random.default_rng(7)), shape, "answer"
                )
                for _ in range(2)
            )
            if not np.array_equal(truth, before):
                raise Fault("answer changed the truth in place; work on a copy")
            agree(
                [first],
                [second],
                "the same truth and generator gave other scores the second time: draw random "
                "numbers only from `rng`",
            )
        return "one finite score per question, and the same ones again"

    # What the checks are made of

    def _build(self) -> Any:
        algorithm: Any = self.kind(**self.parameters)
        if isinstance(algorithm, Tagger):
            algorithm.name_tags(specimens.VOCABULARY)
        return algorithm

    def _fitted(self) -> Any:
        """Build and fit as a worker does, with the global generators seeded."""
        algorithm = self._build()
        seed_everything(algorithm.seed)
        algorithm.fit(self.pictures.training_set(self.images))
        return algorithm

    def _batch(self, images: Sequence[Image], algorithm: Any = None) -> list[Any]:
        answers = getattr(algorithm or self.algorithm, f"{self.method}_batch")(images)
        return self._checked(answers, images)

    def _single(self, image: Image) -> Any:
        try:
            answer = getattr(self.algorithm, self.method)(image)
        except FailureToEnroll as failure:
            return failure
        return self._checked([answer], [image])[0]

    def _checked(self, answers: Any, images: Sequence[Image]) -> list[Any]:
        if self.kind.sees == "file":
            images = [specimens.from_file(data) for data in images]
        names = _names(images)
        if self.method == "tag":
            return checked_tags(answers, names, len(specimens.VOCABULARY))
        if self.method == "segment":
            return checked_masks(answers, names, images)
        if self.method == "remove":
            return checked_pictures(answers, names, images)
        templates = self.matches or self.searches
        return (checked_templates if templates else checked_detections)(answers, names)

    def _scores(
        self, probes: Sequence[Any], references: Sequence[Any], algorithm: Any = None
    ) -> npt.NDArray[Any]:
        scores = (algorithm or self.algorithm).compare(probes, references)
        return checked_scores(scores, (len(probes), len(references)), "compare")

    def _own_evidence(self) -> list[Any]:
        """Return what the algorithm has said about the pictures already."""
        return [*self._answers, *([self._whole] if self.matches or self.searches else [])]

    def _evidence(self, algorithm: Any) -> list[Any]:
        """Return all that an algorithm says about the pictures, to compare it with another."""
        answers = self._batch(self.images, algorithm)
        if self.matches:
            made = [frozen(one) for one in answers if not isinstance(one, FailureToEnroll)]
            templates = made[:: max(1, len(made) // self.COMPARED)]
            answers.append(self._scores(templates, templates, algorithm))
        if self.searches:
            answers.append(np.nan_to_num(self._lists(algorithm), nan=_BEYOND))
        return answers

    def _lists(
        self, algorithm: Any = None, *, length: int = 0, backwards: bool = False
    ) -> npt.NDArray[np.float64]:
        """Search for some pictures among themselves: shape (probes, references), NaN beyond."""
        asked, count = algorithm or self.algorithm, len(self._searched)
        asked.finalise([frozen(asked.enrol(image)) for image in self._searched])
        probes = [frozen(asked.extract(image)) for image in self._searched]
        scores = np.full((count, count), np.nan)
        for i in range(count)[:: -1 if backwards else 1]:
            try:
                answer = asked.search(probes[i], length or count)
            except FailureToEnroll:
                continue  # which counts as a miss in a run
            if isinstance(answer, FailureToEnroll):
                continue
            found = checked_candidates(answer, length or count, count, f"picture {i + 1}")
            scores[i, found.places] = found.scores
        return scores


def _names(images: Sequence[Image]) -> list[str]:
    return [f"a picture of {image.shape[1]} x {image.shape[0]}" for image in images]
