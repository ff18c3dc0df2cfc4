"""Wrong answers to the exercises of comparison, with words of the feedback that each gets, and right ones."""

import numpy as np
import torch


def dice(seed):
    return torch.Generator().manual_seed(seed) if seed is not None else None


def bell(images, labels, label, count, seed, clamp=True, wide=1.0):
    """The right Gaussian of one class, unless told otherwise."""
    x = images[labels == label].flatten(1)
    weights = wide * torch.randn(count, len(x), generator=dice(seed)) / len(x) ** 0.5
    drawn = (x.mean(dim=0) + weights @ (x - x.mean(dim=0))).view(-1, 1, 28, 28)
    return drawn.clamp(0, 1) if clamp else drawn


def pixels_alone(images, labels, label, count, seed):
    x = images[labels == label]
    return (x.mean(dim=0) + x.std(dim=0) * torch.randn(count, 1, 28, 28, generator=dice(seed))).clamp(0, 1)


def stolen(made, train, test, quantile, usual=None):
    """The right share of copies, unless the sets or the quantile are exchanged."""
    far = torch.cdist(made.flatten(1), train.flatten(1)).amin(dim=1)
    known = torch.cdist(test.flatten(1), (train if usual is None else usual).flatten(1)).amin(dim=1)
    return (far < known.quantile(quantile)).float().mean().item()


WRONG = [
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y, k, n, seed).view(n, 784), "(400, 1, 28, 28)"),
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y, k, n, seed, clamp=False), "clamp to [0, 1]"),
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y, k, n, None), "The same seed gives two results"),
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y, k, n, 0), "Another seed gives the same"),
    ("comparison.1", lambda x, y, k, n, seed: x[torch.randint(len(x), (n,), generator=dice(seed))], "training images"),
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y * 0, 0, n, seed), "of this class only"),
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y, 1 - k, n, seed), "of this class only"),
    ("comparison.1", pixels_alone, "Each pixel varies alone"),
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y, k, n, seed, wide=2), "2.0"),
    ("comparison.2", lambda made, train, test, q: 1 - stolen(made, train, test, q), "*not* so close"),
    ("comparison.2", lambda made, train, test, q: stolen(made, test, test, q, usual=train), "no theft"),
    ("comparison.2", lambda made, train, test, q: stolen(made, train, made, q), "the quantile itself"),
    ("comparison.2", lambda made, train, test, q: stolen(made, train, test, q) * len(made), "a share is asked"),
    ("comparison.2", lambda made, train, test, q: stolen(made, train, test, 1 - q), "exchanged"),
    ("comparison.2", lambda made, train, test, q: 0.123, "the share should be"),
    ("comparison.2", lambda made, train, test, q: made, "one number"),
    ("comparison.3", lambda n, d: np.polyfit(1 / np.array(n), d, 1)[0], "the slope"),
    ("comparison.3", lambda n, d: d[-1], "the largest N"),
    ("comparison.3", lambda n, d: sum(d) / len(d), "A mean over the counts"),
    ("comparison.3", lambda n, d: np.polyfit(n, d, 1)[1], "no images at all"),
    ("comparison.3", lambda n, d: np.polyfit(1 / np.sqrt(n), d, 1)[1], "it should be"),
]

RIGHT = [
    ("comparison.1", bell),
]
