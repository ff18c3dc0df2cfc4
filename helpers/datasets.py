"""Image data sets, whole in memory: `train, test = load("fashion")`. Origins and licences: data/README.md."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from helpers.files import DATA, CourseError, verify

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
        if self.labels.shape != (len(self.images),) or self.labels.dtype != torch.int64:
            raise CourseError(f"labels should be int64 of shape ({len(self.images)},), one for each image")

    def __len__(self):
        return len(self.images)

    def __repr__(self):
        return f"{self.name}: {len(self):,} images {tuple(self.images.shape[1:])}, {len(self.classes)} classes"

    def to(self, device):
        """The same set with its tensors on `device`."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def batches(self, size, *, steps=None, epochs=None, seed=0):
        """Shuffled batches (images, labels): exactly `steps` of them, or every image once in each of `epochs`."""
        return Batches(self, size, steps, epochs, seed)

    def few_labels(self, count, seed=0):
        """Positions (count,) of a balanced random draw, as many of each class; `count` is a multiple of the classes."""
        k = len(self.classes)
        if not isinstance(count, int) or count % k or not 0 < count <= len(self):
            raise CourseError(f"count is {count}; choose a multiple of {k} up to {len(self)}")
        shuffled = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        labels = self.labels.cpu()[shuffled]
        if labels.bincount(minlength=k).min() < count // k:
            raise CourseError(f"some class of {self.name} has fewer than {count // k} images")
        return torch.cat([shuffled[labels == c][: count // k] for c in range(k)]).to(self.labels.device)


class Batches:
    """Iterable over shuffled batches; knows its length, so that a progress bar can. Made by `Images.batches`."""

    def __init__(self, data, size, steps, epochs, seed):
        if not isinstance(size, int) or not 1 <= size <= len(data):
            raise CourseError(f"batch size is {size}; choose 1 to {len(data)}, the number of images")
        if (steps is None) == (epochs is None):
            raise CourseError("say how long to train: either steps=... or epochs=..., not both")
        length = steps if epochs is None else epochs
        if not isinstance(length, int) or length < 0:
            raise CourseError(f"the length of training is {length!r}; choose a whole number of steps or epochs")
        self.data, self.size, self.seed = data, size, seed
        self.per_epoch = -(-len(data) // size)
        self.steps = length if epochs is None else length * self.per_epoch

    def __len__(self):
        return self.steps

    def __iter__(self):
        generator = torch.Generator().manual_seed(self.seed)
        device = self.data.images.device
        for step in range(self.steps):
            position = step % self.per_epoch
            if position == 0:  # a new epoch, a new order
                order = torch.randperm(len(self.data), generator=generator).to(device)
            chosen = order[position * self.size : (position + 1) * self.size]
            yield self.data.images[chosen], self.data.labels[chosen]


def check_images(images):
    """Raise a CourseError unless `images` is a float32 tensor (N, 1, 28, 28) with values in [0, 1]."""
    if not isinstance(images, torch.Tensor) or images.dtype != torch.float32:
        kind = images.dtype if isinstance(images, torch.Tensor) else type(images).__name__
        raise CourseError(f"images are {kind}; they should be a float32 tensor")
    if images.ndim != 4 or images.shape[1:] != (1, 28, 28):
        raise CourseError(f"images have shape {tuple(images.shape)}; it should be (N, 1, 28, 28)")
    if len(images) and not (images.min() >= 0 and images.max() <= 1):  # also refuses nan
        raise CourseError(f"pixels lie in [{images.min():.3g}, {images.max():.3g}]; they should lie in [0, 1]")


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
        with np.load(verify(DATA / f"{name}.npz"), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    return tuple(
        Images(
            name,
            torch.from_numpy(arrays[f"{split}_images"])[:, None].float().div_(255),
            torch.from_numpy(arrays[f"{split}_labels"]).long(),
            CLASSES[name],
        )
        for split in SPLITS
    )
