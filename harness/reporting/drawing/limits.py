"""A strip that shows an interval beside the values that a criterion allows."""

from __future__ import annotations

from harness.reporting.wording import known


def limit_strip(
    result: tuple[float | None, float | None, float | None],
    allowed: tuple[float | None, float | None],
    highest: float,
    width: int = 200,
) -> str:
    """Return a small strip from 0: what is allowed as a block, interval as a bar, value as a dot.

    The numbers must stand beside it: the strip is hidden from screen readers.

    Parameters
    ----------
    result
        Value and both ends of its interval; None for what there is not.
    allowed
        Lowest and highest value that is allowed; None for no limit.
    highest
        Value at the right end, above 0; what is beyond is drawn at the end.
    width
        In units of the drawing.

    Examples
    --------
    >>> 'class="allowed" x="4.0" y="3" width="96.0"' in limit_strip((0.2, 0.1, 0.3), (None, 0.5), 1)
    True
    """

    def across(value: float) -> float:
        return 4 + (width - 8) * min(max(value / highest, 0.0), 1.0)

    low, high = (across(0.0 if allowed[0] is None else allowed[0]), width - 4.0)
    if allowed[1] is not None:
        high = across(allowed[1])
    parts = [
        f'<rect class="allowed" x="{low:.1f}" y="3" width="{high - low:.1f}" height="18"/>',
        f'<path class="rail" d="M4,12H{width - 4}"/>',
        *(
            f'<path class="limit" d="M{across(limit):.1f},1V23"/>'
            for limit in allowed
            if limit is not None
        ),
    ]
    value, start, end = result
    if start is not None and end is not None and known(start) and known(end):
        left, right = across(start), across(end)
        parts.append(
            '<path class="interval" '
            f'd="M{left:.1f},7V17M{left:.1f},12H{right:.1f}M{right:.1f},7V17"/>'
        )
    if value is not None and known(value):
        parts.append(f'<circle class="value" cx="{across(value):.1f}" cy="12" r="4"/>')
    return f'<svg class="strip" viewBox="0 0 {width} 24" aria-hidden="true">{"".join(parts)}</svg>'
