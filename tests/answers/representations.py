"""Wrong answers to the exercises of representations, with words of the feedback that each gets, and right ones."""

import torch


def per_column(levels, entropy):
    return torch.stack([entropy(torch.bincount(column) / len(column)) for column in levels.T])


def bits(p):
    return -(p[p > 0] * p[p > 0].log2()).sum()


def centres(codes, labels):
    return torch.stack([codes[labels == k].mean(dim=0) for k in labels.unique()])


WRONG = [
    ("representations.1", lambda levels: per_column(levels, lambda p: -(p * p.log2()).sum()).mean(), "nan"),
    (
        "representations.1",
        lambda levels: per_column(levels, lambda p: -(p[p > 0] * p[p > 0].log()).sum()).mean(),
        "nats",
    ),
    ("representations.1", lambda levels: bits(torch.bincount(levels.flatten()) / levels.numel()), "pools"),
    ("representations.1", lambda levels: per_column(levels, bits).sum(), "sum over the columns"),
    ("representations.1", lambda levels: per_column(levels, bits), "one number"),
    ("representations.2", lambda z, y, new: torch.cdist(new, centres(z, y)).argmin(dim=1), "back into labels"),
    ("representations.2", lambda z, y, new: y[torch.cdist(new, z).argmin(dim=1)], "stray"),
    ("representations.2", lambda z, y, new: y.unique()[torch.cdist(new, centres(z, y)).argmax(dim=1)], "argmax"),
    ("representations.2", lambda z, y, new: torch.cdist(new, centres(z, y)), "one label for each"),
    ("representations.3", lambda normal, strange: (strange[:, None] < normal).float().mean() + 1 / 8, "swapped"),
    ("representations.3", lambda normal, strange: (strange[:, None] > normal).float().mean(), "Ties are lost"),
    ("representations.3", lambda normal, strange: (strange[:, None] >= normal).float().mean(), "one half, not one"),
    ("representations.3", lambda normal, strange: strange[:, None] > normal, "one number"),
]

RIGHT = []
