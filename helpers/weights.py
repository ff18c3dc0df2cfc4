"""Trained weights as safetensors (never pickles): the learner's own in results/, the course's in data/weights."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as as_safetensors

from helpers.files import DATA, CourseError, Interrupted, atomic_for_learner, is_shipped, own_folder, verify, whose

SHIPPED = DATA / "weights"
LOSSES = "training_losses"  # the loss of every step travels with the weights; of two players as training_losses.NAME
FACTS = ("seed", "steps", "seconds", "torch")


@dataclass(frozen=True)
class Run:
    """How weights came to be: loss of every step, seed, steps, seconds of training, torch version, their file."""

    losses: list | dict
    seed: int
    steps: int
    seconds: float
    torch: str
    path: Path

    def __str__(self):
        how = f"{self.steps:,} steps, {self.seconds:.0f} s, seed {self.seed}"
        return f"{self.path.stem}: {whose(self.path)} ({how})"


def train_or_load(name, fit, model, data, steps, seed, **options):
    """Train with `losses = fit(model, data, steps, seed, **options)`, time it and save it; `steps` = 0 loads instead.

    The weights are called NAME_DATASET. Returns the `Run`, and prints it. Raises `Interrupted` when it is stopped.
    """
    if not isinstance(steps, int) or steps < 0:
        raise CourseError(f"steps is {steps!r}; choose a whole number, 0 for the shipped weights")
    name = f"{name}_{data.name}"
    if steps == 0:
        return load(name, model, own=False)
    started = time.perf_counter()
    try:
        losses = fit(model, data, steps, seed, **options)
    except KeyboardInterrupt as stop:
        rest = "nothing was saved, and what an earlier training saved is untouched; run this cell again to train"
        raise Interrupted(f"the training of {name} was stopped half-way; {rest}") from stop
    if not isinstance(losses, list | dict):
        raise CourseError(
            f"fit returned {type(losses).__name__}; it should return the losses of all steps, a list or {{name: list}}"
        )
    run = save(name, model, losses, seed=seed, seconds=time.perf_counter() - started)
    print(run)
    return run


def save(name, model, losses, *, seed, seconds):
    """Write results/weights/NAME.safetensors, whole or not at all; returns the `Run`.

    Where it cannot be written a sentence says so, and the lesson goes on with the weights that it has in memory.
    """
    path = own_folder("weights") / f"{name}.safetensors"
    curves = {f"{LOSSES}.{key}": c for key, c in losses.items()} if isinstance(losses, dict) else {LOSSES: losses}
    steps = max(map(len, curves.values()))
    facts = {"seed": seed, "steps": steps, "seconds": round(seconds, 2), "torch": torch.__version__}
    tensors = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    tensors |= {key: torch.tensor(curve, dtype=torch.float32) for key, curve in curves.items()}
    try:
        with atomic_for_learner(path) as partial:
            partial.write_bytes(as_safetensors(tensors, {key: json.dumps(value) for key, value in facts.items()}))
    except CourseError as error:
        print(f"not kept: {error}")
    return Run(losses, path=path, **facts)


def load(name, model, own=True):
    """Fill `model` with the weights NAME: the learner's own if there are any (and `own`), else the shipped ones.

    Returns the `Run`, and prints it. Raises a CourseError when there are none, or they are damaged or do not fit.
    """
    path = own_folder("weights") / f"{name}.safetensors"
    if not (own and path.is_file()):
        path = SHIPPED / f"{name}.safetensors"
        if not path.is_file():
            raise CourseError(f"no weights {name!r} are shipped; run the lesson that trains them, with steps above 0")
        verify(path)
    tensors, losses, facts = read(path)
    expected = {key: value.shape for key, value in model.state_dict().items()}
    if expected != {key: value.shape for key, value in tensors.items()}:
        retrain = "the model was changed; set steps above 0 to train it here"
        advice = retrain if is_shipped(path) else remedy(path)
        raise CourseError(f"{path.name} holds the weights of another model; {advice}")
    model.load_state_dict(tensors)
    run = Run(losses, path=path, **facts)
    print(run)
    return run


def read(path):
    """(tensors, losses, facts) of a weights file of this course; a CourseError says what to do about any other file."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (the file is no dict)
        named = {key: tensors.pop(key).tolist() for key in sorted(tensors) if key.startswith(f"{LOSSES}.")}
        losses = {key.removeprefix(f"{LOSSES}."): curve for key, curve in named.items()} or tensors.pop(LOSSES).tolist()
        return tensors, losses, {key: json.loads(metadata[key]) for key in FACTS}
    except (SafetensorError, OSError) as error:
        raise CourseError(f"{path.name} is damaged or no safetensors file; {remedy(path)}") from error
    except (KeyError, json.JSONDecodeError) as error:
        raise CourseError(f"{path.name} was not written by this course; {remedy(path)}") from error


def remedy(path):
    """What to do about a bad weights file."""
    return f"delete {path} and run the lesson that trains it again"
