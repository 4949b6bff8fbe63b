"""How Sphinx builds the guide: `sphinx-build -W docs docs/_build/html`.

Before it reads a page it draws the figures of the lesson and writes the reference, both only where they are out of date.
"""

import sys
from pathlib import Path

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS / "figures")]

import fastact
import make
import reference_pages

project = "fastact"
author = copyright = "fastact contributors"
version = release = fastact.__version__

extensions = [
    "myst_parser",  # pages in Markdown, and README's sections where they belong
]
myst_enable_extensions = ["dollarmath", "substitution"]
myst_heading_anchors = 3
myst_substitutions = make.numbers()  # what the figures' runs came to, for the text beside them

exclude_patterns = ["_build"]
nitpicky = True  # a link that leads nowhere is an error
nitpick_ignore = [("py:exc", "numpy.exceptions.AxisError")]  # on another site
html_math_renderer = "mathml"
html_theme = "furo"
html_title = "fastact"
html_static_path = ["_static"]
html_css_files = ["guide.css"]
html_js_files = ["sort.js"]
pygments_style = "friendly"
pygments_dark_style = "github-dark"


def inline_math(translator, node):
    translator.body.append(tex2mathml(node.astext()))
    raise SkipNode


def block_math(translator, node):
    translator.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise SkipNode


def setup(app):
    # Browsers read MathML: a formula takes no script and no network.
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    app.connect("builder-inited", lambda app: reference_pages.write())
