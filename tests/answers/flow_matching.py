"""Wrong answers to the exercises of flow_matching, with words of the feedback that each gets, and right ones."""

from itertools import pairwise

import torch
import torch.nn.functional as F


def two_point(now=1.5, old=-0.5, first=(1.0, 0.0), stale=False, sign=1, twice=False, in_place=False):
    """A two-point sampler with one thing wrong; without arguments it is right."""

    def answer(velocity, x, times):
        before = torch.zeros_like(x)
        for i in range(len(times) - 1):
            h = sign * (times[i + 1] - times[i])
            v = velocity(x, times[i])
            if twice:
                velocity(x, times[i])
            a, b = first if i == 0 else (now, old)
            move = h * (a * v + b * before)
            if in_place:
                x += move
            else:
                x = x + move
            before = before if stale and i else v
        return x

    return answer


def heun(velocity, x, times):
    for s, r in pairwise(times):
        v = velocity(x, s)
        x = x + (r - s) * (v + velocity(x + (r - s) * v, r)) / 2
    return x


def backwards(velocity, x, times):
    return two_point()(velocity, x, times[::-1])


def last_missing(velocity, x, times):
    return two_point()(velocity, x, times[:-1])


def by_a_list(velocity, x, times):
    """All velocities are kept."""
    seen = []
    for s, r in pairwise(times):
        seen.append(velocity(x, s))
        slope = seen[-1] if len(seen) == 1 else seen[-1] + 0.5 * (seen[-1] - seen[-2])
        x = x + (r - s) * slope
    return x


def by_recursion(velocity, x, times, before=None):
    s, r, *_ = times
    v = velocity(x, torch.tensor(s))
    ahead = v if before is None else (3 * v - before) / 2
    x = torch.add(x, ahead, alpha=r - s)
    return x if len(times) == 2 else by_recursion(velocity, x, times[1:], v)


def by_middle(velocity, x, times):
    """The velocity extrapolated to the middle of the step, from the two last times."""
    old = None
    for i, s in enumerate(times[:-1]):
        h, v = times[i + 1] - s, velocity(x, s)
        if old is None:
            x = x + h * v
        else:
            rate = (v - old) / (s - times[i - 1])
            x = x + h * (v + rate * h / 2)
        old = v
    return x


def loss(
    draw=torch.rand, noise=torch.randn_like, mix=lambda t, x, e: t * x + (1 - t) * e, target=lambda x, e: x - e,
    measure=F.mse_loss, clock=lambda t: t, classes=lambda y: y, end=lambda value: value,
):  # fmt: skip
    """A training loss with one thing wrong; without arguments it is right."""

    def answer(net, x, y):
        tau = draw(len(x))
        eps = noise(x)
        x_tau = mix(tau[:, None, None, None], x, eps)
        return end(measure(net(x_tau, clock(tau), classes(y)), target(x, eps)))

    return answer


def loss_in_place(net, x, y):
    tau = torch.rand(len(x))
    eps = torch.randn_like(x)
    target = x - eps
    x *= tau[:, None, None, None]
    x += (1 - tau)[:, None, None, None] * eps
    return F.mse_loss(net(x, tau, y), target)


def seeded(net, x, y):
    torch.manual_seed(0)
    return loss()(net, x, y)


def loss_by_lerp(net, x_1, y):
    """With torch.lerp, and times from a logit-normal."""
    tau = torch.randn(x_1.shape[0]).sigmoid()
    x_0 = torch.randn(x_1.shape)
    x_tau = torch.lerp(x_0, x_1, tau.view(-1, 1, 1, 1))
    return (net(x_tau, tau, y) - (x_1 - x_0)).pow(2).mean()


def loss_by_our_time(net, x, y):
    """The lesson's time s, turned at the end."""
    s = torch.rand(len(x))
    eps = torch.randn_like(x)
    x_s = x + s.reshape(-1, 1, 1, 1) * (eps - x)
    v = net(x_s, 1 - s, y)
    return F.mse_loss(-v, eps - x)


def loss_over_images(net, x, y):
    """A mean over each image, then over images; times that fill [0, 1] evenly."""
    tau = (torch.randperm(len(x)) + torch.rand(len(x))) / len(x)
    noise = torch.empty_like(x).normal_()
    weight = tau[:, None, None, None]
    answer = net(weight * x + noise - weight * noise, tau, y)
    return torch.stack([(a - b + c).square().mean() for a, b, c in zip(answer, x, noise, strict=True)]).mean()


