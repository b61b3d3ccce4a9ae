"""An algorithm as it runs: found, described, with its parameters."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.execution.environment import Environment
from harness.plugins.description import Description
from harness.plugins.registry import Plugin


@dataclass(frozen=True)
class ConfiguredAlgorithm:
    """An algorithm with the parameters it runs with.

    Parameters
    ----------
    environment
        Of a worker now, as far as it is known before the work.
    files
        SHA-256 of its files, as far as they are known before the work, by path.
    parts
        Of a composite: the algorithms that it is made of, by the names of its parameters.
    """

    plugin: Plugin
    description: Description
    source_hash: str
    environment: Environment
    files: dict[str, str]
    parts: dict[str, ConfiguredAlgorithm] = field(default_factory=dict)
