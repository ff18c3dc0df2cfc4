"""Wrong answers to the exercises of representations, with words of the feedback that each gets, and right ones."""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import nn

STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)


def per_column(levels, entropy):
    return torch.stack([entropy(torch.bincount(column) / len(column)) for column in levels.T])


def bits(p):
    return -(p[p > 0] * p[p > 0].log2()).sum()


def entropy_by_numpy(levels):
    total = 0.0
    for column in levels.numpy().T:
        _, counts = np.unique(column, return_counts=True)
        p = counts / counts.sum()
        total -= float((p * np.log2(p)).sum())
    return total / levels.shape[1]


def entropy_by_one_hot(levels):
    p = F.one_hot(levels).double().mean(dim=0)  # (d, levels)
    return torch.special.entr(p).sum(dim=1).mean() / np.log(2)


def entropy_by_loops(levels):
    columns = [column.tolist() for column in levels.unbind(dim=1)]
    shares = [[column.count(k) / len(column) for k in set(column)] for column in columns]
    return sum(-p * np.log2(p) for column in shares for p in column) / len(columns)


def area_by_loops(normal, strange):
    won = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in strange.tolist() for b in normal.tolist())
    return won / (len(normal) * len(strange))


def area_by_ranks(normal, strange):
    both = torch.cat([normal, strange])
    rank = (both[:, None] > both).sum(dim=1) + ((both[:, None] == both).sum(dim=1) + 1) / 2
    m = len(strange)
    return (rank[len(normal) :].sum() - m * (m + 1) / 2) / (m * len(normal))


def above_median(normal, strange):
    return (strange > normal.median()).float().mean()


def logistic(x, labels, strength):
    return LogisticRegression(C=strength, max_iter=2000).fit(x, labels)


def deviations(x):
    std = x.std(dim=0)
    return torch.where(std == 0, 1.0, std)


def by_scikit(x, labels, x_valid, labels_valid, x_new, strengths=STRENGTHS, scale=deviations):
    std = scale(x)
    probes = [logistic(x / std, labels, strength) for strength in strengths]
    best = max(probes, key=lambda probe: probe.score(x_valid / std, labels_valid))
    return torch.from_numpy(best.predict(x_new / std))


def by_numpy(x, labels, x_valid, labels_valid, x_new):
    x, x_valid, x_new = (part.numpy().copy() for part in (x, x_valid, x_new))
    middle, std = x.mean(axis=0), x.std(axis=0) + 1e-9
    for part in (x, x_valid, x_new):
        part -= middle
        part /= std
    best, found = -1.0, None
    for strength in reversed(STRENGTHS):
        probe = logistic(x, labels, strength)
        right = np.mean(probe.predict(x_valid) == labels_valid.numpy())
        if right >= best:
            best, found = right, probe
    return found.predict(x_new)


def by_torch(x, labels, x_valid, labels_valid, x_new):
    std = x.std(dim=0).clamp(min=1e-12)
    classes, targets = labels.unique(return_inverse=True)
    results = []
    for strength in STRENGTHS:
        torch.manual_seed(0)
        layer = nn.Linear(x.shape[1], len(classes))
        optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=300, line_search_fn="strong_wolfe")

        def step(layer=layer, optimizer=optimizer, strength=strength):
            optimizer.zero_grad()
            loss = strength * F.cross_entropy(layer(x / std), targets, reduction="sum")
            loss = loss + layer.weight.square().sum() / 2
            loss.backward()
            return loss

        optimizer.step(step)
        with torch.no_grad():
            right = (classes[layer(x_valid / std).argmax(dim=1)] == labels_valid).float().mean().item()
            results.append((right, classes[layer(x_new / std).argmax(dim=1)]))
    return max(results, key=lambda result: result[0])[1]


def fitted_again(x, labels, x_valid, labels_valid, x_new):
    std = deviations(x)
    right = {s: logistic(x / std, labels, s).score(x_valid / std, labels_valid) for s in STRENGTHS}
    best = max(right, key=right.get)
    again = logistic(torch.cat([x, x_valid]) / std, torch.cat([labels, labels_valid]), best)
    return torch.as_tensor(again.predict(x_new / std))


