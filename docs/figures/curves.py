"""Pictures of the reference: every function and its derivative, as fastact computes them."""

import numpy as np

import fastact as fa

SIZE = (5.4, 3.4)
SPAN = {"relu6": (-4, 8)}  # where a function bends beyond
PARAMETERS = {"threshold": {"threshold": 1.0, "value": 0.5}}  # where typical ones would lie outside the picture
ROW = np.array([1.2, 0.9, 0.3, -1.0])


def curve(figure, spec):
    """An elementwise function, and its derivative."""
    low, high = SPAN.get(spec.name, (-4, 4))
    parameters = PARAMETERS.get(spec.name, spec.typical)
    x = np.linspace(low, high, 2001)
    function = fa.ACTIVATIONS[spec.name]
    y, slope = function(x, **parameters), function.derivative(x, **parameters)
    axes = figure.add_subplot(xlabel="x", xlim=(low, high))
    label = ", ".join(f"{name}={value:.3g}" for name, value in parameters.items())
    axes.plot(x, torn(y), label=f"{spec.name}{f' ({label})' if label else ''}")
    axes.plot(x, torn(slope), "--", label="derivative")
    show(axes, np.concatenate([y, slope]), low, high)


def torn(y):
    """Return values that jump with a gap at the jump."""
    jumps = np.abs(np.diff(y, append=y[-1])) > 0.05 * max(1, np.ptp(y))
    return np.where(jumps, np.nan, y)


def show(axes, values, low, high):
    """Show the values from `low` to `high`, and the axes through 0."""
    bottom, top = max(values.min(), low), min(values.max(), high)
    room = 0.06 * (top - bottom)
    axes.set_ylim(bottom - room, top + room)
    for line in (axes.axhline, axes.axvline):
        line(0, color="#888888", linewidth=0.8, zorder=1)
    axes.figure.legend(loc="outside upper center", ncols=2)


def bars(figure, spec):
    """A function of rows: one row, and what becomes of it."""
    left, right = figure.subplots(1, 2)
    places = np.arange(len(ROW))
    left.bar(places, ROW, color="#888888")
    left.set_title("x")
    scales = (0.5, 1.0, 2.0) if spec.scaled else (None,)
    width = 0.8 / len(scales)
    for k, scale in enumerate(scales):
        given = {} if scale is None else {"scale": scale}
        y = fa.ACTIVATIONS[spec.name](ROW, **given)
        right.bar(places + (k - (len(scales) - 1) / 2) * width, y, width, label=None if scale is None else f"{scale:g}")
    right.set_title(f"{spec.name}(x)" if scales == (None,) else f"{spec.name}(x, scale=)")
    if scales != (None,):
        figure.legend(loc="outside lower center", ncols=3, title="scale")
    for axes in (left, right):
        axes.set_xticks(places)
        axes.axhline(0, color="#888888", linewidth=0.8)


def reduced(figure, spec):
    """A function that makes one number of a row: of two numbers, one of which is 0."""
    x = np.linspace(-4, 4, 401)
    rows = np.stack([x, np.zeros_like(x)], axis=1)
    function = fa.get(spec.name)
    y = function(rows)
    axes = figure.add_subplot(xlabel="x", xlim=(-4, 4))
    axes.plot(x, y, label=f"{spec.name}([x, 0])")
    axes.plot(x, function.backward(np.ones_like(x), x=rows)[:, 0], "--", label="derivative by x")
    axes.plot(x, np.maximum(x, 0), ":", color="#888888", label="max(x, 0)")
    show(axes, y, -4, 4)


def surface(figure, spec):
    """A gated unit over its two inputs."""
    gate, value = np.meshgrid(np.linspace(-4, 4, 161), np.linspace(-4, 4, 161))
    y = fa.GATES[spec.name](gate=gate, value=value)
    axes = figure.add_subplot(xlabel="gate", ylabel="value")
    axes.grid(visible=False)
    levels = np.linspace(-4, 4, 17)
    shades = axes.contourf(gate, value, y, levels, cmap="RdBu_r", extend="both")
    axes.contour(gate, value, y, levels, colors="black", linewidths=0.4, negative_linestyles="solid")
    figure.colorbar(shades, label=f"{spec.name}(gate, value)", ticks=[-4, -2, 0, 2, 4])


def softmax_loss(figure):
    """The loss by the logit of the right class, beside two others at 0."""
    z = np.linspace(-6, 6, 241)
    logits = np.stack([z, 0 * z, 0 * z], axis=1)
    grad = np.empty_like(logits)
    loss = fa.softmax_cross_entropy(logits, np.zeros(len(z), int), reduction="none", grad_out=grad)
    axes = figure.add_subplot(xlabel="logit of the right class (two others are 0)", xlim=(-6, 6))
    axes.plot(z, loss, label="loss")
    axes.plot(z, grad[:, 0], "--", label="gradient")
    show(axes, np.concatenate([loss, grad[:, 0]]), -6, 6)


def sigmoid_loss(figure):
    """The loss by the logit, for both targets."""
    z = np.linspace(-6, 6, 241)
    axes = figure.add_subplot(xlabel="logit", xlim=(-6, 6))
    for target in (1, 0):
        grad = np.empty_like(z)
        loss = fa.sigmoid_cross_entropy(z, np.full_like(z, target), reduction="none", grad_out=grad)
        (line,) = axes.plot(z, loss, label=f"loss, target {target}")
        axes.plot(z, grad, "--", color=line.get_color(), label=f"gradient, target {target}")
    show(axes, np.array([-1.0, 6.0]), -6, 6)


def loss(figure, spec):
    """A loss over a logit, with its gradient."""
    {"softmax_cross_entropy": softmax_loss, "sigmoid_cross_entropy": sigmoid_loss}[spec.name](figure)


PICTURES = {
    "elementwise": curve,
    "channelwise": curve,
    "rowwise": bars,
    "reduction": reduced,
    "gate": surface,
    "loss": loss,
}
