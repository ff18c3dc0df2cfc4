"""What lessons keep for later ones. Made by `python -m tools.notebooks export`; edit the notebooks."""

import math
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from helpers.training import fast_math, set_seed


# --- from notebooks/01_autoencoder.ipynb; edit there ---
def dense_encoder(code_size):
    """Images (N, 1, 28, 28) -> codes (N, code_size)."""
    return nn.Sequential(
        nn.Flatten(),  # (N, 784)
        nn.Linear(784, 256), nn.ReLU(),
        nn.Linear(256, 128), nn.ReLU(),
        nn.Linear(128, code_size),
    )


def dense_decoder(code_size):
    """Codes (N, code_size) -> images (N, 1, 28, 28) in [0, 1]."""
    return nn.Sequential(
        nn.Linear(code_size, 128), nn.ReLU(),
        nn.Linear(128, 256), nn.ReLU(),
        nn.Linear(256, 784), nn.Sigmoid(),
        nn.Unflatten(1, (1, 28, 28)),
    )


class Autoencoder(nn.Module):
    """Any encoder and decoder in a row; `model(x)` is the reconstruction x_hat, shape of x."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x):
        z = self.encoder(x)
        return self.decoder(z)


def fit_pca(x):
    """Mean (784,) and directions (784, 784), the most varied first, of images x (N, 1, 28, 28)."""
    flat = x.flatten(1)
    directions = torch.linalg.eigh(flat.T.cov()).eigenvectors.flip(1)
    return flat.mean(dim=0), directions


def reconstruct_by_pca(x, mean, directions, code_size):
    """x projected on the first `code_size` directions and back, shape of x."""
    kept = directions[:, :code_size]  # (784, code_size)
    z = (x.flatten(1) - mean) @ kept
    return (mean + z @ kept.T).reshape(x.shape)


@torch.no_grad()
def mean_squared_error(model, images):
    """Mean squared error per pixel of the reconstructions of images (N, 1, 28, 28)."""
    return F.mse_loss(model(images), images).item()


def conv_encoder(code_size):
    """Images (N, 1, 28, 28) -> codes (N, code_size)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 4, stride=2, padding=1), nn.ReLU(),  # (N, 16, 14, 14)
        nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.ReLU(),  # (N, 32, 7, 7)
        nn.Flatten(),  # (N, 1568)
        nn.Linear(32 * 7 * 7, code_size),
    )


def conv_decoder(code_size):
    """Codes (N, code_size) -> images (N, 1, 28, 28) in [0, 1]."""
    return nn.Sequential(
        nn.Linear(code_size, 32 * 7 * 7), nn.ReLU(),
        nn.Unflatten(1, (32, 7, 7)),
        nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.ReLU(),  # (N, 16, 14, 14)
        nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1), nn.Sigmoid(),
    )


# --- from notebooks/02_representations.ipynb; edit there ---
def psnr(x_hat, x):
    """Peak signal-to-noise ratio in dB of images in [0, 1], averaged over the images."""
    return -10 * (x_hat - x).square().flatten(1).mean(dim=1).log10().mean().item()


# --- from notebooks/03_denoising.ipynb; edit there ---
class UNet(nn.Module):
    """Damaged images (N, channels, 28, 28) -> clean ones (N, 1, 28, 28) in [0, 1]."""

    def __init__(self, channels=1):
        super().__init__()
        self.down_1 = nn.Conv2d(channels, 16, 4, stride=2, padding=1)
        self.down_2 = nn.Conv2d(16, 32, 4, stride=2, padding=1)
        self.what = nn.Sequential(
            nn.Flatten(), nn.Linear(1568, 64), nn.ReLU(),
            nn.Linear(64, 1568), nn.ReLU(), nn.Unflatten(1, (32, 7, 7)),
        )
        self.up_2 = nn.ConvTranspose2d(32 + 32, 16, 4, stride=2, padding=1)
        self.up_1 = nn.ConvTranspose2d(16 + 16, 1, 4, stride=2, padding=1)

    def forward(self, x):
        a = F.relu(self.down_1(x))  # (N, 16, 14, 14)
        b = F.relu(self.down_2(a))  # (N, 32, 7, 7)
        h = F.relu(self.up_2(torch.cat([self.what(b), b], dim=1)))  # (N, 16, 14, 14)
        return torch.sigmoid(self.up_1(torch.cat([h, a], dim=1)))


