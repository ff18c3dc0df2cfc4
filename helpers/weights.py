"""Trained weights as safetensors (never pickles): the learner's own in results/, the course's in data/weights."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as as_safetensors

from helpers.arguments import at_least_zero, checked_seed
from helpers.datasets import CLASSES
from helpers.files import (
    DATA,
    CourseError,
    Interrupted,
    atomic_for_learner,
    file_part,
    is_listed,
    is_shipped,
    own_file,
    own_folder,
    read_verified,
    reason,
    restoring,
    whose,
)

SHIPPED = DATA / "weights"
LOSSES = "training_losses"  # the loss of every step travels with the weights; of two players as training_losses.NAME
FACTS = {"seed": int, "steps": int, "seconds": int | float, "torch": str}
JUDGE = "judge_"  # how the names of weights begin that no lesson trains


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

    @property
    def shipped_steps(self):
        """Of a learner's weights: how many steps the shipped ones of the same name had; None if there are none."""
        shipped = SHIPPED / self.path.name
        return read(shipped)[2]["steps"] if shipped.is_file() and not is_shipped(self.path) else None


def train_or_load(name, fit, model, data, steps, seed, **options):
    """Train with `losses = fit(model, data, steps, seed, **options)`, time it and save it; `steps` = 0 loads instead.

    The weights are called NAME_DATASET. Returns the `Run`, and prints it. Raises `Interrupted` when it is stopped, and
    a CourseError, with nothing saved, when the losses or the weights that came out are no numbers.
    """
    whole, start = at_least_zero(steps), checked_seed(seed)
    name = f"{name}_{data.name}"
    if whole == 0:
        return load(name, model, own=False)
    own_folder("weights")  # a COURSE_RESULTS that cannot be is said now, not after the training
    started = time.perf_counter()
    try:
        losses = fit(model, data, whole, start, **options)
    except KeyboardInterrupt as stop:
        rest = "nothing was saved, and what an earlier training saved is untouched; run this cell again to train"
        raise Interrupted(f"the training of {name} was stopped half-way; {rest}") from stop
    run = save(name, model, losses, seed=start, seconds=time.perf_counter() - started)
    print(run)
    return run


def save(name, model, losses, *, seed, seconds, folder=None):
    """Write NAME.safetensors to results/weights (or to `folder`), whole or not at all; returns the `Run`.

    losses: the loss of every step, a list or {name: list}. Where the file cannot be written a sentence says so, and the
    lesson goes on with the weights that it has in memory. Losses that are none, and numbers that are nan or infinite,
    are a CourseError; an earlier file then stays.
    """
    curves = as_curves(losses)
    if found := not_a_number(curves) or unusable(model.state_dict(), model):
        raise CourseError(
            f"{name}: {found}; not saved, and what an earlier training saved is untouched: lower the learning rate, or "
            "take another seed, and run the cells again from the one that makes the model"
        )
    path = (folder or own_folder("weights")) / f"{file_part(name)}.safetensors"
    steps = max(map(len, curves.values()))
    facts = {"seed": seed, "steps": steps, "seconds": round(seconds, 2), "torch": torch.__version__}
    try:
        with atomic_for_learner(path) as partial:
            partial.write_bytes(as_bytes(model.state_dict(), curves, facts))
    except CourseError as error:
        print(f"not kept: {error}")
    named = {key.removeprefix(f"{LOSSES}."): curve.tolist() for key, curve in curves.items()}
    return Run(named if isinstance(losses, dict) else named[LOSSES], path=path, **facts)


def as_curves(losses):
    """{name in the file: float64 (steps,)} of what a `fit` returned; a CourseError if that is no list of numbers."""
    named = {f"{LOSSES}.{key}": c for key, c in losses.items()} if isinstance(losses, dict) else {LOSSES: losses}
    try:
        if not named or not all(isinstance(curve, list) and curve for curve in named.values()):
            raise TypeError("no list, or an empty one")
        return {key: torch.tensor([float(x) for x in curve], dtype=torch.float64) for key, curve in named.items()}
    except (TypeError, ValueError, RuntimeError) as error:  # float() of None, of a text, of a tensor of two numbers
        empty = isinstance(losses, list | dict) and not losses
        what = repr(losses) if empty else type(losses).__name__
        raise CourseError(
            f"fit returned {what}; it should return the losses of all steps, a list of numbers or {{name: list}}; "
            "nothing was saved, but the network in memory is trained"
        ) from error


