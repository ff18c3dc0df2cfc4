"""Judges of the exercises of the lesson on conditional GANs."""

import torch
import torch.nn.functional as F
from torch import nn

from helpers.exercises import Wrong, as_number, describe, exercise
from helpers.exercises.gan import check_afterwards, noted


@exercise(
    "conditional_gan.1",
    "From each row of logits you need one entry: that of its own class. What makes a probability out of one logit?",
    "`torch.gather` picks one entry of each row; it wants a column of positions. And which function lets each "
    "question be answered by itself, without competition between the ten?",
)
def probability_of_class(answer):
    """Compares with the sigmoid of the right entry of five rows, then at logits of 200."""
    logits = 2 * torch.randn(5, 10, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([3, 0, 9, 3, 5])
    rows = torch.arange(5)
    given = logits.clone()
    value = answer(given, y)
    if not torch.equal(given, logits):
        raise Wrong("Your function wrote into the logits that it was given; `sigmoid`, not `sigmoid_`.")
    if not isinstance(value, torch.Tensor):
        raise Wrong(f"One probability for each image is a tensor (5,); yours is {describe(value)}.")
    if value.shape == (5, 5):
        raise Wrong("Each image was asked about the classes of all images: pair row i with y[i] alone.")
    if value.shape != (5,):
        raise Wrong(f"One probability for each of five images has the shape (5,); yours is {describe(value)}.")
    right, value = torch.sigmoid(logits[rows, y]), value.float()
    if not torch.allclose(value, right, atol=1e-5):
        known = {
            "That is the logit, any number; a sigmoid makes a probability of it.": logits[rows, y],
            "A softmax lets the classes compete, so that a blot must be *something*. Here are ten separate questions: "
            "an image may fail all of them.": logits.softmax(dim=1)[rows, y],
            "That is D's answer for the class that it likes best; a boot handed in as a bag would pass.":
                torch.sigmoid(logits).amax(dim=1),
            "That is the probability of a forgery; asked is that of a real image.": 1 - right,
            "The mean over the ten questions forgets which one was asked.": torch.sigmoid(logits).mean(dim=1),
        }  # fmt: skip
        for words, wrong in known.items():
            if torch.allclose(value, wrong, atol=1e-5):
                raise Wrong(words)
        i = (value - right).abs().argmax().item()
        raise Wrong(f"For image {i} of five, of class {y[i]}, it should be {right[i]:.4f}; yours is {value[i]:.4f}.")
    if answer(logits[:1].clone(), y[:1]).shape != (1,):
        raise Wrong("Right for five images, but for one the result loses its dimension: say which one `squeeze` drops.")
    sure = answer(torch.tensor([[200.0, -200.0]]).repeat(2, 5), torch.tensor([0, 1])).float()
    if not torch.allclose(sure, torch.tensor([1.0, 0.0]), atol=1e-5):
        raise Wrong("At logits of 200 your exponential overflows; `torch.sigmoid` does not.")
    return "Ten yes-or-no questions: one logit says how real, and of which class."


SIDES = (8, 5, 13)  # of the squares that are asked for


@exercise(
    "conditional_gan.2",
    "Draw a top and a left edge for each image: the first is 0, and with the last one the square just touches the "
    "border. A mask is 0 inside its square.",
    "Compare `torch.arange(28)` with an image's edges: which rows are not above the square, and not below it? How "
    "do the answers for rows and columns become one mask? Mind which numbers `torch.randint` draws.",
)
def cut_out(answer):
    """For squares of three sizes: shape, places, that each image has its own, and the gradient."""
    torch.manual_seed(0)
    x = torch.full((3, 1, 28, 28), 0.5)
    answer(x, size=SIDES[0])
    if not (x == 0.5).all():
        raise Wrong("Your function wrote into x: the training images would get more holes every round.")
    for size in SIDES:
        x = torch.full((1500, 1, 28, 28), 0.5, requires_grad=True)
        kept = x.detach().clone()
        y = answer(x, size=size)
        if not isinstance(y, torch.Tensor) or y.shape != x.shape:
            raise Wrong(f"The result has the shape of x, {tuple(x.shape)}; yours is {describe(y)}.")
        if not torch.equal(x.detach(), kept):
            raise Wrong("Your function wrote into x: the training images would get more holes every round.")
        cut = check_squares(y.detach(), kept, size)
        check_places(cut, size)
        if not y.requires_grad:
            raise Wrong("G gets no gradient through your function: multiply by a mask, and detach nothing.")
        (slope,) = torch.autograd.grad(y.sum(), x, allow_unused=True)
        if slope is None or not torch.equal(slope, (~cut[:, None]).float()):
            raise Wrong("Outside the square the gradient should pass as it is (1), inside it nothing (0).")
        if torch.equal(answer(x, size=size), y):
            raise Wrong("Called twice, your function cuts the same squares: D would learn where they lie.")
    return "Cut real images and forgeries alike: then a hole tells D nothing."


def check_squares(y, x, size):
    """Where y (N, 1, 28, 28) was cut, (N, 28, 28); raises `Wrong` unless each image lost a square, and nothing else."""
    cut = (y == 0)[:, 0]
    if not torch.equal(y[~cut[:, None]], x[~cut[:, None]]):
        raise Wrong("Outside the square nothing should change, and inside it every pixel is 0.")
    if not (cut.sum(dim=(1, 2)) == size**2).all():
        if size != SIDES[0] and (cut.sum(dim=(1, 2)) == SIDES[0] ** 2).all():
            raise Wrong(f"Asked for squares of size {size}, your function cut {SIDES[0]} by {SIDES[0]}: use `size`.")
        count = cut.sum(dim=(1, 2)).float().mean().item()
        raise Wrong(
            f"A square of size {size} has {size**2} pixels, in every image; yours loses {count:.1f} on average."
        )
    rows, columns = cut.any(dim=2), cut.any(dim=1)
    if not ((rows.sum(dim=1) == size) & (columns.sum(dim=1) == size)).all():
        raise Wrong(f"The lost pixels form no square of {size} by {size}.")
    return cut


def check_places(cut, size):
    """Raise `Wrong` unless the squares of `cut` (N, 28, 28) lie anywhere in the image, each at a place of its own."""
    top, left = cut.any(dim=2).int().argmax(dim=1), cut.any(dim=1).int().argmax(dim=1)
    if len(top.unique()) == 1 or len(left.unique()) == 1:
        raise Wrong("All squares lie at the same place; each image needs one of its own.")
    if torch.stack([top, left]).float().corrcoef()[0, 1].abs() > 0.3:
        raise Wrong("All squares lie along a diagonal; draw rows and columns apart.")
    last = 28 - size
    for edge in (top, left):
        if edge.max() == last - 1 and edge.min() == 0:
            raise Wrong(
                f"No square of size {size} ever touches the last row or column: the edge may be {last}, too. "
                "`torch.randint` leaves its upper end out."
            )
        if len(edge.unique()) != last + 1:  # of 1,500 squares none at one of 24 places: once in 10^27 times
            raise Wrong(f"Some places are never cut; the edge may be any whole number from 0 to 28 - size = {last}.")


class Forger(nn.Module):
    """A generator of points (N, 2) from codes z (N, 2) and classes y (N,) in 0..5; seven weights."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.7))
        self.places = nn.Parameter(torch.linspace(-0.5, 0.6, 6))
        self.classes = []  # what it was asked for

    def forward(self, z, y):
        self.classes.append(y.cpu())
        return self.scale * z + self.places[y][:, None]


class Inspector(nn.Module):
    """A discriminator of points (N, 2) and classes y (N,) in 0..5 -> logits (N, 1); seven weights."""

    def __init__(self, scale):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.places = nn.Parameter(torch.linspace(0.4, -0.3, 6))
        self.classes = []

    def forward(self, x, y):
        self.classes.append(y.cpu())
        return self.scale * x.sum(dim=1, keepdim=True) + self.places[y][:, None]


def mean_d(real, fake):
    """D's loss from the logits of real and of generated pairs."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def mean_g(fake):
    """G's non-saturating loss from the logits of its pairs."""
    return F.softplus(-fake).mean()


def one_round(g, d, x, y, z_d, z_g, opt_g, opt_d, loss_d=mean_d, loss_g=mean_g, order="dg", clear="dg", cut=True):
    """The right answer; or, with another loss or order, or with gradients that stay, a mistake that is often made."""
    told = {}
    if clear == "first":
        opt_d.zero_grad()
        opt_g.zero_grad()
    if order == "at once":
        early = loss_g(d(g(z_g, y), y))
        opt_g.zero_grad()
        early.backward()
    for who in "dg" if order == "at once" else order:
        if who == "d":
            fake = g(z_d, y)
            loss, optimizer = loss_d(d(x, y), d(fake.detach() if cut else fake, y)), opt_d
        elif order == "at once":
            told["g"] = early.item()
            opt_g.step()
            continue
        else:
            loss, optimizer = loss_g(d(g(z_g, y), y)), opt_g
        if who in clear:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        told[who] = loss.item()
    return told.get("d", 0.0), told.get("g", 0.0)


MISTAKES = {
    "D has not moved: its optimiser has to step once.": {"order": "g"},
    "G has not moved: does a gradient reach it, and does its optimiser step once?": {"order": "d"},
    "G moved first; here D's turn comes first.": {"order": "gd"},
    "G played against D as it was before its step; here it plays against the D that has just learned.":
        {"order": "at once"},
    "Old gradients are mixed into D's step: D's optimiser has to clear them first.": {"clear": "g"},
    "Old gradients are mixed into G's step: G's optimiser has to clear them first.": {"clear": "d"},
    "Old gradients are mixed into both steps: each optimiser has to clear its own first.": {"clear": ""},
    "D's step left a gradient in G, and G used it: cut G off there (`detach`), or clear it before G's step.":
        {"clear": "first", "cut": False},
    "D is taught that real pairs are forged, and generated ones real: turn the signs.":
        {"loss_d": lambda real, fake: mean_d(-real, -fake)},
    "D's loss is the sum of the two means, as in lesson 05; yours is half of it.":
        {"loss_d": lambda real, fake: mean_d(real, fake) / 2},
    "D's loss is a sum over the batch; asked are means.": {"loss_d": lambda real, fake: 6 * mean_d(real, fake)},
    "D sees real pairs only, and may call everything real; the generated pairs are missing.":
        {"loss_d": lambda real, fake: F.softplus(-real).mean()},
    "D sees generated pairs only; the real ones are missing.": {"loss_d": lambda real, fake: F.softplus(fake).mean()},
    "G's loss is log(1 - D), the saturating one: its slope vanishes when G is always caught.":
        {"loss_g": lambda fake: -F.softplus(fake).mean()},
    "G wants to be caught: this is D's half of the game. Turn the sign of the logit.":
        {"loss_g": lambda fake: F.softplus(fake).mean()},
    "G's loss is a sum over the batch; asked is the mean.": {"loss_g": lambda fake: 6 * mean_g(fake)},
}  # fmt: skip


CLASSES = torch.tensor([3, 0, 5, 1, 4, 2])  # not in order


def played(answer, scale=0.9, swap=False, **mistake):
    """(What a round returned, all weights after it, the players), from a D with this scale and with old gradients.

    swap: z_d and z_g change places.
    """
    x, z_d, z_g = torch.randn(3, 6, 2, generator=torch.Generator().manual_seed(0))
    g, d = Forger(), Inspector(scale)
    for weight in (*g.parameters(), *d.parameters()):
        weight.grad = torch.full_like(weight, 0.5)
    opt_g, opt_d = (torch.optim.SGD(net.parameters(), lr=0.3) for net in (g, d))
    codes = (z_g, z_d) if swap else (z_d, z_g)
    stepped = noted(opt_g, opt_d)
    told = answer(g, d, x, CLASSES, *codes, opt_g, opt_d, **mistake)
    g.stepped = stepped == [opt_d, opt_g]
    weights = torch.cat([weight.detach().flatten() for weight in (*g.parameters(), *d.parameters())])
    return told, weights, (g, d)


def of_other_classes(asked):
    """Whether a player was asked for other classes than y: in whole batches, or in smaller parts, however cut."""
    whole, parts = ([part for part in asked if (len(part) % 6 == 0) is is_whole] for is_whole in (True, False))
    counts = torch.cat([*parts, CLASSES]).bincount(minlength=6)
    return any((part.view(-1, 6) != CLASSES).any() for part in whole) or (counts != counts[0]).any()


def only(codes):
    """The right answer, but for the codes: both steps use those of one of them, 0 (z_d) or 1 (z_g)."""
    return lambda g, d, x, y, *rest: one_round(g, d, x, y, *2 * [rest[codes]], *rest[2:])


@exercise(
    "conditional_gan.3",
    "Lesson 05's round, with a question: both players are told y, also when D looks at generated images. D's step "
    "first, whole: two logits, one loss, clear, backward, step. Then G's. In each step: whose weights may move?",
    "In D's step what G makes is a mere image; in G's step the gradient has to come through D. `F.softplus` of a "
    "logit, or of its negative, is the price of a wrong answer.",
)
def conditional_step(answer):
    """One round of two tiny players: which classes they are asked for, all weights, both numbers; then a sure D."""
    value, weights, (g, d) = played(answer)
    if of_other_classes(g.classes) or of_other_classes(d.classes):
        raise Wrong("A player was asked for other classes than y: both hear y, also when D looks at generated pairs.")
    if not weights.isfinite().all():
        raise Wrong("A weight is nan or infinite after one round.")
    right, goal, _ = played(one_round)
    if not torch.allclose(weights, goal, atol=1e-5):
        for words, mistake in MISTAKES.items():
            if torch.allclose(weights, played(one_round, **mistake)[1], atol=1e-5):
                raise Wrong(words)
        for codes, words in enumerate(("G needs codes of its own, z_g.", "D's forgeries should be made of z_d.")):
            if torch.allclose(weights, played(only(codes))[1], atol=1e-5):
                raise Wrong(f"Both steps use the same codes. {words}")
        if torch.allclose(weights, played(one_round, swap=True)[1], atol=1e-5):
            raise Wrong("z_d is for D's step, z_g for G's; yours are exchanged.")
        raise Wrong(
            f"{'G' if torch.allclose(weights[7:], goal[7:], atol=1e-5) else 'D'}'s weights are not where one step of "
            "gradient descent on its own loss leads, the other player held fast."
        )
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise Wrong(f"The moves are right. Return both losses, D's and G's; yours is {describe(value)}.")
    check_afterwards(g, d, g.stepped)
    told = [as_number(part) for part in value]
    if any(abs(mine - other) > 1e-4 for mine, other in zip(told, right, strict=True)):
        raise Wrong(
            f"The moves are right, the numbers are not: D's loss was {right[0]:.4f} and G's {right[1]:.4f}, in this "
            f"order; yours are {told[0]:.4f} and {told[1]:.4f}."
        )
    for scale in (1000.0, -1000.0):
        value, weights, _ = played(answer, scale)
        goal = played(one_round, scale)[1]
        if not torch.tensor([as_number(part) for part in value]).isfinite().all() or not torch.allclose(weights, goal):
            raise Wrong("At logits of some hundreds a sigmoid is 0 or 1, and its logarithm overflows; take softplus.")
    return "That is the whole game; lesson 05's, with a question that both players hear."
