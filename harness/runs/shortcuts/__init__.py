"""What a picture tells without being looked at: its size, its file, its border."""
