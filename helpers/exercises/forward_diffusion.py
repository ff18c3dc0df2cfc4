"""Judges of the exercises of the lesson forward_diffusion."""

import math

import torch

from helpers.exercises import Wrong, as_number, describe, exercise

T = 20


def schedule():
    """The judges' own alpha_bars (T + 1,), which begin with 1."""
    betas = torch.linspace(0.02, 0.25, T, dtype=torch.double)
    return torch.cat([torch.ones(1), (1 - betas).cumprod(dim=0)]).float()


def step_by_step(s, t):
    """Factors (a, b) of x_s and of the noise after all steps from s to t, taken one by one."""
    a, variance, bars = 1.0, 0.0, schedule().double()
    for alpha in (bars[s + 1 : t + 1] / bars[s:t]).tolist():
        a, variance = a * math.sqrt(alpha), alpha * variance + 1 - alpha
    return a, math.sqrt(variance)


def close(found, right):
    """Whether two numbers, or two lists of numbers, agree to four digits."""
    return torch.allclose(*(torch.as_tensor(x, dtype=torch.double) for x in (found, right)), rtol=0, atol=1e-4)


def recognise(found, right, known):
    """Raise the words of `known` {words: wrong value} that what was found calls for, unless it is right."""
    words = next((words for words, wrong in known.items() if close(found, wrong)), None)
    if words and not close(found, right):
        raise Wrong(words)


