"""Activations made of the normal distribution: kernels/elementwise/normal.h."""

from fastact.catalogue.spec import Spec, ulp

SPECS: tuple[Spec, ...] = (
    Spec(
        name="gelu",
        title="Gaussian error linear unit",
        formula="x * erfc(-x / sqrt(2)) / 2",
        derivative="erfc(-x / sqrt(2)) / 2 + x * exp(-(x**2) / 2) / sqrt(2 * pi)",
        root="-0.75179152469356446",
        range=("-0.17", "inf"),
        elsewhere={
            "torch.nn": "GELU",
            "torch.nn.functional": "gelu",
            "jax.nn": "gelu(approximate=False)",
            "keras.activations": "gelu",
            "ONNX": "Gelu",
            "Hugging Face": "gelu gelu_python",
        },
        bounds=ulp(forward=(1.5, 1.5), derivative=(1.75, 2.0)),
        notes="The exact function, x times the normal distribution of x; `gelu_tanh` is its approximation.",
        source="Hendrycks and Gimpel, Gaussian error linear units, 2016",
        examples={
            "forward": """\
>>> fa.gelu(np.array([-10.0, 0.0, 10.0]))
array([-7.61985302e-23,  0.00000000e+00,  1.00000000e+01])""",
            "derivative": """\
>>> fa.gelu.derivative(np.array([-40.0, 0.0, 40.0]))
array([-0. ,  0.5,  1. ])""",
            "backward": """\
>>> x, grad = np.array([0.0, 40.0]), np.array([2.0, 3.0])
>>> fa.gelu.backward(grad, x=x)
array([1., 3.])""",
        },
    ),
)
