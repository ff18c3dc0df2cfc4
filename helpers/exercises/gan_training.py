"""Judges of the exercises of 06_gan_training."""

import torch

from helpers.exercises import Wrong, as_number, describe, exercise


@exercise(
    "gan_training.1",
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
    "gan_training.2",
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
