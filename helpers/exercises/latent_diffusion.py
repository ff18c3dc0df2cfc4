"""Checks and hints for the exercises of the lesson on latent diffusion."""

from copy import deepcopy
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from helpers.exercises import Wrong, as_loss, as_number, describe, exercise
from helpers.exercises.flow_matching import FIELDS


@exercise(
    "latent_diffusion.1",
    "mean and std take several dimensions at once. Over which of the four do you average, if each channel is to keep "
    "one number? Keep the averaged ones with length 1 (keepdim), so that the result can be subtracted.",
    "All but the channels: dim=(0, 2, 3). Subtract first, then divide by the standard deviation, not by its square.",
)
def standardise(answer):
    """Compares with codes whose channels, places and images all differ in mean and spread."""
    dice = torch.Generator().manual_seed(0)
    z = torch.randn(40, 3, 4, 5, generator=dice) * torch.tensor([2.0, 0.5, 7.0])[:, None, None]
    z = z * (0.5 + torch.rand(40, 1, 1, 1, generator=dice)) + torch.tensor([1.0, -3.0, 10.0])[:, None, None]
    z = z + torch.randn(1, 3, 4, 5, generator=dice) + 2 * torch.randn(40, 1, 1, 1, generator=dice)
    given = z.clone()
    u = answer(given)
    if not isinstance(u, torch.Tensor) or u.shape != z.shape:
        raise Wrong(f"The result has the shape of z, (40, 3, 4, 5); yours is {describe(u)}.")
    if not torch.equal(given, z):
        raise Wrong("Your function wrote into the codes; return new ones.")
    u = u.float()
    mean, std = z.mean((0, 2, 3), keepdim=True), z.std((0, 2, 3), keepdim=True)
    if torch.allclose(u, (z - mean) / std, rtol=5e-3, atol=5e-3):
        return "One pair of numbers a channel: eight means and eight deviations for all faces, measured once."
    known = {
        "That gives each of the N pictures a scale of its own; what tells them apart is lost.": scaled(z, (1, 2, 3)),
        "That gives each picture's channels scales of their own; average over the pictures, too.": scaled(z, (2, 3)),
        "That gives each place a scale of its own; average over height and width, too.": scaled(z, (0,)),
        "That is one scale for everything; a channel that is small stays small.": scaled(z, (0, 1, 2, 3)),
        "The channels are centred, but their spread is as before: divide.": z - mean,
        "Not centred: subtract the mean first.": z / std,
        "You divide by the variance; the standard deviation is its root.": (z - mean) / std.square(),
        "Divide the difference: without brackets only the mean is divided.": z - mean / std,
    }
    for words, wrong in known.items():
        if torch.allclose(u, wrong, rtol=5e-3, atol=5e-3):
            raise Wrong(words)
    raise Wrong(
        f"The means of your three channels are {listed(u.mean((0, 2, 3)))}, their standard deviations "
        f"{listed(u.std((0, 2, 3)))}; they should be 0 and 1, and nothing but shift and scale should change."
    )


def scaled(z, dims):
    """z with mean 0 and standard deviation 1 over these dimensions."""
    return (z - z.mean(dims, keepdim=True)) / z.std(dims, keepdim=True)


def listed(values):
    """Numbers (N,) in words."""
    return ", ".join(f"{value:.2f}" for value in values.tolist())


@exercise(
    "latent_diffusion.2",
    "Two lines of lesson 11: the mix (1 - s) u + s eps, and the walk. The walk begins at s, not at 1, and needs the "
    "count + 1 times from s down to 0.",
    "The times are s * (1 - i / count) for i = 0 ... count. From time a to time b, a step is x + (b - a) * "
    "velocity(x, a); b is smaller than a, so it goes against the velocity.",
)
def edit(answer):
    """Follows the calls on three fields, and compares where the edits end."""
    dice = torch.Generator().manual_seed(0)
    u, eps = torch.randn(2, 6, 2, 3, 3, generator=dice, dtype=torch.double)
    for s, count in ((0.6, 3), (1.0, 4), (0.25, 1)):
        for name, field in FIELDS.items():
            end, calls = followed(answer, field, u, eps, s, count)
            check_calls(calls, s, count, u, eps)
            right = walked(field, (1 - s) * u + s * eps, even(s, 0.0, count))
            if not torch.allclose(end, right, atol=1e-6):
                explain(end, field, u, eps, s, count)
                raise Wrong(f"With {name} the edit ends elsewhere: each step is x + (next time - time) * velocity.")
    return "That is SDEdit: ten lines, and no training."


