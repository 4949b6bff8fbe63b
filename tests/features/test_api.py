"""What a caller sees: signatures, names, how arguments are passed and what comes back.

Values are tested elsewhere; what bad input gets is in test_inputs.py and contract/.
"""

import copy
import inspect
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

import fastact as fa
import helpers
from fastact.activations import folded
from fastact.catalogue import SPECS, Parameter
from fastact.catalogue.spec import FINITE

NAMES = pytest.mark.parametrize("name", list(fa.ACTIVATIONS))
PARAMETRISED = [name for name, activation in fa.ACTIVATIONS.items() if activation.parameters]


def test_out_is_what_is_returned(operation, dtype):
    x = helpers.arguments(operation, (3, 5), dtype)
    out = np.empty((3, 5), dtype)
    assert operation(*x, out=out) is out
    assert operation(*x, out=x[0]) is x[0]


def test_out_is_keyword_only(operation):
    x, out = [np.ones((2, 3))] * operation.arity, np.full((2, 3), 7.0)
    defaults = operation.activation.parameters.values()
    positional = [*x[:1], *defaults, out] if operation.arity == 1 else [x[0], out]
    with pytest.raises(TypeError):
        operation(*positional) if operation.arity == 1 else operation.activation.backward(*positional)
    assert (out == 7).all()


def test_out_none_is_no_out(operation):
    x = helpers.arguments(operation, (7,), np.float32)
    helpers.assert_same_bits(operation(*x, out=None), operation(*x))


def test_inputs_are_left_as_they_were(operation, dtype):
    x = helpers.arguments(operation, (4, 9), dtype)
    before = [array.tobytes() for array in x]
    operation(*x)
    operation(*x, out=np.empty((4, 9), dtype))
    assert [array.tobytes() for array in x] == before


def test_a_new_array_owns_its_memory_and_is_writeable(operation, dtype):
    result = operation(*helpers.arguments(operation, (6,), dtype))
    assert type(result) is np.ndarray
    assert result.flags.owndata
    assert result.flags.behaved
    assert result.dtype == dtype


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_a_new_array_is_laid_out_as_x_is(elementwise_operation, dtype, axes):
    x = [array.transpose(axes) for array in helpers.arguments(elementwise_operation, (2, 3, 4), dtype)]
    assert elementwise_operation(*x).strides == x[0].strides


def test_the_first_argument_may_go_by_name(operation):
    arrays = helpers.arguments(operation, (5,), np.float32)
    activation, kind, want = operation.activation, operation.kind, operation(*arrays)
    required = helpers.typical(activation)
    if operation.arity == 1:
        got = (activation if kind == "forward" else activation.derivative)(x=arrays[0], **required)
    else:
        got = activation.backward(grad=arrays[0], **{kind[-1]: arrays[1]}, **required)
    helpers.assert_same_bits(got, want)


def test_parameters_go_by_position_or_by_name(activation, dtype):
    x = helpers.values((50,), dtype)
    for parameters in helpers.example_parameters(activation):
        assert set(parameters) <= set(activation.parameters)
        complete = {**activation.parameters, **parameters}
        by_name = activation(x, **parameters)
        helpers.assert_same_bits(activation(x, *complete.values()), by_name)
        helpers.assert_same_bits(activation(x, *complete.values(), out=np.empty_like(x)), by_name)
        helpers.assert_same_bits(
            activation.derivative(x, *complete.values()), activation.derivative(x, **parameters, out=np.empty_like(x))
        )
        helpers.assert_same_bits(
            activation.backward(x, x=x, **parameters), activation.backward(x, **complete, x=x, out=np.empty_like(x))
        )


@pytest.mark.parametrize("name", [name for name in PARAMETRISED if fa.ACTIVATIONS[name].kind == "elementwise"])
def test_a_parameter_reaches_every_operation(name):
    x = np.array([-2.0, -0.5, 0.5, 2.0])
    for operation in helpers.operations(fa.ACTIVATIONS[name]):
        results = {
            operation(*[x] * operation.arity, **parameters).tobytes()
            for parameters in helpers.example_parameters(operation.activation, from_y=operation.kind == "backward_y")
        }
        assert len(results) > 1 or "_" in operation.kind, operation.kind  # the output may say all


