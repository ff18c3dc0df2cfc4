"""Wrong answers to the exercises of gan_training, with words of the feedback that each gets, and right ones."""

import math
from itertools import permutations

import torch
import torch.nn.functional as F


def stretch(result=lambda weight, v: (weight @ v).norm(), hold=True, transpose=True):
    """Power iteration with a result, a step or a length of v that may be wrong."""

    def answer(weight, rounds=100):
        v = torch.ones(weight.shape[1])
        for _ in range(rounds):
            v = weight.T @ (weight @ v) if transpose else weight.abs().T @ (weight @ v)
            v = v / v.norm() if hold else v
        return result(weight, v)

    return answer


def look_ahead(trial=lambda now: now, pull=lambda now, ahead: ahead, start=0.0):
    """The extragradient round with a trial, with slopes or with a start of the real round that may be wrong."""

    def answer(slopes, players, rate):
        now = slopes(players)
        reached = players - rate * trial(now)
        return players - rate * start * now - rate * pull(now, slopes(reached))

    return answer


def look_ahead_in_place(slopes, players, rate):
    old = players.clone()
    players -= rate * slopes(players)
    return old - rate * slopes(players)


def move_in_turn(slopes, players, rate):
    theta, psi = players
    psi = psi - rate * slopes(players)[1]
    return torch.stack([theta - rate * slopes(torch.stack([theta, psi]))[0], psi])


def by_every_order(a, b):
    """The way of the sand as the best of all pairings."""
    return min((a[list(order)] - b).abs().mean().item() for order in permutations(range(len(a))))


def by_fractions(a, b):
    """The way of the sand as the area between both fractions to the left of x."""
    x = torch.cat([a, b]).sort().values
    left = ((heap[None] <= x[:-1, None]).double().mean(dim=1) for heap in (a, b))
    return ((next(left) - next(left)).abs() * x.diff()).sum()


def by_lists(a, b):
    """The way of the sand in plain Python."""
    return sum(abs(x - y) for x, y in zip(sorted(a.tolist()), sorted(b.tolist()), strict=True)) / len(a)


def both_sides(weight, rounds=100):
    """Power iteration as PyTorch does it, with a direction on either side."""
    v = F.normalize(torch.randn(weight.shape[1], generator=torch.Generator().manual_seed(3)), dim=0)
    for _ in range(rounds):
        u = F.normalize(weight @ v, dim=0)
        v = F.normalize(weight.T @ u, dim=0)
    return u @ weight @ v


def by_squaring(weight, rounds=100):
    """Power iteration on the matrix itself, squared again and again, and a Rayleigh quotient."""
    gram = weight.double().T @ weight.double()
    power = gram / gram.norm()
    for _ in range(min(rounds, 12)):
        power = power @ power
        power = power / power.norm()
    v = power @ torch.ones(len(power), dtype=torch.double)
    return math.sqrt(v @ gram @ v / (v @ v))


def on_the_short_side(weight, rounds=100):
    """Power iteration with W Wᵀ, which has the same values, on a column."""
    u = torch.ones(weight.shape[0], 1)
    for _ in range(rounds):
        u = weight @ (weight.T @ u)
        u /= u.abs().max()
    return ((weight.T @ u).norm() / u.norm()).item()


def look_ahead_by_player(slopes, players, rate):
    """The extragradient round, a player at a time, both from the old place."""
    theta, psi = players
    pull_theta, pull_psi = slopes(players)
    ahead_theta, ahead_psi = slopes(torch.stack([theta - rate * pull_theta, psi - rate * pull_psi]))
    return torch.stack([theta - rate * ahead_theta, psi - rate * ahead_psi])


def look_ahead_in_a_copy(slopes, players, rate):
    """The extragradient round with operations in place, on copies."""
    place = players.clone()
    for _ in range(2):
        pull = slopes(place)
        place = players.clone()
        place -= rate * pull
    return place


def look_ahead_and_back(slopes, players, rate):
    """The extragradient round that really goes back from the trial's end."""
    first = rate * slopes(players)
    there = torch.sub(players, first)
    return there + first - rate * slopes(there)


WRONG = [
    ("gan_training.1", lambda a, b: (a - b).abs().mean(), "see to the order"),
    ("gan_training.1", lambda a, b: (a.mean() - b.mean()).abs(), "do not cancel"),
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort().values).abs().sum(), "asked is the mean"),
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort().values).square().mean(), "do not square"),
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort().values).abs(), "one number"),
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort(descending=True).values).abs().mean(), "1.1667"),
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort().values).mean().abs(), "do not cancel"),
    ("gan_training.1", lambda a, b: (a[:, None] - b).abs().min(dim=1).values.mean(), "1.1667"),
    ("gan_training.2", stretch(lambda weight, v: (weight.T @ (weight @ v)).norm()), "That is the square"),
    ("gan_training.2", lambda weight, rounds=100: stretch()(weight, 1), "yours is"),
    ("gan_training.2", lambda weight, rounds=100: weight.abs().sum(dim=1).max(), "yours is"),
    ("gan_training.2", stretch(lambda weight, v: v.norm()), "length of v"),
    ("gan_training.2", stretch(hold=False), "yours is"),
    ("gan_training.2", stretch(transpose=False), "yours is"),
    ("gan_training.2", lambda weight, rounds=100: weight.norm(), "all entries together"),
    (
        "gan_training.2",
        lambda weight, rounds=100: torch.linalg.eigvals(weight @ weight.T).abs().max().item(),
        "the square",
    ),
    ("gan_training.3", look_ahead(pull=lambda now, ahead: now), "the plain slopes"),
    ("gan_training.3", look_ahead(start=1.0), "two rounds"),
    ("gan_training.3", look_ahead(pull=lambda now, ahead: (now + ahead) / 2), "Heun"),
    ("gan_training.3", look_ahead(pull=lambda now, ahead: -ahead), "climbs"),
    ("gan_training.3", look_ahead(trial=lambda now: -now), "look back"),
    ("gan_training.3", look_ahead(trial=lambda now: now / 2), "half a round"),
    ("gan_training.3", move_in_turn, "in turn"),
    ("gan_training.3", lambda slopes, players, rate: slopes(players - rate * slopes(players)), "Those are the slopes"),
    ("gan_training.3", look_ahead(pull=lambda now, ahead: 2 * ahead), "should lead to"),
    ("gan_training.3", lambda slopes, players, rate: look_ahead()(slopes, players, rate)[0], "a tensor (2,)"),
    ("gan_training.3", look_ahead_in_place, "moved the players"),
]

RIGHT = [
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort().values).abs().mean()),
    ("gan_training.1", by_every_order),
    ("gan_training.1", by_fractions),
    ("gan_training.1", by_lists),
    ("gan_training.2", stretch()),
    ("gan_training.2", both_sides),
    ("gan_training.2", by_squaring),
    ("gan_training.2", on_the_short_side),
    ("gan_training.3", look_ahead()),
    ("gan_training.3", look_ahead_by_player),
    ("gan_training.3", look_ahead_in_a_copy),
    ("gan_training.3", look_ahead_and_back),
]

# What an expert passed with before the judge knew it.
WRONG += [
    ("gan_training.1", lambda a, b: float("nan"), "yours is nan"),
    ("gan_training.1", lambda a, b: (a.unique() - b.unique()).abs().mean(), "is 1.675"),
]
