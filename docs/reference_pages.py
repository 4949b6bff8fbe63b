"""Writes docs/reference/: a page and a picture for everything public, out of the catalogue and the docstrings."""

import importlib
import inspect
import re
from pathlib import Path

from sphinx.ext.napoleon import Config, NumpyDocstring

import curves
import fastact as fa
import style
from fastact import catalogue
from fastact.activations import folded
from latex import latex, spelling

DOCS = Path(__file__).parent
REFERENCE = DOCS / "reference"
FAMILIES = ("piecewise", "algebraic", "logistic", "exponential", "softplus", "normal", "rows", "gates", "losses")
TOOLS = (
    "get",
    "diagnose",
    "Diagnosis",
    "plot",
    "set_num_threads",
    "get_num_threads",
    "num_threads",
    "show_config",
    "get_include",
    "get_c_api",
)
NAPOLEON = Config(napoleon_use_param=False, napoleon_use_rtype=False)
MEASURED = {
    "accuracy": "Accuracy",
    "speed": "Speed",
    "fused": "Fused",
}  # pages of measurements, and what their rows are called here


def write():
    """Write what is out of date, and remove pages of what is no more."""
    REFERENCE.mkdir(exist_ok=True)
    pages = {"index": index()}
    pages |= {name: function_page(spec) for name, spec in catalogue.SPECS.items()}
    pages |= {name: f"{heading(name)}\n{described(name, getattr(fa, name))}" for name in TOOLS}
    for name, text in pages.items():
        path = REFERENCE / f"{name}.rst"
        if not path.exists() or path.read_text() != text:  # Sphinx reads again what is newer
            path.write_text(text)
    drawn_by = [Path(module.__file__) for module in (curves, style, catalogue.spec)]
    drawn_by += [Path(importlib.import_module(f"fastact.catalogue.{family}").__file__) for family in FAMILIES]
    for name, spec in catalogue.SPECS.items():
        path = REFERENCE / f"{name}.svg"
        if not style.newer(path, drawn_by):
            style.draw(path, curves.SIZE, curves.PICTURES[spec.kind], spec)
    for path in REFERENCE.iterdir():
        if path.stem not in pages:
            path.unlink()


def heading(text, line="="):
    return f"{text}\n{line * len(text)}\n"


def index():
    """Return the page that shows all functions, by family."""
    parts = [
        heading("Reference"),
        "Every function in one table; then its picture, with the derivative in dashes.\n",
        table(),
    ]
    for family in FAMILIES:
        module = importlib.import_module(f"fastact.catalogue.{family}")
        title = module.__doc__.partition(":")[0]
        specs = (*module.SPECS, *getattr(module, "REDUCTIONS", ()))
        parts += [heading(title, "-"), gallery(spec.name for spec in specs)]
    parts += [heading("Names, diagnosis, pictures, threads and what runs here", "-"), toctree(TOOLS)]
    return "\n".join(parts)


def table():
    """Return one row for each function; names that differ in capitals and underscores are left out."""
    rows = []
    for spec in catalogue.SPECS.values():
        formula = f"{spec.activation}(gate) * value" if spec.kind == "gate" else spec.formula
        others = {folded(name): name for name in reversed(spec.aliases) if folded(name) != folded(spec.name)}
        rows.append([f":doc:`{spec.name}`", spec.title, f"``{formula}``", ", ".join(reversed(others.values()))])
    return list_table("", ["name", "what it is", "formula", "other names"], rows, "api")


def gallery(names):
    names = list(names)
    figures = "\n".join(f"   .. figure:: {name}.svg\n      :alt: {name}\n\n      :doc:`{name}`\n" for name in names)
    return f".. container:: gallery\n\n{figures}\n{toctree(names, hidden=True)}"


def toctree(names, hidden=False):
    listed = "\n".join(f"   {name}" for name in names)
    return f".. toctree::\n   :maxdepth: 1\n{'   :hidden:' if hidden else ''}\n\n{listed}\n"


def function_page(spec):
    """Return the page of a function of the catalogue."""
    function = getattr(fa, spec.name)
    parts = [heading(spec.name), f"{spec.title}.\n", *formulas(spec), picture(spec.name)]
    parts.append(described(spec.name, function))
    for method in ("derivative", "backward", "jacobian"):
        if hasattr(function, method):
            parts.append(described(f"{spec.name}.{method}", getattr(function, method), function))
    parts += measured(spec.name)
    return "\n".join(parts)


def formulas(spec):
    """Yield the formulas of a function, set."""
    if spec.kind == "gate":  # whose gradients are those of its activation
        yield equation(f"f({', '.join(map(spelling, spec.inputs))})", spec.formula)
    elif spec.kind == "loss":
        yield equation(r"\text{loss}", spec.formula)
        yield equation(r"\text{gradient}", spec.gradient)
    else:
        yield equation("f(x)", spec.formula)
        if spec.derivative:
            yield equation(r"f^{\prime}(x)", spec.derivative)
        else:
            yield equation(r"\text{backward}", spec.backward_y or spec.backward_x)


