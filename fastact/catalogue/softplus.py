"""Activations made of log(1 + e^x): kernels/elementwise/softplus.h."""

from fastact.catalogue.spec import FINITE_ABOVE_ZERO, Parameter, Spec, ulp

SPECS: tuple[Spec, ...] = (
    Spec(
        name="softplus",
        title="Softplus, a smooth ramp",
        formula="(maximum(beta * x, 0) + log1p(exp(-abs(beta * x)))) / beta",
        derivative="where(x < 0, exp(-abs(beta * x)), 1) / (1 + exp(-abs(beta * x)))",
        derivative_y="-expm1(-beta * y)",
        range=("0", "inf"),
        parameters=(
            Parameter(
                "beta",
                1.0,
                FINITE_ABOVE_ZERO,
                "Steepness: the larger, the closer to `relu`.",
                examples=(0.3, 20.0, 1e-30, 1e30),
            ),
        ),
        bounds=ulp(forward=(1.5, 1.5), derivative=(1.0, 1.0), backward_y=(0.75, 0.75)),
        elsewhere={
            "torch.nn": "Softplus",
            "torch.nn.functional": "softplus",
            "jax.nn": "softplus",
            "keras.activations": "softplus",
            "ONNX": "Softplus",
        },
        notes="log(1 + exp(beta * x)) / beta without a threshold: smooth and accurate everywhere, subnormal results included.",
        examples={
            "forward": """\
>>> fa.softplus(np.array([-1000.0, 0.0, 1000.0]))
array([0.00000000e+00, 6.93147181e-01, 1.00000000e+03])""",
            "derivative": """\
>>> fa.softplus.derivative(np.array([-1000.0, 0.0, 1000.0]))
array([0. , 0.5, 1. ])""",
            "backward": """\
>>> x, grad = np.array([0.0, 1000.0]), np.array([10.0, 20.0])
>>> fa.softplus.backward(grad, y=fa.softplus(x))
array([ 5., 20.])""",
        },
    ),
    Spec(
        name="log_sigmoid",
        title="Logarithm of the logistic sigmoid",
        formula="minimum(x, 0) - log1p(exp(-abs(x)))",
        derivative="where(x > 0, exp(-abs(x)), 1) / (1 + exp(-abs(x)))",
        derivative_y="-expm1(y)",
        range=("-inf", "0"),
        bounds=ulp(forward=(1.25, 1.25), derivative=(1.0, 1.0), backward_y=(0.75, 0.75)),
        notes="-softplus(-x).",
        elsewhere={
            "torch.nn": "LogSigmoid",
            "torch.nn.functional": "logsigmoid",
            "jax.nn": "log_sigmoid",
            "keras.activations": "log_sigmoid",
            "scipy.special": "log_expit",
        },
        examples={
            "forward": """\
>>> fa.log_sigmoid(np.array([-1000.0, 0.0, 1000.0]))
array([-1.00000000e+03, -6.93147181e-01, -0.00000000e+00])""",
            "derivative": """\
>>> fa.log_sigmoid.derivative(np.array([-1000.0, 0.0, 1000.0]))
array([1. , 0.5, 0. ])""",
            "backward": """\
>>> x, grad = np.array([-1000.0, 0.0]), np.array([10.0, 20.0])
>>> fa.log_sigmoid.backward(grad, y=fa.log_sigmoid(x))
array([10., 10.])""",
        },
    ),
    Spec(
        name="mish",
        title="Mish, a smooth ramp that dips below 0",
        formula="x * tanh(maximum(x, 0) + log1p(exp(-abs(x))))",
        derivative="tanh(maximum(x, 0) + log1p(exp(-abs(x))))"
        " + x / cosh(maximum(x, 0) + log1p(exp(-abs(x)))) ** 2 * where(x < 0, exp(-abs(x)), 1) / (1 + exp(-abs(x)))",
        root="-1.1924312145154952",
        range=("-0.3088435", "inf"),
        bounds=ulp(forward=(1.1, 1.1), derivative=(1.75, 1.75)),
        elsewhere={
            "torch.nn": "Mish",
            "torch.nn.functional": "mish",
            "jax.nn": "mish",
            "keras.activations": "mish",
            "ONNX": "Mish",
            "Hugging Face": "mish",
        },
        notes="x * tanh(softplus(x)). Its least value is near -0.3088, at x near -1.1925.",
        source="Misra, Mish: a self regularized non-monotonic activation function, 2019",
        examples={
            "forward": """\
>>> fa.mish(np.array([-1000.0, 0.0, 1000.0]))
array([  -0.,    0., 1000.])""",
            "derivative": """\
>>> fa.mish.derivative(np.array([-1000.0, 0.0, 1000.0]))
array([-0. ,  0.6,  1. ])""",
            "backward": """\
>>> x, grad = np.array([0.0, 1000.0]), np.array([10.0, 20.0])
>>> fa.mish.backward(grad, x=x)
array([ 6., 20.])""",
        },
    ),
)
