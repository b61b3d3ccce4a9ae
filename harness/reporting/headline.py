"""The headline of a run in sentences that follow from its numbers alone.

What a number is, whether it can be told from chance, whether the data can answer the question at
all, and how far copies of one photograph make it. The same sentences stand on the terminal, in the
report, on boards and in JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.metrics.ids import Option
from harness.reporting.wording import (
    amount,
    count,
    interval,
    is_rate,
    known,
    metric_label,
    percent,
    split_id,
)
from harness.statistics.estimate import Estimate
from harness.tasks.catalogue import CATALOGUE
from harness.tasks.results import (
    OTHER_PHOTOGRAPH,
    Metrics,
)
from harness.tasks.standing import Standing, direction, standing

__all__ = [
    "Headline",
    "cannot_answer",
    "galleries",
    "headline_of",
]

JOINER = "\N{WORD JOINER}"
_CLOSE = 1e-12


@dataclass(frozen=True)
class Headline:
    """What is to be said of a headline, each a sentence or empty.

    Parameters
    ----------
    verdict
        What the number is, beside chance.
    reach
        What random answers to the same questions get.
    photographs
        How many mates are copies of the probe's own photograph, and what the other searches get.
    unanswerable
        Why the data cannot answer the question.
    """

    verdict: str
    reach: str = ""
    photographs: str = ""
    unanswerable: str = ""

    @property
    def sentences(self) -> list[str]:
        """All of them, in the order in which they are read."""
        said = (self.unanswerable, self.verdict, self.photographs, self.reach)
        return [sentence for sentence in said if sentence]


def headline_of(metrics: Metrics, algorithm: str, mated_by: str = "") -> Headline:
    """Return what is to be said of a run's headline.

    Parameters
    ----------
    mated_by
        What mates have in common: with ``group`` they are look-alikes.
    """
    estimate = metrics.pooled.get(metrics.headline)
    return Headline(
        _verdict(metrics, algorithm, estimate, mated_by),
        _reach(metrics.headline, estimate),
        _photographs(metrics),
        cannot_answer(metrics, mated_by),
    )


def cannot_answer(metrics: Metrics, mated_by: str = "", *, of_all: bool = False) -> str:
    """Return why the data cannot answer the question, or nothing where it can.

    It cannot where chance leaves less than half of what lies between a guess on the most
    favourable data and perfection: a random ranking that finds a mate in half of the searches, a
    majority that makes three of four decisions right.

    Parameters
    ----------
    of_all
        Whether the sentence is about several runs on the data; then it names no value.
    """
    estimate = metrics.pooled.get(metrics.headline)
    name, options = split_id(metrics.headline)
    entry = CATALOGUE.get(name)
    chance = estimate.chance if estimate is not None and known(estimate.chance) else None
    if chance is None or entry is None or entry.guess is None:
        return ""
    perfect = 1.0 if entry.better == "higher" else 0.0
    if abs(chance - perfect) > abs(entry.guess - perfect) / 2 + _CLOSE:
        return ""
    why = _why(metrics, name, options, chance, mated_by)
    if name == "hit-rate":
        why += _at_lower_rank(metrics, options.get("rank", 1), of_all)
    return f"This set cannot answer the question, since {why}."


def _why(
    metrics: Metrics, name: str, options: Mapping[str, Option], chance: float, mated_by: str
) -> str:
    shown = percent(chance, 0) if is_rate(metrics.headline) else amount(metrics.headline, chance)
    searched = galleries(metrics.counts)
    if name == "hit-rate":
        rank = options.get("rank", 1)
        place = "first" if rank == 1 else f"within the first {rank}"
        why = f"a random ranking finds {_mate(mated_by)} {place} in {shown} of searches"
        hold = f"{_hold(metrics.counts)}: " if searched else ""
        return f"{hold}{why}"
    if name in ("map", "fnir", "open-set-eer") and searched:
        return f"{_hold(metrics.counts)}: a random ranking gets {shown} already"
    if name == "accuracy":
        return f"whoever gives every image the same answer is right for {shown} of them"
    if name in ("iou", "dice", "localisation-accuracy"):
        return f"marking every pixel gets {shown} already"
    if name == "fnmr":
        fmr = percent(float(options["fmr"]), 0)
        return f"a threshold that lets {fmr} of false pairs through misses {shown} by guessing"
    lower = " (lower is better)" if direction(metrics.headline) == "lower" else ""
    return f"an answer that does not look at the images gets {shown} already{lower}"


def _hold(counts: Mapping[str, int]) -> str:
    low, high = counts["smallest_gallery"], counts["largest_gallery"]
    if low == high:
        return f"galleries hold {count(low)} {'image' if low == 1 else 'images'}"
    return f"galleries hold {count(low)} to {count(high)} images"


def _at_lower_rank(metrics: Metrics, rank: Option, of_all: bool) -> str:
    """Return value and chance at the lowest rank that the run reports below the headline's."""
    lower: dict[float, Estimate] = {}
    for metric, estimate in metrics.pooled.items():
        name, options = split_id(metric)
        place = options.get("rank")
        if name != "hit-rate" or isinstance(place, str) or place is None or isinstance(rank, str):
            continue
        if place < rank and known(estimate.value) and known(estimate.chance):
            lower[place] = estimate
    if not lower:
        return ""
    place = min(lower)
    found = lower[place]
    chance = f"chance {percent(found.chance, 0)}"
    own = chance if of_all else f"{percent(found.value, 0)}, {chance}"
    return f"; at rank {place:g}: {own}"


