"""Schedules, solvers and the loop: every step against arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from harness.training.loop import descend, generator
from harness.training.schedules import StepPolicy, set_rate, solver


def ignore(done: int, total: int, note: str) -> None:
    """Take progress and show nothing."""


def line() -> nn.Linear:
    """Return y = 2 x + 1, so that y(3) = 7."""
    network = nn.Linear(1, 1)
    with torch.no_grad():
        network.weight.fill_(2.0)
        network.bias.fill_(1.0)
    return network


def half_square(network: nn.Linear) -> Tensor:
    """Return y(3)^2 / 2, whose gradient is (3 y, y)."""
    loss: Tensor = network(torch.tensor([[3.0]])).square().sum() / 2
    return loss


def values(network: nn.Linear) -> tuple[float, float]:
    return network.weight.item(), network.bias.item()


def test_the_papers_schedules_step_down_where_they_should() -> None:
    contrastive, triplet = StepPolicy(1e-4, 20_000, 0.1), StepPolicy(2e-4, 10_000, 0.9)
    assert contrastive.at(19_999) == pytest.approx(1e-4)
    assert contrastive.at(20_000) == pytest.approx(1e-5)
    assert contrastive.at(69_999) == pytest.approx(1e-7)
    assert triplet.at(39_999) == pytest.approx(2e-4 * 0.729)


def test_a_bias_learns_twice_as_fast() -> None:
    network = line()
    descend(
        lambda: half_square(network), solver(network, "sgd"), StepPolicy(0.01, 10, 1), 1, ignore
    )
    assert values(network) == pytest.approx((2 - 0.01 * 21, 1 - 0.02 * 7))


def test_momentum_repeats_the_last_step_in_part() -> None:
    network = line()
    optimiser = solver(network, "sgd", momentum=0.5)
    descend(lambda: half_square(network), optimiser, StepPolicy(0.01, 10, 1), 2, ignore)
    # After one step w = 1.79, b = .86, y = 6.23; then velocities are 3 * 6.23 + .5 * 21, ...
    assert values(network) == pytest.approx(
        (1.79 - 0.01 * (18.69 + 10.5), 0.86 - 0.02 * (6.23 + 3.5))
    )


def test_weight_decay_shrinks_weights_and_biases_as_in_caffe() -> None:
    network = line()
    optimiser = solver(network, "sgd", weight_decay=0.1)
    descend(lambda: half_square(network), optimiser, StepPolicy(0.01, 10, 1), 1, ignore)
    assert values(network) == pytest.approx((2 - 0.01 * 21.2, 1 - 0.02 * 7.1))


def test_the_first_step_of_adam_is_the_learning_rate_in_size() -> None:
    network = line()
    descend(
        lambda: half_square(network), solver(network, "adam"), StepPolicy(0.01, 10, 1), 1, ignore
    )
    assert values(network) == pytest.approx((1.99, 0.98))


def test_rates_of_weights_and_biases_follow_the_policy() -> None:
    optimiser = solver(line(), "sgd")
    set_rate(optimiser, 0.5)
    assert [group["lr"] for group in optimiser.param_groups] == [0.5, 1.0]


def test_an_unknown_solver_is_refused() -> None:
    with pytest.raises(ValueError, match="'lion'; known: sgd, adam"):
        solver(line(), "lion")


def test_progress_ends_with_all_iterations_and_the_loss() -> None:
    network, told = line(), []
    last = descend(
        lambda: half_square(network),
        solver(network, "sgd"),
        StepPolicy(0.0, 10, 1),
        3,
        lambda done, total, note: told.append((done, total, note)),
    )
    assert told == [(3, 3, "loss 24.5")]
    assert last == 24.5


def test_a_diverging_fit_stops_and_says_where() -> None:
    network = line()
    with pytest.raises(ArithmeticError, match=r"diverged: the loss of iteration \d+ is .* 1e\+30"):
        descend(
            lambda: half_square(network),
            solver(network, "sgd"),
            StepPolicy(1e30, 10, 1),
            9,
            ignore,
        )


def test_a_generator_is_independent_of_torchs_global_one() -> None:
    torch.manual_seed(1)
    first = torch.rand(3, generator=generator(7))
    torch.manual_seed(2)
    assert torch.equal(first, torch.rand(3, generator=generator(7)))
