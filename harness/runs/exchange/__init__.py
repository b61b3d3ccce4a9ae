"""What a run is exported as: tables that others read, and the formats of other programs."""
