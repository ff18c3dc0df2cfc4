"""Judges of the exercises of 04_variational."""

import math

import torch
from torch import nn
from torch.distributions import Normal

from helpers.exercises import Wrong, describe, exercise
from helpers.training import set_seed


@exercise(
    "variational.1",
    "With w = log_joint - log_q the likelihood is the mean of exp(w) over the K codes. Which operation is taken last?",
    "exp(1000) is infinite. Take the largest w out of the sum before you take exp; torch has a function that does it.",
)
def log_likelihood(answer):
    """A model whose likelihood is known: z ~ N(0, 1), x | z ~ N(z, 1), so x ~ N(0, 2); the encoder is a little off.

    Then the same with as many nats as a picture has, far beyond what exp can take, and with other shapes.
    """
    torch.manual_seed(0)
    x = torch.tensor([0.0, 1.0, -2.0])
    q = Normal(x / 2 + 0.3, 0.8)
    z = q.sample((4000,))  # (K, 3)
    log_joint, log_q = Normal(0.0, 1.0).log_prob(z) + Normal(z, 1.0).log_prob(x), q.log_prob(z)
    value = answer(log_joint.clone(), log_q.clone())
    if not isinstance(value, torch.Tensor) or value.shape != (3,):
        raise Wrong(f"There should be one number for each image, a tensor (3,); yours is {describe(value)}.")
    value = value.float()
    ratio = log_joint - log_q
    right = mean_of_exp(ratio)
    known = {
        "A mean of logarithms is the ELBO, the lower bound; the likelihood is the logarithm of a mean.": ratio.mean(
            dim=0
        ),
        "logsumexp sums the K ratios; their mean is asked for, so subtract log K.": ratio.logsumexp(dim=0),
        "You divide by the number of images; the mean goes over the K codes.": ratio.logsumexp(dim=0) - math.log(3),
        "That is the likelihood itself; its logarithm is asked for.": right.exp(),
        "The largest ratio alone is not the mean; all K codes count.": ratio.amax(dim=0),
        "The codes were drawn from q, so each p(x, z) has to be divided by q(z | x).": mean_of_exp(log_joint),
        "That is the ratio the other way round: p(x, z) belongs above q(z | x).": mean_of_exp(-ratio),
    }
    for words, wrong in known.items():
        if torch.allclose(value, wrong, atol=1e-3):
            raise Wrong(words)
    if not torch.allclose(value, right, atol=1e-3):
        exact = Normal(0.0, 2**0.5).log_prob(x)
        raise Wrong(f"The exact values are {[round(v, 2) for v in exact.tolist()]}, yours {value.tolist()}.")
    nats = torch.tensor([-1500.0, 0.0, 900.0])
    value = answer(log_joint + nats, log_q.clone()).float()
    if not torch.isfinite(value).all():
        raise Wrong(
            "Right for small numbers. But a picture has log ratios of hundreds of nats and more, and there yours is "
            f"{value[0]:g} or {value[2]:g}: exp(-1500) is 0, and exp(900) is infinite."
        )
    if not torch.allclose(value, right + nats, atol=1e-2):
        raise Wrong(
            f"900 nats more in each ratio are 900 nats more in the result; yours changes by {value[2] - right[2]:.1f}."
        )
    value = answer(log_joint + nats, log_q + nats).float()
    if not torch.allclose(value, right, atol=1e-2):
        raise Wrong(
            "Right where log_q is small. But it has hundreds of nats, too, and exp(log_q) is then 0 or infinite: take "
            "the difference of the logarithms first, and the largest *difference* out of the sum."
        )
    for codes, images in ((5, 2), (2, 5), (5, 1)):
        few = torch.linspace(-3, 2, codes * images).reshape(codes, images)
        value = answer(few.clone(), torch.zeros(codes, images)).float()
        if value.shape != (images,) or not torch.allclose(value, mean_of_exp(few), atol=1e-3):
            raise Wrong(
                f"It is right for 4,000 codes and 3 images, not for {codes} codes and {images} image(s): is a size "
                "written as a number, or a dimension dropped?"
            )
    return "The more draws, the closer: Burda et al. (2016) train with this bound."


def mean_of_exp(ratio):
    """Logarithm of the mean of exp(ratio) over the first dimension, (K, N) -> (N,)."""
    return ratio.logsumexp(dim=0) - math.log(len(ratio))


