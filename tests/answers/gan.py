"""Wrong answers to the exercises of gan, with words of the feedback that each gets, and right ones."""

import torch
import torch.nn.functional as F


def leash(fraction=lambda x: torch.rand(len(x), 1, 1, 1), price=lambda norm: (norm - 1).square().mean(), graph=True):
    """The gradient penalty with a fraction of the real images, a price or a graph that may be wrong."""

    def answer(discriminator, x, fake):
        a = fraction(x)
        between = (a * x + (1 - a) * fake).requires_grad_(True)
        (slope,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=graph)
        return price(slope.flatten(1).norm(dim=1))

    return answer


WRONG = [
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
]

RIGHT = [
    ("gan.3", leash()),
]
