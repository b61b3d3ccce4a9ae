"""One module per kind of question: folds, needed ability, outputs and metrics."""
