"""Exact matching of vector templates in bounded memory."""

from harness.matching.margins import ScoreMargins
from harness.matching.results import Histogram, MatchResult, Tail
from harness.matching.search import MEMORY, match

__all__ = ["MEMORY", "Histogram", "MatchResult", "ScoreMargins", "Tail", "match"]
