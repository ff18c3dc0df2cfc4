"""The emulated device obeys CUDA's rules, and on it every lesson runs without training: what would fail on a GPU fails
here, on any machine. Where there is a GPU, the same tests check the rules there.
"""

import copy
import re
from contextlib import nullcontext
from types import SimpleNamespace

import demo
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from second_device import AVAILABLE, NAME, second_device
from torch import nn

from helpers import maps, plotting, store
from helpers.training import bf16_autocast, set_seed
from tools import notebooks

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="this torch has no devices defined in Python")

ON_GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here"))


@pytest.fixture(params=[NAME, ON_GPU])
def device(request):
    """The emulated device, and where there is one the GPU."""
    with second_device() if request.param == NAME else nullcontext(torch.device("cuda", 0)) as device:
        yield device


def numbers(*shape):
    """The same random numbers at every call."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def write(x, place, value):
    x[place] = value
    return x


# What is refused: each function gets the same numbers on the device, x (4, 4), and on the CPU, y (4, 4)

MIXED = "Expected all tensors to be on the same device"
INDICES = "indices should be either on cpu or on the same device as the indexed tensor (cpu)"
REFUSED = {
    "sum": (lambda x, y: x + y, MIXED),
    "sum, the other way round": (lambda x, y: y + x, MIXED),
    "sum with one row": (lambda x, y: x + y[0], MIXED),
    "one number with a CPU tensor": (lambda x, y: x[0, 0] * y, MIXED),
    "comparison": (lambda x, y: x > y, MIXED),
    "sum in place": (lambda x, y: x.add_(y), MIXED),
    "into a number of the CPU": (lambda x, y: y[0, 0].add_(x[0, 0]), MIXED),
    "into a result of the CPU": (lambda x, y: torch.add(x, x, out=y), MIXED),
    "product of matrices": (lambda x, y: x @ y, MIXED),
    "one layer": (lambda x, y: F.linear(x, y), MIXED),
    "loss": (lambda x, y: F.mse_loss(x, y), MIXED),
    "loss of classes": (lambda x, y: F.cross_entropy(x, torch.arange(4)), MIXED),
    "joined": (lambda x, y: torch.cat([x, y]), MIXED),
    "joined with a number": (lambda x, y: torch.stack([x[0, 0], y[0, 0]]), MIXED),
    "distances": (lambda x, y: torch.cdist(x, y), None),
    "equality": (lambda x, y: torch.equal(x, y), None),
    "choice": (lambda x, y: torch.where(x > 0, x, y), MIXED),
    "mask of the CPU": (lambda x, y: x.masked_fill(y > 0, 0.0), MIXED),
    "gathered": (lambda x, y: x.gather(0, y.long() * 0), MIXED),
    "levels of quantiles": (lambda x, y: x.quantile(y[0].sigmoid()), "must be on the same device"),
    "convolution": (lambda x, y: F.conv2d(x[None, None], y[None, None]), None),
    "CPU tensor at device positions": (lambda x, y: y[x[0].long() * 0], re.escape(INDICES)),
    "CPU tensor at a device mask": (lambda x, y: y[x > 0], re.escape(INDICES)),
    "write at a device mask": (lambda x, y: write(y, x > 0, 0.0), re.escape(INDICES)),
    "write CPU values at positions": (lambda x, y: write(x, torch.tensor([0, 1]), y[:2]), None),
    "random numbers from a generator of the CPU": (
        lambda x, y: torch.randn(3, device=x.device, generator=torch.Generator()),
        "device type for generator but found 'cpu'",
    ),
    "order from a generator of the CPU": (
        lambda x, y: torch.randperm(3, device=x.device, generator=torch.Generator()),
        "device type for generator but found 'cpu'",
    ),
    "draws with a generator of the CPU": (
        lambda x, y: torch.multinomial(x.softmax(dim=1), 1, generator=torch.Generator()),
        "device type for generator but found 'cpu'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_mixes_devices_is_refused(case, device):
    operation, words = REFUSED[case]
    with pytest.raises(RuntimeError, match=words if device.type == NAME else None):  # a GPU words some otherwise
        operation(numbers(4, 4).to(device), numbers(4, 4))


NO_ARRAY = "device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x.numpy(),
        lambda x: np.asarray(x),
        lambda x: plt.plot(x),
        lambda x: plt.scatter(*x[:, :2].T),
        lambda x: plt.imshow(x),
        lambda x: x.requires_grad_(True).numpy(),
    ],
)
def test_no_array_is_made_of_a_tensor_of_the_device(operation, device):
    with pytest.raises(TypeError, match=re.escape(NO_ARRAY)):
        operation(numbers(4, 4).to(device))


# What is allowed: the result lies on the device, with the same numbers as on the CPU

ALLOWED = {
    "number of the CPU": lambda x, y: x * y[0, 0],
    "number of the CPU first": lambda x, y: y[0, 0] - x,
    "power": lambda x, y: 2 ** (x * torch.tensor(0.5)),
    "limit": lambda x, y: x.clamp(min=torch.tensor(0.1)),
    "choice with a number": lambda x, y: torch.where(x > 0, x, torch.tensor(0.0)),
    "fill": lambda x, y: x.clone().fill_(y[0, 0]),
    "masked fill": lambda x, y: x.masked_fill(x > 0, y[0, 0]),
    "CPU positions": lambda x, y: x[torch.tensor([2, 0])],
    "CPU mask": lambda x, y: x[y > 0],
    "CPU slice written": lambda x, y: write(x.clone(), 0, y[1]),
    "CPU number written": lambda x, y: write(x.clone(), x > 0, y[0, 0]),
    "copied": lambda x, y: x.clone().copy_(y),
    "moved": lambda x, y: x + y.to(x),
    "attention": lambda x, y: F.scaled_dot_product_attention(x[None], x[None], x[None]),
    "eigenvalues": lambda x, y: torch.linalg.eigvalsh(x @ x.T),
    "solution": lambda x, y: torch.linalg.solve(x, x + 1),
    "distances": lambda x, y: torch.cdist(x, x + 1),
    "quantile": lambda x, y: x.quantile(0.3),
    "median": lambda x, y: x.median(dim=0).values,
    "sorted": lambda x, y: x.sort(descending=True).values,
    "nearest": lambda x, y: x.kthvalue(2, dim=1).values,
    "one-hot": lambda x, y: F.one_hot(x.argmax(dim=1), 10),
    "counts": lambda x, y: torch.bincount(x.argmax(dim=1), minlength=4),
    "parts": lambda x, y: torch.cat([part + 1 for part in x.split(3)]),
    "shape changed in place": lambda x, y: x.clone().unsqueeze_(0).squeeze_().t_(),
    "view written": lambda x, y: [z := x.clone(), z[1].zero_()][0],
    "like": lambda x, y: torch.full_like(x, 2) + torch.ones_like(x),
    "like a CPU tensor": lambda x, y: torch.zeros_like(y, device=x.device),
    "line": lambda x, y: torch.linspace(0, 1, 5, device=x.device) + torch.arange(5, device=x.device),
    "numbers of a list": lambda x, y: torch.tensor([x[0, 0], 2.0], device=x.device),
    "list": lambda x, y: torch.as_tensor([[1, 2], [3, 4]], device=x.device),
    "array": lambda x, y: torch.as_tensor(np.eye(3), device=x.device),
    "convolution": lambda x, y: F.conv_transpose2d(x[None, None], x[None, None], stride=2),
    "groups": lambda x, y: F.group_norm(x[None], 2),
    "per row": lambda x, y: torch.func.vmap(lambda row: row.sum())(x),
    "half": lambda x, y: x.bfloat16() + 1,
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_stays_on_the_device_gives_the_same_numbers(case, device):
    found, right = ALLOWED[case](numbers(4, 4).to(device), numbers(4, 4)), ALLOWED[case](numbers(4, 4), numbers(4, 4))
    assert found.device == device
    torch.testing.assert_close(found.cpu(), right)


def test_numbers_leave_the_device_by_name(device):
    x, y = numbers(4, 4).to(device), numbers(4, 4)
    assert (x[0, 0].item(), float(x[1, 1]), x.tolist()) == (y[0, 0].item(), float(y[1, 1]), y.tolist())
    assert np.array_equal(x.cpu().numpy(), y.numpy())
    assert torch.equal(y.clone().copy_(x), y)
    assert torch.zeros_like(x, device="cpu").device.type == "cpu"
    place = torch.tensor(2, device=device)
    assert torch.equal(y[place], y[2])  # a single position is a number
    assert ["a", "b", "c"][place] == "c"
    assert f"{x[0, 0]:.2f}" == f"{y[0, 0]:.2f}"
    assert f"device='{device}'" in repr(x)


def test_the_device_draws_its_own_random_numbers(device):
    set_seed(0)
    on_device, then_on_cpu = torch.randn(100, device=device), torch.randn(100)
    set_seed(0)
    assert torch.equal(then_on_cpu, torch.randn(100))
    assert torch.equal(on_device, torch.randn_like(on_device))
    assert not torch.allclose(on_device.cpu(), then_on_cpu)


# Networks


def small_network():
    """A network with every kind of layer whose state is easily left behind."""
    torch.manual_seed(0)
    first = nn.Conv2d(1, 4, 3, bias=False)
    return nn.Sequential(first, nn.BatchNorm2d(4), nn.SiLU(), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(16, 1))


def train(network, device, steps=3):
    """The losses of `steps` steps with a penalty on the slope; the optimizer is made before the network moves."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    network.to(device)
    x, losses = numbers(8, 1, 4, 4).to(device).requires_grad_(True), []
    for _ in range(steps):
        loss = (network(x) - 1).square().mean()
        (slope,) = torch.autograd.grad(loss, x, create_graph=True)
        optimizer.zero_grad()
        (loss + slope.square().sum()).backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_a_network_learns_on_the_device_as_on_the_cpu(device):
    network, same = small_network(), small_network()
    losses = train(network, device)
    assert losses == pytest.approx(train(same, "cpu"), rel=1e-3)
    assert losses[0] > losses[-1]
    state = network.state_dict()
    assert {value.device for value in state.values()} == {device}
    assert all(p.grad.device == device and isinstance(p, nn.Parameter) for p in network.parameters())
    for key, value in same.state_dict().items():
        torch.testing.assert_close(state[key].cpu(), value, rtol=1e-3, atol=1e-4)