# --- from notebooks/04_variational.ipynb; edit there ---
def reparameterise(mu, log_var):
    """Codes z (N, d) drawn from the encoder's Gaussians; gradients reach mu and log_var."""
    return mu + (log_var / 2).exp() * torch.randn_like(mu)


def kl_to_standard(mu, log_var):
    """KL of each N(mu, exp(log_var)) to N(0, I), in nats for each number of the code, (N, d)."""
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var)


class VAE(nn.Module):
    """A variational autoencoder with d numbers from lesson 01's parts; the encoder answers 2 d."""

    def __init__(self, encoder, decoder, d):
        super().__init__()
        self.encoder, self.decoder, self.d = encoder, decoder, d

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=1)  # mu (N, d), log_var (N, d)

    def price(self, z, mu, log_var):
        return kl_to_standard(mu, log_var).sum(dim=1)  # (N,)

    def dice(self, n, device):
        return torch.randn(n, self.d, device=device)  # z ~ p(z)


def log_normal(z, mu, log_var):
    """Log density of N(mu, exp(log_var)) at z, summed over the last dimension."""
    return -0.5 * ((z - mu) ** 2 / log_var.exp() + log_var + math.log(2 * math.pi)).sum(dim=-1)


class Mixture(nn.Module):
    """A trained mixture of Gaussians, one on each of the codes `places` (lumps, d) at first."""

    def __init__(self, places):
        super().__init__()
        self.mu = nn.Parameter(places)
        self.log_var = nn.Parameter(torch.full_like(places, -1.0))
        self.logits = nn.Parameter(torch.zeros_like(places[:, 0]))  # weights, before a softmax

    def log_prob(self, z):
        each = log_normal(z[:, None], self.mu, self.log_var)  # (N, lumps)
        return (self.logits.log_softmax(dim=0) + each).logsumexp(dim=1)

    def sample(self, n):
        lump = torch.multinomial(self.logits.softmax(dim=0), n, replacement=True)
        return reparameterise(self.mu[lump], self.log_var[lump])


class MixtureVAE(VAE):
    """A VAE with a trained prior; only the price and the dice change."""

    def __init__(self, encoder, decoder, places):
        super().__init__(encoder, decoder, places.shape[1])
        self.prior = Mixture(places)

    def price(self, z, mu, log_var):
        return log_normal(z, mu, log_var) - self.prior.log_prob(z)

    def dice(self, n, device):
        return self.prior.sample(n)


# --- from notebooks/05_gan.ipynb; edit there ---
def network(inputs, outputs, width=64):
    """A small network for points: (N, inputs) -> (N, outputs)."""
    return nn.Sequential(
        nn.Linear(inputs, width), nn.LeakyReLU(0.2),
        nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, outputs),
    )


def discriminator_step(generator, discriminator, x, z, optimizer, penalty=None):
    """Teach D with real x and forgeries from dice z; returns its loss (without the penalty)."""
    fake = generator(z).detach()  # cut off from the forger
    loss = F.softplus(-discriminator(x)).mean() + F.softplus(discriminator(fake)).mean()
    extra = penalty(discriminator, x) if penalty else 0  # see "Clothes" below
    optimizer.zero_grad()
    (loss + extra).backward()
    optimizer.step()
    return loss.item()


def generator_step(generator, discriminator, z, optimizer):
    """Teach G to be taken for real, -log D(G(z)); returns its loss."""
    loss = F.softplus(-discriminator(generator(z))).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


