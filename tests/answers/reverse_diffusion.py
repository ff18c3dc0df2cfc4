"""Wrong answers to the exercises of reverse_diffusion, with words of the feedback that each gets, and right ones."""

import math
from itertools import pairwise

import torch


def up(fresh=0.0, late=False):
    """The step up with fresh noise, or with the noise taken out with the factors of t."""

    def answer(x_s, x_0, s, t, bars):
        start = bars[t if late else s]
        eps = (x_s - start.sqrt() * x_0) / (1 - start).sqrt() + fresh * torch.randn_like(x_s)
        return bars[t].sqrt() * x_0 + (1 - bars[t]).sqrt() * eps

    return answer


def up_in_place(x_s, x_0, s, t, bars):
    x_s -= bars[s].sqrt() * x_0
    return bars[t].sqrt() * x_0 + ((1 - bars[t]) / (1 - bars[s])).sqrt() * x_s


def up_by_ratios(x_s, x_0, s, t, bars):
    """In x / sqrt(alpha_bar), where the step is a straight line along eps_hat."""
    rho_s, rho_t = (((1 - bars[time]) / bars[time]) ** 0.5 for time in (s, t))
    scaled = x_s / bars[s] ** 0.5
    return bars[t] ** 0.5 * (scaled + (rho_t - rho_s) * (scaled - x_0) / rho_s)


def up_by_factors(x_s, x_0, s, t, bars):
    """One factor for x_s, one for x_0."""
    more = math.sqrt((1 - bars[t].item()) / (1 - bars[s].item()))
    return more * x_s + (math.sqrt(bars[t].item()) - more * math.sqrt(bars[s].item())) * x_0


def up_by_angles(x_s, x_0, s, t, bars):
    """alpha_bar as the square of a cosine."""
    now, later = bars[s].sqrt().acos(), bars[t].sqrt().acos()
    return later.cos() * x_0 + later.sin() / now.sin() * (x_s - now.cos() * x_0)


def step(x, guess, now, then, eta, noise, on_top=False):
    """One step between two alpha_bars, as most would write it."""
    variance = eta**2 * (1 - then) / (1 - now) * (1 - now / then)
    eps = (x - now.sqrt() * guess) / (1 - now).sqrt()
    keep = 1 - then if on_top else (1 - then - variance).clamp(min=0)
    return then.sqrt() * guess + keep.sqrt() * eps + variance.sqrt() * noise


def walk(shift=0, on_top=False, clamp=False, in_place=False, noise=torch.randn_like, stop=0, first=0):
    """A sampler with one thing wrong; without arguments it is right."""

    def answer(predict, x, times, bars, eta):
        if in_place:
            x *= 1.0
            x += 0.1
        for t, s in list(pairwise([*times[first:], 0]))[: len(times) - first - stop]:
            x = step(x, predict(x, t), bars[t], bars[t - 1 if shift and s else s], eta, noise(x), on_top)
            x = x.clamp(-1, 1) if clamp else x
        return x

    return answer


def walk_with_variance(variance_of):
    """A sampler that takes the variance of its fresh noise from variance_of(bars, t, s, eta)."""

    def answer(predict, x, times, bars, eta):
        for t, s in pairwise([*times, 0]):
            guess, variance = predict(x, t), variance_of(bars, t, s, eta)
            eps = (x - bars[t].sqrt() * guess) / (1 - bars[t]).sqrt()
            x = bars[s].sqrt() * guess + (1 - bars[s] - variance).clamp(min=0).sqrt() * eps
            x = x + variance.sqrt() * torch.randn_like(x)
        return x

    return answer


def posterior(bars, t, s, eta):
    return eta**2 * (1 - bars[s]) / (1 - bars[t]) * (1 - bars[t] / bars[s])


def walk_of_lesson_03(predict, x, times, bars, eta):
    """Fresh noise around the guess, none of the old."""
    for t, s in pairwise([*times, 0]):
        x = bars[s].sqrt() * predict(x, t) + (1 - bars[s]).sqrt() * torch.randn_like(x)
    return x


def grainy_end(predict, x, times, bars, eta):
    x = walk()(predict, x, times, bars, eta)
    return x + 0.05 * eta * torch.randn_like(x)


def no_last_step(predict, x, times, bars, eta):
    for t, s in pairwise(times):
        x = step(x, predict(x, t), bars[t], bars[s], eta, torch.randn_like(x))
    predict(x, times[-1])
    return x


def one_early(predict, x, times, bars, eta):
    return walk()(lambda x, t: predict(x, t - 1), x, times, bars, eta)


def upwards(predict, x, times, bars, eta):
    return walk()(predict, x, times[::-1], bars, eta)


