"""What lessons keep for later ones, latent diffusion; made by `python -m tools.notebooks export`; edit notebooks."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from helpers.lessons.autoencoder import Autoencoder
from helpers.lessons.diffusion import Block, Blocks, time_embedding, to_minus_one_one
from helpers.lessons.flow_matching import even_times, flow_sample, velocity_loss
from helpers.lessons.gan import update_ema
from helpers.store import load_weights
from helpers.training import GroupNorm, bf16_autocast, one_cycle, progress, set_seed


# --- from notebooks/12_latent_diffusion.ipynb; edit there ---
class VelocityUNet(nn.Module):
    """Velocities, shape of x (N, channels, H, W), at times t = 1000 s (N,); y is ignored.

    H and W are multiples of 2 * patch."""

    def __init__(self, channels, width=64, patch=1):
        super().__init__()
        w, inside = width, channels * patch**2
        self.time = nn.Sequential(nn.Linear(32, 128), nn.SiLU(), nn.Linear(128, 128))
        self.conv_in = nn.Sequential(nn.PixelUnshuffle(patch), nn.Conv2d(inside, w, 3, padding=1))
        self.down = Blocks([Block(w, w), Block(w, w)])
        self.downsample = nn.Conv2d(w, 2 * w, 3, stride=2, padding=1)
        self.mid = Blocks([Block(2 * w, 2 * w), Block(2 * w, 2 * w)])
        self.upsample = nn.ConvTranspose2d(2 * w, w, 4, stride=2, padding=1)
        self.up = Blocks([Block(2 * w, w), Block(w, w)])
        self.conv_out = nn.Sequential(GroupNorm(8, w), nn.SiLU(),
                                      nn.Conv2d(w, inside, 3, padding=1), nn.PixelShuffle(patch))

    def condition(self, t, y=None):
        """What all blocks are told (N, 128): here the time alone."""
        return F.silu(self.time(time_embedding(t)))

    def forward(self, x, t, y=None):
        c = self.condition(t, y)
        skip = self.down(self.conv_in(x), c)
        h = self.mid(self.downsample(skip), c)
        h = self.up(torch.cat([self.upsample(h), skip], dim=1), c)
        return self.conv_out(h)


def velocity_of(net, *told):
    """velocity(x, s) -> v, shape of x (N, ...), of a network that is asked net(x, t, *told).

    told: what it knows besides the time, tensors (N, ...); here nothing."""
    def velocity(x, s):
        t = torch.full((len(x),), 1000.0 * s, device=x.device)
        parts = zip(*(part.split(250) for part in (x, t, *told)), strict=True)
        with torch.no_grad(), bf16_autocast(x.device):
            return torch.cat([net(*part) for part in parts]).float()
    return velocity


class ResidualBlock(nn.Module):
    """h (N, channels, H, W) plus two convolutions of it."""

    def __init__(self, channels):
        super().__init__()
        self.change = nn.Sequential(
            GroupNorm(8, channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1),
            GroupNorm(8, channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1),
        )
        nn.init.zeros_(self.change[-1].weight)  # at first it changes nothing
        nn.init.zeros_(self.change[-1].bias)

    def forward(self, h):
        return h + self.change(h)


def spatial_encoder(channels):
    """Images (N, 3, 64, 64) in [-1, 1] -> codes (N, channels, 8, 8)."""
    return nn.Sequential(
        nn.PixelUnshuffle(4), nn.Conv2d(48, 64, 3, padding=1),  # (N, 64, 16, 16)
        nn.Conv2d(64, 128, 3, stride=2, padding=1),  # (N, 128, 8, 8)
        GroupNorm(8, 128), nn.SiLU(), nn.Conv2d(128, channels, 1),
    )

def spatial_decoder(channels):
    """Codes (N, channels, 8, 8) -> images (N, 3, 64, 64), near [-1, 1]."""
    return nn.Sequential(
        nn.Conv2d(channels, 128, 3, padding=1), ResidualBlock(128),  # (N, 128, 8, 8)
        nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1), ResidualBlock(64),
        ResidualBlock(64),
        GroupNorm(8, 64), nn.SiLU(), nn.Conv2d(64, 48, 3, padding=1),  # (N, 48, 16, 16)
        nn.PixelShuffle(4),
    )


class CodeSpace:
    """Images (N, 3, 64, 64) in [0, 1] <-> standardised codes u (N, C, 8, 8) of an autoencoder."""

    def __init__(self, autoencoder, images):
        self.autoencoder, self.mean, self.std = autoencoder, 0.0, 1.0
        z = self.encode(images)  # of all training images: mean and deviation of each channel
        self.mean, self.std = z.mean((0, 2, 3), keepdim=True), z.std((0, 2, 3), keepdim=True)

    @torch.no_grad()
    def encode(self, images):
        """Images -> u, whose channels have mean 0 and standard deviation 1."""
        z = [self.autoencoder.encoder(to_minus_one_one(part)) for part in images.split(250)]
        return (torch.cat(z) - self.mean) / self.std

    @torch.no_grad()
    def decode(self, u):
        """u -> images."""
        parts = [self.autoencoder.decoder(part) for part in (u * self.std + self.mean).split(250)]
        return ((torch.cat(parts) + 1) / 2).clamp(0, 1)


def load_code_space(data, steps):
    """The `CodeSpace` of lesson 12's autoencoder, from the training images `data` (an `Images`)."""
    model = Autoencoder(spatial_encoder(8), spatial_decoder(8)).to(data.images.device)
    load_weights("latent_diffusion_autoencoder", model, data, steps)
    return CodeSpace(model.eval(), data.images)


@dataclass(frozen=True, eq=False)
class Points:
    """What a flow learns from: x (N, C, H, W), and the name of the data that they come from."""

    name: str
    x: torch.Tensor

def fit_flow(model, data, steps, seed, ema, m=-0.7, lr=4e-3):
    """Flow matching on `Points`, batches of 32, at times from a logit-normal with location m;
    `ema` follows the model. Returns the history. Esser et al. 2024, section 3.1."""
    losses, optimizer = [], torch.optim.AdamW(model.parameters(), lr=lr, fused=True)
    schedule = one_cycle(optimizer, lr, steps, warmup=0.1)
    set_seed(seed)
    for _ in progress(range(steps), losses):
        x_0 = data.x[torch.randint(len(data.x), (32,), device=data.x.device)]
        s = torch.sigmoid(torch.randn(32, device=x_0.device) + m)
        with bf16_autocast(x_0.device):
            loss = velocity_loss(model, x_0, torch.randn_like(x_0), s)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        update_ema(ema, model, 0.995)
        losses.append(loss.item())
    return {"loss": losses}


def draw(net, shape, count, seed, device, steps=20):
    """(count, *shape) from the noise of `seed`, walked to s = 0 along the network's velocity."""
    set_seed(seed)
    return flow_sample(velocity_of(net), torch.randn(count, *shape, device=device),
                       even_times(steps))
