"""What lessons keep for later ones, flow matching; made by `python -m tools.notebooks export`; edit notebooks."""

from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as F

from helpers.lessons.diffusion import drop_labels
from helpers.lessons.guidance import cfg_combine
from helpers.training import bf16_autocast, set_seed


# --- from notebooks/11_flow_matching.ipynb; edit there ---
def interpolant(x_0, eps, s):
    """x_s on the lines from x_0 to eps (N, ...); s: (N,) or a number. Esser et al. 2024, eq. 13."""
    s = torch.as_tensor(s, dtype=x_0.dtype, device=x_0.device).reshape(-1, *[1] * (x_0.ndim - 1))
    return (1 - s) * x_0 + s * eps


def exact_velocity(mixture, x, s):
    """The marginal velocity (N, D) at x (N, D) and the number s, for data from `mixture`."""
    variances = (1 - s) ** 2 * mixture.stds**2 + s**2  # of x_s in each component, (K,)
    noised = replace(mixture, means=(1 - s) * mixture.means, stds=variances.sqrt())
    weights = noised.log_joint(x).softmax(dim=1)[:, :, None]  # where x came from, (N, K, 1)
    slope = ((s - (1 - s) * mixture.stds**2) / variances)[:, None]  # (K, 1)
    each = slope * (x[:, None] - noised.means) - mixture.means  # (N, K, D)
    return (weights * each).sum(dim=1)


def euler_step(velocity, x, s, r):
    """From x (N, ...) at time s to time r, with velocity(x, s) (N, ...), that at the start."""
    return x + (r - s) * velocity(x, s)

def even_times(count):
    """The count + 1 times of `count` equal steps from noise to data: 1, ..., 0."""
    return torch.linspace(1, 0, count + 1, dtype=torch.double).tolist()

def flow_sample_loop(velocity, x, times, step=euler_step):
    """Yield (s, x_s) at each of the `times`, from x (N, ...) at the first."""
    yield times[0], x
    for s, r in pairwise(times):
        x = step(velocity, x, s, r)
        yield r, x

def flow_sample(velocity, x, times, step=euler_step):
    """Where `flow_sample_loop` ends, shape of x."""
    for _, reached in flow_sample_loop(velocity, x, times, step):
        x = reached
    return x


def x_0_from_velocity(v, x_s, s):
    """The estimate x_0_hat (N, ...) that belongs to a velocity at x_s and the number s."""
    return x_s - s * v

def eps_from_velocity(v, x_s, s):
    """The estimate eps_hat (N, ...) that belongs to a velocity at x_s and the number s."""
    return x_s + (1 - s) * v


def heun_step(velocity, x, s, r):
    """As `euler_step`, with the mean of the velocities at both ends: two calls."""
    v = velocity(x, s)
    ahead = x + (r - s) * v
    return x + (r - s) * (v + velocity(ahead, r)) / 2


def velocity_loss(net, x_0, eps, s, y=None):
    """Mean squared error of the network's velocity for pairs x_0, eps (N, ...) at times s (N,)."""
    return F.mse_loss(net(interpolant(x_0, eps, s), 1000 * s, y), eps - x_0)


def logit_normal(count, device):
    """Times (count,) in (0, 1), most of them in the middle. Esser et al. 2024, section 3.1."""
    return torch.sigmoid(torch.randn(count, device=device))

def flow_matching_loss(net, x_0, y):
    """`velocity_loss` of images, each with its own time and noise; one class in ten is dropped."""
    s = logit_normal(len(x_0), x_0.device)
    return velocity_loss(net, x_0, torch.randn_like(x_0), s, drop_labels(y))


def image_velocity(net, y, scale=1.0, middle=(0.27, 0.73)):
    """velocity(x_s, s) -> v, both (N, 1, 28, 28), of a network for classes y (N,).

    Guided with `scale` where s lies in the `middle` (Kynkäänniemi et al. 2024)."""
    def ask(x_s, s, labels):
        t = torch.full((len(x_s),), 1000.0 * s, device=x_s.device)
        parts = zip(x_s.split(250), t.split(250), labels.split(250), strict=True)
        with bf16_autocast(x_s.device):
            return torch.cat([net(*part) for part in parts]).float()
    def velocity(x_s, s):
        cond = ask(x_s, s, y)
        if scale == 1 or not middle[0] < s < middle[1]:
            return cond
        return cfg_combine(ask(x_s, s, torch.full_like(y, 10)), cond, scale)
    return velocity

@torch.no_grad()
def sample_flow(velocity, count, times, seed, device, step=euler_step):
    """`count` images (count, 1, 28, 28) in [0, 1] from the noise of `seed`."""
    set_seed(seed)
    x = torch.randn(count, 1, 28, 28, device=device)
    return ((flow_sample(velocity, x, times, step) + 1) / 2).clamp(0, 1)


def heun_then_euler(velocity, x, s, r):
    """Heun's step, but Euler's into s = 0, where Heun would look once more. Karras et al. 2022."""
    return euler_step(velocity, x, s, r) if r == 0 else heun_step(velocity, x, s, r)
