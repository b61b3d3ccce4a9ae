"""Names to code: algorithms, protocols and generators are found, described and begun by name."""
