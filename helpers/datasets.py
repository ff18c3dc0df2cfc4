"""Image data sets, whole in memory: `train, test = load("fashion")`. Origins and licences: data/README.md."""

import copy
import io
from dataclasses import dataclass

import numpy as np
import torch

from helpers.arguments import whole_number
from helpers.files import DATA, CourseError, read_verified

CLASSES = {
    "fashion": (
        "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ),
    "digits": tuple("0123456789"),
}  # fmt: skip
SPLITS = ("train", "test")


@dataclass(frozen=True, eq=False)  # two sets are the same if they are one object
class Images:
    """Images (N, 1, 28, 28) float32 in [0, 1], their labels (N,) int64, and the name of each class."""

    name: str
    images: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]

    def __post_init__(self):
        check_images(self.images)
        check_labels(self.labels, self.images, len(self.classes))

    def __len__(self):
        return len(self.images)

    def __repr__(self):
        return f"{self.name}: {len(self):,} images {tuple(self.images.shape[1:])}, {len(self.classes)} classes"

    def to(self, device):
        """The same set with its tensors on `device`."""
        moved = copy.copy(self)  # the values are those that were checked: no need to look at them again over there
        for field in ("images", "labels"):
            object.__setattr__(moved, field, getattr(self, field).to(device))
        return moved

    def batches(self, size, *, steps=None, epochs=None, seed=0):
        """Shuffled batches (images, labels): exactly `steps` of them, or every image once in each of `epochs`."""
        return Batches(self, size, steps, epochs, seed)

    def balanced_indices(self, count, seed=0):
        """Positions (count,) of a balanced random draw, as many of each class; `count` is a multiple of the classes."""
        k = len(self.classes)
        number = whole_number(count)
        if number is None or number % k or not 0 < number <= len(self):
            raise CourseError(f"count is {count}; choose a multiple of {k} up to {len(self)}")
        shuffled = torch.randperm(len(self), generator=generator(seed))
        labels = self.labels.cpu()[shuffled]
        share = number // k
        poor = [name for name, n in zip(self.classes, labels.bincount(minlength=k), strict=True) if n < share]
        if poor:
            raise CourseError(f"there are fewer than {share} images of {', '.join(poor)} in {self.name}; lower count")
        return torch.cat([shuffled[labels == c][:share] for c in range(k)]).to(self.labels.device)


class Batches:
    """Iterable over shuffled batches; knows its length, so that a progress bar can. Made by `Images.batches`."""

    def __init__(self, data, size, steps, epochs, seed):
        number = whole_number(size)
        if number is None or not 1 <= number <= len(data):
            raise CourseError(f"batch size is {size}; choose 1 to {len(data)}, the number of images")
        if (steps is None) == (epochs is None):
            raise CourseError("say how long to train: either steps=... or epochs=..., not both")
        wished = steps if epochs is None else epochs
        length = whole_number(wished)
        if length is None or length < 0:
            raise CourseError(f"the length of training is {wished!r}; choose a whole number of steps or epochs")
        generator(seed)  # refused now, not at the first batch
        self.data, self.size, self.seed = data, number, seed
        self.per_epoch = -(-len(data) // number)
        self.steps = length if epochs is None else length * self.per_epoch

    def __len__(self):
        return self.steps

    def __iter__(self):
        dice = generator(self.seed)
        device = self.data.images.device
        for step in range(self.steps):
            position = step % self.per_epoch
            if position == 0:  # a new epoch, a new order
                order = torch.randperm(len(self.data), generator=dice).to(device)
            chosen = order[position * self.size : (position + 1) * self.size]
            yield self.data.images[chosen], self.data.labels[chosen]


def generator(seed):
    """A random generator of its own that starts from `seed`, any whole number from 0."""
    number = whole_number(seed)
    if number is None or not 0 <= number < 2**63:
        raise CourseError(f"seed is {seed!r}; choose a whole number from 0")
    return torch.Generator().manual_seed(number)


def check_images(images):
    """Raise a CourseError unless `images` is a float32 tensor (N, 1, 28, 28) with values in [0, 1]."""
    if not isinstance(images, torch.Tensor) or images.dtype != torch.float32:
        kind = images.dtype if isinstance(images, torch.Tensor) else type(images).__name__
        raise CourseError(f"images are {kind}; they should be a float32 tensor")
    if images.ndim != 4 or images.shape[1:] != (1, 28, 28):
        raise CourseError(f"images have shape {tuple(images.shape)}; it should be (N, 1, 28, 28)")
    if len(images) and not (images.min() >= 0 and images.max() <= 1):  # also refuses nan
        raise CourseError(f"pixels lie in [{images.min():.3g}, {images.max():.3g}]; they should lie in [0, 1]")


def check_labels(labels, images, classes):
    """Raise a CourseError unless `labels` (N,) is int64, beside the N images, and runs from 0 to `classes` - 1."""
    if not isinstance(labels, torch.Tensor) or labels.shape != (len(images),) or labels.dtype != torch.int64:
        raise CourseError(f"labels should be an int64 tensor of shape ({len(images)},), one for each image")
    if labels.device != images.device:
        raise CourseError(f"images are on {images.device}, labels on {labels.device}; move both to one device")
    if not len(labels):
        return
    first, last = labels.min().item(), labels.max().item()
    if first < 0 or last >= classes:
        advice = "subtract 1" if (first, last) == (1, classes) else "each label needs its name in classes"
        expected = f"for {classes} classes they should run from 0 to {classes - 1}"
        raise CourseError(f"labels run from {first} to {last}; {expected}: {advice}")


def as_images(pixels):
    """uint8 (N, 28, 28) -> float32 (N, 1, 28, 28) in [0, 1]."""
    return torch.from_numpy(pixels)[:, None].float().div_(255)


def load(name="fashion", full=False):
    """The train and test `Images` of 'fashion' (10,000 + 2,000) or 'digits' (4,000 + 1,000), from this repository.

    With `full=True`, all 60,000 + 10,000, downloaded once by torchvision into data/full (which git ignores).
    """
    if not isinstance(name, str) or name not in CLASSES:
        raise CourseError(f"dataset {name!r} is not known; choose {' or '.join(map(repr, CLASSES))}")
    if full:
        from helpers.download import full_arrays  # imports torchvision, which takes a second

        arrays = full_arrays(name)
    else:
        with np.load(io.BytesIO(read_verified(DATA / f"{name}.npz")), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    return tuple(
        Images(
            name,
            as_images(arrays[f"{split}_images"]),
            torch.from_numpy(arrays[f"{split}_labels"]).long(),
            CLASSES[name],
        )
        for split in SPLITS
    )
