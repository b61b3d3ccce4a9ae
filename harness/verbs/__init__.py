"""The Python interface: what the command line does, as functions that give frames and arrays.

::

    import harness

    run = harness.run("similarity", "triplet", seed=1)
    run.metrics                         # a frame: metric, value, low, high, chance, n, flags, ...
    run.searches, run.candidates, run.failures, run.scores(), run.matrix(1)
    harness.compare(run, other).metrics
    harness.gate(baseline, run).verdict
    harness.validate(run, criteria="mine.toml").rows
    harness.load("similarity/triplet")  # or a run folder
    harness.leaderboard("runs").entries
    harness.attest(run, "key.pem"); harness.verify(run, "key.pem.pub").proved
    harness.score(matrix, probes=..., gallery=..., mates=..., protocol="similarity")
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.verbs.boards import Boards, leaderboard
    from harness.verbs.comparing import Comparison, Verdict, compare, gate
    from harness.verbs.evidence import Proof, attest, disclose, preregister, verify
    from harness.verbs.result import Run, load
    from harness.verbs.running import run
    from harness.verbs.scoring import score
    from harness.verbs.validating import Validation, validate

__all__ = [
    "Boards",
    "Comparison",
    "Proof",
    "Run",
    "Validation",
    "Verdict",
    "attest",
    "compare",
    "disclose",
    "gate",
    "leaderboard",
    "load",
    "preregister",
    "run",
    "score",
    "validate",
    "verify",
]

_MODULES = {
    "Boards": "boards",
    "Comparison": "comparing",
    "Proof": "evidence",
    "Run": "result",
    "Validation": "validating",
    "Verdict": "comparing",
    "attest": "evidence",
    "compare": "comparing",
    "disclose": "evidence",
    "gate": "comparing",
    "leaderboard": "boards",
    "load": "result",
    "preregister": "evidence",
    "run": "running",
    "score": "scoring",
    "validate": "validating",
    "verify": "evidence",
}


def __getattr__(name: str) -> Any:
    """Import a call when it is first asked for: reading a run needs nothing that makes one."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
