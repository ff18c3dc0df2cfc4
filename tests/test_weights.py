"""Weights: saved whole, loaded back, and refused with a sentence when they are not what they should be."""

import json
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from helpers import files, weights
from helpers.weights import load, save, train_or_load

IMAGES = SimpleNamespace(name="fashion")  # all that `train_or_load` asks of a data set is its name


def small_model(width=4):
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width), nn.Linear(width, 1))


def save_small(seed=5):
    """Weights "small_fashion" in the learner's folder; returns the model and its `Run`."""
    model = small_model()
    return model, save("small_fashion", model, [0.5, 0.25, 0.125], seed=seed, seconds=1.234)


def same(model, other):
    pairs = zip(model.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


@pytest.fixture(autouse=True)
def own(tmp_path, ship):
    """The learner's folder of weights, which does not exist yet; the course ships none."""
    return tmp_path / "results" / "weights"


@pytest.fixture
def shipped(ship):
    """A model whose weights the course ships as "small_fashion"; the learner has none."""
    model, run = save_small(seed=1)
    ship(run.path)
    return model


# Save and load


def test_the_losses_of_two_players_come_back_by_name():
    model, losses = small_model(), {"generator": [1.0, 0.5], "discriminator": [2.0, 4.0]}
    save("small_fashion", model, losses, seed=0, seconds=1.0)
    run = load("small_fashion", small_model())
    assert (run.losses, run.steps) == (losses, 2)


def test_weights_come_back_as_they_were():
    model, _ = save_small()
    other = small_model()
    assert not same(model, other)
    load("small_fashion", other)
    assert same(model, other)


def test_a_run_comes_back_with_how_it_came_to_be():
    _, saved = save_small()
    run = load("small_fashion", small_model())
    assert run == saved
    assert run.losses == [0.5, 0.25, 0.125]
    assert (run.seed, run.steps, run.seconds, run.torch) == (5, 3, 1.23, torch.__version__)


def test_the_file_lies_in_the_learners_folder_and_nothing_else_does(own):
    _, run = save_small()
    assert [*own.iterdir()] == [run.path] == [own / "small_fashion.safetensors"]


def test_the_learners_folder_is_in_the_repository_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("COURSE_RESULTS")
    assert files.own_folder("weights") == files.COURSE / "results" / "weights"


def test_the_file_is_a_safetensors_file_and_no_pickle():
    _, run = save_small()
    content = run.path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert header.pop("__metadata__").keys() == {"seed", "steps", "seconds", "torch"}
    assert header.keys() == small_model().state_dict().keys() | {weights.LOSSES}
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(content)


def test_a_full_disk_leaves_the_old_file_and_no_other_and_the_lesson_goes_on(own, monkeypatch, capsys):
    _, run = save_small()
    before = run.path.read_bytes()

    def half_written(path, content):
        with path.open("wb") as file:
            file.write(content[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half_written)
    _, again = save_small(seed=8)
    assert (again.losses, again.seed, again.steps) == ([0.5, 0.25, 0.125], 8, 3)
    assert "not kept: cannot write" in (said := capsys.readouterr().out)
    assert "No space left" in said and "COURSE_RESULTS" in said and said.count("\n") == 1
    assert run.path.read_bytes() == before
    assert [*own.iterdir()] == [run.path]


def test_a_folder_that_cannot_be_written_does_not_cost_the_training(tmp_path, capsys):
    (tmp_path / "results").write_text("a file where the folder should be")
    model = small_model()
    run = train_or_load("small", lambda *arguments: [1.0, 0.5], model, IMAGES, 2, 9)
    assert (run.losses, run.steps) == ([1.0, 0.5], 2)
    assert "not kept: cannot write" in capsys.readouterr().out


# The learner's own weights and the shipped ones


def test_the_learners_own_file_comes_first_and_says_so(shipped, capsys):
    model, _ = save_small(seed=7)
    other = small_model()
    load("small_fashion", other)
    assert same(model, other)
    assert capsys.readouterr().out == "small_fashion: your own (3 steps, 1 s, seed 7)\n"


def test_without_an_own_file_the_shipped_one_is_loaded_and_says_so(shipped, capsys):
    model = small_model()
    load("small_fashion", model)
    assert same(model, shipped)
    assert capsys.readouterr().out == "small_fashion: shipped with the course (3 steps, 1 s, seed 1)\n"


def test_steps_0_loads_the_shipped_weights_without_training(shipped):
    save_small(seed=7)
    model = small_model()
    run = train_or_load("small", lambda *arguments: pytest.fail("trained"), model, IMAGES, steps=0, seed=0)
    assert same(model, shipped)
    assert run.seed == 1


def test_steps_above_0_trains_and_saves(capsys):
    model = small_model()
    given = []

    def fit(model, *arguments, **options):
        given.append((arguments, options))
        nn.init.constant_(model[0].weight, 3.0)
        return [1.0, 0.5]

    run = train_or_load("small", fit, model, IMAGES, 2, 9, rate=0.1)
    assert given == [((IMAGES, 2, 9), {"rate": 0.1})]
    assert (run.losses, run.steps, run.seed) == ([1.0, 0.5], 2, 9)
    assert capsys.readouterr().out == "small_fashion: your own (2 steps, 0 s, seed 9)\n"
    other = small_model()
    assert load("small_fashion", other) == run
    assert same(model, other)


def test_stop_saves_nothing_leaves_the_earlier_weights_and_says_so(own):
    _, run = save_small()
    earlier = run.path.read_bytes()

    def fit(model, data, steps, seed):
        raise KeyboardInterrupt

    with pytest.raises(
        KeyboardInterrupt, match=r"was stopped half-way; nothing was saved.*run this cell again"
    ) as stop:
        train_or_load("small", fit, small_model(), IMAGES, 3, 0)
    assert stop.value._render_traceback_() == [f"Interrupted: {stop.value}"]
    assert [file.name for file in own.iterdir()] == [run.path.name]
    assert run.path.read_bytes() == earlier


@pytest.mark.parametrize("steps", [-1, 1.5, "many", None])
def test_steps_that_are_no_whole_number_are_refused(steps, refuses):
    with refuses(f"steps is {steps!r}", "whole number"):
        train_or_load("small", list, small_model(), IMAGES, steps, seed=0)


def test_weights_that_are_not_shipped_are_refused(refuses):
    with refuses("no weights '09_unheard_of_fashion' are shipped", "steps above 0"):
        train_or_load("09_unheard_of", list, small_model(), IMAGES, steps=0, seed=0)


def test_a_shipped_file_with_another_checksum_is_refused(shipped, refuses):
    path = weights.SHIPPED / "small_fashion.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # still a well-formed file
    path.write_bytes(content)
    model = small_model()
    before = small_model()
    before.load_state_dict(model.state_dict())
    with refuses("small_fashion.safetensors is damaged", "git checkout -- data/weights/small_fashion.safetensors"):
        load("small_fashion", model)
    assert same(model, before)


# Files that are not what they should be


def damaged(content):
    return b"\x00" * 20 + content[20:]


def truncated(content):
    return content[:-10]


def empty(content):
    return b""


def a_pickle(content):
    return pickle.dumps({"weight": [1.0, 2.0]})


@pytest.mark.parametrize("spoil", [damaged, truncated, empty, a_pickle])
def test_a_file_that_is_no_whole_safetensors_file_is_refused(spoil, refuses):
    _, run = save_small()
    run.path.write_bytes(spoil(run.path.read_bytes()))
    with refuses("small_fashion.safetensors is damaged or no safetensors file", f"delete {run.path}"):
        load("small_fashion", small_model())


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, dict.fromkeys(weights.FACTS, "no JSON")])
def test_a_safetensors_file_of_somebody_else_is_refused(metadata, own, refuses):
    own.mkdir(parents=True)
    save_file(small_model().state_dict(), own / "small_fashion.safetensors", metadata=metadata)
    with refuses("small_fashion.safetensors was not written by this course", "delete"):
        load("small_fashion", small_model())