def even(start, end, count):
    """count + 1 times from start to end."""
    return [start + (end - start) * i / count for i in range(count + 1)]


def walked(field, x, times, sign=1):
    """Where Euler's walk through the times ends."""
    for s, r in pairwise(times):
        x = x + sign * (r - s) * field(x, s)
    return x


def followed(answer, field, u, eps, s, count):
    """Where the answer ends, and its calls of the velocity: [(x, s)]."""
    calls, given = [], (u.clone(), eps.clone())

    def velocity(x, s):
        if not isinstance(x, torch.Tensor) or x.shape != u.shape:
            raise Wrong(f"velocity takes codes of the shape of u and a number; it was given {describe(x)}.")
        if isinstance(s, torch.Tensor) and s.numel() != 1:
            raise Wrong(f"velocity takes one number s, the same for the whole batch; it was given {describe(s)}.")
        s = as_number(s)
        calls.append((x.double().clone(), s))
        return field(x.double(), s)

    end = answer(velocity, *given, s, count)
    if not isinstance(end, torch.Tensor) or end.shape != u.shape:
        raise Wrong(f"The result has the shape of u, (6, 2, 3, 3); yours is {describe(end)}.")
    if not torch.equal(given[0], u) or not torch.equal(given[1], eps):
        raise Wrong("Your function wrote into u or eps; the next edit would start from something else.")
    return end.double(), calls


def check_calls(calls, s, count, u, eps):
    """Raise `Wrong` unless the walk begins at the mix, at time s, and asks once a step at evenly spaced times."""
    if not calls:
        raise Wrong("velocity was never asked: after the mix comes the walk back.")
    first, asked = calls[0][0], [time for _, time in calls]
    if abs(asked[0] - s) > 1e-6:
        late = "1, where nothing of u is left" if abs(asked[0] - 1) < 1e-6 else f"{asked[0]:.3g}"
        raise Wrong(f"The walk should begin at the time of the mix, s = {s}; yours begins at {late}.")
    starts = {
        "The walk begins at u itself: mix it with eps first.": u,
        "The walk begins at pure noise: at time s a part 1 - s of u is still there.": eps,
        "The weights of the mix are exchanged: at s = 0 it should be u.": s * u + (1 - s) * eps,
        "The mix should weigh u with 1 - s; yours adds the noise to all of u.": u + s * eps,
    }
    if not torch.allclose(first, (1 - s) * u + s * eps, atol=1e-6):
        for words, wrong in starts.items():
            if torch.allclose(first, wrong, atol=1e-6):
                raise Wrong(words)
        raise Wrong("The walk should begin at the mix (1 - s) u + s eps.")
    if len(asked) != count:
        raise Wrong(f"For count = {count} velocity is asked {count} times, once a step; yours asks {len(asked)}.")
    wanted = even(s, 0.0, count)[:-1]
    if any(abs(a - b) > 1e-6 for a, b in zip(asked, wanted, strict=True)):
        shown = ", ".join(f"{time:.3g}" for time in wanted)
        yours = ", ".join(f"{time:.3g}" for time in asked)
        raise Wrong(f"The steps should be equally long: velocity is asked at {shown}; yours asks at {yours}.")


def explain(end, field, u, eps, s, count):
    """Raise `Wrong` with the reason, if it is known."""
    mix, times = (1 - s) * u + s * eps, even(s, 0.0, count)
    if torch.allclose(end, walked(field, mix, times, sign=-1), atol=1e-6):
        raise Wrong("Your steps go the wrong way: velocity points from data to noise, and you walk back.")
    if torch.allclose(end, walked(field, mix, times[:-1]), atol=1e-6):
        raise Wrong("The last step is missing: the walk ends at time 0.")
    if torch.allclose(end, walked(lambda x, a: field(x, a) / s, mix, times), atol=1e-6):
        raise Wrong("Your steps are as long as those of a walk from 1; from s to 0 they are s / count.")