@exercise(
    "variational.2",
    "There are two means or sums here, and the floor stands between them: which of the two comes first?",
    "Below the floor the price is a constant, and a constant has no gradient. `clamp` and `maximum` are like that.",
)
def free_nats(answer):
    """Checks the value, with two floors, and where the gradient flows."""
    two = [[0.0, 2.0, 0.1], [0.2, 4.0, 0.7]]  # means 0.1, 3.0, 0.4
    five = [[0.0, 2.0], [0.1, 1.0], [0.0, 7.0], [0.3, 1.0], [0.1, 4.0]]  # means 0.1, 3.0
    for floor, numbers in ((0.25, two), (0.6, two), (0.25, five)):
        kl = torch.tensor(numbers, requires_grad=True)
        value = answer(kl, floor)
        if not isinstance(value, torch.Tensor) or value.ndim != 0:
            raise Wrong(f"The KL term should be one number, a tensor without dimensions; yours is {describe(value)}.")
        each = kl.detach().mean(dim=0)
        right = each.clamp(min=floor).sum().item()
        known = {
            f"That is the plain KL, or the floor is held against the sum: it is charged for each number of the code, "
            f"so that the first one, 0.1, counts as {floor}.": each.sum(),
            "Average over the images first, then apply the floor: single images may be cheap.":
                kl.detach().clamp(min=floor).mean(dim=0).sum(),
            "You subtract the floor; the KL below it should count as the floor itself, not less.":
                (each - floor).clamp(min=0).sum(),
            "Numbers of a code add up: sum over them, do not average.": each.clamp(min=floor).mean(),
            "You take the smaller of the two: the floor is the least that is charged, not the most.":
                each.clamp(max=floor).sum(),
            "Over the images a mean is asked for, not a sum.": (len(kl) * each).clamp(min=floor).sum(),
        }  # fmt: skip
        if not abs(value.item() - right) < 1e-4:
            for words, wrong in known.items():
                if abs(value.item() - wrong) < 1e-4:
                    raise Wrong(words)
            means = ", ".join(f"{mean:.1f}" for mean in each.tolist())
            raise Wrong(
                f"For {len(kl)} images and mean KLs of {means} with a floor of {floor} the result is {right:.2f}; "
                f"yours is {value.item():.3f}."
            )
        (gradient,) = torch.autograd.grad(value, kl, allow_unused=True) if value.requires_grad else (None,)
        above = each > floor
        if gradient is None or gradient[:, above].abs().min() == 0:
            raise Wrong(
                "The number is right, but no gradient flows where it should: stay inside torch, without .item()."
            )
        if gradient[:, ~above].abs().max() > 0:
            raise Wrong(
                "The value is right, but a number of the code below the floor still gets a gradient, so training goes "
                "on pressing it towards 0: the floor has to be a constant there."
            )
        if not torch.allclose(gradient[:, above], torch.full_like(gradient[:, above], 1 / len(kl))):
            raise Wrong("The number is right, but above the floor the gradient is not that of the mean KL.")
    return "Kingma et al. (2016) call it free bits: a number of the code may carry that much information unpunished."


# The loss of a VAE, tried on pictures of 2 x 3 pixels and codes of 4 numbers

COUNT, PIXELS, CODE = 400, 6, 4


class Tiny(nn.Module):
    """A linear encoder of pictures (N, 1, 2, 3), and a linear decoder that notes the codes z (N, 4) it was given."""

    def __init__(self, blind=False):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.mu = nn.Parameter(torch.randn(PIXELS, CODE, generator=generator))
        self.log_var = nn.Parameter(0.5 * torch.randn(PIXELS, CODE, generator=generator))
        self.picture = nn.Parameter(torch.randn(CODE, PIXELS, generator=generator))
        self.blind, self.codes = blind, []

    def encode(self, x):
        """Both halves of what the encoder says, (N, 4) each; the widths differ from number to number."""
        flat = x.flatten(1)
        return flat @ self.mu, flat @ self.log_var - torch.tensor([0.0, 1.0, 1.5, 2.0])

    def encoder(self, x):
        """(N, 8)."""
        return torch.cat(self.encode(x), dim=1)

    def decoder(self, z):
        """Pictures (N, 1, 2, 3); a blind decoder always draws 0.25, whatever the code."""
        self.codes.append(z.detach())
        flat = 0.25 + 0 * (z @ self.picture) if self.blind else z @ self.picture
        return flat.reshape(-1, 1, 2, 3)


def price(mu, log_var):
    """KL to N(0, I) for each number of the code, (N, d)."""
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var)


