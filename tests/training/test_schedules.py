"""Learning rates over time, and steps of the solvers, by arithmetic."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from harness.training.schedules import Constant, Cosine, StepPolicy, set_rate, solver


def line() -> nn.Linear:
    """Return y = 2 x + 1, so that y(3) = 7."""
    network = nn.Linear(1, 1)
    with torch.no_grad():
        network.weight.fill_(2.0)
        network.bias.fill_(1.0)
    return network


def after(steps: int, kind: str, **options: float) -> tuple[float, float]:
    """Return weight and bias after steps down y(3)^2 / 2, whose gradient is (3 y, y)."""
    network = line()
    optimiser = solver(network, kind, **options)
    for _ in range(steps):
        set_rate(optimiser, 0.01)
        optimiser.zero_grad()
        (network(torch.tensor([[3.0]])).square().sum() / 2).backward()
        optimiser.step()
    return network.weight.item(), network.bias.item()


def test_the_papers_schedules_step_down_where_they_should() -> None:
    contrastive, triplet = StepPolicy(1e-4, 20_000, 0.1), StepPolicy(2e-4, 10_000, 0.9)
    assert contrastive.at(19_999) == pytest.approx(1e-4)
    assert contrastive.at(20_000) == pytest.approx(1e-5)
    assert contrastive.at(69_999) == pytest.approx(1e-7)
    assert triplet.at(39_999) == pytest.approx(2e-4 * 0.729)


def test_a_bias_learns_twice_as_fast() -> None:
    assert after(1, "sgd") == pytest.approx((2 - 0.01 * 21, 1 - 0.02 * 7))


def test_momentum_repeats_the_last_step_in_part() -> None:
    # After one step w = 1.79, b = .86, y = 6.23; then velocities are 3 * 6.23 + .5 * 21, ...
    assert after(2, "sgd", momentum=0.5) == pytest.approx(
        (1.79 - 0.01 * (18.69 + 10.5), 0.86 - 0.02 * (6.23 + 3.5))
    )


def test_weight_decay_shrinks_weights_and_biases_as_in_caffe() -> None:
    assert after(1, "sgd", weight_decay=0.1) == pytest.approx((2 - 0.01 * 21.2, 1 - 0.02 * 7.1))


def test_the_first_step_of_adam_is_the_learning_rate_in_size() -> None:
    assert after(1, "adam") == pytest.approx((1.99, 0.98))


def test_adamw_takes_a_share_of_filters_and_matrices_and_leaves_norms_and_biases() -> None:
    """A step is the rate in size; decay is apart from it, and the rate times the weight."""
    network = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.BatchNorm1d(1))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(2.0)
    optimiser = solver(network, "adamw", weight_decay=0.5)
    set_rate(optimiser, 0.01)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    found = {name: p.item() for name, p in network.named_parameters()}
    assert found.pop("0.weight") == pytest.approx(2 - 0.01 * 0.5 * 2 - 0.01)
    assert list(found.values()) == pytest.approx([1.99] * 3)


def test_rates_of_weights_and_biases_follow_the_policy() -> None:
    optimiser = solver(line(), "sgd")
    set_rate(optimiser, 0.5)
    assert [group["lr"] for group in optimiser.param_groups] == [0.5, 1.0]


def test_an_unknown_solver_is_refused() -> None:
    with pytest.raises(ValueError, match="'lion'; known: sgd, adam, adamw"):
        solver(line(), "lion")


def test_a_cosine_goes_up_in_a_line_and_down_along_a_half_wave() -> None:
    rates = Cosine(rate=0.2, iterations=110, warm_up=10)
    assert rates.at(0) == pytest.approx(0.02)
    assert rates.at(9) == pytest.approx(0.2)
    assert rates.at(10) == pytest.approx(0.2)
    assert rates.at(35) == pytest.approx(0.1 * (1 + math.sqrt(0.5)))
    assert rates.at(60) == pytest.approx(0.1)
    assert rates.at(110) == pytest.approx(0, abs=1e-12)
    assert rates.at(1000) == pytest.approx(0, abs=1e-12)


def test_a_cosine_without_warm_up_begins_at_the_top() -> None:
    assert Cosine(rate=0.2, iterations=10).at(0) == 0.2


def test_a_constant_rate_stays() -> None:
    assert {Constant(0.3).at(k) for k in (0, 1, 10**6)} == {0.3}
