"""What the author of an algorithm imports, and the Python interface, whose calls are its verbs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import (
        Algorithm,
        Candidates,
        Composite,
        Control,
        Detector,
        FailureToEnroll,
        Image,
        Mask,
        Matcher,
        Remover,
        Scores,
        Searcher,
        Segmenter,
        Tagger,
        Template,
        TrainingSet,
        parameter,
    )
    from harness.verbs import (
        Boards,
        Comparison,
        Proof,
        Run,
        Validation,
        Verdict,
        attest,
        compare,
        disclose,
        gate,
        leaderboard,
        load,
        preregister,
        run,
        score,
        validate,
        verify,
    )


__all__ = [
    "Algorithm",
    "Boards",
    "Candidates",
    "Comparison",
    "Composite",
    "Control",
    "Detector",
    "FailureToEnroll",
    "Image",
    "Mask",
    "Matcher",
    "Proof",
    "Remover",
    "Run",
    "Scores",
    "Searcher",
    "Segmenter",
    "Tagger",
    "Template",
    "TrainingSet",
    "Validation",
    "Verdict",
    "attest",
    "compare",
    "disclose",
    "gate",
    "leaderboard",
    "load",
    "parameter",
    "preregister",
    "run",
    "score",
    "validate",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import the interface when it is first asked for: `harness --help` needs no NumPy."""
    if name in __all__:
        from harness import verbs

        if name in verbs.__all__:
            return getattr(verbs, name)
        from harness import api

        return getattr(api, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("tattoo-harness")
    raise AttributeError(f"module 'harness' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name what can be imported, so that Tab shows it in a notebook."""
    return sorted([*__all__, "__version__"])
