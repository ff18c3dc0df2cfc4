"""Typical wrong answers to the exercises, and the hint that each of them has to get. (The right ones: solutions/.)"""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from second_device import AVAILABLE, second_device
from torch import nn

from helpers.exercises import check, find, hint
from helpers.lessons.autoencoder import Autoencoder, conv_decoder, conv_encoder  # lesson 01
from tools import notebooks

SQUARE = (1, 28, 28)


def per_column(levels, entropy):
    return torch.stack([entropy(torch.bincount(column) / len(column)) for column in levels.T])


def bits(p):
    return -(p[p > 0] * p[p > 0].log2()).sum()


def centres(codes, labels):
    return torch.stack([codes[labels == k].mean(dim=0) for k in labels.unique()])


def kl(mu, log_var, prior_mu, prior_log_var):
    """The right divergence for each number of the code, (N, d)."""
    wide = prior_log_var.exp()
    return 0.5 * (prior_log_var - log_var + (log_var.exp() + (mu - prior_mu) ** 2) / wide - 1)


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


def leash(fraction=lambda x: torch.rand(len(x), 1, 1, 1), price=lambda norm: (norm - 1).square().mean(), graph=True):
    """The gradient penalty with a fraction of the real images, a price or a graph that may be wrong."""

    def answer(discriminator, x, fake):
        a = fraction(x)
        between = (a * x + (1 - a) * fake).requires_grad_(True)
        (slope,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=graph)
        return price(slope.flatten(1).norm(dim=1))

    return answer


def stretch(result=lambda weight, v: (weight @ v).norm(), hold=True, transpose=True):
    """Power iteration with a result, a step or a length of v that may be wrong."""

    def answer(weight, rounds=100):
        v = torch.ones(weight.shape[1])
        for _ in range(rounds):
            v = weight.T @ (weight @ v) if transpose else weight.abs().T @ (weight @ v)
            v = v / v.norm() if hold else v
        return result(weight, v)

    return answer


def holes(low=0, high=21, shared=False, diagonal=False, length=None, fill=0.0):
    """Squares whose places, sides or colour may be wrong."""

    def answer(x, size=8):
        line = torch.arange(28)
        edges = torch.randint(low, high, (2, 1 if shared else len(x), 1))
        edges = edges[:1].repeat(2, 1, 1) if diagonal else edges
        rows, columns = (line >= edges) & (line < edges + (length or size))
        inside = (rows[:, None, :, None] & columns[:, None, None, :]).expand(x.shape)
        return torch.where(inside, fill, x)

    return answer


def look_ahead(trial=lambda now: now, pull=lambda now, ahead: ahead, start=0.0):
    """The extragradient round with a trial, with slopes or with a start of the real round that may be wrong."""

    def answer(slopes, players, rate):
        now = slopes(players)
        reached = players - rate * trial(now)
        return players - rate * start * now - rate * pull(now, slopes(reached))

    return answer


def look_ahead_in_place(slopes, players, rate):
    old = players.clone()
    players -= rate * slopes(players)
    return old - rate * slopes(players)


def move_in_turn(slopes, players, rate):
    theta, psi = players
    psi = psi - rate * slopes(players)[1]
    return torch.stack([theta - rate * slopes(torch.stack([theta, psi]))[0], psi])


def both_losses(
    of_d=lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
    of_g=lambda fake: F.softplus(-fake).mean(),
    cut=True,
    shuffle=0,
    result=lambda loss_d, loss_g: (loss_d, loss_g),
):
    """The losses of a conditional GAN with a formula, classes or gradients that may be wrong."""

    def answer(generator, discriminator, x, y, z):
        made = generator(z, y)
        real, fake = discriminator(x, y), discriminator(made.detach() if cut else made, y.roll(shuffle))
        return result(of_d(real, fake), of_g(discriminator(made, y)))

    return answer


def hole_in_place(x, size=8):
    with torch.no_grad():
        x[:, :, :size, :size] = 0
    return x * 1.0


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


