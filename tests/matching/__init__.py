"""Matching in bounded memory."""