def test_backward_takes_x_and_y_by_keyword_only(operation):
    ones = np.ones(4)
    with pytest.raises(TypeError):
        operation.activation.backward(ones, ones)


def test_backward_takes_exactly_one_of_x_and_y(activation):
    ones, out = np.ones(4), np.full(4, 7.0)
    required = helpers.typical(activation)
    for both_or_none in ({}, {"x": ones, "y": ones}):
        with pytest.raises(TypeError, match=r"\bx\b.*\by\b" if "y" in activation.backward_from else r"\bx="):
            activation.backward(ones, **both_or_none, **required, out=out)
    assert (out == 7).all()


@NAMES
def test_backward_from_an_output_that_is_not_enough_is_an_error_that_says_so(name):
    activation = fa.ACTIVATIONS[name]
    accepted = set(activation.backward_from)
    assert accepted in ({"x"}, {"y"}, {"x", "y"})
    for argument in {"x", "y"} - accepted:
        out = np.full(4, 7.0)
        with pytest.raises(TypeError, match=name if argument == "y" else argument):
            activation.backward(np.ones(4), **{argument: np.ones(4)}, out=out)
        assert (out == 7).all()


@pytest.mark.parametrize("keyword", ["initial", "dtype", "casting", "order", "inplace", "no_such"])
def test_other_keywords_are_refused(operation, keyword):
    x = [np.ones(3)] * operation.arity
    with pytest.raises(TypeError, match=keyword):
        operation(*x, **{keyword: None})


def test_missing_and_superfluous_arguments_are_refused(activation):
    ones = np.ones(3)
    superfluous = [1.0] * (len(activation.parameters) + 1)
    for call in (activation, activation.derivative, activation.backward):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(TypeError):
        activation(ones, *superfluous)
    with pytest.raises(TypeError):
        activation.derivative(ones, *superfluous)
    with pytest.raises(TypeError):
        activation.backward(ones, ones, x=ones)
    for number, name in enumerate(activation.parameters, 1):
        with pytest.raises(TypeError, match=name):
            activation(ones, *[1.0] * number, **{name: 1.0})


def with_required_parameters():
    """Return leaky_relu, but its slope has no default, and a second parameter without effect has none either."""
    slope = Parameter("slope", None, FINITE, "The slope.")
    return helpers.variant("leaky_relu", parameters=(slope, Parameter("second", None, FINITE, "Nothing.")))


def required_calls(activation, *arguments, **keywords):
    """Yield the words with which Python refuses a function that lacks arguments, and a call that lacks them here."""

    def forward(x, slope, second, *, out=None):
        return x

    def backward(grad, *, x=None, y=None, slope, second, out=None):
        return grad

    ones, out = np.ones(3), np.full(3, 7.0)
    for function, call, parameters in (
        (forward, activation, (arguments, keywords)),
        (forward, activation.derivative, (arguments, keywords)),
        (backward, activation.backward, ((), {**dict(zip(("slope", "second"), arguments, strict=False)), **keywords})),
    ):
        positional, named = parameters
        source = {"x": ones} if function is backward else {}
        with pytest.raises(TypeError) as error:
            function(ones, *positional, **named, **source)
        words = str(error.value).partition("()")[2]
        yield words, lambda call=call, p=positional, n=named, s=source: call(ones, *p, **n, **s, out=out), out


@pytest.mark.parametrize(("arguments", "keywords"), [((), {}), ((0.5,), {}), ((), {"second": 1.0}), ((), {"slope": 1})])
def test_a_parameter_without_default_is_required_in_pythons_words(arguments, keywords):
    for words, call, out in required_calls(with_required_parameters(), *arguments, **keywords):
        with pytest.raises(TypeError) as error:
            call()
        assert str(error.value).partition("()")[2] == words
        assert (out == 7).all()


