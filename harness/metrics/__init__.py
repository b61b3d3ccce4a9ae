"""Metrics: pure functions over arrays of scores, one file per family."""
