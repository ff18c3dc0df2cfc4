"""What lessons keep for later ones, gan; made by `python -m tools.notebooks export`; edit notebooks."""

from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import nn


# --- from notebooks/05_gan.ipynb; edit there ---
def network(inputs, outputs, width=64):
    """A small network for points: (N, inputs) -> (N, outputs)."""
    return nn.Sequential(
        nn.Linear(inputs, width), nn.LeakyReLU(0.2),
        nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, outputs),
    )


def discriminator_step(generator, discriminator, x, z, optimizer, penalty=None):
    """Teach D with real x and fakes made of codes z; returns its loss (without the penalty)."""
    with torch.no_grad():  # here the fakes are mere images: nothing goes back into the generator
        fake = generator(z)
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
    """Latent codes z (N, d) -> images (N, 1, 28, 28) in [0, 1]."""

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


def r1_penalty(discriminator, x, gamma=4.0):
    """R1: gamma / 2 times the squared gradient norm of D's logit at real x, mean over images."""
    x = x.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return gamma / 2 * slope.square().flatten(1).sum(dim=1).mean()

@torch.no_grad()
def update_ema(ema, net, decay=0.99):
    """Move the weights of `ema` a little towards those of `net`: an exponential moving average."""
    for old, new in zip(ema.state_dict().values(), net.state_dict().values(), strict=True):
        old.copy_(decay * old + (1 - decay) * new if old.is_floating_point() else new)


class GAN(nn.Module):
    """Generator, discriminator, and the moving average of the generator (`ema`), which draws."""

    def __init__(self, d=64):
        super().__init__()
        self.generator, self.discriminator = Generator(d), Discriminator()
        self.ema = deepcopy(self.generator).eval()

    @torch.no_grad()
    def sample(self, z):
        """Images (N, 1, 28, 28) in [0, 1] of codes z (N, d), by the averaged generator."""
        return torch.cat([self.ema(part) for part in z.split(500)])


def edge_strength(images, reference):
    """Mean product of a difference of neighbours and the one beside it; noise adds nothing."""
    def edges(x):
        across, down = x.diff(dim=-1), x.diff(dim=-2)
        along = (across[..., 1:, :] * across[..., :-1, :]).mean()
        return along + (down[..., 1:] * down[..., :-1]).mean()
    return (edges(images) / edges(reference)).item()
