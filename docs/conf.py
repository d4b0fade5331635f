"""The documentation site: ``make docs``, then open docs/_build/html/index.html, online or from disk.

The pages are plain Markdown that any viewer shows. What is made from the code (API, gallery, benchmarks, the command
line) goes to docs/generated, and like the site itself is not committed.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent / "src")]

import api  # noqa: E402
import examples  # noqa: E402
import measured  # noqa: E402
import terminal  # noqa: E402

import similis  # noqa: E402

project = "similis"
author = "similis developers"
project_copyright = "similis developers"
release = version = similis.__version__

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "links",
    "plain",
]
exclude_patterns = ["_build", "generated/scripts", "first-hour", "**/*.ipynb", "**.md5"]
default_role = "code"
pygments_style = "tango"
nitpicky = False
suppress_warnings = ["config.cache"]  # sphinx-gallery's own settings hold functions

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_typehints = "none"
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
    "examples_dirs": ["generated/scripts/gallery", "generated/scripts/first-hour"],
    "gallery_dirs": ["generated/gallery", "generated/first-hour"],
    "filename_pattern": r"(plot_|\d_)",
    "ignore_pattern": r"__init__\.py",
    "within_subsection_order": "FileNameSortKey",
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "plot_gallery": "True",
    "abort_on_example_error": False,
    "only_warn_on_example_error": True,
    "reset_modules": ("matplotlib",),
    "reset_modules_order": "both",
    "default_thumb_file": str(HERE / "_static" / "favicon.svg"),
    "image_srcset": [],
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "similis"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_logo = None
html_favicon = "_static/favicon.svg"
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
alone = ("index", "install", "choosing", "glossary", "changelog", "contributing", "numerics", "lab-notes")
html_sidebars = {page: [] for page in (*alone, "benchmarks/index", "generated/command-line")}
html_theme_options = {
    "logo": {"text": "similis"},
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_prev_next": True,
    "show_nav_level": 1,
    "navigation_depth": 2,
    "secondary_sidebar_items": {
        place: ["page-toc"] for place in ("*", "api/*", "decisions/*", "how-to/*", "generated/**")
    },
    # and none in papers and benchmarks: room for tables
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "tango",
    "pygments_dark_style": "github-dark",
    "back_to_top_button": True,
}

# Before Sphinx looks for pages: those that are made from the code.
api.write(HERE)
examples.write(HERE)
measured.write(HERE)
terminal.write(HERE)
