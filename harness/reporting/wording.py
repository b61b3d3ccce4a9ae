"""Numbers and metric ids in plain language, for people who read a report and not the code."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.data.findings import Finding
from harness.errors import some
from harness.execution.fence import INSIDE
from harness.metrics.ids import Metric, Option
from harness.record.manifest import CrossCheck, Examination, Manifest, Protection
from harness.statistics.estimate import Estimate
from harness.tasks.catalogue import CATALOGUE
from harness.tasks.standing import POINTS

NO_VALUE = "no value"
_SPACE = "\u202f"  # narrow and unbreakable: a number and its sign stay together


def protection(recorded: Protection | None) -> list[str]:
    """Return sentences on what kept an algorithm from knowing or changing what it must not."""
    if recorded is None:
        return []
    sentences = [
        "Images reached the algorithm as numbered pictures in an order that follows from names "
        "and a seed alone; learning, making templates and comparing were done by processes that "
        "saw nothing of each other, and the harness checked, named and stored what they answered.",
    ]
    return sentences + _held(recorded)


def kept_from(manifest: Manifest) -> list[str]:
    """Return sentences on what kept the algorithm of a run from the truth, or why none did."""
    if manifest.imported is not None:
        return ["The scores were imported: how they were made is not on record."]
    if manifest.protection is None:
        return ["Nothing in the folder says what kept the algorithm from the truth."]
    return _held(manifest.protection)


def _held(found: Protection) -> list[str]:
    sentences = [found.words] if found.words else []
    if found.exempt:
        sentences.append("No answer was asked for again: this control is shown the truth.")
    elif found.pictures or found.pairs:
        whom = "" if found.processes == INSIDE else " by another process"
        asked = [some(found.pictures, "picture")]
        asked += [some(found.pairs, "comparison")] * bool(found.pairs)
        off = "all came out the same"
        if found.largest:
            off = f"the answers differ by at most {_of_allowed(found.largest)} of what is allowed"
        sentences.append(
            f"{' and '.join(asked)} were answered again{whom}, apart from the others: {off}."
        )
    return sentences


def _of_allowed(share: float) -> str:
    """Return a share in words where it is next to nothing.

    >>> _of_allowed(8e-14), _of_allowed(0.04).replace(_SPACE, " ")
    ('a millionth', '4.0 %')
    """
    return "a millionth" if share <= 1e-6 else percent(share)


def examination(recorded: Examination | None) -> list[str]:
    """Return a sentence on what the conformance kit found about the algorithm."""
    if recorded is None:
        return []
    when = {
        "now": "Before this run",
        "before": "Before an earlier run of the same source",
    }.get(recorded.how, "")
    if recorded.how == "release":
        return [
            f"The algorithm is built in, and as it was when it passed every check of the "
            f"conformance kit before release {recorded.harness}."
        ]
    if recorded.how == "session":
        return [
            "The algorithm is a class of the Python session that ran it, so the conformance kit, "
            "which asks from another process, did not examine it."
        ]
    if recorded.how == "off":
        return ["The algorithm was not examined by the conformance kit: that was switched off."]
    passed = some(len(recorded.passed), "check")
    text = f"{when} the algorithm passed {passed} of the conformance kit from outside"
    if recorded.failed:
        text += f", and failed {len(recorded.failed)}: {', '.join(recorded.failed)}"
    return [text + "."]


def remarks(findings: Sequence[Finding]) -> str:
    """Say how many remarks there are; empty without any.

    >>> remarks([Finding("a", "warning", "x")])
    '1 remark'
    """
    if not findings:
        return ""
    return "1 remark" if len(findings) == 1 else f"{len(findings)} remarks"


def split_id(metric: str) -> tuple[str, dict[str, Option]]:
    """Take a metric id apart; what is not one is all name.

    >>> split_id("fnir@fpir=0.01,rank=1")
    ('fnir', {'fpir': 0.01, 'rank': 1})
    """
    try:
        parsed = Metric.parse(metric)
    except ValueError:  # a run folder of another version: show its words as they are
        return metric, {}
    return parsed.name, dict(parsed.options)


def is_rate(metric: str) -> bool:
    """Say whether a metric lies between 0 and 1 and reads best in percent."""
    name = split_id(metric)[0]
    return name in POINTS or (name in CATALOGUE and CATALOGUE[name].unit == "percent")


def is_share(metric: str) -> bool:
    """Say whether a metric lies between 0 and 1, whether or not it is shown in percent."""
    name = split_id(metric)[0]
    return is_rate(metric) or (name in CATALOGUE and CATALOGUE[name].unit == "share")


def strip_ends(metric: str) -> tuple[str, str] | None:
    """Return what the ends of a strip from 0 to 1 mean in the unit that the values are shown in.

    >>> strip_ends("map"), strip_ends("psnr")
    (('0', '1'), None)
    """
    if not is_share(metric):
        return None
    return ("0", f"100{_SPACE}%") if is_rate(metric) else ("0", "1")


def metric_label(metric: str) -> str:
    """Return a metric's name as a person would write it; unknown ids stay as they are.

    >>> metric_label("hit-rate@rank=10")
    'Hit rate within rank 10'
    """
    name, options = split_id(metric)
    if name not in CATALOGUE:
        return POINTS.get(name, metric)
    label = CATALOGUE[name].label
    return " ".join([label, *(_option_words(*option) for option in options.items())])


def _option_words(key: str, value: Option) -> str:
    if key == "rank":
        return f"within rank {value}"
    if key == "k":
        return "as the first" if value == 1 else f"among the first {value}"
    if key in POINTS and not isinstance(value, str):
        return f"at {key.upper()}\u00a0≤\u00a0{value * 100:g}{_SPACE}%"
    if key in ("more-than", "per-hit"):
        return f"for images of more than {value} tags" if key == "more-than" else f"({value} a hit)"
    if key == "bins":
        return f"in {value} bins"
    return f"at {key} {value}"


def trial_name(metric: str) -> str:
    """Return what the trials behind a metric are."""
    name = split_id(metric)[0]
    return CATALOGUE[name].trials if name in CATALOGUE else "Trials"


def known(value: float | None) -> bool:
    """Say whether there is a finite number."""
    return value is not None and math.isfinite(value)


def percent(value: float | None, digits: int = 1) -> str:
    """Return a rate in percent; small rates keep two figures so that they do not read as zero.

    >>> percent(0.5824).replace(_SPACE, " "), percent(0.0004).replace(_SPACE, " ")
    ('58.2 %', '0.04 %')
    >>> percent(3e-7).replace(_SPACE, " "), percent(1e-12).replace(_SPACE, " ")
    ('0.00003 %', '<0.0000001 %')
    """
    if value is None or not math.isfinite(value):
        return NO_VALUE
    return f"{_percent_number(value, digits)}{_SPACE}%"


def _percent_number(value: float, digits: int) -> str:
    hundred = value * 100
    if hundred and abs(hundred) < 0.95 and digits:
        text = f"{hundred:.2g}"
        if "e" in text:
            text = f"{hundred:.7f}".rstrip("0")
        return text if text[-1] != "." else "<0.0000001"
    return f"{hundred:.{digits}f}"


def amount(metric: str, value: float | None) -> str:
    """Return a metric's value in its own unit: percent for rates, three decimals otherwise."""
    if is_rate(metric):
        return percent(value)
    if value is None or not math.isfinite(value):
        return NO_VALUE
    text = f"{value:.3f}"
    return minus(text if float(text) else text.lstrip("-"))


