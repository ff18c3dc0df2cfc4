"""Checks and hints for the exercises of the lesson on flow matching."""

from itertools import pairwise

import torch

from helpers.exercises import Wrong, as_number, describe, exercise


@exercise(
    "flow_matching.1",
    "x_s = (1 - s) x_0 + s eps and v = eps - x_0: two equations. x_s and x_0_hat are known; solve the first for eps.",
    "Insert that eps into eps - x_0_hat and put everything over s. What is left of the two terms with x_0_hat?",
)
def velocity_from_x_0(answer):
    """Compares with the true velocity of pairs, early, in the middle and late."""
    x_0, eps = torch.randn(2, 5, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    for s in (0.25, 0.5, 0.9, 0.05, 1.0):
        x_s = (1 - s) * x_0 + s * eps
        given = x_0.clone(), x_s.clone()
        value = answer(*given, s)
        if not isinstance(value, torch.Tensor) or value.shape != x_s.shape:
            raise Wrong(f"The result has the shape of x_s, (5, 1, 4, 4); yours is {describe(value)}.")
        if not torch.equal(given[0], x_0) or not torch.equal(given[1], x_s):
            raise Wrong("Your function wrote into what it was given; return a new tensor.")
        if torch.allclose(value.double(), eps - x_0, atol=1e-5):
            continue
        known = {
            "That is eps; the velocity is eps minus the estimate of x_0.": eps,
            "The sign is turned: as s grows, x_s moves away from x_0, towards the noise.": x_0 - eps,
            "That is the way from x_0_hat to x_s; it was covered in the time s, so divide.": x_s - x_0,
            "Divide by s, the part of the way that lies behind x_s; 1 - s is what is still ahead of the noise.": (
                (x_s - x_0) / (1 - s)
            ),
            "x_s still holds only a part of the noise: solve for eps before you subtract.": x_s - (1 - s) * x_0,
        }
        for words, wrong in known.items():
            if torch.allclose(value.double(), wrong, atol=1e-5):
                raise Wrong(words)
        if value.isnan().any():
            raise Wrong(f"At s = {s} your velocity is no number: 0 / 0. The walk begins there, at pure noise.")
        raise Wrong(f"Not yet, for example at s = {s}: there x_s - s v should be x_0_hat.")
    return "So any denoiser can walk: the direction is the way it has come from its guess, over the time it took."


TIMES = [0.8, 0.6, 0.4, 0.2, 0.0]


@exercise(
    "flow_matching.2",
    "If the velocity changes evenly, its mean over the coming step lies half a step ahead. By how much did it change "
    "during the last step? It will change by half of that until the middle of this one.",
    "With the velocities now and one step before: v + (v - v_before) / 2. The first step has nothing to look back "
    "to; there Euler's step must do. Keep the last velocity for the next round.",
)
def two_point_sample(answer):
    """Follows its calls on three fields of which the ends are known, and counts them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        start = torch.randn(6, 3)
        ends = {}
        for name, field in FIELDS.items():
            ends[name], calls = followed(answer, field, start)
            check_asked([s for s, _ in calls])
    apart = [
        name for name in FIELDS if not torch.allclose(ends[name], expected(FIELDS[name], start.double()), atol=1e-4)
    ]
    if apart:
        for words, options in MISTAKES.items():
            if all(
                torch.allclose(ends[name], expected(FIELDS[name], start.double(), **options), atol=1e-4)
                for name in FIELDS
            ):
                raise Wrong(words)
        raise Wrong(
            f"With {apart[0]} the walk ends elsewhere: after Euler's first step each step should be (r - s) times "
            "v + (v - v_before) / 2."
        )
    return "Order 2 for one call a step: Heun's accuracy class at Euler's price (Adams and Bashforth, 1883)."


FIELDS = {
    "v = 2 s + 1": lambda x, s: torch.full_like(x, 2 * s + 1),
    "v = x": lambda x, s: x.clone(),
    "v = sin(x + 3 s)": lambda x, s: (x + 3 * s).sin(),
}
MISTAKES = {  # words -> what `expected` needs to make the same mistake
    "That is Euler's method: the velocity one step before is unused.": {"weights": (1.0, 0.0)},
    "The mean of now and before lies half a step *behind*; look ahead.": {"weights": (0.5, 0.5)},
    "The weights are exchanged: the newer velocity gets 3/2.": {"weights": (-0.5, 1.5)},
    "That looks a whole step ahead; the middle is half a step ahead.": {"weights": (2.0, -1.0)},
    "Your first step takes a velocity before the start, 0; begin with Euler's step.": {"first": (1.5, -0.5)},
    "Your 'before' stays that of the first step; keep the newest velocity at the end of each round.": {"stale": True},
    "Your steps go the wrong way: r - s is negative, from noise to data.": {"sign": -1},
}


def followed(answer, field, start):
    """Where the answer ends, and its calls of the velocity: [(s, x)]."""
    calls, given = [], start.clone()

    def velocity(x, s):
        if not isinstance(x, torch.Tensor) or x.shape != start.shape:
            raise Wrong(f"velocity takes x of the shape of the start, (6, 3), and s; it was given {describe(x)}.")
        if isinstance(s, torch.Tensor) and s.numel() != 1:
            raise Wrong(f"velocity takes one number s, the same for the whole batch; it was given {describe(s)}.")
        s = as_number(s)
        calls.append((s, x))
        return field(x.double(), s).to(x.dtype)

    end = answer(velocity, given, list(TIMES))
    if not isinstance(end, torch.Tensor) or end.shape != start.shape:
        raise Wrong(f"The result has the shape of x, (6, 3); yours is {describe(end)}.")
    if not torch.equal(given, start):
        raise Wrong("Your function wrote into x; let each step make a new tensor.")
    return end.double(), calls


def check_asked(asked):
    """The velocity is asked once at the beginning of each step."""
    wanted = TIMES[:-1]
    if len(asked) == len(wanted) and all(abs(s - w) < 1e-6 for s, w in zip(asked, wanted, strict=True)):
        return
    if not asked:
        raise Wrong("velocity was never asked.")
    if len(asked) > len(wanted):
        raise Wrong(
            f"velocity is asked {len(asked)} times for {len(wanted)} steps; once a step is enough; keep the last one."
        )
    raise Wrong(f"velocity should be asked once at each of {wanted}; yours asks at {asked[:6]}.")


def expected(field, x, weights=(1.5, -0.5), first=(1.0, 0.0), stale=False, sign=1):
    """Where a walk ends that weighs the velocities of now and before; `stale`: before stays the first one."""
    before = torch.zeros_like(x)
    for i, (s, r) in enumerate(pairwise(TIMES)):
        v = field(x, s)
        now, old = first if i == 0 else weights
        x = x + sign * (r - s) * (now * v + old * before)
        before = before if stale and i else v
    return x


@exercise(
    "flow_matching.3",
    "In order: a time for each image, noise of the shape of the data, the mix, the question to the network, the "
    "target. At time 0 the mix is noise, at time 1 it is data; differentiate the mix to get the target.",
    "tau of shape (N,) has to become (N, 1, 1, 1) to be multiplied with images, but the network is given (N,). "
    "x_tau = tau x_1 + (1 - tau) x_0, where x_0 is the noise here.",
)
def flow_loss(answer):
    """Listens to what the network is asked, and computes the loss from its answer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        data = 3 + 0.5 * torch.rand(600, 3, 4, 5)
        labels = torch.arange(600) % 10
        net = Listener()
        kept = data.clone()
        loss = answer(net, data, labels)
        if not torch.equal(data, kept):
            raise Wrong("Your function wrote into the data; the next epoch would see it.")
        x_tau, tau = check_question(net, data, labels)
        noise = (x_tau - tau * data) / (1 - tau).clamp(min=1e-3)
        check_mix(noise[tau.flatten() < 0.9], x_tau, tau, data)
        check_loss(loss, net.answer, data, noise, tau)
        second = Listener()
        answer(second, data, labels)
        x_new, new = check_question(second, data, labels)
        again = (x_new - new * data) / (1 - new).clamp(min=1e-3)
        if torch.equal(new, tau) or torch.allclose(again[tau.flatten() < 0.5], noise[tau.flatten() < 0.5], atol=1e-3):
            raise Wrong("Called twice with the same images it shows the same mix: draw times and noise anew.")
    return "That is the whole training of a flow: all the rest of this lesson is about the walk."


class Listener:
    """A network that notes what it is asked, and answers at random."""

    def __init__(self):
        self.asked, self.answer = [], None

    def __call__(self, x, tau, y=None):
        self.asked.append((x, tau, y))
        if not isinstance(x, torch.Tensor):
            raise Wrong(f"The network takes a tensor of images first; it was given {describe(x)}.")
        self.answer = torch.randn(x.shape) * torch.ones(1, requires_grad=True)  # without a gradient under no_grad
        return self.answer


def check_question(net, data, labels):
    """(x_tau, tau as (N, 1, 1, 1)) of the one question that was asked."""
    if len(net.asked) != 1:
        raise Wrong(f"The network should be asked once; it was asked {len(net.asked)} times.")
    x_tau, tau, y = net.asked[0]
    if x_tau.shape != data.shape:
        raise Wrong(f"The network should see x of the shape of the data; it was given {describe(x_tau)}.")
    if not isinstance(tau, torch.Tensor) or tau.shape != (len(data),):
        raise Wrong(f"The network takes one time for each image, (N,); it was given {describe(tau)}.")
    if not isinstance(y, torch.Tensor) or not torch.equal(y, labels):
        raise Wrong("Give the network the classes y as third argument, unchanged.")
    if tau.std() < 1e-3:
        raise Wrong("All images got the same time; draw one for each, or the batch sees a single moment.")
    if len(tau.unique()) < 10:
        raise Wrong(f"Only {len(tau.unique())} different times for {len(tau)} images; draw from all of [0, 1].")
    if tau.min() < 0 or tau.max() > 1:
        raise Wrong(f"Times lie in [0, 1] here; yours run from {tau.min():.2g} to {tau.max():.2g}.")
    if tau.std() < 0.1 or tau.min() > 0.2 or tau.max() < 0.8:
        raise Wrong(f"Times should reach all of [0, 1]; yours run from {tau.min():.2f} to {tau.max():.2f}.")
    return x_tau.double(), tau.double().reshape(-1, 1, 1, 1)


def check_mix(noise, x_tau, tau, data):
    """Raise `Wrong` unless what was mixed with the data is standard normal noise, each pixel its own."""
    swapped = ((x_tau - (1 - tau) * data) / tau.clamp(min=1e-3))[tau.flatten() > 0.1]
    if abs(swapped.mean()) < 0.1 and abs(swapped.std() - 1) < 0.1:
        raise Wrong("At time 1 your mix is noise; in this convention time 1 is the data and time 0 the noise.")
    if noise.std() < 1e-2:
        raise Wrong("There is no noise in your mix.")
    if noise.flatten(1).std(dim=1).mean() < 0.5 * noise.std():
        raise Wrong("All pixels of an image get the same noise; each needs its own.")
    if noise.std(dim=0).mean() < 0.5 * noise.std():
        raise Wrong("All images get the same noise; each needs its own.")
    if any(noise.mean(dim=axis).var() > 2 * noise.var() / noise.shape[axis] for axis in (1, 2, 3)):
        raise Wrong("Some pixels or channels of an image share their noise; every number needs its own.")
    if abs(noise.mean()) > 0.1 or abs(noise.std() - 1) > 0.1:
        raise Wrong(
            f"Taking tau times the data out of your mix leaves noise of mean {noise.mean():.2f} and standard deviation "
            f"{noise.std():.2f} per (1 - tau); it should be N(0, 1)."
        )


def check_loss(loss, answer, data, noise, tau):
    """Raise `Wrong` unless the loss is the mean squared error of the answer against data minus noise."""
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
        raise Wrong(f"The loss is one number, as a tensor; yours is {describe(loss)}.")
    safe = (tau < 0.999).flatten()
    answer, data, noise = (x.detach().double()[safe] for x in (answer, data, noise))
    target = data - noise
    right = (answer - target).square().mean()
    known = {
        "The target points from data to noise; as tau grows the mix moves to the data.": (answer + target).square(),
        "The target is the velocity, data minus noise; yours is the data alone.": (answer - data).square(),
        "The target is the velocity, data minus noise; yours is the noise alone.": (answer - noise).square(),
        "That is the absolute error; its best answer is a median. The mean needs the square.": (answer - target).abs(),
    }
    value = loss.detach().double().item()
    if abs(value - right) < 0.002 * right:
        if not loss.requires_grad:
            raise Wrong("The loss has lost its gradient: no .item(), .detach() or no_grad on the way.")
        return
    for words, wrong in known.items():
        if abs(value - wrong.mean()) < 0.002 * wrong.mean():
            raise Wrong(words)
    if abs(value - right * answer.numel()) < 0.02 * right * answer.numel():
        raise Wrong("That is the sum of all squared errors; take the mean, so that it does not depend on the batch.")
    raise Wrong(f"The mean squared error against data minus noise is {right:.3f} here; yours is {value:.3f}.")
