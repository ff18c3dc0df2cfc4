"""Judges of the exercises of 10_guided_diffusion."""

import torch
import torch.nn.functional as F

from helpers.exercises import Wrong, describe, exercise


def noise(*shape, seed=0):
    """The same random numbers at every call."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def as_image(value, x):
    """`value`, if it is a tensor of x's shape."""
    if not isinstance(value, torch.Tensor) or value.shape != x.shape:
        raise Wrong(f"The result has the shape of the images, {tuple(x.shape)}; yours is {describe(value)}.")
    return value


def block_means(x):
    """Means (N, 1, H / 4, W / 4) of the blocks of 4 x 4 pixels."""
    return F.avg_pool2d(x, 4)


def spread(low):
    """Each of the numbers on a block of 4 x 4 pixels."""
    return low.repeat_interleave(4, dim=-2).repeat_interleave(4, dim=-1)


@exercise(
    "guided_diffusion.1",
    "What does the first class add to the prediction without a class? What does the second? Both are differences.",
    "uncond + scale_first * (first - uncond) + scale_second * (second - uncond).",
)
def compose_cfg(answer):
    """Compares with the sum of both pushes for several pairs of scales, the simple ones first."""
    uncond, first, second = noise(3, 4, 1, 6, 6)
    kept = [x.clone() for x in (uncond, first, second)]
    a, b = 0.5, 2.5
    value = as_image(answer(uncond, first, second, a, b), uncond)
    if not all(torch.equal(x, y) for x, y in zip((uncond, first, second), kept, strict=True)):
        raise Wrong("Your function wrote into a prediction that it was given; return a new tensor.")
    pushes = a * (first - uncond) + b * (second - uncond)
    known = {
        "A push is the difference to the prediction without a class; you add whole predictions.": (
            uncond + a * first + b * second
        ),
        "The prediction without a class is missing: the pushes start from it.": pushes,
        "That is a mean of two guided predictions; both pushes should act in full.": uncond + pushes / 2,
        "The second push starts where the first one ended and takes some of it back; both start from `uncond`.": (
            (1 - b) * (uncond + a * (first - uncond)) + b * second
        ),
        "The two scales are exchanged.": uncond + b * (first - uncond) + a * (second - uncond),
    }
    for words, wrong in known.items():
        if torch.allclose(value, wrong):
            raise Wrong(words)
    simple = {(0.0, 0.0): ("the prediction without a class", uncond), (1.0, 0.0): ("the first one", first)}
    simple |= {(0.0, 1.0): ("the second one", second), (a, b): ("uncond plus both pushes", uncond + pushes)}
    for (a, b), (words, right) in simple.items():
        if not torch.allclose(as_image(answer(uncond, first, second, a, b), uncond), right):
            raise Wrong(f"With the scales {a:g} and {b:g} it should be {words}; yours differs.")
    return "With a negative scale the second wish becomes a prohibition: a `negative prompt`."


@exercise(
    "guided_diffusion.2",
    "By how much is each block mean of x wrong? Which change of the 16 pixels mends it and is the smallest?",
    "`low - F.avg_pool2d(x, 4)`, the same number for all 16 pixels of a block (`repeat_interleave`, both ways).",
)
def agree_with(answer):
    """Checks the block means first, then that nothing else was changed."""
    x, low = noise(3, 1, 28, 28), noise(3, 1, 7, 7, seed=1)
    kept = x.clone()
    value = as_image(answer(x, low), x)
    if not torch.equal(x, kept):
        raise Wrong("Your function wrote into x; return a new tensor.")
    off = low - block_means(x)
    if torch.allclose(value, x + spread(off)):
        return "A projection: it never leads away from the hidden original, which has these block means, too."
    if torch.allclose(value, spread(low)):
        raise Wrong("The means are right and x is gone: keep what x has besides its block means.")
    if torch.allclose(value, x + spread(low)):
        raise Wrong("Add what is missing, not all of low: x has block means already.")
    if torch.allclose(value, x - spread(block_means(x))):
        raise Wrong("Now all block means are 0: add those of low.")
    if torch.allclose(value, x - spread(off)):
        raise Wrong("The sign: blocks that were too dark got darker.")
    if torch.allclose(value, x + spread(off) / 16):
        raise Wrong("Every pixel has to move by the whole difference, or the mean moves by a sixteenth of it.")
    if torch.allclose(block_means(value), low):
        raise Wrong("The means are right, but a smaller change would do: the same for all 16 pixels of a block.")
    wrong = (block_means(value) - low).abs().max().item()
    raise Wrong(f"The block means should be low, exactly; one of yours is off by {wrong:.3f}.")


@exercise(
    "guided_diffusion.3",
    "Noise the small image to s. But averaging 16 pixels also averages their noise: which variance is left?",
    "known = root(alpha_bar_s) * low + root((1 - alpha_bar_s) / 16) * fresh noise; then exercise 2 with x_s and known.",
)
def keep_means(answer):
    """Checks x_0 at s = 0, then mean and variance of the block means, then the rest of the picture."""
    alpha_bars = torch.tensor([1.0, 0.64, 0.19], dtype=torch.double)
    x, low = noise(500, 1, 28, 28), noise(500, 1, 7, 7, seed=1)
    kept = x.clone()
    torch.manual_seed(0)
    value = as_image(answer(x, low, 0, alpha_bars), x)
    if not torch.equal(x, kept):
        raise Wrong("Your function wrote into x_s; return a new tensor.")
    if not torch.allclose(block_means(value), low):
        raise Wrong("At s = 0 there is no noise any more: the block means should be low, exactly.")
    for s in (1, 2):
        alpha_bar_s = alpha_bars[s].item()
        value = as_image(answer(x, low, s, alpha_bars), x)
        means = block_means(value)
        slope = ((means * low).mean() / low.square().mean()).item()
        width = (means - slope * low).var().item()
        if not torch.allclose(value - spread(means), x - spread(block_means(x))):
            raise Wrong("What x_s has besides its block means should stay as it is.")
        if abs(slope - alpha_bar_s**0.5) > 0.02:
            words = "the picture's share there is the root of alpha_bar"
            raise Wrong(f"At s = {s} low enters with the factor {slope:.2f}, not {alpha_bar_s**0.5:.2f}: {words}.")
        right = (1 - alpha_bar_s) / 16
        if width < 0.01 * right:
            raise Wrong(f"At s = {s} the means have no noise; x_s would know more than it can.")
        if abs(width / right - 16) < 1:
            raise Wrong("Your block means are as noisy as single pixels; a mean of 16 has less noise.")
        if abs(width / right - 1 / 16) < 0.01:
            raise Wrong("A sixteenth is the factor of the variance; its root belongs before the noise.")
        if abs(width - (1 - alpha_bar_s) ** 2 / 16) < 0.02 * right:
            raise Wrong("1 - alpha_bar is a variance; the noise is multiplied by its root.")
        if abs(width / right - 1) > 0.05:
            raise Wrong(f"At s = {s} the block means should have the variance {right:.4f} around low's part; "
                        f"yours have {width:.4f}.")  # fmt: skip
    return "Known pixels, known means: any linear measurement can be kept in this way."