def minus(text: str) -> str:
    """Return a number's text with the sign that is as wide as a plus.

    >>> minus("-2.5")
    '−2.5'
    """
    return text.replace("-", "−")


def number(value: float, digits: int = 3) -> str:
    """Return a number with so many figures.

    >>> number(-2.8934), number(1234.5), number(0.00001234)
    ('−2.89', '1,230', '1.23e−05')
    """
    rounded = float(f"{value:.{digits}g}")
    whole = 1000 <= abs(rounded) < 1e9
    return minus(f"{rounded:,.0f}" if whole else f"{rounded:.{digits}g}")


def interval(metric: str, low: float | None, high: float | None, digits: int = 1) -> str:
    """Return ``50.6–65.4 %``, or an empty string where there is none."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    if is_rate(metric):
        # Both ends with the same number of decimals, unless both are small.
        write = _percent_number if high < 0.01 else lambda v, d: f"{v * 100:.{d}f}"
        return f"{write(low, digits)}–{write(high, digits)}{_SPACE}%"
    return f"{amount(metric, low)} to {amount(metric, high)}"


def with_interval(metric: str, value: float | None, low: float | None, high: float | None) -> str:
    """Return a metric's value in its own unit, with its interval in brackets where it has one.

    >>> with_interval("fnmr", 0.5, 0.25, 0.75).replace(_SPACE, " ")
    '50.0 % (25.0–75.0 %)'
    """
    range_ = interval(metric, low, high)
    return f"{amount(metric, value)} ({range_})" if range_ else amount(metric, value)


def count(value: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{value:,}"


def spread(metric: str, estimate: Estimate) -> str:
    """Return the fold mean and standard deviation, or an empty string."""
    mean, deviation = estimate.fold_mean, estimate.fold_sd
    if mean is None or not math.isfinite(mean):
        return ""
    text = amount(metric, mean)
    if deviation is None or not math.isfinite(deviation):
        return text
    if is_rate(metric):
        return f"{mean * 100:.1f} ± {deviation * 100:.1f}{_SPACE}%"
    return f"{text} ± {deviation:.3f}"


_UNPLAIN = {"same_source_mated": "mates from one photograph", "non_tattoo": "non-tattoo"}
"""Fields whose names are no words."""


def plain(key: str) -> str:
    """Return a field name as words.

    >>> plain("mated_comparisons")
    'Mated comparisons'
    >>> plain("same_source_mated"), plain("non_tattoo")
    ('Mates from one photograph', 'Non-tattoo')
    """
    key = _UNPLAIN.get(key, key)
    return capital(key.replace("_", " ").replace("nonmated", "non-mated").strip())


def capital(words: str) -> str:
    """Return words as they begin a line: the first letter is a capital, the others stay."""
    return words[:1].upper() + words[1:]


def abbreviation(name: str) -> str:
    """Return the abbreviation that a name has behind it, or the name.

    >>> abbreviation("False match rate (FMR)"), abbreviation("Hit rate")
    ('FMR', 'Hit rate')
    """
    return name.partition("(")[2].rstrip(")") or name


def duration(seconds: float) -> str:
    """Return a time for people.

    >>> duration(0.25), duration(75), duration(7300)
    ('0.25 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 10:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def opinion(cross_check: CrossCheck, estimate: Estimate | None) -> str:
    """Return what another program made of the same scores, beside what the harness did.

    >>> opinion(CrossCheck("PyEER", "eer", 0.2933, tolerance=0.0009), Estimate(0.2936))[76:]
    '0.2933 (here 0.2936). Two readings of one curve differ by up to 0.0009 here.'
    """
    label = metric_label(cross_check.metric)
    if cross_check.value is None:
        return f"{label}: {cross_check.program} gave no figure of its own ({cross_check.reason})."
    own = "no data" if estimate is None or estimate.value is None else f"{estimate.value:.4f}"
    figure = f"{cross_check.value:.4f} (here {own})"
    if cross_check.contradicts(None if estimate is None else estimate.value):
        return (
            f"{label}, computed independently by {cross_check.program}: {figure}. Of the same "
            f"scores the two differ by at most {cross_check.tolerance:.4f}, so one of them is of "
            "other comparisons or is wrong: do not rely on this figure."
        )
    who = f"computed independently by {cross_check.program}"
    apart = ""
    if cross_check.tolerance is not None and f"{cross_check.value:.4f}" != own:
        apart = f" Two readings of one curve differ by up to {cross_check.tolerance:.4f} here."
    return f"{label} of the same scores, {who}: {figure}.{apart}"


def score(value: float | None) -> str:
    """Return a score with four figures; one that is nearly nothing by its bound.

    >>> score(0.25), score(-3.986e-06), score(12345.6), score(None)
    ('0.2500', '>−0.0001', '12,346', 'none')
    """
    if value is None or not known(value):
        return "none"
    size = abs(value)
    if 0 < size < 0.0001:
        return "<0.0001" if value > 0 else ">−0.0001"
    if size >= 1e9:
        return minus(f"{value:.3e}")
    return minus(f"{value:,.0f}" if size >= 10_000 else f"{value:#.4g}".rstrip("."))


def short(name: str) -> str:
    """Return the last part of a record's name; the whole stands in the picture's description."""
    return name.rstrip("/").rsplit("/", 1)[-1]


def fold(name: str) -> str:
    """Return a fold's name as it reads in a sentence: a bare number needs the word before it."""
    return f"Fold {name}" if name.isdigit() else name
