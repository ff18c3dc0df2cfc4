"""Answers to the exercises (tests/answers/, a file a topic): a wrong one gets its hint, a right one is accepted."""

import importlib
from pathlib import Path

import pytest
import torch
from second_device import AVAILABLE, second_device
from torch import nn

from helpers.exercises import check, find, hint
from tools import notebooks

FILES = sorted(path.stem for path in Path(__file__).with_name("answers").glob("*.py"))
TOPICS = [importlib.import_module(f"answers.{topic}") for topic in FILES]
WRONG = [answer for topic in TOPICS for answer in topic.WRONG]  # exercise, answer, words that the feedback contains
RIGHT = [answer for topic in TOPICS for answer in topic.RIGHT]  # exercise, answer
NAMES = sorted({name for name, _, _ in WRONG})
FIRST_RIGHT = dict(reversed(RIGHT))


def unwritten(*_, **__):
    raise NotImplementedError


@pytest.mark.parametrize(("name", "answer", "words"), WRONG)
def test_a_wrong_answer_gets_the_right_hint(name, answer, words):
    feedback = check(name, answer)
    assert not feedback.passed
    assert words in feedback.message
    assert len(feedback.hints) == 2


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_a_right_answer_is_accepted(name, answer):
    feedback = check(name, answer)
    assert feedback.passed, feedback.message


def moved(value, device):
    """What an answer gives, with every tensor and network of it on `device`."""
    if isinstance(value, torch.Tensor | nn.Module):
        return value.to(device)
    return tuple(moved(part, device) for part in value) if isinstance(value, list | tuple) else value


@pytest.mark.skipif(not AVAILABLE, reason="this torch has no devices defined in Python")
@pytest.mark.parametrize("name", FIRST_RIGHT)
def test_a_right_answer_may_lie_on_any_device(name):
    with second_device() as device:
        feedback = check(name, lambda *given, **named: moved(FIRST_RIGHT[name](*given, **named), device))
    assert feedback.passed, feedback.message


@pytest.mark.skipif(not AVAILABLE, reason="this torch has no devices defined in Python")
@pytest.mark.parametrize(("name", "answer", "words"), list({wrong[0]: wrong for wrong in WRONG}.values()))
def test_a_wrong_answer_on_another_device_gets_the_same_hint(name, answer, words):
    with second_device() as device:
        feedback = check(name, lambda *given, **named: moved(answer(*given, **named), device))
    assert not feedback.passed
    assert words in feedback.message


@pytest.mark.skipif(not AVAILABLE, reason="this torch has no devices defined in Python")
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("autoencoder.3", lambda x, code_size: x + torch.zeros(1, 14, 14, device="second")),
        ("guided_diffusion.2", lambda x, low, s, bars: x + torch.zeros(1, 28, 28, device="second")),
    ],
)
def test_an_answer_that_mixes_devices_is_told_so(name, answer):
    with second_device():
        message = check(name, answer).message
    assert "Your code stopped with RuntimeError: Expected all tensors to be on the same device" in message
    assert "make your own with `device=x.device`" in message


@pytest.mark.skipif(not AVAILABLE, reason="this torch has no devices defined in Python")
def test_the_network_of_an_answer_stays_where_it_is():
    with second_device() as device:
        network = FIRST_RIGHT["autoencoder.1"]().to(device)
        assert check("autoencoder.1", lambda: network).passed
        assert network.encoder[1].weight.device == device


@pytest.mark.parametrize("name", NAMES)
def test_an_unwritten_answer_is_no_error(name):
    assert "Nothing is written there yet" in check(name, unwritten).message


@pytest.mark.parametrize("name", NAMES)
def test_there_are_two_hints_and_three_wrong_answers(name):
    assert hint(name, 1) != hint(name, 2)
    assert len(find(name)[1]) == 2
    assert sum(wrong[0] == name for wrong in WRONG) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_the_solutions_notebook_shows_the_answer_accepted(name):
    notebook = notebooks.read(notebooks.NOTEBOOKS / "solutions" / notebooks.lessons(name.partition(".")[0])[0].name)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and f'check("{name}"' in cell.source]
    assert len(cells) == 1
    assert "assert feedback.passed" in cells[0].source
