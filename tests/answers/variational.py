"""Wrong answers to the exercises of variational, with words of the feedback that each gets, and right ones."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch.distributions import Normal, kl_divergence

# 1: log p(x) from K codes


def by_hand(log_joint, log_q):
    """The largest ratio is factored out, in place on a copy."""
    ratio = (log_joint - log_q).double()
    largest = ratio.max(dim=0).values
    ratio -= largest
    return largest + ratio.exp().mean(dim=0).log()


def one_by_one(log_joint, log_q):
    """A loop over the codes."""
    total = torch.full_like(log_joint[0], -math.inf)
    for joint, q in zip(log_joint, log_q, strict=True):
        total = torch.logaddexp(total, joint - q)
    return total - math.log(log_joint.shape[0])


def with_numpy(log_joint, log_q):
    """NumPy's own sum in logarithms."""
    ratio = log_joint.numpy().astype(np.float64) - log_q.numpy()
    return torch.from_numpy(np.logaddexp.reduce(ratio, axis=0) - np.log(len(ratio))).float()


def image_by_image(log_joint, log_q):
    """A list of numbers, stacked; K goes into the sum as a weight."""
    ratios = (log_joint - log_q - math.log(log_joint.size(0))).unbind(dim=1)
    return torch.stack([torch.logsumexp(ratio, 0) for ratio in ratios])


# 2: free nats


def with_a_loop(kl, floor):
    """Number by number, with an `if`."""
    total = torch.zeros(())
    for i in range(kl.shape[1]):
        mean = kl[:, i].sum() / kl.shape[0]
        total = total + (mean if mean > floor else floor)
    return total


def passes_below(kl, floor):
    """The right number, with the gradient of the plain KL."""
    mean = kl.mean(dim=0)
    return (mean + (floor - mean).clamp(min=0).detach()).sum()


def half_the_gradient(kl, floor):
    """The right number, with half of its gradient."""
    value = kl.mean(dim=0).clamp(min=floor).sum()
    return 0.5 * value + 0.5 * value.detach()


# 3: the loss


def loss(
    draw=lambda mu, log_var: mu + (log_var / 2).exp() * torch.randn_like(mu),
    copy=lambda x_hat, x: (x_hat - x).abs().flatten(1).sum(dim=1),
    kl=lambda mu, log_var: 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(dim=1),
    add=lambda error, price, beta: (error + beta * price).mean(),
    halves=lambda said: said.chunk(2, dim=1),
):
    """The negative ELBO, made of parts that may be wrong."""

    def answer(encoder, decoder, x, beta):
        mu, log_var = halves(encoder(x))
        return add(copy(decoder(draw(mu, log_var)), x), kl(mu, log_var), beta)

    return answer


def seeded(mu, log_var):
    """The same luck in every step."""
    torch.manual_seed(0)
    return mu + (log_var / 2).exp() * torch.randn_like(mu)


def an_image_at_a_time(encoder, decoder, x, beta):
    """Loops over images and numbers of the code."""
    total = 0.0
    for image in x:
        said = encoder(image[None])[0]
        d = len(said) // 2
        z, price = [], 0.0
        for mu, log_var in zip(said[:d], said[d:], strict=True):
            z.append(mu + torch.sqrt(torch.exp(log_var)) * torch.randn(()))
            price = price - 0.5 * (1 + log_var - mu**2 - torch.exp(log_var))
        total = total + (decoder(torch.stack(z)[None])[0] - image).abs().sum() + beta * price
    return total / x.shape[0]


