"""Wrong answers to the exercises of guided_diffusion, with words of the feedback that each gets, and right ones."""

from itertools import pairwise

import torch
import torch.nn.functional as F

from helpers.lessons.diffusion import add_noise, ddim_sample, ddim_step, to_x_0
from helpers.lessons.guidance import cfg_combine


def spread(low):
    return low.repeat_interleave(4, dim=-2).repeat_interleave(4, dim=-1)


def lift(x, low):
    """The right answer at s = 0: x with the block means low."""
    return x + spread(low - F.avg_pool2d(x, 4))


def bend_in_place(x, low):
    x += spread(low - F.avg_pool2d(x, 4))
    return x


def lift_one_pixel(x, low):
    """The right means, by a change of one pixel in each block."""
    y = x.clone()
    y[:, :, ::4, ::4] += 16 * (low - F.avg_pool2d(x, 4))
    return y


def noisy_means(
    picture=lambda a: a**0.5, width=lambda a: ((1 - a) / 16) ** 0.5, draw=torch.randn_like, earlier=0, move=lift
):
    """Exercise 2 with a share of the picture, a noise, a time or a projection that may be wrong."""

    def answer(x_s, low, s, bars):
        share = bars[max(0, s - earlier)]
        return move(x_s, picture(share) * low + width(share) * draw(low))

    return answer


def means_in_place(x_s, low, s, bars):
    return bend_in_place(x_s, bars[s].sqrt() * low)


def one_noise_number(*shared):
    """Noise of low's shape (N, 1, 7, 7) in which all entries along the axes `shared` are the same number."""

    def draw(low):
        shape = [1 if axis in shared else size for axis, size in enumerate(low.shape)]
        return torch.randn(shape, dtype=low.dtype).expand_as(low)

    return draw


def same_noise(low):
    return torch.randn(low.shape, generator=torch.Generator().manual_seed(0), dtype=low.dtype)


def keep_by_pooling(x_s, low, s, bars):
    """Noises the enlarged small image pixel by pixel, and takes the means of that."""
    times = torch.full((len(low),), s)
    image = add_noise(spread(low), times, torch.randn(x_s.shape, dtype=x_s.dtype), bars)
    return x_s + spread(F.avg_pool2d(image - x_s, 4))


def keep_by_kron(x_s, low, s, bars):
    means = x_s.reshape(-1, 7, 4, 7, 4).mean(dim=(2, 4))[:, None]
    new = bars[s] ** 0.5 * low + (1 - bars[s]) ** 0.5 / 4 * torch.randn(low.shape).to(low)
    return torch.kron(new - means, torch.ones(1, 1, 4, 4).to(low)) + x_s


def keep_by_loops(x_s, low, s, bars):
    result = torch.empty_like(x_s)
    for i in range(7):
        for j in range(7):
            rows, columns = slice(4 * i, 4 * i + 4), slice(4 * j, 4 * j + 4)
            wanted = torch.normal(bars[s].sqrt() * low[:, 0, i, j], ((1 - bars[s]) / 16).sqrt())
            block = x_s[:, 0, rows, columns]
            result[:, 0, rows, columns] = block + (wanted - block.mean(dim=(1, 2)))[:, None, None]
    return result


def keep_nearest(x_s, low, s, bars):
    known = torch.sqrt(bars[s]) * low + torch.sqrt(1 - bars[s]) * torch.randn_like(low) / 16**0.5
    return x_s - F.interpolate(F.avg_pool2d(x_s, 4) - known, scale_factor=4, mode="nearest")


def walk(
    both=lambda none, cond, w: (none + w * (cond - none),) * 2, root=0.5, clamp=None, last=0, none=10, noise=0, ask=None
):
    """Exercise 3 with one thing that may be wrong."""

    def answer(eps_net, x, y, scale, timesteps, bars):
        steps = [*timesteps, last] if last is not None else timesteps
        for t, s in pairwise(steps):
            times = torch.full_like(y, t) if ask is None else ask(t, s, y)
            first, second = both(eps_net(x, times, torch.full_like(y, none)), eps_net(x, times, y), scale)
            x_0_hat = (x - (1 - bars[t]) ** root * first) / bars[t] ** root
            if clamp:
                x_0_hat = x_0_hat.clamp(-1, 1)
                second = (x - bars[t] ** root * x_0_hat) / (1 - bars[t]) ** root
            x = bars[s] ** root * x_0_hat + (1 - bars[s]) ** root * second + noise * torch.randn_like(x)
        return x

    return answer


def combined_at_the_end(eps_net, x, y, scale, timesteps, bars):
    uncond, cond = (walk()(eps_net, x, y, w, timesteps, bars) for w in (0.0, 1.0))
    return (1 - scale) * uncond + scale * cond


def walk_in_place(eps_net, x, y, scale, timesteps, bars):
    x.copy_(walk()(eps_net, x.clone(), y, scale, timesteps, bars))
    return x


