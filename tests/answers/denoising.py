"""Wrong answers to the exercises of denoising, with words of the feedback that each gets, and right ones."""

from itertools import pairwise

import numpy as np
import torch

# 1: the score from a denoiser


def score(denoise, y, sigma):
    return (denoise(y, sigma) - y) / sigma**2


def score_in_place(denoise, y, sigma):
    arrows = denoise(y, sigma)
    arrows -= y
    return arrows.div_(sigma * sigma)


def score_point_by_point(denoise, y, sigma):
    return torch.stack([(denoise(point[None], sigma)[0] - point) / sigma / sigma for point in y])


def score_by_numpy(denoise, y, sigma):
    return torch.from_numpy((denoise(y, sigma).numpy() - y.numpy()) / np.square(sigma))


def score_by_level(denoise, y, sigma):
    precision = torch.as_tensor(sigma).pow(-2)
    return precision * denoise(y, sigma) - precision * y


def score_that_changes_y(denoise, y, sigma):
    x_hat = denoise(y, sigma)
    y -= x_hat
    return -y / sigma**2


# 2: Langevin's walk


def langevin(noise=lambda eta: (2 * eta) ** 0.5, sign=1, part=1.0, more=0, draw=torch.randn_like):
    """Langevin's walk with a factor of the noise, a sign, a size or a number of steps that may be wrong."""

    def answer(score, y, eta, steps):
        for _ in range(int(steps * part) + more):
            y = y + sign * eta * score(y) + noise(eta) * draw(y)
        return y

    return answer


def langevin_quiet_at_the_end(score, y, eta, steps):
    y = langevin()(score, y, eta, steps - 1)
    return y + eta * score(y)


def langevin_of_half_steps(score, y, eta, steps):
    for _ in range(steps):
        y = y + eta / 2 * score(y) + eta**0.5 * torch.randn_like(y)
    return y


def langevin_in_place(score, y, eta, steps):
    for _ in range(steps):
        y += eta * score(y) + (2 * eta) ** 0.5 * torch.randn_like(y)
    return y


def langevin_with_one_noise(score, y, eta, steps):
    noise = torch.randn_like(y)
    for _ in range(steps):
        y = y + eta * score(y) + (2 * eta) ** 0.5 * noise
    return y


def langevin_with_one_score(score, y, eta, steps):
    slope = score(y)
    for _ in range(steps):
        y = y + eta * slope + (2 * eta) ** 0.5 * torch.randn_like(y)
    return y


def langevin_on_a_copy(score, y, eta, steps):
    z, step = y.clone(), 0
    while step < steps:
        z += eta * score(z)
        z += torch.randn(z.shape, device=z.device) * np.sqrt(2 * eta)
        step += 1
    return z


def langevin_again(score, y, eta, steps):
    if steps == 0:
        return y
    return langevin_again(score, torch.normal(y + eta * score(y), (2 * eta) ** 0.5), eta, steps - 1)


def langevin_by_torch(score, y, eta, steps):
    for _ in range(steps):
        y = torch.add(y, score(y), alpha=eta).add(torch.randn_like(y), alpha=2**0.5 * eta**0.5)
    return y


# 3: the walk down, by a denoiser


def walk_down(noise=lambda share, sigma: (2 * share) ** 0.5 * sigma, visit=lambda levels: levels, way=1):
    """The walk with the noise, the levels or the direction that may be wrong."""

    def answer(denoise, x, levels, share):
        for sigma in visit(levels):
            x = x + way * share * (denoise(x, sigma) - x) + noise(share, sigma) * torch.randn_like(x)
        return denoise(x, levels[-1])

    return answer


def staircase(denoise, x, levels, share):
    for sigma, lower in pairwise([*levels, 0.0]):
        x_hat = denoise(x, sigma)
        x = x_hat + lower * torch.randn_like(x)
    return x_hat


def walk_in_place(denoise, x, levels, share):
    for sigma in levels:
        x += share * (denoise(x, sigma) - x) + (2 * share) ** 0.5 * sigma * torch.randn_like(x)
    return x


def walk_of_one_level(denoise, x, levels, share):
    for _ in levels:
        x = x + share * (denoise(x, levels[0]) - x) + (2 * share) ** 0.5 * levels[0] * torch.randn_like(x)
    return x


def walk_at_every_level(denoise, x, levels, share):
    return [denoise(x, sigma) for sigma in levels]


def walk_to_the_next_level(denoise, x, levels, share):
    for sigma, lower in zip(levels, [*levels[1:], 0.0], strict=True):
        x_hat = denoise(x, sigma)
        x = x.lerp(x_hat, share) + np.sqrt(2 * share) * lower * torch.randn(x.shape, device=x.device)
    return x_hat


def walk_by_scores(denoise, x, levels, share):
    for sigma in levels:
        x = langevin()(lambda y, sigma=sigma: score(denoise, y, sigma), x, share * sigma**2, 1)
    return x


def walk_of_three_a_level(denoise, x, levels, share):
    for sigma in levels:
        x = langevin_on_a_copy(lambda y, sigma=sigma: score(denoise, y, sigma), x, share * sigma**2, 3)
    return denoise(x, levels[-1])