def dice(seed):
    return torch.Generator().manual_seed(seed) if seed is not None else None


def bell(images, labels, label, count, seed, clamp=True, wide=1.0):
    """The right Gaussian of one class, unless told otherwise."""
    x = images[labels == label].flatten(1)
    weights = wide * torch.randn(count, len(x), generator=dice(seed)) / len(x) ** 0.5
    drawn = (x.mean(dim=0) + weights @ (x - x.mean(dim=0))).view(-1, 1, 28, 28)
    return drawn.clamp(0, 1) if clamp else drawn


def pixels_alone(images, labels, label, count, seed):
    x = images[labels == label]
    return (x.mean(dim=0) + x.std(dim=0) * torch.randn(count, 1, 28, 28, generator=dice(seed))).clamp(0, 1)


def stolen(made, train, test, quantile, usual=None):
    """The right share of copies, unless the sets or the quantile are exchanged."""
    far = torch.cdist(made.flatten(1), train.flatten(1)).amin(dim=1)
    known = torch.cdist(test.flatten(1), (train if usual is None else usual).flatten(1)).amin(dim=1)
    return (far < known.quantile(quantile)).float().mean().item()


def unwritten(*_, **__):
    raise NotImplementedError


WRONG = [  # exercise, wrong answer, words that the feedback has to contain
    ("autoencoder.1", lambda z, weight, bias: z @ weight.T + bias, "Which way round"),
    ("autoencoder.1", lambda z, weight, bias: z @ weight, "bias"),
    ("autoencoder.1", lambda z, weight, bias: torch.sigmoid(z @ weight + bias), "sigmoid"),
    ("autoencoder.1", lambda z, weight, bias: z @ torch.linalg.pinv(weight).T + bias, "used backwards"),
    ("autoencoder.1", lambda z, weight, bias: None, "None"),
    ("autoencoder.2", lambda train, test: 2, "only 85"),
    ("autoencoder.2", lambda train, test: 8, "smaller code"),
    ("autoencoder.2", lambda train, test: 4.0, "whole number"),
    ("autoencoder.2", lambda train, test: 0, "between 1 and 784"),
    ("autoencoder.3", lambda: Autoencoder(conv_encoder(32), conv_decoder(32)), "no room"),
    (
        "autoencoder.3",
        lambda: Autoencoder(nn.Flatten(), nn.Sequential(nn.Sigmoid(), nn.Unflatten(1, SQUARE))),
        "bending",
    ),
    ("autoencoder.3", lambda: Autoencoder(nn.Flatten(), nn.Identity()), "(16, 1, 28, 28)"),
    ("autoencoder.3", lambda: nn.Identity(), "Autoencoder"),
    ("representations.1", lambda levels: per_column(levels, lambda p: -(p * p.log2()).sum()).mean(), "nan"),
    (
        "representations.1",
        lambda levels: per_column(levels, lambda p: -(p[p > 0] * p[p > 0].log()).sum()).mean(),
        "nats",
    ),
    ("representations.1", lambda levels: bits(torch.bincount(levels.flatten()) / levels.numel()), "pools"),
    ("representations.1", lambda levels: per_column(levels, bits).sum(), "sum over the columns"),
    ("representations.1", lambda levels: per_column(levels, bits), "one number"),
    ("representations.2", lambda z, y, new: torch.cdist(new, centres(z, y)).argmin(dim=1), "back into labels"),
    ("representations.2", lambda z, y, new: y[torch.cdist(new, z).argmin(dim=1)], "stray"),
    ("representations.2", lambda z, y, new: y.unique()[torch.cdist(new, centres(z, y)).argmax(dim=1)], "argmax"),
    ("representations.2", lambda z, y, new: torch.cdist(new, centres(z, y)), "one label for each"),
    ("representations.3", lambda normal, strange: (strange[:, None] < normal).float().mean() + 1 / 8, "swapped"),
    ("representations.3", lambda normal, strange: (strange[:, None] > normal).float().mean(), "Ties are lost"),
    ("representations.3", lambda normal, strange: (strange[:, None] >= normal).float().mean(), "one half, not one"),
    ("representations.3", lambda normal, strange: strange[:, None] > normal, "one number"),
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
    ("variational.1", lambda *ab: kl(*ab).mean(dim=1), "beta silently shrinks"),
    ("variational.1", lambda *ab: kl(*ab), "sum over them"),
    ("variational.1", lambda *ab: kl(*ab).sum(), "One number for each image"),
    ("variational.1", lambda a, b, c, d: kl(c, d, a, b).sum(dim=1), "the other way round"),
    ("variational.1", lambda a, b, c, d: kl(a, b, 0 * c, 0 * d).sum(dim=1), "the given prior"),
    ("variational.1", lambda *ab: (kl(*ab) + 0.5).sum(dim=1), "a constant is missing"),
    ("variational.1", lambda *ab: 2 * kl(*ab).sum(dim=1), "factor 1/2"),
    ("variational.1", lambda *ab: -kl(*ab).sum(dim=1), "For the first image"),
    ("variational.2", lambda kl, floor: kl.mean(dim=0).sum(), "plain KL"),
    ("variational.2", lambda kl, floor: kl.clamp(min=floor).mean(dim=0).sum(), "Average over the images first"),
    ("variational.2", lambda kl, floor: (kl.mean(dim=0) - floor).clamp(min=0).sum(), "subtract the floor"),
    ("variational.2", lambda kl, floor: kl.mean(dim=0).clamp(min=floor).mean(), "do not average"),
    ("variational.2", lambda kl, floor: torch.tensor(kl.mean(dim=0).clamp(min=floor).sum().item()), "inside torch"),
    ("variational.2", lambda kl, floor: kl.mean(dim=0).clamp(min=floor), "one number"),
    ("variational.3", lambda joint, q: (joint - q).mean(dim=0), "is the ELBO"),
    ("variational.3", lambda joint, q: (joint - q).logsumexp(dim=0), "subtract log K"),
    ("variational.3", lambda joint, q: (joint - q).exp().mean(dim=0), "its logarithm"),
    ("variational.3", lambda joint, q: joint.logsumexp(dim=0) - math.log(len(q)), "exact values"),
    ("variational.3", lambda joint, q: (joint - q).mean(), "one number for each image"),
    ("gan.1", lambda p, q, prior: p / (p + q), "weigh differently"),
    ("gan.1", lambda p, q, prior: (1 - prior) * q / (prior * p + (1 - prior) * q), "being fake"),
    ("gan.1", lambda p, q, prior: prior * p / (p + q), "Where q is 0"),
    ("gan.1", lambda p, q, prior: p / (p + prior * q), "Bayes' rule"),
    ("gan.1", lambda p, q, prior: (prior * p / (prior * p + (1 - prior) * q)).mean(), "tensor (5,)"),
    ("gan.2", lambda logit, saturating: (F.softplus(-logit) if saturating else -F.softplus(logit)).mean(), "exchanged"),
    ("gan.2", lambda logit, saturating: (F.softplus(logit) if saturating else F.softplus(-logit)).mean(), "sign"),
    ("gan.2", lambda logit, saturating: (-F.softplus(logit) if saturating else F.softplus(-logit)).sum(), "the sum"),
    ("gan.2", lambda logit, saturating: -F.softplus(logit).mean(), "-log D should be"),
    ("gan.2", lambda logit, saturating: -F.softplus(logit) if saturating else F.softplus(-logit), "one number"),
    (
        "gan.2",
        lambda logit, saturating: (
            (1 - torch.sigmoid(logit)).log().mean() if saturating else -torch.sigmoid(logit).log().mean()
        ),
        "overflows",
    ),
    ("gan.3", leash(graph=False), "create_graph"),
    ("gan.3", leash(price=lambda norm: norm.square().mean()), "R1"),
    ("gan.3", leash(price=lambda norm: (norm - 1).abs().mean()), "squared"),
    ("gan.3", leash(price=lambda norm: (norm - 1).square()), "without dimensions"),
    ("gan.3", leash(price=lambda norm: 2 * (norm - 1).square().mean()), "(3 - 1)² = 4"),
    ("gan.3", leash(fraction=lambda x: 1.0), "points between"),
    ("gan.3", leash(fraction=lambda x: 0.0), "points between"),
    ("gan.3", leash(fraction=lambda x: 0.5), "half and half"),
    ("gan.3", leash(fraction=torch.rand_like), "same for all of its pixels"),
    ("gan_training.1", lambda a, b: (a - b).abs().mean(), "see to the order"),
    ("gan_training.1", lambda a, b: (a.mean() - b.mean()).abs(), "do not cancel"),
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort().values).abs().sum(), "asked is the mean"),
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort().values).square().mean(), "do not square"),
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort().values).abs(), "one number"),
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort(descending=True).values).abs().mean(), "1.1667"),
    ("gan_training.2", stretch(lambda weight, v: (weight.T @ (weight @ v)).norm()), "That is the square"),
    ("gan_training.2", stretch(lambda weight, v: v.norm()), "length of v"),
    ("gan_training.2", stretch(hold=False), "yours is"),
    ("gan_training.2", stretch(transpose=False), "yours is"),
    ("gan_training.2", lambda weight, rounds=100: weight.norm(), "all entries together"),
    (
        "gan_training.2",
        lambda weight, rounds=100: torch.linalg.eigvals(weight @ weight.T).abs().max().item(),
        "the square",
    ),
    ("gan_training.3", look_ahead(pull=lambda now, ahead: now), "the plain slopes"),
    ("gan_training.3", look_ahead(start=1.0), "two rounds"),
    ("gan_training.3", look_ahead(pull=lambda now, ahead: (now + ahead) / 2), "Heun"),
    ("gan_training.3", look_ahead(pull=lambda now, ahead: -ahead), "climbs"),
    ("gan_training.3", look_ahead(trial=lambda now: -now), "look back"),
    ("gan_training.3", look_ahead(trial=lambda now: now / 2), "half a round"),
    ("gan_training.3", move_in_turn, "in turn"),
    ("gan_training.3", lambda slopes, players, rate: slopes(players - rate * slopes(players)), "Those are the slopes"),
    ("gan_training.3", look_ahead(pull=lambda now, ahead: 2 * ahead), "should lead to"),
    ("gan_training.3", lambda slopes, players, rate: look_ahead()(slopes, players, rate)[0], "a tensor (2,)"),
    ("gan_training.3", look_ahead_in_place, "moved the players"),
    ("conditional_gan.1", lambda logits, y: logits.gather(1, y[:, None])[:, 0], "That is the logit"),
    ("conditional_gan.1", lambda logits, y: logits.softmax(dim=1).gather(1, y[:, None])[:, 0], "classes compete"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits).amax(dim=1), "likes best"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(-logits.gather(1, y[:, None])[:, 0]), "of a forgery"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits).mean(dim=1), "which one was asked"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits[:, y]), "pair row i"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits.gather(1, y[:, None])), "has the shape (5,)"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits.gather(1, y[:, None])).mean().item(), "a tensor (5,)"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits[:, 0]), "it should be"),
    (
        "conditional_gan.1",
        lambda logits, y: logits.exp().gather(1, y[:, None])[:, 0] / (1 + logits.exp().gather(1, y[:, None])[:, 0]),
        "overflows",
    ),
    ("conditional_gan.2", holes(shared=True), "one of its own"),
    ("conditional_gan.2", holes(diagonal=True), "diagonal"),
    ("conditional_gan.2", holes(high=12), "never cut"),
    ("conditional_gan.2", holes(high=28), "on average"),
    ("conditional_gan.2", holes(length=7), "on average"),
    ("conditional_gan.2", holes(fill=1.0), "every pixel is 0"),
    ("conditional_gan.2", lambda x, size=8: holes()(x.detach()), "no gradient"),
    ("conditional_gan.2", lambda x, size=8: holes()(x)[:, 0], "the shape of x"),
    ("conditional_gan.2", hole_in_place, "wrote into x"),
    ("conditional_gan.3", both_losses(cut=False), "reaches G"),
    ("conditional_gan.3", both_losses(shuffle=1), "other classes than y"),
    ("conditional_gan.3", both_losses(result=lambda a, b: (b, a)), "exchanged"),
    ("conditional_gan.3", both_losses(lambda a, b: (F.softplus(a) + F.softplus(-b)).mean()), "turn the signs"),
    ("conditional_gan.3", both_losses(lambda a, b: (F.softplus(-a) + F.softplus(b)).mean() / 2), "is half"),
    ("conditional_gan.3", both_losses(lambda a, b: (F.softplus(-a) + F.softplus(b)).sum()), "over the batch"),
    ("conditional_gan.3", both_losses(lambda a, b: F.softplus(-a).mean()), "generated pairs are missing"),
    ("conditional_gan.3", both_losses(lambda a, b: F.softplus(b).mean()), "the real ones are missing"),
    ("conditional_gan.3", both_losses(of_g=lambda fake: -F.softplus(fake).mean()), "saturating"),
    ("conditional_gan.3", both_losses(of_g=lambda fake: F.softplus(fake).mean()), "wants to be caught"),
    ("conditional_gan.3", both_losses(of_g=lambda fake: F.softplus(-fake).sum()), "the mean"),
    ("conditional_gan.3", both_losses(of_g=lambda fake: F.softplus(-fake.detach()).mean()), "G learns nothing"),
    ("conditional_gan.3", both_losses(of_g=lambda fake: -torch.sigmoid(fake).log().mean()), "overflows"),
    ("conditional_gan.3", both_losses(result=lambda a, b: a + b), "two losses"),
    ("conditional_gan.3", both_losses(result=lambda a, b: (a.item(), b.item())), "without dimensions"),
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
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y, k, n, seed).view(n, 784), "(400, 1, 28, 28)"),
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y, k, n, seed, clamp=False), "clamp to [0, 1]"),
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y, k, n, None), "The same seed gives two results"),
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y, k, n, 0), "Another seed gives the same"),
    ("comparison.1", lambda x, y, k, n, seed: x[torch.randint(len(x), (n,), generator=dice(seed))], "training images"),
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y * 0, 0, n, seed), "of this class only"),
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y, 1 - k, n, seed), "of this class only"),
    ("comparison.1", pixels_alone, "Each pixel varies alone"),
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y, k, n, seed, wide=2), "2.0"),
    ("comparison.2", lambda made, train, test, q: 1 - stolen(made, train, test, q), "*not* so close"),
    ("comparison.2", lambda made, train, test, q: stolen(made, test, test, q, usual=train), "no theft"),
    ("comparison.2", lambda made, train, test, q: stolen(made, train, made, q), "the quantile itself"),
    ("comparison.2", lambda made, train, test, q: stolen(made, train, test, q) * len(made), "a share is asked"),
    ("comparison.2", lambda made, train, test, q: stolen(made, train, test, 1 - q), "exchanged"),
    ("comparison.2", lambda made, train, test, q: 0.123, "the share should be"),
    ("comparison.2", lambda made, train, test, q: made, "one number"),
    ("comparison.3", lambda n, d: np.polyfit(1 / np.array(n), d, 1)[0], "the slope"),
    ("comparison.3", lambda n, d: d[-1], "the largest N"),
    ("comparison.3", lambda n, d: sum(d) / len(d), "A mean over the counts"),
    ("comparison.3", lambda n, d: np.polyfit(n, d, 1)[1], "no images at all"),
    ("comparison.3", lambda n, d: np.polyfit(1 / np.sqrt(n), d, 1)[1], "it should be"),
]


