"""Weights: saved whole, loaded back, and refused with a sentence when they are not what they should be."""

import json
import os
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
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
    (tmp_path / "results").write_text("a file where the folder should be", encoding="utf-8")
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
    with refuses("small_fashion.safetensors is damaged", "checkout -- data/weights/small_fashion.safetensors"):
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


@pytest.mark.parametrize(
    "losses",
    [None, torch.tensor([1.0, 0.5]), np.ones(2), [], {}, {"a": []}, {"a": [1.0], "b": None}, [None], [[1.0, 2.0]]],
    ids=repr,
)
def test_a_fit_that_returns_no_list_of_losses_is_answered_with_a_sentence(losses, refuses, own):
    with refuses("fit", "losses", "nothing was saved"):
        train_or_load("small", lambda *arguments: losses, small_model(), IMAGES, steps=1, seed=0)
    assert not own.exists()


def test_weights_of_another_edition_are_refused(own, refuses):
    own.mkdir(parents=True)
    facts = dict.fromkeys(weights.FACTS, '"many"') | {"torch": '"2.6"'}  # steps and seconds were words once
    state = small_model().state_dict() | {weights.LOSSES: torch.ones(2)}
    save_file(state, own / "small_fashion.safetensors", metadata=facts)
    with refuses("small_fashion.safetensors was not written by this course, or by another edition", "delete"):
        load("small_fashion", small_model())


# Numbers that are no success


def train(losses, weight=1.0, steps=60, seed=0):
    """`train_or_load` with a fit that returns these losses and sets a weight to this value."""

    def fit(model, data, steps, seed):
        nn.init.constant_(model[0].bias, weight)
        return losses

    return train_or_load("small", fit, small_model(), IMAGES, steps, seed)


@pytest.mark.parametrize(
    ("losses", "weight", "words"),
    [
        ([1.0] * 50 + [float("nan")] * 10, 1.0, "the loss is nan since step 51; not saved"),
        ([float("inf"), 1.0], 1.0, "the loss is inf since step 1; not saved"),
        ([torch.tensor(1.0), torch.tensor(float("nan"))], 1.0, "the loss is nan since step 2; not saved"),
        ({"D": [1.0, 1.0], "G": [1.0, float("-inf")]}, 1.0, "the loss of G is -inf since step 2; not saved"),
        ([1.0, 0.5], float("nan"), "its weights are nan or infinite (0.bias); not saved"),
        ([1.0, 0.5], float("inf"), "its weights are nan or infinite (0.bias); not saved"),
    ],
)
def test_a_training_that_ended_in_no_numbers_replaces_nothing(losses, weight, words, refuses, own):
    _, run = save_small()
    earlier = run.path.read_bytes()
    with refuses(f"small_fashion: {words}", "is untouched: lower the learning rate"):
        train(losses, weight)
    assert run.path.read_bytes() == earlier
    assert [*own.iterdir()] == [run.path]


def test_useless_weights_of_an_earlier_edition_are_not_loaded(own, refuses):
    model, run = save_small()
    nn.init.constant_(model[0].bias, float("nan"))
    state = model.state_dict() | {weights.LOSSES: torch.ones(3)}
    facts = {"seed": "5", "steps": "3", "seconds": "1.0", "torch": '"2.6"'}
    save_file(state, run.path, metadata=facts)
    with refuses("small_fashion.safetensors is of no use", "nan", f"delete {run.path}"):
        load("small_fashion", small_model())


# Nothing fails after the training that could be seen before it


@pytest.mark.parametrize(
    ("steps", "seed", "words"),
    [(2, True, "seed is True"), (2, "a", "seed is 'a'"), (2, -1, "seed is -1"), (True, 0, "steps is True")],
)
def test_a_seed_or_steps_that_cannot_be_are_refused_before_the_training(steps, seed, words, refuses):
    with refuses(words, "whole number"):
        train_or_load("small", lambda *arguments: pytest.fail("trained"), small_model(), IMAGES, steps, seed)


def test_whole_numbers_of_numpy_and_losses_that_are_tensors_are_kept_as_plain_numbers():
    given = []

    def fit(model, data, steps, seed):
        given.extend([type(steps), type(seed)])
        return [torch.tensor(1.0), np.float32(0.5)]

    model = small_model()
    run = train_or_load("small", fit, model, IMAGES, np.int64(2), np.uint8(3))
    assert given == [int, int]
    assert (run.losses, run.seed) == ([1.0, 0.5], 3)
    assert load("small_fashion", small_model()) == run


def test_tied_weights_are_kept_and_stay_tied():
    def tied():
        model = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 3)})
        model.b.weight = model.a.weight
        return model

    model, other = tied(), tied()
    save("tied_fashion", model, [1.0], seed=0, seconds=1.0)
    load("tied_fashion", other)
    assert same(model, other)
    assert other.b.weight is other.a.weight