def not_a_number(curves):
    """Which of the curves {name: float64 (steps,)} is nan or infinite, and since when, in words; "" if none is."""
    for key, curve in curves.items():
        bad = (~curve.isfinite()).nonzero()
        if len(bad):
            player = key.removeprefix(LOSSES).removeprefix(".")
            return f"the loss{player and f' of {player}'} is {curve[bad[0, 0]]} since step {bad[0, 0] + 1}"
    return ""


def unusable(state, model):
    """Which entry of `state`, a state_dict of `model`, is nan or infinite, in words; "" if none is.

    Buffers may be infinite: masks are.
    """
    buffers = {key for key, _ in model.named_buffers(remove_duplicate=False)}
    for key, value in state.items():
        try:
            bad = (value.isnan() if key in buffers else ~value.isfinite()).any()
        except (AttributeError, RuntimeError):  # no tensor, or of a kind that cannot be asked
            bad = False
        if bad:
            return f"its weights are nan or infinite ({key})"
    return ""


def as_bytes(state, curves, facts):
    """The content of a weights file: a state_dict, curves as float32, facts; a CourseError if it cannot be written.

    Each tensor is copied, so that two names of one tensor (tied weights) become two entries.
    """
    try:
        tensors = {key: value.detach().cpu().contiguous().clone() for key, value in state.items()}
        tensors |= {key: curve.float() for key, curve in curves.items()}
        return as_safetensors(tensors, {key: json.dumps(value) for key, value in facts.items()})
    except Exception as error:  # whatever it is, the training took minutes and must not be lost for it
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise CourseError(f"a weights file cannot hold this network ({why}); it stays in memory") from error


def load(name, model, own=True):
    """Fill `model` with the weights NAME: the learner's own if there are any (and `own`), else the shipped ones.

    Returns the `Run`, and prints it. Raises a CourseError when there are none, or they are damaged or do not fit.
    """
    file = f"{file_part(name)}.safetensors"
    path = (own and own_file("weights", file)) or SHIPPED / file
    if is_shipped(path) and not path.is_file() and not is_listed(path):
        raise CourseError(f"no weights {name!r} are shipped; {training(name)}")
    tensors, losses, facts = read(path)
    expected = {key: getattr(value, "shape", None) for key, value in model.state_dict().items()}
    if expected != {key: value.shape for key, value in tensors.items()}:
        changed = f"the model was changed; {training(name)}"
        raise CourseError(
            f"{path.name} holds the weights of another model; {changed if is_shipped(path) else remedy(path)}"
        )
    if found := unusable(tensors, model):
        raise CourseError(f"{path.name} is of no use: {found}; {remedy(path)}")
    model.load_state_dict(tensors)
    run = Run(losses, path=path, **facts)
    print(run)
    return run


def read(path):
    """(tensors, losses, facts) of a weights file of this course; a CourseError says what to do about any other file."""
    try:
        content = read_verified(path) if is_shipped(path) else path.read_bytes()
        tensors = from_safetensors(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
        named = {key: tensors.pop(key).tolist() for key in sorted(tensors) if key.startswith(f"{LOSSES}.")}
        losses = {key.removeprefix(f"{LOSSES}."): curve for key, curve in named.items()} or tensors.pop(LOSSES).tolist()
        facts = {key: json.loads(metadata[key]) for key in FACTS}
        if not all(isinstance(facts[key], kind) for key, kind in FACTS.items()):
            raise ValueError("facts of another kind")
        return tensors, losses, facts
    except OSError as error:
        raise CourseError(f"{path} cannot be read ({reason(error)})") from error
    except SafetensorError as error:
        raise CourseError(f"{path.name} is damaged or no safetensors file; {remedy(path)}") from error
    except (KeyError, ValueError) as error:
        raise CourseError(
            f"{path.name} was not written by this course, or by another edition of it; {remedy(path)}"
        ) from error


def training(name):
    """How to get weights that are not shipped, or not for this model."""
    if not name.startswith(JUDGE):
        lesson = f"lesson {name[:2]}" if name[:2].isdigit() else "the lesson that trains them"
        return f"run {lesson} with this data set and with steps above 0"
    if name.removeprefix(JUDGE) in CLASSES:
        return "`python -m tools.judge`, run in the course's folder, trains the judge of this edition"
    return f"there are judges of {' and '.join(map(repr, CLASSES))} only"


def remedy(path):
    """What to do about a bad weights file."""
    if is_shipped(path):
        return restoring(path)
    return f"delete {path} and run the lesson that trains it again"