class Generator(nn.Module):
    """Dice z (N, d) -> images (N, 1, 28, 28) in [0, 1]."""

    def __init__(self, d=64, width=16):
        super().__init__()
        self.d = d
        self.body = nn.Sequential(
            nn.Linear(d, 4 * width * 49), nn.Unflatten(1, (4 * width, 7, 7)),
            nn.BatchNorm2d(4 * width), nn.ReLU(),
            nn.ConvTranspose2d(4 * width, 2 * width, 4, stride=2, padding=1),  # (N, 32, 14, 14)
            nn.BatchNorm2d(2 * width), nn.ReLU(),
            nn.ConvTranspose2d(2 * width, 1, 4, stride=2, padding=1), nn.Sigmoid(),
        )

    def forward(self, z):
        return self.body(z)


class Discriminator(nn.Module):
    """Images (N, 1, 28, 28) -> logits (N, 1): positive for "real"."""

    def __init__(self, width=32):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),  # (N, 32, 14, 14)
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Flatten(), nn.Linear(2 * width * 49, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1),
        )

    def forward(self, x):
        return self.body(x)


def slope_penalty(discriminator, x, strength=4.0):
    """R1: strength / 2 times the squared slope of D's logit at real x, mean over images."""
    x = x.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return strength / 2 * slope.square().flatten(1).sum(dim=1).mean()

@torch.no_grad()
def follow(average, net, keep=0.99):
    """Move the weights of `average` a little towards those of `net`."""
    for old, new in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        old.copy_(keep * old + (1 - keep) * new if old.is_floating_point() else new)


class GAN(nn.Module):
    """Both players, the average generator, and a film: pictures of the same 16 dice throws."""

    def __init__(self, d=64, frames=16):
        super().__init__()
        self.generator, self.discriminator = Generator(d), Discriminator()
        self.average = deepcopy(self.generator).eval()
        self.register_buffer("film", torch.zeros(frames, 16, 1, 28, 28, dtype=torch.uint8))
        self.register_buffer("distance", torch.zeros(frames))  # the judge's, at the same moments

    @torch.no_grad()
    def sample(self, z):
        return torch.cat([self.average(part) for part in z.split(500)])


def sharpness(images, reference):
    """Mean squared difference of neighbouring pixels of images, relative to that of reference."""
    def edges(x):
        return x.diff(dim=-1).square().mean() + x.diff(dim=-2).square().mean()
    return (edges(images) / edges(reference)).item()


# --- from notebooks/06_gan_training.ipynb; edit there ---
class AskedGenerator(Generator):
    """Dice z (N, d) and classes y (N,) -> images (N, 1, 28, 28) in [0, 1]."""

    def __init__(self, d=64):
        super().__init__(d + 10)
        self.dice = d

    def forward(self, z, y):
        return self.body(torch.cat([z, F.one_hot(y, 10)], dim=1))


# --- from notebooks/07_forward_diffusion.ipynb; edit there ---
def centred(images):
    """Images in [0, 1] -> images in [-1, 1]."""
    return 2 * images - 1


def linear_alpha_bars(T=1000):
    """alpha_bars (T + 1,) for betas from 0.0001 to 0.02, scaled to T steps. Ho et al. 2020."""
    betas = torch.linspace(1e-4, 0.02, T, dtype=torch.double) * (1000 / T)
    return torch.cat([torch.ones(1), (1 - betas).cumprod(dim=0)]).float()


def add_noise(x_0, t, eps, alpha_bars):
    """Noisy x_t, shape of x_0 (N, ...); t is (N,) int64 in 0..T. Ho et al. 2020, eq. 4."""
    share = alpha_bars.to(x_0.device)[t].reshape(-1, *[1] * (x_0.ndim - 1))
    return share.sqrt() * x_0 + (1 - share).sqrt() * eps


