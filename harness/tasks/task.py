"""What a kind of question is: one class for each, which everything else asks and nothing knows.

A task says whom a protocol judges, what an algorithm must be able to do, what it may learn from,
and every number that follows from its raw answers. What is the same for all of them stands here:
folds are judged one by one and together, every estimate knows its spread over folds, failures are
listed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, NamedTuple, TypeVar, final

import numpy as np
import numpy.typing as npt

from harness.api import Algorithm, Searcher
from harness.data.records import Dataset, Fold, Picture, Record
from harness.metrics.ids import Metric
from harness.statistics.estimate import Estimate
from harness.tasks.answers import Answer, Answered, Counting, fold_spread
from harness.tasks.pairs import Pairs
from harness.tasks.protocol import Need, Protocol, Table
from harness.tasks.results import (
    Curves,
    Failure,
    FoldMetrics,
    Judgement,
    Metrics,
    Outcome,
    TagFigures,
)
from harness.tasks.trade_off import COMPARISONS, TradeOff
from harness.tasks.trials import Trials, TrialsOf, failures_of

if TYPE_CHECKING:
    from harness.statistics.likelihood.crossfit import FoldScores

__all__ = ["Shown", "Task", "ToldApart", "TruthFile", "training_images"]

TruthFile = Literal["path", "mask", "clean"]
"""A file of a record that is truth: its picture, its mask, the skin without the tattoo."""

Shown = Literal["", "elements", "masks"]
"""What a control that is shown the truth is shown: nothing, true elements of the answer, masks."""

Part = TypeVar("Part")
"""The answers of one fold with the truth about them."""

Whole = TypeVar("Whole", bound=Counting)
"""The answers of all folds together."""


@dataclass(frozen=True)
class OperatingPoint:
    """Where a search in a gallery is taken for a hit or a miss.

    Parameters
    ----------
    rank
        Within which a mate must lie, from 1.
    threshold
        Score below which nothing is a candidate; None for none.
    fpir
        False positive identification rate that the threshold was chosen for, if it was.
    """

    rank: int
    threshold: float | None = None
    fpir: float | None = None


class ToldApart(NamedTuple):
    """What a report says of parts of the trials whose metrics stand apart: see `Task.subsets`."""

    heading: str
    why: str
    caption: str


class Task(ABC, Generic[Part, Whole]):
    """A kind of question.

    Attributes
    ----------
    ability
        What an algorithm must be able to do.
    listed
        Whether lists of candidates answer it in part: then a `Searcher` may be asked, too.
    metrics
        Names in the catalogue of those that a protocol may ask for.
    failure_policy
        What becomes of an image that the algorithm gives up on, in words.
    needs
        What the question needs of any data set.
    truth_files
        Which files of a record are truth: they are hashed with the data and named in the record.
    truth_shown
        What a control that is shown the truth is shown.
    has_vocabulary
        Whether answers are scores of words: then `vocabulary` says which.
    streams
        Whether the numbers can be had without keeping every score.
    compares
        Whether pairs of images are compared: then `comparisons` gives their scores.
    closed
        Whether every probe that is judged has a mate.
    drawn
        Whether a fold is searched in samples of its images.
    square
        Whether probes and references are the same images, of which named pairs are compared.
    lists_mates
        Whether a data set's own lists say what is mated.
    of_words
        Whether probes are descriptions, not images: then an algorithm must take words.
    of_heads
        Whether its curves follow from the heads of candidate lists alone.
    failed_role
        What an image that the algorithm gave up on is called.
    rules
        The table of a protocol's file that is named after the task, with its keys.
    names_images
        Whether answers are of images with names, and not of lines in a file of scores.
    told_apart
        What a report says of the parts of the trials whose metrics stand apart.
    trade_off
        What the two errors are called that are made at a threshold, where any are.
    """

    ability: ClassVar[type[Algorithm]]
    listed: ClassVar[bool] = False
    metrics: ClassVar[tuple[str, ...]]
    failure_policy: ClassVar[str]
    needs: ClassVar[tuple[Need, ...]] = ()
    truth_files: ClassVar[tuple[TruthFile, ...]] = ()
    truth_shown: ClassVar[Shown] = ""
    has_vocabulary: ClassVar[bool] = False
    streams: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    closed: ClassVar[bool] = False
    drawn: ClassVar[bool] = False
    square: ClassVar[bool] = False
    lists_mates: ClassVar[bool] = False
    of_words: ClassVar[bool] = False
    of_heads: ClassVar[bool] = False
    failed_role: ClassVar[str] = "probe"
    rules: ClassVar[type[Table]] = Table
    names_images: ClassVar[bool] = True
    told_apart: ClassVar[ToldApart] = ToldApart(
        "One photograph or two",
        "Some mates were made from the very photograph that the probe was made from. Finding a "
        "copy is easier than finding the tattoo again, so the two are told apart here.",
        "The same metrics by what the mate shows",
    )
    trade_off: ClassVar[TradeOff] = COMPARISONS

    def asked_of(self, abilities: Collection[str]) -> str:
        """Return by which of its abilities an algorithm is asked; empty where it has none.

        Parameters
        ----------
        abilities
            Names of its ability classes. One that gives all scores comes before lists.
        """
        able = [self.ability.__name__, *([Searcher.__name__] if self.listed else [])]
        return next((name for name in able if name in abilities), "")

    # What is asked, and what may be learned.

    @abstractmethod
    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Return the folds of a data set: its own lists, or those that the protocol's rules make.

        Raises
        ------
        DataError
            If the data cannot answer the question.
        UsageError
            If the protocol asks for something that the question does not allow.
        """

    def training_truth(
        self, fold: Fold, records: Mapping[str, Record], protocol: Protocol
    ) -> dict[str, Any]:
        """Return what a training set says beside its images: fields of a `Training`."""
        return {}

    def vocabulary(self, records: Mapping[str, Record], protocol: Protocol) -> Sequence[str]:
        """Return the words that answers score, in their order.

        Parameters
        ----------
        records
            Those that the folds name, learned from or judged.
        """
        raise NotImplementedError(f"answers of a {self.ability.__name__} here are no words")

    def truth_matrix(
        self, fold: Fold, records: Mapping[str, Record], vocabulary: Sequence[str] = ()
    ) -> npt.NDArray[np.bool_]:
        """Return which elements of a fold's answer are true: bool, of the shape of its scores."""
        raise NotImplementedError("the answers of this question have no true elements")

    def truth_masks(self, fold: Fold, records: Mapping[str, Record]) -> list[Picture | None]:
        """Return the mask of each image that is judged; None where there is no tattoo."""
        raise NotImplementedError("the answers of this question are no masks")

    def attacker(self, protocol: Protocol) -> str:
        """Return the algorithm whose pictures the probes of other protocols are exchanged for.

        Empty where the question lends none (``harness run --attack PROTOCOL``).
        """
        return ""

    # What answers come to.

    @abstractmethod
    def parts(self, run: Answered) -> list[Part]:
        """Return the answers of each fold, or of each draw from one, with the truth about them."""

    @abstractmethod
    def whole(self, parts: Sequence[Part], run: Answered) -> Whole:
        """Return all parts as one."""

    @abstractmethod
    def of_part(self, part: Part, protocol: Protocol) -> FoldMetrics:
        """Return what is counted in a part, and every metric in it."""

    @abstractmethod
    def estimates(self, whole: Whole, protocol: Protocol) -> dict[str, Estimate]:
        """Return every metric of the protocol, by its id, with interval and level of chance."""

    def counts(
        self, whole: Whole, per_fold: Sequence[FoldMetrics], folds: Sequence[Fold]
    ) -> dict[str, int]:
        """Return what is counted over all folds."""
        return {"folds": len(folds), **whole.counts(), **training_images(folds)}

    def curves(self, whole: Whole, protocol: Protocol) -> Curves:
        """Return what is drawn of it."""
        return Curves()

    def searches(self, part: Part, protocol: Protocol) -> list[Judgement]:
        """Return every search of a part, or every image; none where nobody looks at single ones."""
        return []

    def failures(self, parts: Sequence[Part], run: Answered) -> list[Failure]:
        """Return the images that the algorithm gave up on, fold by fold and by name."""
        return [
            Failure(fold.name, name, self.failed_role, reason)
            for fold, answer in run.by_fold
            for name, reason in sorted(answer.failures.items())
        ]

    def operating_points(self, run: Answered) -> list[OperatingPoint]:
        """Return the ranks and thresholds that searches are judged at; none where none are made."""
        return []

    def subsets(self, whole: Whole, protocol: Protocol) -> dict[str, dict[str, Estimate]]:
        """Return the metrics of parts of the trials, by the name of the part."""
        return {}

    def tags(self, whole: Whole) -> list[TagFigures]:
        """Return the figures of each tag; none where answers are no tags."""
        return []

    @final
    def judge(
        self,
        folds: Sequence[Fold],
        answers: Sequence[Answer],
        records: Mapping[str, Record],
        protocol: Protocol,
    ) -> Outcome:
        """Compute every number of a run from its raw answers.

        Parameters
        ----------
        folds, answers
            In the same order.
        records
            Those that the folds name.

        Raises
        ------
        DataError
            If truth and answers do not fit.
        """
        run = Answered(folds, answers, records, protocol)
        parts = self.parts(run)
        whole = self.whole(parts, run)
        per_fold = [self.of_part(part, protocol) for part in parts]
        estimates = self.estimates(whole, protocol)
        for name, estimate in estimates.items():
            spread = fold_spread([fold.values[name] for fold in per_fold])
            estimate.fold_mean, estimate.fold_sd = spread
        return Outcome(
            metrics=Metrics(
                task=protocol.task,
                headline=protocol.headline_id,
                counts=self.counts(whole, per_fold, folds),
                pooled=estimates,
                folds=per_fold,
                tags=self.tags(whole),
                subsets=self.subsets(whole, protocol),
            ),
            curves=self.curves(whole, protocol),
            searches=[search for part in parts for search in self.searches(part, protocol)],
            failures=self.failures(parts, run),
        )

    # What two runs are compared by.

    @final
    def trials(
        self,
        folds: Sequence[Fold],
        answers: Sequence[Answer],
        records: Mapping[str, Record],
        protocol: Protocol,
    ) -> TrialsOf:
        """Return what gives the trials of a metric, in the same order for all runs on these folds.

        Of a metric whose trials are not kept it gives None.
        """
        run = Answered(folds, answers, records, protocol)
        whole = self.whole(self.parts(run), run)

        def given(metric: Metric) -> Trials | None:
            if metric.name == "fte":
                return failures_of(folds, answers, records)
            return self.trials_in(whole, metric, protocol)

        return given

    def trials_in(self, whole: Whole, metric: Metric, protocol: Protocol) -> Trials | None:
        """Return what a metric is made of, trial by trial; None where that is not kept."""
        return None

    def comparisons(
        self,
        folds: Sequence[Fold],
        answers: Sequence[Answer],
        records: Mapping[str, Record],
    ) -> list[FoldScores]:
        """Return the scores of each fold's comparisons with their identities.

        Raises
        ------
        ValueError
            If scores were summed up while they were computed, and not kept.
        """
        raise NotImplementedError("this question compares no images")

    def pairs(self, run: Answered) -> Pairs | None:
        """Return all comparisons with the images that each joins; None where none are compared."""
        return None


def training_images(folds: Sequence[Fold]) -> dict[str, int]:
    """Return how many images are learned from in any fold."""
    return {"training_images": len({name for fold in folds for name in fold.train})}