def test_a_parameter_without_default_shows_none():
    activation, x = with_required_parameters(), np.array([-1.0, 2.0])
    assert dict(activation.parameters) == {"slope": None, "second": None}
    for function in (activation, activation.derivative, activation.backward):
        signature = inspect.signature(function).parameters
        assert signature["slope"].default is signature["second"].default is inspect.Parameter.empty
        assert re.search(r"^slope : float$", function.__doc__, re.MULTILINE)
    helpers.assert_same_bits(activation(x, 0.5, 0), np.array([-0.5, 2.0]))
    helpers.assert_same_bits(activation.backward(x, x=x, second=0, slope=0.5), np.array([-0.5, 2.0]))


@NAMES
def test_the_signature_is_the_real_one(name):
    activation = fa.ACTIVATIONS[name]
    elementwise = activation.kind != "rowwise"
    names = list(activation.parameters)
    required = helpers.typical(activation)
    defaults = {
        key: inspect.Parameter.empty if key in required else default for key, default in activation.parameters.items()
    }
    for call in (activation, activation.derivative) if elementwise else (activation,):
        signature = inspect.signature(call).parameters
        assert list(signature) == ["x", *names, *["bias"] * (activation.kind == "elementwise"), "out"]
        assert {key: signature[key].default for key in names} == defaults
        assert signature["x"].default is inspect.Parameter.empty
        assert signature["out"].default is None
        assert signature["out"].kind is inspect.Parameter.KEYWORD_ONLY
        if elementwise:
            assert all(signature[key].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for key in names)
    signature = inspect.signature(activation.backward).parameters
    gradients = ["bias", "bias_grad"] if activation.kind == "elementwise" else []
    if activation.kind == "channelwise":
        gradients = [f"{key}_grad" for key in names if key != "axis"]
    inputs = ["x", "y"] if elementwise else list(activation.backward_from)
    assert list(signature) == ["grad", *inputs, *names, *gradients, "out"]
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in list(signature.values())[1:])
    assert {key: signature[key].default for key in names} == defaults


@NAMES
def test_the_parameters_are_a_mapping_of_defaults_that_cannot_be_changed(name):
    activation, operation = fa.ACTIVATIONS[name], helpers.Operation(fa.ACTIVATIONS[name], "forward")
    x = helpers.values((3, 40), np.float32)
    for key, default in activation.parameters.items():
        if default is not None:
            helpers.assert_same_bits(operation(x, **{key: default}), operation(x))
    with pytest.raises((TypeError, AttributeError)):
        activation.parameters["negative_slope"] = 3
    with pytest.raises(AttributeError):
        activation.parameters = {}
    with pytest.raises(AttributeError):
        activation.name = "another"


@NAMES
def test_an_activation_goes_by_its_name_everywhere(name):
    activation = fa.ACTIVATIONS[name]
    assert activation.name == name == activation.__name__
    assert getattr(fa, name) is activation
    assert name in fa.__all__
    assert fa.get(name) is activation
    assert repr(activation) == f"<fastact.{name}{inspect.signature(activation)}>"


@NAMES
def test_an_activation_pickles_by_name(name):
    activation = fa.ACTIVATIONS[name]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        dumped = pickle.dumps(activation, protocol)
        assert pickle.loads(dumped) is activation
        assert len(dumped) < 100
    assert copy.copy(activation) is activation
    assert copy.deepcopy(activation) is activation


@NAMES
def test_an_activation_is_hashable_and_equal_to_itself_only(name):
    activation = fa.ACTIVATIONS[name]
    assert [other.name for other in fa.ACTIVATIONS.values() if other == activation] == [name]
    assert {activation: 1}[fa.get(name)] == 1


def test_activations_is_a_read_only_mapping():
    with pytest.raises(TypeError):
        fa.ACTIVATIONS["relu"] = fa.tanh
    with pytest.raises(TypeError):
        del fa.ACTIVATIONS["relu"]
    assert {"relu", "leaky_relu", "sigmoid", "tanh", "softmax"} <= set(fa.ACTIVATIONS)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("expit", "sigmoid"),
        ("logistic", "sigmoid"),
        ("swish", "swish"),
        ("hard_silu", "hard_swish"),
        ("hardswish", "hard_swish"),
        ("hardtanh", "hard_tanh"),
        ("hardsigmoid", "hard_sigmoid"),
        ("softsign", "soft_sign"),
        ("logsigmoid", "log_sigmoid"),
        ("log_expit", "log_sigmoid"),
        ("tanhshrink", "tanh_shrink"),
        ("hardshrink", "hard_shrink"),
        ("softshrink", "soft_shrink"),
        ("linear", "identity"),
        ("relu2", "relu_squared"),
        ("exp", "exponential"),
        ("gelu_new", "gelu_tanh"),
        ("gelu_pytorch_tanh", "gelu_tanh"),
    ],
)
def test_get_knows_the_spellings_of_other_libraries(spelling, name):
    if name not in fa.ACTIVATIONS:
        pytest.skip(f"no {name} yet")
    assert fa.get(spelling) is fa.ACTIVATIONS[name]


