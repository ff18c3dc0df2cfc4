"""Wrong answers to the exercises of conditional_gan, with words of the feedback that each gets, and right ones."""

import torch
import torch.nn.functional as F


def holes(low=0, high=21, shared=False, diagonal=False, length=None, fill=0.0):
    """Squares whose places, sides or colour may be wrong."""

    def answer(x, size=8):
        line = torch.arange(28)
        edges = torch.randint(low, high, (2, 1 if shared else len(x), 1))
        edges = edges[:1].repeat(2, 1, 1) if diagonal else edges
        rows, columns = (line >= edges) & (line < edges + (length or size))
        inside = (rows[:, None, :, None] & columns[:, None, None, :]).expand(x.shape)
        return torch.where(inside, fill, x)

    return answer


def both_losses(
    of_d=lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
    of_g=lambda fake: F.softplus(-fake).mean(),
    cut=True,
    shuffle=0,
    result=lambda loss_d, loss_g: (loss_d, loss_g),
):
    """The losses of a conditional GAN with a formula, classes or gradients that may be wrong."""

    def answer(generator, discriminator, x, y, z):
        made = generator(z, y)
        real, fake = discriminator(x, y), discriminator(made.detach() if cut else made, y.roll(shuffle))
        return result(of_d(real, fake), of_g(discriminator(made, y)))

    return answer


def hole_in_place(x, size=8):
    with torch.no_grad():
        x[:, :, :size, :size] = 0
    return x * 1.0


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
    (
        "conditional_gan.1",
        lambda logits, y: logits.exp().gather(1, y[:, None])[:, 0] / (1 + logits.exp().gather(1, y[:, None])[:, 0]),
        "overflows",
    ),
    ("conditional_gan.2", holes(shared=True), "one of its own"),
    ("conditional_gan.2", holes(diagonal=True), "diagonal"),
    ("conditional_gan.2", holes(high=12), "never cut"),
    ("conditional_gan.2", holes(high=28), "on average"),
    ("conditional_gan.2", holes(length=7), "on average"),
    ("conditional_gan.2", holes(fill=1.0), "every pixel is 0"),
    ("conditional_gan.2", lambda x, size=8: holes()(x.detach()), "no gradient"),
    ("conditional_gan.2", lambda x, size=8: holes()(x)[:, 0], "the shape of x"),
    ("conditional_gan.2", hole_in_place, "wrote into x"),
    ("conditional_gan.3", both_losses(cut=False), "reaches G"),
    ("conditional_gan.3", both_losses(shuffle=1), "other classes than y"),
    ("conditional_gan.3", both_losses(result=lambda a, b: (b, a)), "exchanged"),
    ("conditional_gan.3", both_losses(lambda a, b: (F.softplus(a) + F.softplus(-b)).mean()), "turn the signs"),
    ("conditional_gan.3", both_losses(lambda a, b: (F.softplus(-a) + F.softplus(b)).mean() / 2), "is half"),
    ("conditional_gan.3", both_losses(lambda a, b: (F.softplus(-a) + F.softplus(b)).sum()), "over the batch"),
    ("conditional_gan.3", both_losses(lambda a, b: F.softplus(-a).mean()), "generated pairs are missing"),
    ("conditional_gan.3", both_losses(lambda a, b: F.softplus(b).mean()), "the real ones are missing"),
    ("conditional_gan.3", both_losses(of_g=lambda fake: -F.softplus(fake).mean()), "saturating"),
    ("conditional_gan.3", both_losses(of_g=lambda fake: F.softplus(fake).mean()), "wants to be caught"),
    ("conditional_gan.3", both_losses(of_g=lambda fake: F.softplus(-fake).sum()), "the mean"),
    ("conditional_gan.3", both_losses(of_g=lambda fake: F.softplus(-fake.detach()).mean()), "G learns nothing"),
    ("conditional_gan.3", both_losses(of_g=lambda fake: -torch.sigmoid(fake).log().mean()), "overflows"),
    ("conditional_gan.3", both_losses(result=lambda a, b: a + b), "two losses"),
    ("conditional_gan.3", both_losses(result=lambda a, b: (a.item(), b.item())), "without dimensions"),
]

RIGHT = [
    ("conditional_gan.2", holes()),
    ("conditional_gan.3", both_losses()),
]
