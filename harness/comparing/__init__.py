"""Two runs of one question side by side: paired differences, the verdict of a gate, baselines."""