@pytest.mark.parametrize(("name", "answer", "words"), WRONG)
def test_a_wrong_answer_gets_the_right_hint(name, answer, words):
    feedback = check(name, answer)
    assert not feedback.passed
    assert words in feedback.message
    assert len(feedback.hints) == 2


NAMES = sorted({name for name, _, _ in WRONG})


def moved(value, device):
    """What an answer gives, with every tensor and network of it on `device`."""
    if isinstance(value, torch.Tensor | nn.Module):
        return value.to(device)
    return tuple(moved(part, device) for part in value) if isinstance(value, list | tuple) else value


def copycat():
    """The right answer to autoencoder.3, with weights, so that it can lie on a device."""
    layer = nn.Linear(784, 784)
    nn.init.eye_(layer.weight)
    nn.init.zeros_(layer.bias)
    return Autoencoder(nn.Sequential(nn.Flatten(), layer), nn.Unflatten(1, SQUARE))


RIGHT = {
    "autoencoder.1": lambda z, weight, bias: z @ weight + bias,
    "autoencoder.3": copycat,
    "variational.1": lambda *ab: kl(*ab).sum(dim=1),
    "gan.3": leash(),
    "gan_training.3": look_ahead(),
    "conditional_gan.2": holes(),
    "conditional_gan.3": both_losses(),
    "forward_diffusion.2": one_leap(),
    "forward_diffusion.3": way_back(),
    "reverse_diffusion.3": up(),
    "guided_diffusion.2": lift,
    "comparison.1": bell,
}


