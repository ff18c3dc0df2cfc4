"""Sphinx's settings for the web edition; `python -m tools.site` writes the pages and calls Sphinx."""

import html
import tomllib

from docutils.nodes import SkipNode
from math_core import LatexToMathML

from helpers.files import COURSE
from tools import notebooks

ABOUT = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = notebooks.address()

project = "From Autoencoders to Diffusion"
author = "the authors of the course"
version = release = ABOUT["version"]
language = "en"
extensions = ["myst_nb", "sphinx_copybutton"]
exclude_patterns = []
nitpicky = False

nb_execution_mode = "off"
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "text/html", 0)]
nb_code_prompt_show = nb_code_prompt_hide = "Housekeeping"  # only its cells are folded
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
myst_links_external_new_tab = True
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "sphinx_book_theme"
html_title = project
html_baseurl = notebooks.pages(ADDRESS)
html_static_path = ["static"]
html_css_files = ["course.css"]
html_js_files = [("recordings.js", {"defer": "defer"})]
html_math_renderer = "mathml"
html_copy_source = (
    True  # tools/site.py puts the notebooks as they are in their place: a page offers its own to download
)
html_sourcelink_suffix = ""
html_last_updated_fmt = None
html_favicon = "static/favicon.svg"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_persistent": [],
    "repository_url": ADDRESS,
    "repository_branch": "main",
    "path_to_docs": "",
    "use_repository_button": True,
    "use_download_button": True,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "show_navbar_depth": 1,
    "launch_buttons": {
        "colab_url": "https://colab.research.google.com",
        "binderhub_url": "https://mybinder.org",
        "notebook_interface": "jupyterlab",
    },
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"**": ["navbar-logo.html", "search-button-field.html", "sbt-sidebar-nav.html"]}
copybutton_exclude = ".linenos, .gp, .go"

LONG = 30  # characters of LaTeX that may be too wide for a phone
FORMULAS = LatexToMathML()


def inline(translator, node):
    """Write a formula inside a line."""
    formula = mathml(node, displaystyle=False)
    translator.body.append(f'<span class="long">{formula}</span>' if len(node.astext()) > LONG else formula)
    raise SkipNode


def block(translator, node):
    """Write a formula on a line of its own."""
    reach = ' tabindex="0"' if len(node.astext()) > 2 * LONG else ""  # what may scroll can be reached by keys
    translator.body.append(f'<div class="formula"{reach}>{mathml(node, displaystyle=True)}</div>\n')
    raise SkipNode


def mathml(node, displaystyle):
    """A formula as MathML, with its LaTeX for whoever wants it."""
    latex = node.astext().strip()
    formula = FORMULAS.convert_with_local_state(latex, displaystyle=displaystyle)
    return formula.replace("<math", f'<math data-latex="{html.escape(latex)}"', 1)


def setup(app):
    """Tell Sphinx how to write formulas."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
