"""Typical wrong answers to the exercises, and the hint that each of them has to get. (The right ones: solutions/.)"""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.exercises import check, find, hint
from helpers.lessons import Autoencoder, conv_decoder, conv_encoder
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


def walk(noise=lambda eta: (2 * eta) ** 0.5, sign=1):
    """Langevin's walk with a factor of the noise and a sign of the step that may be wrong."""

    def answer(score, y, eta, steps):
        for _ in range(steps):
            y = y + sign * eta * score(y) + noise(eta) * torch.randn_like(y)
        return y

    return answer


def walk_in_place(score, y, eta, steps):
    for _ in range(steps):
        y += eta * score(y) + (2 * eta) ** 0.5 * torch.randn_like(y)
    return y


def leash(share=lambda x: torch.rand(len(x), 1, 1, 1), price=lambda norm: (norm - 1).square().mean(), graph=True):
    """The gradient penalty with a share of the real images, a price or a graph that may be wrong."""

    def answer(discriminator, x, fake):
        a = share(x)
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


def hole_in_place(x, size=8):
    with torch.no_grad():
        x[:, :, :size, :size] = 0
    return x * 1.0


def unwritten(*_, **__):
    raise NotImplementedError


WRONG = [  # exercise, wrong answer, words that the feedback has to contain
    ("01.1", lambda z, weight, bias: z @ weight.T + bias, "Which way round"),
    ("01.1", lambda z, weight, bias: z @ weight, "bias"),
    ("01.1", lambda z, weight, bias: torch.sigmoid(z @ weight + bias), "sigmoid"),
    ("01.1", lambda z, weight, bias: z @ torch.linalg.pinv(weight).T + bias, "used backwards"),
    ("01.1", lambda z, weight, bias: None, "None"),
    ("01.2", lambda: 2, "only 85"),
    ("01.2", lambda: 8, "smaller code"),
    ("01.2", lambda: 4.0, "whole number"),
    ("01.2", lambda: 0, "between 1 and 784"),
    ("01.3", lambda: Autoencoder(conv_encoder(32), conv_decoder(32)), "no room"),
    ("01.3", lambda: Autoencoder(nn.Flatten(), nn.Sequential(nn.Sigmoid(), nn.Unflatten(1, SQUARE))), "bending"),
    ("01.3", lambda: Autoencoder(nn.Flatten(), nn.Identity()), "(16, 1, 28, 28)"),
    ("01.3", lambda: nn.Identity(), "Autoencoder"),
    ("02.1", lambda levels: per_column(levels, lambda p: -(p * p.log2()).sum()).mean(), "nan"),
    ("02.1", lambda levels: per_column(levels, lambda p: -(p[p > 0] * p[p > 0].log()).sum()).mean(), "nats"),
    ("02.1", lambda levels: bits(torch.bincount(levels.flatten()) / levels.numel()), "pools"),
    ("02.1", lambda levels: per_column(levels, bits).sum(), "sum over the columns"),
    ("02.1", lambda levels: per_column(levels, bits), "one number"),
    ("02.2", lambda z, y, new: torch.cdist(new, centres(z, y)).argmin(dim=1), "back into labels"),
    ("02.2", lambda z, y, new: y[torch.cdist(new, z).argmin(dim=1)], "stray"),
    ("02.2", lambda z, y, new: y.unique()[torch.cdist(new, centres(z, y)).argmax(dim=1)], "argmax"),
    ("02.2", lambda z, y, new: torch.cdist(new, centres(z, y)), "one label for each"),
    ("02.3", lambda normal, strange: (strange[:, None] < normal).float().mean() + 1 / 8, "swapped"),
    ("02.3", lambda normal, strange: (strange[:, None] > normal).float().mean(), "Ties are lost"),
    ("02.3", lambda normal, strange: (strange[:, None] >= normal).float().mean(), "one half, not one"),
    ("02.3", lambda normal, strange: strange[:, None] > normal, "one number"),
    ("03.1", lambda denoise, y, sigma: (y - denoise(y, sigma)) / sigma**2, "away from the data"),
    ("03.1", lambda denoise, y, sigma: (denoise(y, sigma) - y) / sigma, "sigma squared"),
    ("03.1", lambda denoise, y, sigma: denoise(y, sigma) - y, "correction itself"),
    ("03.1", lambda denoise, y, sigma: denoise(y, sigma), "the denoised point"),
    ("03.1", lambda denoise, y, sigma: torch.zeros_like(y), "Not the score"),
    ("03.1", lambda denoise, y, sigma: (denoise(y, sigma) - y).norm(dim=1), "one arrow for each"),
    ("03.2", lambda variance, sigma: sigma**2 / (variance + sigma**2), "Upside down"),
    ("03.2", lambda variance, sigma: variance / (variance + sigma), "variance sigma squared"),
    ("03.2", lambda variance, sigma: variance**0.5 / (variance**0.5 + sigma), "Variances add up"),
    ("03.2", lambda variance, sigma: 0.5, "is 1.000, yours 0.500"),
    ("03.2", lambda variance, sigma: "half", "one number"),
    ("03.3", walk(noise=lambda eta: 0), "a climb, not a walk"),
    ("03.3", walk(noise=lambda eta: eta**0.5), "factor sqrt(2 * eta)"),
    ("03.3", walk(noise=lambda eta: 2 * eta), "compare the noise"),
    ("03.3", walk(sign=-1), "run away"),
    ("03.3", lambda score, y, eta, steps: y + eta * score(y) + (2 * eta) ** 0.5 * torch.randn_like(y), "all the steps"),
    ("03.3", walk_in_place, "work on a copy"),
    ("03.3", lambda score, y, eta, steps: y.mean(), "as many points"),
    ("04.1", lambda *ab: kl(*ab).mean(dim=1), "beta silently shrinks"),
    ("04.1", lambda *ab: kl(*ab), "sum over them"),
    ("04.1", lambda *ab: kl(*ab).sum(), "One number for each image"),
    ("04.1", lambda a, b, c, d: kl(c, d, a, b).sum(dim=1), "the other way round"),
    ("04.1", lambda a, b, c, d: kl(a, b, 0 * c, 0 * d).sum(dim=1), "the given prior"),
    ("04.1", lambda *ab: (kl(*ab) + 0.5).sum(dim=1), "a constant is missing"),
    ("04.1", lambda *ab: 2 * kl(*ab).sum(dim=1), "factor 1/2"),
    ("04.1", lambda *ab: -kl(*ab).sum(dim=1), "For the first image"),
    ("04.2", lambda kl, floor: kl.mean(dim=0).sum(), "plain price"),
    ("04.2", lambda kl, floor: kl.clamp(min=floor).mean(dim=0).sum(), "Average over the images first"),
    ("04.2", lambda kl, floor: (kl.mean(dim=0) - floor).clamp(min=0).sum(), "subtract the floor"),
    ("04.2", lambda kl, floor: kl.mean(dim=0).clamp(min=floor).mean(), "do not average"),
    ("04.2", lambda kl, floor: torch.tensor(kl.mean(dim=0).clamp(min=floor).sum().item()), "inside torch"),
    ("04.2", lambda kl, floor: kl.mean(dim=0).clamp(min=floor), "one number"),
    ("04.3", lambda joint, q: (joint - q).mean(dim=0), "is the ELBO"),
    ("04.3", lambda joint, q: (joint - q).logsumexp(dim=0), "subtract log K"),
    ("04.3", lambda joint, q: (joint - q).exp().mean(dim=0), "its logarithm"),
    ("04.3", lambda joint, q: joint.logsumexp(dim=0) - math.log(len(q)), "exact values"),
    ("04.3", lambda joint, q: (joint - q).mean(), "one number for each image"),
    ("05.1", lambda p, q, share: p / (p + q), "weigh differently"),
    ("05.1", lambda p, q, share: (1 - share) * q / (share * p + (1 - share) * q), "being forged"),
    ("05.1", lambda p, q, share: share * p / (p + q), "Where q is 0"),
    ("05.1", lambda p, q, share: p / (p + share * q), "Bayes' rule"),
    ("05.1", lambda p, q, share: (share * p / (share * p + (1 - share) * q)).mean(), "tensor (5,)"),
    ("05.2", lambda logit, saturating: (F.softplus(-logit) if saturating else -F.softplus(logit)).mean(), "exchanged"),
    ("05.2", lambda logit, saturating: (F.softplus(logit) if saturating else F.softplus(-logit)).mean(), "sign"),
    ("05.2", lambda logit, saturating: (-F.softplus(logit) if saturating else F.softplus(-logit)).sum(), "the sum"),
    ("05.2", lambda logit, saturating: -F.softplus(logit).mean(), "-log D should be"),
    ("05.2", lambda logit, saturating: -F.softplus(logit) if saturating else F.softplus(-logit), "one number"),
    (
        "05.2",
        lambda logit, saturating: (
            (1 - torch.sigmoid(logit)).log().mean() if saturating else -torch.sigmoid(logit).log().mean()
        ),
        "overflows",
    ),
    ("05.3", leash(graph=False), "create_graph"),
    ("05.3", leash(price=lambda norm: norm.square().mean()), "R1"),
    ("05.3", leash(price=lambda norm: (norm - 1).abs().mean()), "squared"),
    ("05.3", leash(price=lambda norm: (norm - 1).square()), "without dimensions"),
    ("05.3", leash(price=lambda norm: 2 * (norm - 1).square().mean()), "(3 - 1)² = 4"),
    ("05.3", leash(share=lambda x: 1.0), "points between"),
    ("05.3", leash(share=lambda x: 0.0), "points between"),
    ("05.3", leash(share=lambda x: 0.5), "half and half"),
    ("05.3", leash(share=torch.rand_like), "same for all of its pixels"),
    ("06.1", lambda a, b: (a - b).abs().mean(), "see to the order"),
    ("06.1", lambda a, b: (a.mean() - b.mean()).abs(), "do not cancel"),
    ("06.1", lambda a, b: (a.sort().values - b.sort().values).abs().sum(), "asked is the mean"),
    ("06.1", lambda a, b: (a.sort().values - b.sort().values).square().mean(), "do not square"),
    ("06.1", lambda a, b: (a.sort().values - b.sort().values).abs(), "one number"),
    ("06.1", lambda a, b: (a.sort().values - b.sort(descending=True).values).abs().mean(), "1.1667"),
    ("06.2", stretch(lambda weight, v: (weight.T @ (weight @ v)).norm()), "That is the square"),
    ("06.2", stretch(lambda weight, v: v.norm()), "length of v"),
    ("06.2", stretch(hold=False), "yours is"),
    ("06.2", stretch(transpose=False), "yours is"),
    ("06.2", lambda weight, rounds=100: weight.norm(), "all entries together"),
    ("06.2", lambda weight, rounds=100: torch.linalg.eigvals(weight @ weight.T).abs().max().item(), "the square"),
    ("06.3", holes(shared=True), "one of its own"),
    ("06.3", holes(diagonal=True), "diagonal"),
    ("06.3", holes(high=12), "never cut"),
    ("06.3", holes(high=28), "on average"),
    ("06.3", holes(length=7), "on average"),
    ("06.3", holes(fill=1.0), "every pixel is 0"),
    ("06.3", lambda x, size=8: holes()(x.detach()), "no gradient"),
    ("06.3", lambda x, size=8: holes()(x)[:, 0], "the shape of x"),
    ("06.3", hole_in_place, "wrote into x"),
]


@pytest.mark.parametrize(("name", "answer", "words"), WRONG)
def test_a_wrong_answer_gets_the_right_hint(name, answer, words):
    feedback = check(name, answer)
    assert not feedback.passed
    assert words in feedback.message
    assert len(feedback.hints) == 2


NAMES = sorted({name for name, _, _ in WRONG})


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
    notebook = notebooks.read(notebooks.NOTEBOOKS / "solutions" / notebooks.paths(name[:2])[0].name)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and f'check("{name}"' in cell.source]
    assert len(cells) == 1
    assert "assert feedback.passed" in cells[0].source
