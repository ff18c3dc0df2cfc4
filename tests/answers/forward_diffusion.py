"""Wrong answers to the exercises of forward_diffusion, with words of the feedback that each gets, and right ones."""

import math

import torch


def nearest_time(value=lambda ratio: ratio.log(), wish=math.log, first=1):
    """The t of a ratio with a measure, or a number for the first entry, that may be wrong."""

    def answer(snr, bars):
        return (value(bars[1:] / (1 - bars[1:])) - wish(snr)).abs().argmin().item() + first

    return answer


def one_leap(a=lambda s, t: (t / s) ** 0.5, b=lambda s, t: (1 - t / s) ** 0.5, earliest=0, latest=99):
    """The jump with factors, of the two alpha_bars, or with ends of the schedule that may be wrong."""

    def answer(s, t, bars):
        ends = bars[max(s, earliest)].item(), bars[min(t, latest)].item()
        return a(*ends), b(*ends)

    return answer


def way_back(result=lambda mean, variance: (mean, variance), stride=lambda s, t: s, swap=False):
    """The posterior with a result, a stage before t or an order of the images that may be wrong."""

    def answer(x_t, x_0, s, t, bars):
        x_t, x_0 = (x_0, x_t) if swap else (x_t, x_0)
        now, before, alpha = bars[t], bars[s], bars[t] / bars[stride(s, t)]
        mean = before.sqrt() * (1 - alpha) * x_0 + alpha.sqrt() * (1 - before) * x_t
        return result(mean / (1 - now), ((1 - alpha) * (1 - before) / (1 - now)).item())

    return answer


WRONG = [
    ("forward_diffusion.1", nearest_time(first=0), "off by the same"),
    ("forward_diffusion.1", nearest_time(first=2), "off by the same"),
    ("forward_diffusion.1", nearest_time(lambda ratio: ratio, wish=float), "without the logarithm"),
    ("forward_diffusion.1", nearest_time(lambda ratio: -ratio.log()), "noise to signal"),
    ("forward_diffusion.1", nearest_time(lambda ratio: ratio.sqrt().log()), "the squares of both"),
    ("forward_diffusion.1", nearest_time(lambda ratio: (ratio / (1 + ratio)).log()), "where is the noise"),
    (
        "forward_diffusion.1",
        lambda snr, bars: int((bars / (1 - bars) > snr).sum().clamp(max=len(bars) - 1)),
        "see nearby",
    ),
    ("forward_diffusion.1", lambda snr, bars: (bars / (1 - bars + 1e-6) / snr).log().abs().argmin(), "infinite"),
    ("forward_diffusion.1", lambda snr, bars: nearest_time()(snr, torch.linspace(1, 0.01, 1001)), "here 1..20"),
    ("forward_diffusion.1", lambda snr, bars: (bars / (1 - bars) - snr).abs().min(), "a whole number"),
    ("forward_diffusion.1", lambda snr, bars: (bars / (1 - bars) - snr).abs(), "one number"),
    ("forward_diffusion.2", one_leap(lambda s, t: t**0.5, lambda s, t: (1 - t) ** 0.5), "jump from x_0"),
    ("forward_diffusion.2", lambda *ends: one_leap()(*ends)[::-1], "Exchanged"),
    ("forward_diffusion.2", one_leap(lambda s, t: t / s, lambda s, t: 1 - t / s), "speak of squares"),
    ("forward_diffusion.2", one_leap(lambda s, t: (s / t) ** 0.5), "upside down"),
    ("forward_diffusion.2", one_leap(lambda s, t: (s - t) ** 0.5), "by a factor"),
    ("forward_diffusion.2", one_leap(b=lambda s, t: 1 - t / s), "a standard deviation, not"),
    ("forward_diffusion.2", one_leap(b=lambda s, t: (s - t) ** 0.5), "have variance 1"),
    ("forward_diffusion.2", one_leap(b=lambda s, t: (1 - t) ** 0.5), "once more the noise"),
    ("forward_diffusion.2", one_leap(b=lambda s, t: 1 - (t / s) ** 0.5), "a + b need not be 1"),
    ("forward_diffusion.2", one_leap(b=lambda s, t: (1 - t) ** 0.5 - (1 - s) ** 0.5), "From 5 to 12"),
    ("forward_diffusion.2", one_leap(earliest=1), "From 0 to 20"),
    ("forward_diffusion.2", one_leap(latest=19), "From 0 to 20"),
    (
        "forward_diffusion.2",
        lambda s, t, bars: one_leap()(s if t - s > 4 else t - 1, t, bars),
        "Two jumps, 0 to 4 to 9",
    ),
    ("forward_diffusion.2", lambda s, t, bars: (bars[t] / bars[s]).sqrt(), "is a pair"),
    ("forward_diffusion.2", lambda s, t, bars: (bars.sqrt(), (1 - bars).sqrt()), "one number"),
    ("forward_diffusion.3", way_back(stride=lambda s, t: t - 1), "The mean has the alpha of the last step"),
    ("forward_diffusion.3", way_back(swap=True), "each other's weight"),
    ("forward_diffusion.3", way_back(lambda mean, variance: (mean, variance**0.5)), "the standard deviation"),
    ("forward_diffusion.3", way_back(lambda mean, variance: (mean, 1 / variance)), "the precision"),
    ("forward_diffusion.3", way_back(lambda mean, variance: (mean, math.log(variance))), "back to s = 8"),
    ("forward_diffusion.3", way_back(lambda mean, variance: (mean.mean(), variance)), "the shape of x_t"),
    ("forward_diffusion.3", way_back(lambda mean, variance: (mean, variance * torch.ones_like(mean))), "one number"),
    ("forward_diffusion.3", way_back(lambda mean, variance: mean), "is a pair"),
    (
        "forward_diffusion.3",
        lambda x, x_0, s, t, bars: (way_back()(x, x_0, s, t, bars)[0], 1 - bars[t] / bars[s]),
        "That is beta",
    ),
    (
        "forward_diffusion.3",
        lambda *given: (way_back()(*given)[0], way_back(stride=lambda s, t: t - 1)(*given)[1]),
        "The variance has the beta of the last step",
    ),
    ("forward_diffusion.3", lambda x_t, x_0, s, t, bars: way_back()(x_t, x_0, t - 1, t, bars), "back to s = 8"),
    (
        "forward_diffusion.3",
        lambda x_t, x_0, s, t, bars: (bars[s].sqrt() * x_0, 1 - bars[s]),
        "without a word from x_t",
    ),
    (
        "forward_diffusion.3",
        lambda x_t, x_0, s, t, bars: way_back()(x_t * (bars[t] / bars[s]).sqrt(), x_0 * bars[s].sqrt(), s, t, bars),
        "roots",
    ),
]

RIGHT = [
    ("forward_diffusion.2", one_leap()),
    ("forward_diffusion.3", way_back()),
]
