"""Tests of the synthetic tattoo world."""
