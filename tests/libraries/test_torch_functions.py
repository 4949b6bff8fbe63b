"""fastact.torch: functions, modules and operators of the whole catalogue, under PyTorch's own checks."""

import inspect

import numpy as np
import pytest

import fastact as fa
from fastact.catalogue import SPECS

torch = pytest.importorskip("torch")
from torch import nn
from torch.nn import functional as F

import fastact.torch as ft

EVERY = pytest.mark.parametrize("name", list(SPECS))
DIFFERENTIABLE = pytest.mark.parametrize("name", [name for name, spec in SPECS.items() if spec.kind != "loss"])
ELEMENTWISE = pytest.mark.parametrize("name", [name for name, spec in SPECS.items() if spec.kind == "elementwise"])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(3)


def tensor(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype).requires_grad_()


def arguments(name, dtype=torch.float64):
    """Return the tensors of a call, and its options in the operator's order."""
    spec, operator = SPECS[name], ft.OPERATORS[name]
    tensors = {
        "gate": lambda: [tensor(4, 6, dtype=dtype), tensor(4, 6, dtype=dtype)],
        "channelwise": lambda: [tensor(4, 6, dtype=dtype), torch.rand(6, dtype=dtype).requires_grad_()],
        "loss": lambda: [tensor(4, 6, dtype=dtype), torch.rand(4, 6, dtype=dtype)],
    }.get(spec.kind, lambda: [tensor(4, 6, dtype=dtype)])()
    required = spec.required if spec.kind == "elementwise" else {}
    options = [required.get(a.name, default) for a, default in zip(operator.options, operator.defaults, strict=True)]
    return tensors, options


@EVERY
def test_gradients_pass_gradcheck(name):
    tensors, options = arguments(name)
    assert torch.autograd.gradcheck(lambda *given: ft.FUNCTIONS[name](*given, *keywordless(name, options)), tensors)


def keywordless(name, options):
    """Options by position, as the functions take them too."""
    return options if SPECS[name].kind != "gate" else []


@DIFFERENTIABLE
def test_second_derivatives_pass_gradgradcheck(name):
    tensors, options = arguments(name)
    call = lambda *given: ft.FUNCTIONS[name](*given, *keywordless(name, options))
    assert torch.autograd.gradgradcheck(call, tensors)


@pytest.mark.parametrize("name", ["softplus", "mish", "silu", "gelu_tanh", "sigmoid"])
@pytest.mark.parametrize("at", [0.0, 300.0, -300.0])
def test_second_derivatives_hold_at_zero_and_far_out(name, at):
    """Where PyTorch's derivative of an abs or of 0 * inf would be wrong."""
    call = getattr(F, name.removesuffix("_tanh"))
    keywords = {"approximate": "tanh"} if name == "gelu_tanh" else {}
    expected, got = (second(lambda x, f=f, k=k: f(x, **k), at) for f, k in ((call, keywords), (getattr(ft, name), {})))
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-12)