def in_0_to_1(predict, x, times, bars, eta):
    return (walk()(predict, x, times, bars, eta) + 1) / 2


def jumps_to_the_guess(predict, x, times, bars, eta):
    for t in times:
        x = predict(x, t)
    return x


def every_t(predict, x, times, bars, eta):
    return walk()(predict, x, list(range(times[0], 0, -1)), bars, eta)


def asks_at_zero(predict, x, times, bars, eta):
    x = walk()(predict, x, times, bars, eta)
    return predict(x, 0)


def same_noise(predict, x, times, bars, eta):
    noise = torch.randn_like(x)
    return walk(noise=lambda _: noise)(predict, x, times, bars, eta)


def seeded(predict, x, times, bars, eta):
    torch.manual_seed(0)
    return walk()(predict, x, times, bars, eta)


def new_start(predict, x, times, bars, eta):
    return walk()(predict, torch.randn(x.shape, generator=torch.Generator().manual_seed(5)), times, bars, eta)


def by_recursion(predict, x, times, bars, eta):
    """The list gets shorter from call to call."""
    t, *others = times
    guess = predict(x, t)
    if not others:
        return guess
    return by_recursion(predict, step(x, guess, bars[t], bars[others[0]], eta, torch.randn_like(x)), others, bars, eta)


def by_ratios(predict, x, times, bars, eta):
    """In plain numbers, and without a step to 0: the last guess is the end."""
    roots = [math.sqrt(bar) for bar in bars.tolist()]
    for i, t in enumerate(times):
        guess = predict(x, t)
        if i == len(times) - 1:
            break
        now, then = roots[t] ** 2, roots[times[i + 1]] ** 2
        sigma = eta * math.sqrt((1 - then) / (1 - now) * (1 - now / then))
        direction = (x - roots[t] * guess) / math.sqrt(1 - now)
        x = math.sqrt(then) * guess + math.sqrt(1 - then - sigma**2) * direction + sigma * torch.randn(x.shape)
    return guess.clamp(-1, 1)


def by_popping(predict, x, times, bars, eta):
    """A while loop that takes the times from a list, with the posterior's mean for eta = 1."""
    left = [*times, 0]
    while len(left) > 1:
        t = left.pop(0)
        s, guess = left[0], predict(x, torch.tensor(t))
        alpha = bars[t] / bars[s]
        if eta == 1:
            mean = alpha.sqrt() * (1 - bars[s]) * x + bars[s].sqrt() * (1 - alpha) * guess
            x = mean / (1 - bars[t]) + posterior(bars, t, s, 1).sqrt() * torch.randn_like(x)
        else:
            x = step(x, guess, bars[t], bars[s], eta, torch.randn_like(x))
    return x