@exercise(
    "latent_diffusion.3",
    "In this order: [0, 1] -> [-1, 1]; the encoder, under torch.no_grad(); standardise; a time in (0, 1) for each "
    "picture and noise of the shape of the codes; the mix; the question net(u_s, 1000 * s); the error against eps - u.",
    "s has shape (N,) for the network and (N, 1, 1, 1) in the mix. Then zero_grad, backward, step, and return "
    "loss.item(). Only the network is in the optimizer, so the encoder stays as it is.",
)
def latent_step(answer):
    """Listens to encoder and network, and compares loss and weights with one step of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        x = torch.rand(400, 3, 16, 12)
        encoder, net = Listening(nn.Conv2d(3, 4, 4, stride=4)), Listening(nn.Conv2d(4, 4, 1))
        with torch.no_grad():
            z = encoder.layer(2 * x - 1)
        mean, std = z.mean((0, 2, 3), keepdim=True) + 0.3, 1.7 * z.std((0, 2, 3), keepdim=True)
        stale = torch.full_like(net.layer.weight, 5.0)
        net.layer.weight.grad = stale.clone()  # of an earlier step
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        before, kept = deepcopy(net.layer), deepcopy(encoder.layer)
        given = x.clone()
        value = answer(encoder, mean, std, net, optimizer, given)
        if not torch.equal(given, x):
            raise Wrong("Your function wrote into the images; the next epoch would see it.")
        u = (z - mean) / std
        check_encoder(encoder, kept, x)
        u_s, eps = check_question(net, u, z)
        right = F.mse_loss(before(u_s), eps - u)
        check_value(value, right, before(u_s).detach(), u, eps)
        right.backward()
        check_weights(net.layer, before, stale)
        first = net.asked.pop()
        answer(encoder, mean, std, net, optimizer, given)
        if torch.equal(first[1], net.asked[0][1]) or torch.equal(first[0], net.asked[0][0]):
            raise Wrong("Called twice with the same images it shows the same mix: draw times and noise anew.")
    return "That is a whole latent diffusion training; Stable Diffusion's has the same lines, and a sentence as well."


class Listening(nn.Module):
    """A layer that notes what it is asked."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.asked = layer, []

    def forward(self, x, t=None, y=None):
        if not isinstance(x, torch.Tensor):
            raise Wrong(f"A tensor should go in first; it was {describe(x)}.")
        self.asked.append((x.detach().clone(), t))
        return self.layer(x)


def check_encoder(encoder, kept, x):
    """Raise `Wrong` unless the encoder saw the images in [-1, 1], and was left alone."""
    if not encoder.asked:
        raise Wrong("The encoder was never asked; the flow learns codes, not pixels.")
    seen = torch.cat([part for part, _ in encoder.asked])
    if seen.shape == x.shape and torch.allclose(seen, x):
        raise Wrong("The encoder expects images in [-1, 1]; yours were in [0, 1].")
    if seen.shape != x.shape or not torch.allclose(seen, 2 * x - 1, atol=1e-5):
        raise Wrong("The encoder should see all images once, as 2 x - 1.")
    if any(p.grad is not None for p in encoder.parameters()):
        raise Wrong("The gradient went into the encoder; encode under torch.no_grad(), it is trained already.")
    if not all(map(torch.equal, encoder.parameters(), kept.parameters())):
        raise Wrong("The encoder's weights have changed; only the network should learn.")