def galleries(counts: Mapping[str, int]) -> str:
    """Return how many references a probe is searched among; empty where nothing is searched.

    >>> galleries({"smallest_gallery": 22, "largest_gallery": 22})
    'in galleries of 22'
    """
    low, high = counts.get("smallest_gallery"), counts.get("largest_gallery")
    if low is None or high is None:
        return ""
    return f"in galleries of {count(low)}" + ("" if low == high else f"–{JOINER}{count(high)}")


def _mate(mated_by: str) -> str:
    return "a look-alike" if mated_by == "group" else "a mate"


def _true(mated_by: str) -> str:
    return "look-alike pairs" if mated_by == "group" else "true pairs"


@dataclass(frozen=True)
class _Said:
    """The parts that sentences are made of, in finished texts."""

    algorithm: str
    metrics: Metrics
    estimate: Estimate
    options: Mapping[str, Option]
    mated_by: str
    value: str
    chance: str
    bracket: str
    close: str
    """What follows from chance, such as `` it is better than guessing``; empty where unknown."""

    @property
    def trials(self) -> str:
        return count(self.estimate.n)

    @property
    def galleries(self) -> str:
        searched = galleries(self.metrics.counts)
        return f" {searched}" if searched else ""

    def beside(self, words: str) -> str:
        """Return the clause on chance: ``words`` with its value, and what follows from both."""
        if not self.chance:
            return "."
        return f"; {words.format(self.chance)}{self.close}."


def _verdict(metrics: Metrics, algorithm: str, estimate: Estimate | None, mated_by: str) -> str:
    headline = metrics.headline
    if estimate is None or not known(estimate.value):
        why = f": {'; '.join(estimate.flags)}" if estimate is not None and estimate.flags else ""
        return f"There is no value for “{metric_label(headline)}” of {algorithm}{why}."
    name, options = split_id(headline)
    brief = is_rate(headline)
    chance = ""
    if known(estimate.chance):
        chance = _brief(estimate.chance) if brief else amount(headline, estimate.chance)
    within = interval(headline, estimate.low, estimate.high, 0).replace("–", f"–{JOINER}")
    said = _Said(
        algorithm,
        metrics,
        estimate,
        options,
        mated_by,
        _brief(estimate.value) if brief else amount(headline, estimate.value),
        chance,
        f" (95\u202f% interval {within})" if within else "",
        _close(standing(headline, estimate), "chance" if _ranks(name) else "guessing"),
    )
    return _SENTENCES.get(name, _plain)(said)


def _brief(rate: float | None) -> str:
    """Return a rate in whole percent; one that would read as none keeps its figures."""
    return percent(rate, int(rate is not None and 0 < rate < 0.005))


def _ranks(name: str) -> bool:
    return name in ("hit-rate", "map")


def _close(found: Standing, what: str) -> str:
    return {
        "better": f": it is better than {what}",
        "worse": f": it is worse than {what}",
        "level": f": it cannot be told from {what}",
        "": "",
    }[found]


