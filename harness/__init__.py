"""What the author of an algorithm imports, and nothing else."""

from harness.api import (
    Algorithm,
    Control,
    Detector,
    FailureToEnroll,
    Image,
    Matcher,
    Scores,
    Template,
    TrainingSet,
    parameter,
)

__all__ = [
    "Algorithm",
    "Control",
    "Detector",
    "FailureToEnroll",
    "Image",
    "Matcher",
    "Scores",
    "Template",
    "TrainingSet",
    "parameter",
]
