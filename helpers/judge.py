"""The networks behind the judge: images go in, and what they are compared by comes out, 64 numbers each.

ImageNet features mean nothing for grey pictures of 28 pixels, so `helpers.metrics` measures in the features of networks
that were trained on pictures of this kind. `python -m tools.judges` trains them again.
"""

from contextlib import nullcontext
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from helpers.datasets import FULL, GREY, check_images
from helpers.files import CourseError
from helpers.store import load_weights, train_or_load
from helpers.training import bf16_autocast, one_cycle, progress, set_seed

FEATURES = 64
BLOCK = 50  # images: what layers make of so many fits into a processor's cache; 250 at once take up to twice as long
OWN_STEPS, OWN_SEED = 300, 0  # of the judge of a data set that has none


def small_body(shape=GREY):
    """Images (N, *shape) -> features (N, 64): two convolutions, quick enough to be trained within a lesson."""
    channels, height, width = shape
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (N, 32, H / 2, W / 2)
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (N, 64, H / 4, W / 4)
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * (height // 4) * (width // 4), FEATURES), nn.ReLU(),
    )  # fmt: skip


def convolution(channels_in, channels_out, size=3, stride=1):
    """The layers of a convolution with batch normalisation and ReLU; `stride` divides height and width."""
    conv = nn.Conv2d(channels_in, channels_out, size, stride=stride, padding=(size - 1) // 2, bias=False)
    return conv, nn.BatchNorm2d(channels_out), nn.ReLU()


def convolutional_body():
    """Images (N, 1, 28, 28) -> features (N, 64), 0 or more: four convolutions, and every place has its own weights."""
    return nn.Sequential(
        *convolution(1, 32, size=5, stride=2), *convolution(32, 64), nn.MaxPool2d(2),  # (N, 64, 7, 7)
        *convolution(64, 128), *convolution(128, 32, size=1),  # (N, 32, 7, 7)
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(32 * 7 * 7, FEATURES), nn.ReLU(),
    )  # fmt: skip


class Residual(nn.Module):
    """x -> ReLU(x + two convolutions of x), (N, channels, H, W)."""

    def __init__(self, channels):
        super().__init__()
        last = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        self.change = nn.Sequential(*convolution(channels, channels), *last)

    def forward(self, x):
        return F.relu(x + self.change(x))


def residual_body():
    """Images (N, 1, 28, 28) -> features (N, 64) of either sign: residual blocks, strides, and averages over places."""
    return nn.Sequential(
        *convolution(1, 32, size=4, stride=2), Residual(32),  # (N, 32, 14, 14)
        *convolution(32, 96, stride=2), Residual(96), nn.AvgPool2d(2),  # (N, 96, 3, 3)
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(96 * 3 * 3, FEATURES),
    )  # fmt: skip


class Judge(nn.Module):
    """A classifier of images (N, *shape) in [0, 1] into K = `classes`; its last hidden layer is the feature space.

    body: a module from images to features (N, 64); the small one if none is given.
    """

    def __init__(self, body=None, classes=10, shape=GREY):
        super().__init__()
        self.shape = tuple(shape)
        self.body = small_body(shape) if body is None else body
        self.head = nn.Linear(FEATURES, classes)
        self.register_buffer("scale", torch.tensor(1.0))  # set by `set_scale`
        self.to(memory_format=torch.channels_last)  # the same numbers, in an order that convolutions read faster here

    def forward(self, x):
        """Logits (N, K)."""
        return self.classes_of(self.head(self.body(x)))

    @torch.no_grad()
    def features(self, images):
        """Features (N, 64) of images (N, *shape) in [0, 1]; on the training images their mean variance is 1."""
        check_images(images, self.shape)
        return torch.cat([self.body(part) for part in images.split(BLOCK)]) / self.scale

    def set_scale(self, images):
        """Make the mean variance of the features 1 on these images (N, *shape)."""
        self.scale = self.scale * self.features(images).var(dim=0).mean().sqrt()

    def class_frequencies(self, images):
        """Share of the images that the judge takes for each class, (K,), summing to 1."""
        return self.class_frequencies_by_features(self.features(images))

    @torch.no_grad()
    def class_frequencies_by_features(self, features):
        """The same from features (N, 64) that are known already."""
        logits = self.classes_of(self.head(features * self.scale))
        return torch.bincount(logits.argmax(dim=1), minlength=logits.shape[1]) / len(features)

    def classes_of(self, logits):
        """Logits (N, K) of the classes among all that the head says (N, ...): here that is all."""
        return logits


class PrincipalComponents:
    """The judge that nobody trained: the first 64 principal components of the pixels of images (N, C, H, W)."""

    def __init__(self, images):
        pixels = images.flatten(1).double()
        variances, axes = torch.linalg.eigh(pixels.T.cov())
        self.axes = (axes[:, -FEATURES:] / variances[-FEATURES:].mean().sqrt()).float()

    def features(self, images):
        """Features (M, 64) of images (M, C, H, W); on the images it was made from their mean variance is 1."""
        return images.flatten(1) @ self.axes


def descend(parameters, batches, loss_of, max_lr, weight_decay):
    """Train `parameters` by AdamW, a step down loss_of(batch) for each of `batches`, at a rate that climbs and falls.

    Returns the history, the loss of every step.
    """
    optimizer = torch.optim.AdamW(parameters, weight_decay=weight_decay)
    schedule = one_cycle(optimizer, max_lr, len(batches))
    losses = []
    for batch in progress(batches, losses):
        loss = loss_of(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return {"loss": losses}


def fit_judge(judge, data, steps, seed, max_lr=3e-3, weight_decay=0.01, change=None, precision=nullcontext):
    """Train the judge on batches of 128 labelled images, or of all; returns the history, the loss of every step.

    change: what is done to each batch of images before the judge sees it; nothing, if it is None.
    precision: makes the context in which each step's logits are computed. (Each step's own: autocast keeps rounded
    copies of the weights as long as its context lasts, so that around all steps it would never see them learn.)
    """

    def loss_of(batch):
        x, labels = batch
        x = change(x) if change else x
        with precision():
            logits = judge(x)
        return F.cross_entropy(logits.float(), labels)

    set_seed(seed)
    batches = data.batches(min(128, len(data)), steps=steps, seed=seed)
    history = descend(judge.train().parameters(), batches, loss_of, max_lr, weight_decay)
    judge.eval().set_scale(data.images)
    return history


def rotated(images):
    """Images (N, C, H, H) turned by 0, 90, 180 and 270 degrees, (4 N, C, H, H); by how many quarters, (4 N,)."""
    turned = torch.cat([images.rot90(quarters, (2, 3)) for quarters in range(4)])
    return turned, torch.arange(4, device=images.device).repeat_interleave(len(images))


def fit_unlabelled(judge, data, steps, seed):
    """Teach a judge's body to see by how much images were turned (Gidaris et al. 2018); returns its history.

    No label takes part in its features: to know what is upright, one must know what is shown. Afterwards a linear head
    is fitted to them with labels, because somebody must count the classes; the features stay as they are.
    """
    set_seed(seed)
    turns = nn.Linear(FEATURES, 4)

    def loss_of(batch):
        turned, quarters = rotated(batch[0])
        with bf16_autocast(turned.device):
            logits = turns(judge.body(turned))
        return F.cross_entropy(logits.float(), quarters)

    judge.train()
    batches = data.batches(min(64, len(data)), steps=steps, seed=seed)
    history = descend([*judge.body.parameters(), *turns.parameters()], batches, loss_of, 5e-3, 0.01)
    fit_head(judge.eval(), data)
    return history


def fit_head(judge, data, rounds=60):
    """Fit the head alone, by logistic regression on the features of labelled images."""
    judge.set_scale(data.images)
    features = judge.features(data.images) * judge.scale
    optimizer = torch.optim.LBFGS(judge.head.parameters(), max_iter=rounds, line_search_fn="strong_wolfe")

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(judge.head(features), data.labels)
        loss.backward()
        return loss

    optimizer.step(step)


BODIES = {  # data set -> kind of judge -> what makes its body; the kind "" is the judge that the lessons ask
    "fashion": {"": convolutional_body, "second": residual_body, "unlabelled": convolutional_body},
    "digits": {"": small_body},
}


def weights_name(kind=""):
    """What the weights of a judge are called, without their data set."""
    return f"judge_{kind}" if kind else "judge"


def load_judge(data, kind=""):
    """The judge of the data set `data` (an `Images`, its training images), on its device, without dropout.

    Those of the course's data sets are shipped. Of Fashion-MNIST there are more, for a second opinion: "second" is
    another architecture, and the features of "unlabelled" come from a training without labels (only its head, which
    counts the classes, has seen them). That of the faces reads every attribute (helpers/attributes.py). The judge of
    any other set is trained now, and kept: see `own_judge`.
    """
    name = FULL.get(data.name, data.name)
    bodies = BODIES.get(name, {"": small_body})
    if kind not in bodies:
        raise CourseError(f"there is no judge {kind!r} of {name}; choose {' or '.join(map(repr, bodies))}")
    if data.attributes:
        from helpers.attributes import load_attribute_judge  # which itself is made of parts of this module

        return load_attribute_judge(data)
    if name not in BODIES:
        return own_judge(data)
    judge = Judge(bodies[kind]()).to(data.images.device)
    named = replace(data.take(slice(0)), name=name)  # all that is asked of it is its name
    load_weights(weights_name(kind), judge, named, steps=0)
    return judge.eval()


def own_judge(data):
    """A small judge of a data set that the course does not know: the one that is kept, or else one trained on `data`.

    Where all images are of one class, it learns to tell by how much an image was turned, as "unlabelled" did.
    """
    set_seed(OWN_SEED)
    judge = Judge(classes=len(data.classes), shape=data.shape).to(data.images.device)
    try:
        load_weights(weights_name(), judge, data, steps=OWN_STEPS)
        return judge.eval()
    except CourseError:  # there is none, or it is of no use
        labelled = len(data.labels.unique()) > 1
        if not labelled and data.shape[1] != data.shape[2]:
            raise CourseError(f"a judge of {data.name} needs two classes, or square images: it has neither") from None
    task = "their classes" if labelled else "by how much an image was turned, since there is one class"
    print(f"There is no judge of {data.name} yet. One learns now, from the {len(data):,} training images, {task}:")
    train_or_load(weights_name(), fit_judge if labelled else fit_unlabelled, judge, data, OWN_STEPS, OWN_SEED)
    return judge.eval()
