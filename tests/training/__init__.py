"""Tests of the training toolkit; a package, so that its file names may be used again elsewhere."""
