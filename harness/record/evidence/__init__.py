"""Evidence: what was said before a run, who signed it, and one search shown without the others."""