@exercise(
    "variational.3",
    "Four steps: halve what the encoder says, draw z so that gradients pass, measure the copy, measure the price.",
    "Two terms, each a sum for one image: over its pixels, over its code. Then beta, and last a mean over images.",
)
def negative_elbo(answer):
    """Looks at the value, at the codes that reach the decoder, at the gradients, and at a small training."""
    set_seed(0)
    x = torch.rand(COUNT, 1, 2, 3, generator=torch.Generator().manual_seed(0))
    check_value(answer, x)
    check_codes(answer, x)
    check_gradients(answer, x)
    return try_training(answer)


def check_value(answer, x):
    """With a decoder that ignores the code nothing depends on luck, so wrong sums and means are recognised."""
    model, beta = Tiny(blind=True), 0.7
    value = answer(model.encoder, model.decoder, x, beta)
    if not isinstance(value, torch.Tensor) or value.ndim:
        raise Wrong(
            f"The loss should be a tensor without dimensions, a mean over the images; yours is {describe(value)}."
        )
    with torch.no_grad():
        mu, log_var = model.encode(x)
        error = (x - 0.25).abs().flatten(1).sum(dim=1).mean().item()
        square = (x - 0.25).square().flatten(1).sum(dim=1).mean().item()
        kl, swapped = price(mu, log_var).sum(dim=1).mean().item(), price(log_var, mu).sum(dim=1).mean().item()
        without_half = kl + 0.5 * CODE  # whoever forgets the -1
    known = {
        "": error + beta * kl,
        "A mean over the pixels beside a sum over the code: that is the word that makes the code collapse.":
            error / PIXELS + beta * kl,
        "The code's numbers are averaged; they add up, and beta silently shrinks.": error + beta * kl / CODE,
        "Pixels and code are averaged; both are sums for each image.": error / PIXELS + beta * kl / CODE,
        "That is a sum over the images; asked is their mean.": COUNT * (error + beta * kl),
        "Your copy term is a squared error; here errors follow Laplace's law, so it is absolute.": square + beta * kl,
        "Beta is the price of the KL, not of the copy.": beta * error + kl,
        "Beta is not used.": error + kl,
        "The KL is missing.": error,
        "The copy term is missing.": beta * kl,
        "With this sign the loss pays the encoder for being far from the prior.": error - beta * kl,
        "That is the bound itself; a loss is to be made small, so turn the sign.": -(error + beta * kl),
        "Twice the KL: its factor 1/2 is missing.": error + 2 * beta * kl,
        "For mu = 0 and log_var = 0 the KL is 0; a constant is missing.": error + beta * without_half,
        "The encoder's first d numbers are mu, the last d are log_var; yours are exchanged.": error + beta * swapped,
    }  # fmt: skip
    nearest = min(known, key=lambda words: abs(known[words] - value.item()))
    if abs(known[nearest] - value.item()) > 0.04 * abs(known[nearest]):
        raise Wrong(
            f"Here the copies cost {error:.2f} an image and the KL is {kl:.2f} nats, so with beta = {beta} the loss is "
            f"{known['']:.2f}; yours is {value.item():.2f}."
        )
    if nearest:
        raise Wrong(nearest)
    copy = answer(model.encoder, model.decoder, x, 0.0).item()
    if abs(copy - error) > 1e-3 * error:  # no luck in it
        raise Wrong(f"With beta = 0 the loss is the absolute error, here {error:.4f}; yours is {copy:.4f}.")