def at_stage(mixture, alpha_bar):
    """The mixture after noising to alpha_bar (a number in [0, 1]), again a `Mixture`."""
    stds = (alpha_bar * mixture.stds**2 + 1 - alpha_bar).sqrt()
    return replace(mixture, means=math.sqrt(alpha_bar) * mixture.means, stds=stds)


def cosine_alpha_bars(T=1000, s=0.008):
    """alpha_bars (T + 1,) of the cosine, no beta above 0.999. Nichol and Dhariwal 2021, eq. 17."""
    share = (torch.linspace(0, 1, T + 1, dtype=torch.double) + s) / (1 + s)
    f = torch.cos(share * math.pi / 2) ** 2
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


# --- from notebooks/08_reverse_diffusion.ipynb; edit there ---
def target(kind, x_0, eps, share):
    """What a network of this kind ("eps", "x_0" or "v") is asked for; share is alpha_bar_t."""
    if kind == "v":
        return share.sqrt() * eps - (1 - share).sqrt() * x_0
    return {"eps": eps, "x_0": x_0}[kind]

def to_x_0(kind, answer, x_t, share):
    """The guess x_0_hat that follows from the network's answer; share is alpha_bar_t."""
    if kind == "v":
        return share.sqrt() * x_t - (1 - share).sqrt() * answer
    return answer if kind == "x_0" else (x_t - (1 - share).sqrt() * answer) / share.sqrt()

def to_eps(x_0_hat, x_t, share):
    """The guess eps_hat that belongs to x_0_hat."""
    return (x_t - share.sqrt() * x_0_hat) / (1 - share).sqrt()


