"""Intervals, resampling, and what chance alone gets."""
