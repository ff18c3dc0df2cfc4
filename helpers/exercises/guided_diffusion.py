"""Judges of the exercises of the lesson guided_diffusion."""

import math

import torch
import torch.nn.functional as F

from helpers.exercises import Wrong, describe, exercise


def noise(*shape, seed=0):
    """The same random numbers at every call."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def as_image(value, x):
    """`value`, if it is a tensor of x's shape."""
    if not isinstance(value, torch.Tensor) or value.shape != x.shape:
        raise Wrong(f"The result has the shape of the images, {tuple(x.shape)}; yours is {describe(value)}.")
    return value.double()


def block_means(x):
    """Means (N, 1, H / 4, W / 4) of the blocks of 4 x 4 pixels."""
    return F.avg_pool2d(x, 4)


def spread(low):
    """Each of the numbers on a block of 4 x 4 pixels."""
    return low.repeat_interleave(4, dim=-2).repeat_interleave(4, dim=-1)


@exercise(
    "guided_diffusion.1",
    "What does the first class add to the prediction without a class? What does the second? Both are differences.",
    "Begin with the answer without a class, and add each difference as strongly as its scale says. With one of the "
    "scales 0, ordinary guidance must be left.",
)
def compose_cfg(answer):
    """Compares with the sum of both pushes for several pairs of scales, the simple ones first."""
    uncond, first, second = noise(3, 4, 1, 6, 6).float()
    kept = [x.clone() for x in (uncond, first, second)]
    a, b = 0.5, 2.5
    value = as_image(answer(uncond, first, second, a, b), uncond)
    if not all(torch.equal(x, y) for x, y in zip((uncond, first, second), kept, strict=True)):
        raise Wrong("Your function wrote into a prediction that it was given; return a new tensor.")
    uncond, first, second = (x.double() for x in (uncond, first, second))
    pushes = a * (first - uncond) + b * (second - uncond)
    known = {
        "A push is the difference to the prediction without a class; you add whole predictions.": (
            uncond + a * first + b * second
        ),
        "The prediction without a class is missing: the pushes start from it.": pushes,
        "That is a mean of two guided predictions; both pushes should act in full.": uncond + pushes / 2,
        "The second push starts where the first one ended and takes some of it back; both start from `uncond`.": (
            (1 - b) * (uncond + a * (first - uncond)) + b * second
        ),
        "The two scales are exchanged.": uncond + b * (first - uncond) + a * (second - uncond),
    }
    for words, wrong in known.items():
        if torch.allclose(value, wrong, atol=1e-4):
            raise Wrong(words)
    simple = {(0.0, 0.0): ("the prediction without a class", uncond), (1.0, 0.0): ("the first one", first)}
    simple |= {(0.0, 1.0): ("the second one", second), (a, b): ("uncond plus both pushes", uncond + pushes)}
    simple |= {(-1.0, 2.0): ("uncond plus both pushes", 2 * second - first)}
    for (a, b), (words, right) in simple.items():
        if not torch.allclose(as_image(answer(*(x.clone() for x in kept), a, b), uncond), right, atol=1e-4):
            raise Wrong(f"With the scales {a:g} and {b:g} it should be {words}; yours differs.")
    return "With a negative scale the second wish becomes a prohibition. (Lesson 13's negative prompt is a relative.)"


