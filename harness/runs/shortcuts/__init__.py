"""What a picture tells without being looked at: size, file, border, mean colour."""
