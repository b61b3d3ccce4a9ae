"""Sphinx: `python -m sphinx -W -n docs build/site`. What is generated is made in `_ext`."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "tattoo-harness"
author = "the authors of tattoo-harness"
project_copyright = f"{author}, Apache License 2.0"
release = version = installed("tattoo-harness")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "numpydoc",
    "site_pages",
]
exclude_patterns = ["_ext", "_templates", "README.md"]
default_role = "literal"
smartquotes_action = "qe"  # two hyphens begin an option, and are no dash
nitpicky = True
nitpick_ignore_regex = [
    # Types of other packages: their inventories would be fetched from the network.
    ("py:.*", r"(np|numpy|npt|pd|pandas|pathlib|collections|typing|builtins|torch|click)\b.*"),
    ("py:.*", r"(Path|Any|Self|Callable|Iterable|Iterator|Mapping|Sequence|NoneType|Ellipsis)"),
    # Types of the harness's own that no page describes.
    ("py:class", r"harness\.(metrics|statistics|record|data|comparing|boards)\..*"),
    ("py:class", r"RunLike|Identities"),
    ("py:class", r".*\.(T|Floats|Ints|Bools|NDArray|ArrayLike|DataFrame|generic)"),
]
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4
# A notebook of the documentation is executed when it is built, and its outputs are not committed.
nb_execution_mode = "cache"
nb_execution_in_temp = True
nb_execution_cache_path = str(HERE.parent / "build" / "notebooks")
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

html_theme = "furo"
html_title = "tattoo-harness"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/icon.svg"
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # a summary is fetched, which a page of a file may not
GALLERY = HERE.parent / "build" / "gallery" / "pages"
GALLERY.mkdir(parents=True, exist_ok=True)
html_extra_path = [str(GALLERY)]
html_theme_options = {
    "top_of_page_buttons": [],
    "light_css_variables": {
        "color-brand-primary": "#1f5a8f",
        "color-brand-content": "#1f5a8f",
        "font-stack": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
        "font-stack--monospace": "ui-monospace, 'SFMono-Regular', Menlo, Consolas, monospace",
    },
    "dark_css_variables": {
        "color-brand-primary": "#8ec1f0",
        "color-brand-content": "#8ec1f0",
    },
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
