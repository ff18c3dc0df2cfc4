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
    ("comparison.1", lambda x, y, k, n, seed: bell(x, y, k, n, seed, wide=2), "1.97 times"),
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


# What experts passed with, wrong, or failed with, right, before the judges knew it.


def mean_and(drawn):
    """Images of a class's mean plus `drawn(x, n, generator)` (n, 784), of its images x (N, 784)."""

    def answer(images, labels, label, count, seed):
        x = images[labels == label].flatten(1)
        return (x.mean(dim=0) + drawn(x, count, dice(seed))).clamp(0, 1).view(-1, 1, 28, 28)

    return answer


def first_component(x, n, generator):
    _, sizes, axes = torch.linalg.svd(x - x.mean(dim=0), full_matrices=False)
    return torch.randn(n, 1, generator=generator) * sizes[:1] / len(x) ** 0.5 @ axes[:1]


def grainy_copies(images, labels, label, count, seed):
    x, generator = images[labels == label], dice(seed)
    chosen = x[torch.randint(len(x), (count,), generator=generator)]
    return (chosen + 0.02 * torch.randn(chosen.shape, generator=generator)).clamp(0, 1)


def bell_by_numpy(images, labels, label, count, seed):
    """NumPy's, in double precision."""
    x = images[labels == label].flatten(1).double().numpy()
    drawn = np.random.default_rng(seed).multivariate_normal(x.mean(0), np.cov(x.T), count, method="eigh")
    return torch.from_numpy(drawn.clip(0, 1)).view(-1, 1, 28, 28)


def stolen_by_rank(made, train, test, quantile):
    """The quantile is one of the distances: the next lower one."""
    far, usual = (torch.cdist(x.flatten(1), train.flatten(1)).amin(dim=1) for x in (made, test))
    return (far < usual.quantile(quantile, interpolation="lower")).float().mean().item()


WRONG += [
    ("comparison.1", mean_and(lambda x, n, g: torch.randn(n, 784, generator=g) @ x.T.cov()), "times as far"),
    ("comparison.1", mean_and(lambda x, n, g: x.std(dim=0) * torch.randn(n, 1, generator=g)), "vary together that do"),
    ("comparison.1", mean_and(first_component), "0.48 times as far"),
    ("comparison.1", grainy_copies, "with a little noise"),
    ("comparison.2", lambda made, train, test, q: stolen(made, train, test, q) * len(made) / len(test), "should be"),
]
RIGHT += [("comparison.1", bell_by_numpy), ("comparison.2", stolen_by_rank)]