# By PyTorch's classes, ONNX's operators and Hugging Face's ACT2FN; the name here is that with other defaults after a comma.
FOREIGN = {
    "torch.nn": {
        "ELU": "elu", "Hardshrink": "hard_shrink", "Hardsigmoid": "hard_sigmoid", "Hardtanh": "hard_tanh",
        "Hardswish": "hard_swish", "LeakyReLU": "leaky_relu", "LogSigmoid": "log_sigmoid", "PReLU": "prelu",
        "ReLU": "relu", "ReLU6": "relu6", "RReLU": "leaky_relu, negative_slope=0.22916666666666666", "SELU": "selu",
        "CELU": "celu", "GELU": "gelu", "Sigmoid": "sigmoid", "SiLU": "silu", "Mish": "mish", "Softplus": "softplus",
        "Softshrink": "soft_shrink", "Softsign": "soft_sign", "Tanh": "tanh", "Tanhshrink": "tanh_shrink",
        "Threshold": "threshold", "GLU": "glu", "Softmin": "softmin", "Softmax": "softmax",
        "Softmax2d": "softmax, axis=-3", "LogSoftmax": "log_softmax", "Identity": "identity",
        "CrossEntropyLoss": "softmax_cross_entropy", "BCEWithLogitsLoss": "sigmoid_cross_entropy",
    },
    "onnx": {
        "Celu": "celu", "Elu": "elu", "Exp": "exponential", "Gelu": "gelu", "HardSigmoid": "hard_sigmoid, slope=0.2",
        "HardSwish": "hard_swish", "Identity": "identity", "LeakyRelu": "leaky_relu", "LogSoftmax": "log_softmax",
        "Mish": "mish", "PRelu": "prelu", "Relu": "relu", "Selu": "selu", "Shrink": "hard_shrink",
        "Sigmoid": "sigmoid", "Softmax": "softmax", "Softplus": "softplus", "Softsign": "soft_sign",
        "Swish": "swish", "Tanh": "tanh", "ThresholdedRelu": "threshold, threshold=1.0, value=0.0",
    },
    "Hugging Face": {
        "gelu": "gelu", "gelu_accurate": "gelu_tanh", "gelu_fast": "gelu_tanh", "gelu_new": "gelu_tanh",
        "gelu_python": "gelu", "gelu_python_tanh": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh",
        "leaky_relu": "leaky_relu", "linear": "identity", "mish": "mish", "prelu": "prelu", "quick_gelu": "quick_gelu",
        "relu": "relu", "relu2": "relu_squared", "relu6": "relu6", "sigmoid": "sigmoid", "silu": "silu",
        "swish": "swish", "tanh": "tanh",
    },
}  # fmt: skip


@pytest.mark.parametrize("library", FOREIGN)
def test_get_knows_every_name_of_a_library(library):
    for spelling, expected in FOREIGN[library].items():
        name, *defaults = expected.split(", ")
        found = fa.get(spelling)
        shown = repr(found)
        assert shown.startswith(f"<fastact.{name}("), spelling
        assert shown == f"<fastact.{name}{inspect.signature(found)}>", spelling
        assert all(default in shown for default in defaults), spelling
        assert (shown == repr(getattr(fa, name))) == (not defaults), spelling


@pytest.mark.parametrize("name", ["gelu_10", "laplace", "xielu", "Hardmax"])
def test_get_says_what_a_function_is_that_only_others_have(name):
    with pytest.raises(ValueError, match=f"{name}'; it (is|has)"):
        fa.get(name)


