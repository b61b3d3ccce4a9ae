"""The run folder: what a run was made from and came to, checked as untrusted data."""
