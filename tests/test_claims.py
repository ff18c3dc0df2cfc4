"""Claims: asserted where they were measured, reported elsewhere; and lengths of training that never reach zero."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from helpers.claims import ClaimFailed, Claims, scaled
from helpers.store import load_weights, train_or_load
from tools import notebooks

IMAGES = SimpleNamespace(name="fashion")
SENTENCE = "the copy should resemble the original"


@pytest.mark.parametrize("seed", [0, 2])
@pytest.mark.parametrize("steps", [0, 2000])
def test_a_claim_that_fails_in_the_lessons_own_run_is_an_error(steps, seed, capsys):
    claim = Claims("fashion", steps, seed, full=2000)
    with pytest.raises(ClaimFailed, match=SENTENCE) as failed:
        claim(False, SENTENCE)
    assert isinstance(failed.value, AssertionError)
    assert failed.value._render_traceback_() == [f"ClaimFailed: {SENTENCE}"]
    assert capsys.readouterr().out == ""


ELSEWHERE = [("fashion", 30, 0), ("fashion", 8000, 0), ("fashion", 0, 3), ("digits", 2000, 0), ("digits", 0, 0)]


@pytest.mark.parametrize(("dataset", "steps", "seed"), ELSEWHERE)
def test_elsewhere_it_is_named_and_the_lesson_goes_on(dataset, steps, seed, capsys):
    claim = Claims(dataset, steps, seed, full=2000)
    said = capsys.readouterr().out
    assert f"not with {dataset!r}, {steps} and {seed}." in said and said.count("\n") == 1
    assert "with 'fashion', steps = 2000 and seeds 0 to 2" in said
    claim(False, SENTENCE)
    assert capsys.readouterr().out == f"Not so in this run: {SENTENCE}.\n"


@pytest.mark.parametrize("holds", [True, np.True_, torch.tensor(True), torch.tensor([1.0]) > 0])
@pytest.mark.parametrize("dataset", ["fashion", "digits"])
def test_a_claim_that_holds_says_nothing(holds, dataset, capsys):
    claim = Claims(dataset, 0, 0, full=2000)
    capsys.readouterr()
    claim(holds, SENTENCE)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("holds", [float("nan") < 1, np.float32("nan") > 0, torch.tensor(torch.nan) < 1])
def test_nan_fulfils_no_claim(holds):
    with pytest.raises(ClaimFailed):
        Claims("fashion", 0, 0, full=2000)(holds, SENTENCE)


@pytest.fixture
def small(ship):
    """`small(steps)` saves weights of so many steps as the learner's own; those of 5 steps are shipped, too."""

    def fit(model, data, steps, seed):
        return {"loss": [1.0] * steps}

    def trained(steps):
        return train_or_load("small", fit, torch.nn.Linear(1, 1), IMAGES, steps, seed=0)

    ship(trained(5).path)
    return trained


def test_claims_stay_strict_on_weights_of_full_length(small):
    claim = Claims("fashion", 2000, 0, full=2000)
    claim.built_on(small(5))
    claim.built_on(load_weights("small", torch.nn.Linear(1, 1), IMAGES, 0))
    with pytest.raises(ClaimFailed):
        claim(False, SENTENCE)


@pytest.mark.parametrize("steps", [4, 8])
def test_claims_are_named_on_weights_of_another_length(small, steps, capsys):
    claim = Claims("fashion", 2000, 0, full=2000)
    small(steps)
    capsys.readouterr()
    claim.built_on(load_weights("small", torch.nn.Linear(1, 1), IMAGES, 2000))
    claim(False, SENTENCE)
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"small_fashion: your own ({steps} steps")
    assert "nothing stops: small_fashion is your own" in said[1] and f"number of steps ({steps})" in said[1]
    assert said[2:] == [f"Not so in this run: {SENTENCE}."]


def test_why_claims_are_only_named_is_said_once(capsys):
    claim = Claims("digits", 2000, 0, full=2000)
    claim.relax("images of your own stand in for the course's")
    assert capsys.readouterr().out.count("nothing stops") == 1


@pytest.mark.parametrize(("steps", "factor", "expected"), [(800, 5 / 2, 2000), (700, 1 / 3, 233), (600, 4 / 3, 800)])
def test_a_training_beside_the_main_one_is_scaled(steps, factor, expected):
    assert scaled(steps, factor) == scaled(np.int64(steps), factor) == expected


@pytest.mark.parametrize("factor", [1 / 4, 1 / 2, 1, 5 / 2])
def test_a_scaled_training_reaches_zero_only_when_the_main_one_does(factor):
    assert scaled(0, factor) == 0
    assert all(scaled(steps, factor) >= 1 for steps in range(1, 50))


@pytest.mark.parametrize("steps", [-1, 1.5, True, "many", None])
def test_steps_that_are_no_whole_number_are_refused(steps, refuses):
    for use in (lambda: scaled(steps, 1 / 2), lambda: Claims("fashion", steps, 0, full=2000)):
        with refuses(f"steps is {steps!r}", "whole number"):
            use()


@pytest.mark.parametrize("path", notebooks.lessons(), ids=lambda path: path.stem)
def test_the_claims_of_a_lesson_are_for_its_own_number_of_steps(path):
    source = "\n".join(cell.source for cell in notebooks.read(path).cells if cell.cell_type == "code")
    (steps,) = re.findall(r"^steps = (\d+)", source, re.M)
    made = r'^claim = Claims\(dataset, steps, seed, full=(\d+)(?:, measured_on="faces")?\)$'
    (full,) = re.findall(made, source, re.M)
    assert full == steps
    assert "claim(" in source
