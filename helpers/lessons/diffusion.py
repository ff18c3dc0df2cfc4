"""What lessons keep for later ones, diffusion; made by `python -m tools.notebooks export`; edit notebooks."""

import math
from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from helpers.lessons.gan import update_ema
from helpers.training import GroupNorm, bf16_autocast, one_cycle, progress, set_seed


# --- from notebooks/08_forward_diffusion.ipynb; edit there ---
def to_minus_one_one(images):
    """Images in [0, 1] -> images in [-1, 1]."""
    return 2 * images - 1


def linear_alpha_bars(T=1000):
    """alpha_bars (T + 1,) for betas from 0.0001 to 0.02, scaled to T steps. Ho et al. 2020."""
    betas = torch.linspace(1e-4, 0.02, T, dtype=torch.double) * (1000 / T)
    return torch.cat([torch.ones(1), (1 - betas).cumprod(dim=0)]).float()


def add_noise(x_0, t, eps, alpha_bars):
    """Noisy x_t, shape of x_0 (N, ...); t is (N,) int64 in 0..T. Ho et al. 2020, eq. 4."""
    alpha_bar_t = alpha_bars.to(x_0.device)[t].reshape(-1, *[1] * (x_0.ndim - 1))
    return alpha_bar_t.sqrt() * x_0 + (1 - alpha_bar_t).sqrt() * eps


def diffused(mixture, alpha_bar_t):
    """The mixture after noising to alpha_bar_t (a number in [0, 1]), again a `Mixture`."""
    stds = (alpha_bar_t * mixture.stds**2 + 1 - alpha_bar_t).sqrt()
    return replace(mixture, means=math.sqrt(alpha_bar_t) * mixture.means, stds=stds)


def cosine_alpha_bars(T=1000, s=0.008):
    """alpha_bars (T + 1,) of the cosine, no beta above 0.999. Nichol and Dhariwal 2021, eq. 17."""
    fraction = (torch.linspace(0, 1, T + 1, dtype=torch.double) + s) / (1 + s)
    f = torch.cos(fraction * math.pi / 2) ** 2
    betas = (1 - f[1:] / f[:-1]).clamp(max=0.999)
    return torch.cat([torch.ones(1), (1 - betas).cumprod(dim=0)]).float()


def posterior(x_t, x_0, t, alpha_bars):
    """Mean, shape of x_t (N, ...), and variance (N, 1, ...) of q(x_{t-1} | x_t, x_0).

    t is (N,) int64 in 1..T. Ho et al. 2020, eq. 6 and 7."""
    bars = alpha_bars.to(x_t.device)
    now, before = (bars[i].reshape(-1, *[1] * (x_t.ndim - 1)) for i in (t, t - 1))
    alpha = now / before
    beta = 1 - alpha
    mean = (before.sqrt() * beta * x_0 + alpha.sqrt() * (1 - before) * x_t) / (1 - now)
    return mean, (1 - before) / (1 - now) * beta


# --- from notebooks/09_reverse_diffusion.ipynb; edit there ---
def prediction_target(prediction, x_0, eps, alpha_bar_t):
    """What a network should answer whose kind of prediction is "eps", "x_0" or "v"."""
    if prediction == "v":
        return alpha_bar_t.sqrt() * eps - (1 - alpha_bar_t).sqrt() * x_0
    return {"eps": eps, "x_0": x_0}[prediction]

def to_x_0(prediction, output, x_t, alpha_bar_t):
    """The estimate x_0_hat that follows from the network's output."""
    if prediction == "v":
        return alpha_bar_t.sqrt() * x_t - (1 - alpha_bar_t).sqrt() * output
    if prediction == "x_0":
        return output
    return (x_t - (1 - alpha_bar_t).sqrt() * output) / alpha_bar_t.sqrt()

def to_eps(x_0_hat, x_t, alpha_bar_t):
    """The estimate eps_hat that belongs to x_0_hat."""
    return (x_t - alpha_bar_t.sqrt() * x_0_hat) / (1 - alpha_bar_t).sqrt()


