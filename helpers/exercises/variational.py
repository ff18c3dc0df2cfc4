"""Judges of the exercises of 04_variational."""

import torch
from torch.distributions import Normal, kl_divergence

from helpers.exercises import Wrong, describe, exercise


def same(value, expected):
    """True when both are tensors of one shape with the same numbers, up to rounding."""
    return value.shape == expected.shape and torch.allclose(value, expected, atol=1e-4, rtol=1e-4)


@exercise(
    "variational.1",
    "With prior_mu = 0 and prior_log_var = 0 it has to turn into the lesson's formula. What does a wide prior forgive?",
    "0.5 * (prior_log_var - log_var + (log_var.exp() + (mu - prior_mu)**2) / prior_log_var.exp() - 1).sum(dim=1)",
)
def kl_between(answer):
    """Compares with torch.distributions, image by image."""
    mu, log_var, prior_mu, prior_log_var = torch.randn(4, 6, 4, generator=torch.Generator().manual_seed(0))
    q, prior = (Normal(m, (v / 2).exp()) for m, v in ((mu, log_var), (prior_mu, prior_log_var)))
    each = kl_divergence(q, prior)  # (6, 4)
    expected = each.sum(dim=1)
    value = answer(mu, log_var, prior_mu, prior_log_var)
    if not isinstance(value, torch.Tensor):
        raise Wrong(f"The result should be a tensor with one number for each image; yours is {describe(value)}.")
    if same(value, each):
        raise Wrong("Right for each dimension; independent dimensions add up, so sum over them.")
    if same(value, each.mean(dim=1)):
        raise Wrong("Independent dimensions add up; a mean divides by d, and beta silently shrinks by that factor.")
    if same(value, expected.mean()) or same(value, expected.sum()):
        raise Wrong("One number for each image (6,), please; the mean over the batch comes later, in the loss.")
    if same(value, kl_divergence(prior, q).sum(dim=1)):
        raise Wrong("That is the KL the other way round: q and the prior may not be exchanged.")
    if same(value, kl_divergence(q, Normal(0.0, 1.0)).sum(dim=1)):
        raise Wrong("That is the distance to N(0, I); use the mean and the variance of the given prior.")
    if same(value, expected + 2):
        raise Wrong("For q equal to the prior the result should be 0; a constant is missing.")
    if same(value, 2 * expected):
        raise Wrong("Twice too much: the factor 1/2 is missing.")
    if not same(value, expected):
        raise Wrong(f"For the first image {expected[0]:.3f} is right; yours is {describe(value)}.")
    return "With this you could train the prior's own mean and width: the first step to the mixture above."


@exercise(
    "variational.2",
    "A dimension whose mean KL is below the floor should give no gradient at all: a constant does not.",
    "kl.mean(dim=0).clamp(min=floor).sum()",
)
def free_nats(answer):
    """Checks the value and where the gradient flows."""
    kl = torch.tensor([[0.0, 2.0, 0.1], [0.2, 4.0, 0.7]], requires_grad=True)  # means 0.1, 3.0, 0.4
    value = answer(kl, 0.25)
    if not isinstance(value, torch.Tensor) or value.ndim != 0:
        raise Wrong(f"The KL term should be one number, a tensor without dimensions; yours is {describe(value)}.")
    number = value.item()
    if abs(number - 3.5) < 1e-4:
        raise Wrong("That is the plain KL: the first dimension, with 0.1, should be charged the floor, 0.25.")
    if abs(number - (0.25 + 2.0 + 0.25 + 0.25 + 4.0 + 0.7) / 2) < 1e-4:
        raise Wrong("Average over the images first, then apply the floor: single images may be cheap.")
    if abs(number - (2.75 + 0.15)) < 1e-4:
        raise Wrong("You subtract the floor; the KL below it should count as the floor itself, not less.")
    if abs(number - 3.65 / 3) < 1e-4:
        raise Wrong("Dimensions add up: sum over them, do not average.")
    if abs(number - 3.65) > 1e-4:
        raise Wrong(f"For mean KLs 0.1, 3.0 and 0.4 with a floor of 0.25 the result is 3.65; yours is {number:.3f}.")
    (gradient,) = torch.autograd.grad(value, kl, allow_unused=True) if value.requires_grad else (None,)
    if gradient is None or gradient[:, 1].abs().min() == 0:
        raise Wrong("The number is right, but no gradient flows where it should: stay inside torch, without .item().")
    return "Kingma et al. (2016) call it free bits: a dimension may carry that much information unpunished."


@exercise(
    "variational.3",
    "p(x) is the mean of p(x, z) / q(z | x); take the logarithm of the mean, not the mean of the logarithms.",
    "torch.logsumexp(log_joint - log_q, dim=0) - math.log(len(log_q))",
)
def log_likelihood(answer):
    """A model whose likelihood is known: z ~ N(0, 1), x | z ~ N(z, 1), so x ~ N(0, 2); the encoder is a little off."""
    torch.manual_seed(0)
    x = torch.tensor([0.0, 1.0, -2.0])
    q = Normal(x / 2 + 0.3, 0.8)
    z = q.sample((20_000,))  # (K, 3)
    log_joint = Normal(0.0, 1.0).log_prob(z) + Normal(z, 1.0).log_prob(x)
    exact = Normal(0.0, 2**0.5).log_prob(x)
    value = answer(log_joint, q.log_prob(z))
    if not isinstance(value, torch.Tensor) or value.shape != (3,):
        raise Wrong(f"There should be one number for each image, a tensor (3,); yours is {describe(value)}.")
    ratio = log_joint - q.log_prob(z)
    if torch.allclose(value, ratio.mean(dim=0), atol=1e-3):
        raise Wrong("A mean of logarithms is the ELBO, the lower bound; the likelihood is the logarithm of a mean.")
    if torch.allclose(value, ratio.logsumexp(dim=0), atol=1e-3):
        raise Wrong("logsumexp sums the K ratios; their mean is asked for, so subtract log K.")
    if torch.allclose(value, ratio.exp().mean(dim=0), atol=1e-3):
        raise Wrong("That is the likelihood itself; its logarithm is asked for.")
    if (value - exact).abs().max() > 0.05:
        raise Wrong(f"The exact values are {[round(v, 2) for v in exact.tolist()]}, yours {value.tolist()}.")
    return "The more draws, the closer: Burda et al. (2016) train with this bound."
