"""Generated images and what they cost: lessons leave them behind, lesson 10 reads them and never sees a model.

One file for each training: the learner's own in results/samples, the course's in data/samples.
"""

import json
import platform
import time
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from helpers.datasets import check_images
from helpers.files import DATA, CourseError, atomic_for_learner, is_shipped, own_folder, verify, whose

SHIPPED = DATA / "samples"
COUNT = 2000  # images that the comparison needs


@dataclass(frozen=True)
class Facts:
    """What images cost: steps and seconds of training, numbers that drawing needs, seconds of drawing all images."""

    model: str
    dataset: str
    steps: int
    seed: int
    seconds: float
    parameters: int
    sampling_seconds: float
    machine: str

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, field.type) or isinstance(value, bool):
                raise CourseError(f"{field.name} is {value!r}; it should be of type {field.type.__name__}")
            if field.type is not str and not 0 <= value < float("inf"):
                raise CourseError(f"{field.name} is {value!r}; it should be 0 or more")

    @property
    def file(self):
        """The name of the file: model, data set, steps and seed say which training it was."""
        words = "".join(c if c.isascii() and c.isalnum() else " " for c in self.model).split()
        return "_".join([*words, self.dataset, str(self.steps), f"seed{self.seed}.npz"])


@dataclass(frozen=True, eq=False)
class Sample:
    """Images (N, 1, 28, 28) float32 in [0, 1], their `Facts` and their file."""

    images: torch.Tensor
    facts: Facts
    path: Path

    def __str__(self):
        how = f"{len(self.images):,} images, {self.facts.seconds:.0f} s of training"
        return f"{self.path.stem}: {whose(self.path)} ({how})"


def leave(model, draw, runs, network, data):
    """Draw 2,000 images with `draw()`, time it, and save them with the costs of training for lesson 10.

    draw returns images (2000, 1, 28, 28) in [0, 1]; runs: the `Run` of every training that led to it; network: the
    module that draws; data: the `Images` it learned. Does nothing if the weights are the shipped ones.
    """
    if any(is_shipped(run.path) for run in runs):
        print(f"{model}: shipped weights; the images for lesson 10 are shipped, too")
        return
    started = time.perf_counter()
    images = draw().cpu()
    drawing = round(time.perf_counter() - started, 3)
    seconds = round(sum(run.seconds for run in runs), 2)
    parameters = sum(p.numel() for p in network.parameters())
    steps = sum(run.steps for run in runs)
    print(save(images, Facts(model, data.name, steps, runs[0].seed, seconds, parameters, drawing, machine())))


def save(images, facts):
    """Write images (N, 1, 28, 28) in [0, 1], N at least 2,000, to results/samples; returns the `Sample`.

    The same model, data set, steps and seed once more replace the file. Where it cannot be written a sentence says so.
    """
    check_images(images)
    enough(images)
    path = own_folder("samples") / facts.file
    pixels = (images[:, 0].detach().cpu() * 255).round().byte().numpy()
    try:
        with atomic_for_learner(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, images=pixels, facts=np.array(json.dumps(vars(facts))))
    except CourseError as error:
        print(f"not kept: {error}")
    return Sample(as_images(pixels), facts, path)


def as_images(pixels):
    """uint8 (N, 28, 28) -> float32 (N, 1, 28, 28) in [0, 1]."""
    return torch.from_numpy(pixels)[:, None].float().div_(255)


def enough(images):
    """Raise a CourseError if there are fewer images than lesson 10 compares."""
    if len(images) < COUNT:
        raise CourseError(f"there are {len(images):,} images; the comparison needs {COUNT:,}")


def machine():
    """What this machine computes with, in a few words."""
    processor = f"{platform.machine()}, {torch.get_num_threads()} threads"
    return torch.cuda.get_device_name() if torch.cuda.is_available() else processor


def read(path):
    """The `Sample` in a file; a CourseError says what is wrong with it."""
    path = Path(path)
    if is_shipped(path):
        verify(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            pixels, facts = archive["images"], Facts(**json.loads(str(archive["facts"])))
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (28, 28):
            kind = f"{pixels.dtype} of shape {pixels.shape}"
            raise CourseError(f"the images are {kind}; they should be uint8 of shape (N, 28, 28)")
        enough(pixels)
    except (OSError, ValueError, KeyError, EOFError, TypeError, IndexError, zipfile.BadZipFile) as error:
        raise CourseError(f"{path.name} is damaged or was not written by this course; delete {path}") from error
    except CourseError as error:
        raise CourseError(f"{path.name}: {error}; delete {path}") from error
    return Sample(as_images(pixels), facts, path)


def find(dataset, own=True):
    """All `Sample`s of `dataset`, in order of their file names: the shipped ones, and (if `own`) the learner's.

    A learner's file takes the place of a shipped one with the same name. A bad file is named, and left out.
    """
    paths = {path.name: path for path in SHIPPED.glob("*.npz")}
    if own:
        paths |= {path.name: path for path in own_folder("samples").glob("*.npz")}
    found = []
    for name in sorted(paths):
        try:
            found.append(read(paths[name]))
        except CourseError as error:
            print(f"left out: {error}")
    return [sample for sample in found if sample.facts.dataset == dataset]
