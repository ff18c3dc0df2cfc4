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
    long = torch.tensor([[0, 0, 0, 1, 1, 20], [12] * 6, [0, 1, 2, 3, 4, 5]]).T  # entropies 1.459, 0, 2.585
    value = as_number(entropy(long))
    if not abs(value - (1.4591479 + 2.5849625) / 3) < 1e-3:
        raise Wrong(
            f"Right for 4 rows and 4 columns, not for 6 rows and 3 columns with levels up to 20: 1.348, yours is "
            f"{value:.3f}."
        )
    return "This is what a good packer (arithmetic coding) would need, less than the bits you quantised to."


@exercise(
    "representations.2",
    "Compare every strange score with every normal score: which shape have `strange[:, None]` and `normal[None, :]`?",
    "Two tables of comparisons: where is the strange one higher, and where are both equal? A table's mean is a share.",
)
def auroc(area):
    """Checks order, ties, groups of different sizes and scores below zero, on scores whose area is counted here."""
    normal, strange = torch.tensor([0.1, 0.2, 0.3, 0.3, 0.5]), torch.tensor([0.3, 0.4, 0.9])
    value, expected = as_number(area(normal, strange)), 12 / 15
    if abs(value - (1 - expected)) < 1e-4:
        raise Wrong("The two groups are swapped: count the pairs in which the strange one scores higher.")
    if abs(value - 11 / 15) < 1e-4:
        raise Wrong("Ties are lost: two of the fifteen pairs have equal scores, and each counts one half.")
    if abs(value - 13 / 15) < 1e-4:
        raise Wrong("Ties count one half, not one.")
    if not abs(value - expected) < 1e-4:
        raise Wrong(
            f"For normal 0.1 0.2 0.3 0.3 0.5 and strange 0.3 0.4 0.9 the area is {expected}; yours is {value:.3f}."
        )
    for normal, strange in ((range(-6, 3), range(-4, 1)), ([5.0], [5.0, 7.0, 8.0]), (range(4), range(-9, -4)),
                            ([0.01, 0.0103, 0.02], [0.0101, 0.0103, 5.0])):  # fmt: skip
        pairs = [(a > b) + (a == b) / 2 for a in strange for b in normal]
        value = as_number(area(torch.tensor(normal, dtype=torch.float), torch.tensor(strange, dtype=torch.float)))
        if not abs(value - sum(pairs) / len(pairs)) < 1e-4:
            scores = f"normal {list(normal)} and strange {list(strange)}"
            raise Wrong(
                f"Right for one example, not for {scores}: expected {sum(pairs) / len(pairs):.3f}, got {value:.3f}."
            )
    return "The area under the ROC curve needs no threshold: 0.5 is a coin, 1 is perfect."


NAMES = torch.tensor([2, 5, 7])  # labels of the clouds of points: not 0, 1, 2
TRAIN, VALID, NEW = 1, 2, 3  # seeds


def points(kind, n, seed):
    """Features (n, d) of one `kind` of difficulty, and labels (n,) from `NAMES`."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.arange(n) % 3
    if kind == "fine":  # two nearly equal features: only their small difference tells the classes apart
        common = torch.randn(n, 1, generator=generator)
        apart = 0.02 * (classes[:, None] - 1.0) + 0.004 * torch.randn(n, 1, generator=generator)
        return torch.cat([common, common + apart], dim=1), NAMES[classes]
    if kind == "scales":  # the telling features are tiny, the loud ones are noise, and one never changes
        telling = torch.eye(3)[classes] + 0.2 * torch.randn(n, 3, generator=generator)
        loud = 100 * torch.randn(n, 6, generator=generator)
        return torch.cat([1e-4 * telling, loud, torch.zeros(n, 1)], dim=1), NAMES[classes]
    directions = torch.randn(3, 60, generator=torch.Generator().manual_seed(99))  # weak signs in many features
    x = 0.3 * directions[classes] + torch.randn(n, 60, generator=generator)
    mistaken = torch.rand(n, generator=generator) < (0 if seed == NEW else 0.3)  # labels that somebody got wrong
    guesses = torch.randint(0, 3, (n,), generator=generator)
    return x, NAMES[torch.where(mistaken, guesses, classes)]


def share_right(probe, kind, n):
    """How many of 1,500 new points of this kind a probe names rightly, after n points with labels."""
    given = [*points(kind, n, TRAIN), *points(kind, 150, VALID)]
    new, right = points(kind, 1500, NEW)
    before = [x.clone() for x in (*given, new)]
    predicted = probe(*given, new)
    if any(not torch.equal(x, y) for x, y in zip(before, (*given, new), strict=True)):
        raise Wrong("Your function changes the features that it was given; work on copies (`x / std` makes one).")
    predicted = torch.as_tensor(predicted)
    if predicted.shape != (1500,):
        raise Wrong(f"The result should be one label for each of 1,500 new points; yours is {describe(predicted)}.")
    if not torch.isin(predicted, NAMES).all():
        raise Wrong(f"The labels here are 2, 5 and 7; among yours is {predicted[~torch.isin(predicted, NAMES)][0]}.")
    alone = torch.as_tensor(probe(*given, new[:1]))
    beside = torch.as_tensor(probe(*given, torch.cat([new[:1], new[1:2] + 1e6])))
    if alone.shape != (1,) or not alone[0] == beside[0] == predicted[0]:
        raise Wrong(
            "One new point alone gets another label than among others: scale new points as the training points."
        )
    return (predicted == right).float().mean().item()


@exercise(
    "representations.3",
    "Three steps: a scale from the training features (what would a deviation of 0 do?), one probe per strength, and "
    "the accuracy of each on the validation points, which are scaled in the same way.",
    "Keep the probe with the highest validation accuracy so far, together with that accuracy, and at the end let it "
    "predict for the new points, scaled by the same deviations as the rest.",
)
def fair_probe(probe):
    """Loud features that tell nothing, a difference that needs large weights, wrong labels that need small ones."""
    try:
        scales = share_right(probe, "scales", 60)
    except ValueError as error:
        if "NaN" not in str(error) and "infinity" not in str(error):
            raise
        raise Wrong(
            "A feature that never changes has deviation 0, and 0 / 0 is nan; give it another divisor."
        ) from None
    if scales < 0.9:
        raise Wrong(
            f"{scales:.0%} right where loud features are noise and faint ones tell: is every feature divided by its "
            "deviation over the training points, at training and afterwards?"
        )
    fine = share_right(probe, "fine", 60)
    if fine < 0.85:
        raise Wrong(
            f"{fine:.0%} right where a fine difference needs large weights: is a large strength tried, and chosen?"
        )
    noisy = share_right(probe, "noisy", 90)
    if noisy < 0.77:
        raise Wrong(
            f"{noisy:.0%} right where a third of the labels is noise and small weights do better: which strength is "
            "best on the validation points, which no probe was fitted to?"
        )
    return "Scaled by what was seen, chosen on what was set aside: this is a probe that other people can believe."