def with_distributions(encoder, decoder, x, beta):
    """torch.distributions draws, and knows the divergence."""
    mu, log_var = encoder(x).split(encoder(x).shape[1] // 2, dim=1)
    q = Normal(mu, torch.exp(0.5 * log_var))
    price = kl_divergence(q, Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum()
    return (F.l1_loss(decoder(q.rsample()), x, reduction="sum") + beta * price) / len(x)


def measured_at_the_code(encoder, decoder, x, beta):
    """The KL as log q - log p at the drawn code, as with the mixture."""
    said = encoder(x)
    d = said.shape[1] // 2
    q = Normal(said[:, :d], said[:, d:].mul(0.5).exp())
    z = q.rsample()
    price = (q.log_prob(z) - Normal(0.0, 1.0).log_prob(z)).sum(1)
    return torch.mean(torch.abs(decoder(z) - x).sum(dim=(1, 2, 3)) + beta * price)


def on_a_copy(encoder, decoder, x, beta):
    """In place on noise of its own, means times sizes."""
    mu, log_var = torch.tensor_split(encoder(x), 2, dim=1)
    z = torch.empty_like(mu).normal_().mul_(log_var.detach().mul(0).exp()) * log_var.mul(0.5).exp()
    z += mu
    price = 0.5 * (mu.square() + log_var.exp() - log_var - 1)
    return (decoder(z) - x).abs().mean() * x[0].numel() + beta * price.mean() * mu.shape[1]


WRONG = [
    ("variational.1", lambda joint, q: (joint - q).mean(dim=0), "is the ELBO"),
    ("variational.1", lambda joint, q: (joint - q).logsumexp(dim=0), "subtract log K"),
    ("variational.1", lambda joint, q: (joint - q).exp().mean(dim=0), "its logarithm"),
    ("variational.1", lambda joint, q: (joint - q).exp().mean(dim=0).log(), "exp(900) is infinite"),
    ("variational.1", lambda joint, q: (joint - q).double().exp().mean(dim=0).log().float(), "exp(-1500) is 0"),
    ("variational.1", lambda joint, q: (joint - q).clamp(-80, 80).double().exp().mean(dim=0).log(), "900 nats more"),
    ("variational.1", lambda joint, q: joint.logsumexp(dim=0) - math.log(len(q)), "divided by q"),
    ("variational.1", lambda joint, q: (q - joint).logsumexp(dim=0) - math.log(len(q)), "the other way round"),
    ("variational.1", lambda joint, q: (joint - q).logsumexp(dim=0) - math.log(q.shape[1]), "over the K codes"),
    ("variational.1", lambda joint, q: (joint - q).logsumexp(dim=0) - math.log(4000), "written as a number"),
    ("variational.1", lambda joint, q: (joint - q).max(dim=0).values, "The largest ratio alone"),
    ("variational.1", lambda joint, q: (joint - q).mean(), "one number for each image"),
    ("variational.1", lambda joint, q: by_hand(joint, q) + 0.2, "exact values"),
    ("variational.2", lambda kl, floor: kl.mean(dim=0).sum(), "plain KL"),
    ("variational.2", lambda kl, floor: kl.clamp(min=floor).mean(dim=0).sum(), "Average over the images first"),
    ("variational.2", lambda kl, floor: (kl.mean(dim=0) - floor).clamp(min=0).sum(), "subtract the floor"),
    ("variational.2", lambda kl, floor: kl.mean(dim=0).clamp(min=floor).mean(), "do not average"),
    ("variational.2", lambda kl, floor: torch.tensor(kl.mean(dim=0).clamp(min=floor).sum().item()), "inside torch"),
    ("variational.2", lambda kl, floor: kl.mean(dim=0).clamp(min=floor), "one number"),
    ("variational.2", lambda kl, floor: kl.mean(dim=0).clamp(max=floor).sum(), "the smaller of the two"),
    ("variational.2", lambda kl, floor: kl.sum(dim=0).clamp(min=floor).sum(), "a mean is asked for"),
    ("variational.2", lambda kl, floor: kl.mean(dim=0).clamp(min=0.25).sum(), "with a floor of 0.6"),
    ("variational.2", passes_below, "still gets a gradient"),
    ("variational.2", half_the_gradient, "not that of the mean KL"),
    ("variational.3", loss(copy=lambda x_hat, x: (x_hat - x).abs().flatten(1).mean(dim=1)), "makes the code collapse"),
    ("variational.3", loss(kl=lambda m, v: 0.5 * (m**2 + v.exp() - 1 - v).mean(dim=1)), "silently shrinks"),
    ("variational.3", loss(add=lambda error, price, beta: (error + beta * price).sum()), "a sum over the images"),
    ("variational.3", loss(add=lambda error, price, beta: error + beta * price), "without dimensions"),
    ("variational.3", loss(add=lambda error, price, beta: (error + price).mean()), "Beta is not used"),
    ("variational.3", loss(add=lambda error, price, beta: (beta * error + price).mean()), "not of the copy"),
    ("variational.3", loss(add=lambda error, price, beta: (error - beta * price).mean()), "pays the encoder"),
    ("variational.3", loss(add=lambda error, price, beta: -(error + beta * price).mean()), "turn the sign"),
    ("variational.3", loss(copy=lambda x_hat, x: (x_hat - x).square().flatten(1).sum(dim=1)), "squared error"),
    ("variational.3", loss(kl=lambda m, v: (m**2 + v.exp() - 1 - v).sum(dim=1)), "factor 1/2"),
    ("variational.3", loss(kl=lambda m, v: 0.5 * (m**2 + v.exp() - v).sum(dim=1)), "a constant is missing"),
    ("variational.3", loss(kl=lambda m, v: 0.5 * (m**2 + (v / 2).exp() - 1 - v).sum(dim=1)), "Here the copies cost"),
    ("variational.3", loss(halves=lambda said: said.chunk(2, dim=1)[::-1]), "yours are exchanged"),
    ("variational.3", loss(draw=lambda mu, log_var: mu), "gets mu itself"),
    ("variational.3", loss(draw=lambda mu, log_var: mu + log_var.exp() * torch.randn_like(mu)), "square root"),
    ("variational.3", loss(draw=lambda mu, log_var: mu + torch.randn_like(mu)), "width 1 everywhere"),
    ("variational.3", loss(draw=lambda m, v: m + (v / 2).exp() * torch.rand_like(m)), "not centred"),
    ("variational.3", loss(draw=lambda m, v: m + (v / 2).exp() * (2 * torch.rand_like(m) - 1)), "a deviation of 1"),
    ("variational.3", loss(draw=lambda m, v: m + (v / 2).exp() * torch.randn_like(m[:1])), "All images get the same"),
    ("variational.3", loss(draw=lambda m, v: m + (v / 2).exp() * torch.randn_like(m[:, :1])), "All numbers of a code"),
    ("variational.3", loss(draw=seeded), "fresh noise"),
    ("variational.3", loss(draw=lambda mu, log_var: Normal(mu, (log_var / 2).exp()).sample()), "a plain draw"),
    ("variational.3", loss(draw=lambda m, v: m + (v / 2).exp().detach() * torch.randn_like(m)), "reaches log_var"),
    ("variational.3", loss(add=lambda error, price, beta: (error + beta * price.detach()).mean()), "through the KL"),
    ("variational.3", lambda *given: torch.tensor(loss()(*given).item()), "without .item()"),
]

RIGHT = [
    ("variational.1", lambda joint, q: torch.logsumexp(joint - q, dim=0) - math.log(len(q))),
    ("variational.1", by_hand),
    ("variational.1", one_by_one),
    ("variational.1", with_numpy),
    ("variational.1", image_by_image),
    ("variational.2", lambda kl, floor: kl.mean(dim=0).clamp(min=floor).sum()),
    ("variational.2", with_a_loop),
    ("variational.2", lambda kl, floor: torch.maximum(kl.mean(0), torch.full_like(kl[0], floor)).sum()),
    ("variational.2", lambda kl, floor: (F.relu(kl.mean(dim=0) - floor) + floor).sum()),
    ("variational.2", lambda kl, floor: torch.where(kl.mean(0) > floor, kl.mean(0), floor).sum()),
    ("variational.3", loss()),
    ("variational.3", an_image_at_a_time),
    ("variational.3", with_distributions),
    ("variational.3", measured_at_the_code),
    ("variational.3", on_a_copy),
]

# What an expert passed with before the judge knew it.
WRONG += [
    ("variational.2", lambda kl, floor: sum(kl[:, i].mean().clamp(min=floor) for i in range(3)), "IndexError"),
]
