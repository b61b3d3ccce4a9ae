"""Batches come when they are wanted, and the shares of time are those of a clock of our own."""

from __future__ import annotations

import threading

import pytest
import torch

from harness.training import feeding
from harness.training.curves import BUSY, COMPUTING, PACE
from harness.training.feeding import Batch, Feed

CPU = torch.device("cpu")


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    monkeypatch.setattr(feeding, "time", one)
    return one


def test_what_is_waited_for_is_no_computing(clock: Clock) -> None:
    def draw(step: int) -> Batch:
        clock.now += 3
        return (torch.zeros(6, 2),)

    with Feed(draw, CPU, 9, ahead=False) as feed:
        for step in range(4):
            feed.take(step)
            clock.now += 1
        # Sixteen seconds, of which four computed; three processes with six examples each a step.
        assert feed.use(3) == {PACE: 4 * 6 * 3 / 16, COMPUTING: 0.25}
        feed.take(4)
        clock.now += 9
        assert feed.use() == {PACE: 6 / 12, COMPUTING: 0.75}


def test_what_is_drawn_while_a_step_computes_is_not_waited_for(clock: Clock) -> None:
    drawn = [threading.Event() for _ in range(4)]

    def draw(step: int) -> Batch:
        clock.now += 3
        drawn[step].set()
        return (torch.full((2,), float(step)),)

    with Feed(draw, CPU, 4, ahead=True) as feed:
        for step in range(4):
            assert feed.take(step)[0].tolist() == [step] * 2
            if step < 3:
                assert drawn[step + 1].wait(60)
        # Four draws of three seconds each, the first of which nothing was computed beside.
        assert feed.use() == {PACE: 4 * 2 / 12, COMPUTING: 0.75}


def test_nothing_is_drawn_beyond_the_last_step_or_after_the_end() -> None:
    seen: list[int] = []

    def draw(step: int) -> Batch:
        seen.append(step)
        return (torch.zeros(1),)

    with Feed(draw, CPU, 3, ahead=True) as feed:
        for step in range(3):
            feed.take(step)
    assert seen == [0, 1, 2]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
def test_a_device_that_computes_all_the_time_is_busy() -> None:
    device = torch.device("cuda")
    with Feed(lambda step: (torch.zeros(4),), device, 50, ahead=True) as feed:
        matrix = torch.rand(4096, 4096, device=device)
        torch.cuda.synchronize()
        feed.use()
        for step in range(50):
            assert feed.take(step)[0].device.type == "cuda"
            with feed.computing():
                matrix = matrix @ matrix / 4096
        torch.cuda.synchronize()
        assert 0.5 < feed.use()[BUSY] <= 1
