"""Making runs: requested, prepared, executed, finished; scores imported, models exported."""
