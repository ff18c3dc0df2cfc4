"""Wrong answers to the exercises of denoising, with words of the feedback that each gets, and right ones."""

import torch


def langevin(noise=lambda eta: (2 * eta) ** 0.5, sign=1):
    """Langevin's walk with a factor of the noise and a sign of the step that may be wrong."""

    def answer(score, y, eta, steps):
        for _ in range(steps):
            y = y + sign * eta * score(y) + noise(eta) * torch.randn_like(y)
        return y

    return answer


def langevin_in_place(score, y, eta, steps):
    for _ in range(steps):
        y += eta * score(y) + (2 * eta) ** 0.5 * torch.randn_like(y)
    return y


WRONG = [
    ("denoising.1", lambda denoise, y, sigma: (y - denoise(y, sigma)) / sigma**2, "away from the data"),
    ("denoising.1", lambda denoise, y, sigma: (denoise(y, sigma) - y) / sigma, "sigma squared"),
    ("denoising.1", lambda denoise, y, sigma: denoise(y, sigma) - y, "correction itself"),
    ("denoising.1", lambda denoise, y, sigma: denoise(y, sigma), "the denoised point"),
    ("denoising.1", lambda denoise, y, sigma: torch.zeros_like(y), "Not the score"),
    ("denoising.1", lambda denoise, y, sigma: (denoise(y, sigma) - y).norm(dim=1), "one arrow for each"),
    ("denoising.2", lambda variance, sigma: sigma**2 / (variance + sigma**2), "Upside down"),
    ("denoising.2", lambda variance, sigma: variance / (variance + sigma), "variance sigma squared"),
    ("denoising.2", lambda variance, sigma: variance**0.5 / (variance**0.5 + sigma), "Variances add up"),
    ("denoising.2", lambda variance, sigma: 0.5, "is 1.000, yours 0.500"),
    ("denoising.2", lambda variance, sigma: "half", "one number"),
    ("denoising.3", langevin(noise=lambda eta: 0), "a climb, not a walk"),
    ("denoising.3", langevin(noise=lambda eta: eta**0.5), "factor sqrt(2 * eta)"),
    ("denoising.3", langevin(noise=lambda eta: 2 * eta), "compare the noise"),
    ("denoising.3", langevin(sign=-1), "run away"),
    (
        "denoising.3",
        lambda score, y, eta, steps: y + eta * score(y) + (2 * eta) ** 0.5 * torch.randn_like(y),
        "all the steps",
    ),
    ("denoising.3", langevin_in_place, "work on a copy"),
    ("denoising.3", lambda score, y, eta, steps: y.mean(), "as many points"),
]

RIGHT = []
