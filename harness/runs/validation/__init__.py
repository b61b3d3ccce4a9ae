"""Validation: a method held against criteria that were written beforehand, row by row."""
