"""Wrong answers to the exercises of conditional_gan, with words of the feedback that each gets, and right ones."""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.lessons.gan import discriminator_step, generator_step

# conditional_gan.1


def divided(logits, y):
    chosen = logits.exp().gather(1, y[:, None])[:, 0]
    return chosen / (1 + chosen)


# conditional_gan.2


def holes(low=0, spare=29, shared=False, diagonal=False, side=lambda size: size, fill=0.0):
    """Squares whose places, sides or colour may be wrong; the edges are drawn from `low` to below `spare` - size."""

    def answer(x, size=8):
        line = torch.arange(28)
        edges = torch.randint(low, spare - side(size), (2, 1 if shared else len(x), 1))
        edges = edges[:1].repeat(2, 1, 1) if diagonal else edges
        rows, columns = (line >= edges) & (line < edges + side(size))
        inside = (rows[:, None, :, None] & columns[:, None, None, :]).expand(x.shape)
        return torch.where(inside, fill, x)

    return answer


def hole_in_place(x, size=8):
    with torch.no_grad():
        x[:, :, :size, :size] = 0
    return x * 1.0


def anti_diagonal(x, size=8):
    y = x.clone()
    for i, top in enumerate(torch.randint(0, 29 - size, (len(x),)).tolist()):
        y[i, :, top : top + size, 28 - size - top : 28 - top] = 0
    return y


def same_every_time(x, size=8):
    torch.manual_seed(3)
    return holes()(x, size)


def straight_through(x, size=8):
    return holes()(x, size).detach() + x - x.detach()


def edges_of_eight(x, size=8):
    top, left = torch.randint(0, 21, (2, len(x), 1, 1, 1))
    line = torch.arange(28)
    rows, columns = line.view(28, 1) - top, line - left
    return x * ~((rows >= 0) & (rows < size) & (columns >= 0) & (columns < size))


def one_by_one(x, size=8):
    y = x.clone()
    for i in range(len(x)):
        top, left = np.random.randint(0, 28 - size + 1, 2)
        y[i, :, top : top + size, left : left + size] = 0
    return y


def filled(x, size=8):
    top, left = (torch.rand(2, len(x), 1, 1, 1, device=x.device) * (28 - size + 1)).floor()
    line = torch.arange(28, device=x.device)
    far = ((line.view(-1, 1) - top - (size - 1) / 2).abs()).maximum((line - left - (size - 1) / 2).abs())
    return x.masked_fill(far <= (size - 1) / 2, 0)


def unfolded(x, size=8):
    places = (29 - size) ** 2
    chosen = F.one_hot(torch.randint(places, (len(x),)), places).float().view(-1, 1, 29 - size, 29 - size)
    mask = F.conv_transpose2d(chosen, torch.ones(1, 1, size, size)).round()
    return x * (1 - mask)


# conditional_gan.3


def play(
    loss_d=lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
    loss_g=lambda fake: F.softplus(-fake).mean(),
    cut=True,
    clear="dg",
    codes="dg",
    order="dg",
    shuffle=(0, 0, 0),
    result=lambda loss_d, loss_g: (loss_d.item(), loss_g.item()),
):
    """One round, with losses, order, codes, gradients or classes that may be wrong; shuffle: D's real, D's fake, G."""

    def answer(generator, discriminator, x, y, z_d, z_g, opt_g, opt_d):
        z = {"d": z_d, "g": z_g}
        real_y, fake_y, asked = (y.roll(by) for by in shuffle)
        losses = {"d": torch.zeros(()), "g": torch.zeros(())}
        for who in order:
            optimizer = opt_d if who == "d" else opt_g
            if who == "d":
                fake = generator(z[codes[0]], y)
                fake = fake.detach() if cut else fake
                losses["d"] = loss_d(discriminator(x, real_y), discriminator(fake, fake_y))
            else:
                losses["g"] = loss_g(discriminator(generator(z[codes[1]], asked), asked))
            if who in clear:
                optimizer.zero_grad()
            losses[who].backward()
            optimizer.step()
        return result(losses["d"], losses["g"])

    return answer


def at_once(generator, discriminator, x, y, z_d, z_g, opt_g, opt_d):
    loss_g = F.softplus(-discriminator(generator(z_g, y), y)).mean()
    opt_g.zero_grad()
    loss_g.backward()
    loss_d = F.softplus(-discriminator(x, y)).mean() + F.softplus(discriminator(generator(z_d, y).detach(), y)).mean()
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    opt_g.step()
    return loss_d.item(), loss_g.item()


