"""The catalogue's formulas, which are Python expressions, in LaTeX."""

import ast

SUM, PRODUCT, POWER, ATOM = range(4)  # how tightly the outermost operation binds
SYMBOLS = {"alpha": r"\alpha", "beta": r"\beta", "lambd": r"\lambda", "pi": r"\pi"}
COMPARISONS = {ast.Lt: "<", ast.LtE: r"\le", ast.Gt: ">", ast.GtE: r"\ge"}
DIGITS = 6  # of a constant; the docstring has them all


def latex(expression):
    """Return a formula in LaTeX."""
    return write(ast.parse(expression, mode="eval").body)[0]


def write(node):
    """Return an expression in LaTeX, and how tightly its outermost operation binds."""
    match node:
        case ast.Constant():
            return number(node.value), ATOM
        case ast.Name():
            return spelling(node.id), ATOM
        case ast.UnaryOp(ast.USub(), operand):
            return f"-{bracketed(operand, PRODUCT)}", SUM
        case ast.BinOp(left, ast.Add(), right):
            return f"{bracketed(left, SUM)} + {bracketed(right, PRODUCT)}", SUM
        case ast.BinOp(left, ast.Sub(), right):
            return f"{bracketed(left, SUM)} - {bracketed(right, PRODUCT)}", SUM
        case ast.BinOp(left, ast.Mult(), right):
            leading = write(left)[0] if isinstance(left, ast.UnaryOp) else bracketed(left, PRODUCT)
            return rf"{leading} \, {bracketed(right, PRODUCT)}", PRODUCT
        case ast.BinOp(ast.BinOp(left, ast.Div(), middle), ast.Div(), right):  # a / b / c
            return fraction(left, ast.BinOp(middle, ast.Mult(), right)), PRODUCT
        case ast.BinOp(left, ast.Div(), right):
            return fraction(left, right), PRODUCT
        case ast.BinOp(left, ast.Pow(), right):
            return f"{bracketed(left, ATOM)}^{{{write(right)[0]}}}", POWER
        case ast.BinOp(left, ast.BitAnd(), right):
            return rf"{write(left)[0]} \text{{ and }} {write(right)[0]}", SUM
        case ast.Compare(left, [operation], [right]):
            return f"{write(left)[0]} {COMPARISONS[type(operation)]} {write(right)[0]}", SUM
        case ast.Call(ast.Name(function), arguments):
            return call(function, arguments)
    raise ValueError(f"no LaTeX for {ast.unparse(node)}")


def bracketed(node, least):
    """Return an expression, in brackets if it binds less tightly than that."""
    text, binds = write(node)
    return text if binds >= least else rf"\left({text}\right)"


def number(value):
    text = repr(value)
    return text if len(text) <= DIGITS + 3 else rf"{value:.{DIGITS}g}\ldots"


def spelling(identifier):
    if len(identifier) == 1:
        return identifier
    return SYMBOLS.get(identifier) or r"\text{" + identifier.replace("_", r"}\_\text{") + "}"


def fraction(above, below):
    return rf"\frac{{{write(above)[0]}}}{{{write(below)[0]}}}"


def call(function, arguments):
    inside = [write(argument)[0] for argument in arguments]
    match function:
        case "exp":
            return f"e^{{{inside[0]}}}", POWER
        case "expm1":
            return f"e^{{{inside[0]}}} - 1", SUM
        case "log1p":
            return rf"\log\left(1 + {inside[0]}\right)", ATOM
        case "abs":
            return rf"\left|{inside[0]}\right|", ATOM
        case "sqrt":
            return rf"\sqrt{{{inside[0]}}}", ATOM
        case "sum":
            return rf"\sum {bracketed(arguments[0], PRODUCT)}", PRODUCT
        case "clip":
            return rf"\text{{min}}(\text{{max}}({inside[0]}, {inside[1]}), {inside[2]})", ATOM
        case "where":
            return cases(arguments), ATOM
    if function in ("cosh", "log", "tanh"):
        operator = rf"\{function}"
    else:  # LaTeX's own \max and \min would be set as if limits stood below them
        operator = spelling({"maximum": "max", "minimum": "min"}.get(function, function))
    return rf"{operator}\left({', '.join(inside)}\right)", ATOM


def cases(arguments):
    """Return where(condition, value, otherwise), with what is nested in the last argument in lines of its own."""
    if ast.unparse(arguments[1]) == ast.unparse(arguments[2]):
        return write(arguments[1])[0]
    lines = []
    while True:
        condition, value, otherwise = arguments
        lines.append(rf"{write(value)[0]} & \text{{if }} {write(condition)[0]}")
        match otherwise:
            case ast.Call(ast.Name("where"), arguments):
                continue
        lines.append(rf"{write(otherwise)[0]} & \text{{otherwise}}")
        return r"\begin{cases} " + r" \\ ".join(lines) + r" \end{cases}"
