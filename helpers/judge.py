"""The networks behind the judge: images go in, and what they are compared by comes out, 64 numbers each.

ImageNet features mean nothing for grey pictures of 28 pixels, so `helpers.metrics` measures in the features of networks
that were trained on pictures of this kind. `python -m tools.judges` trains them again.
"""

from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import nn

from helpers.datasets import check_images
from helpers.files import CourseError
from helpers.store import load_weights
from helpers.training import one_cycle, progress, set_seed

FEATURES = 64
GREY = (1, 28, 28)  # (C, H, W) of the images that the shipped judges know


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

    def forward(self, x):
        """Logits (N, K)."""
        return self.head(self.body(x))

    @torch.no_grad()
    def features(self, images):
        """Features (N, 64) of images (N, *shape) in [0, 1]; on the training images their mean variance is 1."""
        check_images(images, self.shape)
        return torch.cat([self.body(part) for part in images.split(1000)]) / self.scale

    def set_scale(self, images):
        """Make the mean variance of the features 1 on these images (N, *shape)."""
        self.scale = self.scale * self.features(images).var(dim=0).mean().sqrt()

    def class_frequencies(self, images):
        """Share of the images that the judge takes for each class, (K,), summing to 1."""
        return self.class_frequencies_by_features(self.features(images))

    @torch.no_grad()
    def class_frequencies_by_features(self, features):
        """The same from features (N, 64) that are known already."""
        said = self.head(features * self.scale).argmax(dim=1)
        return torch.bincount(said, minlength=self.head.out_features) / len(features)


class PrincipalComponents:
    """The judge that nobody trained: the first 64 principal components of the pixels of images (N, C, H, W)."""

    def __init__(self, images):
        pixels = images.flatten(1).double()
        variances, axes = torch.linalg.eigh(pixels.T.cov())
        self.axes = (axes[:, -FEATURES:] / variances[-FEATURES:].mean().sqrt()).float()

    def features(self, images):
        """Features (M, 64) of images (M, C, H, W); on the images it was made from their mean variance is 1."""
        return images.flatten(1) @ self.axes


def fit_judge(judge, data, steps, seed, max_lr=3e-3, weight_decay=0.01, change=None, precision=nullcontext):
    """Train the judge on batches of 128 labelled images; returns the history, the loss of every step.

    change: what is done to each batch of images before the judge sees it; nothing, if it is None.
    precision: makes the context in which each step's logits are computed. (Each step's own: autocast keeps rounded
    copies of the weights as long as its context lasts, so that around all steps it would never see them learn.)
    """
    set_seed(seed)
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=weight_decay)
    schedule = one_cycle(optimizer, max_lr, steps)
    losses = []
    judge.train()
    for x, labels in progress(data.batches(128, steps=steps, seed=seed), losses):
        x = change(x) if change else x
        with precision():
            logits = judge(x)
        loss = F.cross_entropy(logits.float(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    judge.eval()
    judge.set_scale(data.images)
    return {"loss": losses}


BODIES = {  # data set -> kind of judge -> what makes its body; the kind "" is the judge that the lessons ask
    "fashion": {"": convolutional_body, "second": residual_body, "unlabelled": convolutional_body},
    "digits": {"": small_body},
}


def weights_name(kind=""):
    """What the weights of a judge are called, without their data set."""
    return f"judge_{kind}" if kind else "judge"


def load_judge(data, kind=""):
    """The shipped judge of the data set `data` (an `Images`), on its device, without dropout.

    Of Fashion-MNIST there are more, for a second opinion: "second" is another architecture, and the features of
    "unlabelled" come from a training without labels (only its head, which counts the classes, has seen them).
    That of the faces is an `AttributeJudge` (helpers/attributes.py).
    """
    if data.attributes:
        from helpers.attributes import load_attribute_judge  # which itself needs the judges of this module

        return load_attribute_judge(data)
    bodies = BODIES.get(data.name, {"": small_body})
    if kind not in bodies:
        raise CourseError(f"there is no judge {kind!r} of {data.name}; choose {' or '.join(map(repr, bodies))}")
    judge = Judge(bodies[kind]()).to(data.images.device)
    load_weights(weights_name(kind), judge, data, steps=0)
    return judge.eval()
