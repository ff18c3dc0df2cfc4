"""What lessons keep for later ones. Made by `python -m tools.notebooks export`; edit the notebooks."""

import math
from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import nn


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
