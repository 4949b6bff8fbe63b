"""fastact.onnx: ONNX' own cases of every operator, in its reference evaluator."""

import functools
import warnings

import numpy as np
import pytest

import fastact as fa

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from fastact.onnx import NEW_OPS

NAMES = [operator.__name__ for operator in NEW_OPS]


@functools.cache
def cases():
    """Return ONNX' cases by operator."""
    from onnx.backend.test.case import node

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = node.collect_testcases(None)
    by_name = {name: [] for name in NAMES}
    for case in found:
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type in by_name and not nodes[0].domain:
            by_name[nodes[0].op_type].append(case)
    return by_name


@pytest.mark.parametrize("name", NAMES)
def test_the_cases_of_onnx_pass(name):
    assert cases()[name]
    for case in cases()[name]:
        evaluator = ReferenceEvaluator(case.model, new_ops=NEW_OPS)
        assert type(evaluator.rt_nodes_[0]) in NEW_OPS
        for inputs, outputs in case.data_sets:
            got = evaluator.run(None, dict(zip(evaluator.input_names, inputs, strict=True)))
            for y, expected in zip(got, outputs, strict=True):
                assert y.dtype == np.asarray(expected).dtype, case.name
                np.testing.assert_allclose(y, expected, rtol=case.rtol, atol=case.atol, err_msg=case.name)


def run(name, *inputs, new_ops=NEW_OPS, **attributes):
    """Return what an operator gives in a model of it alone, by the newest version."""
    kind = helper.np_dtype_to_tensor_dtype(inputs[0].dtype)
    names = [f"x{i}" for i in range(len(inputs))]
    infos = [helper.make_tensor_value_info(n, kind, x.shape) for n, x in zip(names, inputs, strict=True)]
    node = helper.make_node(name, names, ["y"], **attributes)
    graph = helper.make_graph([node], "g", infos, [helper.make_tensor_value_info("y", kind, None)])
    return ReferenceEvaluator(helper.make_model(graph), new_ops=new_ops).run(
        None, dict(zip(names, inputs, strict=True))
    )[0]


X = np.linspace(-4, 4, 120, dtype=np.float32).reshape(10, 12)


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("Celu", {"alpha": 0.5}),
        ("Elu", {"alpha": 0.5}),
        ("HardSigmoid", {"alpha": 0.3, "beta": 0.25}),
        ("HardSigmoid", {}),
        ("LeakyRelu", {"alpha": 0.3}),
        ("LogSoftmax", {"axis": 0}),
        ("Selu", {"alpha": 2.0, "gamma": 3.0}),
        ("Selu", {}),
        ("Shrink", {"lambd": 1.5, "bias": 0.5}),
        ("Shrink", {"lambd": 1.5, "bias": 1.5}),
        ("Shrink", {"lambd": 1.5}),
        ("Softmax", {"axis": 0}),
        ("Swish", {"alpha": 0.3}),
        ("ThresholdedRelu", {"alpha": 2.0}),
    ],
)
def test_attributes_mean_what_they_do_in_onnx(name, attributes):
    expected = run(name, X, new_ops=None, **attributes)
    np.testing.assert_allclose(run(name, X, **attributes), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["Gelu", "Mish", "HardSwish", "Sigmoid", "Softplus", "Tanh"])
def test_values_are_ours_to_the_bit(name):
    np.testing.assert_array_equal(run(name, X), fa.get(name)(X))


@pytest.mark.parametrize("shape", [(1,), (12,), (10, 1), (10, 12), (1, 1)])
def test_slopes_broadcast(shape):
    slope = np.linspace(0.1, 0.9, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    np.testing.assert_allclose(run("PRelu", X, slope), run("PRelu", X, slope, new_ops=None), rtol=1e-6)


@pytest.mark.parametrize("name", ["Relu", "Shrink"])
def test_integers_stay_with_onnx(name):
    x = np.arange(-5, 6, dtype=np.int32)
    got, expected = run(name, x), run(name, x, new_ops=None)
    assert got.dtype == np.int32
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignored", [None, 2])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_the_loss_is_that_of_onnx(weighted, ignored, reduction):
    labels, weights = np.arange(10) % 12, np.linspace(0.5, 2, 12, dtype=np.float32)
    inputs = {"x": X, "t": labels} | ({"w": weights} if weighted else {})
    attributes = {"reduction": reduction} | ({} if ignored is None else {"ignore_index": ignored})
    node = helper.make_node("SoftmaxCrossEntropyLoss", list(inputs), ["loss", "log_prob"], **attributes)
    kinds = {"x": TensorProto.FLOAT, "t": TensorProto.INT64, "w": TensorProto.FLOAT}
    infos = [helper.make_tensor_value_info(n, kinds[n], value.shape) for n, value in inputs.items()]
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("loss", "log_prob")]
    model = helper.make_model(helper.make_graph([node], "g", infos, outputs))
    expected = ReferenceEvaluator(model).run(None, inputs)
    for got, want in zip(ReferenceEvaluator(model, new_ops=NEW_OPS).run(None, inputs), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5)
