"""Judges of the exercises of 05_gan."""

import torch
import torch.nn.functional as F
from torch import nn

from helpers.exercises import Wrong, as_number, describe, exercise

RATE = 0.5  # the learning rate of both players in `gan_step`'s check
STALE = 0.3  # what the check leaves in every gradient before the round begins


@exercise(
    "gan.1",
    "At one point, prior * p of what D sees is real and (1 - prior) * q is fake. Which part of both together is real?",
    "Check yours at two places: where q = 0 the answer is 1, and where p = q it is the prior.",
)
def best_discriminator(answer):
    """Compares with Bayes' rule at five points, for three priors."""
    p, q = torch.tensor([0.0, 0.1, 0.3, 0.4, 0.2]), torch.tensor([0.5, 0.1, 0.2, 0.0, 0.4])
    for prior in (0.5, 0.2, 0.9):
        given, expected = (p.clone(), q.clone()), prior * p / (prior * p + (1 - prior) * q)
        value = answer(*given, prior)
        if not isinstance(value, torch.Tensor) or value.shape != p.shape:
            raise Wrong(f"D answers once for each point, a tensor (5,); yours is {describe(value)}.")
        if not (torch.equal(given[0], p) and torch.equal(given[1], q)):
            raise Wrong("Your function changed the densities that it was given; make new tensors (no `*=`).")
        value = value.float()
        if torch.allclose(value, 1 - expected, atol=1e-5):
            raise Wrong("That is the probability of being fake; D says how probable real is.")
        if torch.allclose(value, expected, atol=1e-5):
            continue
        if torch.allclose(value, p / (p + q), atol=1e-5):
            raise Wrong(f"Right for one half; with a prior of {prior} the real and the fake weigh differently.")
        if torch.allclose(value, prior * p / (p + q), atol=1e-5):
            raise Wrong("Where q is 0 a sample must be real, so D = 1; weigh p and q before you divide.")
        if torch.allclose(value, (1 - prior) * p / ((1 - prior) * p + prior * q), atol=1e-5):
            raise Wrong("The two weights are exchanged: the prior is the fraction of real samples.")
        raise Wrong(f"Not yet, for example with prior {prior}: think of Bayes' rule.")
    if answer(p[:2], q[:2], 0.5).shape != (2,):
        raise Wrong("Right for five points, not for two: is a size written as a number?")
    return "It is Bayes' rule. A batch with few real samples makes a suspicious D."


class Critic:
    """A D of known slope that notes what it is asked: logits (N, 1) of images (N, 1, 28, 28)."""

    def __init__(self, logit):
        self.logit, self.asked = logit, []
        self.weight = nn.Parameter(torch.ones(()))

    def __call__(self, images):
        self.asked.append(images.detach().clone())
        return self.weight * self.logit(images.flatten(1))[:, None]


def fractions(asked, x, fake):
    """The fraction (N,) of x in the mixtures `asked` of x and fake; raises `Wrong` if they are no such mixtures."""
    if asked.shape != x.shape:
        raise Wrong(f"D should be asked about one image for each pair, {tuple(x.shape)}; it got {describe(asked)}.")
    along, way = (asked - fake).flatten(1), (x - fake).flatten(1)
    a = (along * way).sum(dim=1) / way.square().sum(dim=1)
    if (along - a[:, None] * way).abs().max() > 1e-3:
        raise Wrong("Each image needs one a of its own, the same for all of its pixels, between one x and one fake.")
    return a