def test_no_name_stands_for_two_functions():
    names = [(folded(name), spec.name) for spec in SPECS.values() for name in (spec.name, *spec.aliases)]
    assert len({name for name, _ in set(names)}) == len(set(names))


def test_a_name_with_other_defaults_has_them_in_every_operation():
    x, grad = np.linspace(-4, 4, 9), np.arange(9.0)
    hard = fa.get("HardSigmoid")
    np.testing.assert_array_equal(hard(x), fa.hard_sigmoid(x, 0.2))
    np.testing.assert_array_equal(hard(x, 0.3), fa.hard_sigmoid(x, 0.3))
    np.testing.assert_array_equal(hard(x, slope=0.3), fa.hard_sigmoid(x, 0.3))
    np.testing.assert_array_equal(hard.derivative(x), fa.hard_sigmoid.derivative(x, 0.2))
    np.testing.assert_array_equal(hard.backward(grad, x=x), fa.hard_sigmoid.backward(grad, x=x, slope=0.2))
    assert dict(hard.parameters) == {"slope": 0.2, "offset": 0.5}
    assert repr(pickle.loads(pickle.dumps(hard))) == repr(hard)
    assert not hasattr(fa.get("Softmax2d"), "derivative")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: fa.gelu(x, approximate="tanh"), "use fa.gelu_tanh"),
        (lambda x: fa.leaky_relu(x, alpha=0.1), "use negative_slope="),
        (lambda x: fa.swish(x, alpha=0.1), "use beta="),
        (lambda x: fa.softmax(x, dim=0), "use axis="),
        (lambda x: fa.relu(x, inplace=True), "use out=x"),
        (lambda x: fa.elu(x, alhpa=2.0), "use alpha="),
        (lambda x: fa.softmax(x, is_causal=True), "use causal="),
        (lambda x: fa.softmax_cross_entropy(x, [0], ignore_index=0), "use ignore_label="),
        (lambda x: fa.relu(x, dim=0), "'dim'$"),
        (lambda x: fa.relu(x, approximate="tanh"), "'approximate'$"),
    ],
)
def test_a_keyword_of_another_library_names_ours(call, words):
    with pytest.raises(TypeError, match=words):
        call(np.ones(3))


@pytest.mark.parametrize(("name", "ours"), [("hardswish", "hard_swish"), ("ReLU", "relu"), ("sigmiod", "sigmoid")])
def test_python_suggests_ours_for_an_attribute_of_another_library(name, ours, tmp_path):
    """The package has no __getattr__: with one, the interpreter does not cache `fa.relu`, a seventh of a small call."""
    assert not hasattr(fa, "__getattr__")
    script = f"import fastact; fastact.{name}"
    failed = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert f"Did you mean: '{ours}'?" in failed.stderr


@pytest.mark.parametrize("name", list(SPECS))
def test_get_finds_every_function(name):
    assert fa.get(name) is getattr(fa, name)


def test_get_lets_a_callable_pass():
    assert fa.get(np.tanh) is np.tanh
    assert fa.get(fa.tanh) is fa.tanh


def test_get_of_an_unknown_name_says_what_there_is():
    with pytest.raises(ValueError, match=r"no_such(.|\n)*relu"):
        fa.get("no_such")
    with pytest.raises(TypeError):
        fa.get(3)


def test_all_lists_what_the_package_offers():
    assert {"ACTIVATIONS", "get", "get_num_threads", "num_threads", "set_num_threads", "show_config"} <= set(fa.__all__)
    assert sorted(set(fa.__all__)) == sorted(fa.__all__)
    assert all(hasattr(fa, name) for name in fa.__all__)
    assert isinstance(fa.__version__, str)


def test_show_config_tells_version_target_and_threads(capsys):
    returned = fa.show_config()
    text = capsys.readouterr().out + (returned or "")
    from fastact.core import function as core

    for word in (fa.__version__, core.TARGET, "OpenMP", str(fa.get_num_threads())):
        assert word in text