@pytest.mark.skipif(not AVAILABLE, reason="this torch has no devices defined in Python")
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_may_lie_on_any_device(name):
    with second_device() as device:
        feedback = check(name, lambda *given, **named: moved(RIGHT[name](*given, **named), device))
    assert feedback.passed, feedback.message


@pytest.mark.skipif(not AVAILABLE, reason="this torch has no devices defined in Python")
@pytest.mark.parametrize(("name", "answer", "words"), list({wrong[0]: wrong for wrong in WRONG}.values()))
def test_a_wrong_answer_on_another_device_gets_the_same_hint(name, answer, words):
    with second_device() as device:
        feedback = check(name, lambda *given, **named: moved(answer(*given, **named), device))
    assert not feedback.passed
    assert words in feedback.message


@pytest.mark.skipif(not AVAILABLE, reason="this torch has no devices defined in Python")
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("autoencoder.1", lambda z, weight, bias: z @ weight + torch.zeros(784, device="second")),
        ("guided_diffusion.2", lambda x, low: x + torch.zeros(3, 1, 28, 28, device="second")),
    ],
)
def test_an_answer_that_mixes_devices_is_told_so(name, answer):
    with second_device():
        message = check(name, answer).message
    assert "Your code stopped with RuntimeError: Expected all tensors to be on the same device" in message
    assert "make your own with `device=x.device`" in message


@pytest.mark.skipif(not AVAILABLE, reason="this torch has no devices defined in Python")
def test_the_network_of_an_answer_stays_where_it_is():
    with second_device() as device:
        network = copycat().to(device)
        assert check("autoencoder.3", lambda: network).passed
        assert network.encoder[1].weight.device == device


@pytest.mark.parametrize("name", NAMES)
def test_an_unwritten_answer_is_no_error(name):
    assert "Nothing is written there yet" in check(name, unwritten).message


@pytest.mark.parametrize("name", NAMES)
def test_there_are_two_hints_and_three_wrong_answers(name):
    assert hint(name, 1) != hint(name, 2)
    assert len(find(name)[1]) == 2
    assert sum(wrong[0] == name for wrong in WRONG) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_the_solutions_notebook_shows_the_answer_accepted(name):
    notebook = notebooks.read(notebooks.NOTEBOOKS / "solutions" / notebooks.lessons(name.partition(".")[0])[0].name)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and f'check("{name}"' in cell.source]
    assert len(cells) == 1
    assert "assert feedback.passed" in cells[0].source
