"""Tests of the metrics; a package, so that its file names may be used again elsewhere."""
