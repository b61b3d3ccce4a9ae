"""The tables of a run folder: what frames, CSV, Parquet and others' formats have of it.

Which columns there are, of what type and meaning, stands here and nowhere else; the scores' stand
beside them in `harness.scorefiles.score_tables`. Every file is held against the folder's checksums
before it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from harness.data.typed_tables import Cell, Column, TypedTable, joined, typed_table
from harness.errors import BadFile, UsageError
from harness.execution.costs import SIZES
from harness.execution.storage import REMARKS_FILE
from harness.execution.unit import TEMPLATES, UNIT_FILE
from harness.metrics.entry import Entry
from harness.record import record
from harness.record.files import LARGEST_LIST, decoded, read_sealed, sound
from harness.record.joined import fits_of, is_joined, read_metrics
from harness.record.manifest import Manifest
from harness.record.qualities import template_qualities
from harness.record.searches import AS_JSON, SEARCHES, encoded, read_columns
from harness.scorefiles import score_tables
from harness.statistics.estimate import Estimate
from harness.tasks.answers import ListsOfDraws, PictureAnswer, StreamedAnswer
from harness.tasks.catalogue import CATALOGUE
from harness.tasks.kinds import task_of
from harness.tasks.results import Curves, Judgement, Metrics

__all__ = ["ABOUT", "COLUMNS", "FIT", "NAMES", "RunTables"]

T = TypeVar("T")

_METRIC = Column("str", "Id of the metric, such as hit-rate@rank=10")
_VALUE = Column("float64", "Value; missing where the data has no answer")
_FOLD = Column("str", "Name of the fold")

_ESTIMATE = {
    "metric": _METRIC,
    "value": _VALUE,
    "low": Column("float64", "Lower end of the 95 % interval"),
    "high": Column("float64", "Upper end of the 95 % interval"),
    "chance": Column("float64", "What a random answer gets"),
    "chance_low": Column("float64", "Lower end of the central 95 % of random answers"),
    "chance_high": Column("float64", "Upper end of the central 95 % of random answers"),
    "n": Column("int64", "Trials behind the value: searches, images or comparisons"),
    "fold_mean": Column("float64", "Mean over the folds that have a value"),
    "fold_sd": Column("float64", "Standard deviation (n - 1) over folds"),
    "method": Column("str", "How the interval was made"),
    "flags": Column("str", "Where the data cannot support the figure, in words; '; ' between them"),
}
_FACTS = {
    "headline": Column("bool", "Whether it is the protocol's one headline metric"),
    "better": Column("str", "Which values are better: higher or lower; missing where neither is"),
    "unit": Column("str", "percent or share for a value between 0 and 1; missing for others"),
}

COLUMNS: Mapping[str, Mapping[str, Column]] = {
    "metrics": {**_ESTIMATE, **_FACTS},
    "subsets": {
        "subset": Column("str", "Which part of the trials: with mates of the same photograph, ..."),
        **_ESTIMATE,
    },
    "folds": {"fold": _FOLD, "metric": _METRIC, "value": _VALUE},
    "counts": {
        "fold": Column("str", "Name of the fold; missing for the count over all folds"),
        "name": Column("str", "What is counted, such as mated_comparisons"),
        "count": Column("int64", "How many"),
    },
    "tags": {
        "tag": Column("str", "The tag"),
        "images": Column("int64", "Images that carry it"),
        "average_precision": Column("float64", "Of the images ranked by its score", "share"),
        "low": Column("float64", "Lower end of the 95 % interval", "share"),
        "high": Column("float64", "Upper end of the 95 % interval", "share"),
        "chance": Column("float64", "Average precision of a random order", "share"),
        "precision": Column("float64", "At the protocol's threshold", "share"),
        "recall": Column("float64", "At the protocol's threshold", "share"),
        "f1": Column("float64", "At the protocol's threshold", "share"),
    },
    "curves": {
        "curve": Column("str", "Which plot: cmc, det, distribution, open_set, confusion, ..."),
        "quantity": Column("str", "Which of its columns, such as rank or hit_rate"),
        "point": Column("int64", "Place in the column, from 0"),
        "value": Column("float64", "Value there"),
    },
    "searches": {
        "fold": _FOLD,
        "probe": Column("str", "Name of the probe, or of the image that is judged"),
        "identity": Column("str", "Whose it is: searches of one identity are drawn together"),
        "rank": Column(
            "int64", "Of the best mate, from 1, ties against the algorithm; missing for a miss"
        ),
        "mates": Column("int64", "Mates among the references"),
        "gallery": Column("int64", "References searched"),
        "average_precision": Column("float64", "Of the candidate list", "share"),
        "score": Column("float64", "Of the best mate; of the image, where nothing is searched"),
        "best_nonmate": Column("float64", "Highest score of a non-mate"),
        "failed": Column("bool", "Whether the algorithm gave up on the probe"),
        "same_source": Column("bool", "Whether the best mate is of the same photograph"),
        "truth": Column("str", "True label, style or tags of an image"),
        "correct": Column("bool", "Whether the decision about the image is right"),
    },
    "candidates": {
        "fold": _FOLD,
        "probe": Column("str", "Name of the probe, or of the image that is judged"),
        "rank": Column("int64", "Place in the candidate list, from 1, best first"),
        "reference": Column("str", "Name of the reference; or the tag, or style, that was given"),
        "score": Column("float64", "Its score; missing where probe or reference failed"),
        "mated": Column("bool", "Whether it is a mate; or the tag, or style, is true"),
    },
    "failures": {
        "fold": _FOLD,
        "name": Column("str", "Image that the algorithm gave up on"),
        "role": Column("str", "What it was: probe, reference, image"),
        "reason": Column("str", "What the algorithm said"),
    },
    "operations": {
        "operation": Column("str", "What was done, or what takes the room: extract, template, ..."),
        "unit": Column("str", "seconds or bytes"),
        "count": Column("int64", "How many were measured"),
        "median": Column("float64", "Half of them take at most this"),
        "p90": Column("float64", "Nine in ten take at most this"),
        "mean": Column("float64", "Of all"),
        "limit": Column("float64", "What one may take, where the protocol says so"),
        "over": Column("int64", "How many take more; missing where that is not known"),
    },
    "templates": {
        "name": Column("str", "Image that a template was asked for"),
        "reference": Column("bool", "Whether it is that of a reference, where these are apart"),
        "quality": Column("float64", "What the algorithm said of it, in [0, 1]; higher is better"),
        "failure": Column("str", "Why there is no template"),
    },
}
"""Columns by the name of a table. Those of `searches` are followed by what the task measures of
single images, one column for each, called like the metric."""

ABOUT: Mapping[str, str] = {
    "metrics": "A metric over the probes of all folds together.",
    "subsets": "A metric over a part of the trials.",
    "folds": "A metric in one fold.",
    "counts": "A count in one fold, or over all folds.",
    "tags": "A tag, over the images of all folds.",
    "curves": "A point of a column of what the plots draw.",
    "searches": "A search, or an image that is judged.",
    "candidates": "A line of the candidate list of a search, or of the tags of an image.",
    "failures": "An image that the algorithm gave up on.",
    "operations": "An operation of the algorithm, or a size, as it was measured.",
    "templates": "An image that a template was asked for, and the template's quality.",
}
"""What a row of each table is."""

FIT = Column("int64", "Which of the joined fits, from 1 in the order of the entry")
"""The first column of what single fits of a joined entry came to."""

FITS = {
    "fit": FIT,
    "seed": Column("int64", "Seed of the fit"),
    "identity": Column("str", "SHA-256 of the fit's recipe"),
    "metric": _METRIC,
    "value": _VALUE,
}
"""Columns of the table `fits` of a joined entry."""

NAMES = (*COLUMNS, "fits", score_tables.NAME)
"""Names of all tables that there are."""

_OF_EACH_FIT = ("searches", "candidates", "failures", "operations", "templates")


class RunTables(Mapping[str, TypedTable]):
    """The tables of one finished run, or of an entry that joins several, by name.

    ``metrics``, ``folds``, ``counts``, ``searches``, ``candidates`` and ``failures`` are always
    there, if empty; ``subsets``, ``tags``, ``curves`` and ``operations`` where a run has them,
    ``templates`` where their quality is known, ``fits`` of an entry that joins several. Each is
    read when it is first asked for. Raw scores are many, and are asked for with `scores`.

    Parameters
    ----------
    folder
        Of the run.

    Raises
    ------
    UsageError
        If the folder is not a run.
    Damaged
        If the run is unfinished, or a file changed since it was written, or cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._joined = is_joined(folder)
        self._runs = [_Sealed(place) for place in fits_of(folder)]
        self._made: dict[str, TypedTable] = {}
        if self._joined:
            read_sealed(folder, record.METRICS, record.read_checksums(folder))
            self._metrics = read_metrics(folder)
        else:
            self._metrics = self._runs[0].metrics
        present = {
            "subsets": bool(self._metrics.subsets),
            "tags": bool(self._metrics.tags),
            "curves": not self._joined and bool(self._curves()),
            "operations": any(run.manifest.costs for run in self._runs),
            "templates": any(run.has_qualities for run in self._runs),
        }
        self._names = [name for name in COLUMNS if present.get(name, True)]
        self._names += ["fits"] * self._joined

    @property
    def runs(self) -> list[Path]:
        """The run folders: of each fit of an entry, or the folder itself."""
        return [run.folder for run in self._runs]

    @property
    def manifests(self) -> list[Manifest]:
        """What each of these runs says about itself."""
        return [run.manifest for run in self._runs]

    @property
    def summary(self) -> Metrics:
        """The numbers of the run, or of all fits together."""
        return self._metrics

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the tables."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return how many tables there are, the scores apart."""
        return len(self._names)

    def __getitem__(self, name: str) -> TypedTable:
        """Return a table; it is read when it is first asked for."""
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            make = self._of_fits if name in _OF_EACH_FIT else self._table
            with sound(self.folder, f"its table of {name} cannot be made"):
                self._made[name] = make(name)
        return self._made[name]

    def kept(self, names: Iterable[str]) -> list[str]:
        """Return which of these files the folder holds, each as it was sealed.

        Raises
        ------
        Damaged
            If one is listed and missing, or changed since the run.
        """
        listed = record.read_checksums(self.folder)
        found = [name for name in names if name in listed]
        for name in found:
            read_sealed(self.folder, name, listed, LARGEST_LIST)
        return found

    @property
    def apart(self) -> list[str]:
        """Names of the folds, where some share a probe and their scores need files of their own.

        Empty otherwise, and of a joined entry.
        """
        if self._joined or self.no_scores:
            return []
        folds = self._runs[0].run.folds
        probes = [name for fold in folds for name in fold.probes]
        return [fold.name for fold in folds] if len(set(probes)) < len(probes) else []

    def scores(self) -> Iterator[TypedTable]:
        """Yield the raw scores, a table for each fold; of a joined entry of each fit in turn.

        Raises
        ------
        UsageError
            If they are not kept, or are no numbers; it says why.
        Damaged
            If what they follow from changed since the run.
        """
        for i, run in enumerate(self._runs, start=1):
            for table in run.scores():
                yield _numbered(table, i) if self._joined else table

    @property
    def no_scores(self) -> str:
        """Why there are no raw scores, as a sentence; empty where there are."""
        return next((why for run in self._runs if (why := run.no_scores)), "")

    def _of_fits(self, name: str) -> TypedTable:
        read: Callable[[_Sealed], TypedTable] = getattr(_Sealed, f"{name}_table")
        tables = [read(run) for run in self._runs]
        if not self._joined:
            return tables[0]
        return joined(_numbered(table, i) for i, table in enumerate(tables, start=1))

    def _table(self, name: str) -> TypedTable:
        found = self._metrics
        if name == "fits":
            return typed_table(name, "A metric of one fit.", FITS, _columns(FITS, self._fits()))
        rows: Sequence[Sequence[Any]]
        if name == "metrics":
            rows = [
                [*_estimate(metric, estimate), metric == found.headline, *_facts(metric)]
                for metric, estimate in found.pooled.items()
            ]
        elif name == "subsets":
            rows = [
                [part, *_estimate(metric, estimate)]
                for part, estimates in found.subsets.items()
                for metric, estimate in estimates.items()
            ]
        elif name == "folds":
            rows = [
                [fold.name, metric, value]
                for fold in found.folds
                for metric, value in fold.values.items()
            ]
        elif name == "counts":
            counted = [("", found.counts), *((fold.name, fold.counts) for fold in found.folds)]
            rows = [[fold, key, count] for fold, counts in counted for key, count in counts.items()]
        elif name == "tags":
            rows = [list(msgspec.structs.astuple(figures)) for figures in found.tags]
        else:
            rows = self._curves()
        return _made(name, rows)

    def _fits(self) -> list[list[Any]]:
        manifests = self.manifests
        seeds = [one.origin.parameters.get("seed") for one in manifests]
        return [
            [
                i + 1,
                seed if isinstance(seed, int) else None,
                manifests[i].identity,
                metric,
                estimate.fits[i] if i < len(estimate.fits) else None,
            ]
            for i, seed in enumerate(seeds)
            for metric, estimate in self._metrics.pooled.items()
        ]

    def _curves(self) -> list[list[Any]]:
        curves = self._runs[0].curves
        return [
            [curve, quantity, point, value]
            for curve in curves.__struct_fields__
            for quantity, values in getattr(curves, curve).items()
            for point, value in enumerate(values)
        ]