def check_codes(answer, x):
    """What reaches the decoder should be mu plus fresh noise of the right width for each number of each code."""
    model, drawn = Tiny(), []
    with torch.no_grad():
        mu, log_var = model.encode(x)
        said = model.encoder(x)
        for _ in range(2):
            model.codes.clear()
            answer(model.encoder, model.decoder, x, 1.0)
            drawn.append(torch.cat([z.reshape(-1, CODE) for z in model.codes]) if model.codes else mu[:0])
    if len(drawn[0]) != COUNT:
        raise Wrong(f"The decoder should get one code for each of {COUNT} images; it got {len(drawn[0])}.")
    eps = (drawn[0] - mu) / (log_var / 2).exp()  # should be standard normal
    if eps.abs().max() < 1e-3:
        raise Wrong("Your decoder gets mu itself; a VAE decodes a code that was drawn from the encoder's Gaussian.")
    if torch.equal(*drawn):
        raise Wrong("Called twice, your loss draws the same noise; each step needs fresh noise.")
    if eps.std(dim=0).max() < 0.1:
        raise Wrong("All images get the same noise; draw one for each number of each code, with the shape of mu.")
    if (eps - eps[:, :1]).abs().max() < 1e-3:
        raise Wrong("All numbers of a code get the same noise; draw it with the shape of mu.")
    if ((drawn[0] - mu) / log_var.exp()).std(dim=0).sub(1).abs().max() < 0.15:
        raise Wrong(
            "Your noise is as wide as the variance; the deviation is the variance's square root, exp(log_var / 2)."
        )
    if (drawn[0] - mu).std(dim=0).sub(1).abs().max() < 0.15:
        raise Wrong("Your noise has width 1 everywhere; the encoder says how wide it is, by log_var.")
    turns = (drawn[0] - said[:, ::2]) / (said[:, 1::2] / 2).exp()
    if turns.std(dim=0).sub(1).abs().max() < 0.15 and turns.mean(dim=0).abs().max() < 0.25:
        raise Wrong("The encoder's *first* d numbers are mu, the last d are log_var; yours take turns.")
    if (eps.mean(dim=0) / eps.std(dim=0).clamp(min=1)).abs().max() > 0.25:
        raise Wrong("Your noise is not centred at 0: `rand` gives numbers from 0 to 1, `randn` those of N(0, 1).")
    if eps.std(dim=0).sub(1).abs().max() > 0.15:
        raise Wrong(f"(z - mu) / sigma should have a deviation of 1; yours has {eps.std():.2f}.")
    if len(eps.mul(100).round().unique(dim=0)) < COUNT:
        raise Wrong("Some images get the same noise; draw one number for each number of each code.")
    if abs(eps.pow(4).mean() / eps.var() ** 2 - 3) > 0.75:
        raise Wrong("Your noise has the right width, but it is not Gaussian: `torch.randn_like`.")


def check_gradients(answer, x):
    """Gradients reach mu, log_var and the decoder through the copy; mu and log_var through the price."""
    parts = {"mu": "mu", "log_var": "log_var", "picture": "the decoder"}
    for blind, beta, through in ((False, 0.0, "the copy"), (True, 1.0, "the KL")):
        model = Tiny(blind)
        loss = answer(model.encoder, model.decoder, x, beta)
        weights = {name: weight for name, weight in model.named_parameters() if not (blind and name == "picture")}
        if not loss.requires_grad:
            raise Wrong("The number is right, but no gradient comes out of it: stay inside torch, without .item().")
        gradients = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
        right = [None] * len(weights)
        if blind:
            right = torch.autograd.grad(price(*model.encode(x)).sum(dim=1).mean(), list(weights.values()))
        for name, gradient, wanted in zip(weights, gradients, right, strict=True):
            if gradient is None or gradient.abs().max() < 1e-6:
                raise Wrong(
                    f"No gradient reaches {parts[name]} through {through}: is there a `detach`, or a plain draw?"
                )
            if wanted is not None and (gradient - wanted).norm() > 0.3 * wanted.norm():
                raise Wrong(f"The gradient that reaches {parts[name]} through {through} is not that of the KL.")


def try_training(answer, steps=150, size=16):
    """A small VAE, 16 pixels and 2 numbers of code, trained with the answer's loss; returns what came of it."""
    set_seed(0)
    x = torch.randint(0, 4, (1000, 1)) == torch.arange(4)  # a bar in one of four rows
    x = (x * (0.5 + 0.5 * torch.rand(1000, 1)))[:, None, :, None].expand(-1, 1, 4, 4).contiguous()
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    decoder = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 16), nn.Unflatten(1, (1, 4, 4)))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-2)
    for step in range(steps):
        loss = answer(encoder, decoder, x[(step * size) % 960 :][:size], 0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        mu, log_var = encoder(x).chunk(2, dim=1)
        nats = price(mu, log_var).sum(dim=1).mean().item()
        error = (decoder(mu) - x).abs().mean().item() / x.median(dim=0).values.sub(x).abs().mean().item()
    if not (error < 0.8 and nats > 0.5):
        raise Wrong(
            f"A small VAE trained with your loss carries {nats:.1f} nats, and its copies have {error:.0%} of the error "
            "that one picture for all has: something keeps it from learning."
        )
    return (
        f"A small VAE trained with it for {steps} steps: its codes carry {nats:.1f} nats, and its copies have "
        f"{error:.0%} of the error of the best single picture for all."
    )
