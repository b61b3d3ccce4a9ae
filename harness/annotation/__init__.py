"""Annotation: boxes, names and tags that a person gives to images, kept in a CSV manifest.

`serve` shows a page on this machine alone; `Table` is the manifest under work, written after every
change; `Pictures` are the images of a folder, which never leave it and are decoded safely.
"""
