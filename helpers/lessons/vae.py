"""What lessons keep for later ones, vae; made by `python -m tools.notebooks export`; edit notebooks."""

import math

import torch
from torch import nn

from helpers.training import progress, set_seed


# --- from notebooks/04_variational.ipynb; edit there ---
def reparameterise(mu, log_var):
    """Codes z (N, d) drawn from the encoder's Gaussians; gradients reach mu and log_var."""
    return mu + (log_var / 2).exp() * torch.randn_like(mu)


def kl_to_standard(mu, log_var):
    """KL of each N(mu, exp(log_var)) to N(0, I), in nats for each number of the code, (N, d)."""
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var)


class VAE(nn.Module):
    """A variational autoencoder with codes of d numbers; the encoder (lesson 01's) gives 2 d."""

    def __init__(self, encoder, decoder, d):
        super().__init__()
        self.encoder, self.decoder, self.d = encoder, decoder, d

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=1)  # mu (N, d), log_var (N, d)

    def kl(self, z, mu, log_var):
        return kl_to_standard(mu, log_var).sum(dim=1)  # (N,)

    def sample_prior(self, n, device):
        return torch.randn(n, self.d, device=device)  # z ~ p(z)


def vae_loss(model, batch, beta):
    """Absolute error plus beta times the KL, summed over pixels and code, mean over images."""
    x, _ = batch
    mu, log_var = model.encode(x)
    z = reparameterise(mu, log_var)
    error = (model.decoder(z) - x).abs().flatten(1).sum(dim=1)  # (N,)
    return (error + beta * model.kl(z, mu, log_var)).mean()


def fit_vae(model, data, steps, seed, beta, lr=2e-3, loss=vae_loss):
    """Train on `steps` batches of 64; returns the history."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    losses = []
    set_seed(seed)
    for batch in progress(data.batches(64, steps=steps, seed=seed), losses):
        value = loss(model, batch, beta)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
        losses.append(value.item())
    return {"loss": losses}

@torch.no_grad()
def sample_vae(model, n=2000):
    """n images (n, 1, 28, 28) of codes from the model's prior, on its own device."""
    return model.decoder(model.sample_prior(n, next(model.parameters()).device))


def log_normal(z, mu, log_var):
    """Log density of N(mu, exp(log_var)) at z, summed over the last dimension."""
    return -0.5 * ((z - mu) ** 2 / log_var.exp() + log_var + math.log(2 * math.pi)).sum(dim=-1)


class GaussianMixturePrior(nn.Module):
    """A trained mixture of Gaussians; at first one on each of the codes `means` (components, d)."""

    def __init__(self, means):
        super().__init__()
        self.mu = nn.Parameter(means)
        self.log_var = nn.Parameter(torch.full_like(means, -1.0))
        self.logits = nn.Parameter(torch.zeros_like(means[:, 0]))  # weights, before a softmax

    def log_prob(self, z):
        each = log_normal(z[:, None], self.mu, self.log_var)  # (N, components)
        return (self.logits.log_softmax(dim=0) + each).logsumexp(dim=1)

    def sample(self, n):
        component = torch.multinomial(self.logits.softmax(dim=0), n, replacement=True)
        return reparameterise(self.mu[component], self.log_var[component])


class MixtureVAE(VAE):
    """A VAE with a trained prior; only the KL term and the sampling of codes change."""

    def __init__(self, encoder, decoder, means):
        super().__init__(encoder, decoder, means.shape[1])
        self.prior = GaussianMixturePrior(means)

    def kl(self, z, mu, log_var):
        return log_normal(z, mu, log_var) - self.prior.log_prob(z)

    def sample_prior(self, n, device):
        return self.prior.sample(n)