def time_embedding(t, size=32, slowest=10_000):
    """Timesteps t (N,) as sines and cosines (N, size) of speeds 1 to nearly 1 / slowest."""
    speeds = slowest ** (-torch.arange(size // 2, device=t.device) / (size // 2))
    angles = t[:, None] * speeds
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def exact_means(mixture, x_t, alpha_bar_t):
    """The exact means of x_0 and of eps, each (N, 2), given x_t (N, 2), for data from `mixture`."""
    score = diffused(mixture, alpha_bar_t.item()).score(x_t)
    x_0_mean = (x_t + (1 - alpha_bar_t) * score) / alpha_bar_t.sqrt()
    return x_0_mean, -(1 - alpha_bar_t).sqrt() * score


def ddim_step(x_t, x_0_hat, t, s, alpha_bars, eta=0.0):
    """x_s from x_t and x_0_hat (N, ...), for numbers s < t; eta 0 = DDIM, 1 = DDPM.

    Song et al. 2021, eq. 12 and 16."""
    now, then = alpha_bars[t], alpha_bars[s]
    variance = eta**2 * (1 - then) / (1 - now) * (1 - now / then)
    direction = (1 - then - variance).clamp(min=0).sqrt() * to_eps(x_0_hat, x_t, now)
    return then.sqrt() * x_0_hat + direction + variance.sqrt() * torch.randn_like(x_t)


def trailing_timesteps(count, T):
    """`count` timesteps T(1 - i / count), whole numbers. Lin et al. 2023."""
    return [round(T * (1 - i / count)) for i in range(count)]

def ddim_sample_loop(predict_x_0, x, timesteps, alpha_bars, eta=0.0):
    """Yield (t, x_t, x_0_hat) down the timesteps, then (0, x_0, x_0).

    predict_x_0(x_t, t) returns x_0_hat, shape of x_t (N, ...)."""
    for t, s in pairwise([*timesteps, 0]):
        x_0_hat = predict_x_0(x, t)
        yield t, x, x_0_hat
        x = ddim_step(x, x_0_hat, t, s, alpha_bars, eta)
    yield 0, x, x

def ddim_sample(predict_x_0, x, timesteps, alpha_bars, eta=0.0):
    """x_0, shape of x: where `ddim_sample_loop` ends."""
    for _, reached, _ in ddim_sample_loop(predict_x_0, x, timesteps, alpha_bars, eta):
        x = reached
    return x


def diffusion_loss(net, x_0, y, alpha_bars):
    """Mean squared error of the network's prediction, each image at a timestep t of its own."""
    t = torch.randint(1, len(alpha_bars), (len(x_0),), device=x_0.device)
    eps = torch.randn_like(x_0)
    x_t = add_noise(x_0, t, eps, alpha_bars)
    alpha_bar_t = alpha_bars.to(x_0.device)[t].reshape(-1, 1, 1, 1)
    return F.mse_loss(net(x_t, t, y), prediction_target(net.prediction, x_0, eps, alpha_bar_t))


def fit_diffusion(model, data, steps, seed, ema, loss_of, decay=0.995, lr=4e-3, watch=None):
    """Train `model` with loss_of(model, x_0, y), x_0 (64, 1, 28, 28) in [-1, 1], classes y (64,).

    `ema` follows it (lesson 05's average); watch(step, model, ema), if given, looks on after each
    step. Returns the history: the loss of every step."""
    losses = []
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, fused=True)
    schedule = one_cycle(optimizer, lr, steps, warmup=0.1)
    set_seed(seed)
    for x, y in progress(data.batches(64, steps=steps, seed=seed), losses):
        with bf16_autocast(x.device):
            loss = loss_of(model, to_minus_one_one(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        update_ema(ema, model, decay)
        losses.append(loss.item())
        if watch:
            watch(len(losses), model, ema)
    return {"loss": losses}


def drop_labels(y, p=0.1):
    """Classes y (N,), each replaced by 10, "no class given", with probability p."""
    return y.masked_fill(torch.rand(len(y), device=y.device) < p, 10)

def label_dropout_loss(net, x_0, y, alpha_bars):
    """`diffusion_loss` with one class in ten dropped. Ho and Salimans 2022, algorithm 1."""
    return diffusion_loss(net, x_0, drop_labels(y), alpha_bars)


def make_denoiser(net, y, alpha_bars):
    """predict_x_0(x_t, t) -> x_0_hat in [-1, 1] for images x_t (N, 1, 28, 28), given y.

    y is what the network knows of each image: classes (N,), or small images (N, 1, 7, 7)."""
    def predict_x_0(x_t, t):
        times = torch.full((len(x_t),), t, device=x_t.device)
        parts = zip(x_t.split(250), times.split(250), y.split(250), strict=True)
        with bf16_autocast(x_t.device):
            output = torch.cat([net(*part) for part in parts]).float()
        return to_x_0(net.prediction, output, x_t, alpha_bars[t]).clamp(-1, 1)
    return predict_x_0

@torch.no_grad()
def sample(predict_x_0, count, timesteps, alpha_bars, seed, device, eta=0.0):
    """`count` images (count, 1, 28, 28) in [0, 1] from the noise of `seed`."""
    set_seed(seed)
    x = torch.randn(count, 1, 28, 28, device=device)
    return (ddim_sample(predict_x_0, x, timesteps, alpha_bars, eta) + 1) / 2


class Block(nn.Module):
    """Maps h (N, c_in, H, W) and a condition c (N, 128) -> (N, c_out, H, W)."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.norm0 = GroupNorm(8, c_in)
        self.conv0 = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.affine = nn.Linear(128, 2 * c_out)
        self.norm1 = GroupNorm(8, c_out)
        self.conv1 = nn.Conv2d(c_out, c_out, 3, padding=1)
        nn.init.zeros_(self.conv1.weight)
        nn.init.zeros_(self.conv1.bias)
        self.skip = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else nn.Identity()

    def forward(self, h, c):
        scale, shift = self.affine(c)[:, :, None, None].chunk(2, dim=1)
        new = self.conv0(F.silu(self.norm0(h)))
        new = self.norm1(new) * (1 + scale) + shift
        return self.skip(h) + self.conv1(F.silu(new))

class Blocks(nn.ModuleList):
    """Blocks in a row, with the same condition."""

    def forward(self, h, c):
        for block in self:
            h = block(h, c)
        return h


class TimeUNet(nn.Module):
    """Predictions (N, 1, 28, 28) for x_t (N, 1, 28, 28), t (N,) and classes y (N,) in 0..10."""

    def __init__(self, prediction="v", width=32):
        super().__init__()
        self.prediction = prediction
        w = width
        self.time = nn.Sequential(nn.Linear(32, 128), nn.SiLU(), nn.Linear(128, 128))
        self.label = nn.Embedding(11, 128)  # 10 means: no class given
        self.conv_in = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, w, 3, padding=1))
        self.down = Blocks([Block(w, w), Block(w, w)])  # (N, w, 14, 14)
        self.downsample = nn.Conv2d(w, 2 * w, 3, stride=2, padding=1)
        self.mid = Blocks([Block(2 * w, 2 * w), Block(2 * w, 2 * w)])  # (N, 2w, 7, 7)
        self.upsample = nn.ConvTranspose2d(2 * w, w, 4, stride=2, padding=1)
        self.up = Blocks([Block(2 * w, w), Block(w, w)])  # (N, w, 14, 14)
        self.conv_out = nn.Sequential(
            GroupNorm(8, w), nn.SiLU(), nn.Conv2d(w, 4, 3, padding=1), nn.PixelShuffle(2)
        )
        with torch.no_grad():  # the four pixels of a square begin equal (Aitken et al. 2017)
            for p in self.conv_out[2].parameters():
                p[:] = p[:1].clone()

    def forward(self, x_t, t, y):
        c = F.silu(self.time(time_embedding(t)) + self.label(y))  # (N, 128)
        skip = self.down(self.conv_in(x_t), c)  # lesson 03's skip connection
        h = self.mid(self.downsample(skip), c)
        h = self.up(torch.cat([self.upsample(h), skip], dim=1), c)
        return self.conv_out(h)
