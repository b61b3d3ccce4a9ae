"""How fast to learn: learning rates over time, and Caffe's doubled one of biases."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn


class Schedule(Protocol):
    """The learning rate of every iteration."""

    def at(self, iteration: int) -> float:
        """Return the rate of an iteration; the first is 0."""
        ...


@dataclass(frozen=True)
class StepPolicy:
    """Caffe's learning rate policy "step": multiplied by `gamma` after every `step` iterations.

    Parameters
    ----------
    rate
        Learning rate of the first iteration.
    step
        Iterations between two changes.
    gamma
        Factor of each change: .1 lowers it *to* 10 %, .9 *by* 10 %.

    Examples
    --------
    >>> policy = StepPolicy(rate=1.0, step=10, gamma=0.5)
    >>> [policy.at(iteration) for iteration in (0, 9, 10, 25)]
    [1.0, 1.0, 0.5, 0.25]
    """

    rate: float
    step: int
    gamma: float

    def at(self, iteration: int) -> float:
        """Return the rate of an iteration; the first is 0."""
        return self.rate * self.gamma ** (iteration // self.step)


@dataclass(frozen=True)
class Constant:
    """The same learning rate throughout."""

    rate: float

    def at(self, iteration: int) -> float:
        """Return the rate, whatever the iteration."""
        return self.rate


@dataclass(frozen=True)
class Cosine:
    """Up in a straight line, then down along half a cosine to 0 (Loshchilov & Hutter 2017).

    Parameters
    ----------
    rate
        The highest.
    iterations
        Length of the whole.
    warm_up
        Iterations of the way up, from 0; less than `iterations`.

    Examples
    --------
    >>> rates = Cosine(rate=1.0, iterations=10, warm_up=2)
    >>> [round(rates.at(iteration), 3) for iteration in (0, 1, 2, 6, 10)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """

    rate: float
    iterations: int
    warm_up: int = 0

    def at(self, iteration: int) -> float:
        """Return the rate of an iteration; the first is 0."""
        if iteration < self.warm_up:
            return self.rate * (iteration + 1) / self.warm_up
        way = (iteration - self.warm_up) / max(1, self.iterations - self.warm_up)
        return self.rate * (1 + math.cos(math.pi * min(way, 1))) / 2


def solver(
    network: nn.Module,
    kind: str,
    *,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    bias_multiplier: float = 2.0,
) -> torch.optim.Optimizer:
    """Return an optimiser with a group of weights and a group of biases.

    Each group carries a ``multiplier``: what its learning rate is multiplied by, the `lr_mult` of
    Caffe's examples. `set_rate` applies it.

    Parameters
    ----------
    network
        Whose parameters are learned.
    kind
        ``sgd`` (with momentum, as Caffe's), ``adam``, or ``adamw`` (Loshchilov & Hutter 2019).
    momentum
        Of both; Adam's first beta.
    weight_decay
        L2 penalty on weights and biases alike, as in Caffe; of ``adamw`` what matrices and filters
        lose beside their steps, times the rate, and biases and scales of norms do not.
    bias_multiplier
        2 in the paper; ``adamw`` has none.

    Raises
    ------
    ValueError
        If `kind` is none of them.
    """
    named = list(network.named_parameters())
    groups = [
        {"params": [p for name, p in named if not name.endswith("bias")], "multiplier": 1.0},
        {
            "params": [p for name, p in named if name.endswith("bias")],
            "multiplier": bias_multiplier,
        },
    ]
    # One fused pass over the 2.5 million weights of ip1 is faster than one pass per operation.
    if kind == "sgd":
        return torch.optim.SGD(
            groups, lr=0.0, momentum=momentum, weight_decay=weight_decay, fused=True
        )
    if kind == "adam":
        return torch.optim.Adam(
            groups, lr=0.0, betas=(momentum, 0.999), weight_decay=weight_decay, fused=True
        )
    if kind == "adamw":
        named = [(name, p) for name, p in named if p.requires_grad]
        groups = [
            {"params": [p for _, p in named if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for _, p in named if p.ndim < 2], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=0.0, betas=(momentum, 0.999), fused=True)
    raise ValueError(f"unknown solver {kind!r}; known: sgd, adam, adamw")


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every group to `rate` times its multiplier, if it has one."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("multiplier", 1.0)