def _hit_rate(said: _Said) -> str:
    rank = said.options.get("rank")
    where = "As its first candidate" if rank == 1 else f"Within the first {rank} candidates"
    return (
        f"{where}, {said.algorithm} finds {_mate(said.mated_by)} for {said.value} of "
        f"{said.trials} probes{said.galleries}{said.bracket}"
    ) + said.beside("a random ranking finds {}")


def _mean_precision(said: _Said) -> str:
    return (
        f"{said.algorithm} ranks the {'look-alikes' if said.mated_by == 'group' else 'mates'} of "
        f"{said.trials} probes with a mean average precision of {said.value}"
        f"{said.galleries}{said.bracket}"
    ) + said.beside("a random ranking gets {}")


def _accuracy(said: _Said) -> str:
    return (
        f"{said.algorithm} decides correctly for {said.value} of {said.trials} images{said.bracket}"
    ) + said.beside("guessing is right for {}")


def _class(said: _Said) -> str:
    k = said.options.get("k")
    what = "names the right class" if k == 1 else f"has the right class among its first {k}"
    return (
        f"{said.algorithm} {what} for {said.value} of {said.trials} images{said.bracket}"
    ) + said.beside("guessing is right for {}")


def _of_hundred(value: float | None, other: float | None) -> tuple[str, str]:
    """Return two shares as numbers of 100, with as many decimals as tell them apart.

    >>> _of_hundred(0.984, 0.99), _of_hundred(0.995, 0.996), _of_hundred(0.5, None)
    (('98', '99'), ('99.5', '99.6'), ('50', ''))
    """
    shares = [100 * v for v in (value, other) if v is not None and math.isfinite(v)]
    for digits in range(4):
        texts = [f"{share:.{digits}f}" for share in shares]
        rounded = any(
            float(text) in (0.0, 100.0) and abs(float(text) - share) > 1e-9
            for text, share in zip(texts, shares, strict=True)
        )
        if not rounded and (len(set(texts)) == len(set(shares))):
            break
    return (texts[0], texts[1] if len(texts) > 1 else "")


def _one_in(rate: float) -> str:
    """Return a rate as people say it.

    >>> _one_in(0.01), _one_in(0.1), _one_in(0.15)
    ('1 in 100', '1 in 10', '15 in 100')
    """
    inverse = 1 / rate if rate > 0 else math.inf
    if math.isfinite(inverse) and abs(inverse - round(inverse)) < 1e-6:
        return f"1 in {round(inverse):,}"
    return f"{100 * rate:.4g} in 100"


def _non_matches(said: _Said) -> str:
    own, chance = _of_hundred(said.estimate.value, said.estimate.chance)
    beside = f"; guessing misses {chance}{said.close}" if chance else ""
    return (
        f"At a threshold that lets {_one_in(float(said.options['fmr']))} false pairs through, "
        f"{said.algorithm} misses {own} of 100 {_true(said.mated_by)}{said.bracket}{beside}."
    )


def _negatives(said: _Said) -> str:
    rank = said.options.get("rank")
    where = "first" if rank == 1 else f"among the first {rank}"
    sought = "look-alike" if said.mated_by == "group" else "tattoo"
    own, chance = _of_hundred(said.estimate.value, said.estimate.chance)
    beside = f"; guessing fails in {chance}{said.close}" if chance else ""
    return (
        f"At a threshold that answers {_one_in(float(said.options['fpir']))} searches of a "
        f"{sought} that is not enrolled, {said.algorithm} fails to return one that is {where} in "
        f"{own} of 100 searches{said.galleries}{said.bracket}{beside}."
    )


def _equal_errors(said: _Said) -> str:
    own, chance = _of_hundred(said.estimate.value, said.estimate.chance)
    beside = f"; guessing gets {chance} of 100 wrong{said.close}" if chance else ""
    return (
        f"At the threshold where both errors are equally frequent, {said.algorithm} gets {own} of "
        f"100 {_true(said.mated_by)} wrong, and as many false ones{said.bracket}{beside}."
    )


def _tags(said: _Said) -> str:
    images = said.metrics.counts.get("images")
    over = f" over {count(images)} images" if images else ""
    return (
        f"{said.algorithm} orders the images by each tag with a mean average precision of "
        f"{said.value}{over}{said.bracket}"
    ) + said.beside("a random order gets {}")


def _overlap(said: _Said) -> str:
    return (
        f"What {said.algorithm} marks and the tattoo share {said.value} of the area that either "
        f"covers, in the mean of {said.trials} images{said.bracket}"
    ) + said.beside("marking every pixel gets {}")