def second(call, at):
    x = torch.tensor([at], dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(call(x).sum(), x, create_graph=True)
    return torch.autograd.grad(first.sum(), x)[0].item()


def test_a_loss_refuses_a_second_derivative():
    logits, targets = tensor(4, 6), torch.tensor([0, 1, 2, 3])
    with pytest.raises(NotImplementedError, match="no second derivative"):
        torch.autograd.grad(ft.softmax_cross_entropy(logits, targets), logits, create_graph=True)


@EVERY
@pytest.mark.full
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # opcheck looks at all of them
def test_operators_pass_opcheck(name):
    tensors, options = arguments(name)
    operator = ft.OPERATORS[name]
    if SPECS[name].kind == "loss":
        torch.library.opcheck(operator.operator, (*tensors, *options))
        return
    torch.library.opcheck(operator.forward, (*tensors, *options))
    output = operator.forward(*[t.detach() for t in tensors], *options)
    sources = [output] if SPECS[name].kind == "rowwise" else tensors
    by_input = [False] if SPECS[name].kind == "elementwise" else []
    sources = [t.detach().requires_grad_() for t in sources]
    if SPECS[name].kind == "gate" and SPECS[name].inputs[0] == "value":
        sources.reverse()
    torch.library.opcheck(operator.backward, (torch.randn_like(output).requires_grad_(), *sources, *by_input, *options))


@EVERY
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16], ids=str)
def test_a_tensor_gives_a_tensor_with_fastacts_bits(name, dtype):
    if dtype is torch.bfloat16:
        pytest.importorskip("ml_dtypes")
    tensors, options = arguments(name, dtype)
    tensors = [t.detach() for t in tensors]
    got = ft.FUNCTIONS[name](*tensors, *keywordless(name, options))
    assert type(got) is torch.Tensor
    if SPECS[name].kind != "loss":
        assert got.dtype is dtype
    named = ft.OPERATORS[name].named(options) if SPECS[name].kind != "gate" else {}
    expected = getattr(fa, name)(*map(ft.array, tensors), **named)
    assert ft.array(got).tobytes() == np.asarray(expected).tobytes()


@ELEMENTWISE
def test_an_operator_gives_the_bits_of_the_eager_call(name):
    (x,), options = arguments(name, torch.float32)
    x = x.detach()
    assert torch.equal(getattr(ft, name)(x, *options), ft.OPERATORS[name].forward(x, *options))
    assert torch.equal(getattr(ft, name)(x.t(), *options), ft.OPERATORS[name].forward(x.t(), *options))


@EVERY
def test_signatures_are_those_of_the_catalogue(name):
    parameters = inspect.signature(ft.FUNCTIONS[name]).parameters
    assert {p.name for p in SPECS[name].parameters} <= set(parameters)
    assert "axis" not in parameters


# In place.


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid", "elu", "leaky_relu"])
def test_in_place_writes_to_the_tensor_and_autograd_follows(name):
    x = tensor(5, 7)
    expected = getattr(F, name)(x * 1)
    given = x * 1
    got = getattr(ft, name)(given, inplace=True)
    assert got is given
    torch.testing.assert_close(got, expected)
    grad = torch.randn(5, 7, dtype=torch.float64)
    torch.testing.assert_close(*(torch.autograd.grad(y, x, grad)[0] for y in (got, expected)))