@exercise(
    "gan.2",
    "Mix; switch on gradients for the mixture; then ask `torch.autograd.grad` for the slope of D's logits there.",
    "Where do the images of a batch meet? Only in the mean at the end: a, and the norm, are each image's own. And D "
    "must be able to learn from the result: lesson 05's `r1_penalty` shows with which argument.",
)
def gradient_penalty(answer):
    """Critics of known slope: a linear one, and one whose slope grows with the distance from 0."""
    generator = torch.Generator().manual_seed(0)
    x, fake = torch.rand(2, 1000, 1, 28, 28, generator=generator)
    linear = Critic(lambda images: images @ torch.full((784,), 3 / 28))  # slope: a vector of length 3
    kept = x.clone(), fake.clone()
    value = answer(linear, *kept)
    if not isinstance(value, torch.Tensor) or value.ndim:
        raise Wrong(f"The penalty is a tensor without dimensions; yours is {describe(value)}.")
    if not value.requires_grad:
        raise Wrong("D cannot learn from it: the penalty has no gradient. See `create_graph`.")
    known = {4.0: "", 9.0: "That is the squared slope, R1's penalty; here the slope should be one.",
             2.0: "The distance of the slope from one has to be squared."}  # fmt: skip
    found = next((k for k in known if abs(value.item() - k) < 1e-2), None)
    if found is None:
        raise Wrong(f"A linear D with a slope of 3 everywhere has penalty (3 - 1)² = 4; yours is {value.item():.3f}.")
    if known[found]:
        raise Wrong(known[found])
    if not (torch.equal(kept[0], x) and torch.equal(kept[1], fake)):
        raise Wrong("Your function wrote into the images that it was given; make new ones (no `*=`, no `mul_`).")
    if linear.weight.grad is not None:
        raise Wrong("Your penalty left a gradient in D's weights; `torch.autograd.grad` leaves none, `backward` does.")
    bowl = Critic(lambda images: images.square().sum(dim=1) / 31)  # slope at an image: about 1, below it or above
    answer(bowl, x.clone(), fake.clone())
    before = torch.cat(bowl.asked)
    bowl.asked.clear()
    value = answer(bowl, x.clone(), fake.clone())
    places = torch.cat(bowl.asked)
    a = fractions(places, x, fake)
    if a.std() < 1e-3:
        raise Wrong("All images are mixed alike, and D is asked at one place of each way; draw one a for each image.")
    steps = torch.arange(1, len(a) + 1) / len(a)
    if (a.sort().values - steps).abs().max() > 0.08:  # of even numbers one in a hundred thousand is so far off
        raise Wrong("The fractions a are not spread evenly from 0 to 1; `torch.rand` draws such numbers.")
    if torch.equal(before, places):
        raise Wrong("Called twice, D is asked at the same places: a is random, fresh each time.")
    norms = 2 / 31 * places.flatten(1).norm(dim=1)
    expected = (norms - 1).square().mean()
    if abs(value.item() - expected) > 1e-3 * expected:
        raise Wrong(
            f"For a D whose slope differs from image to image the penalty should be {expected:.4f}; yours is "
            f"{value.item():.4f}. A slope below one costs, too. Take each image's own norm, then the "
            "distance from one, squared, and the mean last."
        )
    (slope,) = torch.autograd.grad(value, bowl.weight)
    if not torch.isclose(slope, 2 * (expected + norms.mean() - 1), rtol=1e-3, atol=1e-4):
        raise Wrong("The value is right, but D would learn something else from it: is the graph of the slope whole?")
    return "With that penalty D is a critic that cannot become steep anywhere on the way."


def players(sure=1.0):
    """(G, D) with a few weights, the same each time; D's logits are multiplied by `sure`."""
    dice = torch.Generator().manual_seed(5)
    g = nn.Linear(2, 2)
    d = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    for weight in (*g.parameters(), *d.parameters()):
        weight.data = torch.randn(weight.shape, generator=dice)
    d[2].weight.data *= sure
    return g, d


def material():
    """Real points and two sets of codes, all (6, 2)."""
    return torch.randn(3, 6, 2, generator=torch.Generator().manual_seed(6)) + torch.tensor([[[2.0]], [[0.0]], [[0.0]]])


def vector(net):
    """All weights of a network in one vector."""
    return torch.cat([weight.detach().flatten() for weight in net.parameters()])


def moved(net, loss, others=0.0):
    """The vector of weights of `net` after one step down `loss`; `others`: what else lies in the gradients."""
    slopes = torch.autograd.grad(loss, list(net.parameters()), retain_graph=True)
    return vector(net) - RATE * (torch.cat([slope.flatten() for slope in slopes]) + others)


def with_weights(net, weights):
    """The network, filled with a vector of weights."""
    nn.utils.vector_to_parameters(weights, net.parameters())
    return net