def test_a_file_with_our_facts_but_without_losses_is_refused(own, refuses):
    own.mkdir(parents=True)
    facts = dict.fromkeys(weights.FACTS, "1")
    save_file(small_model().state_dict(), own / "small_fashion.safetensors", metadata=facts)
    with refuses("small_fashion.safetensors was not written by this course", "delete"):
        load("small_fashion", small_model())


@pytest.mark.parametrize("other", [small_model(width=5), nn.Linear(2, 4), nn.Sequential(small_model(), nn.ReLU())])
def test_the_weights_of_another_model_are_refused(other, refuses):
    save_small()
    before = {key: value.clone() for key, value in other.state_dict().items()}
    with refuses("small_fashion.safetensors holds the weights of another model", "delete"):
        load("small_fashion", other)
    assert all(torch.equal(value, before[key]) for key, value in other.state_dict().items())


def test_a_changed_model_is_not_blamed_on_the_shipped_file(shipped, refuses):
    with refuses("another model", "steps above 0"):
        load("small_fashion", small_model(width=5))


@pytest.mark.parametrize("losses", [None, torch.tensor([1.0, 0.5])])
def test_a_fit_that_returns_no_list_of_losses_is_answered_with_a_sentence(losses, refuses):
    with refuses("fit", "losses"):
        train_or_load("small", lambda *arguments: losses, small_model(), IMAGES, steps=1, seed=0)
