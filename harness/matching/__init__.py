"""Exact matching of vector templates in bounded memory."""

from harness.matching.results import Histogram, Matching, Tail
from harness.matching.search import MEMORY, match

__all__ = ["MEMORY", "Histogram", "Matching", "Tail", "match"]
