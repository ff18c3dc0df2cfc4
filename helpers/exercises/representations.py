"""Judges of the exercises of the lesson on representations."""

import torch

from helpers.exercises import Wrong, as_number, describe, exercise


@exercise(
    "representations.1",
    "Take one column at a time: how often does each level occur there, as a share of all rows?",
    "`torch.bincount(column)` counts the levels; drop the zeros; the sum of -p * p.log2() is that column's entropy. "
    "Average over the columns.",
)
def entropy_bits(entropy):
    """Compares with columns whose entropies are 0, 1, 2 and about 0.81 bits."""
    columns = [[0, 0, 0, 0], [0, 1, 0, 1], [0, 1, 2, 3], [7, 7, 7, 3]]
    value = as_number(entropy(torch.tensor(columns).T))
    expected = (0 + 1 + 2 + 0.8112781) / 4
    if value != value:
        raise Wrong("The result is nan: 0 * log 0 is nan for a computer; leave out levels that never occur.")
    if abs(value - expected * 0.6931472) < 1e-3:
        raise Wrong("That is the entropy in nats; bits need the logarithm to base 2.")
    pooled = torch.tensor(columns).flatten().bincount().float() / 16
    pooled = -(pooled[pooled > 0] * pooled[pooled > 0].log2()).sum().item()
    if abs(value - pooled) < 1e-3:
        raise Wrong("That pools all numbers of the code; each of them is stored with its own table, so average theirs.")
    if abs(value - expected * 4) < 1e-3:
        raise Wrong("That is the sum over the columns; asked are the bits per number, their average.")
    if abs(value - expected) > 1e-3:
        raise Wrong(f"For the columns 0000, 0101, 0123 and 7773 the average is {expected:.3f} bits, yours {value:.3f}.")
    return "This is what a good packer (arithmetic coding) would need, less than the bits you quantised to."


@exercise(
    "representations.2",
    "For each label that occurs, average the codes that carry it; then measure distances to these averages.",
    "`torch.cdist(new_codes, centres).argmin(dim=1)` gives the number of the nearest centre; "
    "`classes = labels.unique()` turns that number back into a label.",
)
def nearest_centroid(classify):
    """Three clouds with the labels 2, 5 and 7; in the middle one the nearest single point would mislead."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([2, 5, 7]).repeat(40)
    centres = torch.tensor([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]]).repeat(40, 1)
    codes = centres + torch.randn(120, 2, generator=generator)
    codes[0] = torch.tensor([5.0, 0.5])  # one stray point of class 2 inside class 5
    new_codes, right = torch.tensor([[0.2, 0.1], [5.0, 0.5], [0.3, 5.0]]), torch.tensor([2, 5, 7])
    predicted = classify(codes, labels, new_codes)
    if not isinstance(predicted, torch.Tensor) or predicted.shape != (3,):
        raise Wrong(f"The result should be one label for each new code, a tensor (3,); yours is {describe(predicted)}.")
    if predicted.tolist() == [0, 1, 2]:
        raise Wrong("These are the numbers of the nearest centres; turn them back into labels (here 2, 5 and 7).")
    if predicted.tolist() == [2, 2, 7]:
        raise Wrong("One stray point misled you: compare with the average of each class, not with single points.")
    if not (predicted == right).any():
        raise Wrong("All wrong, so perhaps the farthest centre is chosen: argmin, not argmax.")
    if not (predicted == right).all():
        raise Wrong(
            f"Expected {right.tolist()}, got {predicted.tolist()}; is each centre the mean of its own class only?"
        )
    return "A classifier without any training, and a hard one to beat with five labels a class."


@exercise(
    "representations.3",
    "Compare every strange score with every normal score: `strange[:, None]` and `normal[None, :]`.",
    "The share of pairs in which the strange score is higher, plus half the share of ties.",
)
def auroc(area):
    """Checks order, ties and independence of a threshold on scores whose area is known."""
    normal, strange = torch.tensor([0.1, 0.2, 0.3, 0.3]), torch.tensor([0.3, 0.9])
    value, expected = as_number(area(normal, strange)), 7 / 8
    if abs(value - (1 - expected)) < 1e-4:
        raise Wrong("The two groups are swapped: count the pairs in which the strange one scores higher.")
    if abs(value - 6 / 8) < 1e-4:
        raise Wrong("Ties are lost: two of the eight pairs have equal scores, and each counts one half.")
    if abs(value - 1) < 1e-4:
        raise Wrong("Ties count one half, not one.")
    if abs(value - expected) > 1e-4:
        raise Wrong(f"For normal 0.1 0.2 0.3 0.3 and strange 0.3 0.9 the area is {expected}; yours is {value:.3f}.")
    return "The area under the ROC curve needs no threshold: 0.5 is a coin, 1 is perfect."
