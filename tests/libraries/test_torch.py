"""PyTorch as an oracle, where it is installed: values and gradients at ordinary inputs."""

import numpy as np
import pytest

import fastact as fa
from fastact._bench import peers
from fastact.catalogue import SPECS

torch = pytest.importorskip("torch")
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}  # its own errors near roots and in tails are what this allows for


@pytest.mark.parametrize("name", peers.TORCH)
def test_values_and_gradients_are_those_of_torch(name, dtype):
    names = {"torch": torch, "F": torch.nn.functional} | SPECS[name].typical
    x = np.linspace(-6, 6, 2000, dtype=dtype).reshape(50, 40)
    grad = np.cos(x)
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    y = eval(f"lambda x: {peers.TORCH[name]}", names)(tensor)
    y.backward(torch.from_numpy(grad))
    activation, typical = fa.ACTIVATIONS[name], SPECS[name].typical
    got = activation(x, **typical)
    source = {"y": got} if activation.kind == "rowwise" else {"x": x}
    tolerance = TOLERANCE["float32" if name == "hard_sigmoid" else dtype.name]  # its gradient has a sixth in float32
    np.testing.assert_allclose(got, y.detach().numpy(), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(
        activation.backward(grad, **source, **typical), tensor.grad.numpy(), rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize(
    "name", ["relu", "leaky_relu", "relu6", "hard_tanh", "hard_swish", "hard_shrink", "soft_shrink", "elu", "celu"]
)
def test_derivatives_at_kinks_are_those_of_torch(name, dtype):
    names = {"torch": torch, "F": torch.nn.functional} | SPECS[name].typical
    x = np.array([-6, -3, -1, -0.5, 0, 0.5, 1, 3, 6], dtype)
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    eval(f"lambda x: {peers.TORCH[name]}", names)(tensor).sum().backward()
    derivative = fa.ACTIVATIONS[name].derivative(x, **SPECS[name].typical)
    np.testing.assert_allclose(derivative, tensor.grad.numpy(), rtol=1e-6, atol=0)


def outputs(dtype):
    """Return calls by the name of the output each writes to: a tensor, and whatever is overwritten besides."""
    x, half = np.ones((4, 6), dtype), np.ones((4, 3), dtype)
    vector, rows = np.ones(6, dtype), np.ones(4, dtype)
    return {
        "relu": (x, lambda t: fa.relu(x, out=t)),
        "relu strided": (x, lambda t: fa.relu(x[:, ::2], out=t[:, ::2])),
        "relu bias": (x, lambda t: fa.relu(x, bias=vector, out=t)),
        "relu.derivative": (x, lambda t: fa.relu.derivative(x, out=t)),
        "relu.backward": (x, lambda t: fa.relu.backward(x, x=x, out=t)),
        "bias_grad": (vector, lambda t: fa.relu.backward(x, x=x, bias_grad=t)),
        "prelu": (x, lambda t: fa.prelu(x, vector, out=t)),
        "weight_grad": (vector, lambda t: fa.prelu.backward(x, x=x, weight=vector, weight_grad=t)),
        "softmax": (x, lambda t: fa.softmax(x, out=t)),
        "softmax where": (x, lambda t: fa.softmax(x, where=x > 0, out=t)),
        "softmax.backward": (x, lambda t: fa.softmax.backward(x, y=x, out=t)),
        "logsumexp": (rows, lambda t: fa.logsumexp(x, out=t)),
        "logsumexp.backward": (x, lambda t: fa.logsumexp.backward(rows, x=x, out=t)),
        "swiglu": (x, lambda t: fa.swiglu(x, x, out=t)),
        "swiglu halves": (half, lambda t: fa.swiglu(x, out=t)),
        "swiglu.backward halves": (x, lambda t: fa.swiglu.backward(half, x=x, out=t)),
        "gate_grad": (x, lambda t: fa.swiglu.backward(x, gate=x, value=x, gate_grad=t)),
        "value_grad": (x, lambda t: fa.swiglu.backward(x, gate=x, value=x, value_grad=t)),
    }


@pytest.mark.parametrize("name", outputs(np.float32))
def test_autograd_sees_that_a_tensor_was_written_to(name, dtype):
    like, call = outputs(dtype)[name]
    tensor = torch.ones(like.shape, dtype={"f": torch.float32, "d": torch.float64}[dtype.char])
    version = tensor._version
    call(tensor)
    assert tensor._version == version + 1


def test_a_gradient_that_goes_by_an_overwritten_value_is_an_error():
    weight = torch.ones(3, requires_grad=True)
    saved = torch.tensor([1.0, -2.0, 3.0])
    loss = (weight * saved).sum()
    fa.relu(saved, out=saved)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_tensors_of_inference_mode_are_written_to():
    with torch.inference_mode():
        tensor = torch.tensor([1.0, -2.0])
        assert fa.relu(tensor, out=tensor).tolist() == [1, 0]
