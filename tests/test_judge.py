"""The judges: what they know, what they notice, and what they refuse."""

import dataclasses

import pytest
import torch

from helpers.datasets import load
from helpers.judge import load_judge
from helpers.metrics import accuracy


@pytest.fixture(scope="module")
def fashion():
    return load("fashion")


@pytest.mark.parametrize(("name", "least"), [("fashion", 0.88), ("digits", 0.96)])
def test_the_shipped_judges_know_the_classes(name, least):
    train, test = load(name)
    judge = load_judge(train)
    assert accuracy(judge, test) > least
    assert judge.features(train.images).var(dim=0).mean() == pytest.approx(1, rel=1e-3)


def test_class_frequencies_count_what_the_judge_says(fashion):
    judge, images = load_judge(fashion[0]), fashion[1].images[:77]
    with torch.no_grad():
        said = judge(images).argmax(dim=1).tolist()
    assert judge.class_frequencies(images).tolist() == pytest.approx([said.count(k) / 77 for k in range(10)])


def test_images_outside_0_to_1_are_refused(fashion, refuses):
    with refuses("should lie in"):
        load_judge(fashion[0]).features(2 * fashion[1].images)


def test_a_data_set_without_a_judge_says_what_to_do(fashion, refuses):
    with refuses("no weights 'judge_hats'"):
        load_judge(dataclasses.replace(fashion[0], name="hats"))
