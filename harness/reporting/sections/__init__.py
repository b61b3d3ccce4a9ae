"""The parts of a run's page, one file for each thing shown."""
