"""How fast metrics and matching are: ratios to the machine's limits and to other packages."""
