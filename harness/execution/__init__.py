"""Plan, units of work, and the processes that do them."""
