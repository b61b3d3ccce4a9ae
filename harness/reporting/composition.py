"""What the parts of a composite did, in sentences and as tables: for terminals and reports."""

from __future__ import annotations

from harness.errors import some
from harness.record.manifest import Composition, Manifest, Stage
from harness.reporting.tables import Table
from harness.reporting.wording import count, percent

__all__ = ["ceiling_sentence", "composition_lines", "learned_table", "stage_table"]


def composition_lines(manifest: Manifest) -> list[str]:
    """Return a line for each part, and for what limits the whole; none of what is no composite."""
    found = manifest.composition
    if found is None:
        return []
    lines = []
    for part, stage in found.stages.items():
        name = manifest.origin.parts[part].algorithm
        words = [
            f"{part} ({name}): {count(stage.comparisons)} comparisons, {_each(stage)} a search",
            f"{_seconds(stage)} a search",
            *([f"{some(stage.failed, 'image')} not usable"] if stage.failed else []),
            *([_taken(stage)] if stage.taken_over else []),
        ]
        lines.append(", ".join(words))
    return [*lines, *filter(None, [ceiling_sentence(found)]), *map(_learned, _rows(found))]


def ceiling_sentence(composition: Composition) -> str:
    """Return what the first stage leaves to be found; empty where nothing was re-ranked."""
    if composition.ceiling is None:
        return ""
    one = composition.ceiling
    share = percent(one.found / one.searches) if one.searches else "none"
    return (
        f"ceiling: a mate is among the best {count(one.k)} of the first part in {count(one.found)} "
        f"of {count(one.searches)} searches ({share}), and no more can be found at rank "
        f"{count(one.k)} or before"
    )


def stage_table(manifest: Manifest) -> Table | None:
    """Return what each part did; None of what is no composite."""
    found = manifest.composition
    if found is None:
        return None
    columns = ("Part", "Algorithm", "Comparisons", "A search", "Seconds a search", "Not usable")
    rows = tuple(
        (
            part,
            manifest.origin.parts[part].algorithm,
            count(stage.comparisons),
            _each(stage),
            _seconds(stage),
            some(stage.failed, "image"),
        )
        for part, stage in found.stages.items()
    )
    return Table("What each part did of what is judged", columns, rows)


def learned_table(composition: Composition) -> Table | None:
    """Return the weights that a fusion learned; None where it learned none."""
    if not composition.weighing:
        return None
    parts = tuple(composition.weighing[0].weights)
    columns = ("Folds", "Identities", "Images", "Mated", "Non-mated", *parts, "Offset")
    rows = tuple(
        (
            ", ".join(one.folds),
            *map(count, (one.identities, one.images, one.mated, one.nonmated)),
            *(f"{one.weights[part]:.3g}" for part in parts),
            f"{one.offset:.3g}",
        )
        for one in composition.weighing
    )
    return Table("Weight of a unit of each part's score, in natural-log LLR", columns, rows)


def _rows(found: Composition) -> list[tuple[str, ...]]:
    table = learned_table(found)
    return [] if table is None else [tuple(map(str, row)) for row in table.rows]


def _learned(row: tuple[str, ...]) -> str:
    folds, identities, images, mated, nonmated, *weights, _ = row
    return (
        f"learned for fold {folds}: weights {' and '.join(weights)}, from {mated} mated and "
        f"{nonmated} non-mated comparisons of {images} training images ({identities} identities)"
    )


def _each(stage: Stage) -> str:
    return f"{stage.comparisons / stage.searches:,.1f}" if stage.searches else "0"


def _seconds(stage: Stage) -> str:
    cost = stage.costs.get("compare")
    return "not measured" if cost is None else f"{cost.mean:.2g} s"


def _taken(stage: Stage) -> str:
    units = sum(map(len, stage.taken_over.values()))
    return f"{some(units, 'unit')} of work found in {', '.join(sorted(stage.taken_over))}"
