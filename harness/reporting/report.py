"""The HTML report of one run: a single file that opens offline and prints well."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.record.manifest import CrossCheck, Manifest, shown
from harness.reporting import wording
from harness.reporting.drawing import figures, plots
from harness.reporting.drawing.figures import Figure
from harness.reporting.drawing.thumbnails import Pictures
from harness.reporting.pages import environment, surroundings
from harness.reporting.sections import failures, showcase
from harness.reporting.sections.folds import differing
from harness.reporting.sections.forensic import ForensicSection
from harness.reporting.sections.headline import captioned, conditions, galleries, headline_of
from harness.reporting.sections.operating import Operating
from harness.reporting.sections.published import of_use_case, published_tables, read_published
from harness.reporting.sections.removal import RetouchedSection
from harness.reporting.sections.sections import Section
from harness.reporting.sections.subsets import subset_table
from harness.reporting.sections.tagging import TaggingSection
from harness.reporting.tables import Table
from harness.statistics.estimate import Estimate
from harness.tasks.look_alikes import MATES
from harness.tasks.results import (
    Metrics,
    Outcome,
)

SEARCHES_SHOWN = 6
DECISIONS_SHOWN = 12
FAILURES_SHOWN = 50
FOLDS_SHOWN = 12


def render(
    manifest: Manifest,
    outcome: Outcome,
    picture: Callable[[str], bytes | None],
    forensic: ForensicSection | None = None,
    use_case: str = "",
    retouched: RetouchedSection | None = None,
    *,
    tagging: TaggingSection | None = None,
    learning: Sequence[Figure] = (),
    sections: Sequence[Section] = (),
    scores: Operating | None = None,
) -> str:
    """Return the report as the complete text of an HTML file.

    Equal input gives equal text; nothing in it is loaded from elsewhere.

    Parameters
    ----------
    manifest
        What was run.
    outcome
        What came out.
    picture
        Returns a JPEG thumbnail of a record by its name (about 112 pixels), or None where the image
        is not at hand; then a labelled placeholder is drawn.
    forensic
        The likelihood-ratio section, where one was asked for.
    use_case
        Of the protocol: published figures of the same are shown beside the run's own, unless its
        probes were attacked.
    retouched
        Probes before and after a remover, where there was one.
    tagging
        The section on tags, where that is the question.
    learning
        Figures of how its models were learned.
    sections
        Of the run's own kind of question, in the place of those that others share.
    scores
        Behind the trade-off of errors, where they were kept.
    """
    metrics = outcome.metrics
    headline = metrics.pooled.get(metrics.headline)
    algorithm = manifest.origin.algorithm
    published = of_use_case(read_published(), use_case, manifest.origin.protocol)
    if sections or manifest.origin.attack is not None or metrics.task == "removal":
        published = []  # others were asked something else
    # What a page says follows from what was recorded, so that tasks to come are told rightly too.
    detection = not sections and (
        metrics.task == "detection" or any(s.correct is not None for s in outcome.searches)
    )
    searching = bool(outcome.curves.cmc) or any(s.gallery for s in outcome.searches)
    compared = "mated_comparisons" in metrics.counts
    pictured = detection or ("images" in metrics.counts and not compared)
    drawn = figures.figures(metrics, outcome.curves, algorithm, scores)
    first = [figure for figure in drawn if figure.name == "cmc"]
    plain = detection or bool(sections)
    worst = [] if plain else showcase.worst_searches(outcome.searches, SEARCHES_SHOWN)
    best = [] if plain else showcase.best_searches(outcome.searches, SEARCHES_SHOWN)
    decided = showcase.decisions(outcome.searches, DECISIONS_SHOWN) if detection else []
    weight = sum(len(section.content) for section in sections)
    weight += 0 if retouched is None else retouched.weight
    pictures = Pictures(picture, [*showcase.named(worst, best), *showcase.decided(decided)], weight)
    return (
        environment()
        .get_template("run.html.j2")
        .render(
            page=surroundings(manifest.identity),
            manifest=manifest,
            detection=detection,
            searching=searching,
            trials="probes" if searching else "images" if pictured else "trials",
            told=headline_of(metrics, algorithm, manifest.mated_by),
            mates=MATES.get(manifest.mated_by, ""),
            gallery=galleries(metrics.counts).removeprefix("in galleries of "),
            headline=_metric_row(metrics.headline, headline, {}, width=720) if headline else None,
            anchors=_anchors(metrics),
            table=_metric_table(metrics),
            judged=conditions(metrics.counts),
            methods=_methods(metrics),
            opinions=[_opinion(o, metrics.pooled.get(o.metric)) for o in manifest.opinions],
            first=first,
            figures=[figure for figure in drawn if figure not in first],
            learning=learning,
            subsets=subset_table(metrics),
            folds=_fold_table(metrics),
            differing=differing(metrics),
            counts=_counts(manifest, outcome),
            failures=failures.lines(outcome.failures)[:FAILURES_SHOWN],
            failures_hidden=max(0, len(failures.lines(outcome.failures)) - FAILURES_SHOWN),
            failures_summary=failures.summary(outcome.failures),
            sections=sections,
            worst=worst,
            best=best,
            decisions=decided,
            image=pictures.address,
            run=_run_facts(manifest),
            forensic=forensic,
            tagging=tagging,
            retouched=retouched,
            published=published_tables(published, list(metrics.pooled)),
            steps=_step_table(manifest),
            remarks=wording.remarks(manifest.findings),
            protection=[
                *wording.protection(manifest.protection),
                *wording.examination(manifest.examination),
            ],
        )
    )


@dataclass(frozen=True)
class _Opinion:
    """A sentence on what another program computed, and whether it contradicts the run."""

    text: str
    contradicts: bool


def _opinion(other: CrossCheck, ours: Estimate | None) -> _Opinion:
    own = None if ours is None else ours.value
    return _Opinion(wording.opinion(other, ours), other.contradicts(own))


@dataclass(frozen=True)
class _MetricRow:
    """One line of the table of results, in finished texts."""

    label: str
    metric: str
    value: str
    interval: str
    mark: str
    chance: str
    chance_range: str
    trials: str
    trial_name: str
    spread: str
    lower_is_better: bool
    flags: Sequence[str]
    strip: str


def _metric_row(
    metric: str, estimate: Estimate, marks: Mapping[str, str], width: int = 200
) -> _MetricRow:
    return _MetricRow(
        wording.metric_label(metric),
        metric,
        wording.amount(metric, estimate.value),
        wording.interval(metric, estimate.low, estimate.high),
        marks.get(estimate.method, ""),
        wording.amount(metric, estimate.chance) if wording.known(estimate.chance) else "",
        wording.interval(metric, estimate.chance_low, estimate.chance_high),
        wording.count(estimate.n) if estimate.n else "",
        wording.trial_name(metric),
        wording.spread(metric, estimate),
        wording.direction(metric) == "lower",
        estimate.flags,
        _strip(estimate, width) if wording.is_share(metric) else "",
    )


def _strip(estimate: Estimate, width: int) -> str:
    def pair(low: float | None, high: float | None) -> tuple[float, float] | None:
        return (low, high) if wording.known(low) and wording.known(high) else None  # type: ignore[return-value]

    chance = pair(estimate.chance_low, estimate.chance_high) or pair(
        estimate.chance, estimate.chance
    )
    value = estimate.value if wording.known(estimate.value) else None
    return plots.interval_strip(value, pair(estimate.low, estimate.high), chance, width)


def _marks(metrics: Metrics) -> dict[str, str]:
    """Return a letter for every way in which an interval was made, if there are several."""
    methods = list(dict.fromkeys(e.method for e in metrics.pooled.values() if e.method))
    if len(methods) < 2:
        return {}
    return {method: chr(ord("a") + i) for i, method in enumerate(methods[:26])}


def _methods(metrics: Metrics) -> list[tuple[str, str]]:
    methods = dict.fromkeys(e.method for e in metrics.pooled.values() if e.method)
    marks = _marks(metrics)
    return [(marks.get(method, ""), method) for method in methods]


@dataclass(frozen=True)
class _MetricTable:
    """The table of results: its lines, its columns that are not empty, and what has no value.

    Parameters
    ----------
    unvalued
        Label and reason of every metric that the data has no answer for.
    """

    rows: Sequence[_MetricRow]
    unvalued: Sequence[tuple[str, str]]

    def has(self, column: str) -> bool:
        """Say whether a column has anything in it."""
        return any(getattr(row, column) for row in self.rows)

    @property
    def strips(self) -> bool:
        """Whether enough figures lie between 0 and 1 to be drawn: the first, or half of all."""
        drawn = [bool(row.strip) for row in self.rows]
        return bool(drawn) and (drawn[0] or 2 * sum(drawn) >= len(drawn))


def _metric_table(metrics: Metrics) -> _MetricTable:
    """Return the headline metric first, then the others as the run recorded them."""
    marks = _marks(metrics)
    order = sorted(metrics.pooled, key=lambda m: m != metrics.headline)
    rows, unvalued = [], []
    for metric in order:
        found = metrics.pooled[metric]
        if metric == metrics.headline or wording.known(found.value):
            rows.append(_metric_row(metric, found, marks))
        else:
            unvalued.append((wording.metric_label(metric), "; ".join(found.flags) or "no data"))
    return _MetricTable(rows, unvalued)


def _anchors(metrics: Metrics) -> list[tuple[str, str]]:
    """Return what a headline without a level of chance is read against: names and values."""
    name, options = wording.split_id(metrics.headline)
    if name == "net-removal":
        return [("Doing nothing", "0"), ("Perfect removal", "1")]
    if name == "tattoo-free":
        before = metrics.pooled.get(f"tattoo-free-before@k={options.get('k')}")
        if before is not None and wording.known(before.value):
            return [("Before", wording.amount(metrics.headline, before.value))]
    return []


def _fold_table(metrics: Metrics) -> Table | None:
    if not metrics.folds:
        return None
    keys = list(dict.fromkeys(key for fold in metrics.folds for key in fold.counts))
    rows = []
    # Draws are too many to stand side by side: their mean and spread say enough.
    shown = metrics.folds if len(metrics.folds) <= FOLDS_SHOWN else []
    for key in keys:
        values = [wording.count(f.counts[key]) if key in f.counts else "" for f in shown]
        total = wording.count(metrics.counts[key]) if key in metrics.counts else ""
        rows.append((wording.plain(key), *values, "", total))
    for metric, estimate in metrics.pooled.items():
        if not any(
            wording.known(v) for v in (estimate.value, *(f.values.get(metric) for f in shown))
        ):
            continue  # the table of results says why
        values = [wording.amount(metric, f.values.get(metric)) for f in shown]
        pooled = wording.amount(metric, estimate.value)
        rows.append(
            (wording.metric_label(metric), *values, wording.spread(metric, estimate), pooled)
        )
    names = [wording.fold(fold.name) for fold in shown]
    return Table(
        captioned("Counts and values of every fold", metrics.counts),
        ("Count or metric", *names, "Mean ± SD", "All folds pooled"),
        tuple(rows),
    )


def _brought(manifest: Manifest) -> list[tuple[str, str]]:
    """Return what is known of scores that no algorithm of ours computed; nothing for our own."""
    brought = manifest.imported
    if brought is None:
        return []
    missing = [f"{name} (fold {fold})" for fold, name in brought.missing]
    more = f" and {len(missing) - 20} more" if len(missing) > 20 else ""
    return [
        ("Files", brought.files),
        ("Formats", shown(brought.forms)),
        ("Candidates asked for", shown(brought.depth)),
        ("Missing probes, each a miss", ", ".join(missing[:20]) + more),
        ("Notes", "; ".join(brought.notes)),
    ]


def _counts(manifest: Manifest, outcome: Outcome) -> Table:
    """Return what was counted; what the data set holds stands below what was judged."""
    counts = dict(outcome.metrics.counts)
    same_source = sum(s.same_source for s in outcome.searches)
    if same_source:
        counts["searches whose best mate shows the same photograph"] = same_source
    rows = [(wording.plain(key), wording.count(value)) for key, value in counts.items()]
    rows += [
        (f"{wording.plain(key)} (data set)", wording.count(value))
        for key, value in manifest.counts.items()
        if key not in counts or counts[key] != value
    ]
    return Table("Counts", ("What", "Number"), tuple(rows))


def _run_facts(manifest: Manifest) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what was run as groups of names and values."""
    origin = manifest.origin
    # The absolute path names the user's machine and account; what was typed says enough.
    dataset = {k: v for k, v in manifest.dataset.items() if k not in ("synthetic", "path")}
    git = [(wording.plain(k), shown(v)) for k, v in manifest.git.items() if k != "dirty"]
    if manifest.git:
        git.append(("Uncommitted changes", shown(manifest.git.get("dirty"))))
    groups = [
        (
            "Protocol",
            [
                ("Name", origin.protocol),
                ("Question", manifest.question),
                ("After", manifest.reference),
                ("Task", manifest.task),
                ("Folds", shown(origin.folds)),
                ("SHA-256 of the file", origin.protocol_hash),
            ],
        ),
        (
            "Data",
            [
                *((wording.plain(k), v) for k, v in dataset.items()),
                ("SHA-256 of images and truth", origin.data_hash),
            ],
        ),
        ("Scores brought from elsewhere", _brought(manifest)),
        (
            "Algorithm",
            [
                ("Name", origin.algorithm),
                ("About", manifest.about),
                ("Abilities", shown(manifest.abilities)),
                ("Control", shown(manifest.control)),
                ("Citation", manifest.citation),
                ("SHA-256 of the source", origin.source_hash),
                *((f"SHA-256 of {name}", value) for name, value in origin.weight_hashes.items()),
            ],
        ),
        ("Parameters", [(k, shown(v)) for k, v in origin.parameters.items()]),
        ("Attack on the probes", _attack(manifest)),
        ("Files beside the algorithm, with their SHA-256", list(manifest.loaded.items())),
        ("Versions", list(manifest.versions.items())),
        *_environments(manifest),
        ("Source control", git),
        ("Machine", [(wording.plain(k), v) for k, v in manifest.machine.items()]),
        (
            "Run",
            [
                ("Identity", manifest.identity),
                ("Hash of the environment", manifest.environment_hash),
                ("Hash of the result", manifest.result_hash),
                ("Learns", shown(manifest.learns)),
                ("Identity rule", str(origin.rule)),
                ("Failure policy", origin.failure_policy),
                ("Started (UTC)", manifest.started),
                ("Finished (UTC)", manifest.finished),
            ],
        ),
    ]
    filled = ((name, [(k, v) for k, v in facts if v]) for name, facts in groups)
    return [(name, facts) for name, facts in filled if facts]