def walk_at_once(eps_net, x, y, scale, timesteps, bars):
    """Both classes in one batch."""
    for t, s in zip(timesteps, [*timesteps[1:], 0], strict=True):
        both = torch.cat([torch.full_like(y, 10), y])
        uncond, cond = eps_net(x.repeat(2, 1, 1, 1), torch.full_like(both, t), both).chunk(2)
        eps = torch.lerp(uncond, cond, scale)
        x = (bars[s] / bars[t]).sqrt() * (x - (1 - bars[t]).sqrt() * eps) + (1 - bars[s]).sqrt() * eps
    return x


def walk_by_lesson_9(eps_net, x, y, scale, timesteps, bars):
    """With a predict_x_0: lesson 09's functions do the rest, and x_0_hat is combined."""

    def predict_x_0(x_t, t):
        times = torch.full((len(x_t),), t)
        uncond, cond = (to_x_0("eps", eps_net(x_t, times, k), x_t, bars[t]) for k in (torch.full((len(x_t),), 10), y))
        return cfg_combine(uncond, cond, scale)

    return ddim_sample(predict_x_0, x, timesteps, bars)


def walk_skipping(eps_net, x, y, scale, timesteps, bars):
    """Asks once where one answer is enough, and takes lesson 09's step."""
    for i, t in enumerate(timesteps):
        s = timesteps[i + 1] if i + 1 < len(timesteps) else 0
        times = torch.tensor([t] * len(x))
        eps = eps_net(x, times, y) if scale else 0
        if scale != 1:
            eps = scale * eps + (1 - scale) * eps_net(x, times, y * 0 + 10)
        x = ddim_step(x, to_x_0("eps", eps, x, bars[t]), t, s, bars)
    return x


def walk_down_again(eps_net, x, y, scale, timesteps, bars):
    """By recursion, in terms of the score."""
    if not timesteps:
        return x
    t, *rest = timesteps
    s = rest[0] if rest else 0
    times = torch.full((len(x),), t)
    width = (1 - bars[t]).sqrt()
    uncond, cond = (-eps_net(x, times, k) / width for k in (torch.full_like(y, 10), y))
    score = uncond + scale * (cond - uncond)
    x_0_hat = (x + width**2 * score) / bars[t].sqrt()
    return walk_down_again(
        eps_net, bars[s].sqrt() * x_0_hat - (1 - bars[s]).sqrt() * width * score, y, scale, rest, bars
    )


