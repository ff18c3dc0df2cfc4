"""Wrong answers to the exercises of guided_diffusion, with words of the feedback that each gets, and right ones."""

import torch
import torch.nn.functional as F


def spread(low):
    return low.repeat_interleave(4, dim=-2).repeat_interleave(4, dim=-1)


def lift(x, low):
    """The right answer to 09.2: x with the block means low."""
    return x + spread(low - F.avg_pool2d(x, 4))


def bend_in_place(x, low):
    x += spread(low - F.avg_pool2d(x, 4))
    return x


def lift_one_pixel(x, low):
    """The right means, by a change of one pixel in each block."""
    y = x.clone()
    y[:, :, ::4, ::4] += 16 * (low - F.avg_pool2d(x, 4))
    return y


def noisy_means(picture=lambda a: a**0.5, width=lambda a: ((1 - a) / 16) ** 0.5, earlier=0):
    """Exercise 09.3 with a share of the picture, a width of the noise or a time that may be wrong."""

    def answer(x_s, low, s, bars):
        share = bars[max(0, s - earlier)]
        return lift(x_s, picture(share) * low + width(share) * torch.randn_like(low))

    return answer


def means_in_place(x_s, low, s, bars):
    return bend_in_place(x_s, bars[s].sqrt() * low)


WRONG = [
    ("guided_diffusion.1", lambda none, x, y, a, b: none + a * x + b * y, "you add whole predictions"),
    ("guided_diffusion.1", lambda none, x, y, a, b: a * (x - none) + b * (y - none), "is missing"),
    ("guided_diffusion.1", lambda none, x, y, a, b: none + (a * (x - none) + b * (y - none)) / 2, "a mean of two"),
    (
        "guided_diffusion.1",
        lambda none, x, y, a, b: (1 - b) * ((1 - a) * none + a * x) + b * y,
        "where the first one ended",
    ),
    ("guided_diffusion.1", lambda none, x, y, a, b: none + b * (x - none) + a * (y - none), "exchanged"),
    ("guided_diffusion.1", lambda none, x, y, a, b: a * x + b * y, "the prediction without a class; yours"),
    (
        "guided_diffusion.1",
        lambda none, x, y, a, b: none.add_(a * (x - none) + b * (y - none)),
        "wrote into a prediction",
    ),
    ("guided_diffusion.1", lambda none, x, y, a, b: (none + a * (x - none) + b * (y - none))[0], "shape of the images"),
    ("guided_diffusion.2", lambda x, low: spread(low), "x is gone"),
    ("guided_diffusion.2", lambda x, low: x + spread(low), "not all of low"),
    ("guided_diffusion.2", lambda x, low: x - spread(F.avg_pool2d(x, 4)), "all block means are 0"),
    ("guided_diffusion.2", lambda x, low: 2 * x - lift(x, low), "The sign"),
    ("guided_diffusion.2", lambda x, low: x + (lift(x, low) - x) / 16, "a sixteenth"),
    ("guided_diffusion.2", lift_one_pixel, "a smaller change"),
    (
        "guided_diffusion.2",
        lambda x, low: x + F.interpolate(low - F.avg_pool2d(x, 4), size=28, mode="bicubic"),
        "is off by",
    ),
    ("guided_diffusion.2", bend_in_place, "wrote into x"),
    ("guided_diffusion.2", lambda x, low: low, "shape of the images"),
    ("guided_diffusion.3", noisy_means(width=lambda a: (1 - a) ** 0.5), "as noisy as single pixels"),
    ("guided_diffusion.3", noisy_means(width=lambda a: 0), "no noise"),
    ("guided_diffusion.3", noisy_means(width=lambda a: (1 - a) ** 0.5 / 16), "A sixteenth is the factor"),
    ("guided_diffusion.3", noisy_means(width=lambda a: (1 - a) / 4), "is a variance"),
    ("guided_diffusion.3", noisy_means(width=lambda a: (1 - a) ** 0.5 / 8), "should have the variance"),
    ("guided_diffusion.3", noisy_means(picture=lambda a: a), "the root of alpha_bar"),
    ("guided_diffusion.3", noisy_means(picture=lambda a: 1), "the root of alpha_bar"),
    (
        "guided_diffusion.3",
        lambda x, low, s, bars: spread(F.avg_pool2d(noisy_means()(x, low, s, bars), 4)),
        "should stay as it is",
    ),
    ("guided_diffusion.3", noisy_means(width=lambda a: 0.1), "exactly"),
    ("guided_diffusion.3", noisy_means(earlier=1), "the root of alpha_bar"),
    ("guided_diffusion.3", means_in_place, "wrote into x_s"),
]

RIGHT = [
    ("guided_diffusion.2", lift),
]
