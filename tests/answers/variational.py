"""Wrong answers to the exercises of variational, with words of the feedback that each gets, and right ones."""

import math

import torch


def kl(mu, log_var, prior_mu, prior_log_var):
    """The right divergence for each number of the code, (N, d)."""
    wide = prior_log_var.exp()
    return 0.5 * (prior_log_var - log_var + (log_var.exp() + (mu - prior_mu) ** 2) / wide - 1)


WRONG = [
    ("variational.1", lambda *ab: kl(*ab).mean(dim=1), "beta silently shrinks"),
    ("variational.1", lambda *ab: kl(*ab), "sum over them"),
    ("variational.1", lambda *ab: kl(*ab).sum(), "One number for each image"),
    ("variational.1", lambda a, b, c, d: kl(c, d, a, b).sum(dim=1), "the other way round"),
    ("variational.1", lambda a, b, c, d: kl(a, b, 0 * c, 0 * d).sum(dim=1), "the given prior"),
    ("variational.1", lambda *ab: (kl(*ab) + 0.5).sum(dim=1), "a constant is missing"),
    ("variational.1", lambda *ab: 2 * kl(*ab).sum(dim=1), "factor 1/2"),
    ("variational.1", lambda *ab: -kl(*ab).sum(dim=1), "For the first image"),
    ("variational.2", lambda kl, floor: kl.mean(dim=0).sum(), "plain KL"),
    ("variational.2", lambda kl, floor: kl.clamp(min=floor).mean(dim=0).sum(), "Average over the images first"),
    ("variational.2", lambda kl, floor: (kl.mean(dim=0) - floor).clamp(min=0).sum(), "subtract the floor"),
    ("variational.2", lambda kl, floor: kl.mean(dim=0).clamp(min=floor).mean(), "do not average"),
    ("variational.2", lambda kl, floor: torch.tensor(kl.mean(dim=0).clamp(min=floor).sum().item()), "inside torch"),
    ("variational.2", lambda kl, floor: kl.mean(dim=0).clamp(min=floor), "one number"),
    ("variational.3", lambda joint, q: (joint - q).mean(dim=0), "is the ELBO"),
    ("variational.3", lambda joint, q: (joint - q).logsumexp(dim=0), "subtract log K"),
    ("variational.3", lambda joint, q: (joint - q).exp().mean(dim=0), "its logarithm"),
    ("variational.3", lambda joint, q: joint.logsumexp(dim=0) - math.log(len(q)), "exact values"),
    ("variational.3", lambda joint, q: (joint - q).mean(), "one number for each image"),
]

RIGHT = [
    ("variational.1", lambda *ab: kl(*ab).sum(dim=1)),
]
