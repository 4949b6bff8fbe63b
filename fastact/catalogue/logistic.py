"""Activations made of the logistic function: kernels/elementwise/logistic.h."""

from fastact.catalogue.spec import FINITE, Parameter, Spec, ulp

SPECS: tuple[Spec, ...] = (
    Spec(
        name="sigmoid",
        title="Logistic sigmoid",
        formula="1 / (1 + exp(-x))",
        derivative="exp(-abs(x)) / (1 + exp(-abs(x))) ** 2",
        derivative_y="y * (1 - y)",
        range=("0", "1"),
        bounds=ulp(forward=(1.0, 1.0), derivative=(1.0, 1.0), backward_y=(0.51, 0.51)),
        notes="Subnormal results are accurate too.",
        elsewhere={
            "torch.nn": "Sigmoid",
            "torch.nn.functional": "sigmoid",
            "jax.nn": "sigmoid",
            "keras.activations": "sigmoid",
            "scipy.special": "expit",
            "ONNX": "Sigmoid",
            "Hugging Face": "sigmoid",
            "others": "logistic logistic_sigmoid",
        },
        examples={
            "forward": """\
>>> fa.sigmoid(np.array([-800.0, 0.0, 800.0]))
array([0. , 0.5, 1. ])""",
            "derivative": """\
>>> fa.sigmoid.derivative(np.array([-800.0, 0.0, 800.0]))
array([0.  , 0.25, 0.  ])""",
            "backward": """\
>>> x, grad = np.array([-1.0, 0.0]), np.array([0.0, 2.0])
>>> fa.sigmoid.backward(grad, y=fa.sigmoid(x))
array([0. , 0.5])""",
        },
    ),
    Spec(
        name="tanh",
        title="Hyperbolic tangent",
        formula="tanh(x)",
        derivative="1 / cosh(x) ** 2",
        derivative_y="1 - y**2",
        range=("-1", "1"),
        bounds=ulp(forward=(1.0, 2.0), derivative=(1.0, 1.0), backward_y=(0.51, 0.51)),
        elsewhere={
            "torch.nn": "Tanh",
            "torch.nn.functional": "tanh",
            "jax.nn": "tanh",
            "keras.activations": "tanh",
            "ONNX": "Tanh",
            "Hugging Face": "tanh",
        },
        notes="Odd to the bit: ``tanh(-x)`` is ``-tanh(x)``.",
        examples={
            "forward": """\
>>> fa.tanh(np.array([-20.0, 0.0, 20.0]))
array([-1.,  0.,  1.])""",
            "derivative": """\
>>> fa.tanh.derivative(np.array([-400.0, 0.0, 400.0]))
array([0., 1., 0.])""",
            "backward": """\
>>> grad, y = np.array([10.0, 20.0]), np.array([0.5, 1.0])
>>> fa.tanh.backward(grad, y=y, out=grad)
array([7.5, 0. ])""",
        },
    ),
    Spec(
        name="tanh_shrink",
        title="Tanh shrinkage",
        formula="x - tanh(x)",
        derivative="tanh(x) ** 2",
        range=("-inf", "inf"),
        bounds=ulp(forward=(1.5, 1.5), derivative=(1.5, 2.0)),
        notes="Odd to the bit. Accurate near 0, where ``x - tanh(x)`` would cancel.",
        elsewhere={"torch.nn": "Tanhshrink", "torch.nn.functional": "tanhshrink", "keras.activations": "tanh_shrink"},
        examples={
            "forward": """\
>>> fa.tanh_shrink(np.array([-1000.0, 0.0, 1000.0]))
array([-999.,    0.,  999.])""",
            "derivative": """\
>>> fa.tanh_shrink.derivative(np.array([-1000.0, 0.0, 1000.0]))
array([1., 0., 1.])""",
            "backward": """\
>>> x, grad = np.array([0.0, 100.0]), np.array([4.0, 3.0])
>>> fa.tanh_shrink.backward(grad, x=x)
array([0., 3.])""",
        },
    ),
    Spec(
        name="silu",
        title="Sigmoid linear unit",
        formula="x / (1 + exp(-x))",
        derivative="(1 + x / (1 + exp(x))) / (1 + exp(-x))",
        range=("-0.278465", "inf"),
        root="-1.2784645427610738",
        bounds=ulp(forward=(1.5, 1.5), derivative=(1.5, 1.5)),
        elsewhere={
            "torch.nn": "SiLU",
            "torch.nn.functional": "silu",
            "jax.nn": "silu",
            "keras.activations": "silu",
            "Hugging Face": "silu",
        },
        source="Elfwing, Uchibe and Doya, Sigmoid-weighted linear units for neural network function approximation, 2017",
        examples={
            "forward": """\
>>> fa.silu(np.array([-1000.0, 0.0, 1000.0]))
array([  -0.,    0., 1000.])""",
            "derivative": """\
>>> fa.silu.derivative(np.array([-1000.0, 0.0, 1000.0]))
array([-0. ,  0.5,  1. ])""",
            "backward": """\
>>> x, grad = np.array([0.0, 100.0]), np.array([4.0, 3.0])
>>> fa.silu.backward(grad, x=x)
array([2., 3.])""",
        },
    ),
    Spec(
        name="swish",
        title="Swish",
        formula="x / (1 + exp(-beta * x))",
        derivative="(1 + beta * x / (1 + exp(beta * x))) / (1 + exp(-beta * x))",
        range=("-inf", "inf"),
        root="-1.2784645427610738 / beta",
        parameters=(
            Parameter(
                "beta",
                1.0,
                FINITE,
                "Steepness of the sigmoid: with 1 it is `silu`, with 0 x / 2.",
                examples=(1.702, 0.0, -1.0, 1e30),
            ),
        ),
        bounds=ulp(forward=(1.5, 1.5), derivative=(1.5, 1.5)),
        elsewhere={"jax.nn": "swish", "keras.activations": "swish", "ONNX": "Swish", "Hugging Face": "swish"},
        notes="The derivative's error is relative to 1/4 within 0.6 / abs(beta) of its root.",
        source="Ramachandran, Zoph and Le, Searching for activation functions, 2017",
        examples={
            "forward": """\
>>> fa.swish(np.array([-1000.0, 0.0, 1000.0]), 2.0)
array([  -0.,    0., 1000.])""",
            "derivative": """\
>>> fa.swish.derivative(np.array([-1000.0, 0.0, 1000.0]), 2.0)
array([-0. ,  0.5,  1. ])""",
            "backward": """\
>>> x, grad = np.array([0.0, 100.0]), np.array([4.0, 3.0])
>>> fa.swish.backward(grad, x=x, beta=2.0)
array([2., 3.])""",
        },
    ),
    Spec(
        name="quick_gelu",
        title="Gaussian error linear unit by the logistic function",
        formula="x / (1 + exp(-1.702 * x))",
        derivative="(1 + 1.702 * x / (1 + exp(1.702 * x))) / (1 + exp(-1.702 * x))",
        range=("-0.163611", "inf"),
        root="-0.75115425544128897",
        bounds=ulp(forward=(1.5, 1.5), derivative=(1.5, 1.5)),
        elsewhere={"Hugging Face": "quick_gelu", "others": "gelu_quick"},
        source="Hendrycks and Gimpel, Gaussian error linear units, 2016",
        examples={
            "forward": """\
>>> fa.quick_gelu(np.array([-1000.0, 0.0, 1000.0]))
array([  -0.,    0., 1000.])""",
            "derivative": """\
>>> fa.quick_gelu.derivative(np.array([-1000.0, 0.0, 1000.0]))
array([-0. ,  0.5,  1. ])""",
            "backward": """\
>>> x, grad = np.array([0.0, 100.0]), np.array([4.0, 3.0])
>>> fa.quick_gelu.backward(grad, x=x)
array([2., 3.])""",
        },
    ),
    Spec(
        name="gelu_tanh",
        title="Gaussian error linear unit by the hyperbolic tangent",
        formula="x / (1 + exp(-2 * sqrt(2 / pi) * (x + 0.044715 * x**3)))",
        derivative=(
            "(1 + 2 * sqrt(2 / pi) * (x + 0.134145 * x**3) / (1 + exp(2 * sqrt(2 / pi) * (x + 0.044715 * x**3))))"
            " / (1 + exp(-2 * sqrt(2 / pi) * (x + 0.044715 * x**3)))"
        ),
        range=("-0.170041", "inf"),
        root="-0.75246142207101626",
        bounds=ulp(forward=(1.5, 1.5), derivative=(1.5, 1.5)),
        elsewhere={
            "torch.nn": "GELU(approximate='tanh')",
            "torch.nn.functional": "gelu(approximate='tanh')",
            "jax.nn": "gelu(approximate=True)",
            "keras.activations": "gelu(approximate=True)",
            "ONNX": "Gelu(approximate='tanh')",
            "Hugging Face": "gelu_new gelu_pytorch_tanh gelu_python_tanh gelu_fast gelu_accurate",
        },
        source="Hendrycks and Gimpel, Gaussian error linear units, 2016",
        examples={
            "forward": """\
>>> fa.gelu_tanh(np.array([-1000.0, 0.0, 1000.0]))
array([  -0.,    0., 1000.])""",
            "derivative": """\
>>> fa.gelu_tanh.derivative(np.array([-1000.0, 0.0, 1000.0]))
array([-0. ,  0.5,  1. ])""",
            "backward": """\
>>> x, grad = np.array([0.0, 100.0]), np.array([4.0, 3.0])
>>> fa.gelu_tanh.backward(grad, x=x)
array([2., 3.])""",
        },
    ),
)
