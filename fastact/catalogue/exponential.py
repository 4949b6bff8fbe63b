"""Activations made of exponentials and logarithms of them: kernels/elementwise/exponential.h."""

from fastact.catalogue.spec import FINITE, FINITE_ABOVE_ZERO, FINITE_FROM_ZERO, Parameter, Spec, ulp

LAMBDA = "1.0507009873554804934193349852946"
ALPHA = "1.6732632423543772848170429916717"

SPECS: tuple[Spec, ...] = (
    Spec(
        name="exponential",
        title="Exponential function",
        formula="exp(x)",
        derivative="exp(x)",
        derivative_y="y",
        range=("0", "inf"),
        bounds=ulp(forward=(1.0, 1.0), derivative=(1.0, 1.0), backward_y=(0.51, 0.51)),
        notes="Subnormal results are accurate too.",
        elsewhere={"keras.activations": "exponential", "ONNX": "Exp"},
        examples={
            "forward": """\
>>> fa.exponential(np.array([-np.inf, 0.0, 1.0, 800.0]))
array([0.        , 1.        , 2.71828183,        inf])""",
            "derivative": """\
>>> fa.exponential.derivative(np.array([-np.inf, 0.0, 1.0]))
array([0.        , 1.        , 2.71828183])""",
            "backward": """\
>>> x, grad = np.array([-1000.0, 0.0]), np.array([10.0, 20.0])
>>> fa.exponential.backward(grad, y=fa.exponential(x))
array([ 0., 20.])""",
        },
    ),
    Spec(
        name="gaussian",
        title="Gaussian",
        formula="exp(-(x**2))",
        derivative="-2 * x * exp(-(x**2))",
        range=("0", "1"),
        bounds=ulp(forward=(1.0, 1.0), derivative=(1.0, 1.0)),
        notes="Even to the bit, its derivative odd.",
        elsewhere={"others": "rbf"},
        examples={
            "forward": """\
>>> fa.gaussian(np.array([-30.0, 0.0, 1.0]))
array([0.        , 1.        , 0.36787944])""",
            "derivative": """\
>>> fa.gaussian.derivative(np.array([-1.0, 0.0, 1.0]))
array([ 0.73575888, -0.        , -0.73575888])""",
            "backward": """\
>>> x, grad = np.array([-1.0, 1e-200]), np.array([10.0, 20.0])
>>> fa.gaussian.backward(grad, x=x)
array([ 7.35758882e+000, -4.00000000e-199])""",
        },
    ),
    Spec(
        name="elu",
        title="Exponential linear unit",
        formula="where(x > 0, x, alpha * expm1(x))",
        derivative="where(x > 0, 1, alpha * exp(x))",
        derivative_y="where(y > 0, 1, y + alpha)",
        range=("min(-alpha, 0)", "inf"),
        parameters=(
            Parameter(
                "alpha",
                1.0,
                FINITE,
                "The limit at minus infinity is -alpha.",
                limits_from_y=FINITE_FROM_ZERO,
                examples=(0.5, 1.7, 0.0, -1.3, 1e-30, 1e30, 3e38, 1e-40),
            ),
        ),
        bounds=ulp(forward=(1.0, 1.0), derivative=(1.0, 1.0), backward_y=(0.51, 0.51)),
        elsewhere={
            "torch.nn": "ELU",
            "torch.nn.functional": "elu",
            "jax.nn": "elu",
            "keras.activations": "elu",
            "ONNX": "Elu",
        },
        notes="The derivative at 0 is that from the left, alpha.",
        source="Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by exponential linear units, 2015",
        examples={
            "forward": """\
>>> fa.elu(np.array([-np.inf, -1e-10, 2.0]))
array([-1.e+00, -1.e-10,  2.e+00])""",
            "derivative": """\
>>> fa.elu.derivative(np.array([-1.0, 0.0, 2.0]), 0.5)
array([0.18393972, 0.5       , 1.        ])""",
            "backward": """\
>>> y, grad = np.array([-0.75, 0.0, 2.0]), np.array([10.0, 20.0, 30.0])
>>> fa.elu.backward(grad, y=y)
array([ 2.5, 20. , 30. ])""",
        },
    ),
    Spec(
        name="selu",
        title="Scaled exponential linear unit",
        formula=f"{LAMBDA} * where(x > 0, x, {ALPHA} * expm1(x))",
        derivative=f"{LAMBDA} * where(x > 0, 1, {ALPHA} * exp(x))",
        derivative_y=f"where(y > 0, {LAMBDA}, y + {LAMBDA} * {ALPHA})",
        range=("-1.7580993408473768599", "inf"),
        bounds=ulp(forward=(1.0, 1.0), derivative=(1.0, 1.0), backward_y=(0.6, 0.6)),
        elsewhere={
            "torch.nn": "SELU",
            "torch.nn.functional": "selu",
            "jax.nn": "selu",
            "keras.activations": "selu",
            "ONNX": "Selu",
        },
        notes="The derivative at 0 is that from the left, 1.758.",
        source="Klambauer and others, Self-normalizing neural networks, 2017",
        examples={
            "forward": """\
>>> fa.selu(np.array([-np.inf, -1.0, 2.0]))
array([-1.75809934, -1.11133074,  2.10140197])""",
            "derivative": """\
>>> fa.selu.derivative(np.array([-1.0, 0.0, 2.0]))
array([0.6467686 , 1.75809934, 1.05070099])""",
            "backward": """\
>>> x, grad = np.array([0.0, 2.0]), np.array([10.0, 20.0])
>>> fa.selu.backward(grad, y=fa.selu(x))
array([17.58099341, 21.01401975])""",
        },
    ),
    Spec(
        name="celu",
        title="Continuously differentiable exponential linear unit",
        formula="where(x > 0, x, alpha * expm1(x / alpha))",
        derivative="where(x > 0, 1, exp(x / alpha))",
        derivative_y="where(y > 0, 1, (alpha + y) / alpha)",
        range=("-alpha", "inf"),
        parameters=(
            Parameter(
                "alpha",
                1.0,
                FINITE_ABOVE_ZERO,
                "The limit at minus infinity is -alpha.",
                examples=(0.1, 1.7, 1e-30, 1e30, 3e38, 1e-40),
            ),
        ),
        bounds=ulp(forward=(1.0, 1.0), derivative=(1.0, 1.0), backward_y=(0.6, 0.6)),
        elsewhere={
            "torch.nn": "CELU",
            "torch.nn.functional": "celu",
            "jax.nn": "celu",
            "keras.activations": "celu",
            "ONNX": "Celu",
        },
        source="Barron, Continuously differentiable exponential linear units, 2017",
        examples={
            "forward": """\
>>> fa.celu(np.array([-np.inf, -1e-10, 2.0]), 0.5)
array([-5.e-01, -1.e-10,  2.e+00])""",
            "derivative": """\
>>> fa.celu.derivative(np.array([-1.0, 0.0, 2.0]), 0.5)
array([0.13533528, 1.        , 1.        ])""",
            "backward": """\
>>> y, grad = np.array([-0.75, 0.0, 2.0]), np.array([10.0, 20.0, 30.0])
>>> fa.celu.backward(grad, y=y)
array([ 2.5, 20. , 30. ])""",
        },
    ),
)
