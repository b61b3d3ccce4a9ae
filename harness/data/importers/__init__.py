"""Image sets of others, made into a folder that the harness reads: images and a CSV manifest.

One module per source; `harness import` has a form for each, in `harness/cli/verbs/import_data.py`.
"""
