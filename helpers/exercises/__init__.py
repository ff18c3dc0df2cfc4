"""Exercises with an instant check: `check("01.1", answer)` says what is right, or what to think about next."""

import html
import importlib
from dataclasses import dataclass

from helpers.files import CourseError

EXERCISES = {}  # "01.1" -> (function that judges an answer, its hints); filled by helpers/exercises/lesson_NN.py


class Wrong(Exception):
    """Raised by a judge: the answer is wrong in a way that it recognises; the message helps without telling."""


@dataclass(frozen=True)
class Feedback:
    """What `check` shows: whether the answer passed, a sentence about it, and the hints still to be opened."""

    passed: bool
    message: str
    hints: tuple[str, ...] = ()

    def __repr__(self):
        more = "" if self.passed else f"\n{len(self.hints)} hints: hint(name, 1), hint(name, 2)"
        return f"{'Right.' if self.passed else 'Not yet.'} {self.message}{more}"

    def _repr_html_(self):
        colour, verdict = ("#009E73", "Right.") if self.passed else ("#E69F00", "Not yet.")
        hints = "" if self.passed else "".join(
            f"<details><summary>Hint {i}</summary>{html.escape(text)}</details>" for i, text in enumerate(self.hints, 1)
        )  # fmt: skip
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
        importlib.import_module(f"helpers.exercises.lesson_{name[:2]}")
        return EXERCISES[name]
    except (ImportError, KeyError):
        known = ", ".join(sorted(EXERCISES)) or "none so far"
        raise CourseError(f"there is no exercise {name!r}; known: {known}") from None


def check(name, answer):
    """Judge an answer to exercise `name` at once; never raises for a wrong answer. Returns `Feedback`."""
    judge, hints = find(name)
    try:
        return Feedback(True, judge(answer))
    except NotImplementedError:
        return Feedback(False, "Nothing is written there yet; replace the `raise NotImplementedError` line.", hints)
    except Wrong as wrong:
        return Feedback(False, str(wrong), hints)
    except Exception as error:  # the learner's code may raise anything; the lesson goes on
        return Feedback(False, f"Your code stopped with {type(error).__name__}: {error}", hints)


def hint(name, level=1):
    """Hint number `level` (1 is the gentlest) of exercise `name`."""
    hints = find(name)[1]
    if level not in range(1, len(hints) + 1):
        raise CourseError(f"exercise {name} has hints 1 to {len(hints)}")
    return Feedback(False, hints[level - 1])