def test_copies_and_moves_of_a_network_are_separate(device):
    network = small_network().to(device)
    twin, home = copy.deepcopy(network), copy.deepcopy(network).cpu()
    x = numbers(2, 1, 4, 4)
    before = network.eval()(x.to(device))
    train(twin, device)
    assert torch.equal(network(x.to(device)), before)
    torch.testing.assert_close(home.eval()(x), before.cpu(), rtol=1e-3, atol=1e-4)
    with pytest.raises(RuntimeError):
        network(x)
    with pytest.raises(RuntimeError):
        home(x.to(device))


def test_weights_are_saved_and_loaded(device, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path))
    network, back, data = small_network(), small_network().to(device), SimpleNamespace(name="toy")

    def fit(model, data, steps, seed):
        return {"loss": train(model, device, steps), "film": numbers(2, 3).to(device)}

    run = store.train_or_load("small", fit, network, data, 3, seed=0)
    assert store.load_weights("small", back, data, 3).losses == run.losses
    assert run.history["film"].device.type == "cpu"
    for key, value in back.state_dict().items():
        assert value.device == device
        assert torch.equal(value, network.state_dict()[key])


def test_layers_may_be_told_to_compute_fast(device):
    network = small_network().to(device)
    with bf16_autocast(device), torch.autocast(device.type, torch.bfloat16):
        answer = network(numbers(2, 1, 4, 4).to(device))
    assert answer.device == device
    assert answer.float().isfinite().all()


