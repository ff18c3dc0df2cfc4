"""Generated images and what they cost: lessons leave them behind, lesson 14 reads them and never sees a model.

One file for each training: the learner's own in results/samples, the course's in data/samples.
"""

import io
import json
import platform
import re
import time
import zipfile
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch

from helpers.datasets import check_images
from helpers.files import (
    DATA,
    CourseError,
    atomic_for_learner,
    checksum,
    file_part,
    is_shipped,
    own_files,
    own_folder,
    read_verified,
    reason,
    restoring,
    whose,
)

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
        words = file_part(re.sub("[, ]+", "_", self.model.strip()))
        return f"{words}_{file_part(self.dataset)}_{self.steps}_seed{self.seed}.npz"

    @property
    def training(self):
        """What tells one training from another: model, data set, steps and seed."""
        return self.model, self.dataset, self.steps, self.seed


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
    """Draw 2,000 images with `draw()`, time it, and save them with the costs of training for lesson 14.

    draw returns images (2000, 1, 28, 28) in [0, 1]; runs: the `Run` of every training that led to it; network: the
    module that draws; data: the `Images` it learned. Does nothing if the weights are the shipped ones.
    """
    if any(is_shipped(run.path) for run in runs):
        print(f"{model}: shipped weights; the images for lesson 14 are shipped, too")
        return
    seconds = round(sum(run.seconds for run in runs), 2)
    parameters = sum(p.numel() for p in network.parameters())
    steps = sum(run.steps for run in runs)
    facts = Facts(model, data.name, steps, runs[0].seed, seconds, parameters, 0.0, machine())  # refused now or never
    started = time.perf_counter()
    images = draw().cpu()
    print(save(images, replace(facts, sampling_seconds=round(time.perf_counter() - started, 3))))


def save(images, facts):
    """Write images (N, 1, 28, 28) in [0, 1], N at least 2,000, to results/samples; returns the `Sample`.

    The same model, data set, steps and seed once more replace the file. Where it cannot be written a sentence says so.
    """
    check_images(images)
    enough(images)
    path = own_path(facts)
    pixels = (images[:, 0].detach().cpu() * 255).round().byte().numpy()
    try:
        with atomic_for_learner(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, images=pixels, facts=np.array(json.dumps(vars(facts))))
    except CourseError as error:
        print(f"not kept: {error}")
    return Sample(as_images(pixels), facts, path)


def own_path(facts):
    """Where the learner's images go: under the file's own name, unless a training of another name has it already.

    "a, b" and "a b" make one file name, and "A" and "a" are one to Windows.
    """
    path = own_folder("samples") / facts.file
    try:
        taken = read(path).facts.training != facts.training
    except CourseError:  # there is none, or none that is worth keeping
        taken = False
    return path.with_stem(f"{path.stem}_{checksum(facts.model)}") if taken else path


def as_images(pixels):
    """uint8 (N, 28, 28) -> float32 (N, 1, 28, 28) in [0, 1]."""
    return torch.from_numpy(pixels)[:, None].float().div_(255)


def enough(images):
    """Raise a CourseError if there are fewer images than lesson 14 compares."""
    if len(images) < COUNT:
        raise CourseError(f"there are {len(images):,} images; the comparison needs {COUNT:,}")


def machine():
    """What this machine computes with, in a few words."""
    processor = f"{platform.machine()}, {torch.get_num_threads()} threads"
    return torch.cuda.get_device_name() if torch.cuda.is_available() else processor


def read(path):
    """The `Sample` in a file; a CourseError says what is wrong with it."""
    path = Path(path)
    remedy = restoring(path) if is_shipped(path) else f"delete {path}"
    try:
        content = read_verified(path) if is_shipped(path) else path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} cannot be read ({reason(error)})") from error
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            pixels, facts = archive["images"], Facts(**json.loads(str(archive["facts"])))
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (28, 28):
            kind = f"{pixels.dtype} of shape {pixels.shape}"
            raise CourseError(f"the images are {kind}; they should be uint8 of shape (N, 28, 28)")
        enough(pixels)
    except (OSError, ValueError, KeyError, EOFError, TypeError, IndexError, zipfile.BadZipFile) as error:
        what = "is damaged, or was not written by this course or by another edition of it"
        raise CourseError(f"{path.name} {what}; {remedy}") from error
    except CourseError as error:
        raise CourseError(f"{path.name}: {error}; {remedy}") from error
    return Sample(as_images(pixels), facts, path)


def find(dataset, own=True):
    """All `Sample`s of `dataset`, in order of their file names: the shipped ones, and (if `own`) the learner's.

    A learner's sample takes the place of the shipped one of the same model, data set, steps and seed. A bad file is
    named, and left out.
    """
    paths = sorted(SHIPPED.glob("*.npz")) + (own_files("samples", ".npz") if own else [])
    found = {}
    for path in paths:
        try:
            sample = read(path)
        except CourseError as error:
            print(f"left out: {error}")
        else:
            found[sample.facts.training] = sample
    return sorted((s for s in found.values() if s.facts.dataset == dataset), key=lambda sample: sample.path.name)