def _removal(said: _Said) -> str:
    nothing = Estimate(said.estimate.value, said.estimate.low, said.estimate.high, chance=0.0)
    against = (
        "leaving the pictures as they are gets 0, perfect removal 1"
        f"{_close(standing(said.metrics.headline, nothing), 'doing nothing')}."
    )
    value = said.estimate.value or 0.0
    if value > 0:
        return (
            f"{said.algorithm} takes away {said.value} of the tattoos in {said.trials} images, "
            f"damage to the rest deducted{said.bracket}; {against}"
        )
    if value < 0:
        what = "does more damage to the rest than it takes away of the tattoos"
    else:
        what = "takes away no more of the tattoos than it damages of the rest"
    return (
        f"{said.algorithm} {what} in {said.trials} images: net removal {said.value}"
        f"{said.bracket}; {against}"
    )


def _tattoo_free(said: _Said) -> str:
    k = said.options.get("k")
    before = said.metrics.pooled.get(f"tattoo-free-before@k={k}")
    change = said.metrics.pooled.get(f"tattoo-free-change@k={k}")
    sentence = (
        f"After ranking again with {said.algorithm}, {said.value} of the first {k} results show no "
        f"tattoo{said.bracket}"
    )
    if before is None or not known(before.value):
        return f"{sentence}."
    found: Standing = ""
    if change is not None:
        against = Estimate(change.value, change.low, change.high, chance=0.0)
        found = standing(f"tattoo-free-change@k={k}", against)
    return f"{sentence}; before it were {percent(before.value, 0)}" + (
        f"{_close(found, 'the order before')}."
    )


def _plain(said: _Said) -> str:
    lower = ", lower is better" if direction(said.metrics.headline) == "lower" else ""
    trials = f" over {said.trials} trials" if said.estimate.n else ""
    return (
        f"{metric_label(said.metrics.headline)}{lower}: {said.algorithm} has {said.value}{trials}"
        f"{said.bracket}"
    ) + said.beside("chance has {}")


_SENTENCES: dict[str, Callable[[_Said], str]] = {
    "hit-rate": _hit_rate,
    "map": _mean_precision,
    "accuracy": _accuracy,
    "top-k-accuracy": _class,
    "fnmr": _non_matches,
    "fnir": _negatives,
    "eer": _equal_errors,
    "eer-convex-hull": _equal_errors,
    "tag-map": _tags,
    "iou": _overlap,
    "net-removal": _removal,
    "tattoo-free": _tattoo_free,
}
"""By metric; others are said plainly."""


def _reach(headline: str, estimate: Estimate | None) -> str:
    """Return what random answers to the same questions get, or nothing where it is not known."""
    if estimate is None or not known(estimate.value):
        return ""
    low, high = estimate.chance_low, estimate.chance_high
    if low is None or high is None or not (known(low) and known(high)):
        return ""
    if low == high:
        return f"Every random answer to the same questions gets {amount(headline, low)}."
    # Both ends in whole percent, unless that makes one of them.
    digits = int(is_rate(headline) and round(low * 100) == round(high * 100))
    within = interval(headline, low, high, digits).replace("–", f"–{JOINER}")
    return f"Of 100 random answers to the same questions, 95 land within {within}."


def _photographs(metrics: Metrics) -> str:
    """Return how many mates are copies, and what is left without them."""
    same = metrics.counts.get("same_source_mated", 0)
    if not same:
        return ""
    mated = metrics.counts.get("mated_comparisons", metrics.counts.get("mated_searches", 0))
    searched = "smallest_gallery" in metrics.counts
    what = "mates" if searched else "mated comparisons"
    are = "is" if same == 1 else "are"
    words = f"{count(same)} of {count(mated)} {what} {are} the same photograph"
    other = metrics.subsets.get(OTHER_PHOTOGRAPH, {}).get(metrics.headline)
    rest = "searches" if searched else "comparisons"
    if other is None:
        return f"{words}."
    if not known(other.value):
        return f"{words}; there are no other {rest}."
    brief = is_rate(metrics.headline)
    value = percent(other.value, 0) if brief else amount(metrics.headline, other.value)
    missed = {"fnmr": " missed", "fnir": " missed", "eer": " wrong"}
    return f"{words}; the other {rest}: {value}{missed.get(split_id(metrics.headline)[0], '')}."