def loss_of_d(real, fake):
    """D's loss for logits of real and fake points."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


MISTAKES_OF_D = {  # loss of the logits of real and fake points -> what to say
    "D is taught that real ones are fake and fake ones real: turn the signs.": lambda r, f: loss_of_d(-r, -f),
    "D's loss is the sum of two means, not the mean of both.": lambda r, f: loss_of_d(r, f) / 2,
    "D's loss is a sum over the batch; the lesson takes means.": lambda r, f: 6 * loss_of_d(r, f),
    "D sees real ones only: the fakes are missing in its loss.": lambda r, f: F.softplus(-r).mean(),
    "D sees fakes only: the real ones are missing in its loss.": lambda r, f: F.softplus(f).mean(),
}
MISTAKES_OF_G = {  # loss of the logits of fake points -> what to say
    "That is log(1 - D), the saturating loss: its slope vanishes when G is always caught.": lambda f: (
        -F.softplus(f).mean()
    ),
    "G learns to be caught: that is D's wish. Turn the sign of the logit.": lambda f: F.softplus(f).mean(),
    "G's loss is a sum over the batch; the lesson takes means.": lambda f: 6 * F.softplus(-f).mean(),
}


def like(one, other):
    """Whether two vectors of weights are the same, but for rounding."""
    return torch.allclose(one, other, atol=1e-4)


def check_d(found, x, z_d, z_g):
    """Raise `Wrong` unless `found`, D's weights after the round, are what D's step makes of them."""
    g, d = players()
    real, fake = d(x), d(g(z_d).detach())
    right = moved(d, loss_of_d(real, fake))
    if like(found, right):
        return right
    if like(found, vector(d)):
        raise Wrong("D has not moved: does a gradient wait for it when its optimiser steps, and does that step once?")
    if like(found, moved(d, loss_of_d(real, fake), STALE)):
        raise Wrong("Old gradients are mixed into D's step: D's optimiser has to clear them first.")
    for words, loss in MISTAKES_OF_D.items():
        if like(found, moved(d, loss(real, fake))):
            raise Wrong(words)
    if like(found, moved(d, loss_of_d(real, d(g(z_g))))):
        raise Wrong("D's fakes should be made of z_d; z_g is for G's step.")
    for codes in (z_g, z_d):
        first, opponent = players()
        first = with_weights(first, moved(first, F.softplus(-opponent(first(codes))).mean()))
        if like(found, moved(d, loss_of_d(real, d(first(z_d).detach())))):
            raise Wrong("G moved first; here D's turn comes first.")
    later = with_weights(players()[1], right)
    again = moved(later, F.softplus(-later(g(z_g))).mean())
    if like(found, again) or like(found, again + right - vector(d)):  # D's own gradients cleared before, or not
        raise Wrong("D also moved in G's step, and in G's favour: only G's optimiser may step there.")
    raise Wrong("D's weights are not where one step down its loss leads: real logits up, fake logits down.")


def check_g(found, d_after, x, z_d, z_g):
    """Raise `Wrong` unless `found`, G's weights after the round, are what G's step against the new D makes of them."""
    g, before = players()
    d = with_weights(players()[1], d_after)
    logit = d(g(z_g))
    loss = F.softplus(-logit).mean()
    if like(found, moved(g, loss)):
        return
    if like(found, vector(g)):
        raise Wrong("G has not moved: does a gradient reach it, and does its optimiser step once?")
    caught = torch.autograd.grad(loss_of_d(before(x), before(g(z_d))), list(g.parameters()))
    caught = torch.cat([slope.flatten() for slope in caught])
    if like(found, moved(g, loss, STALE)):
        raise Wrong("Old gradients are mixed into G's step: G's optimiser has to clear them first.")
    if like(found, moved(g, loss, caught)) or like(found, moved(g, loss, caught + STALE)):
        raise Wrong("D's step left a gradient in G, and G used it: cut G off there, or clear it before G's step.")
    for words, mistake in MISTAKES_OF_G.items():
        if like(found, moved(g, mistake(logit))):
            raise Wrong(words)
    if like(found, moved(g, F.softplus(-before(g(z_g))).mean())):
        raise Wrong("G played against D as it was before its step; in turn means: against the D that has just learned.")
    if like(found, moved(g, F.softplus(-d(g(z_d))).mean())):
        raise Wrong("G's fakes should be made of z_g, fresh codes; z_d was for D's step.")
    raise Wrong("G's weights are not where one step down -log D(G(z_g)) leads, against the D that has just learned.")


def noted(*optimizers):
    """A list to which each of the optimizers adds itself when it steps."""
    stepped = []
    for optimizer in optimizers:
        optimizer.register_step_post_hook(lambda optimizer, *_: stepped.append(optimizer))
    return stepped


def check_afterwards(g, d, in_turn):
    """Raise Wrong unless both optimisers stepped `in_turn` and the players are ready for another round."""
    if not in_turn:
        raise Wrong(
            "The weights moved as they should, but it is the optimisers' business: `opt_d.step()`, `opt_g.step()`."
        )
    if not all(weight.requires_grad for weight in (*g.parameters(), *d.parameters())):
        raise Wrong("After your round some weights are still frozen: the next round could not teach them.")
    if not (g.training and d.training):
        raise Wrong("After your round a player is left in evaluation mode: call `train()` again.")


def round_of(answer, x, z_d, z_g, sure=1.0):
    """What `answer` returns, and both players after the round, which began with old gradients in every weight."""
    g, d = players(sure)
    for weight in (*g.parameters(), *d.parameters()):
        weight.grad = torch.full_like(weight, STALE)
    opt_g, opt_d = (torch.optim.SGD(net.parameters(), lr=RATE) for net in (g, d))
    stepped = noted(opt_g, opt_d)
    told = answer(g, d, x, z_d, z_g, opt_g, opt_d)
    return told, g, d, stepped == [opt_d, opt_g]


@exercise(
    "gan.3",
    "Write D's step first, whole: two logits, one loss, clear, backward, step. Then G's, and ask the D that has just "
    "learned. In each step: whose weights may move?",
    "In D's step the fakes are mere images, and nothing may flow back into G; in G's step the gradient has to flow "
    "through D. Both losses are `F.softplus` of a logit with the right sign, so that nothing overflows.",
)
def gan_step(answer):
    """One round of two tiny players, compared weight by weight; then one with a D that is very sure."""
    x, z_d, z_g = material()
    value, g, d, stepped = round_of(answer, x, z_d, z_g)
    if not all(weight.isfinite().all() for weight in (vector(g), vector(d))):
        raise Wrong("A weight is nan or infinite after one round.")
    right = check_d(vector(d), x, z_d, z_g)
    check_g(vector(g), right, x, z_d, z_g)
    check_afterwards(g, d, stepped)
    fresh, before = players()
    loss_d = loss_of_d(before(x), before(fresh(z_d))).item()
    loss_g = F.softplus(-with_weights(players()[1], right)(fresh(z_g))).mean().item()
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise Wrong(f"The moves are right. Return both losses, D's and G's; yours is {describe(value)}.")
    told = [as_number(part) for part in value]
    if abs(told[0] - loss_d) > 1e-3 or abs(told[1] - loss_g) > 1e-3:
        raise Wrong(
            f"The moves are right, the numbers are not: D's loss was {loss_d:.4f} and G's {loss_g:.4f}, in this order; "
            f"yours are {told[0]:.4f} and {told[1]:.4f}."
        )
    for sure in (1000.0, -1000.0):
        value, g, d, _ = round_of(answer, x, z_d, z_g, sure)
        told = torch.tensor([as_number(part) for part in value])
        g_0, d_0 = players(sure)
        goal_d = moved(d_0, loss_of_d(d_0(x), d_0(g_0(z_d).detach())))
        goal_g = moved(g_0, F.softplus(-with_weights(players()[1], goal_d)(g_0(z_g))).mean())
        if not all(numbers.isfinite().all() for numbers in (vector(g), vector(d), told)):
            raise Wrong(
                "With a D that is very sure (logits of 1,000) it overflows: a sigmoid is exactly 0 or 1 there. "
                "Softplus takes the logit itself."
            )
        if not (torch.allclose(vector(d), goal_d, rtol=1e-3) and torch.allclose(vector(g), goal_g, rtol=1e-3)):
            raise Wrong(
                "With a D that is very sure (logits of 1,000) a player learns nothing, or something else: a sigmoid is "
                "exactly 0 or 1 there and has no slope. Softplus takes the logit itself."
            )
    return "That is the whole of GAN training: what is left is to call it some thousand times."