WRONG = [
    ("reverse_diffusion.1", lambda v, x_t, a: a**0.5 * x_t - (1 - a) ** 0.5 * v, "That is x_0"),
    ("reverse_diffusion.1", lambda v, x_t, a: -(a**0.5) * v - (1 - a) ** 0.5 * x_t, "look at the signs"),
    ("reverse_diffusion.1", lambda v, x_t, a: (1 - a) ** 0.5 * v + a**0.5 * x_t, "exchanged"),
    ("reverse_diffusion.1", lambda v, x_t, a: a * v + (1 - a) * x_t, "lengths need its root"),
    ("reverse_diffusion.1", lambda v, x_t, a: a**0.5 * v, "so that x_0 cancels"),
    ("reverse_diffusion.1", lambda v, x_t, a: (a**0.5 * v + (1 - a) ** 0.5 * x_t).mean(), "the shape of x_t"),
    ("reverse_diffusion.2", up(fresh=1.0), "two results"),
    ("reverse_diffusion.2", up(late=True), "gives back x_s"),
    ("reverse_diffusion.2", lambda x, x_0, s, t, a: (a[t] / a[s]).sqrt() * x, "only shrinks"),
    ("reverse_diffusion.2", lambda x, x_0, s, t, a: up()(x, x_0, t, s, a), "the factor of t"),
    ("reverse_diffusion.2", up_in_place, "wrote into x_s"),
    ("reverse_diffusion.2", lambda x, x_0, s, t, a: up()(x, x_0, s, t, a)[0], "the shape of x_s"),
    ("reverse_diffusion.3", walk(stop=1), "leaves out the last time"),
    ("reverse_diffusion.3", walk(first=1), "leaves out the first time"),
    ("reverse_diffusion.3", no_last_step, "the step from there to 0 is missing"),
    ("reverse_diffusion.3", one_early, "one too small"),
    ("reverse_diffusion.3", upwards, "down the list"),
    ("reverse_diffusion.3", walk(shift=1), "to t - 1 = 57"),
    ("reverse_diffusion.3", walk(on_top=True), "on top"),
    ("reverse_diffusion.3", walk(clamp=True), "may be clamped"),
    ("reverse_diffusion.3", walk(in_place=True), "wrote into x_T"),
    ("reverse_diffusion.3", walk(noise=torch.zeros_like), "leads to the same end"),
    ("reverse_diffusion.3", walk(noise=lambda x: torch.randn(len(x), 1, 1, 1)), "each pixel needs its own"),
    ("reverse_diffusion.3", walk(noise=lambda x: torch.randn(1, *x.shape[1:])), "each needs its own"),
    ("reverse_diffusion.3", walk(noise=torch.rand_like), "should have the standard deviation"),
    ("reverse_diffusion.3", same_noise, "the same fresh noise"),
    ("reverse_diffusion.3", seeded, "leads to the same end"),
    ("reverse_diffusion.3", new_start, "begins at x_T"),
    ("reverse_diffusion.3", walk_of_lesson_03, "leads to two ends"),
    ("reverse_diffusion.3", grainy_end, "The end is grainy"),
    ("reverse_diffusion.3", jumps_to_the_guess, "jumps to x_0_hat"),
    ("reverse_diffusion.3", every_t, "visits every t"),
    ("reverse_diffusion.3", asks_at_zero, "nothing is left to guess"),
    ("reverse_diffusion.3", in_0_to_1, "the range of x_0"),
    ("reverse_diffusion.3", walk_with_variance(lambda a, t, s, eta: eta**2 * (1 - a[t] / a[s])), "a forward stride"),
    ("reverse_diffusion.3", walk_with_variance(lambda a, t, s, eta: posterior(a, t, t - 1, eta)), "of a single step"),
    ("reverse_diffusion.3", walk_with_variance(lambda a, t, s, eta: posterior(a, t, s, eta) ** 2), "needs the root"),
    ("reverse_diffusion.3", walk_with_variance(lambda a, t, s, eta: eta * posterior(a, t, s, 1)), "is squared in"),
    ("reverse_diffusion.3", lambda p, x, times, a, eta: list(map(p, [x], times)), "once at each of"),
    ("reverse_diffusion.3", lambda p, x, times, a, eta: p(x, torch.full((len(x),), 60)), "one number"),
    ("reverse_diffusion.3", lambda p, x, times, a, eta: walk()(p, x, times, a, eta)[:1], "the shape of x_T"),
    ("reverse_diffusion.3", lambda p, x, times, a, eta: walk()(p, x, times, a, 0.0), "leads to the same end"),
]

RIGHT = [
    ("reverse_diffusion.1", lambda v, x_t, a: a**0.5 * v + (1 - a) ** 0.5 * x_t),
    ("reverse_diffusion.1", lambda v, x_t, a: math.cos(math.acos(a**0.5)) * v + math.sin(math.acos(a**0.5)) * x_t),
    (
        "reverse_diffusion.1",
        lambda v, x_t, a: (x_t - a**0.5 * (a**0.5 * x_t - (1 - a) ** 0.5 * v)) / (1 - a) ** 0.5,
    ),
    (
        "reverse_diffusion.1",
        lambda v, x_t, a: torch.lerp(v, x_t, (1 - a) ** 0.5 / (a**0.5 + (1 - a) ** 0.5)) * (a**0.5 + (1 - a) ** 0.5),
    ),
    ("reverse_diffusion.2", up()),
    ("reverse_diffusion.2", up_by_ratios),
    ("reverse_diffusion.2", up_by_factors),
    ("reverse_diffusion.2", up_by_angles),
    ("reverse_diffusion.3", walk()),
    ("reverse_diffusion.3", walk_with_variance(posterior)),
    ("reverse_diffusion.3", by_recursion),
    ("reverse_diffusion.3", by_ratios),
    ("reverse_diffusion.3", by_popping),
]


# What experts passed with, wrong, or failed with, right, before the judges knew it.


def eps_in_place(v, x_t, alpha_bar_t):
    v.mul_(alpha_bar_t**0.5).add_(x_t, alpha=(1 - alpha_bar_t) ** 0.5)
    return v


def eps_by_einsum(v, x_t, alpha_bar_t):
    """With weights as a float32 tensor."""
    weights = torch.tensor([alpha_bar_t**0.5, (1 - alpha_bar_t) ** 0.5])
    return torch.einsum("k,knd->nd", weights, torch.stack([v, x_t]))


WRONG += [("reverse_diffusion.1", eps_in_place, "wrote into")]
RIGHT += [("reverse_diffusion.1", eps_by_einsum)]