def equation(left, expression):
    return f".. math::\n\n   {left} = {latex(expression)}\n"


def picture(name):
    return f".. image:: {name}.svg\n   :alt: {name}\n   :class: picture\n"


def described(name, function, above=None):
    """Return a function's signature and docstring, as Sphinx's own directive has them; without what stands above."""
    text = inspect.cleandoc(function.__doc__)
    if above and text.startswith(f"{name}("):
        text = shortened(text, inspect.cleandoc(above.__doc__))
    first, _, rest = text.partition("\n\n")
    if first.startswith(f"{name}("):  # the docstrings of activations begin with their signatures
        signatures, text = first.splitlines(), rest
    else:
        parameters = inspect.signature(function).parameters.values()
        plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
        signatures = [f"{name}{inspect.Signature(plain)}"]
    directive = ".. py:function:: " + "\n                 ".join(f"fastact.{signature}" for signature in signatures)
    text = re.sub(r"(?<=^See Also\n--------\n).*?(?=\n\n)", qualified, text, flags=re.MULTILINE | re.DOTALL)
    body = str(NumpyDocstring(linked(text), NAPOLEON))
    return f"{directive}\n\n{indented(body)}\n"


SECTION = r"^{title}\n-+\n(.*?)(?:\n\n(?=\S+(?: \S+)?\n---)|\Z)"


def items(text, title):
    """Return the items of a docstring's section, each with the lines that are indented under it."""
    section = re.search(SECTION.format(title=title), text, re.MULTILINE | re.DOTALL)
    return re.findall(r"^\S.*(?:\n .*|\n(?=\n ))*", section[1], re.MULTILINE) if section else []


def shortened(text, above):
    """Return a docstring without what another one says of the same arguments and errors."""
    dropped = []
    for title in ("Parameters", "Raises"):
        kept = []
        for item in items(text, title):
            words = " ".join(item.split())
            known = next((each for each in items(above, title) if words.startswith(" ".join(each.split()))), None)
            if known is None:
                kept.append(item)
            elif rest := words[len(" ".join(known.split())) :].strip():
                kept.append(f"{item.splitlines()[0]}\n    As above. {rest}")
            elif title == "Parameters":
                dropped.append(f"`{item.partition(' :')[0]}`")
        section = "\n".join([title, "-" * len(title), *kept, "", ""]) if kept else ""
        text = re.sub(SECTION.format(title=title), lambda _, new=section: new, text, flags=re.MULTILINE | re.DOTALL)
    signature, summary, rest = text.split("\n\n", 2)
    return "\n\n".join([signature, summary, *([f"As above: {', '.join(dropped)}."] if dropped else []), rest])


def qualified(section):
    """Return the items of See Also by their full names, which Sphinx links."""
    return re.sub(r"^(?=\w+[\w.]* :)", "fastact.", section[0], flags=re.MULTILINE)


def linked(text):
    """Return a docstring whose names in single backticks lead to their pages, where they have one."""

    def link(match):
        name = match[1].removeprefix("fastact.")
        return f":py:func:`~fastact.{name}`" if name in fa.__all__ else f"``{match[1]}``"

    return re.sub(r"(?<!`)`([^`\n]+)`(?!`)", link, text)


def indented(text):
    return "\n".join(f"   {line}".rstrip() for line in text.splitlines())


def measured(name):
    """Yield the rows about a function that the pages of measurements have."""
    for page, title in MEASURED.items():
        tables = list(tables_about(name, (DOCS / f"{page}.md").read_text()))
        if tables:
            yield heading(title, "-")
            yield f"Of :doc:`/{page}`, which says how it was measured.\n"
        for caption, header, rows in tables:
            yield list_table(caption, header, rows)


def tables_about(name, text):
    """Yield what a page of Markdown has about a function: a table's heading, its header and the rows that begin so."""
    caption = ""
    lines = [*text.splitlines(), ""]
    table = []
    for line in lines:
        if line.startswith("#"):
            caption = line.lstrip("# ")
        if line.startswith("|"):
            table.append([cell.strip() for cell in line.strip().strip("|").split("|")])
        elif table:
            rows = [row for row in table[2:] if re.match(rf"{name}\b", row[0])]
            if rows:
                yield caption, table[0], rows
            table = []


def list_table(caption, header, rows, style="measured"):
    """Return a table without its empty columns."""
    columns = [k for k in range(len(header)) if any(row[k] for row in rows)]
    lines = [f".. list-table:: {caption}", "   :header-rows: 1", f"   :class: {style}", ""]
    for row in [header, *rows]:
        lines += [f"   {'* -' if column == columns[0] else '  -'} {row[column]}" for column in columns]
    return "\n".join(lines) + "\n"
