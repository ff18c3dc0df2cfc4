"""Judges of the exercises of the lesson on denoising."""

import torch

from helpers.exercises import Wrong, as_number, describe, exercise
from helpers.toys import two_moons


@exercise(
    "denoising.1",
    "The formula stands above the two moons: what the denoiser adds to y, divided by something.",
    "(denoised - noisy) / sigma squared; the denoiser gets y and sigma.",
)
def score(answer):
    """Gives it an exact denoiser of the moons and compares with their exact score."""
    sigma, moons = 0.4, two_moons()
    noisy = moons.convolved(sigma)
    y = noisy.sample(50, seed=1)
    exact = noisy.score(y)
    value = answer(lambda points, level: points + level**2 * moons.convolved(level).score(points), y, sigma)
    if not isinstance(value, torch.Tensor) or value.shape != y.shape:
        raise Wrong(f"The score is one arrow for each point, a tensor (50, 2); yours is {describe(value)}.")
    if torch.allclose(value, -exact, atol=1e-3):
        raise Wrong("Your arrows point away from the data: denoised minus noisy, not the other way round.")
    if torch.allclose(value, sigma * exact, atol=1e-3):
        raise Wrong("You divided by sigma; the formula has sigma squared.")
    if torch.allclose(value, sigma**2 * exact, atol=1e-3):
        raise Wrong("That is the correction itself; the score is the correction divided by sigma squared.")
    if torch.allclose(value, y + sigma**2 * exact, atol=1e-3):
        raise Wrong("That is the denoised point; the score is about the way from the noisy point to it.")
    if not torch.allclose(value, exact, atol=1e-3):
        raise Wrong("Not the score of the noisy moons yet: use the denoiser's answer, y and sigma, nothing else.")
    return "A denoiser in, a gradient of log density out, without ever knowing the density."


@exercise(
    "denoising.2",
    "It is Wiener's filter with a single pixel: put C = variance into the formula.",
    "variance / (variance + sigma squared): without noise 1, with endless noise 0.",
)
def weight(answer):
    """Compares with v / (v + sigma^2) at three places."""
    for variance, sigma in ((0.09, 0.0), (0.09, 0.3), (0.25, 1.0)):
        value, expected = as_number(answer(variance, sigma)), variance / (variance + sigma**2)
        if abs(value - expected) < 1e-6:
            continue
        if abs(value - (1 - expected)) < 1e-6:
            raise Wrong(f"Upside down: without noise (sigma 0) trust the pixel fully; yours gives {value:.3f}.")
        if abs(value - variance / (variance + sigma)) < 1e-6:
            raise Wrong("Noise of level sigma has the variance sigma squared.")
        if abs(value - variance**0.5 / (variance**0.5 + sigma)) < 1e-6:
            raise Wrong("Variances add up, standard deviations do not: compare variance with sigma squared.")
        raise Wrong(f"For variance {variance} and sigma {sigma} the weight is {expected:.3f}, yours {value:.3f}.")
    return "Half trust where signal and noise have the same variance: the curve every denoiser follows on average."


@exercise(
    "denoising.3",
    "A loop of three parts: where you are, a step of eta along the score, fresh Gaussian noise.",
    "y = y + eta * score(y) + (2 * eta) ** 0.5 * torch.randn_like(y), `steps` times.",
)
def langevin(answer):
    """Walks in N(3, 0.5^2), whose score is known: mean and spread have to come out right."""
    torch.manual_seed(0)
    start = torch.zeros(4000, 1)
    y = answer(lambda points: (3 - points) / 0.25, start, 0.01, 300)
    if not isinstance(y, torch.Tensor) or y.shape != start.shape:
        raise Wrong(f"The walk ends with as many points as it began, a tensor (4000, 1); yours is {describe(y)}.")
    if not torch.isfinite(y).all() or y.mean() < -1:
        raise Wrong("The points run away from the data: add the score, do not subtract it.")
    mean, std = y.mean().item(), y.std().item()
    if std < 0.05:
        raise Wrong(f"All points end at the peak ({mean:.2f}): without fresh noise this is a climb, not a walk.")
    if start.abs().max() > 0:
        raise Wrong("Your walk changed the points it was given; work on a copy (y = y + ..., not y += ...).")
    if abs(mean - 3) > 0.1:
        raise Wrong(f"The points should settle around 3, yours are around {mean:.2f}: are all the steps taken?")
    if abs(std - 0.5 / 2**0.5) < 0.03:
        raise Wrong(f"The spread should be 0.5, yours is {std:.2f}: the noise has the factor sqrt(2 * eta).")
    if abs(std - 0.5) > 0.05:
        raise Wrong(f"The spread should be 0.5, yours is {std:.2f}: compare the noise with sqrt(2 * eta).")
    return "The points fill the bell, not only its peak. With falling noise levels this is Song and Ermon's sampler."