WRONG = [
    ("flow_matching.1", lambda x_0, x_s, s: (x_s - (1 - s) * x_0) / s, "That is eps"),
    ("flow_matching.1", lambda x_0, x_s, s: (x_0 - x_s) / s, "The sign is turned"),
    ("flow_matching.1", lambda x_0, x_s, s: x_s - x_0, "so divide"),
    ("flow_matching.1", lambda x_0, x_s, s: (x_s - x_0) / (1 - s), "Divide by s"),
    ("flow_matching.1", lambda x_0, x_s, s: x_s - (1 - s) * x_0, "a part of the noise"),
    ("flow_matching.1", lambda x_0, x_s, s: ((x_s - x_0) / s).mean(), "the shape of x_s"),
    ("flow_matching.1", lambda x_0, x_s, s: x_s.sub_(x_0).div_(s), "wrote into"),
    ("flow_matching.1", lambda x_0, x_s, s: (x_s - x_0) / s**2, "Not yet"),
    ("flow_matching.2", two_point(now=1.0, old=0.0), "Euler's method"),
    ("flow_matching.2", two_point(now=0.5, old=0.5), "half a step *behind*"),
    ("flow_matching.2", two_point(now=-0.5, old=1.5), "exchanged"),
    ("flow_matching.2", two_point(now=2.0, old=-1.0), "a whole step ahead"),
    ("flow_matching.2", two_point(first=(1.5, -0.5)), "begin with Euler's step"),
    ("flow_matching.2", two_point(stale=True), "newest velocity"),
    ("flow_matching.2", two_point(sign=-1), "the wrong way"),
    ("flow_matching.2", two_point(twice=True), "once a step is enough"),
    ("flow_matching.2", two_point(in_place=True), "wrote into x"),
    ("flow_matching.2", heun, "once a step is enough"),
    ("flow_matching.2", backwards, "yours asks at"),
    ("flow_matching.2", last_missing, "yours asks at"),
    ("flow_matching.2", lambda velocity, x, times: x, "never asked"),
    ("flow_matching.3", loss(target=lambda x, e: e - x), "points from data to noise"),
    ("flow_matching.3", loss(mix=lambda t, x, e: (1 - t) * x + t * e), "At time 1 your mix is noise"),
    ("flow_matching.3", loss(target=lambda x, e: x), "the data alone"),
    ("flow_matching.3", loss(target=lambda x, e: e), "the noise alone"),
    ("flow_matching.3", loss(draw=lambda n: torch.rand(1).expand(n)), "the same time"),
    ("flow_matching.3", loss(noise=lambda x: torch.randn_like(x[:1])), "All images get the same noise"),
    ("flow_matching.3", loss(noise=lambda x: torch.randn(len(x), 1, 1, 1).expand_as(x)), "All pixels of an image"),
    ("flow_matching.3", loss(noise=torch.rand_like), "it should be N(0, 1)"),
    ("flow_matching.3", loss(noise=torch.zeros_like), "no noise"),
    ("flow_matching.3", loss(measure=F.l1_loss), "a median"),
    ("flow_matching.3", loss(measure=lambda a, b: F.mse_loss(a, b, reduction="sum")), "take the mean"),
    ("flow_matching.3", loss(clock=lambda t: 1000 * t), "Times lie in [0, 1]"),
    ("flow_matching.3", loss(draw=lambda n: 0.4 + 0.2 * torch.rand(n)), "reach all of [0, 1]"),
    ("flow_matching.3", loss(clock=lambda t: 1 - t), "At time 1 your mix is noise"),
    ("flow_matching.3", loss(classes=lambda y: None), "classes y"),
    ("flow_matching.3", loss(end=lambda value: value.detach()), "lost its gradient"),
    ("flow_matching.3", loss(end=lambda value: value.item()), "as a tensor"),
    ("flow_matching.3", loss_in_place, "wrote into the data"),
    ("flow_matching.3", seeded, "draw times and noise anew"),
]  # fmt: skip

RIGHT = [
    ("flow_matching.1", lambda x_0, x_s, s: (x_s - x_0) / s),
    ("flow_matching.1", lambda x_0, x_s, s: (x_s - (1 - s) * x_0) / s - x_0),
    ("flow_matching.1", lambda x_0, x_s, s: torch.sub(x_s, x_0).mul(1 / s)),
    ("flow_matching.1", lambda x_0, x_s, s: torch.lerp(x_0, x_s, 1 / s) - x_0),
    ("flow_matching.2", two_point()),
    ("flow_matching.2", by_a_list),
    ("flow_matching.2", by_recursion),
    ("flow_matching.2", by_middle),
    ("flow_matching.3", loss()),
    ("flow_matching.3", loss_by_lerp),
    ("flow_matching.3", loss_by_our_time),
    ("flow_matching.3", loss_over_images),
]


# What experts passed with, wrong, or failed with, right, before the judges knew it.


def by_even_steps(velocity, x, times):
    """Whatever the times are, from 1 to 0."""
    n = len(times) - 1
    return two_point()(velocity, x, [1 - i / n for i in range(n + 1)])


def loss_without_gradient(net, x, y):
    asked = []

    def silent(*given):
        with torch.no_grad():
            asked.append(net(*given))
        return asked[-1]

    return loss()(silent, x, y)


WRONG += [
    ("flow_matching.1", lambda x_0, x_s, s: ((x_s - (1 - s) * x_0) / s - x_s) / (1 - s), "no number"),
    ("flow_matching.1", lambda x_0, x_s, s: (x_s - x_0) / max(s, 0.1), "Not yet"),
    ("flow_matching.2", by_even_steps, "yours asks at [1.0"),
    ("flow_matching.3", loss_without_gradient, "lost its gradient"),
    ("flow_matching.3", loss(noise=lambda x: torch.randn(len(x), 1, *x.shape[2:]).expand_as(x)), "share their noise"),
]
