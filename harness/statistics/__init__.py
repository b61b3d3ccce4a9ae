"""Intervals, resampling, what chance alone gets, and the strength of evidence."""
