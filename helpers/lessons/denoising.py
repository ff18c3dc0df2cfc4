"""What lessons keep for later ones, denoising; made by `python -m tools.notebooks export`; edit notebooks."""

import torch
import torch.nn.functional as F
from torch import nn


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

    def logits(self, x):
        """What forward gives to the sigmoid: any real number."""
        a = F.relu(self.down_1(x))  # (N, 16, 14, 14)
        b = F.relu(self.down_2(a))  # (N, 32, 7, 7)
        h = F.relu(self.up_2(torch.cat([self.what(b), b], dim=1)))  # (N, 16, 14, 14)
        return self.up_1(torch.cat([h, a], dim=1))  # (N, 1, 28, 28)

    def forward(self, x):
        return torch.sigmoid(self.logits(x))


def with_level(x_noisy, sigma):
    """Network input (N, 2, 28, 28): scaled noisy images and log sigma; sigma is (N, 1, 1, 1)."""
    calm = x_noisy / (sigma**2 + 0.25).sqrt()
    return torch.cat([calm, sigma.log().expand_as(x_noisy)], dim=1)