def check_question(net, u, z):
    """(u_s, eps) of the one question that the network was asked."""
    if len(net.asked) != 1:
        raise Wrong(f"The network should be asked once; it was asked {len(net.asked)} times.")
    u_s, t = net.asked[0]
    if u_s.shape != u.shape:
        raise Wrong(f"The network should see codes (400, 4, 4, 3); it was given {describe(u_s)}.")
    if not isinstance(t, torch.Tensor) or t.shape != (len(u),):
        raise Wrong(f"The network takes one time for each picture, (400,); it was given {describe(t)}.")
    t = t.detach().float()
    if t.std() == 0:
        raise Wrong("All pictures got the same time; draw one for each.")
    if t.max() <= 1:
        raise Wrong("The network's clock runs to 1000: ask it at 1000 * s.")
    s = t / 1000
    if s.min() < 0 or s.max() > 1 or s.min() > 0.1 or s.max() < 0.9 or abs(s.mean() - 0.5) > 0.08:
        raise Wrong(f"The times s should reach over (0, 1); yours run from {s.min():.2g} to {s.max():.2g}.")
    if not s.all():
        raise Wrong("One of the times is 0, where the mix holds no noise: draw from (0, 1), without its ends.")
    weight = s.reshape(-1, 1, 1, 1)
    safe = (s > 0.1) & (s < 0.9)
    noise = {what: ((u_s - (1 - weight) * codes) / weight)[safe] for what, codes in (("u", u), ("z", z))}
    if is_noise(noise["z"]) and not is_noise(noise["u"]):
        raise Wrong("The codes in the mix are not standardised: subtract mean, divide by std.")
    if is_noise(((u_s - weight * u) / (1 - weight))[safe]):
        raise Wrong("The weights of the mix are exchanged: at s = 0 it should be the code.")
    if noise["u"].std() < 1e-2:
        raise Wrong("There is no noise in the mix.")
    if noise["u"].std(dim=0).mean() < 0.5 * noise["u"].std():
        raise Wrong("All pictures got the same noise; each needs its own.")
    if not is_noise(noise["u"]):
        raise Wrong("The mix should be (1 - s) u + s eps, with u the standardised codes and eps from N(0, 1).")
    if any(noise["u"].mean(dim=axis).var() > 2 * noise["u"].var() / noise["u"].shape[axis] for axis in (1, 2, 3)):
        raise Wrong("Some numbers of a code share their noise; every place of every channel needs its own.")
    return u_s, (u_s - (1 - weight) * u) / weight


def is_noise(values):
    """Whether values (N, ...) look like N(0, 1), each number on its own."""
    own = values.flatten(1).std(dim=1).mean() > 0.7
    return bool(abs(values.mean()) < 0.12 and abs(values.std() - 1) < 0.12 and own)


def check_value(value, right, answered, u, eps):
    """Raise `Wrong` unless the returned value is the loss, as a float."""
    value, right = as_loss(value), right.item()
    if abs(value - right) < 2e-3 * right:
        return
    known = {
        "The target is the velocity eps - u; yours has the other sign.": F.mse_loss(answered, u - eps),
        "The target is the velocity eps - u; yours is the noise alone.": F.mse_loss(answered, eps),
        "The target is the velocity eps - u; yours is the code alone.": F.mse_loss(answered, u),
        "That is the absolute error; the mean velocity needs the square.": F.l1_loss(answered, eps - u),
        "That is the sum of all squared errors; take the mean.": F.mse_loss(answered, eps - u, reduction="sum"),
    }
    for words, wrong in known.items():
        if abs(value - wrong.item()) < 2e-3 * wrong.item():
            raise Wrong(words)
    raise Wrong(f"The mean squared error of the answer against eps - u is {right:.3f} here; you return {value:.3f}.")


def check_weights(layer, before, stale):
    """Raise `Wrong` unless the weights moved by one SGD step along the gradients in `before`."""
    moved = layer.weight.detach() - before.weight.detach()
    step = -0.1 * before.weight.grad
    if torch.allclose(moved, step, atol=1e-5):
        return
    if not moved.any():
        raise Wrong("The network's weights did not change: zero_grad, backward, optimizer.step(), in this order.")
    if torch.allclose(moved, step - 0.1 * stale, atol=1e-5):
        raise Wrong("The gradient of an earlier step was still there: optimizer.zero_grad() before backward.")
    if torch.allclose(moved, -step, atol=1e-5):
        raise Wrong("The weights moved up the gradient, not down.")
    raise Wrong(
        "The weights should move by exactly one step of the optimizer along this loss's gradient. (And the network's "
        "time is that of the mix: not rounded, unless the mix is, too.)"
    )
