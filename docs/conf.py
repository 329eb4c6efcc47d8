"""How Sphinx builds the site: `make docs`."""

import os
import shutil
import sys
from pathlib import Path

from sphinx_gallery.sorting import ExplicitOrder

import regnet

sys.path.insert(0, str(Path(__file__).parent / "extensions"))
# An example that starts the command `regnet` finds that of this environment.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"

# What an example writes lies beside it: in a copy, which is made anew.
HERE, EXAMPLES = Path(__file__).parent, "../build/examples"
shutil.rmtree(HERE / EXAMPLES, ignore_errors=True)
shutil.copytree(HERE / "examples", HERE / EXAMPLES)

project = "regnet"
author = "The regnet developers"
copyright = f"2026, {author}"
release = version = regnet.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "command_reference",
    "docstrings",
    "links",
    "mathml",
    "support",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
root_doc = "index"
exclude_patterns = ["examples", "_templates"]
templates_path = ["_templates"]
default_role = "code"
nitpicky = True

# Every Markdown page has anchors of its headings as GitHub makes them, so that a link works in both places.
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
    "examples_dirs": [EXAMPLES],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"/plot_",
    "subsection_order": ExplicitOrder([f"{EXAMPLES}/{name}" for name in ("choose", "tables", "networks", "elsewhere")]),
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "reference/examples",
    "image_scrapers": ("matplotlib", "own_figures"),
    "doc_module": ("regnet",),
    "reference_url": {"regnet": None},
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 10**9,
    "abort_on_example_error": True,
    "show_memory": False,
    "write_computation_times": False,
    "matplotlib_animations": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "regnet"
html_static_path = ["_static"]
html_css_files = ["regnet.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "regnet"},
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "use_edit_page_button": False,
    "github_url": "https://github.com/regnet-xp/regnet",
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "gallery/choose/plot_1_ten_minutes": [], "evidence": [], "limits": [], "support": []}
