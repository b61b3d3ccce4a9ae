"""Tests of paired comparison and gating."""