def test_on_target_is_not_registered(activation):
    assert activation is not fa.ACTIVATIONS[activation.name]
    assert getattr(fa, activation.name) is fa.ACTIVATIONS[activation.name]


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_rows_run_along_any_axis(rowwise, dtype, axis):
    x, grad = helpers.values((4, 5, 6), dtype), helpers.values((4, 5, 6), dtype, seed=1)
    last = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    want = np.moveaxis(rowwise(last), -1, axis)
    helpers.assert_same_bits(rowwise(x, axis=axis), want)
    helpers.assert_same_bits(rowwise(x.copy(), axis=axis, out=x.copy()), want)
    y = want
    last_grad = np.ascontiguousarray(np.moveaxis(grad, axis, -1))
    want = np.moveaxis(rowwise.backward(last_grad, y=np.ascontiguousarray(np.moveaxis(y, axis, -1))), -1, axis)
    helpers.assert_same_bits(rowwise.backward(grad, y=y, axis=axis), want)
    helpers.assert_same_bits(rowwise.backward(grad, y=y, axis=axis, out=grad), want)


def test_the_axis_is_the_last_unless_told(rowwise):
    x = helpers.values((4, 5), np.float64)
    helpers.assert_same_bits(rowwise(x), rowwise(x, axis=1))
    helpers.assert_same_bits(rowwise.backward(x, y=x), rowwise.backward(x, y=x, axis=-1))


def test_an_axis_is_any_integer(rowwise):
    x = helpers.values((4, 5), np.float64)
    helpers.assert_same_bits(rowwise(x, axis=np.int8(0)), rowwise(x, axis=0))


@pytest.mark.parametrize(("axis", "shape"), [(2, (3, 4)), (-3, (3, 4)), (1, (3,)), (1, ()), (2**70, (3, 4))])
def test_an_axis_that_is_not_there_is_an_error(rowwise, axis, shape):
    x, out = np.ones(shape), np.full(shape, 7.0)
    with pytest.raises(np.exceptions.AxisError):
        rowwise(x, axis=axis, out=out)
    with pytest.raises(np.exceptions.AxisError):
        rowwise.backward(x, y=x, axis=axis, out=out)
    assert (out == 7).all()


def test_a_scalar_is_a_row_of_one(rowwise, dtype):
    for given in (0.75, dtype.type(0.75), np.array(0.75, dtype)):
        result = rowwise(given)
        assert type(result) is (np.float64 if type(given) is float else dtype.type)
        helpers.assert_same_bits(result, rowwise(np.array([given]))[0])


@pytest.mark.parametrize("axis", [1.0, "1", [0, 1], (0, 1.0), ("0",), (None,)], ids=str)
def test_an_axis_that_is_no_integer_no_tuple_and_not_none_is_an_error(rowwise, axis):
    x, out = np.ones((3, 4)), np.full((3, 4), 7.0)
    with pytest.raises(TypeError, match="axis must be an int, a tuple of ints or None"):
        rowwise(x, axis=axis, out=out)
    assert (out == 7).all()


def test_rowwise_has_no_derivative_of_elements(rowwise):
    assert not hasattr(rowwise, "derivative")


def test_the_jacobian_of_softmax_is_that_of_every_row(dtype):
    y = fa.softmax(helpers.values((3, 5), np.float32).astype(dtype).clip(-5, 5))
    jacobian = fa.softmax.jacobian(y)
    assert jacobian.dtype == dtype
    assert jacobian.shape == (3, 5, 5)
    for row, got in zip(y, jacobian, strict=True):
        wide = row.astype(np.longdouble)
        want = np.diag(wide) - np.outer(wide, wide)
        np.testing.assert_allclose(got, want.astype(dtype), rtol=2 * np.finfo(dtype).eps)
    along_first = fa.softmax.jacobian(np.ascontiguousarray(y.T), axis=0)
    assert along_first.shape == (5, 3, 5) or along_first.shape == (3, 5, 5)


@pytest.mark.parametrize("name", [name for name, spec in SPECS.items() if spec.kind in ("elementwise", "channelwise")])
def test_backward_without_a_source_says_which_it_needs(name):
    weight = {"weight": 0.25} if name == "prelu" else helpers.typical(fa.ACTIVATIONS[name])
    with pytest.raises(TypeError) as caught:
        fa.get(name).backward(np.ones(3), **weight)
    assert "needs x=" in str(caught.value)
    assert ("or y=" in str(caught.value)) == SPECS[name].from_y
