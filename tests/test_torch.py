"""PyTorch as an oracle, where it is installed: values and gradients at ordinary inputs."""

import numpy as np
import pytest

import fastact as fa
from fastact._bench import peers
from fastact.catalogue import ROW

torch = pytest.importorskip("torch")
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}  # its own errors near roots and in tails are what this allows for


@pytest.mark.parametrize("name", peers.TORCH)
def test_values_and_gradients_are_those_of_torch(name, dtype):
    names = {"torch": torch, "F": torch.nn.functional} | ROW[name].typical
    x = np.linspace(-6, 6, 2000, dtype=dtype).reshape(50, 40)
    grad = np.cos(x)
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    y = eval(f"lambda x: {peers.TORCH[name]}", names)(tensor)
    y.backward(torch.from_numpy(grad))
    activation, typical = fa.ACTIVATIONS[name], ROW[name].typical
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
    names = {"torch": torch, "F": torch.nn.functional} | ROW[name].typical
    x = np.array([-6, -3, -1, -0.5, 0, 0.5, 1, 3, 6], dtype)
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    eval(f"lambda x: {peers.TORCH[name]}", names)(tensor).sum().backward()
    derivative = fa.ACTIVATIONS[name].derivative(x, **ROW[name].typical)
    np.testing.assert_allclose(derivative, tensor.grad.numpy(), rtol=1e-6, atol=0)
