"""What all figures look like. Matplotlib is loaded to draw, and not to compute."""

STYLE = {
    "axes.grid": True,
    "axes.prop_cycle": "cycler('color', ['#0b6bcb', '#d1495b', '#2e933c', '#8d5fd3', '#b07d00'])",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "savefig.facecolor": "white",
    "svg.hashsalt": "fastact",  # the same picture is the same file
}


def draw(path, size, onto, *arguments):
    """Draw a figure of that size in inches: `onto(figure, *arguments)`."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=size)
        onto(figure, *arguments)
        figure.savefig(path, metadata={"Date": None})


def newer(path, sources):
    """Whether a file is newer than all that it is made of."""
    return path.exists() and path.stat().st_mtime > max(source.stat().st_mtime for source in sources)
