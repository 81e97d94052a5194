"""How Sphinx builds the site: python -m sphinx -W -n docs docs/_build/html"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).with_name("extensions")))

import minigrad

project = "minigrad"
author = "The minigrad developers"
copyright = "The minigrad developers"
release = version = minigrad.__version__

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "names",
    "operations",
]
exclude_patterns = ["_build", "**/sg_execution_times.rst", "sg_execution_times.rst"]
nitpicky = True

# Docstrings say the types in words, with shapes and units, which is more than the annotations do.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
maximum_signature_line_length = 100  # longer ones take a line for each parameter
default_role = "name"
numpydoc_show_class_members = False
# Not asked for: what the signature, the summary or a page of the guide would only repeat (ES, EX, SA01, PR01, PR07,
# RT01, YD01), quotes on lines of their own (GL01, GL02), and summaries in the imperative on one line (SS05, SS06).
numpydoc_validation_checks = {
    *("GL03", "GL05", "GL06", "GL07", "GL08", "GL09", "GL10"),
    *("SS02", "SS03", "SS04"),
    *("PR02", "PR03", "PR04", "PR05", "PR06", "PR08", "PR09", "PR10"),
    *("RT02", "RT04", "RT05", "SA02", "SA03"),
}

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4  # as in the repository, where each heading can be linked to

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": ".",
    "abort_on_example_error": True,
    "reset_argv": "gallery.arguments",
    "within_subsection_order": "gallery.Order",
    "default_thumb_file": str(pathlib.Path(__file__).with_name("_static") / "thumbnail.svg"),
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": float("inf"),
    "matplotlib_animations": False,
}

copybutton_selector = "div:is(.highlight-python, .highlight-Python, .highlight-sh) pre"  # not what is printed

html_math_renderer = "mathml"  # of extensions/mathml.py
html_theme = "pydata_sphinx_theme"
html_title = "minigrad"
html_static_path = ["_static"]
html_css_files = ["minigrad.css"]
html_copy_source = False
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "show_toc_level": 2,
    "show_nav_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}
html_sidebars = {"index": []}
