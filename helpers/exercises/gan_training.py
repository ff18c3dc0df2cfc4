"""Judges of the exercises of the lesson on training GANs."""

import torch

from helpers.exercises import Wrong, as_number, describe, exercise


@exercise(
    "gan_training.1",
    "Which number of b belongs to the smallest of a, if nobody shall walk further than needed?",
    "Sort both, and every number stands opposite its partner. What does one grain of sand pay on the average?",
)
def wasserstein(answer):
    """Compares with worked cases: a shift, a permutation, and pairs that a wrong matching gets wrong."""
    a, b = torch.tensor([3.0, 0.0, 1.0]), torch.tensor([1.5, 5.0, 1.0])  # sorted: 1 + 0.5 + 2
    given = a.clone(), b.clone()
    value = as_number(answer(*given))
    if not (torch.equal(given[0], a) and torch.equal(given[1], b)):
        raise Wrong("Your function sorted the numbers that it was given in place; sort copies.")
    known = {
        (a - b).abs().mean().item(): "The first number of a need not go to the first of b: see to the order.",
        3.5: "That is the sum of the ways; asked is the mean.",
        5.25 / 3: "The way of a grain counts as it is; do not square it.",
    }
    for wrong, words in known.items():
        if abs(value - wrong) < 1e-4:
            raise Wrong(words)
    if not abs(value - 3.5 / 3) < 1e-4:
        raise Wrong(f"From 0, 1, 3 to 1, 1.5, 5 the mean way is 3.5 / 3 = 1.1667; yours is {value:.4f}.")
    value = as_number(answer(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0])))
    if not abs(value - 1) < 1e-4:
        raise Wrong("From 0 and 2 to 1 and 1 both grains travel by 1; forward and back do not cancel.")
    value = as_number(answer(torch.tensor([0.0, 1.0, 1.0, -0.3]), torch.tensor([0.9, -5.0, 2.0, 0.9])))
    if not abs(value - 6.7 / 4) < 1e-4:  # -0.3 to -5, 0 to 0.9, 1 to 0.9, 1 to 2: 4.7 + 0.9 + 0.1 + 1 = 6.7
        raise Wrong(f"From -0.3, 0, 1, 1 to -5, 0.9, 0.9, 2 the mean way is 1.675; yours is {value:.4f}.")
    return "On a line nothing more is needed. In the plane one has to search for the best partners."


@exercise(
    "gan_training.2",
    "A vector that goes through W and back through Wᵀ, again and again, turns towards the direction that W "
    "stretches most. Where can it start?",
    "Without a norm in each round it grows or fades beyond all bounds. At the end v has the length 1: how long does"
    " W make it?",
)
def largest_stretch(answer):
    """Compares with the exact singular value of three matrices, one of them wide, one with negative eigenvalues."""
    generator = torch.Generator().manual_seed(0)
    wide = torch.randn(3, 7, generator=generator)
    for weight in (torch.tensor([[0.5, -2.0], [1.5, 0.0]]), wide, wide.T.contiguous()):
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
    slow = torch.diag(torch.linspace(0.9, 1, 500).roll(250))  # one round cannot find the largest of these
    if as_number(answer(slow, rounds=1)) > 0.992:
        raise Wrong("After one round it cannot be known yet: make as many rounds of power iteration as `rounds` says.")
    return "PyTorch does one such round a step and keeps v: the matrix changes slowly, so v stays good."


def linear_game(players):
    """The slopes (2,) of a game whose slopes are a matrix times the players, plus a constant."""
    turn = torch.tensor([[0.5, -2.0], [1.0, 0.3]], dtype=players.dtype)
    return turn @ players + torch.tensor([0.2, -0.1], dtype=players.dtype)


def dirac_game(players):
    """The slopes (2,) of the lesson's game, for players (theta, psi), both at once."""
    theta, psi = players
    return torch.stack([-psi * torch.sigmoid(-psi * theta), theta * torch.sigmoid(psi * theta)])


@exercise(
    "gan_training.3",
    "First a trial round, as both players would make it. Which slopes does the real round take, and from where does"
    " it start?",
    "The trial looks ahead: its place is thrown away, its slopes are kept. So `slopes` is called twice.",
)
def extragradient_step(answer):
    """Compares with the exact round of two games, and with the rounds that one writes instead."""
    for slopes, start, rate in ((dirac_game, (0.9, 0.6), 0.5), (linear_game, (0.7, -0.4), 0.3)):
        players = torch.tensor(start, dtype=torch.double)
        value = answer(slopes, players.clone(), rate)
        if not isinstance(value, torch.Tensor) or value.shape != players.shape:
            raise Wrong(f"The players after the round are a tensor (2,); yours is {describe(value)}.")
        value = value.to(players)
        now = slopes(players)
        trial = players - rate * now
        ahead = slopes(trial)
        half = torch.stack([players[0], trial[1]])  # only D has moved
        mixed = torch.stack([slopes(half)[0], now[1]])
        known = {
            "Those are the plain slopes, of the old place. Take those of the place where the trial ends.": now,
            "That is two rounds, one after the other. The second starts from the old place again.": now + ahead,
            "That is the mean of both slopes (Heun's method). The real round takes those of the trial's end alone.":
                (now + ahead) / 2,
            "The real round climbs: each player goes *down* its own loss.": -ahead,
            "The trial climbs, so you look back, not ahead: it goes down, too.": slopes(players + rate * now),
            "The trial is half a round; extragradient takes the same rate in both.": slopes(players - rate / 2 * now),
            "That is the lesson's round in turn: D moves, then G. Here both look ahead, and both move at once.": mixed,
        }  # fmt: skip
        if torch.allclose(value, players - rate * ahead, atol=1e-6):
            continue
        for words, wrong in known.items():
            if torch.allclose(value, players - rate * wrong, atol=1e-6):
                raise Wrong(words)
        if torch.allclose(value, ahead, atol=1e-6):
            raise Wrong("Those are the slopes; asked is where the players stand after the round.")
        expected, given = (", ".join(f"{x:.4f}" for x in place.tolist()) for place in (players - rate * ahead, value))
        raise Wrong(f"From {start} with rate {rate} a round should lead to ({expected}); yours leads to ({given}).")
    players = torch.tensor([0.5, 0.5], dtype=torch.double)
    answer(dirac_game, players, 0.1)
    if not torch.equal(players, torch.tensor([0.5, 0.5], dtype=torch.double)):
        raise Wrong("Your function moved the players that it was given; make new ones, without `-=`.")
    return "Each answers where the other is going to be: the circle becomes a spiral home, without any penalty."
