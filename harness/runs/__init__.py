"""Making runs: asked for, prepared, executed, finished; scores brought in, models given out."""
