"""Judges of the exercises of the lesson on the autoencoder."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from helpers.datasets import load
from helpers.exercises import Wrong, describe, exercise

PAIR, TELLING = (7, 9), (1, 3)  # sneaker and ankle boot; trouser and dress
ENOUGH = 0.9
FITTED = 8000  # of the 10,000 training images; the others are for choosing
SIZE, CODE = 14, 3  # of the small images in the last exercise, and how many numbers it asks for
LEAD = 0.9  # an error this many times PCA's, or less, is a clear win: a tenth


@exercise(
    "autoencoder.1",
    "What is the smallest code from which every picture of 784 pixels can be redrawn exactly?",
    "Neither half needs to know anything about clothes, or any weights: one changes the shape of its input, and the "
    "other one changes it back.",
)
def copycat(make):
    """Shows the model noise, clothes, and numbers that no picture has; codes are decoded later, in another order."""
    model = make()
    check_halves(model, "Return an `Autoencoder`")
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(16, 1, 28, 28, generator=generator)
    wild = 3 * torch.randn(16, 1, 28, 28, generator=generator)
    far = 1e4 * torch.randn(16, 1, 28, 28, generator=generator)
    shown = {"noise": noise, "pixels below 0 and above 1": wild, "numbers in the thousands": far}
    codes = {what: encoded(model, x) for what, x in shown.items()}
    for what, x in shown.items():
        copy = decoded(model, codes[what], x)
        room = codes[what][0].numel()
        error = ((copy - x) / x.std()).square().mean().item()
        if error < 3e-8:  # what is nan is not
            continue
        if room < 784:
            raise Wrong(
                f"An untrained copy of {what} has an error of {error:.3g}: a code of {room} numbers has no room for it."
            )
        raise Wrong(
            f"The code is wide enough, yet the copy of {what} has an error of {error:.3g}: is a layer bending, "
            "cutting, rounding or mixing the values, or does the decoder look at something else than the code?"
        )
    decoded(model, encoded(model, noise[:3]), noise[:3])  # not only 16 at once
    if callable(model) and not torch.equal(torch.as_tensor(model(noise)), decoded(model, encoded(model, noise), noise)):
        raise Wrong("The halves copy, but `model(x)` does not: it should be the decoder's answer to the encoder's.")
    return "A perfect score, and nothing learned: noise is copied as well as clothes. The narrow code is the teacher."


@exercise(
    "autoencoder.2",
    "Cut the training images in two first. The mean, the directions and the two class means come from the 8,000; only "
    "the counting looks at the others.",
    "Loop over d = 1, 2, 3, ...: the first d columns of the directions make a code of d numbers; `torch.cdist` says "
    "how far each code lies from the two class means.",
)
def smallest_code(answer):
    """Asks for the sneakers and boots, and for a pair of which each use of the wrong images gives another number."""
    train, test = load("fashion")
    fitted, others = part(train, slice(FITTED)), part(train, slice(FITTED, None))
    kept = train.images.clone()
    claimed = {pair: as_size(answer(train, *pair)) for pair in (PAIR, TELLING)}
    if not torch.equal(train.images, kept):
        raise Wrong("Your function changes the images that it was given; work on copies (no `-=`, no `/=`).")
    leaks = [(fitted, test), (train, test), (train, others), (fitted, fitted), (train, train)]
    shares = {pair: accuracies(pair, fitted, others) for pair in (PAIR, TELLING)}
    right = smallest(shares[TELLING])
    leaky = ({pair: smallest(accuracies(pair, *leak)) for pair in (PAIR, TELLING)} for leak in leaks)
    if claimed[TELLING] != right and claimed in leaky:
        raise Wrong(
            f"For {named(TELLING, train)}, d = {claimed[TELLING]} is what one gets when the images that choose took "
            "part in the fit, too, or when the test images choose. Fit on the first 8,000, choose on the other 2,000."
        )
    for pair, d in claimed.items():
        accuracy = shares[pair][d - 1]
        if accuracy < ENOUGH:
            raise Wrong(f"With d = {d}, only {accuracy:.1%} of the images of {named(pair, train)} are right.")
        if d > smallest(shares[pair]):
            raise Wrong(f"d = {d} is enough for {named(pair, train)} ({accuracy:.1%}), but fewer numbers are, too.")
    d = claimed[PAIR]
    chosen, at_last = shares[PAIR][d - 1], accuracies(PAIR, fitted, test)[d - 1]
    return (
        f"{d} numbers out of 784 get {chosen:.1%} of the images right by which they were chosen. On the test images, "
        f"that chose nothing, it is {at_last:.1%}: that is the number to report."
    )


def as_size(value):
    """A size that an answer claims, as an int from 1 to 784."""
    size = value.item() if getattr(value, "ndim", None) == 0 else value  # a NumPy or torch number
    if isinstance(size, bool) or not isinstance(size, int):
        raise Wrong(f"The answer should be a whole number such as 3; yours is {describe(size)}.")
    if not 1 <= size <= 784:
        raise Wrong(f"A code has between 1 and 784 numbers, not {size}.")
    return size


def named(pair, data):
    """The names of two classes, in words."""
    return " and ".join(data.classes[k] for k in pair)


def part(data, rows):
    """The images of `data` at `rows`, a slice."""
    return replace(data, images=data.images[rows], labels=data.labels[rows])


def smallest(shares):
    """The smallest code that is right often enough, by the `accuracies` of codes of 1, 2, ... numbers; 785 if none."""
    return next((d for d, share in enumerate(shares, start=1) if share >= ENOUGH), 785)


def accuracies(pair, fitted, others):
    """For codes of 1, 2, ..., 784 numbers: the part, from 0 to 1, of the images of two classes that are right.

    An image is right if its PCA code is nearer to the mean code of its own class. All is fitted on `fitted`.
    """
    flat = fitted.images.flatten(1)
    mean, directions = flat.mean(dim=0), torch.linalg.eigh(flat.T.cov()).eigenvectors.flip(1)
    of_pair = torch.cat([others.images[others.labels == k] for k in pair]).flatten(1)
    own = torch.cat([torch.full((int((others.labels == k).sum()),), i) for i, k in enumerate(pair)])
    centres = torch.stack([flat[fitted.labels == k].mean(dim=0) for k in pair])
    codes, centres = (of_pair - mean) @ directions, (centres - mean) @ directions
    apart = (codes[:, None] - centres).square().cumsum(dim=2)  # (N, 2, 784): squared distances of all sizes
    return (apart.argmin(dim=1) == own[:, None]).double().mean(dim=0).tolist()


@exercise(
    "autoencoder.3",
    "Write two small `nn.Sequential`, as in the lesson, for 196 pixels; one hidden layer in each is enough. Then the "
    "training step of the lesson, in a loop over random rows of `x`.",
    "The decoder ends in a sigmoid and `nn.Unflatten`. Adam with a learning rate of 0.003 and 600 batches of 128 rows, "
    "`x[torch.randint(len(x), (128,))]`, are enough; look at the loss while it learns.",
)
def bottleneck(train_small):
    """Has an autoencoder trained on small images, and compares it with PCA on others, at the same size of the code."""
    train, _ = load("fashion")
    small = F.avg_pool2d(train.images, 2)  # (10000, 1, 14, 14)
    x, others = small[:2000], small[FITTED:9000]
    model = train_small(x.clone(), CODE)
    check_halves(model, "Return the trained model")
    z = encoded(model, others)
    if z.shape != (len(others), CODE):
        raise Wrong(f"{CODE} numbers were asked for, so 1,000 codes are (1000, {CODE}); yours are {tuple(z.shape)}.")
    if not torch.allclose(encoded(model, others), z, atol=1e-3 * max(1.0, z.abs().max().item())):
        raise Wrong(
            "Encoded twice, an image gets two codes: something random is left in the encoder (noise, or `F.dropout`, "
            "which does not stop at evaluation by itself)."
        )
    few = encoded(model, others[:3])
    if not torch.allclose(few, z[:3], atol=1e-3 * max(1.0, z.abs().max().item())):
        raise Wrong("The code of an image changes with the images beside it; each image has to be encoded by itself.")
    encoded(model, small[:1000])
    copies = decoded(model, z, others)
    error = F.mse_loss(copies, others).item()
    rival, mean_image = (F.mse_loss(by_pca(x, others, d), others).item() for d in (CODE, 0))
    numbers = f"the error on images that it never saw is {error:.4f}; PCA with {CODE} numbers has {rival:.4f}"
    if not error < 0.9 * mean_image:
        raise Wrong(
            f"This copies nothing yet: {numbers}, and the mean image {mean_image:.4f}. Was it trained, on x as its own "
            "target? Does it draw the same picture for every code? Does the decoder look at the code, and nothing else?"
        )
    if not torch.allclose(decoded(model, z[:3], others[:3]), copies[:3], atol=1e-3):
        raise Wrong("The picture of a code changes with the codes beside it; each code has to be decoded by itself.")
    if not error < LEAD * rival:
        raise Wrong(
            f"Not clearly better than PCA: {numbers}. Does it train long enough, and on all of x? And where does it "
            "bend? A linear autoencoder cannot do better than PCA."
        )
    return f"Three numbers, and less error than PCA by {1 - error / rival:.0%}: {numbers}."


def by_pca(x, others, code_size):
    """Images `others` through the first `code_size` PCA directions of images x and back, in [0, 1]."""
    flat = x.flatten(1)
    mean, kept = flat.mean(dim=0), torch.linalg.eigh(flat.T.cov()).eigenvectors.flip(1)[:, :code_size]
    return (mean + (others.flatten(1) - mean) @ kept @ kept.T).clamp(0, 1).reshape(others.shape)


# What both judges of models do with them


def check_halves(model, wish):
    """Raise Wrong unless `model` has an encoder and a decoder to call; networks are set to evaluation."""
    halves = [getattr(model, name, None) for name in ("encoder", "decoder")]
    if isinstance(model, type) or not all(map(callable, halves)):
        raise Wrong(f"{wish}, with an encoder and a decoder; yours is {describe(model)}.")
    for part in (model, *halves):
        if isinstance(part, nn.Module):
            part.eval()


@torch.no_grad()
def encoded(model, x):
    """The codes of images x, a tensor with a row for each."""
    z = model.encoder(x.clone())
    if not isinstance(z, torch.Tensor) or len(z) != len(x):
        raise Wrong(f"The encoder should give a tensor with a code for each image; of {len(x)} yours is {describe(z)}.")
    return z.clone()


@torch.no_grad()
def decoded(model, z, x):
    """The images that the decoder draws from codes z of images x; they have the shape of x."""
    copies = model.decoder(z.clone())
    if not isinstance(copies, torch.Tensor) or copies.shape != x.shape:
        raise Wrong(f"The copy should have the shape of x, {tuple(x.shape)}; yours is {describe(copies)}.")
    return copies
