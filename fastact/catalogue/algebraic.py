"""Activations made of quotients and roots: kernels/elementwise/algebraic.h."""

from fastact.catalogue.spec import FINITE_ABOVE_ZERO, Parameter, Spec, ulp

SPECS: tuple[Spec, ...] = (
    Spec(
        name="soft_sign",
        title="Soft sign",
        formula="x / (1 + abs(x))",
        derivative="1 / (1 + abs(x)) ** 2",
        derivative_y="(1 - abs(y)) ** 2",
        range=("-1", "1"),
        bounds=ulp(forward=(0.6, 0.6), derivative=(1.25, 1.25), backward_y=(0.6, 0.6)),
        notes="Odd to the bit: ``soft_sign(-x)`` is ``-soft_sign(x)``.",
        elsewhere={
            "torch.nn": "Softsign",
            "torch.nn.functional": "softsign",
            "jax.nn": "soft_sign",
            "keras.activations": "softsign",
            "ONNX": "Softsign",
        },
        source="Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010",
        examples={
            "forward": """\
>>> fa.soft_sign(np.array([-1.0, 0.0, 3.0]))
array([-0.5 ,  0.  ,  0.75])""",
            "derivative": """\
>>> fa.soft_sign.derivative(np.array([-1.0, 0.0, 3.0]))
array([0.25  , 1.    , 0.0625])""",
            "backward": """\
>>> x, grad = np.array([-1.0, 0.0, 3.0]), np.array([8.0, 16.0, 32.0])
>>> fa.soft_sign.backward(grad, x=x)
array([ 2., 16.,  2.])
>>> fa.soft_sign.backward(grad, y=fa.soft_sign(x))
array([ 2., 16.,  2.])""",
        },
    ),
    Spec(
        name="squareplus",
        title="Squareplus: softplus without an exponential",
        formula="where(x < 0, b / 2 / (sqrt(x**2 + b) - x), (x + sqrt(x**2 + b)) / 2)",
        derivative="where(x < 0, b / 2 / (sqrt(x**2 + b) * (sqrt(x**2 + b) - x)), (1 + x / sqrt(x**2 + b)) / 2)",
        derivative_y="y**2 / (y**2 + b / 4)",
        range=("0", "inf"),
        parameters=(
            Parameter(
                "b",
                4.0,
                FINITE_ABOVE_ZERO,
                "The square of the width of the transition; ``sqrt(b) / 2`` is the output at 0.",
                examples=(1.0, 0.1, 3.0, 1e-30, 1e30, 1e-44, 3.4e38),
            ),
        ),
        bounds=ulp(forward=(1.0, 1.0), derivative=(1.25, 1.25), backward_y=(1.0, 1.0)),
        elsewhere={"jax.nn": "squareplus", "keras.activations": "squareplus"},
        source="Barron, Squareplus: a softplus-like algebraic rectifier, 2021",
        examples={
            "forward": """\
>>> fa.squareplus(np.array([-1.5, 0.0, 1.5]))
array([0.5, 1. , 2. ])""",
            "derivative": """\
>>> fa.squareplus.derivative(np.array([-1.5, 0.0, 1.5]))
array([0.2, 0.5, 0.8])""",
            "backward": """\
>>> x, grad = np.array([-1.5, 0.0, 1.5]), np.array([10.0, 20.0, 30.0])
>>> fa.squareplus.backward(grad, x=x)
array([ 2., 10., 24.])
>>> fa.squareplus.backward(grad, y=fa.squareplus(x))
array([ 2., 10., 24.])""",
        },
    ),
)