class _Sealed:
    """One finished run, of which every file is held against its checksums."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._listed = record.read_checksums(folder)

    def _content(self, name: str) -> bytes:
        return read_sealed(self.folder, name, self._listed, LARGEST_LIST)

    def _json(self, name: str, kind: type[T]) -> T:
        return decoded(self.folder / name, self._content(name), kind)

    @cached_property
    def manifest(self) -> Manifest:
        self._content(record.MANIFEST)
        return record.read_manifest(self.folder)

    @cached_property
    def metrics(self) -> Metrics:
        found = self._json(record.METRICS, Metrics)
        if found.headline not in found.pooled:
            fault = f"has no value for its headline {found.headline!r}"
            raise BadFile(self.folder / record.METRICS, fault, "$.pooled")
        return found

    @cached_property
    def curves(self) -> Curves:
        return self._json(record.CURVES, Curves)

    @cached_property
    def _searches(self) -> tuple[Mapping[str, npt.NDArray[Any]], npt.NDArray[np.object_]]:
        if SEARCHES not in self._listed and AS_JSON in self._listed:
            content = encoded(self._json(AS_JSON, list[Judgement]))
        else:
            content = self._content(SEARCHES)
        try:
            columns, words = read_columns(content)
        except ValueError as reason:
            raise BadFile(self.folder / SEARCHES, str(reason)) from None
        texts = np.empty(len(words), object)
        texts[:] = words
        return columns, texts

    def searches_table(self) -> TypedTable:
        found, words = self._searches
        columns = dict(COLUMNS["searches"])
        cells: dict[str, Any] = {
            name: words[found[name]] for name in ("fold", "probe", "identity", "truth")
        }
        for name in ("mates", "gallery", "failed", "same_source"):
            cells[name] = found[name]
        for name in ("average_precision", "score", "best_nonmate"):
            cells[name] = found[name]
        for name in ("rank", "correct"):
            cells[name] = [None if value < 0 else value for value in found[name].tolist()]
        for i, place in enumerate(found["measured"].tolist()):
            metric = str(words[place])
            name = metric if metric not in columns else f"{metric} (measured)"
            columns[name] = Column("float64", _measured(metric))
            cells[name] = np.where(found["has_values"][:, i] == 1, found["values"][:, i], np.nan)
        return typed_table("searches", ABOUT["searches"], columns, cells)

    def candidates_table(self) -> TypedTable:
        found, words = self._searches
        lengths = np.diff(found["first_candidate"])
        whose = np.repeat(np.arange(len(lengths)), lengths)
        cells = {
            "fold": words[found["fold"][whose]],
            "probe": words[found["probe"][whose]],
            "rank": np.arange(len(whose)) - found["first_candidate"][whose] + 1,
            "reference": words[found["candidate"]],
            "score": found["candidate_score"],
            "mated": found["candidate_mated"],
        }
        return typed_table("candidates", ABOUT["candidates"], COLUMNS["candidates"], cells)

    def failures_table(self) -> TypedTable:
        if not self.manifest.failures:
            return _made("failures", [])
        run = self.run
        task = task_of(run.protocol)
        answered = run.answered
        failures = run.computed(lambda: task.failures(task.parts(answered), answered))
        return _made("failures", [[f.fold, f.name, f.role, f.reason] for f in failures])

    def operations_table(self) -> TypedTable:
        costs = sorted(self.manifest.costs.items())
        return _made(
            "operations",
            [
                [
                    *(name, "bytes" if name in SIZES else "seconds"),
                    *(one.count, one.median, one.p90, one.mean, one.limit, one.over),
                ]
                for name, one in costs
            ],
        )

    @property
    def has_qualities(self) -> bool:
        """Whether the algorithm said the quality of any template."""
        return any(name.endswith(f"/{TEMPLATES}/{REMARKS_FILE}") for name in self._listed)

    def templates_table(self) -> TypedTable:
        told = (UNIT_FILE, f"{TEMPLATES}/index.json", f"{TEMPLATES}/{REMARKS_FILE}")
        for name in self._listed:
            parts = name.split("/", 2)
            if parts[0] == "units" and parts[-1] in told:
                self._content(name)
        found = template_qualities(self.folder, self.manifest.origin.algorithm)
        return _made("templates", [list(one) for one in found])

    @cached_property
    def run(self) -> record.Run:
        record.check_answers(self.folder)
        return record.read_run(self.folder)

    @cached_property
    def no_scores(self) -> str:
        run = self.run
        if any(isinstance(answer, StreamedAnswer) for answer in run.answers):
            return (
                f"{self.folder}: the scores of so many comparisons were summed up, not kept; its "
                "candidate lists are in candidates/"
            )
        if any(isinstance(answer, PictureAnswer) for answer in run.answers):
            return f"{self.folder}: the answers of this run are pictures, and no scores"
        if any(isinstance(answer, ListsOfDraws) for answer in run.answers):
            return f"{self.folder}: it has a list of each search in each draw, and no scores of all"
        if run.manifest.list_length is not None:
            return f"{self.folder}: its scores end with its candidate lists, which are kept"
        return ""

    def scores(self) -> Iterator[TypedTable]:
        if self.no_scores:
            raise UsageError(self.no_scores)
        run = self.run
        task = task_of(run.protocol)
        words = task.vocabulary(run.records, run.protocol) if task.has_vocabulary else ()
        for fold, answer in zip(run.folds, run.answers, strict=True):
            if not task.names_images:
                yield score_tables.line_scores(fold, answer)
            elif task.compares:
                yield score_tables.comparisons(fold, answer)
            elif task.has_vocabulary:
                carried = task.truth_matrix(fold, run.records, words)
                yield score_tables.word_scores(fold, answer, words, carried)
            else:
                yield score_tables.image_scores(fold, answer)


def _made(name: str, rows: Sequence[Sequence[Cell]]) -> TypedTable:
    columns = COLUMNS[name]
    return typed_table(name, ABOUT[name], columns, _columns(columns, rows))


def _columns(
    columns: Mapping[str, Column], rows: Sequence[Sequence[Cell]]
) -> dict[str, list[Cell]]:
    return {name: [row[i] for row in rows] for i, name in enumerate(columns)}


def _numbered(table: TypedTable, fit: int) -> TypedTable:
    """Return a table whose first column says which fit it is of."""
    number = typed_table("", "", {"fit": FIT}, {"fit": np.full(len(table), fit)})
    return TypedTable(
        table.name,
        table.about,
        {"fit": FIT, **table.columns},
        {**number.arrays, **table.arrays},
        {**number.missing, **table.missing},
    )


def _estimate(metric: str, estimate: Estimate) -> list[Cell]:
    values = {**msgspec.structs.asdict(estimate), "flags": "; ".join(estimate.flags)}
    return [metric, *(values[name] for name in _ESTIMATE if name != "metric")]


def _entry(metric: str) -> Entry | None:
    """Return what is known of a metric by its id, which may be of another version."""
    return CATALOGUE.get(metric.partition("@")[0])


def _facts(metric: str) -> list[Cell]:
    entry = _entry(metric)
    return ["", ""] if entry is None else [entry.better, entry.unit]


def _measured(metric: str) -> str:
    entry = _entry(metric)
    return "Measured of this image" if entry is None else f"{entry.label}, of this image"
