"""Wrong answers to the exercises of latent_diffusion, with words of the feedback that each gets, and right ones."""

from itertools import pairwise

import torch
import torch.nn.functional as F


def over(*dims, centre=True, spread=torch.std):
    """Standardised over these dimensions."""
    return lambda z: (z - z.mean(dims, keepdim=True) * centre) / spread(z, dims, keepdim=True)


def standardise_in_place(z):
    z -= z.mean((0, 2, 3), keepdim=True)
    z /= z.std((0, 2, 3), keepdim=True)
    return z


def by_channels(z):
    """Channel after channel."""
    return torch.stack([(part - part.mean()) / part.std() for part in z.unbind(1)], dim=1)


def by_moments(z):
    """The deviation from the mean square, biased."""
    mean = z.mean(dim=(0, 2, 3), keepdim=True)
    return (z - mean) / ((z * z).mean((0, 2, 3), keepdim=True) - mean**2).sqrt()


def by_flattening(z):
    flat = z.transpose(0, 1).flatten(1)
    flat = (flat - flat.mean(1, keepdim=True)) / flat.std(1, correction=0, keepdim=True)
    return flat.unflatten(1, (z.shape[0], *z.shape[2:])).transpose(0, 1)


def edit(
    mix=lambda u, e, s: (1 - s) * u + s * e, start=lambda s: s, sign=1, extra=0, stop=0, end=0.0, stretch=1.0
):  # fmt: skip
    """An edit with one thing wrong; without arguments it is right."""

    def answer(velocity, u, eps, s, count):
        x = mix(u, eps, s)
        first = start(s)
        n = count + extra
        times = [first + (end - first) * i / n for i in range(n + 1)]
        for i in range(n - stop):
            v = velocity(x, times[i])
            x = x + sign * stretch * (times[i + 1] - times[i]) * v
        return x

    return answer


def edit_long_steps(velocity, u, eps, s, count):
    x = (1 - s) * u + s * eps
    for i in range(count):
        x = x - velocity(x, s * (1 - i / count)) / count
    return x


def edit_forgets_last(velocity, u, eps, s, count):
    x = (1 - s) * u + s * eps
    times = torch.linspace(s, 0, count + 1).double().tolist()
    for a, b in pairwise(times):
        before = x
        x = x + (b - a) * velocity(x, a)
    return before


def edit_in_place(velocity, u, eps, s, count):
    u *= 1 - s
    u += s * eps
    return edit(mix=lambda u, e, s: u)(velocity, u, eps, s, count)


def edit_by_linspace(velocity, u, eps, s, count):
    x = torch.lerp(u, eps, s)
    times = torch.linspace(s, 0, count + 1, dtype=torch.double)
    for a, b in pairwise(times):
        x = x + (b - a) * velocity(x, a)
    return x


def edit_backwards_counting(velocity, u, eps, s, count):
    x = u + s * (eps - u)
    for left in range(count, 0, -1):
        x = x - s / count * velocity(x, s * left / count)
    return x


def edit_recursive(velocity, u, eps, s, count):
    def walk(x, left):
        return x if not left else walk(x - s / count * velocity(x, s * left / count), left - 1)

    return walk((1 - s) * u + s * eps, count)


def step(
    prepare=lambda x: 2 * x - 1, code=lambda z, mean, std: (z - mean) / std, draw=torch.rand, noise=torch.randn_like,
    mix=lambda u, e, s: (1 - s) * u + s * e, clock=lambda s: 1000 * s, target=lambda u, e: e - u, measure=F.mse_loss,
    zero=True, back=True, move=True, frozen=True, value=lambda loss: loss.item(), sign=1,
):  # fmt: skip
    """A training step with one thing wrong; without arguments it is right."""

    def answer(encoder, mean, std, net, optimizer, x):
        with torch.set_grad_enabled(not frozen):
            u = code(encoder(prepare(x)), mean, std)
        s = draw(len(u))
        eps = noise(u)
        u_s = mix(u, eps, s[:, None, None, None])
        loss = measure(net(u_s, clock(s)), target(u, eps))
        if zero:
            optimizer.zero_grad()
        if back:
            (sign * loss).backward()
        if move:
            optimizer.step()
        return value(loss)

    return answer


def step_in_pixels(encoder, mean, std, net, optimizer, x):
    return F.mse_loss(x, torch.zeros_like(x)).item()


def step_twice(encoder, mean, std, net, optimizer, x):
    loss = step(move=False)(encoder, mean, std, net, optimizer, x)
    optimizer.step()
    optimizer.step()
    return loss


