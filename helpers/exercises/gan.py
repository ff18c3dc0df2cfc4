"""Judges of the exercises of 05_gan."""

import torch

from helpers.exercises import Wrong, as_number, describe, exercise


@exercise(
    "gan.1",
    "At one point, prior * p of what D sees is real and (1 - prior) * q is fake. Which part of both together is real?",
    "prior * p / (prior * p + (1 - prior) * q); with prior = 1/2 it is the lesson's formula.",
)
def best_discriminator(answer):
    """Compares with Bayes' rule at five points, for three priors."""
    p, q = torch.tensor([0.0, 0.1, 0.3, 0.4, 0.2]), torch.tensor([0.5, 0.1, 0.2, 0.0, 0.4])
    for prior in (0.5, 0.2, 0.9):
        value, expected = answer(p, q, prior), prior * p / (prior * p + (1 - prior) * q)
        if not isinstance(value, torch.Tensor) or value.shape != p.shape:
            raise Wrong(f"D answers once for each point, a tensor (5,); yours is {describe(value)}.")
        if torch.allclose(value, 1 - expected, atol=1e-5):
            raise Wrong("That is the probability of being fake; D says how probable real is.")
        if torch.allclose(value, expected, atol=1e-5):
            continue
        if torch.allclose(value, p / (p + q), atol=1e-5):
            raise Wrong(f"Right for one half; with a prior of {prior} the real and the fake weigh differently.")
        if torch.allclose(value, prior * p / (p + q), atol=1e-5):
            raise Wrong("Where q is 0 a sample must be real, so D = 1; weigh p and q before you divide.")
        raise Wrong(f"Not yet, for example with prior {prior}: think of Bayes' rule.")
    return "It is Bayes' rule. A batch with few real samples makes a suspicious D."


@exercise(
    "gan.2",
    "-log D = softplus(-logit), and log(1 - D) = -softplus(logit).",
    "`F.softplus` never overflows; the saturating loss has a minus in front and is below zero.",
)
def generator_loss(answer):
    """Compares with the formulas in double precision, then at logits of 200."""
    logit = torch.tensor([[-3.0], [0.0], [2.0], [-1.0]])
    d = torch.sigmoid(logit.double())
    right = {True: (1 - d).log().mean().item(), False: -d.log().mean().item()}
    values = {kind: as_number(answer(logit, kind)) for kind in (True, False)}
    if abs(values[True] - right[False]) < 1e-4 and abs(values[False] - right[True]) < 1e-4:
        raise Wrong("The two losses are exchanged: log(1 - D) is the saturating one.")
    for kind, name in ((True, "log(1 - D)"), (False, "-log D")):
        if abs(values[kind] + right[kind]) < 1e-4:
            raise Wrong(f"The mean of {name} has the other sign; G wants this loss to be small.")
        if abs(values[kind] - 4 * right[kind]) < 1e-4:
            raise Wrong("That is the sum over the fake images; asked is the mean.")
        if abs(values[kind] - right[kind]) > 1e-4:
            raise Wrong(
                f"The mean of {name} should be {right[kind]:.4f} for these logits, yours is {values[kind]:.4f}."
            )
    sure = {kind: as_number(answer(torch.tensor([[-200.0], [200.0]]), kind)) for kind in (True, False)}
    if not abs(sure[True] + 100) < 1e-3 or not abs(sure[False] - 100) < 1e-3:
        raise Wrong(
            "At logits of 200 it overflows: a sigmoid is exactly 0 or 1 there. Softplus takes the logit itself."
        )
    return "The same wish twice, and both safe at any logit."


@exercise(
    "gan.3",
    "Mix x and fake, switch `requires_grad_` on for the mixture, and take `torch.autograd.grad` of the summed logits.",
    "One random number for each image, shape (N, 1, 1, 1); norms over `.flatten(1)`; `create_graph=True`.",
)
def gradient_penalty(answer):
    """Critics of known slope: a linear one, and one whose slope grows with the distance from 0."""
    generator = torch.Generator().manual_seed(0)
    x, fake = torch.rand(2, 64, 1, 28, 28, generator=generator)
    weight = torch.nn.Parameter(torch.full((784, 1), 3 / 28))  # slope: a vector of length 3
    value = answer(lambda images: images.flatten(1) @ weight, x, fake)
    if not isinstance(value, torch.Tensor) or value.ndim:
        raise Wrong(f"The penalty is a tensor without dimensions; yours is {describe(value)}.")
    if not value.requires_grad:
        raise Wrong("D cannot learn from it: the penalty has no gradient. See `create_graph`.")
    known = {4.0: None, 9.0: "That is the squared slope, R1's penalty; here the slope should be one.",
             2.0: "The distance of the slope from one has to be squared."}  # fmt: skip
    found = next((k for k in known if abs(value.item() - k) < 1e-2), None)
    if found is None:
        raise Wrong(f"A linear D with a slope of 3 everywhere has penalty (3 - 1)² = 4; yours is {value.item():.3f}.")
    if known[found]:
        raise Wrong(known[found])
    ones = torch.ones_like(x)
    torch.manual_seed(0)
    value = answer(lambda images: weight.sum() * 0 + images.square().flatten(1).sum(1) / 56, 0 * ones, ones).item()
    # the slope at a mixture with a fraction b of `fake` is b: mean of (b - 1)^2 is 1/3, at the ends 0 or 1
    if value < 0.02 or value > 0.98:
        raise Wrong("The slope is measured at the real or at the fake images; asked are points between them.")
    if abs(value - 0.25) < 0.01:
        raise Wrong("All images are mixed half and half; draw one a for each image.")
    if abs(value - 1 / 3) > 0.15:
        raise Wrong("Each image needs one a of its own, evenly from 0 to 1, the same for all of its pixels.")
    return "With that penalty D is a critic that cannot become steep anywhere on the way."
