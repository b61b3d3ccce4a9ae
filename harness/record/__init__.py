"""The run folder: what a run was made from and came to, read as a stranger's."""
