"""Several fits of an algorithm that learns, as one entry.

Each fit is an ordinary run. `entry` is the folder that joins them, `joining` the numbers of all
fits together, `page` its report.
"""

from harness.repeats.entry import Fit, Joined, fits_of, is_joined, read_joined

__all__ = ["Fit", "Joined", "fits_of", "is_joined", "read_joined"]
