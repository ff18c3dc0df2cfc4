"""What lessons keep for later ones, autoencoder; made by `python -m tools.notebooks export`; edit notebooks."""

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
