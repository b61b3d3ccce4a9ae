"""The report of several fits together: value, interval, where it varies, and each fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from harness.record import provenance
from harness.record.checks.check import Checked
from harness.record.joined import Joined
from harness.record.manifest import Manifest
from harness.reporting import wording
from harness.reporting.drawing import plots
from harness.reporting.pages import environment, surroundings
from harness.reporting.sections.checks import checks_in
from harness.statistics.estimate import Estimate
from harness.tasks.results import Metrics


@dataclass(frozen=True)
class _Line:
    """A metric in finished texts."""

    label: str
    value: str
    interval: str
    chance: str
    spread: str
    strip: str
    method: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class _FitLine:
    """A fit in finished texts; its report lies beside."""

    seed: str
    value: str
    strip: str
    environment: str
    identity: str
    result: str
    report: str


def render(
    joined: Joined,
    metrics: Metrics,
    manifests: Sequence[Manifest],
    checks: Sequence[Checked] = (),
) -> str:
    """Return the page as the complete text of an HTML file; equal input gives equal text.

    Parameters
    ----------
    checks
        What every check says of the fits together.
    """
    headline = metrics.pooled[metrics.headline]
    first = manifests[0]
    return (
        environment()
        .get_template("repeats.html.j2")
        .render(
            page=surroundings(joined.hash),
            joined=joined,
            badge=provenance.badge(first.dataset),
            provenance=provenance.sentence(first.dataset),
            data=first.dataset.get("name", ""),
            label=wording.metric_label(metrics.headline),
            headline=_line(metrics.headline, headline),
            lines=[_line(name, one) for name, one in metrics.pooled.items()],
            components=component_lines(headline, partial(wording.amount, metrics.headline)),
            fits=[
                _FitLine(
                    "" if fit.seed is None else str(fit.seed),
                    wording.amount(metrics.headline, fit.value),
                    _strip(metrics.headline, Estimate(fit.value, chance=headline.chance)),
                    one.environment_hash[:6],
                    fit.identity[:10],
                    fit.result_hash[:10],
                    f"{fit.folder}/report.html",
                )
                for fit, one in zip(joined.fits, manifests, strict=True)
            ],
            environments=len({one.environment_hash for one in manifests}),
            checks=checks_in(checks) if checks else "",
        )
    )


def component_lines(
    estimate: Estimate, write: Callable[[float], str] = "{:.4f}".format
) -> list[tuple[str, str, str]]:
    """Return the parts of the variance: what it is, in one fit, and in the mean of all fits.

    >>> component_lines(Estimate(0.1))
    []
    """
    parts, fits = estimate.components, len(estimate.fits)
    if parts is None or not fits:
        return []
    rows = [
        ("identities: others could have been judged", parts.identities, 1.0),
        ("identity and fit: who comes out well changes", parts.interaction, fits**-0.5),
        ("a fit as a whole", parts.fits, fits**-0.5),
    ]
    return [(name, write(sd), write(sd * share)) for name, sd, share in rows]


def _line(metric: str, estimate: Estimate) -> _Line:
    known = [value for value in estimate.fits if value is not None]
    lowest = wording.amount(metric, min(known)) if known else ""
    highest = wording.amount(metric, max(known)) if known else ""
    return _Line(
        wording.metric_label(metric),
        wording.amount(metric, estimate.value),
        wording.interval(metric, estimate.low, estimate.high),
        wording.amount(metric, estimate.chance) if wording.known(estimate.chance) else "",
        f"{lowest} to {highest}" if known else "",
        _strip(metric, estimate),
        estimate.method,
        tuple(estimate.flags),
    )


def _strip(metric: str, estimate: Estimate) -> str:
    drawn = wording.is_share(metric) and estimate.value is not None
    return plots.estimate_strip(estimate) if drawn else ""
