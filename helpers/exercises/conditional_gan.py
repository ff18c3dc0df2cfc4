"""Judges of the exercises of 07_conditional_gan."""

import torch

from helpers.exercises import Wrong, as_number, describe, exercise


@exercise(
    "conditional_gan.3",
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
