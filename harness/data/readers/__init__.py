"""One reader per layout of a data set: files become a Dataset."""