def test_tensors_of_every_kind_are_kept():
    def odd():
        model = nn.Linear(2, 2, dtype=torch.float64)
        model.weight = nn.Parameter(torch.randn(2, 2, dtype=torch.float64).T)
        model.register_buffer("mask", torch.full((3, 3), -torch.inf).triu(1))
        model.register_buffer("wide", torch.ones(1).expand(4))
        model.register_buffer("yes", torch.tensor(True))
        model.register_buffer("none", torch.empty(2, 0))
        return model

    model, other = odd(), odd()
    other.wide = torch.zeros(4)
    save("odd_fashion", model, [1.0], seed=0, seconds=1.0)
    load("odd_fashion", other)
    assert same(model, other)


def test_a_network_that_no_file_can_hold_stays_in_memory(own, capsys):
    class Extra(nn.Linear):
        def get_extra_state(self):
            return {"not": "a tensor"}

    run = save("extra_fashion", Extra(2, 1), [1.0], seed=0, seconds=1.0)
    assert run.losses == [1.0]
    said = capsys.readouterr().out
    assert said.startswith("not kept: a weights file cannot hold this network") and said.count("\n") == 1
    assert not own.exists() or not list(own.iterdir())


# Names, places, other people


@pytest.mark.parametrize("name", ["my/letters", "con", "ab:c", "x" * 300, "..", "a\\b", "Ελληνικά", "q?"])
def test_any_name_becomes_a_file_that_every_system_takes(name, own):
    model = small_model()
    run = save(name, model, [1.0], seed=0, seconds=1.0)
    assert [*own.iterdir()] == [run.path]
    assert files.RESERVED.fullmatch(run.path.name) is None and not set('<>:"/\\|?*') & set(run.path.name)
    other = small_model()
    load(name, other)
    assert same(model, other)
    assert save(f"{name}!", model, [1.0], seed=0, seconds=1.0).path != run.path


def test_every_shipped_name_stays_as_it_is(monkeypatch):
    monkeypatch.undo()
    assert all(files.file_part(path.stem) == path.stem for path in weights.SHIPPED.glob("*.safetensors"))


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_variable_is_as_good_as_none(empty, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS", empty)
    assert files.own_folder("weights") == files.COURSE / "results" / "weights"


def test_a_tilde_is_the_home_folder_and_a_relative_path_begins_at_the_course(monkeypatch, tmp_path, refuses):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_RESULTS", "~/mine")
    assert files.own_folder("weights") == tmp_path / "mine" / "weights"
    monkeypatch.setenv("COURSE_RESULTS", "mine")
    assert files.own_folder("weights") == files.COURSE / "mine" / "weights"
    if os.name == "posix":
        monkeypatch.setenv("COURSE_RESULTS", "~nobody-of-that-name/mine")
        with refuses("~nobody-of-that-name", "no such home folder", "COURSE_RESULTS"):
            train_or_load("small", lambda *arguments: pytest.fail("trained"), small_model(), IMAGES, 1, 0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lists what is mapped")
def test_a_file_that_was_read_is_neither_open_nor_mapped():
    _, run = save_small()
    kept = weights.read(run.path)
    assert run.path.name not in Path("/proc/self/maps").read_text(encoding="utf-8")
    assert str(run.path) not in {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
    assert kept[2]["steps"] == 3


def test_weights_in_another_users_folder_are_named_and_the_shipped_ones_used(stranger):
    said = stranger("""
run = weights.save("x_fashion", nn.Linear(2, 1), [1.0], seed=0, seconds=1.0)
print(run.losses)
weights.load("judge_fashion", Judge())
print(len(results.find("fashion")) > 10)
""")
    assert "Traceback" not in said
    assert said.count("not kept: cannot write") == 1 and "[1.0]" in said
    assert said.count("cannot be read (Permission denied)") == 2 and said.count("COURSE_RESULTS") == 3
    assert "judge_fashion: shipped with the course" in said and said.endswith("True\n")


# Advice that can be followed


def test_a_shipped_file_that_was_lost_is_not_said_to_be_none(shipped, refuses):
    (weights.SHIPPED / "small_fashion.safetensors").unlink()
    with refuses("data/weights/small_fashion.safetensors is missing", "data/weights/small_fashion.safetensors"):
        load("small_fashion", small_model())


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("judge_fashion", "`python -m tools.judge`"),
        ("judge_letters", "judges of 'fashion' and 'digits' only"),
        ("01_conv_32_digits", "run lesson 01 with this data set and with steps above 0"),
        ("mine_fashion", "run the lesson that trains them"),
    ],
)
def test_weights_that_nobody_has_come_with_advice(name, advice, refuses):
    with refuses(f"no weights {name!r} are shipped", advice):
        load(name, small_model())