def exact_steps(denoise, x, levels, share):
    for sigma, lower in pairwise([*levels, 0.0]):
        keep = (lower / sigma) ** 2
        x_hat = denoise(x, sigma)
        x = x_hat + keep * (x - x_hat) + lower * (1 - keep) ** 0.5 * torch.randn_like(x)
    return x


WRONG = [
    ("denoising.1", lambda denoise, y, sigma: (y - denoise(y, sigma)) / sigma**2, "away from the data"),
    ("denoising.1", lambda denoise, y, sigma: (denoise(y, sigma) - y) / sigma, "sigma squared"),
    ("denoising.1", lambda denoise, y, sigma: denoise(y, sigma) - y, "correction itself"),
    ("denoising.1", lambda denoise, y, sigma: denoise(y, sigma), "the denoised point"),
    ("denoising.1", lambda denoise, y, sigma: torch.zeros_like(y), "not the score"),
    ("denoising.1", lambda denoise, y, sigma: (denoise(y, sigma) - y).norm(dim=1), "one arrow for each"),
    ("denoising.1", lambda denoise, y, sigma: (denoise(y, sigma) - y) / 0.4**2, "At sigma = 1.5"),
    ("denoising.1", score_that_changes_y, "changed the points"),
    ("denoising.2", langevin(noise=lambda eta: 0), "a climb, not a walk"),
    ("denoising.2", langevin(noise=lambda eta: eta**0.5), "half the variance"),
    ("denoising.2", langevin(noise=lambda eta: 2 * eta), "compare the noise"),
    ("denoising.2", langevin(noise=lambda eta: 1.0), "compare the noise"),
    ("denoising.2", langevin(sign=-1), "run away"),
    ("denoising.2", langevin(part=0.5), "only half as far"),
    ("denoising.2", langevin_of_half_steps, "only half as far"),
    ("denoising.2", langevin(more=-1), "count all the steps"),
    ("denoising.2", langevin(more=1), "count all the steps"),
    ("denoising.2", langevin(draw=torch.rand_like), "noise must have mean 0"),
    ("denoising.2", langevin(draw=lambda y: torch.randn(1)), "noise of its own"),
    ("denoising.2", langevin(draw=lambda y: torch.randn(len(y), 1)), "the same noise"),
    ("denoising.2", langevin_with_one_noise, "drawn afresh"),
    ("denoising.2", langevin_with_one_score, "farther"),
    ("denoising.2", langevin_in_place, "work on a copy"),
    ("denoising.2", lambda score, y, eta, steps: y.mean(), "as many points"),
    ("denoising.3", staircase, "the staircase's shortcut"),
    ("denoising.3", walk_down(noise=lambda share, sigma: share**0.5 * sigma), "half the variance"),
    ("denoising.3", walk_down(noise=lambda share, sigma: sigma), "a shorter way, less noise"),
    ("denoising.3", walk_down(noise=lambda share, sigma: 2 * share * sigma), "too narrow"),
    ("denoising.3", walk_down(noise=lambda share, sigma: (2 * share) ** 0.5), "never come down"),
    ("denoising.3", walk_down(noise=lambda share, sigma: 0.0), "no noise is added"),
    ("denoising.3", walk_down(visit=lambda levels: levels[::-1]), "never come down"),
    ("denoising.3", walk_down(visit=lambda levels: levels[:1]), "never come down"),
    ("denoising.3", walk_down(way=-1), "nan or infinite"),
    ("denoising.3", walk_of_one_level, "never come down"),
    ("denoising.3", walk_at_every_level, "As many points"),
    ("denoising.3", walk_in_place, "work on a copy"),
    ("denoising.3", lambda denoise, x, levels, share: torch.randn_like(x) + 2, "at other levels"),
    ("denoising.3", lambda denoise, x, levels, share: denoise(x, levels[0]), "too narrow"),
]

RIGHT = [
    ("denoising.1", score),
    ("denoising.1", score_in_place),
    ("denoising.1", score_point_by_point),
    ("denoising.1", score_by_numpy),
    ("denoising.1", score_by_level),
    ("denoising.2", langevin()),
    ("denoising.2", langevin_on_a_copy),
    ("denoising.2", langevin_again),
    ("denoising.2", langevin_by_torch),
    ("denoising.3", walk_down()),
    ("denoising.3", walk_to_the_next_level),
    ("denoising.3", walk_of_three_a_level),
]

WRONG += [
    ("denoising.3", walk_by_scores, "not the guess at the last level"),
    ("denoising.3", exact_steps, "the first step goes"),  # right points, but not by the share that was asked for
    (
        "denoising.1",
        lambda denoise, y, sigma: torch.stack([(denoise(y, sigma) - y)[:, i] for i in (0, 1)], 1) / sigma**2,
        "no size as a number",
    ),
    ("denoising.2", langevin_quiet_at_the_end, "in the last step, too"),
    ("denoising.2", langevin(draw=lambda y: torch.randint(2, y.shape) * 2.0 - 1), "not Gaussian"),
]
