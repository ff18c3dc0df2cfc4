"""Judges of lesson 06's exercises."""

import torch

from helpers.exercises import Wrong, as_number, describe, exercise


@exercise(
    "06.1",
    "Which number of b goes with the smallest of a? Sort both.",
    "`torch.sort(a).values`; then the mean of the absolute differences.",
)
def wasserstein(answer):
    """Compares with worked cases: a shift, a permutation, and pairs that a wrong matching gets wrong."""
    a, b = torch.tensor([3.0, 0.0, 1.0]), torch.tensor([1.5, 5.0, 1.0])  # sorted: 1 + 0.5 + 2
    value = as_number(answer(a, b))
    known = {
        (a - b).abs().mean().item(): "The first number of a need not go to the first of b: see to the order.",
        3.5: "That is the sum of the ways; asked is the mean.",
        5.25 / 3: "The way of a grain counts as it is; do not square it.",
    }
    for wrong, words in known.items():
        if abs(value - wrong) < 1e-4:
            raise Wrong(words)
    if abs(value - 3.5 / 3) > 1e-4:
        raise Wrong(f"From 0, 1, 3 to 1, 1.5, 5 the mean way is 3.5 / 3 = 1.1667; yours is {value:.4f}.")
    value = as_number(answer(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0])))
    if abs(value - 1) > 1e-4:
        raise Wrong("From 0 and 2 to 1 and 1 both grains travel by 1; forward and back do not cancel.")
    return "On a line nothing more is needed. In the plane one has to search for the best partners."


@exercise(
    "06.2",
    "Start with `v = torch.randn(columns)`. One round: v = Wᵀ (W v), then v = v / ‖v‖.",
    "`weight.T @ (weight @ v)`, divided by its norm; at the end `(weight @ v).norm()`.",
)
def largest_stretch(answer):
    """Compares with the exact singular value of three matrices, one of them wide, one with negative eigenvalues."""
    generator = torch.Generator().manual_seed(0)
    wide = torch.randn(3, 7, generator=generator)
    for weight in (torch.tensor([[0.0, -2.0], [1.0, 0.0]]), wide, wide.T.contiguous()):
        kept = weight.clone()
        value, exact = as_number(answer(weight, rounds=200)), torch.linalg.matrix_norm(weight, 2).item()
        if not torch.equal(weight, kept):
            raise Wrong("Your function changed the matrix; work on v alone.")
        if abs(value - exact**2) < 1e-3 * exact**2 and abs(exact - 1) > 1e-2:
            raise Wrong("That is the square: Wᵀ W stretches twice. Take the length of W v.")
        if abs(value - torch.linalg.matrix_norm(weight, "fro").item()) < 1e-3:
            raise Wrong("That is the length of all entries together; asked is the largest stretch of one direction.")
        if abs(value - 1) < 1e-3:
            raise Wrong("That is the length of v, which you hold at 1; asked is the length of W v.")
        if not abs(value - exact) < 1e-2 * exact:
            raise Wrong(f"A matrix {tuple(weight.shape)} that stretches by up to {exact:.3f}: yours is {value:.3f}.")
    large = as_number(answer(1e4 * wide, rounds=100))
    if not abs(large / (1e4 * torch.linalg.matrix_norm(wide, 2).item()) - 1) < 1e-2:
        raise Wrong("A matrix with large entries overflows: bring v back to length 1 in every round.")
    return "PyTorch does one such round a step and keeps v: the matrix changes slowly, so v stays good."


@exercise(
    "06.3",
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
