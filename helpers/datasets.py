"""Image data sets, whole in memory: `train, test = load("fashion")`. Origins and licences: data/README.md.

A folder of your own images is one, too: `load("path/to/folder")`.
"""

import copy
import io
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np
import torch

from helpers.arguments import whole_number
from helpers.faces import ATTRIBUTES, unpacked
from helpers.files import DATA, CourseError, read_verified
from helpers.folders import LIMIT, folder_arrays, is_path

CLASSES = {
    "fashion": (
        "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ),
    "digits": tuple("0123456789"),
}  # fmt: skip
FULL = {"fashion_full": "fashion", "digits_full": "digits"}  # all images, which are downloaded -> those shipped
CLASSES |= {"faces": ATTRIBUTES["hair"]} | {name: CLASSES[part] for name, part in FULL.items()}
GREY = (1, 28, 28)  # (C, H, W) that most lessons are about
SPLITS = ("train", "test")


@dataclass(frozen=True, eq=False)  # two sets are the same if they are one object
class Images:
    """Images (N, C, H, W) float32 in [0, 1], their labels (N,) int64, and the name of each class.

    C is 1 (grey: 0 is paper, 1 is ink) or 3 (red, green, blue: 1 is bright). attributes: what else is known of each
    image, {name: int64 tensor (N,)}; words: {name: what each value of that attribute means}.
    """

    name: str
    images: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]
    attributes: dict[str, torch.Tensor] = field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self):
        check_images(self.images)
        check_labels(self.labels, self.images, len(self.classes))
        if self.attributes.keys() != self.words.keys():
            named, meant = (", ".join(some) or "none" for some in (self.attributes, self.words))
            raise CourseError(f"attributes are {named}, words are given for {meant}; each attribute needs its words")
        for name, values in self.attributes.items():
            check_labels(values, self.images, len(self.words[name]), f"values of {name}")

    @property
    def shape(self):
        """(C, H, W): channels, height and width of one image."""
        return tuple(self.images.shape[1:])

    def __len__(self):
        return len(self.images)

    def __repr__(self):
        also = f", {', '.join(self.attributes)}" if self.attributes else ""
        return f"{self.name}: {len(self):,} images {self.shape}, {counted(self.classes)}{also}"

    def to(self, device):
        """The same set with its tensors on `device`."""
        return self.changed(lambda tensor: tensor.to(device))

    def take(self, chosen):
        """The same set with fewer images, in this order: `chosen` is a slice, positions (n,) or a mask (N,)."""
        return self.changed(lambda tensor: tensor[chosen])

    def changed(self, change):
        """The same set with change(tensor) in place of each tensor; values that were checked stay as they are."""
        other = copy.copy(self)  # not checked again: that would look at all pixels, wherever they are now
        for name in ("images", "labels"):
            object.__setattr__(other, name, change(getattr(self, name)))
        object.__setattr__(other, "attributes", {name: change(values) for name, values in self.attributes.items()})
        return other

    def batches(self, size, *, steps=None, epochs=None, seed=0):
        """Shuffled batches (images, labels): exactly `steps` of them, or every image once in each of `epochs`."""
        return Batches(self, size, steps, epochs, seed)

    def balanced_indices(self, count, seed=0):
        """Positions (count,) of a balanced random draw, as many of each class; `count` is a multiple of the classes."""
        k = len(self.classes)
        number = whole_number(count)
        if number is None or number % k or not 0 < number <= len(self):
            raise CourseError(
                f"count is {count}; {self.name} has {k} class(es): choose a multiple of {k} up to {len(self)}"
            )
        shuffled = torch.randperm(len(self), generator=generator(seed))
        labels = self.labels.cpu()[shuffled]
        share = number // k
        poor = [name for name, n in zip(self.classes, labels.bincount(minlength=k), strict=True) if n < share]
        if poor:
            raise CourseError(f"there are fewer than {share} images of {', '.join(poor)} in {self.name}; lower count")
        return torch.cat([shuffled[labels == c][:share] for c in range(k)]).to(self.labels.device)


def counted(classes):
    """How many classes, in words."""
    return f"{len(classes)} class{'es' if len(classes) > 1 else ''}"


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


def check_images(images, shape=None):
    """Raise a CourseError unless `images` is a float32 tensor (N, *shape) with values in [0, 1].

    shape: (C, H, W); any with one channel or three, if it is None.
    """
    if not isinstance(images, torch.Tensor) or images.dtype != torch.float32:
        kind = images.dtype if isinstance(images, torch.Tensor) else type(images).__name__
        raise CourseError(f"images are {kind}; they should be a float32 tensor")
    if images.ndim != 4 or (images.shape[1] not in (1, 3) if shape is None else images.shape[1:] != shape):
        wanted = "(N, 1, H, W), grey, or (N, 3, H, W), colour" if shape is None else f"(N, {str(shape)[1:]}"
        raise CourseError(f"images have shape {tuple(images.shape)}; it should be {wanted}")
    if len(images) and not (images.min() >= 0 and images.max() <= 1):  # also refuses nan
        raise CourseError(f"pixels lie in [{images.min():.3g}, {images.max():.3g}]; they should lie in [0, 1]")


