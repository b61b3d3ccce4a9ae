"""Images in: safe decoding, records, and one reader per layout."""
