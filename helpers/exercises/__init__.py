"""Exercises with an instant check: `check("autoencoder.1", answer)` says what is right, or what to think about next."""

import html
import importlib
import math
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from helpers.attempts import note
from helpers.files import CourseError

DEVICE = "The check hands over tensors on the CPU; make your own with `device=x.device`, where x is one of them."
UNWRITTEN = "Nothing is written there yet; replace the `raise NotImplementedError` line."
EXERCISES = {}  # "gan.1" -> (function that judges an answer, its hints); filled by helpers/exercises/gan.py


class Wrong(Exception):
    """Raised by a judge: the answer is wrong in a way that it recognises; the message helps without telling."""


@dataclass(frozen=True)
class Feedback:
    """What `check` shows: whether the answer passed, a sentence about it, and the hints still to be opened."""

    name: str
    passed: bool
    message: str
    hints: tuple[str, ...] = ()

    def __repr__(self):
        if self.passed:
            return f"Right. {self.message}"
        calls = ", ".join(f'hint("{self.name}", {i})' for i in range(1, len(self.hints) + 1))
        return f"Not yet. {self.message}\n{len(self.hints)} hints: {calls}"

    def _repr_html_(self):
        colour, verdict = ("#009E73", "Right.") if self.passed else ("#E69F00", "Not yet.")
        hints = "".join(
            f"<details><summary>Hint {i}</summary>{html.escape(text)}</details>" for i, text in enumerate(self.hints, 1)
        )
        style = f"border-left: 4px solid {colour}; padding: 0.3em 0.8em"
        return f'<div style="{style}"><b>{verdict}</b> {html.escape(self.message)}{hints}</div>'


def exercise(name, *hints):
    """Register the decorated function as the judge of exercise `name`: it returns praise, or raises `Wrong`."""

    def register(judge):
        EXERCISES[name] = judge, hints
        return judge

    return register


def find(name):
    """(judge, hints) of an exercise; a CourseError lists the names when there is no such exercise."""
    try:
        importlib.import_module(f"helpers.exercises.{str(name).partition('.')[0]}")
        return EXERCISES[name]
    except (ModuleNotFoundError, KeyError):
        known = ", ".join(sorted(EXERCISES)) or "autoencoder.1, autoencoder.2, ..."
        raise CourseError(f"there is no exercise {name!r}; known: {known}") from None


def check(name, answer):
    """Judge an answer to exercise `name` at once, and note the attempt; never raises for a wrong answer.

    Returns `Feedback`. Judges compute on the CPU; what the answer computes may lie on any device.
    """
    feedback = judged(name, answer)
    if feedback.message != UNWRITTEN:
        note(name, feedback.passed)
    return feedback


def judged(name, answer):
    """`Feedback` to an answer to exercise `name`."""
    judge, hints = find(name)
    try:
        return Feedback(name, True, judge(on_cpu(answer)))
    except Wrong as wrong:
        return Feedback(name, False, str(wrong), hints)
    except Exception as error:  # the learner's code may raise anything; the lesson goes on
        if isinstance(error, NotImplementedError) and not error.args:  # torch raises it, too, and says why
            return Feedback(name, False, UNWRITTEN, hints)
        advice = f"\n{DEVICE}" if mixes_devices(error) else ""
        return Feedback(name, False, f"Your code stopped with {type(error).__name__}: {error}{advice}", hints)


def on_cpu(answer):
    """The answer with its tensors on the CPU: those that a function returns, too. Of a module it takes a copy."""
    if isinstance(answer, torch.Tensor):
        return answer.cpu()
    if isinstance(answer, nn.Module):
        try:
            return deepcopy(answer).cpu()
        except RuntimeError:  # it keeps a tensor with its graph, as `weight_norm` does
            return answer.cpu()
    if isinstance(answer, list | tuple):
        parts = [on_cpu(part) for part in answer]
        return answer._make(parts) if hasattr(answer, "_make") else parts
    return OnCPU(answer) if callable(answer) else answer


class OnCPU:
    """Something that can be called, with its attributes (it may be a model); what it returns is on the CPU."""

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, *args, **named):
        return on_cpu(self.answer(*args, **named))

    def __getattr__(self, name):
        return getattr(self.answer, name)

    def __repr__(self):
        return repr(self.answer)


def mixes_devices(error):
    """Whether an error is torch's complaint about tensors on different devices."""
    return isinstance(error, RuntimeError) and "device" in str(error)


def hint(name, level=1):
    """Hint number `level` (1 is the gentlest) of exercise `name`, a sentence."""
    hints = find(name)[1]
    if level not in range(1, len(hints) + 1):
        raise CourseError(f"exercise {name} has hints 1 to {len(hints)}")
    return hints[level - 1]


def describe(value):
    """A short name for a wrong answer."""
    shape = getattr(value, "shape", None)
    if shape is None:
        return f"{value!r:.40} ({type(value).__name__})"
    what = "a tensor" if isinstance(value, torch.Tensor) else f"no tensor, but of the type {type(value).__name__},"
    return f"{what} {tuple(shape)}"


def as_number(value):
    """A float from a number, or from a NumPy or torch value with one element."""
    if isinstance(value, torch.Tensor | np.generic | np.ndarray) and math.prod(value.shape) == 1:
        return float(value.item())
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"The result should be one number; yours is {describe(value)}.")
    return float(value)


def as_loss(value):
    """A float from the loss that a training step returned; a tensor, which holds its graph, is refused."""
    if isinstance(value, torch.Tensor):
        raise Wrong("Return the loss as a float: .item(), or every step keeps its graph in memory.")
    return as_number(value)
