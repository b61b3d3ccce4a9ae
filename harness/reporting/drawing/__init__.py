"""Drawings of a page: plots, overlays and small copies of pictures."""
