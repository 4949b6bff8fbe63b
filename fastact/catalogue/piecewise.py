"""Activations made of straight lines and parabolas: kernels/elementwise/piecewise.h."""

from fastact.catalogue.spec import ANY_NUMBER, FINITE, FINITE_ABOVE_ZERO, FINITE_FROM_ZERO, Parameter, Spec, ulp

SPECS: tuple[Spec, ...] = (
    Spec(
        name="relu",
        title="Rectified linear unit",
        piecewise=True,
        formula="maximum(x, 0)",
        derivative="where(x > 0, 1, 0)",
        derivative_y="where(y > 0, 1, 0)",
        range=("0", "inf"),
        bounds=ulp(forward=(0.5, 0.5), derivative=(0.5, 0.5), backward_y=(0.5, 0.5)),
        notes="The result for -0.0 is 0.0.",
        elsewhere={
            "torch.nn": "ReLU",
            "torch.nn.functional": "relu",
            "jax.nn": "relu",
            "keras.activations": "relu",
            "ONNX": "Relu",
            "Hugging Face": "relu",
            "others": "rectified_linear",
        },
        source="Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, 2010",
        examples={
            "forward": """\
>>> x = np.array([-1.5, 0.0, 2.0])
>>> fa.relu(x)
array([0., 0., 2.])
>>> fa.relu(x, out=x) is x
True""",
            "derivative": """\
>>> fa.relu.derivative(np.array([-1.5, 0.0, 2.0]))
array([0., 0., 1.])""",
            "backward": """\
>>> x, grad = np.array([-1.5, 0.0, 2.0]), np.array([10.0, 20.0, 30.0])
>>> fa.relu.backward(grad, x=x)
array([ 0.,  0., 30.])
>>> fa.relu.backward(grad, y=fa.relu(x), out=grad) is grad
True""",
        },
    ),
    Spec(
        name="leaky_relu",
        title="Leaky rectified linear unit",
        piecewise=True,
        formula="where(x > 0, x, negative_slope * x)",
        derivative="where(x > 0, 1, negative_slope)",
        derivative_y="where(y > 0, 1, negative_slope)",
        range=("-inf", "inf"),
        parameters=(
            Parameter(
                "negative_slope",
                0.01,
                FINITE,
                "The slope where x <= 0.",
                limits_from_y=FINITE_FROM_ZERO,
                examples=(0.2, 0.0, 1.0, 3.0),
            ),
        ),
        elsewhere={
            "torch.nn": "LeakyReLU",
            "torch.nn.functional": "leaky_relu",
            "jax.nn": "leaky_relu",
            "keras.activations": "leaky_relu(negative_slope=0.01)",
            "ONNX": "LeakyRelu",
            "Hugging Face": "leaky_relu",
        },
        presets={"RReLU": {"negative_slope": 11 / 48}},  # in evaluation, where nothing is random
        bounds=ulp(forward=(0.5, 0.5), derivative=(0.5, 0.5), backward_y=(0.5, 0.5)),
        notes="A slope above 1 is allowed.",
        source="Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, 2013",
        examples={
            "forward": """\
>>> fa.leaky_relu(np.array([-1.5, 0.0, 2.0]), 0.2)
array([-0.3,  0. ,  2. ])""",
            "derivative": """\
>>> fa.leaky_relu.derivative(np.array([-1.5, 0.0, 2.0]), 0.2)
array([0.2, 0.2, 1. ])""",
            "backward": """\
>>> x, grad = np.array([-1.5, 0.0, 2.0]), np.array([10.0, 20.0, 30.0])
>>> fa.leaky_relu.backward(grad, x=x, negative_slope=0.2)
array([ 2.,  4., 30.])""",
        },
    ),
    Spec(
        name="prelu",
        title="Rectified linear unit with a weight that is learnt",
        piecewise=True,
        formula="where(x > 0, x, weight * x)",
        derivative="where(x > 0, 1, weight)",
        derivative_y="where(y > 0, 1, weight)",
        range=("-inf", "inf"),
        parameters=(
            Parameter(
                "weight",
                None,
                FINITE,
                "The slope where x <= 0: a number, a vector with one slope for each channel along `axis`, or an array that is broadcast to the shape of `x` as NumPy does.",
                limits_from_y=FINITE_ABOVE_ZERO,
                examples=(0.25, 0.0, -0.5, 3.0),
            ),
        ),
        kind="channelwise",
        bounds=ulp(forward=(0.5, 0.5), derivative=(0.5, 0.5), backward_y=(0.5, 0.5)),
        elsewhere={"torch.nn": "PReLU", "torch.nn.functional": "prelu", "ONNX": "PRelu", "Hugging Face": "prelu"},
        notes="With a number for `weight` it is `leaky_relu`.",
        source="He, Zhang, Ren and Sun, Delving deep into rectifiers, 2015",
        examples={
            "forward": """\
>>> x = np.array([[-1.0, -2.0], [3.0, -4.0]])
>>> fa.prelu(x, 0.25)
array([[-0.25, -0.5 ],
       [ 3.  , -1.  ]])
>>> fa.prelu(x, np.array([0.25, 0.5]))
array([[-0.25, -1.  ],
       [ 3.  , -2.  ]])""",
            "derivative": """\
>>> fa.prelu.derivative(np.array([-1.0, 0.0, 2.0]), 0.25)
array([0.25, 0.25, 1.  ])""",
            "backward": """\
>>> x, grad = np.array([[-1.0, -2.0], [3.0, -4.0]]), np.ones((2, 2))
>>> weight, weight_grad = np.array([0.25, 0.5]), np.empty(2)
>>> fa.prelu.backward(grad, x=x, weight=weight, weight_grad=weight_grad, out=grad)
array([[0.25, 0.5 ],
       [1.  , 0.5 ]])
>>> weight_grad
array([-1., -6.])""",
        },
    ),
    Spec(
        name="relu6",
        title="Rectified linear unit, at most 6",
        piecewise=True,
        formula="clip(x, 0, 6)",
        derivative="where((x > 0) & (x < 6), 1, 0)",
        derivative_y="where((y > 0) & (y < 6), 1, 0)",
        range=("0", "6"),
        bounds=ulp(forward=(0.5, 0.5), derivative=(0.5, 0.5), backward_y=(0.5, 0.5)),
        elsewhere={
            "torch.nn": "ReLU6",
            "torch.nn.functional": "relu6",
            "jax.nn": "relu6",
            "keras.activations": "relu6",
            "Hugging Face": "relu6",
        },
        notes="The result for -0.0 is 0.0.",
        source="Krizhevsky, Convolutional deep belief networks on CIFAR-10, 2010",
        examples={
            "forward": """\
>>> fa.relu6(np.array([-1.5, 2.0, 7.0]))
array([0., 2., 6.])""",
            "derivative": """\
>>> fa.relu6.derivative(np.array([-1.5, 2.0, 6.0, 7.0]))
array([0., 1., 0., 0.])""",
            "backward": """\
>>> x, grad = np.array([-1.5, 2.0, 7.0]), np.array([10.0, 20.0, 30.0])
>>> fa.relu6.backward(grad, x=x)
array([ 0., 20.,  0.])
>>> fa.relu6.backward(grad, y=fa.relu6(x))
array([ 0., 20.,  0.])""",
        },
    ),
    Spec(
        name="hard_tanh",
        title="Hard hyperbolic tangent: x between two bounds",
        piecewise=True,
        formula="clip(x, min_val, max_val)",
        derivative="where((x > min_val) & (x < max_val), 1, 0)",
        derivative_y="where((y > min_val) & (y < max_val), 1, 0)",
        range=("min_val", "max_val"),
        parameters=(
            Parameter(
                "min_val",
                -1.0,
                ANY_NUMBER,
                "The smallest output; -inf for none. At most `max_val`.",
                examples=(-2.5, 0.0, 1.0, -1e-30, -float("inf")),
            ),
            Parameter(
                "max_val",
                1.0,
                ANY_NUMBER,
                "The largest output; inf for none. At least `min_val`.",
                examples=(6.0, 0.0, -1.0, 1e30, float("inf")),
            ),
        ),
        bounds=ulp(forward=(0.5, 0.5), derivative=(0.5, 0.5), backward_y=(0.5, 0.5)),
        ordered=True,
        elsewhere={
            "torch.nn": "Hardtanh",
            "torch.nn.functional": "hardtanh",
            "jax.nn": "hard_tanh",
            "keras.activations": "hard_tanh",
        },
        examples={
            "forward": """\
>>> fa.hard_tanh(np.array([-1.5, 0.25, 2.0]))
array([-1.  ,  0.25,  1.  ])
>>> fa.hard_tanh(np.array([-1.5, 0.25, 2.0]), min_val=0, max_val=np.inf)
array([0.  , 0.25, 2.  ])""",
            "derivative": """\
>>> fa.hard_tanh.derivative(np.array([-1.5, -1.0, 0.25, 2.0]))
array([0., 0., 1., 0.])""",
            "backward": """\
>>> x, grad = np.array([-1.5, 0.25, 2.0]), np.array([10.0, 20.0, 30.0])
>>> fa.hard_tanh.backward(grad, x=x)
array([ 0., 20.,  0.])
>>> fa.hard_tanh.backward(grad, y=fa.hard_tanh(x))
array([ 0., 20.,  0.])""",
        },
    ),
    Spec(
        name="threshold",
        title="x above a threshold, a constant up to it",
        piecewise=True,
        formula="where(x > threshold, x, value)",
        derivative="where(x > threshold, 1, 0)",
        range=("-inf", "inf"),
        parameters=(
            Parameter(
                "threshold",
                None,
                FINITE,
                "x is passed through above it; at the threshold itself it is replaced.",
                examples=(0.1, 0.0, -3.0, 1e-30, 1e30),
            ),
            Parameter(
                "value",
                None,
                ANY_NUMBER,
                "The output for x up to the threshold.",
                examples=(20.0, 0.0, -0.25, -float("inf")),
            ),
        ),
        presets={"ThresholdedRelu": {"threshold": 1.0, "value": 0.0}},
        bounds=ulp(forward=(0.5, 0.5), derivative=(0.5, 0.5)),
        elsewhere={
            "torch.nn": "Threshold",
            "torch.nn.functional": "threshold",
            "keras.activations": "threshold",
            "ONNX": "ThresholdedRelu",
            "others": "thresholded_relu",
        },
        examples={
            "forward": """\
>>> fa.threshold(np.array([-1.5, 0.1, 2.0]), 0.1, 20)
array([20., 20.,  2.])""",
            "derivative": """\
>>> fa.threshold.derivative(np.array([-1.5, 0.1, 2.0]), 0.1, 20)
array([0., 0., 1.])""",
            "backward": """\
>>> x, grad = np.array([-1.5, 0.1, 2.0]), np.array([10.0, 20.0, 30.0])
>>> fa.threshold.backward(grad, x=x, threshold=0.1, value=20)
array([ 0.,  0., 30.])""",
        },
    ),
    Spec(
        name="relu_squared",
        title="Square of the rectified linear unit",
        piecewise=True,
        formula="maximum(x, 0) ** 2",
        derivative="2 * maximum(x, 0)",
        derivative_y="2 * sqrt(y)",
        range=("0", "inf"),
        bounds=ulp(forward=(0.5, 0.5), derivative=(0.5, 0.5), backward_y=(0.5, 0.5)),
        elsewhere={"Hugging Face": "relu2", "others": "squared_relu"},
        source="So and others, Primer: searching for efficient transformers for language modeling, 2021",
        examples={
            "forward": """\
>>> fa.relu_squared(np.array([-1.5, 0.5, 3.0]))
array([0.  , 0.25, 9.  ])""",
            "derivative": """\
>>> fa.relu_squared.derivative(np.array([-1.5, 0.5, 3.0]))
array([0., 1., 6.])""",
            "backward": """\
>>> x, grad = np.array([-1.5, 0.5, 3.0]), np.array([10.0, 20.0, 30.0])
>>> fa.relu_squared.backward(grad, x=x)
array([  0.,  20., 180.])
>>> fa.relu_squared.backward(grad, y=fa.relu_squared(x))
array([  0.,  20., 180.])""",
        },
    ),
    Spec(
        name="hard_sigmoid",
        title="Hard sigmoid: a line between 0 and 1",
        piecewise=True,
        formula="clip(slope * x + offset, 0, 1)",
        derivative="where((slope * x + offset > 0) & (slope * x + offset < 1), slope, 0)",
        derivative_y="where((y > 0) & (y < 1), slope, 0)",
        range=("0", "1"),
        parameters=(
            Parameter(
                "slope",
                1 / 6,
                FINITE,
                "The slope of the linear part; 0.2 in ONNX.",
                examples=(0.2, 0.5, 1.0, 0.0, -0.3, 1e-30, 1e30),
            ),
            Parameter(
                "offset",
                0.5,
                FINITE,
                "The output at 0.",
                examples=(0.0, 1.0, 0.1, -1e-30, -2.5, 1e30),
            ),
        ),
        presets={"HardSigmoid": {"slope": 0.2}},
        bounds=ulp(forward=(0.51, 0.51), derivative=(0.5, 0.5), backward_y=(0.5, 0.5)),
        notes="With the default parameters the line is exactly (x + 3) / 6. It is rounded once.",
        at_defaults={
            "formula": "clip(x + 3, 0, 6) / 6",
            "derivative": "where((x > -3) & (x < 3), 1 / 6, 0)",
            "derivative_y": "where((y > 0) & (y < 1), 1 / 6, 0)",
        },
        elsewhere={
            "torch.nn": "Hardsigmoid",
            "torch.nn.functional": "hardsigmoid",
            "jax.nn": "hard_sigmoid",
            "keras.activations": "hard_sigmoid",
            "ONNX": "HardSigmoid(alpha=1/6)",
        },
        examples={
            "forward": """\
>>> fa.hard_sigmoid(np.array([-4.0, 0.0, 4.0]))
array([0. , 0.5, 1. ])
>>> fa.hard_sigmoid(np.array([-1.0, 0.0, 1.0]), slope=0.25)
array([0.25, 0.5 , 0.75])""",
            "derivative": """\
>>> fa.hard_sigmoid.derivative(np.array([-2.0, 0.0, 2.0]), 0.25)
array([0.  , 0.25, 0.  ])""",
            "backward": """\
>>> x, grad = np.array([-2.0, 0.0, 4.0]), np.array([10.0, 20.0, 30.0])
>>> fa.hard_sigmoid.backward(grad, x=x, slope=0.25)
array([0., 5., 0.])
>>> fa.hard_sigmoid.backward(grad, y=fa.hard_sigmoid(x, 0.25), slope=0.25)
array([0., 5., 0.])""",
        },
    ),
    Spec(
        name="hard_swish",
        title="Hard swish: x times a hard sigmoid",
        piecewise=True,
        formula="x * clip(x / 6 + 1 / 2, 0, 1)",
        derivative="where(x >= 3, 1, where(x > -3, (2 * x + 3) / 6, 0))",
        root="-1.5",
        range=("-0.375", "inf"),
        bounds=ulp(forward=(1.5, 1.5), derivative=(1.5, 1.5)),
        notes="The derivative is 0 at -3 and 1 at 3.",
        elsewhere={
            "torch.nn": "Hardswish",
            "torch.nn.functional": "hardswish",
            "jax.nn": "hard_swish hard_silu",
            "keras.activations": "hard_swish hard_silu",
            "ONNX": "HardSwish",
        },
        source="Howard and others, Searching for MobileNetV3, 2019",
        examples={
            "forward": """\
>>> fa.hard_swish(np.array([-4.0, -1.5, 0.0, 1.5, 4.0]))
array([-0.   , -0.375,  0.   ,  1.125,  4.   ])""",
            "derivative": """\
>>> fa.hard_swish.derivative(np.array([-4.0, 0.0, 1.5, 4.0]))
array([0. , 0.5, 1. , 1. ])""",
            "backward": """\
>>> x, grad = np.array([-4.0, 1.5, 4.0]), np.array([10.0, 20.0, 30.0])
>>> fa.hard_swish.backward(grad, x=x)
array([ 0., 20., 30.])""",
        },
    ),
    Spec(
        name="hard_shrink",
        title="Hard shrinkage: small numbers become 0",
        piecewise=True,
        formula="where(abs(x) > lambd, x, 0)",
        derivative="where(abs(x) > lambd, 1, 0)",
        derivative_y="where(abs(y) > lambd, 1, 0)",
        range=("-inf", "inf"),
        parameters=(
            Parameter(
                "lambd",
                0.5,
                FINITE_FROM_ZERO,
                "Elements of at most this magnitude become 0.",
                examples=(0.0, 3.0, 1e-30, 1e30),
            ),
        ),
        bounds=ulp(forward=(0.5, 0.5), derivative=(0.5, 0.5), backward_y=(0.5, 0.5)),
        notes="Odd to the bit: a zero has the sign of x.",
        elsewhere={
            "torch.nn": "Hardshrink",
            "torch.nn.functional": "hardshrink",
            "keras.activations": "hard_shrink",
            "ONNX": "Shrink",
        },
        examples={
            "forward": """\
>>> fa.hard_shrink(np.array([-1.5, 0.5, 0.75]))
array([-1.5 ,  0.  ,  0.75])""",
            "derivative": """\
>>> fa.hard_shrink.derivative(np.array([-1.5, 0.5, 0.75]))
array([1., 0., 1.])""",
            "backward": """\
>>> x, grad = np.array([-1.5, 0.5, 0.75]), np.array([10.0, 20.0, 30.0])
>>> fa.hard_shrink.backward(grad, x=x)
array([10.,  0., 30.])
>>> fa.hard_shrink.backward(grad, y=fa.hard_shrink(x))
array([10.,  0., 30.])""",
        },
    ),
    Spec(
        name="soft_shrink",
        title="Soft shrinkage: all numbers come nearer to 0",
        piecewise=True,
        formula="sign(x) * maximum(abs(x) - lambd, 0)",
        derivative="where(abs(x) > lambd, 1, 0)",
        derivative_y="where(abs(y) > 0, 1, 0)",
        range=("-inf", "inf"),
        parameters=(
            Parameter(
                "lambd",
                0.5,
                FINITE_FROM_ZERO,
                "By how much magnitudes shrink, to 0 at least.",
                examples=(0.0, 0.1, 3.0, 1e-30, 1e30),
            ),
        ),
        bounds=ulp(forward=(0.5, 0.5), derivative=(0.5, 0.5), backward_y=(0.5, 0.5)),
        notes="Odd to the bit: a zero has the sign of x.",
        elsewhere={
            "torch.nn": "Softshrink",
            "torch.nn.functional": "softshrink",
            "keras.activations": "soft_shrink",
            "ONNX": "Shrink(bias=0.5)",
        },
        examples={
            "forward": """\
>>> fa.soft_shrink(np.array([-1.5, 0.5, 0.75]))
array([-1.  ,  0.  ,  0.25])""",
            "derivative": """\
>>> fa.soft_shrink.derivative(np.array([-1.5, 0.5, 0.75]))
array([1., 0., 1.])""",
            "backward": """\
>>> x, grad = np.array([-1.5, 0.5, 0.75]), np.array([10.0, 20.0, 30.0])
>>> fa.soft_shrink.backward(grad, x=x)
array([10.,  0., 30.])
>>> fa.soft_shrink.backward(grad, y=fa.soft_shrink(x))
array([10.,  0., 30.])""",
        },
    ),
    Spec(
        name="sparse_plus",
        title="Sparse softplus: a parabola between two lines",
        piecewise=True,
        formula="where(x > -1, where(x < 1, (x + 1) ** 2 / 4, x), 0)",
        derivative="clip((x + 1) / 2, 0, 1)",
        derivative_y="sqrt(minimum(y, 1))",
        range=("0", "inf"),
        bounds=ulp(forward=(0.6, 0.6), derivative=(0.5, 0.5), backward_y=(0.5, 0.5)),
        elsewhere={"jax.nn": "sparse_plus", "keras.activations": "sparse_plus"},
        examples={
            "forward": """\
>>> fa.sparse_plus(np.array([-1.5, 0.0, 0.5, 2.0]))
array([0.    , 0.25  , 0.5625, 2.    ])""",
            "derivative": """\
>>> fa.sparse_plus.derivative(np.array([-1.5, 0.0, 0.5, 2.0]))
array([0.  , 0.5 , 0.75, 1.  ])""",
            "backward": """\
>>> x, grad = np.array([-1.5, 0.5, 2.0]), np.array([10.0, 20.0, 30.0])
>>> fa.sparse_plus.backward(grad, x=x)
array([ 0., 15., 30.])
>>> fa.sparse_plus.backward(grad, y=fa.sparse_plus(x))
array([ 0., 15., 30.])""",
        },
    ),
    Spec(
        name="sparse_sigmoid",
        title="Sparse sigmoid: the derivative of sparse_plus",
        piecewise=True,
        formula="clip((x + 1) / 2, 0, 1)",
        derivative="where((x > -1) & (x < 1), 1 / 2, 0)",
        derivative_y="where((y > 0) & (y < 1), 1 / 2, 0)",
        range=("0", "1"),
        bounds=ulp(forward=(0.5, 0.5), derivative=(0.5, 0.5), backward_y=(0.5, 0.5)),
        elsewhere={"jax.nn": "sparse_sigmoid", "keras.activations": "sparse_sigmoid"},
        examples={
            "forward": """\
>>> fa.sparse_sigmoid(np.array([-1.5, 0.0, 0.5, 2.0]))
array([0.  , 0.5 , 0.75, 1.  ])""",
            "derivative": """\
>>> fa.sparse_sigmoid.derivative(np.array([-1.5, 0.0, 0.5, 2.0]))
array([0. , 0.5, 0.5, 0. ])""",
            "backward": """\
>>> x, grad = np.array([-1.5, 0.5, 2.0]), np.array([10.0, 20.0, 30.0])
>>> fa.sparse_sigmoid.backward(grad, x=x)
array([ 0., 10.,  0.])
>>> fa.sparse_sigmoid.backward(grad, y=fa.sparse_sigmoid(x))
array([ 0., 10.,  0.])""",
        },
    ),
    Spec(
        name="identity",
        title="Identity",
        piecewise=True,
        formula="x",
        derivative="where(x > 0, 1, 1)",
        derivative_y="where(y > 0, 1, 1)",
        range=("-inf", "inf"),
        bounds=ulp(forward=(0.0, 0.0), derivative=(0.0, 0.0), backward_y=(0.0, 0.0)),
        elsewhere={
            "torch.nn": "Identity",
            "jax.nn": "identity",
            "keras.activations": "linear",
            "ONNX": "Identity",
            "Hugging Face": "linear",
        },
        examples={
            "forward": """\
>>> fa.identity(np.array([-1.5, -0.0, 2.0]))
array([-1.5, -0. ,  2. ])""",
            "derivative": """\
>>> fa.identity.derivative(np.array([-1.5, -0.0, 2.0]))
array([1., 1., 1.])""",
            "backward": """\
>>> grad, y = np.array([10.0, 20.0, 30.0]), np.array([-1.5, -0.0, 2.0])
>>> fa.identity.backward(grad, y=y)
array([10., 20., 30.])""",
        },
    ),
)