WRONG = [
    ("guided_diffusion.1", lambda none, x, y, a, b: none + a * x + b * y, "you add whole predictions"),
    ("guided_diffusion.1", lambda none, x, y, a, b: a * (x - none) + b * (y - none), "is missing"),
    ("guided_diffusion.1", lambda none, x, y, a, b: none + (a * (x - none) + b * (y - none)) / 2, "a mean of two"),
    (
        "guided_diffusion.1",
        lambda none, x, y, a, b: (1 - b) * ((1 - a) * none + a * x) + b * y,
        "where the first one ended",
    ),
    ("guided_diffusion.1", lambda none, x, y, a, b: none + b * (x - none) + a * (y - none), "exchanged"),
    ("guided_diffusion.1", lambda none, x, y, a, b: a * x + b * y, "the prediction without a class; yours"),
    ("guided_diffusion.1", lambda none, x, y, a, b: none + a * (x - none) + b * (y - x), "yours differs"),
    (
        "guided_diffusion.1",
        lambda none, x, y, a, b: none.add_(a * (x - none) + b * (y - none)),
        "wrote into a prediction",
    ),
    ("guided_diffusion.1", lambda none, x, y, a, b: (none + a * (x - none) + b * (y - none))[0], "shape of the images"),
    ("guided_diffusion.2", noisy_means(move=lambda x, low: spread(low)), "x_s is gone"),
    ("guided_diffusion.2", noisy_means(move=lambda x, low: x + spread(low)), "not all of low"),
    ("guided_diffusion.2", lambda x, low, s, bars: x - spread(F.avg_pool2d(x, 4)), "all block means are 0"),
    ("guided_diffusion.2", noisy_means(move=lambda x, low: 2 * x - lift(x, low)), "The sign"),
    ("guided_diffusion.2", noisy_means(move=lambda x, low: x + (lift(x, low) - x) / 16), "a sixteenth"),
    ("guided_diffusion.2", noisy_means(move=lift_one_pixel), "a smaller change"),
    (
        "guided_diffusion.2",
        noisy_means(move=lambda x, low: x + F.interpolate(low - F.avg_pool2d(x, 4), size=28, mode="bicubic")),
        "is off by",
    ),
    ("guided_diffusion.2", lambda x, low, s, bars: low, "shape of the images"),
    ("guided_diffusion.2", noisy_means(width=lambda a: (1 - a) ** 0.5), "as noisy as single pixels"),
    ("guided_diffusion.2", noisy_means(width=lambda a: 0), "no noise"),
    ("guided_diffusion.2", noisy_means(width=lambda a: (1 - a) ** 0.5 / 16), "A sixteenth is the factor"),
    ("guided_diffusion.2", noisy_means(width=lambda a: (1 - a) / 4), "is a variance"),
    ("guided_diffusion.2", noisy_means(width=lambda a: (1 - a) ** 0.5 / 8), "should have the variance"),
    ("guided_diffusion.2", noisy_means(picture=lambda a: a), "the root of alpha_bar"),
    ("guided_diffusion.2", noisy_means(picture=lambda a: 1), "the root of alpha_bar"),
    (
        "guided_diffusion.2",
        lambda x, low, s, bars: lift(noisy_means()(x, low, s, bars) * (1 if s == 0 else 0), bars[s].sqrt() * low),
        "should stay as it is",
    ),
    ("guided_diffusion.2", noisy_means(width=lambda a: 0.1), "is off by"),
    ("guided_diffusion.2", noisy_means(earlier=1), "the root of alpha_bar"),
    ("guided_diffusion.2", noisy_means(draw=one_noise_number(2, 3)), "share one noise number"),
    ("guided_diffusion.2", noisy_means(draw=one_noise_number(0)), "share one noise number"),
    ("guided_diffusion.2", noisy_means(draw=one_noise_number(2)), "share one noise number"),
    ("guided_diffusion.2", noisy_means(draw=same_noise), "the same noise"),
    ("guided_diffusion.2", means_in_place, "wrote into x_s"),
    ("guided_diffusion.3", walk(both=lambda none, cond, w: (cond, cond)), "with the class, scale 1"),
    ("guided_diffusion.3", walk(both=lambda none, cond, w: (none, none)), "without a class, scale 0"),
    ("guided_diffusion.3", walk(both=lambda none, cond, w: ((1 + w) * cond - w * none,) * 2), "our scale - 1"),
    ("guided_diffusion.3", walk(both=lambda none, cond, w: (cond + w * (none - cond),) * 2), "exchanged"),
    ("guided_diffusion.3", walk(both=lambda none, cond, w: (none + w * cond,) * 2), "you add a whole one"),
    ("guided_diffusion.3", walk(both=lambda none, cond, w: (none + w * (cond - none), cond)), "the same eps"),
    ("guided_diffusion.3", walk(both=lambda none, cond, w: (none + w * (cond - none), none)), "ends elsewhere"),
    ("guided_diffusion.3", combined_at_the_end, "Two walks"),
    ("guided_diffusion.3", walk(root=1), "alpha_bar is a part of the variance"),
    ("guided_diffusion.3", walk(clamp=True), "clamped"),
    ("guided_diffusion.3", walk(last=None), "The last step is missing"),
    ("guided_diffusion.3", walk(none=0), "never asked without a class"),
    ("guided_diffusion.3", walk(noise=0.01), "no fresh noise"),
    ("guided_diffusion.3", walk(ask=lambda t, s, y: torch.full_like(y, s)), "was asked at t"),
    ("guided_diffusion.3", walk(ask=lambda t, s, y: t), "as a tensor (N,)"),
    ("guided_diffusion.3", walk_in_place, "wrote into x or y"),
    ("guided_diffusion.3", lambda *given: walk()(*given)[:1], "shape of the images"),
]

RIGHT = [
    ("guided_diffusion.1", lambda none, x, y, a, b: none + a * (x - none) + b * (y - none)),
    ("guided_diffusion.1", lambda none, x, y, a, b: (1 - a - b) * none + a * x + b * y),
    ("guided_diffusion.1", lambda none, x, y, a, b: torch.lerp(none, x, a) + torch.lerp(none, y, b) - none),
    (
        "guided_diffusion.1",
        lambda none, x, y, a, b: none + sum(w * (other - none) for w, other in zip((a, b), (x, y), strict=True)),
    ),
    ("guided_diffusion.2", noisy_means()),
    ("guided_diffusion.2", keep_by_pooling),
    ("guided_diffusion.2", keep_by_kron),
    ("guided_diffusion.2", keep_by_loops),
    ("guided_diffusion.2", keep_nearest),
    ("guided_diffusion.3", walk()),
    ("guided_diffusion.3", walk_at_once),
    ("guided_diffusion.3", walk_by_lesson_9),
    ("guided_diffusion.3", walk_skipping),
    ("guided_diffusion.3", walk_down_again),
]


# What experts passed with, wrong, or failed with, right, before the judges knew it.


def combined_by_einsum(uncond, first, second, a, b):
    """With weights as a float32 tensor."""
    return torch.einsum("k,k...->...", torch.tensor([1 - a - b, a, b]), torch.stack([uncond, first, second]))


WRONG += [
    (
        "guided_diffusion.1",
        lambda none, a, b, x, y: none + max(x, 0) * (a - none) + max(y, 0) * (b - none),
        "uncond plus",
    ),
    ("guided_diffusion.3", walk(ask=lambda t, s, y: torch.full((10,), t)), "a number for each image"),
    ("guided_diffusion.3", lambda net, x, y, *rest: walk()(net, x, torch.arange(len(y)), *rest), "ends elsewhere"),
]
RIGHT += [("guided_diffusion.1", combined_by_einsum)]