def chosen_on_training(x, labels, x_valid, labels_valid, x_new):
    return by_scikit(x, labels, x, labels, x_new)


def scaled_by_themselves(x, labels, x_valid, labels_valid, x_new):
    best = by_scikit(x, labels, x_valid, labels_valid, x_new)
    if len(x_new) == 1:
        return by_scikit(x, labels, x_valid, labels_valid, torch.zeros_like(x_new) + 1e4)
    return best


def new_points_not_scaled(x, labels, x_valid, labels_valid, x_new):
    return by_scikit(x, labels, x_valid, labels_valid, x_new * deviations(x))


def in_place(x, labels, x_valid, labels_valid, x_new):
    std = deviations(x)
    x /= std
    x_valid /= std
    x_new /= std
    return by_scikit(x, labels, x_valid, labels_valid, x_new)


def numbers_of_classes(x, labels, *rest):
    return torch.searchsorted(labels.unique(), by_scikit(x, labels, *rest))


def accuracy_only(x, labels, x_valid, labels_valid, x_new):
    return logistic(x, labels, 1.0).score(x_valid, labels_valid)


def not_scaled(x, labels, x_valid, labels_valid, x_new):
    return by_scikit(x, labels, x_valid, labels_valid, x_new, (0.01, 1.0), lambda x: torch.ones(x.shape[1]))


def with_strengths(*strengths):
    return lambda *given: by_scikit(*given, strengths=strengths)


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
    ("representations.1", lambda levels: -per_column(levels, bits).mean(), "the average is"),
    ("representations.1", lambda levels: per_column(levels.T, bits).mean(), "the average is"),
    ("representations.2", lambda normal, strange: (strange[:, None] < normal).float().mean() + 1 / 15, "swapped"),
    ("representations.2", lambda normal, strange: (strange[:, None] > normal).float().mean(), "Ties are lost"),
    ("representations.2", lambda normal, strange: (strange[:, None] >= normal).float().mean(), "one half, not one"),
    ("representations.2", lambda normal, strange: strange[:, None] > normal, "one number"),
    ("representations.2", lambda normal, strange: 0.8, "not for"),
    ("representations.2", above_median, "the area is 0.8"),
    ("representations.2", lambda normal, strange: area_by_loops(normal.abs(), strange.abs()), "not for"),
    ("representations.2", lambda normal, strange: max(0.5, area_by_loops(normal, strange)), "not for"),
    ("representations.3", accuracy_only, "one label for each"),
    ("representations.3", numbers_of_classes, "2, 5 and 7"),
    ("representations.3", in_place, "work on copies"),
    ("representations.3", not_scaled, "divided by its deviation"),
    ("representations.3", new_points_not_scaled, "divided by its deviation"),
    ("representations.3", lambda *given: by_scikit(*given, scale=lambda x: x.std(dim=0)), "deviation 0"),
    ("representations.3", scaled_by_themselves, "alone"),
    ("representations.3", with_strengths(1.0), "is a large strength tried"),
    ("representations.3", with_strengths(0.001, 0.01, 0.1), "is a large strength tried"),
    ("representations.3", with_strengths(1000.0), "validation points"),
    ("representations.3", chosen_on_training, "validation points"),
]

RIGHT = [
    ("representations.1", lambda levels: per_column(levels, bits).mean().item()),
    ("representations.1", entropy_by_numpy),
    ("representations.1", entropy_by_one_hot),
    ("representations.1", entropy_by_loops),
    ("representations.2", lambda n, s: ((s[:, None] > n).float() + (s[:, None] == n).float() / 2).mean().item()),
    ("representations.2", lambda normal, strange: ((strange[:, None] - normal).sign().mean() + 1) / 2),
    ("representations.2", area_by_loops),
    ("representations.2", area_by_ranks),
    ("representations.3", by_scikit),
    ("representations.3", by_numpy),
    ("representations.3", by_torch),
    ("representations.3", fitted_again),
]

WRONG += [
    ("representations.1", lambda levels: float("nan"), "The result is nan"),
    ("representations.2", lambda normal, strange: float("nan"), "the area is 0.8"),
]
