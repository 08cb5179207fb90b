"""The site: ``sphinx-build -W -b html docs docs/_build``."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_extensions"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import crystalsym  # noqa: E402

project = "crystalsym"
author = "The crystalsym developers"
copyright = author
version = release = crystalsym.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
    "api_pages",
    "mathml",
    "model_cards",
    "paper_figures",
    "repository_pages",
    "self_contained",
]
exclude_patterns = ["_build", "_extensions", "generated/gallery/*.md5"]

# Every internal reference has to lead somewhere; what other projects document has no address here,
# because the site is built without a network.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(?!crystalsym\b)\w+\.[\w.]+"), (r"py:mod", r"gemmi|spglib")]

# Markdown
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

# Docstrings
autosummary_generate = False
autodoc_typehints = "none"
autodoc_member_order = "groupwise"
numpydoc_show_class_members = False
add_module_names = False
toc_object_entries_show_parents = "hide"

# Gallery: every example runs
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "generated/gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "abort_on_example_error": True,
    "write_computation_times": False,
    "backreferences_dir": None,
    "copyfile_regex": r"$^",
    "reset_modules": ("matplotlib", "gallery_output.plain_warnings"),
    "default_thumb_file": str(HERE / "images" / "patterns.png"),
}
warnings.filterwarnings("ignore", message=".*FigureCanvasAgg is non-interactive.*")

# HTML
html_theme = "pydata_sphinx_theme"
html_title = f"crystalsym {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_nav_level": 1,
    "header_links_before_dropdown": 7,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
html_context = {"default_mode": "auto"}
html_sidebars = {"index": []}
