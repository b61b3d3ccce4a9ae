"""What operations of an algorithm cost, as the reports of NIST's evaluations print it."""

from __future__ import annotations

from harness.execution.costs import ENROLLED, GALLERY, SIZE, SIZES, Cost
from harness.record.manifest import Manifest
from harness.reporting.tables import Table
from harness.reporting.wording import count, duration, plain

__all__ = ["operation_table"]

_NAMES = {
    "describe_text": "template creation of descriptions",
    "enrol": "template creation of references",
    "extract": "template creation",
    "finalise": "making a gallery ready",
    "compare": "search",
    "search": "search",
    SIZE: "template",
    ENROLLED: "template of a reference",
    GALLERY: "gallery as the program keeps it",
}

_APART = {"extract": "template creation of probes", SIZE: "template of a probe"}
"""Where references have templates of their own."""


def operation_table(manifest: Manifest, gallery: int = 0) -> Table | None:
    """Return what each operation takes; None where nobody measured it.

    Parameters
    ----------
    manifest
        Of a run.
    gallery
        References of its largest gallery, whose templates together have a size, too; 0 for none.
    """
    names = _NAMES | (_APART if ENROLLED in manifest.costs else {})
    limited = any(cost.limit is not None for cost in manifest.costs.values())
    rows = tuple(
        (
            plain(names.get(name, name)),
            count(cost.count),
            _amount(name, cost.median),
            _amount(name, cost.p90),
            *((_over(cost),) if limited else ()),
        )
        for name, cost in sorted(manifest.costs.items(), key=lambda item: _place(item[0]))
    )
    if not rows:
        return None
    templates = manifest.costs.get(ENROLLED) or manifest.costs.get(SIZE)
    if gallery and templates is not None and templates.mean:
        size = _amount(SIZE, templates.mean * gallery)
        more = ("",) * limited
        rows = (*rows, (f"Templates of a gallery of {count(gallery)}", "", size, "", *more))
    columns: tuple[str, ...] = ("Operation", "Measured", "Median", "Nine in ten at most")
    columns += ("Over the protocol's limit",) * limited
    return Table(f"What an operation takes {_where(manifest)}", columns, rows)


def _over(cost: Cost) -> str:
    """Say how many operations cost more than the protocol allows."""
    if cost.limit is None:
        return ""
    many = "not counted" if cost.over is None else f"{count(cost.over)} of {count(cost.count)}"
    return f"{many} over {_amount('', cost.limit)}"


def _place(name: str) -> tuple[int, str]:
    known = list(_NAMES)
    return (known.index(name) if name in known else -1, name)


def _amount(name: str, value: float) -> str:
    if name in SIZES:
        return f"{count(round(value))} bytes"
    if value < 1e-3:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1e3:.3g} ms"
    return duration(value)


def _where(manifest: Manifest) -> str:
    """Say on what the operations were timed."""
    made = [one.environment for one in manifest.environments]
    if not made:
        return "on a machine that is not known"
    threads = sorted({one.threads for one in made})
    processors = sorted({one.processor or "a processor without a name" for one in made})
    devices = sorted({one.device for one in made if one.device})
    machine = ", ".join([*processors, *devices])
    if 0 in threads:
        return f"on {machine}, with as many threads as it had"
    cores = "one core" if threads == [1] else f"{' or '.join(map(str, threads))} threads"
    return f"on {cores} of {machine}"