def poisoned(generator, discriminator, x, y, z_d, z_g, opt_g, opt_d):
    opt_g.zero_grad()
    return play(cut=False, clear="d")(generator, discriminator, x, y, z_d, z_g, opt_g, opt_d)


def no_gradient(generator, discriminator, x, y, z_d, z_g, opt_g, opt_d):
    losses = play(order="d")(generator, discriminator, x, y, z_d, z_g, opt_g, opt_d)
    with torch.no_grad():
        loss_g = F.softplus(-discriminator(generator(z_g, y), y)).mean()
    return losses[0], loss_g.item()


def by_logarithms(real, fake):
    return -torch.sigmoid(real).log().mean() - (1 - torch.sigmoid(fake)).log().mean()


def with_both(generator, discriminator, x, y, z_d, z_g, opt_g, opt_d):
    told = play()(generator, discriminator, x, y, z_d, z_g, opt_g, opt_d)
    opt_d.step()
    return told


def with_partial(generator, discriminator, x, y, z_d, z_g, opt_g, opt_d):
    def g(z):
        return generator(z, y)

    def d(points):
        return discriminator(points, y)

    return discriminator_step(g, d, x, z_d, opt_d), generator_step(g, d, z_g, opt_g)


def one_batch(generator, discriminator, x, y, z_d, z_g, opt_g, opt_d):
    with torch.no_grad():
        fake = generator(z_d, y)
    logits = discriminator(torch.cat([x, fake]), torch.cat([y, y]))[:, 0]
    target = torch.cat([torch.ones(len(x)), torch.zeros(len(x))]).to(x.device)
    loss_d = 2 * F.binary_cross_entropy_with_logits(logits, target)
    opt_d.zero_grad(set_to_none=False)
    loss_d.backward()
    opt_d.step()
    logits = discriminator(generator(z_g, y), y)
    loss_g = F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    opt_g.zero_grad(set_to_none=False)
    loss_g.backward()
    opt_g.step()
    return [loss_d.detach(), loss_g.detach()]


def frozen(generator, discriminator, x, y, z_d, z_g, opt_g, opt_d):
    told = []
    for turn in "dg":
        mine, optimizer = (discriminator, opt_d) if turn == "d" else (generator, opt_g)
        for net in (generator, discriminator):
            net.requires_grad_(net is mine)
        fake = discriminator(generator(z_d if turn == "d" else z_g, y), y)
        loss = F.softplus(fake if turn == "d" else -fake).mean()
        loss = loss + F.softplus(-discriminator(x, y)).mean() if turn == "d" else loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        told.append(loss.item())
    for net in (generator, discriminator):
        net.requires_grad_(True)
    return tuple(told)


def by_hand(generator, discriminator, x, y, z_d, z_g, opt_g, opt_d):
    told = []
    for net, optimizer in ((discriminator, opt_d), (generator, opt_g)):
        made = generator(z_d if net is discriminator else z_g, y)
        loss = -F.logsigmoid(discriminator(made, y)).mean()
        if net is discriminator:
            loss = -F.logsigmoid(discriminator(x, y)).mean() - F.logsigmoid(-discriminator(made, y)).mean()
        weights = list(net.parameters())
        for weight, slope in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = slope
        optimizer.step()
        told.append(float(loss.detach()))
    return told


