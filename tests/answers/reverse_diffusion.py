"""Wrong answers to the exercises of reverse_diffusion, with words of the feedback that each gets, and right ones."""

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


WRONG = [
    ("reverse_diffusion.1", lambda v, x_t, a: a**0.5 * x_t - (1 - a) ** 0.5 * v, "That is x_0"),
    ("reverse_diffusion.1", lambda v, x_t, a: -(a**0.5) * v - (1 - a) ** 0.5 * x_t, "look at the signs"),
    ("reverse_diffusion.1", lambda v, x_t, a: (1 - a) ** 0.5 * v + a**0.5 * x_t, "exchanged"),
    ("reverse_diffusion.1", lambda v, x_t, a: a * v + (1 - a) * x_t, "lengths need its root"),
    ("reverse_diffusion.1", lambda v, x_t, a: a**0.5 * v, "so that x_0 cancels"),
    ("reverse_diffusion.1", lambda v, x_t, a: (a**0.5 * v + (1 - a) ** 0.5 * x_t).mean(), "the shape of x_t"),
    (
        "reverse_diffusion.2",
        lambda prediction, a: {"eps": (1 - a) / a, "x_0": 1, "v": 1 - a}[prediction],
        "that is the inverse",
    ),
    (
        "reverse_diffusion.2",
        lambda prediction, a: {"eps": a / (1 - a), "x_0": 1, "v": 1 / (1 - a)}[prediction] ** 0.5,
        "squared errors are asked",
    ),
    (
        "reverse_diffusion.2",
        lambda prediction, a: {"eps": a / (1 - a), "x_0": 1, "v": a / (1 - a)}[prediction],
        "never falls below 1",
    ),
    ("reverse_diffusion.2", lambda prediction, a: a, "the factor is 1"),
    ("reverse_diffusion.2", lambda prediction, a: {"eps": a, "x_0": 1, "v": 2}[prediction], "it should be 4.000"),
    ("reverse_diffusion.3", up(fresh=1.0), "two results"),
    ("reverse_diffusion.3", up(late=True), "gives back x_s"),
    ("reverse_diffusion.3", lambda x, x_0, s, t, a: (a[t] / a[s]).sqrt() * x, "only shrinks"),
    ("reverse_diffusion.3", lambda x, x_0, s, t, a: up()(x, x_0, t, s, a), "the factor of t"),
    ("reverse_diffusion.3", up_in_place, "wrote into x_s"),
    ("reverse_diffusion.3", lambda x, x_0, s, t, a: up()(x, x_0, s, t, a)[0], "the shape of x_s"),
]

RIGHT = [
    ("reverse_diffusion.3", up()),
]
