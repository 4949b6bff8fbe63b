"""How Sphinx builds the guide: `sphinx-build -W docs docs/_build/html`.

Before it reads a page it draws the figures of the lesson and writes the reference, both only where they are out of date.
"""

import sys
from pathlib import Path

from docutils.nodes import SkipNode, literal
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform

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


class LinkFunctions(SphinxTransform):
    """Makes `fa.relu`, on a page in Markdown, a link to the function's page; elsewhere it is read as it stands."""

    default_priority = 500

    def apply(self):
        for node in list(self.document.findall(literal)):
            name = node.astext().removeprefix("fa.")
            if node.astext() == f"fa.{name}" and name in fastact.__all__:
                link = pending_xref("", refdomain="py", reftype="func", reftarget=f"fastact.{name}", refwarn=True)
                link["refdoc"] = self.env.docname
                node.replace_self(link)
                link += node


def setup(app):
    app.add_transform(LinkFunctions)
    # Browsers read MathML: a formula takes no script and no network.
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    app.connect("builder-inited", lambda app: reference_pages.write())