def check_labels(labels, images, classes, what="labels"):
    """Raise a CourseError unless `labels` (N,) is int64, beside the N images, and runs from 0 to `classes` - 1.

    what: what the sentence calls them.
    """
    if not isinstance(labels, torch.Tensor) or labels.shape != (len(images),) or labels.dtype != torch.int64:
        raise CourseError(f"{what} should be an int64 tensor of shape ({len(images)},), one for each image")
    if labels.device != images.device:
        raise CourseError(f"images are on {images.device}, {what} on {labels.device}; move both to one device")
    if not len(labels):
        return
    first, last = labels.min().item(), labels.max().item()
    if first < 0 or last >= classes:
        named = "its name in classes" if what == "labels" else "its word"
        advice = "subtract 1" if (first, last) == (1, classes) else f"each of them needs {named}"
        expected = f"for {classes} {'classes' if what == 'labels' else 'words'} they should run from 0 to {classes - 1}"
        raise CourseError(f"{what} run from {first} to {last}; {expected}: {advice}")


def as_images(pixels):
    """uint8 (N, H, W), or in colour (N, H, W, 3) -> float32 (N, 1, H, W) or (N, 3, H, W) in [0, 1]."""
    tensor = torch.from_numpy(pixels)
    tensor = tensor[:, None] if tensor.ndim == 3 else tensor.permute(0, 3, 1, 2)
    return tensor.to(torch.float32, memory_format=torch.contiguous_format).div_(255)


def as_uint8(images):
    """float32 (N, 1, H, W) or (N, 3, H, W) in [0, 1] -> uint8 (N, H, W) or (N, H, W, 3): what `as_images` reads."""
    pixels = (images.detach().cpu() * 255).round().byte()
    return (pixels[:, 0] if pixels.shape[1] == 1 else pixels.permute(0, 2, 3, 1)).contiguous().numpy()


def load(name="fashion", shape=None, invert=False, limit=LIMIT, class_counts=None):
    """The train and test `Images` of a data set of the course, or of a folder of your own images.

    name: "fashion" (10,000 + 2,000), "digits" (4,000 + 1,000) or, in colour and with attributes, "faces" (9,000 +
    1,000), from this repository; "fashion_full" or "digits_full", all 60,000 + 10,000, downloaded once by torchvision
    into data/full, which git ignores; or the path of a folder with images, or with one subfolder for each class, which
    is only read.
    For a folder: shape (C, H, W), grey of 28 x 28 if it is None; invert: whether dark and bright change places;
    limit: how many files are read.
    class_counts: (fewest, most) classes that a lesson can do with, or None; other sets are refused.
    """
    if not isinstance(name, str | PurePath) or (name not in CLASSES and not is_path(str(name))):
        known = ", ".join(map(repr, CLASSES))
        raise CourseError(
            f"dataset {name!r} is not known; choose {known}, or the path of a folder with your own images"
        )
    if name not in CLASSES:
        called, arrays, classes = folder_arrays(name, checked_shape(shape or GREY), invert, checked_limit(limit))
    else:
        called, arrays, classes = name, full_or_shipped(name), CLASSES[name]
    if class_counts and not class_counts[0] <= len(classes) <= class_counts[1]:
        wanted = " to ".join(map(str, sorted(set(class_counts))))
        raise CourseError(
            f"{called} has {counted(classes)}, and this lesson can do with {wanted}; each subfolder is a class, "
            "and lesson 00 says which lessons take any pictures"
        )
    if name == "faces":
        both = tuple(labelled_by_hair(arrays, split) for split in SPLITS)
    else:
        both = tuple(
            Images(
                called,
                as_images(arrays[f"{split}_images"]),
                torch.from_numpy(arrays[f"{split}_labels"]).long(),
                classes,
            )
            for split in SPLITS
        )
    if both[0].shape != tuple(shape or both[0].shape):
        raise CourseError(f"the images of {name!r} have the shape {both[0].shape}, not {tuple(shape)}")
    return both


def checked_shape(shape):
    """(C, H, W) for pictures in a folder; a CourseError for what it cannot be."""
    numbers = tuple(whole_number(number) for number in shape) if isinstance(shape, tuple | list) else ()
    if len(numbers) != 3 or None in numbers or numbers[0] not in (1, 3) or not all(0 < n <= 512 for n in numbers[1:]):
        raise CourseError(f"shape is {shape!r}; choose (1, 28, 28), (3, 64, 64) or another (C, H, W), C = 1 or 3")
    return numbers


def checked_limit(limit):
    """How many files are read, as an int from 2; a CourseError for anything else."""
    number = whole_number(limit)
    if number is None or number < 2:
        raise CourseError(f"limit is {limit!r}; choose a whole number of files, 2 or more")
    return number


def full_or_shipped(name):
    """The arrays of a data set of the course: of all its images, or of those in this repository."""
    if name in FULL:
        from helpers.download import full_arrays  # imports torchvision, which takes a second

        return full_arrays(FULL[name])
    with np.load(io.BytesIO(read_verified(DATA / f"{name}.npz")), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def labelled_by_hair(arrays, split):
    """The `Images` of a split of the faces, from the arrays of their file; their class is their hair style."""
    images, attributes = unpacked(arrays, split)
    return Images("faces", images, attributes["hair"], CLASSES["faces"], attributes, ATTRIBUTES)