def test_figures_take_tensors_of_the_device(device):
    x = numbers(30, 1, 28, 28).sigmoid().to(device)
    plotting.show_grid(x[:4])
    maps.show_codes(x[:, 0, 0, :2], torch.arange(30, device=device) % 2, ["a", "b"])
    maps.show_thumbnails(x[:, 0, 0, :2], x)
    maps.show_density(lambda points: -points.to(device).square().sum(dim=1), (-1, 1, -1, 1))
    maps.show_arrows(lambda points: -points.to(device), (-1, 1, -1, 1))
    box, sheet = (0.0, 1.0, 0.0, 1.0), np.zeros((20, 20))
    assert np.array_equal(maps.mark(sheet, box, x[0, 0, 0, :2]), maps.mark(sheet, box, x[0, 0, 0, :2].tolist()))
    maps.board(x[0, 0], box, {"#D55E00": x[:, 0, 0, :2]}, (x[:, 0, 0, :2], x[:, 0, 1, :2]))


# What only the emulation has to get right


def test_it_says_what_it_leaves_out():
    with second_device() as device:
        parameter = nn.Parameter(torch.ones(3, device=device))
        with pytest.raises(NotImplementedError, match="cannot assign to"):
            parameter.data = torch.zeros(3)
        with pytest.raises(NotImplementedError):
            torch.Generator(device=device)
        parameter.data.mul_(2)  # but reading it is no copy
        assert parameter.tolist() == [2, 2, 2]


def test_outside_modules_move_as_ever():
    before = torch.__future__.get_swap_module_params_on_conversion()
    with second_device():
        assert torch.__future__.get_swap_module_params_on_conversion()
    assert torch.__future__.get_swap_module_params_on_conversion() == before


# The lessons


@pytest.mark.slow
@pytest.mark.skipif(bool(demo.COLAB_PYTHON), reason="tests/test_colab_versions.py runs the same cells on the device")
@pytest.mark.parametrize("path", notebooks.lessons(), ids=lambda path: path.stem)
def test_a_lesson_runs_on_the_device_without_training(path):
    notebook = demo.prepared(path, on_device=True)
    notebooks.execute(notebook, path.parent, timeout=300)
    demo.check(notebook, [output for cell in notebook.cells for output in cell.get("outputs", [])])
