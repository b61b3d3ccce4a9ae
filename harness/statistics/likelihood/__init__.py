"""Likelihood ratios: from scores to the strength of evidence, and how far that can be trusted.

Everywhere in this package a log-likelihood-ratio (LLR) is a natural logarithm; base 10 is for the
axes of plots. ``LLR > 0`` supports that a comparison is mated, ``LLR < 0`` that it is not.
"""
