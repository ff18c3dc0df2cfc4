"""Judges of the exercises of the lesson on conditional GANs."""

import torch
import torch.nn.functional as F
from torch import nn

from helpers.exercises import Wrong, describe, exercise


@exercise(
    "conditional_gan.1",
    "From each row of logits you need one entry: that of its own class. What makes a probability out of one logit?",
    "`logits.gather(1, y[:, None])[:, 0]` is (N,); then a sigmoid, which asks each question by itself.",
)
def probability_of_class(answer):
    """Compares with the sigmoid of the right entry of five rows, then at logits of 200."""
    logits = 2 * torch.randn(5, 10, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([3, 0, 9, 3, 5])
    rows = torch.arange(5)
    value = answer(logits, y)
    if not isinstance(value, torch.Tensor):
        raise Wrong(f"One probability for each image is a tensor (5,); yours is {describe(value)}.")
    if value.shape == (5, 5):
        raise Wrong("Each image was asked about the classes of all images: pair row i with y[i] alone.")
    if value.shape != (5,):
        raise Wrong(f"One probability for each of five images has the shape (5,); yours is {describe(value)}.")
    right = torch.sigmoid(logits[rows, y])
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
        raise Wrong(f"For the first image, of class 3, it should be {right[0]:.4f}; yours is {value[0]:.4f}.")
    sure = answer(torch.tensor([[200.0, -200.0]]).repeat(2, 5), torch.tensor([0, 1]))
    if not torch.allclose(sure, torch.tensor([1.0, 0.0]), atol=1e-5):
        raise Wrong("At logits of 200 your exponential overflows; `torch.sigmoid` does not.")
    return "Ten yes-or-no questions: one logit says how real, and of which class."


@exercise(
    "conditional_gan.2",
    "Draw a top and a left edge from 0 to 28 - size for each image; a mask is 0 inside its square.",
    "Compare `torch.arange(28)` with the edges: inside = (rows >= top) & (rows < top + size), and so for columns; "
    "multiply by the mask.",
)
def cut_out(answer):
    """Checks shape, size and places of the squares, that each image has its own, and the gradient."""
    x = torch.full((200, 1, 28, 28), 0.5, requires_grad=True)
    kept = x.detach().clone()
    torch.manual_seed(0)
    y = answer(x, size=8)
    if not isinstance(y, torch.Tensor) or y.shape != x.shape:
        raise Wrong(f"The result has the shape of x, (200, 1, 28, 28); yours is {describe(y)}.")
    if not torch.equal(x.detach(), kept):
        raise Wrong("Your function wrote into x: the training images would get more holes every round.")
    if not y.requires_grad:
        raise Wrong("G gets no gradient through your function: multiply by a mask, and detach nothing.")
    cut = (y == 0)[:, 0]
    if not torch.equal(y[~cut[:, None]], x[~cut[:, None]]):
        raise Wrong("Outside the square nothing should change, and inside it every pixel is 0.")
    if not (cut.sum(dim=(1, 2)) == 64).all():
        count = cut.sum(dim=(1, 2)).float().mean().item()
        raise Wrong(f"A square of size 8 has 64 pixels, in every image; yours loses {count:.1f} on average.")
    rows, columns = cut.any(dim=2), cut.any(dim=1)
    if not ((rows.sum(dim=1) == 8) & (columns.sum(dim=1) == 8)).all():
        raise Wrong("The lost pixels form no square of 8 by 8.")
    top, left = rows.int().argmax(dim=1), columns.int().argmax(dim=1)
    if len(top.unique()) == 1 or len(left.unique()) == 1:
        raise Wrong("All squares lie at the same place; each image needs one of its own.")
    if torch.equal(top, left):
        raise Wrong("All squares lie on the diagonal; draw rows and columns apart.")
    if top.max() < 18 or left.max() < 18 or top.min() > 2 or left.min() > 2:
        raise Wrong("Some places are never cut; the edge may be anything from 0 to 28 - size.")
    return "Cut real images and forgeries alike: then a hole tells D nothing."


class Forger(nn.Module):
    """A generator of points (N, 2) with one weight, for codes z (N, 2) and classes y (N,)."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.7))
        self.classes = []  # what it was asked for

    def forward(self, z, y):
        self.classes.append(y)
        return self.weight * z + y[:, None] / 4


class Inspector(nn.Module):
    """A discriminator of points (N, 2) and classes y (N,) -> logits (N, 1), with one weight."""

    def __init__(self, weight=0.9):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))
        self.classes = []

    def forward(self, x, y):
        self.classes.append(y)
        return self.weight * (x.sum(dim=1, keepdim=True) - y[:, None] / 2 + 0.3)


def losses_of(answer, weight=0.9):
    """(What the answer returns, G, D, means): of real and of generated pairs those of -log D and of -log(1 - D).

    D's weight is `weight`.
    """
    generator = torch.Generator().manual_seed(0)
    x, z = torch.randn(2, 6, 2, generator=generator)
    y = torch.tensor([0, 1, 2, 3, 4, 5])
    g, d = Forger(), Inspector(weight)
    value = answer(g, d, x, y, z)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise Wrong(f"Return two losses, D's and G's; yours is {describe(value)}.")
    if not all(isinstance(loss, torch.Tensor) and loss.ndim == 0 for loss in value):
        raise Wrong("Both losses are tensors without dimensions, means over the batch, from which gradients can flow.")
    with torch.no_grad():
        logits = d(x, y), d(g(z, y), y)
    return value, g, d, [(F.softplus(-some).mean().item(), F.softplus(some).mean().item()) for some in logits]


def reaches(loss, weight):
    """Whether a gradient flows from a loss back to a weight."""
    if not loss.requires_grad:
        return False
    (slope,) = torch.autograd.grad(loss, weight, retain_graph=True, allow_unused=True)
    return slope is not None and slope.abs().item() > 0


@exercise(
    "conditional_gan.3",
    "Three logits: of real pairs (x, y), of generated pairs without a way back to G (for D), and with it (for G).",
    "`F.softplus(-d(x, y)).mean() + F.softplus(d(fake.detach(), y)).mean()`, and `F.softplus(-d(fake, y)).mean()` with "
    "`fake = g(z, y)`.",
)
def conditional_losses(answer):
    """Players of one weight each: which classes they are asked for, both losses, and where the gradients go."""
    value, g, d, parts = losses_of(answer)
    (real, real_as_forged), (taken, caught) = parts
    loss_d, loss_g = value[0].item(), value[1].item()
    y = torch.arange(6)
    if any(asked.shape != y.shape or (asked != y).any() for asked in g.classes + d.classes):
        raise Wrong("A player was asked for other classes than y: both see the same ones, the generated pairs, too.")
    if abs(loss_d - taken) < 1e-4 and abs(loss_g - real - caught) < 1e-4:
        raise Wrong("The two losses are exchanged: D's comes first.")
    known = {
        real_as_forged + taken: "D is taught that real pairs are forged, and generated ones real: turn the signs.",
        (real + caught) / 2: "D's loss is the sum of the two means, as in lesson 05; yours is half of it.",
        6 * (real + caught): "That is the sum over the batch; asked are means.",
        real: "D sees real pairs only, and may call everything real; the generated pairs are missing.",
        caught: "D sees generated pairs only; the real ones are missing.",
    }
    for wrong, words in known.items():
        if abs(loss_d - wrong) < 1e-4:
            raise Wrong(words)
    if abs(loss_d - real - caught) > 1e-4:
        raise Wrong(f"D's loss should be {real + caught:.4f} for these pairs; yours is {loss_d:.4f}.")
    known = {
        -caught: "That is log(1 - D), the saturating loss: its slope vanishes when G is always caught.",
        caught: "G wants to be caught: this is D's half of the game. Turn the sign of the logit.",
        6 * taken: "G's loss is a sum over the batch; asked is the mean.",
        real: "G's loss looks at the real pairs, on which G has no influence.",
    }
    for wrong, words in known.items():
        if abs(loss_g - wrong) < 1e-4:
            raise Wrong(words)
    if abs(loss_g - taken) > 1e-4:
        raise Wrong(f"G's loss should be {taken:.4f} for these pairs; yours is {loss_g:.4f}.")
    if not reaches(value[0], d.weight):
        raise Wrong("D learns nothing from its loss: no gradient arrives at its weights.")
    if reaches(value[0], g.weight):
        raise Wrong("D's loss reaches G, and teaches it to be caught: `detach` what D gets to see of G.")
    if not reaches(value[1], g.weight):
        raise Wrong("G learns nothing from its loss: what G makes must not be detached there.")
    (steep_d, steep_g), _, _, (real, fake) = losses_of(answer, weight=1000.0)
    if not torch.allclose(torch.stack([steep_d, steep_g]), torch.tensor([real[0] + fake[1], fake[0]]), rtol=1e-3):
        raise Wrong("At logits of some hundreds a sigmoid is 0 or 1, and its logarithm overflows; take softplus.")
    return "That is the whole game; lesson 05's, with a question that both players hear."