def test_in_place_is_seen_by_autograd():
    weight, saved = tensor(3), torch.randn(3, dtype=torch.float64)
    loss = (weight * saved).sum()
    ft.relu(saved, inplace=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_in_place_is_refused_before_anything_is_written():
    leaf = tensor(3)
    before = leaf.detach().clone()
    with pytest.raises(RuntimeError, match="leaf"):
        ft.relu(leaf, inplace=True)
    product = leaf * 1
    with pytest.raises(TypeError, match="does not determine"):
        ft.mish(product, inplace=True)
    assert torch.equal(leaf.detach(), before)
    assert torch.equal(product.detach(), before)


def test_options_that_the_output_is_not_enough_for_go_by_the_input():
    x = tensor(9)
    got = torch.autograd.grad(ft.leaky_relu(x, -0.5).sum(), x)[0]
    assert torch.equal(got, torch.where(x > 0, 1.0, -0.5).double())


# Other ways of a call.


def test_shapes_and_layouts():
    x = torch.randn(3, 4, 5)
    assert torch.equal(ft.tanh(x.permute(2, 0, 1)), ft.tanh(x).permute(2, 0, 1))
    assert ft.tanh(torch.tensor(0.5)).shape == ()
    assert ft.tanh(torch.empty(0, 3)).shape == (0, 3)
    assert ft.logsumexp(x, 1, keepdim=True).shape == (3, 1, 5)
    assert ft.logsumexp(x, -1).shape == (3, 4)
    for dims, keep in (((0, 2), False), ((-1, 0), True), ([1], False)):
        torch.testing.assert_close(ft.logsumexp(x, dims, keepdim=keep), torch.logsumexp(x, dims, keep))
    torch.testing.assert_close(ft.glu(x[..., :4], dim=-1), F.glu(x[..., :4]))


def test_masked_rows_are_those_of_attention():
    scores, mask = tensor(2, 5, 5), torch.rand(5, 5) > 0.3
    mask[:, 0] = True
    allowed = mask & torch.ones(5, 5, dtype=torch.bool).tril()
    expected = (scores * 0.25).masked_fill(~allowed, -torch.inf).softmax(-1)
    got = ft.softmax(scores, scale=0.25, where=mask, causal=True)
    torch.testing.assert_close(got, expected)
    grad = torch.randn(2, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(*(torch.autograd.grad(y, scores, grad)[0] for y in (got, expected)))


@pytest.mark.parametrize("dim", [-1, (0, -1)])
def test_masked_logsumexp_has_both_derivatives(dim):
    x, mask = tensor(3, 4, 5), torch.rand(4, 5) > 0.5
    mask[0] = False  # rows without any element
    options = {"scale": 0.5, "where": mask, "causal": dim == -1}
    call = lambda x: torch.where(torch.isinf(y := ft.logsumexp(x, dim, **options)), 0.0, y)
    assert torch.autograd.gradcheck(call, [x])
    assert torch.autograd.gradgradcheck(call, [x])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_are_those_of_torch(reduction):
    logits, labels = tensor(6, 5), torch.tensor([0, 4, 2, 2, 1, 3])
    weight = torch.rand(5, dtype=torch.float64)
    expected = F.cross_entropy(logits, labels, weight, reduction=reduction, label_smoothing=0.1)
    got = ft.softmax_cross_entropy(logits, labels, class_weight=weight, reduction=reduction, label_smoothing=0.1)
    torch.testing.assert_close(got, expected)
    grad = torch.rand_like(got)
    torch.testing.assert_close(*(torch.autograd.grad(y, logits, grad)[0] for y in (got, expected)))


@pytest.mark.parametrize("bad", [torch.tensor([1, 2]), torch.randn(3, dtype=torch.complex64), np.ones(3)], ids=type)
def test_what_is_no_floating_tensor_is_refused(bad):
    with pytest.raises((TypeError, RuntimeError)):
        ft.mish(bad)


@pytest.mark.parametrize(("args", "keywords"), [((1,), {}), ((), {"alpha": 1}), ((0.1, 2), {}), ((0.1,), {"beta": 1})])
def test_other_options_are_refused(args, keywords):
    with pytest.raises(TypeError, match=r"mish|swish"):
        ft.mish(torch.ones(3), *args, **keywords) if len(args) < 2 and not keywords.get("beta") else ft.swish(
            torch.ones(3), *args, **keywords
        )


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*torch.jit.script:FutureWarning")  # of torch itself
def test_forward_derivatives_and_transforms_are_not_lost_silently():
    """What goes past the dispatcher would drop a tangent."""
    x = torch.randn(3)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, torch.ones(3))
        with pytest.raises(NotImplementedError):
            ft.mish(dual)
    with pytest.raises(RuntimeError, match="functorch"):
        torch.func.grad(lambda t: ft.mish(t).sum())(x)


# Modules and patch.

MODULES = [
    nn.ELU(0.7), nn.Hardshrink(0.3), nn.Hardsigmoid(), nn.Hardtanh(-0.5, 2.0), nn.Hardswish(), nn.LeakyReLU(0.2),
    nn.LogSigmoid(), nn.ReLU(), nn.ReLU6(), nn.SELU(), nn.CELU(1.5), nn.GELU(), nn.GELU("tanh"), nn.Sigmoid(), nn.SiLU(),
    nn.Mish(), nn.Softplus(2.0), nn.Softshrink(0.4), nn.Softsign(), nn.Tanh(), nn.Tanhshrink(), nn.Threshold(0.1, 20.0),
    nn.GLU(1), nn.Softmin(1), nn.Softmax(1), nn.LogSoftmax(1), nn.Softmax2d(), nn.PReLU(), nn.PReLU(4),
]  # fmt: skip


@pytest.mark.parametrize("module", MODULES, ids=repr)
def test_patch_changes_no_value_of_a_module_of_torch(module):
    x = torch.randn(2, 4, 3, 3).requires_grad_()
    ours = ft.patch(nn.Sequential(module))[0]
    assert type(ours).__module__ == "fastact.torch"
    assert type(ft.patch(module)) is type(ours)
    got, expected = ours(x), module(x)
    torch.testing.assert_close(got, expected)
    grad = torch.randn_like(expected)
    torch.testing.assert_close(*(torch.autograd.grad(y, x, grad)[0] for y in (got, expected)))


def test_every_activation_module_of_torch_is_patched_or_known_not_to_be():
    left = {nn.MultiheadAttention, nn.RReLU}  # which is random
    classes = {m for m in vars(nn.modules.activation).values() if isinstance(m, type) and issubclass(m, nn.Module)}
    classes = {m for m in classes if m.__module__ == "torch.nn.modules.activation"}
    assert classes - left == {type(module) for module in MODULES}


def test_patch_keeps_weights_names_sharing_and_what_it_does_not_know():
    shared, prelu = nn.Mish(), nn.PReLU(3)
    hooked, linear = nn.ReLU(), nn.Linear(3, 3)
    hooked.register_forward_hook(lambda *args: None)
    model = nn.Sequential(linear, shared, nn.Sequential(shared, prelu), hooked, nn.Softmax(None), nn.RReLU()).eval()
    names = list(model.state_dict())
    assert ft.patch(model) is model
    assert list(model.state_dict()) == names
    assert model[0] is linear
    assert model[1] is model[2][0]
    assert model[2][1].weight is prelu.weight
    assert model[3] is hooked
    assert type(model[4]) is nn.Softmax
    assert type(model[5]) is nn.RReLU
    assert not model[1].training


def test_patch_replaces_only_what_it_is_told_to():
    first, second = ft.patch(nn.Sequential(nn.Mish(), nn.ReLU()), only={nn.Mish})
    assert type(first) is ft.Mish
    assert type(second) is nn.ReLU


def losses(model, compiled):
    torch.manual_seed(0)
    x, target = torch.randn(256, 20), torch.randn(256, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    run = torch.compile(model, fullgraph=True) if compiled else model
    found = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = F.mse_loss(run(x), target)
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(20, 64), nn.Mish(), nn.Linear(64, 64), nn.Mish(), nn.Linear(64, 1))


def test_a_patched_network_trains_as_before():
    stock, patched = losses(network(), False), losses(ft.patch(network()), False)
    assert stock[-1] < stock[0]
    np.testing.assert_allclose(patched, stock, rtol=1e-5)


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")  # of torch's compiler itself
def test_a_patched_network_trains_under_torch_compile_in_one_graph():
    np.testing.assert_allclose(losses(ft.patch(network()), True), losses(network(), False), rtol=1e-5)


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_in_place_and_options_compile():
    def run(x):
        y = ft.elu(x * 2, alpha=0.5, inplace=True)
        return ft.softmax(y, dim=0, scale=0.5) + ft.swiglu(y, y) + ft.prelu(y, x[0].abs())

    x = torch.randn(4, 4)
    torch.testing.assert_close(torch.compile(run, fullgraph=True)(x), run(x))


@pytest.mark.timing
def test_a_call_takes_no_more_than_a_microsecond_above_torchs_own():
    import timeit

    x = torch.randn(16)
    there_and_back = lambda x: torch.from_numpy(x.numpy())
    calls = (ft.mish, F.mish, there_and_back)
    ours, own, conversion = (min(timeit.repeat(lambda f=f: f(x), number=2000, repeat=30)) / 2000 for f in calls)
    # On a slow CPU PyTorch's conversion to NumPy and back alone takes longer (Zen 3: 1.7 us).
    assert ours < own + max(1e-6, 1.5 * conversion)