def pair(value, names):
    """The two parts of an answer."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise Wrong(f"The result is a pair ({names}); yours is {describe(value)}.")
    return value


def nearest(values, wished):
    """For each wish the t in 1..T whose value is nearest; values[0] belongs to t = 1."""
    return [1 + (values - wish).abs().argmin().item() for wish in wished]


@exercise(
    "forward_diffusion.1",
    "Compute the ratios of all t from 1 on at once, and take logarithms. Where is the distance to log(snr) smallest?",
    "At t = 0 there is no noise and the ratio is infinite: leave that entry out, and mind which t the first one "
    "that is left belongs to.",
)
def timestep_of(answer):
    """Compares six wishes: two beyond the ends, and two that are nearer to another t without the logarithm."""
    wished, bars = (32.0, 1.0, 0.3, 1e9, 1e-9, 28.0), schedule()
    ratios, logs = bars[1:] / (1 - bars[1:]), [math.log(snr) for snr in wished]
    right, found = nearest(ratios.log(), logs), [as_number(answer(snr, bars.clone())) for snr in wished]
    known = {
        "All are off by the same: is your first ratio that of t = 0 or of 1?": [found[0] - right[0] + t for t in right],
        "That is nearest without the logarithm. With it, 32 is as far from 16 as from 64.": nearest(ratios, wished),
        "That is the ratio of noise to signal, upside down.": nearest(-ratios.log(), logs),
        "The ratio compares the squares of both factors, not the factors.": nearest(ratios.log() / 2, logs),
        "That compares alpha_bar_t alone with `snr`; where is the noise?": nearest(bars[1:].log(), logs),
        "That is the nearest alpha_bar; asked is the nearest ratio, in the logarithm.": (
            nearest(bars[1:], [snr / (1 + snr) for snr in wished])
        ),
    }
    recognise(found, right, known)
    for snr, t, best in zip(wished, found, right, strict=True):
        if t % 1 != 0:
            raise Wrong(f"t is a whole number, yours is {t:.4f}. Asked is the place, not what stands there.")
        if not 1 <= t <= T:
            raise Wrong(f"You answer t = {t:.0f}; t is one of 1..T, here 1..{T}. (At t = 0 the ratio is infinite.)")
        if t != best:
            raise Wrong(f"For {snr:g} you answer t = {t:.0f}, where the ratio is {ratios[int(t) - 1]:.3g}; see nearby.")
    return "Where the ratios are equal all schedules show the same picture: a schedule is only a timetable."


@exercise(
    "forward_diffusion.2",
    "After s come the steps s + 1 to t, and their alphas multiply. Which two alpha_bars give that product?",
    "alpha_bar_t is a product from step 1 on, and alpha_bar_s is the first part of it. And the noise: from an x_s "
    "of variance 1 an x_t of variance 1 must come.",
)
def jump(answer):
    """Compares with a walk step by step, from 5 to 12 and from 0 to T; then two jumps in a row with one."""

    def factors(s, t):
        return [as_number(part) for part in pair(answer(s, t, schedule()), "a, b")]

    (a, b), right, (before, now) = factors(5, 12), step_by_step(5, 12), schedule()[[5, 12]].tolist()
    start = "That is the jump from x_0. At s a part of the way is already done."
    recognise((a, b), right, {start: step_by_step(0, 12), "Exchanged: a goes with x_s, b with the noise.": right[::-1]})
    known = {
        "The alpha_bars speak of squares; a multiplies the picture itself.": right[0] ** 2,
        "a is upside down: from s to t the picture grows weaker.": 1 / right[0],
        "For a you take a difference; but each step shrinks by a factor.": (before - now) ** 0.5,
    }
    recognise(a, right[0], known)
    known = {
        "b multiplies the noise: it is a standard deviation, not a variance.": right[1] ** 2,
        "Let x_s have variance 1: with your b, x_t has not. What must a² + b² be?": (before - now) ** 0.5,
        "b counts once more the noise that x_s brings along.": (1 - now) ** 0.5,
        "a + b need not be 1: variances add up, and they are squares.": 1 - right[0],
    }
    recognise(b, right[1], known)
    for s, t in ((5, 12), (0, T)):
        ours, yours = (f"a = {a:.4f} and b = {b:.4f}" for a, b in (step_by_step(s, t), factors(s, t)))
        if not close(factors(s, t), step_by_step(s, t)):
            raise Wrong(f"From {s} to {t} a walk step by step gives {ours}; you have {yours}.")
    for s, u, t in ((0, 4, 9), (3, 11, T)):
        (a_1, b_1), (a_2, b_2) = factors(s, u), factors(u, t)
        if not close(factors(s, t), (a_1 * a_2, math.hypot(a_2 * b_1, b_2))):
            raise Wrong(f"Two jumps, {s} to {u} to {t}, should do the same as one, {s} to {t}; yours do not.")
    return "So every s < t is one step of a coarser chain, with alpha_bar_t / alpha_bar_s as its alpha."


@exercise(
    "forward_diffusion.3",
    "Do the lesson's Bayes rule again, with one big step from s to t in the place of the small one.",
    "Exercise 2 has the alpha of the big step, and its beta follows. Then read the lesson's formula: where does it "
    "say t - 1, and where alpha_t?",
)
def posterior_at_stride(answer):
    """Compares with Bayes' rule by precisions, at strides of 4, 1 and 19; probes show the two weights in the mean."""
    x_t, x_0 = (torch.tensor(x).reshape(3, 1, 1, 1).expand(3, 1, 2, 2).clone() for x in ([1.0, 0, 2], [0, 1.0, -1]))
    x_t[2, 0, 0, 1], x_0[2, 0, 1, 0] = -3.0, 4.0  # not all pixels are alike
    for s, t in ((8, 12), (11, 12), (1, T)):
        given = x_t.clone(), x_0.clone()
        mean, variance = pair(answer(*given, s, t, schedule()), "mean, variance")
        if not torch.equal(given[0], x_t) or not torch.equal(given[1], x_0):
            raise Wrong("Your function wrote into x_t or x_0; return a new tensor.")
        if not isinstance(mean, torch.Tensor) or mean.shape != x_t.shape:
            raise Wrong(f"The mean has the shape of x_t, {tuple(x_t.shape)}; yours is {describe(mean)}.")
        (a, b), (start, wide) = step_by_step(s, t), step_by_step(0, s)
        small, now = step_by_step(t - 1, t), step_by_step(0, t)[1] ** 2
        exact = 1 / (a**2 / b**2 + 1 / wide**2)
        right = (exact * a / b**2, exact * start / wide**2)  # weights of x_t and x_0
        known = {
            "In your mean x_t and x_0 have each other's weight.": right[::-1],
            "The mean has the alpha of the last step alone; from s to t there are t - s steps.":
                (small[0] * wide**2 / now, start * small[1] ** 2 / now),
            "In your mean roots are missing: a picture is shrunk by sqrt(alpha).": (a * right[0], start * right[1]),
            "That is where x_s lies without a word from x_t; weigh both.": (0, start),
        }  # fmt: skip
        recognise(mean[:2, 0, 0, 0].tolist(), right, known)
        known = {
            "That is the standard deviation; asked is the variance.": exact**0.5,
            "That is beta, the variance of the way from s to t; who knows x_0 too is less in doubt.": b**2,
            "The variance has the beta of the last step alone.": small[1] ** 2 * wide**2 / now,
            "That is the precision; the variance is one over it.": 1 / exact,
        }
        recognise(as_number(variance), exact, known)
        if not close(mean, right[0] * x_t + right[1] * x_0) or not close(as_number(variance), exact):
            weights = f"x_t has weight {right[0]:.4f} and x_0 {right[1]:.4f}, and the variance is {exact:.4f}"
            raise Wrong(f"From t = {t} back to s = {s}: {weights}. Let precisions add up.")
    return "No big step needs a new formula. With eta = 1, lesson 09's sampler adds noise of just this variance."