@exercise(
    "guided_diffusion.2",
    "At s = 0: which change of the 16 pixels of a block mends its mean and is the smallest? At s: averaging 16 pixels "
    "also averages their noise; which variance is left?",
    "What is known at s is lesson 08's jump, made with the small image: which factor has the image, and how large "
    "is the noise in a mean of 16 pixels? Compare with the means that x_s has, and spread each difference over its "
    "block.",
)
def keep_means(answer):
    """Checks the projection at s = 0, then mean, variance and independence of the block means, then the rest."""
    alpha_bars = torch.tensor([1.0, 0.64, 0.19], dtype=torch.double)
    x, low = noise(500, 1, 28, 28).float(), noise(500, 1, 7, 7, seed=1).float()
    torch.manual_seed(0)

    def kept(s):
        given = x.clone(), low.clone()
        value = as_image(answer(*given, s, alpha_bars.float()), x)
        if not torch.equal(given[0], x) or not torch.equal(given[1], low):
            raise Wrong("Your function wrote into x_s or low; return a new tensor.")
        if not value.isfinite().all():
            raise Wrong(
                f"At s = {s} your x_s holds nan or infinity: the root of a negative number, or a division by 0?"
            )
        return value

    value = kept(0)
    check_projection(value, x, low)
    for s in (1, 2):
        alpha_bar_s = alpha_bars[s].item()
        value, again = (kept(s) for _ in range(2))
        means = block_means(value)
        slope = ((means * low).mean() / low.square().mean()).item()
        rest = means - slope * low
        width, right = rest.var().item(), (1 - alpha_bar_s) / 16
        if not torch.allclose(value - spread(means), (x - spread(block_means(x))).double(), atol=1e-4):
            raise Wrong("What x_s has besides its block means should stay as it is.")
        if abs(slope - alpha_bar_s**0.5) > 0.02:
            words = "the picture's share there is the root of alpha_bar"
            raise Wrong(f"At s = {s} low enters with the factor {slope:.2f}, not {alpha_bar_s**0.5:.2f}: {words}.")
        if width < 0.01 * right:
            raise Wrong(f"At s = {s} the means have no noise; x_s would know more than it can.")
        if torch.equal(value, again):
            raise Wrong("Two calls give the same noise; every step needs fresh noise.")
        shared = [axis for axis in (0, 2, 3) if rest.mean(dim=axis).var() > 3 * width / rest.shape[axis]]
        if shared:
            raise Wrong("Some block means share one noise number; every block of every image has noise of its own.")
        if abs(width / right - 16) < 1:
            raise Wrong("Your block means are as noisy as single pixels; a mean of 16 has less noise.")
        if abs(width / right - 1 / 16) < 0.01:
            raise Wrong("A sixteenth is the factor of the variance; its root belongs before the noise.")
        if abs(width - (1 - alpha_bar_s) ** 2 / 16) < 0.02 * right:
            raise Wrong("1 - alpha_bar is a variance; the noise is multiplied by its root.")
        if abs(width / right - 1) > 0.05:
            raise Wrong(f"At s = {s} the block means should have the variance {right:.4f} around low's part; "
                        f"yours have {width:.4f}.")  # fmt: skip
    return "Known pixels, known means: any linear measurement can be kept in this way."


def check_projection(value, x, low):
    """Raise Wrong unless value is x (N, 1, 28, 28), moved the least to have the block means low (N, 1, 7, 7)."""
    x, low = x.double(), low.double()
    off = low - block_means(x)
    if torch.allclose(value, x + spread(off), atol=1e-4):
        return
    known = {
        "The means are right and x_s is gone: keep what x_s has besides its block means.": spread(low),
        "Add what is missing, not all of low: x_s has block means already.": x + spread(low),
        "Now all block means are 0: add those of low.": x - spread(block_means(x)),
        "The sign: blocks that were too dark got darker.": x - spread(off),
        "Every pixel has to move by the whole difference, or the mean moves by a sixteenth of it.": x
        + spread(off) / 16,
    }
    for words, wrong in known.items():
        if torch.allclose(value, wrong, atol=1e-4):
            raise Wrong(words)
    if torch.allclose(block_means(value), low, atol=1e-4):
        raise Wrong("The means are right, but a smaller change would do: the same for all 16 pixels of a block.")
    wrong = (block_means(value) - low).abs().max().item()
    raise Wrong(
        f"At s = 0 there is no noise: the block means should be low, exactly; one of yours is off by {wrong:.3f}."
    )


class EpsNet:
    """A stand-in for a network: eps_hat, shape of x_t (N, 1, 4, 4), from x_t, t (N,) and y (N,) in 0..10.

    It notes the timesteps and the classes that it is asked for.
    """

    def __init__(self):
        self.weight, self.bias = noise(11, 1, 4, 4, seed=2), noise(11, 1, 4, 4, seed=3)
        self.times, self.classes = set(), set()

    def __call__(self, x_t, t, y):
        for name, value in {"t": t, "y": y}.items():
            if not isinstance(value, torch.Tensor) or value.shape != x_t.shape[:1]:
                raise Wrong(f"A network wants {name} as a tensor (N,), a number for each image; "
                            f"yours is {describe(value)}.")  # fmt: skip
        self.times |= {int(time) for time in t}
        self.classes |= {int(k) for k in y}
        time = t.to(x_t.dtype).reshape(-1, 1, 1, 1) / 50
        return torch.tanh(self.weight[y.long()] * x_t + self.bias[y.long()] * (0.5 + time))


def combine(uncond, cond, scale):
    """Classifier-free guidance: (the eps that x_0_hat is made of, the eps that x_s gets)."""
    eps = uncond + scale * (cond - uncond)
    return eps, eps


