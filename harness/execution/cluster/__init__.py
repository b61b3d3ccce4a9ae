"""Units of work on other processes and machines, carried there by Dask."""
