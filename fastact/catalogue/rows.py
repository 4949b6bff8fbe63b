"""Functions of whole rows: kernels/rowwise/."""

from fastact.catalogue.spec import Spec, ulp

SPECS: tuple[Spec, ...] = (
    Spec(
        name="softmax",
        title="Softmax of the rows along an axis",
        formula="exp(x - max(x)) / sum(exp(x - max(x)))",
        backward_y="y * (grad - sum(grad * y))",
        range=("0", "1"),
        kind="rowwise",
        masked=True,
        scaled=True,
        elsewhere={
            "torch.nn": "Softmax(dim=-1)",
            "torch.nn.functional": "softmax(dim=-1)",
            "jax.nn": "softmax",
            "keras.activations": "softmax",
            "scipy.special": "softmax(axis=-1)",
            "ONNX": "Softmax",
        },
        presets={"Softmax2d": {"axis": -3}},
        bounds=ulp(forward=(3.0, 3.0), backward_y=(3.0, 3.0)),
        terms={"backward_y": "y * (abs(grad) + sum(abs(grad) * y))"},
        notes="A row that has a NaN or +inf, or is all -inf, becomes NaN.",
        examples={
            "forward": """\
>>> fa.softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]))
array([[0.5, 0.5],
       [1. , 0. ]])
>>> fa.softmax(np.array([[0.0, 0.0], [1000.0, 0.0]]), axis=0)
array([[0. , 0.5],
       [1. , 0.5]])""",
            "backward": """\
>>> fa.softmax.backward(np.array([1.0, 0.0]), y=np.array([0.5, 0.5]))
array([ 0.25, -0.25])""",
        },
    ),
    Spec(
        name="softmin",
        title="Softmin of the rows along an axis, softmax of -x",
        formula="exp(min(x) - x) / sum(exp(min(x) - x))",
        backward_y="y * (sum(grad * y) - grad)",
        range=("0", "1"),
        kind="rowwise",
        bounds=ulp(forward=(3.0, 3.0), backward_y=(3.0, 3.0)),
        terms={"backward_y": "y * (abs(grad) + sum(abs(grad) * y))"},
        elsewhere={"torch.nn": "Softmin(dim=-1)", "torch.nn.functional": "softmin(dim=-1)"},
        notes="A row that has a NaN or -inf, or is all +inf, becomes NaN.",
        examples={
            "forward": """\
>>> fa.softmin(np.array([[0.0, 0.0], [1000.0, 0.0]]))
array([[0.5, 0.5],
       [0. , 1. ]])""",
            "backward": """\
>>> fa.softmin.backward(np.array([1.0, 0.0]), y=np.array([0.5, 0.5]))
array([-0.25,  0.25])""",
        },
    ),
    Spec(
        name="log_softmax",
        title="Logarithm of the softmax of the rows along an axis",
        formula="x - max(x) - log(sum(exp(x - max(x))))",
        backward_y="grad - exp(y) * sum(grad)",
        range=("-inf", "0"),
        kind="rowwise",
        masked=True,
        scaled=True,
        bounds=ulp(forward=(3.0, 3.0), backward_y=(3.0, 3.0)),
        terms={"backward_y": "abs(grad) + exp(y) * sum(abs(grad))"},
        elsewhere={
            "torch.nn": "LogSoftmax(dim=-1)",
            "torch.nn.functional": "log_softmax(dim=-1)",
            "jax.nn": "log_softmax",
            "keras.activations": "log_softmax",
            "scipy.special": "log_softmax(axis=-1)",
            "ONNX": "LogSoftmax",
        },
        notes="A row that has a NaN or +inf, or is all -inf, becomes NaN.",
        examples={
            "forward": """\
>>> fa.log_softmax(np.array([0.0, -60.0]))
array([-8.75651076e-27, -6.00000000e+01])""",
            "backward": """\
>>> fa.log_softmax.backward(np.array([1.0, 0.0]), y=np.log([0.5, 0.5]))
array([ 0.5, -0.5])""",
        },
    ),
    Spec(
        name="sparsemax",
        title="Sparsemax of the rows along an axis, the nearest probabilities",
        formula="maximum(0, x - max(x) - threshold(x - max(x)))",
        backward_y="where(y > 0, grad - sum(where(y > 0, grad, 0)) / sum(where(y > 0, 1, 0)), 0)",
        range=("0", "1"),
        kind="rowwise",
        masked=True,
        bounds=ulp(forward=(1.0, 1.0), backward_y=(3.0, 3.0)),
        terms={
            "forward": "maximum(1e-6, x - max(x) - threshold(x - max(x)))",
            "backward_y": "abs(grad) + sum(where(y > 0, abs(grad), 0)) / maximum(1, sum(where(y > 0, 1, 0)))",
        },
        elsewhere={"keras.activations": "sparsemax"},
        notes="""\
``threshold`` is the number for which the row sums to 1: the mean of the elements above it, minus 1 over their number.

A row that has a NaN or +inf, or is all -inf, becomes NaN.""",
        source="Martins and Astudillo, From softmax to sparsemax, 2016",
        examples={
            "forward": """\
>>> fa.sparsemax(np.array([0.0, 0.5, 1.0, -3.0]))
array([0.  , 0.25, 0.75, 0.  ])""",
            "backward": """\
>>> fa.sparsemax.backward(np.array([1.0, 1.0, 0.0, 5.0]), y=np.array([0.0, 0.25, 0.75, 0.0]))
array([ 0. ,  0.5, -0.5,  0. ])""",
        },
    ),
)
REDUCTIONS: tuple[Spec, ...] = (
    Spec(
        name="logsumexp",
        title="Logarithm of the sum of the exponentials of the rows along an axis",
        formula="max(x) + log(sum(exp(x - max(x))))",
        backward_x="grad * exp(x - max(x)) / sum(exp(x - max(x)))",
        range=("-inf", "inf"),
        kind="reduction",
        masked=True,
        scaled=True,
        of_nothing=-float("inf"),
        bounds=ulp(forward=(3.0, 3.0), backward_x=(4.0, 4.0)),
        terms={"forward": "abs(max(x)) + log(sum(exp(x - max(x))))"},
        elsewhere={
            "jax.nn": "logsumexp(axis=-1)",
            "scipy.special": "logsumexp(axis=-1)",
            "ONNX": "ReduceLogSumExp(axes=[-1],keepdims=0)",
        },
        notes="The gradient is `softmax` times `grad`. A subnormal softmax has fewer digits, and so has the gradient then.\n\nA row that has a NaN gives NaN. Otherwise a row that has +inf gives +inf. A row of -inf alone, or of no elements, gives -inf.",
        examples={
            "forward": """\
>>> fa.logsumexp(np.array([[1000.0, 1000.0], [0.0, -np.inf]]))
array([1000.69314718,    0.        ])
>>> fa.logsumexp(np.array([[0.0, -60.0]]), keepdims=True)
array([[8.75651076e-27]])""",
            "backward": """\
>>> fa.logsumexp.backward(np.array([1.0, 2.0]), x=np.zeros((2, 2)))
array([[0.5, 0.5],
       [1. , 1. ]])""",
        },
    ),
)