def step_with_trained_encoder(encoder, mean, std, net, optimizer, x):
    optimizer.add_param_group({"params": list(encoder.parameters())})
    return step(frozen=False)(encoder, mean, std, net, optimizer, x)


def step_by_detach(encoder, mean, std, net, optimizer, x):
    """The encoder's gradient is cut off afterwards; times from a logit-normal."""
    z = encoder(x.mul(2).sub(1)).detach()
    u = z.sub(mean).div(std)
    s = torch.randn(len(x)).sigmoid()
    eps = torch.randn(u.shape)
    error = net(torch.lerp(u, eps, s.view(-1, 1, 1, 1)), s * 1000) - (eps - u)
    loss = error.pow(2).mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.detach().numpy().item()


def step_functional(encoder, mean, std, net, optimizer, x):
    """Through lesson 11's functions."""
    from helpers.lessons.flow_matching import logit_normal, velocity_loss

    with torch.no_grad():
        u = (encoder(2 * x - 1) - mean) / std
    loss = velocity_loss(net, u, torch.randn_like(u), logit_normal(len(u), u.device))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@torch.no_grad()
def step_by_closure(encoder, mean, std, net, optimizer, x):
    """The optimizer calls back."""
    u = (encoder(-1 + 2 * x) - mean) / std
    s, eps = torch.rand(u.shape[0]), torch.randn_like(u)
    weight = s.reshape(-1, *[1] * (u.ndim - 1))

    def closure():
        optimizer.zero_grad()
        loss = ((net(u + weight * (eps - u), 1e3 * s) - eps + u) ** 2).mean()
        loss.backward()
        return loss

    with torch.enable_grad():
        return optimizer.step(closure).item()


WRONG = [
    ("latent_diffusion.1", over(1, 2, 3), "each of the N pictures"),
    ("latent_diffusion.1", over(2, 3), "each picture's channels"),
    ("latent_diffusion.1", over(0), "each place"),
    ("latent_diffusion.1", over(0, 1, 2, 3), "one scale for everything"),
    ("latent_diffusion.1", lambda z: z - z.mean((0, 2, 3), keepdim=True), "their spread is as before"),
    ("latent_diffusion.1", over(0, 2, 3, centre=0), "Not centred"),
    ("latent_diffusion.1", over(0, 2, 3, spread=torch.var), "the variance"),
    ("latent_diffusion.1", lambda z: z - z.mean((0, 2, 3), True) / z.std((0, 2, 3), keepdim=True), "without brackets"),
    ("latent_diffusion.1", standardise_in_place, "wrote into"),
    ("latent_diffusion.1", lambda z: z.mean((0, 2, 3)), "the shape of z"),
    ("latent_diffusion.1", lambda z: 2 * over(0, 2, 3)(z), "should be 0 and 1"),
    ("latent_diffusion.1", lambda z: over(0, 2, 3)(z).flip(0), "nothing but shift and scale"),
    ("latent_diffusion.2", edit(start=lambda s: 1.0), "begins at 1"),
    ("latent_diffusion.2", edit(start=lambda s: s / 2), "begins at 0.3"),
    ("latent_diffusion.2", edit(mix=lambda u, e, s: u), "at u itself"),
    ("latent_diffusion.2", edit(mix=lambda u, e, s: e), "at pure noise"),
    ("latent_diffusion.2", edit(mix=lambda u, e, s: s * u + (1 - s) * e), "exchanged"),
    ("latent_diffusion.2", edit(mix=lambda u, e, s: u + s * e), "to all of u"),
    ("latent_diffusion.2", edit(mix=lambda u, e, s: u - s * e), "begin at the mix"),
    ("latent_diffusion.2", edit(sign=-1), "the wrong way"),
    ("latent_diffusion.2", edit(extra=1), "yours asks 4"),
    ("latent_diffusion.2", edit(stop=1), "yours asks 2"),
    ("latent_diffusion.2", edit(end=0.1), "equally long"),
    ("latent_diffusion.2", edit(stretch=0.5), "ends elsewhere"),
    ("latent_diffusion.2", edit_long_steps, "as those of a walk from 1"),
    ("latent_diffusion.2", edit_forgets_last, "last step is missing"),
    ("latent_diffusion.2", edit_in_place, "wrote into u or eps"),
    ("latent_diffusion.2", lambda velocity, u, eps, s, count: (1 - s) * u + s * eps, "never asked"),
    ("latent_diffusion.2", lambda velocity, u, eps, s, count: edit()(velocity, u, eps, s, count)[0], "the shape of u"),
    ("latent_diffusion.3", step(prepare=lambda x: x), "in [-1, 1]"),
    ("latent_diffusion.3", step(prepare=lambda x: x - 0.5), "as 2 x - 1"),
    ("latent_diffusion.3", step(frozen=False), "went into the encoder"),
    ("latent_diffusion.3", step_with_trained_encoder, "went into the encoder"),
    ("latent_diffusion.3", step(code=lambda z, mean, std: z), "not standardised"),
    ("latent_diffusion.3", step(code=lambda z, mean, std: z * std + mean), "(1 - s) u + s eps"),
    ("latent_diffusion.3", step(draw=lambda n: torch.rand(1).expand(n)), "the same time"),
    ("latent_diffusion.3", step(clock=lambda s: s), "runs to 1000"),
    ("latent_diffusion.3", step(clock=lambda s: 1000 * (1 - s)), "exchanged"),
    ("latent_diffusion.3", step(draw=lambda n: 0.4 + 0.2 * torch.rand(n)), "reach over"),
    ("latent_diffusion.3", step(noise=torch.zeros_like), "no noise"),
    ("latent_diffusion.3", step(noise=lambda u: torch.randn_like(u[:1]).expand_as(u)), "the same noise"),
    ("latent_diffusion.3", step(noise=torch.rand_like), "from N(0, 1)"),
    ("latent_diffusion.3", step(mix=lambda u, e, s: s * u + (1 - s) * e), "exchanged"),
    ("latent_diffusion.3", step(target=lambda u, e: u - e), "the other sign"),
    ("latent_diffusion.3", step(target=lambda u, e: e), "the noise alone"),
    ("latent_diffusion.3", step(target=lambda u, e: u), "the code alone"),
    ("latent_diffusion.3", step(measure=F.l1_loss), "the absolute error"),
    ("latent_diffusion.3", step(measure=lambda a, b: F.mse_loss(a, b, reduction="sum")), "take the mean"),
    ("latent_diffusion.3", step(value=lambda loss: loss), "as a float"),
    ("latent_diffusion.3", step(value=lambda loss: 2 * loss.item()), "you return"),
    ("latent_diffusion.3", step(zero=False), "zero_grad"),
    ("latent_diffusion.3", step(move=False), "did not change"),
    ("latent_diffusion.3", step(sign=-1), "up the gradient"),
    ("latent_diffusion.3", step_twice, "exactly one step"),
    ("latent_diffusion.3", step_in_pixels, "never asked"),
]  # fmt: skip

