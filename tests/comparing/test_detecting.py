"""What a gate can see: closed forms, and what the protocols declare against the shipped data."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from harness.comparing.detecting import POWER, TURNOVER, detectable, planned
from harness.comparing.differences import Difference
from harness.plugins.registry import find_protocol
from harness.runs.preparing import Request, judged_by
from harness.tasks.clusters import cluster_of, identities_of
from harness.tasks.protocol import Protocol
from harness.tasks.reading import read_protocol

SEEN = Difference(0.7, 0.7, 0.0, -0.03, 0.03, 0.9, "bootstrap", 300, 300, 20)
ELSEWHERE = {"bivtatt": 159, "bivtatt-closed-set": 159, "omniglot": 659, "omniglot-one-shot": 400}
"""Identities of data that are not shipped: tattoos, characters, and searches for them."""


@pytest.mark.parametrize("identities", [40, 135, 100_000])
def test_the_planned_loss_exceeds_the_margin_by_its_own_errors(identities: int) -> None:
    from scipy.stats import norm, t

    loss = planned(identities, 0.02)
    assert loss is not None
    # Two identities are imagined along, one that gains and one that loses.
    everybody = identities + 2
    changes = identities * (TURNOVER + loss * (1 - loss)) + 2
    error = math.sqrt(changes) / everybody
    errors = t.ppf(0.95, identities - 1) + norm.ppf(0.9)
    assert loss * identities / everybody - 0.02 == pytest.approx(errors * error, rel=1e-3)


def test_more_identities_show_less_and_a_larger_margin_hides_more() -> None:
    known = [planned(n, 0.02) or 1.0 for n in (20, 50, 200, 5000)]
    assert known == sorted(known, reverse=True)
    assert (planned(200, 0.05) or 1.0) > (planned(200, 0.02) or 1.0)
    assert planned(1, 0.02) is None


def test_the_loss_that_two_runs_show_follows_their_interval() -> None:
    narrow, wide = detectable(SEEN, 0.02), detectable(replace(SEEN, low=-0.06, high=0.06), 0.02)
    assert narrow is not None
    assert wide is not None
    assert 0.02 + 0.03 * (1 + 1.2816 / 1.6449) < narrow < wide
    assert detectable(replace(SEEN, low=math.nan, high=math.nan), 0.02) is None
    still = detectable(replace(SEEN, changed=0, low=-0.012, high=0.012), 0.02)
    assert still is not None
    # Nothing changed: all of the variance is that of the loss itself.
    error = math.sqrt(still * (1 - still) / 300)
    assert still - 0.02 == pytest.approx((1.6500 + 1.2816) * error, rel=1e-3)
    assert POWER == 0.9


def protocols() -> list[str]:
    return sorted(path.stem for path in find_protocol("similarity").parent.glob("*.toml"))


def identities_behind(name: str, protocol: Protocol) -> int:
    """Whom the headline is measured on."""
    judged = judged_by(name, Request((), (name,)))
    records, folds = judged.dataset.records, judged.folds
    if any(fold.mates for fold in folds):
        return len(set(identities_of(folds).values()))
    images = [records[probe] for fold in folds for probe in fold.probes]
    if protocol.task == "search":
        return len({record.query for record in images})
    if protocol.task == "style":
        return len({record.group or cluster_of(record) for record in images})
    if protocol.task == "segmentation":
        images = [record for record in images if record.label == "tattoo"]
    return len({cluster_of(record) for record in images})


@pytest.mark.parametrize("name", protocols())
def test_a_protocol_declares_what_its_data_can_show(name: str) -> None:
    protocol, _ = read_protocol(find_protocol(name))
    assert protocol.gate is not None
    if name == "tagging":  # its headline is no mean over images, and varies in a way of its own
        assert protocol.gate.detectable is None
        return
    shipped = protocol.data.default != ""
    identities = identities_behind(name, protocol) if shipped else ELSEWHERE[name]
    wanted = planned(identities, protocol.gate.margin)
    assert wanted is not None
    # Rounded up to a hundredth.
    assert protocol.gate.detectable == pytest.approx(math.ceil(100 * wanted) / 100), (
        f"{name}: {identities} identities; renew `detectable`"
    )
    if shipped:
        place = find_protocol(name).parent.parent / protocol.gate.detectable_on
        assert protocol.gate.detectable_on == f"fixtures/{protocol.data.default}"
        assert place.is_dir() or not Path("fixtures").is_dir()
    else:
        assert protocol.gate.detectable_on
