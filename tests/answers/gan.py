"""Wrong answers to the exercises of gan, with words of the feedback that each gets, and right ones."""

import numpy as np
import torch
import torch.nn.functional as F

# gan.2


def leash(fraction=lambda x: torch.rand(len(x), 1, 1, 1), price=lambda norm: (norm - 1).square().mean(), graph=True,
          ends=lambda x, fake: (x, fake)):  # fmt: skip
    """The gradient penalty with a fraction of the real images, a price, a graph or ends that may be wrong."""

    def answer(discriminator, x, fake):
        a = fraction(x)
        x, fake = ends(x, fake)
        between = (a * x + (1 - a) * fake).requires_grad_(True)
        (slope,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=graph)
        return price(slope.flatten(1).norm(dim=1))

    return answer


def norm_of_the_batch(discriminator, x, fake):
    between = torch.lerp(fake, x, torch.rand(len(x), 1, 1, 1)).requires_grad_(True)
    (slope,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
    return (slope.flatten(1).square().sum(dim=1).mean().sqrt() - 1).square()


def slope_of_a_mean(discriminator, x, fake):
    between = torch.lerp(fake, x, torch.rand(len(x), 1, 1, 1)).requires_grad_(True)
    (slope,) = torch.autograd.grad(discriminator(between).mean(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def with_ones(discriminator, x, fake):
    a = torch.rand(len(x), 1, 1, 1, device=x.device)
    between = (a * x + (1 - a) * fake).detach().requires_grad_(True)
    slope = torch.autograd.grad(
        outputs=discriminator(between), inputs=between, grad_outputs=torch.ones(len(x), 1), create_graph=True,
        retain_graph=True,
    )[0]  # fmt: skip
    return ((slope.view(len(x), -1).norm(2, dim=1) - 1) ** 2).mean()


def with_ones_like(discriminator, x, fake):
    between = torch.lerp(x, fake, torch.empty(len(x), 1, 1, 1).uniform_()).requires_grad_()
    logit = discriminator(between)
    slope = torch.autograd.grad(logit, between, torch.ones_like(logit), create_graph=True)[0]
    return F.mse_loss((slope**2).sum(dim=(1, 2, 3)).sqrt(), torch.ones(len(x)))


def one_by_one(discriminator, x, fake):
    mixed = [a * one + (1 - a) * other for a, one, other in zip(np.random.rand(len(x)), x, fake, strict=True)]
    mixed = torch.stack(mixed).float().requires_grad_(True)
    (slope,) = torch.autograd.grad(discriminator(mixed).squeeze().sum(), mixed, create_graph=True)
    return sum((one.norm() - 1) ** 2 for one in slope) / len(slope)


# gan.3


def play(loss_d=lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
         loss_g=lambda fake: F.softplus(-fake).mean(), cut=True, clear="dg", codes="dg", order="dg", step="dg",
         result=lambda d, g: (d.item(), g.item())):  # fmt: skip
    """One round, with losses, order, codes or gradients that may be wrong."""

    def answer(generator, discriminator, x, z_d, z_g, opt_g, opt_d):
        z = {"d": z_d, "g": z_g}

        def turn_of_d():
            fake = generator(z[codes[0]])
            loss = loss_d(discriminator(x), discriminator(fake.detach() if cut else fake))
            if "d" in clear:
                opt_d.zero_grad()
            loss.backward()
            if "d" in step:
                opt_d.step()
            return loss

        def turn_of_g():
            loss = loss_g(discriminator(generator(z[codes[1]])))
            if "g" in clear:
                opt_g.zero_grad()
            loss.backward()
            if "g" in step:
                opt_g.step()
            if "both" in step:
                opt_d.step()
            return loss

        if "g" in clear and not cut:
            opt_g.zero_grad()
        turns = {"d": turn_of_d, "g": turn_of_g}
        losses = {who: turns[who]() for who in order}
        return result(losses["d"], losses["g"])

    return answer


def at_once(generator, discriminator, x, z_d, z_g, opt_g, opt_d):
    loss_d = F.softplus(-discriminator(x)).mean() + F.softplus(discriminator(generator(z_d).detach())).mean()
    loss_g = F.softplus(-discriminator(generator(z_g))).mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    opt_g.step()
    return loss_d.item(), loss_g.item()


def poisoned(generator, discriminator, x, z_d, z_g, opt_g, opt_d):
    opt_g.zero_grad()
    opt_d.zero_grad()
    loss_d = F.softplus(-discriminator(x)).mean() + F.softplus(discriminator(generator(z_d))).mean()
    loss_d.backward()
    opt_d.step()
    loss_g = F.softplus(-discriminator(generator(z_g))).mean()
    loss_g.backward()
    opt_g.step()
    return loss_d.item(), loss_g.item()


def by_logarithms(generator, discriminator, x, z_d, z_g, opt_g, opt_d):
    d = torch.sigmoid
    loss_d = -d(discriminator(x)).log().mean() - (1 - d(discriminator(generator(z_d).detach()))).log().mean()
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    loss_g = -d(discriminator(generator(z_g))).log().mean()
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    return loss_d.item(), loss_g.item()


def cross_entropy(generator, discriminator, x, z_d, z_g, opt_g, opt_d):
    loss = torch.nn.BCEWithLogitsLoss()
    opt_d.zero_grad()
    with torch.no_grad():
        fake = generator(z_d)
    real_logit, fake_logit = discriminator(x), discriminator(fake)
    error = loss(real_logit, torch.ones_like(real_logit)) + loss(fake_logit, torch.zeros_like(fake_logit))
    error.backward()
    opt_d.step()
    opt_g.zero_grad()
    logit = discriminator(generator(z_g))
    error_g = loss(logit, torch.ones_like(logit))
    error_g.backward()
    opt_g.step()
    return error, error_g


def one_batch_for_d(generator, discriminator, x, z_d, z_g, opt_g, opt_d):
    logit = discriminator(torch.cat([x, generator(z_d).detach()]))
    sign = torch.cat([-torch.ones(len(x), 1), torch.ones(len(z_d), 1)])
    loss_d = 2 * F.softplus(sign * logit).mean()
    for optimizer, loss in ((opt_d, loss_d), (opt_g, None)):
        loss = -F.logsigmoid(discriminator(generator(z_g))).mean() if loss is None else loss
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
    return [loss_d.item(), loss.item()]


def by_hand(generator, discriminator, x, z_d, z_g, opt_g, opt_d):
    def mean_price(sign, points):
        return sum(F.softplus(sign * logit) for logit in discriminator(points)).squeeze() / len(points)

    losses = []
    for net, optimizer in ((discriminator, opt_d), (generator, opt_g)):
        loss = mean_price(-1, x) + mean_price(1, generator(z_d))
        loss = loss if net is discriminator else mean_price(-1, generator(z_g))
        weights = list(net.parameters())
        for weight, slope in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = slope
        optimizer.step()
        losses.append(loss.item())
    return tuple(losses)


def frozen(generator, discriminator, x, z_d, z_g, opt_g, opt_d):
    opt_d.zero_grad()
    loss_d = F.softplus(-discriminator(x)).mean() + F.softplus(discriminator(generator(z_d))).mean()
    loss_d.backward()  # reaches G, too; cleared below
    opt_d.step()
    discriminator.requires_grad_(False)
    opt_g.zero_grad()
    loss_g = F.softplus(-discriminator(generator(z_g))).mean()
    loss_g.backward()
    opt_g.step()
    discriminator.requires_grad_(True)
    return loss_d.item(), loss_g.item()


WRONG = [
    ("gan.1", lambda p, q, prior: p / (p + q), "weigh differently"),
    ("gan.1", lambda p, q, prior: (1 - prior) * q / (prior * p + (1 - prior) * q), "being fake"),
    ("gan.1", lambda p, q, prior: prior * p / (p + q), "Where q is 0"),
    ("gan.1", lambda p, q, prior: p / (p + prior * q), "Bayes' rule"),
    ("gan.1", lambda p, q, prior: (1 - prior) * p / ((1 - prior) * p + prior * q), "exchanged"),
    ("gan.1", lambda p, q, prior: (prior * p / (prior * p + (1 - prior) * q)).mean(), "tensor (5,)"),
    ("gan.2", leash(graph=False), "create_graph"),
    ("gan.2", leash(price=lambda norm: norm.square().mean()), "R1"),
    ("gan.2", leash(price=lambda norm: (norm - 1).abs().mean()), "squared"),
    ("gan.2", leash(price=lambda norm: (norm - 1).square()), "without dimensions"),
    ("gan.2", leash(price=lambda norm: 2 * (norm - 1).square().mean()), "(3 - 1)² = 4"),
    ("gan.2", leash(price=lambda norm: (norm.mean() - 1).square()), "the mean last"),
    ("gan.2", norm_of_the_batch, "the mean last"),
    ("gan.2", slope_of_a_mean, "(3 - 1)² = 4"),
    ("gan.2", leash(fraction=lambda x: 1.0), "one a for each image"),
    ("gan.2", leash(fraction=lambda x: 0.0), "one a for each image"),
    ("gan.2", leash(fraction=lambda x: 0.5), "one a for each image"),
    ("gan.2", leash(fraction=lambda x: torch.rand(1)), "one a for each image"),
    ("gan.2", leash(fraction=torch.rand_like), "same for all of its pixels"),
    ("gan.2", leash(ends=lambda x, fake: (x, fake.flip(0))), "between one x and one fake"),
    ("gan.2", leash(fraction=lambda x: torch.rand(len(x), 1, 1, 1).sqrt()), "spread evenly"),
    ("gan.2", leash(fraction=lambda x: torch.rand(len(x), 1, 1, 1).square()), "spread evenly"),
    ("gan.2", leash(fraction=lambda x: torch.randn(len(x), 1, 1, 1)), "spread evenly"),
    ("gan.2", leash(fraction=lambda x: 0.5 * torch.rand(len(x), 1, 1, 1)), "spread evenly"),
    ("gan.3", at_once, "before its step"),
    ("gan.3", poisoned, "left a gradient in G"),
    ("gan.3", by_logarithms, "overflows"),
    ("gan.3", play(loss_d=lambda real, fake: F.softplus(real).mean() + F.softplus(-fake).mean()), "turn the signs"),
    ("gan.3", play(loss_d=lambda real, fake: (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2), "two means"),
    ("gan.3", play(loss_d=lambda real, fake: F.softplus(-real).sum() + F.softplus(fake).sum()), "sum over the batch"),
    ("gan.3", play(loss_d=lambda real, fake: F.softplus(-real).mean()), "fakes are missing"),
    ("gan.3", play(loss_d=lambda real, fake: F.softplus(fake).mean()), "real ones are missing"),
    ("gan.3", play(loss_g=lambda fake: -F.softplus(fake).mean()), "saturating"),
    ("gan.3", play(loss_g=lambda fake: F.softplus(fake).mean()), "to be caught"),
    ("gan.3", play(loss_g=lambda fake: F.softplus(-fake).sum()), "sum over the batch"),
    ("gan.3", play(clear="g"), "mixed into D's step"),
    ("gan.3", play(clear="d"), "mixed into G's step"),
    ("gan.3", play(clear="d", cut=False), "left a gradient in G"),
    ("gan.3", play(codes="gg"), "made of z_d"),
    ("gan.3", play(codes="dd"), "fresh codes"),
    ("gan.3", play(order="gd"), "D's turn comes first"),
    ("gan.3", play(step="d"), "G has not moved"),
    ("gan.3", play(step="g"), "D has not moved"),
    ("gan.3", play(step=("d", "g", "both")), "D also moved"),
    ("gan.3", play(result=lambda d, g: None), "Return both losses"),
    ("gan.3", play(result=lambda d, g: (g.item(), d.item())), "in this order"),
]

RIGHT = [
    ("gan.1", lambda p, q, prior: prior * p / (prior * p + (1 - prior) * q)),
    ("gan.1", lambda p, q, prior: 1 - (1 - prior) * q / (p * prior + q - q * prior)),
    ("gan.1", lambda p, q, prior: torch.sigmoid((p / q).log() + np.log(prior / (1 - prior)))),
    ("gan.1", lambda p, q, prior: torch.stack([a / (a + b) for a, b in zip(prior * p, (1 - prior) * q, strict=True)])),
    ("gan.1", lambda p, q, prior: torch.from_numpy(prior * p.numpy() / (prior * p + (1 - prior) * q).numpy())),
    ("gan.2", leash()),
    ("gan.2", with_ones),
    ("gan.2", with_ones_like),
    ("gan.2", one_by_one),
    ("gan.3", play()),
    ("gan.3", play(cut=False)),
    ("gan.3", cross_entropy),
    ("gan.3", one_batch_for_d),
    ("gan.3", by_hand),
    ("gan.3", frozen),
]

# What an expert passed with before the judge knew it.
WRONG += [
    (
        "gan.3",
        play(
            loss_d=lambda real, fake: -(real.sigmoid() + 1e-8).log().mean() - (1 - fake.sigmoid() + 1e-8).log().mean()
        ),
        "learns nothing",
    ),
]