RIGHT = [
    ("latent_diffusion.1", over(0, 2, 3)),
    ("latent_diffusion.1", by_channels),
    ("latent_diffusion.1", by_moments),
    ("latent_diffusion.1", by_flattening),
    ("latent_diffusion.2", edit()),
    ("latent_diffusion.2", edit_by_linspace),
    ("latent_diffusion.2", edit_backwards_counting),
    ("latent_diffusion.2", edit_recursive),
    ("latent_diffusion.3", step()),
    ("latent_diffusion.3", step_by_detach),
    ("latent_diffusion.3", step_functional),
    ("latent_diffusion.3", step_by_closure),
]


# What experts passed with, wrong, or failed with, right, before the judges knew it.


def step_writes(encoder, mean, std, net, optimizer, x):
    x *= 2
    x -= 1
    return step(prepare=lambda x: x)(encoder, mean, std, net, optimizer, x)


def step_seeded(encoder, mean, std, net, optimizer, x):
    torch.manual_seed(0)
    return step()(encoder, mean, std, net, optimizer, x)


def step_in_pieces(encoder, mean, std, net, optimizer, x):
    """The encoder is asked twice, for a half each."""
    return step()(lambda x: torch.cat([encoder(part) for part in x.chunk(2)]), mean, std, net, optimizer, x)


WRONG += [
    ("latent_diffusion.3", step_writes, "wrote into the images"),
    ("latent_diffusion.3", step_seeded, "the same mix"),
    (
        "latent_diffusion.3",
        step(noise=lambda u: torch.randn(len(u), 1, *u.shape[2:]).expand_as(u)),
        "share their noise",
    ),
    ("latent_diffusion.3", step(draw=lambda n: 0.2 + 0.6 * torch.rand(n)), "should reach over (0, 1)"),
]
RIGHT += [
    ("latent_diffusion.1", lambda z: over(0, 2, 3)(z.double())),
    ("latent_diffusion.3", step_in_pieces),
]