def guided_walk(x, y, scale, timesteps, alpha_bars, both=combine, root=0.5, largest=math.inf, stop=0):
    """What exercise 3 asks for, shape of x (N, 1, 4, 4); both, root, largest and stop are ways to get it wrong."""
    net = EpsNet()
    later = [*timesteps[1:], stop]
    for t, s in zip(timesteps, later, strict=True):
        now, then = alpha_bars[t], alpha_bars[s]
        time = torch.full_like(y, t)
        first, second = both(net(x, time, torch.full_like(y, 10)), net(x, time, y), scale)
        x_0_hat = (x - (1 - now) ** root * first) / now**root
        if x_0_hat.abs().max() > largest:
            x_0_hat = x_0_hat.clamp(-largest, largest)
            second = (x - now**root * x_0_hat) / (1 - now) ** root
        x = then**root * x_0_hat + (1 - then) ** root * second
    return x


@exercise(
    "guided_diffusion.3",
    "At each timestep the network is asked twice: about which classes? The two answers become one eps. From there "
    "lesson 09 knows the way: x_0_hat, then x_s with the same eps. After the last timestep, s is 0.",
    "Write the body of the loop for one pair (t, s) of `pairwise([*timesteps, 0])`: two answers, one eps, the "
    "x_0_hat that belongs to it, and lesson 09's step without fresh noise.",
)
def cfg_sample(answer):
    """Compares with the walk of a stand-in for the network, for several scales and uneven timesteps."""
    alpha_bars = torch.cat([torch.ones(1), torch.linspace(0.98, 0.02, 50)]).double()
    x, y = noise(7, 1, 4, 4), torch.tensor([3, 0, 8, 8, 5, 1, 7])
    for scale, timesteps in ((2.5, [50, 37, 11]), (1.0, [44, 9]), (0.0, [50, 49, 3, 1]), (4.0, [30])):
        net, kept, labels = EpsNet(), x.clone(), y.clone()
        value = as_image(answer(net, x, y, scale, list(timesteps), alpha_bars), x)
        if not torch.equal(x, kept) or not torch.equal(y, labels):
            raise Wrong("Your function wrote into x or y; go on with new tensors.")
        if odd := sorted(net.times - set(timesteps)):
            raise Wrong(f"The network was asked at t = {odd[0]}; the timesteps are {timesteps}.")
        if value.isnan().any():
            raise Wrong("Your walk holds nan: the root of a negative number, or 0 / 0?")
        if not torch.equal(value, as_image(answer(EpsNet(), x, y, scale, list(timesteps), alpha_bars), x)):
            raise Wrong("Two calls give two results: DDIM with eta = 0 adds no fresh noise; all of it is in x.")
        if not torch.allclose(value, guided_walk(x, y, scale, timesteps, alpha_bars), atol=1e-4):
            raise Wrong(what_went_wrong(value, net, x, y, scale, timesteps, alpha_bars))
    return (
        "Algorithm 2 of Ho and Salimans, with DDIM's step. Any network that was trained with and without y can do it."
    )


def what_went_wrong(value, net, x, y, scale, timesteps, alpha_bars):
    """A sentence about a value (N, 1, 4, 4) that is not the guided walk; `net` has noted what it was asked."""
    if 10 not in net.classes:
        return "The network was never asked without a class: y = 10 means that none is given."

    def walk(scale=scale, **wrong):
        return guided_walk(x, y, scale, timesteps, alpha_bars, **wrong)

    known = {
        "`scale` changes nothing: that is the walk with the class, scale 1.": walk(1.0),
        "`scale` changes nothing: that is the walk without a class, scale 0.": walk(0.0),
        "That is Ho and Salimans' w, which is our scale - 1: here scale 1 is the class alone.": walk(scale + 1),
        "The two predictions are exchanged: at scale 1 only the one with the class counts.": walk(1 - scale),
        "The push is the difference of the two predictions; you add a whole one.": walk(
            both=lambda uncond, cond, w: (uncond + w * cond,) * 2
        ),
        "x_0_hat is guided, and the noise in x_s is not: make both of the same eps.": walk(
            both=lambda uncond, cond, w: (combine(uncond, cond, w)[0], cond)
        ),
        "Two walks, combined at the end: the predictions are to be combined at every step.": combine(
            walk(0.0), walk(1.0), scale
        )[0],
        "alpha_bar is a part of the variance; lengths need its root.": walk(root=1.0),
        "Nothing is to be clamped here.": walk(largest=1.0),
        "The last step is missing: after the last timestep comes s = 0.": guided_walk(
            x, y, scale, timesteps[:-1], alpha_bars, stop=timesteps[-1]
        ),
    }
    for words, wrong in known.items():
        if torch.allclose(value, wrong):
            return words
    return f"With scale {scale:g} and the timesteps {timesteps} yours ends elsewhere: look at one step by itself."