def time_embedding(t, size=32, slowest=10_000):
    """Times t (N,) as sines and cosines (N, size) of speeds from 1 down to 1 / slowest."""
    speeds = slowest ** (-torch.arange(size // 2, device=t.device) / (size // 2))
    angles = t[:, None] * speeds
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def step_back(x_t, x_0_hat, t, s, alpha_bars, eta=0.0):
    """x_s from x_t and x_0_hat (N, ...), for numbers s < t; eta 0 = DDIM, 1 = DDPM.

    Song et al. 2021, eq. 12 and 16."""
    now, then = alpha_bars[t], alpha_bars[s]
    variance = eta**2 * (1 - then) / (1 - now) * (1 - now / then)
    direction = (1 - then - variance).clamp(min=0).sqrt() * to_eps(x_0_hat, x_t, now)
    return then.sqrt() * x_0_hat + direction + variance.sqrt() * torch.randn_like(x_t)


def times_back(count, T):
    """`count` whole times from T down to 1, evenly spaced."""
    return torch.linspace(T, 1, count).round().int().tolist()

def walk_back(guess, x, times, alpha_bars, eta=0.0):
    """Yield (t, x_t, x_0_hat) down `times`, then (0, x_0, x_0); guess(x_t, t) returns x_0_hat."""
    for t, s in pairwise([*times, 0]):
        x_0_hat = guess(x, t)
        yield t, x, x_0_hat
        x = step_back(x, x_0_hat, t, s, alpha_bars, eta)
    yield 0, x, x

def end_of_walk(guess, x, times, alpha_bars, eta=0.0):
    """x_0, shape of x: where `walk_back` ends."""
    for _, reached, _ in walk_back(guess, x, times, alpha_bars, eta):
        x = reached
    return x


def diffusion_loss(net, kind, x_0, y, alpha_bars):
    """Mean squared error of the network's answer, each image at a time t of its own."""
    t = torch.randint(1, len(alpha_bars), (len(x_0),), device=x_0.device)
    eps = torch.randn_like(x_0)
    x_t = add_noise(x_0, t, eps, alpha_bars)
    share = alpha_bars.to(x_0.device)[t].reshape(-1, 1, 1, 1)
    return F.mse_loss(net(x_t, t, y), target(kind, x_0, eps, share))


def guesser(net, kind, y, alpha_bars):
    """guess(x_t, t) -> x_0_hat in [-1, 1], for images (N, 1, 28, 28) and classes y (N,)."""
    def guess(x_t, t):
        times = torch.full_like(y, t)
        parts = zip(x_t.split(250), times.split(250), y.split(250), strict=True)
        with fast_math(y.device):
            answer = torch.cat([net(*part) for part in parts]).float()
        return to_x_0(kind, answer, x_t, alpha_bars[t]).clamp(-1, 1)
    return guess

@torch.no_grad()
def draw(net, kind, y, times, alpha_bars, seed, eta=0.0):
    """One image in [0, 1] for each class in y (N,), 10 for none, from the dice of `seed`."""
    set_seed(seed)
    x = torch.randn(len(y), 1, 28, 28, device=y.device)
    return (end_of_walk(guesser(net, kind, y, alpha_bars), x, times, alpha_bars, eta) + 1) / 2


class Block(nn.Module):
    """Maps h (N, c_in, H, W) and a condition c (N, 128) -> (N, c_out, H, W)."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.first = nn.Sequential(
            nn.GroupNorm(8, c_in), nn.SiLU(), nn.Conv2d(c_in, c_out, 3, padding=1)
        )
        self.told, self.norm = nn.Linear(128, 2 * c_out), nn.GroupNorm(8, c_out)
        self.last = nn.Conv2d(c_out, c_out, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        self.skip = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else nn.Identity()

    def forward(self, h, c):
        scale, shift = self.told(c)[:, :, None, None].chunk(2, dim=1)
        new = self.norm(self.first(h)) * (1 + scale) + shift
        return self.skip(h) + self.last(F.silu(new))


class TimeUNet(nn.Module):
    """Answers (N, 1, 28, 28) for x_t (N, 1, 28, 28), times t (N,) and classes y (N,) in 0..10."""

    def __init__(self, width=32):
        super().__init__()
        w = width
        self.time = nn.Sequential(nn.Linear(32, 128), nn.SiLU(), nn.Linear(128, 128))
        self.label = nn.Embedding(11, 128)  # 10 means: no class given
        self.enter = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, w, 3, padding=1))
        self.left = nn.ModuleList([Block(w, w), Block(w, w)])  # (N, w, 14, 14)
        self.down = nn.Conv2d(w, 2 * w, 3, stride=2, padding=1)
        self.bottom = nn.ModuleList([Block(2 * w, 2 * w), Block(2 * w, 2 * w)])  # (N, 2w, 7, 7)
        self.up = nn.ConvTranspose2d(2 * w, w, 4, stride=2, padding=1)
        self.right = nn.ModuleList([Block(2 * w, w), Block(w, w)])  # (N, w, 14, 14)
        self.leave = nn.Sequential(
            nn.GroupNorm(8, w), nn.SiLU(), nn.Conv2d(w, 4, 3, padding=1), nn.PixelShuffle(2)
        )

    def forward(self, x_t, t, y):
        c = F.silu(self.time(time_embedding(t)) + self.label(y))  # (N, 128)
        h = self.enter(x_t)
        for block in self.left:
            h = block(h, c)
        beside, h = h, self.down(h)
        for block in self.bottom:
            h = block(h, c)
        h = torch.cat([self.up(h), beside], dim=1)  # lesson 03's skip connection
        for block in self.right:
            h = block(h, c)
        return self.leave(h)


# --- from notebooks/09_guided_diffusion.ipynb; edit there ---
def combine(uncond, cond, scale):
    """Classifier-free guidance of guesses (N, ...). Ho and Salimans 2022; their w is scale - 1."""
    return (1 - scale) * uncond + scale * cond


def guided(net, y, scale, alpha_bars):
    """guess(x_t, t) -> x_0_hat of a network asked for v, guided to the classes y (N,)."""
    cond = guesser(net, "v", y, alpha_bars)
    uncond = guesser(net, "v", torch.full_like(y, 10), alpha_bars)
    def guess(x_t, t):
        return combine(uncond(x_t, t), cond(x_t, t), scale).clamp(-1, 1)
    return guess
