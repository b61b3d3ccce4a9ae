"""The fits of two sides: in pairs of seeds, and what a single one leaves open."""

from __future__ import annotations

from collections.abc import Sequence

from harness.comparing.pairing import Side
from harness.record.joined import entry_identity


def fits_of_sides(first: Side, second: Side) -> tuple[list[Side], list[Side], bool]:
    """Return the fits of either side by their seeds, and whether both have the same seeds."""
    sides = [_by_seed(side) for side in (first, second)]
    seeds = [[seed_of(fit) for fit in side] for side in sides]
    paired = len(seeds[0]) > 1 and seeds[0] == seeds[1] and None not in seeds[0]
    return sides[0], sides[1], paired


def seed_of(fit: Side) -> int | None:
    """Return the seed of a fit, where its algorithm has one."""
    seed = fit.run.manifest.origin.parameters.get("seed")
    return seed if isinstance(seed, int) else None


def one_fit(first: Side, second: Side, names: Sequence[str]) -> str:
    """Return why two entries cannot be told apart where one that learns was fitted once, or "".

    Which identities come out well, and how good a fit is as a whole, changes from seed to seed and
    from machine to machine. A single fit says nothing of how much.

    Parameters
    ----------
    first, second
        The entries.
    names
        What to call them.
    """
    single = [side.one_fit for side in (first, second)]
    if not any(single):
        return ""
    whose = "each" if all(single) else f"of the {names[0] if single[0] else names[1]}"
    return (
        f"one fit {whose}: another seed may move this as much, so that identities alone decide "
        "nothing; run both with --repeats 5"
    )


def only_the_seed_differs(first: Side, second: Side) -> bool:
    """Say whether two runs are fits of one recipe with other seeds."""
    one, other = first.run.manifest, second.run.manifest
    return (
        not first.more
        and not second.more
        and one.identity != other.identity
        and entry_identity(one.origin) == entry_identity(other.origin)
    )


def _by_seed(side: Side) -> list[Side]:
    """Return the fits of a side, those of one seed in the order in which they were joined."""
    return sorted(side.fits, key=lambda fit: seed_of(fit) or 0)
