"""Reports: from the numbers of a run to pages that a person reads."""
