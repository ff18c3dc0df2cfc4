"""Wrong answers to the exercises of gan_training, with words of the feedback that each gets, and right ones."""

import torch


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


WRONG = [
    ("gan_training.1", lambda a, b: (a - b).abs().mean(), "see to the order"),
    ("gan_training.1", lambda a, b: (a.mean() - b.mean()).abs(), "do not cancel"),
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort().values).abs().sum(), "asked is the mean"),
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort().values).square().mean(), "do not square"),
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort().values).abs(), "one number"),
    ("gan_training.1", lambda a, b: (a.sort().values - b.sort(descending=True).values).abs().mean(), "1.1667"),
    ("gan_training.2", stretch(lambda weight, v: (weight.T @ (weight @ v)).norm()), "That is the square"),
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
    ("gan_training.3", look_ahead()),
]
