"""Tests of what the harness says when it cannot go on."""