WRONG = [
    ("conditional_gan.1", lambda logits, y: logits.gather(1, y[:, None])[:, 0], "That is the logit"),
    ("conditional_gan.1", lambda logits, y: logits.softmax(dim=1).gather(1, y[:, None])[:, 0], "classes compete"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits).amax(dim=1), "likes best"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(-logits.gather(1, y[:, None])[:, 0]), "of a forgery"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits).mean(dim=1), "which one was asked"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits[:, y]), "pair row i"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits.gather(1, y[:, None])), "has the shape (5,)"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits.gather(1, y[:, None])).mean().item(), "a tensor (5,)"),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits[:, 0]), "it should be"),
    ("conditional_gan.1", divided, "overflows"),
    ("conditional_gan.2", holes(shared=True), "one of its own"),
    ("conditional_gan.2", holes(diagonal=True), "diagonal"),
    ("conditional_gan.2", anti_diagonal, "diagonal"),
    ("conditional_gan.2", holes(spare=28), "leaves its upper end out"),
    ("conditional_gan.2", holes(low=1), "never cut"),
    ("conditional_gan.2", holes(spare=20), "never cut"),
    ("conditional_gan.2", holes(spare=36), "on average"),
    ("conditional_gan.2", holes(side=lambda size: 7), "on average"),
    ("conditional_gan.2", holes(side=lambda size: 8), "use `size`"),
    ("conditional_gan.2", edges_of_eight, "never cut"),
    ("conditional_gan.2", holes(fill=1.0), "every pixel is 0"),
    ("conditional_gan.2", same_every_time, "the same squares"),
    ("conditional_gan.2", straight_through, "inside it nothing"),
    ("conditional_gan.2", lambda x, size=8: holes()(x.detach(), size), "no gradient"),
    ("conditional_gan.2", lambda x, size=8: holes()(x, size)[:, 0], "the shape of x"),
    ("conditional_gan.2", hole_in_place, "wrote into x"),
    ("conditional_gan.3", at_once, "before its step"),
    ("conditional_gan.3", poisoned, "left a gradient in G"),
    ("conditional_gan.3", no_gradient, "G has not moved"),
    ("conditional_gan.3", with_both, "D's weights are not"),
    ("conditional_gan.3", play(order="g"), "D has not moved"),
    ("conditional_gan.3", play(order="gd"), "D's turn comes first"),
    ("conditional_gan.3", play(clear="g"), "mixed into D's step"),
    ("conditional_gan.3", play(clear="d"), "mixed into G's step"),
    ("conditional_gan.3", play(codes="dd"), "codes of its own"),
    ("conditional_gan.3", play(codes="gg"), "made of z_d"),
    ("conditional_gan.3", play(codes="gd"), "exchanged"),
    ("conditional_gan.3", play(shuffle=(1, 0, 0)), "other classes than y"),
    ("conditional_gan.3", play(shuffle=(0, 1, 0)), "other classes than y"),
    ("conditional_gan.3", play(shuffle=(0, 0, 1)), "other classes than y"),
    ("conditional_gan.3", play(lambda a, b: (F.softplus(a) + F.softplus(-b)).mean()), "turn the signs"),
    ("conditional_gan.3", play(lambda a, b: (F.softplus(-a) + F.softplus(b)).mean() / 2), "is half"),
    ("conditional_gan.3", play(lambda a, b: (F.softplus(-a) + F.softplus(b)).sum()), "over the batch"),
    ("conditional_gan.3", play(lambda a, b: F.softplus(-a).mean()), "generated pairs are missing"),
    ("conditional_gan.3", play(lambda a, b: F.softplus(b).mean()), "the real ones are missing"),
    ("conditional_gan.3", play(by_logarithms), "overflows"),
    ("conditional_gan.3", play(loss_g=lambda fake: -F.softplus(fake).mean()), "saturating"),
    ("conditional_gan.3", play(loss_g=lambda fake: F.softplus(fake).mean()), "wants to be caught"),
    ("conditional_gan.3", play(loss_g=lambda fake: F.softplus(-fake).sum()), "asked is the mean"),
    ("conditional_gan.3", play(loss_g=lambda fake: -torch.sigmoid(fake).log().mean()), "overflows"),
    ("conditional_gan.3", play(result=lambda a, b: (a + b).item()), "Return both losses"),
    ("conditional_gan.3", play(result=lambda a, b: (b.item(), a.item())), "in this order"),
    ("conditional_gan.3", play(result=lambda a, b: None), "Return both losses"),
]

RIGHT = [
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits[torch.arange(len(y)), y])),
    ("conditional_gan.1", lambda logits, y: torch.sigmoid(logits.gather(1, y[:, None])).squeeze(1)),
    ("conditional_gan.1", lambda logits, y: (torch.sigmoid(logits) * F.one_hot(y, 10)).sum(dim=1)),
    ("conditional_gan.1", lambda logits, y: torch.stack([row[k].sigmoid() for row, k in zip(logits, y, strict=True)])),
    ("conditional_gan.1", lambda logits, y: F.logsigmoid(logits[range(len(y)), y]).exp()),
    ("conditional_gan.2", holes()),
    ("conditional_gan.2", one_by_one),
    ("conditional_gan.2", filled),
    ("conditional_gan.2", unfolded),
    ("conditional_gan.3", play()),
    ("conditional_gan.3", play(cut=False)),
    ("conditional_gan.3", with_partial),
    ("conditional_gan.3", one_batch),
    ("conditional_gan.3", frozen),
    ("conditional_gan.3", by_hand),
]

# What an expert passed with before the judge knew it.
WRONG += [
    ("conditional_gan.1", lambda logits, y: divided(logits, y).squeeze(), "loses its dimension"),
]
