"""The Python interface: what the command line does, as functions that give frames and arrays."""
