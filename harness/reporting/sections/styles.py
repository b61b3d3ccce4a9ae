"""The section on styles: which are taken for which, how far certainty holds, surest mistakes."""

from __future__ import annotations

from harness.reporting.drawing import plots
from harness.reporting.drawing.figures import Figure
from harness.reporting.drawing.thumbnails import Pictures
from harness.reporting.sections.section import Section, SectionInput, filled_from
from harness.reporting.tables import Table
from harness.reporting.wording import count, percent
from harness.tasks.results import Judgement

MISTAKES_SHOWN = 12

RULES = (
    "An image is right when its own style has the highest probability; a tie is wrong.",
    "Probabilities are the algorithm's scores divided by their sum.",
)


def section(run: SectionInput) -> Section | None:
    """Return the section; None where no image was taken for one of several classes."""
    columns = run.outcome.curves.confusion
    styles = [style for style in columns if style]
    if not styles or not run.outcome.searches:
        return None
    counts = {
        style: [int(columns[answer][i]) for answer in columns] for i, style in enumerate(styles)
    }
    most = max(styles, key=lambda style: sum(counts[style]))
    failed = sum(row[-1] for row in counts.values())
    mistakes = _mistakes(run.outcome.searches)
    content = filled_from(
        "styles",
        styles=styles,
        rows=[_row(style, i, counts[style], bool(failed)) for i, style in enumerate(styles)],
        failed=failed,
        precisions=[
            _share(counts[s][i], sum(r[i] for r in counts.values())) for i, s in enumerate(styles)
        ],
        most=most,
        majority=_share(sum(counts[most]), sum(sum(row) for row in counts.values())),
        worst=_most_confused(styles, counts),
        figure=_reliability(run.outcome.curves.reliability),
        mistakes=mistakes,
        image=Pictures(run.picture, [search.probe for search, _, _ in mistakes]).address,
    )
    return Section("styles", "Styles", content, RULES)


def _row(
    style: str, own: int, counts: list[int], failures: bool
) -> tuple[str, tuple[tuple[str, float, bool], ...], str]:
    """Return the style, what its images are taken for (number, share, is it right?), its recall."""
    total = sum(counts)
    shown = counts if failures else counts[:-1]
    cells = tuple((count(n), n / total if total else 0.0, i == own) for i, n in enumerate(shown))
    return style, cells, _share(counts[own], total)


def _share(part: int, whole: int) -> str:
    return percent(part / whole, 0) if whole else "–"


def _most_confused(styles: list[str], counts: dict[str, list[int]]) -> tuple[str, str, int] | None:
    """Return the pair of true style and wrong answer with the most images; None without any."""
    pairs = [
        (counts[true][j], true, answer)
        for true in styles
        for j, answer in enumerate(styles)
        if answer != true and counts[true][j]
    ]
    if not pairs:
        return None
    number, true, answer = max(pairs, key=lambda pair: pair[0])
    return true, answer, number


def _mistakes(searches: list[Judgement]) -> list[tuple[Judgement, str, str]]:
    """Return the surest mistakes: the image, the style it was taken for, and how surely."""
    wrong = [s for s in searches if s.correct is False and s.candidates]
    wrong.sort(key=lambda s: (-(s.score or 0.0), s.fold, s.probe))
    found = []
    for search in wrong[:MISTAKES_SHOWN]:
        # Where the own style is tied for the first place, it is the other that is named.
        answer = next(c for c in search.candidates if not c.mated)
        found.append((search, answer.reference, percent(answer.score, 0)))
    return found


def _reliability(curve: dict[str, list[float]]) -> Figure | None:
    if not curve:
        return None
    sure, right, images = curve["confidence"], curve["accuracy"], curve["images"]
    total = sum(images)
    gap = sum(n * (a - c) for n, a, c in zip(images, right, sure, strict=True)) / total
    told = percent(sure_mean(sure, images)), percent(sure_mean(right, images))
    tendency = "less often right than" if gap < 0 else "more often right than"
    if told[0] == told[1]:
        tendency = "as often right as"
    summary = (
        f"Over all images the algorithm is sure to {told[0]} and right for {told[1]}: "
        f"it is {tendency} it is sure."
    )
    points = [
        plots.Point(
            c, a, f"Sure to {percent(c, 0)}, right for {percent(a, 0)} of {n:.0f} images", True
        )
        for c, a, n in zip(sure, right, images, strict=True)
    ]
    svg = plots.line_plot(
        "reliability",
        "Reliability diagram",
        summary,
        plots.rate_axis("Mean probability of the answer"),
        plots.rate_axis("Answers that are right"),
        (
            plots.Series("as sure as right", "chance", [0.0, 1.0], [0.0, 1.0], None),
            plots.Series("answers", "s0", sure, right, None),
        ),
        (),
        points,
    )
    rows = tuple(
        (f"{percent(a, 0)} to {percent(b, 0)}", count(round(n)), percent(c), percent(r))
        for a, b, n, c, r in zip(
            *(curve[k] for k in ("low", "high", "images", "confidence", "accuracy")), strict=True
        )
    )
    return Figure(
        "reliability",
        "How far certainty holds",
        summary,
        svg,
        (("s0", "line", "answers, by how sure they are"), ("chance", "line", "as sure as right")),
        (
            "Below the dotted line the algorithm is surer than it may be; bins of a few images say "
            "little.",
        ),
        Table(
            "Certainty and accuracy",
            ("Probability of the answer", "Images", "Mean probability", "Right"),
            rows,
        ),
    )


def sure_mean(values: list[float], images: list[float]) -> float:
    """Return the mean over images of what bins hold."""
    return sum(n * v for n, v in zip(images, values, strict=True)) / sum(images)
