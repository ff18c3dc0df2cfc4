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


def nearest_by_loop(snr, alpha_bars):
    """The nearest t, one after the other."""
    best, t_best = math.inf, None
    for t in range(1, len(alpha_bars)):
        away = abs(math.log(alpha_bars[t].item()) - math.log1p(-alpha_bars[t].item()) - math.log(snr))
        if away < best:
            best, t_best = away, t
    return t_best


def nearest_by_halving(snr, alpha_bars):
    """The nearest t by a search in the falling list: between two neighbours their geometric mean decides."""
    ratios = (alpha_bars[1:] / (1 - alpha_bars[1:])).double()
    middles = (ratios[1:] * ratios[:-1]).sqrt()
    return 1 + torch.searchsorted(-middles, torch.tensor(-snr, dtype=torch.double))


def nearest_by_logit(snr, alpha_bars):
    """The nearest t with torch.logit, in a dictionary."""
    ratios = {t: torch.logit(a, eps=1e-9).item() for t, a in enumerate(alpha_bars.double()) if t}
    return float(min(ratios, key=lambda t: abs(ratios[t] - math.log(snr))))


def jump_by_steps(s, t, alpha_bars):
    """The jump as a walk: the factors of one step after the other."""
    a, variance = 1.0, 0.0
    for now in range(s + 1, t + 1):
        alpha = (alpha_bars[now] / alpha_bars[now - 1]).item()
        a, variance = math.sqrt(alpha) * a, alpha * variance + 1 - alpha
    return [a, variance**0.5]


def jump_by_prod(s, t, alpha_bars):
    """The jump from a product of alphas, as tensors."""
    alpha = (alpha_bars[1:] / alpha_bars[:-1])[s:t].prod()
    return alpha.sqrt(), (1 - alpha).sqrt()


def jump_by_angle(s, t, alpha_bars):
    """The jump as cosine and sine of one angle."""
    angle = torch.acos((alpha_bars[t] / alpha_bars[s]).sqrt())
    return angle.cos().item(), angle.sin().item()


def precisions(x_t, x_0, s, t, alpha_bars):
    """The posterior by precisions that add up; the variance stays a tensor."""
    now, before = alpha_bars[t].double(), alpha_bars[s].double()
    alpha = now / before
    variance = 1 / (alpha / (1 - alpha) + 1 / (1 - before))
    mean = variance * (alpha.sqrt() / (1 - alpha) * x_t + before.sqrt() / (1 - before) * x_0)
    return mean.float(), variance


def regression(x_t, x_0, s, t, alpha_bars):
    """The posterior as a correction of the mean from x_0 by what x_t says (Kalman)."""
    a, b = jump_by_steps(s, t, alpha_bars)
    guess, spread = alpha_bars[s].sqrt() * x_0, 1 - alpha_bars[s].item()
    gain = a * spread / (a**2 * spread + b**2)
    return [guess + gain * (x_t - a * guess), (1 - gain * a) * spread]


def coarse_chain(x_t, x_0, s, t, alpha_bars):
    """The lesson's formula, in a chain that has only the stages 0, s and t."""
    bars = torch.stack([torch.tensor(1.0), alpha_bars[s], alpha_bars[t]])
    alphas = bars[1:] / bars[:-1]
    beta, rest = 1 - alphas[1], 1 - bars[2]
    mean = x_0 * (bars[1].sqrt() * beta / rest)
    mean += x_t * (alphas[1].sqrt() * (1 - bars[1]) / rest)
    return mean, ((1 - bars[1]) / rest * beta).item()


def beta_only_at_stride_one(x_t, x_0, s, t, alpha_bars):
    """Right for neighbours only: for a stride the variances of single steps are added up."""
    mean, variance = precisions(x_t, x_0, s, t, alpha_bars)
    return mean, variance if t - s == 1 else sum(1 - alpha_bars[u] / alpha_bars[u - 1] for u in range(s + 1, t + 1))


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
    ("forward_diffusion.3", beta_only_at_stride_one, "back to s = 8"),
    ("forward_diffusion.3", lambda x_t, x_0, s, t, bars: regression(x_t, x_0, 0, t, bars), "back to s = 8"),
]

RIGHT = [
    ("forward_diffusion.1", nearest_time()),
    ("forward_diffusion.1", nearest_by_loop),
    ("forward_diffusion.1", nearest_by_halving),
    ("forward_diffusion.1", nearest_by_logit),
    ("forward_diffusion.2", one_leap()),
    ("forward_diffusion.2", jump_by_steps),
    ("forward_diffusion.2", jump_by_prod),
    ("forward_diffusion.2", jump_by_angle),
    ("forward_diffusion.3", way_back()),
    ("forward_diffusion.3", precisions),
    ("forward_diffusion.3", regression),
    ("forward_diffusion.3", coarse_chain),
]
