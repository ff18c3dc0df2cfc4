"""Typical wrong answers to the exercises, and the hint that each of them has to get. (The right ones: solutions/.)"""

import pytest
import torch
from torch import nn

from helpers.exercises import check, find, hint
from helpers.lessons import Autoencoder, conv_decoder, conv_encoder
from tools import notebooks

SQUARE = (1, 28, 28)


def per_column(levels, entropy):
    return torch.stack([entropy(torch.bincount(column) / len(column)) for column in levels.T])


def bits(p):
    return -(p[p > 0] * p[p > 0].log2()).sum()


def centres(codes, labels):
    return torch.stack([codes[labels == k].mean(dim=0) for k in labels.unique()])


def unwritten(*_):
    raise NotImplementedError


WRONG = [  # exercise, wrong answer, words that the feedback has to contain
    ("01.1", lambda z, weight, bias: z @ weight.T + bias, "Which way round"),
    ("01.1", lambda z, weight, bias: z @ weight, "bias"),
    ("01.1", lambda z, weight, bias: torch.sigmoid(z @ weight + bias), "sigmoid"),
    ("01.1", lambda z, weight, bias: z @ torch.linalg.pinv(weight).T + bias, "used backwards"),
    ("01.1", lambda z, weight, bias: None, "None"),
    ("01.2", lambda: 2, "only 85"),
    ("01.2", lambda: 8, "smaller code"),
    ("01.2", lambda: 4.0, "whole number"),
    ("01.2", lambda: 0, "between 1 and 784"),
    ("01.3", lambda: Autoencoder(conv_encoder(32), conv_decoder(32)), "no room"),
    ("01.3", lambda: Autoencoder(nn.Flatten(), nn.Sequential(nn.Sigmoid(), nn.Unflatten(1, SQUARE))), "bending"),
    ("01.3", lambda: Autoencoder(nn.Flatten(), nn.Identity()), "(16, 1, 28, 28)"),
    ("01.3", lambda: nn.Identity(), "Autoencoder"),
    ("02.1", lambda levels: per_column(levels, lambda p: -(p * p.log2()).sum()).mean(), "nan"),
    ("02.1", lambda levels: per_column(levels, lambda p: -(p[p > 0] * p[p > 0].log()).sum()).mean(), "nats"),
    ("02.1", lambda levels: bits(torch.bincount(levels.flatten()) / levels.numel()), "pools"),
    ("02.1", lambda levels: per_column(levels, bits).sum(), "sum over the columns"),
    ("02.1", lambda levels: per_column(levels, bits), "one number"),
    ("02.2", lambda z, y, new: torch.cdist(new, centres(z, y)).argmin(dim=1), "back into labels"),
    ("02.2", lambda z, y, new: y[torch.cdist(new, z).argmin(dim=1)], "stray"),
    ("02.2", lambda z, y, new: y.unique()[torch.cdist(new, centres(z, y)).argmax(dim=1)], "argmax"),
    ("02.2", lambda z, y, new: torch.cdist(new, centres(z, y)), "one label for each"),
    ("02.3", lambda normal, strange: (strange[:, None] < normal).float().mean() + 1 / 8, "swapped"),
    ("02.3", lambda normal, strange: (strange[:, None] > normal).float().mean(), "Ties are lost"),
    ("02.3", lambda normal, strange: (strange[:, None] >= normal).float().mean(), "one half, not one"),
    ("02.3", lambda normal, strange: strange[:, None] > normal, "one number"),
]


@pytest.mark.parametrize(("name", "answer", "words"), WRONG)
def test_a_wrong_answer_gets_the_right_hint(name, answer, words):
    feedback = check(name, answer)
    assert not feedback.passed
    assert words in feedback.message
    assert len(feedback.hints) == 2


NAMES = sorted({name for name, _, _ in WRONG})


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
    notebook = notebooks.read(notebooks.NOTEBOOKS / "solutions" / notebooks.paths(name[:2])[0].name)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and f'check("{name}"' in cell.source]
    assert len(cells) == 1
    assert "assert feedback.passed" in cells[0].source