def _environments(manifest: Manifest) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what is known of each environment that units were done in."""
    found = []
    several = len(manifest.environments) > 1
    for i, one in enumerate(manifest.environments, start=1):
        made = one.environment
        facts = [
            ("System", made.system),
            ("Processor", made.processor),
            ("Instruction sets", ", ".join(made.features)),
            ("Kernels", ", ".join(made.kernels)),
            ("Threads", str(made.threads)),
            ("Thread pools", ", ".join(made.pools)),
            ("Device", made.device),
            *made.settings.items(),
            ("Units", ", ".join(one.units) if several else ""),
        ]
        found.append((f"Environment {i}" if several else "Environment", facts))
    return found


def _attack(manifest: Manifest) -> list[tuple[str, str]]:
    """Return who retouched the probes; nothing where nobody did."""
    attack, done = manifest.origin.attack, manifest.retouched
    if attack is None or done is None:
        return []
    return [
        ("Remover", attack.algorithm),
        ("SHA-256 of its source", attack.source_hash),
        ("Its parameters", shown(attack.parameters)),
        *((f"SHA-256 of its {name}", value) for name, value in attack.weight_hashes.items()),
        ("Learned from protocol", attack.protocol),
        ("SHA-256 of the images learned from", attack.data_hash),
        ("Probes retouched", wording.count(done.pictures)),
        ("Models fitted", wording.count(sum(n > 0 for n in done.learned))),
        ("Probes it gave up on", ", ".join(sorted(done.gave_up))),
    ]


def _step_table(manifest: Manifest) -> Table | None:
    """Return the time of every step, summed over the units of work."""
    totals: dict[str, tuple[int, int, float]] = {}
    for step in manifest.steps:
        units, items, seconds = totals.get(step.step, (0, 0, 0.0))
        totals[step.step] = (units + 1, items + step.items, seconds + step.seconds)
    if not totals:
        return None
    rows = tuple(
        (
            wording.plain(name),
            wording.count(units),
            wording.count(items),
            wording.duration(seconds),
            f"{items / seconds:,.1f}" if seconds > 0 and items else "",
        )
        for name, (units, items, seconds) in totals.items()
    )
    columns = ("Step", "Units of work", "Items", "Time, summed", "Items per second")
    return Table("Times", columns, rows)
