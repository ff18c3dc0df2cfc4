"""Weights and histories: saved whole, loaded back, and refused with a sentence when they are not right."""

import json
import os
import pickle
import sys
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from helpers import files, store
from helpers.store import load_weights, read_run, train_or_load

IMAGES = SimpleNamespace(name="fashion")  # all that the store asks of a data set is its name
LOSSES = {"loss": [0.5, 0.25, 0.125]}


def small_model(width=4):
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width), nn.Linear(width, 1))


def train(model, history=LOSSES, name="small", steps=3, seed=5, **options):
    """`train_or_load` with a fit that leaves the model as it is and returns `history`."""
    return train_or_load(name, lambda *arguments, **given: history, model, IMAGES, steps, seed, **options)


def save_small(seed=5):
    """Weights "small" of the data set "fashion" in the learner's folder; returns the model and its `Run`."""
    model = small_model()
    return model, train(model, seed=seed)


def load_small(model=None, steps=1):
    """Load "small" into a model; returns both and the `Run`."""
    model = model or small_model()
    return model, load_weights("small", model, IMAGES, steps)


def same(model, other):
    pairs = zip(model.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


@pytest.fixture(autouse=True)
def own(tmp_path, ship):
    """The learner's folder of weights, which does not exist yet; the course ships none."""
    return tmp_path / "results" / "weights"


@pytest.fixture
def shipped(ship):
    """A model whose weights the course ships as "small"; the learner has none."""
    model, run = save_small(seed=1)
    ship(run.path)
    return model


# Save and load


def test_weights_come_back_as_they_were():
    model, _ = save_small()
    other = small_model()
    assert not same(model, other)
    load_small(other)
    assert same(model, other)


def test_a_run_comes_back_with_how_it_came_to_be():
    _, saved = save_small()
    _, run = load_small()
    assert vars(run) == vars(saved)
    assert run.history == run.losses == LOSSES
    assert (run.seed, run.steps, run.torch) == (5, 3, torch.__version__)
    assert 0 <= run.seconds < 5


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
    assert header.pop("__metadata__").keys() == {"seed", "steps", "seconds", "torch", "history"}
    assert header.keys() == small_model().state_dict().keys() | {"history.loss"}
    assert header["history.loss"]["dtype"] == "F32"
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(content)


def test_a_full_disk_leaves_the_old_file_and_no_other_and_the_lesson_goes_on(own, monkeypatch, capsys):
    _, run = save_small()
    before = run.path.read_bytes()
    capsys.readouterr()

    def half_written(path, content):
        with path.open("wb") as file:
            file.write(content[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half_written)
    _, again = save_small(seed=8)
    assert (again.losses, again.seed, again.steps) == (LOSSES, 8, 3)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and said[0].startswith("not kept: cannot write")
    assert "No space left" in said[0] and "COURSE_RESULTS" in said[0]
    assert run.path.read_bytes() == before
    assert [*own.iterdir()] == [run.path]


def test_a_folder_that_cannot_be_written_does_not_cost_the_training(tmp_path, capsys):
    (tmp_path / "results").write_text("a file where the folder should be", encoding="utf-8")
    run = train(small_model())
    assert (run.losses, run.steps) == (LOSSES, 3)
    assert capsys.readouterr().out.count("not kept: cannot write") == 1


# Histories


def test_losses_of_two_players_and_films_come_back_by_name_in_their_order():
    film = torch.arange(12, dtype=torch.uint8).reshape(3, 1, 2, 2)
    points = torch.randn(2, 5, 2).half()
    history = {"z": [1.0, 0.5], "film": film, "a": [2.0, 4.0], "points": points, "empty": torch.zeros(0, 3)}
    saved = train(small_model(), history)
    _, run = load_small()
    for one in (saved, run):
        assert list(one.history) == list(history)
        assert one.losses == {"z": [1.0, 0.5], "a": [2.0, 4.0]}
        for name in ("film", "points", "empty"):
            assert one.history[name].dtype == history[name].dtype and torch.equal(one.history[name], history[name])


def test_a_history_is_the_same_before_and_after_the_file():
    saved = train(small_model(), {"loss": [0.1, 1 / 3], "exact": torch.tensor([0.1], dtype=torch.float64)})
    _, run = load_small()
    assert run.losses == saved.losses and run.losses["loss"] == pytest.approx([0.1, 1 / 3])
    assert torch.equal(run.history["exact"], saved.history["exact"])
    assert saved.history["exact"].item() == 0.1


def test_a_history_is_a_record_that_training_on_does_not_change():
    weight = torch.ones(2, requires_grad=True)
    run = train(small_model(), LOSSES | {"weight": weight})
    with torch.no_grad():
        weight += 1
    kept = run.history["weight"]
    assert kept.tolist() == [1.0, 1.0] and not kept.requires_grad and kept.device.type == "cpu"


def test_a_tensor_of_a_history_may_hold_nan_where_there_was_nothing_to_measure():
    distance = torch.tensor([float("nan"), float("inf"), 2.0])
    train(small_model(), LOSSES | {"distance": distance})
    _, run = load_small()
    assert run.history["distance"].isnan().tolist() == [True, False, False]
    assert run.history["distance"][1:].tolist() == [float("inf"), 2.0]


def test_steps_are_those_that_were_asked_for_whatever_was_counted():
    run = train(small_model(), {"loss": [1.0] * 12}, steps=3)  # four games of three steps
    assert (run.steps, len(run.losses["loss"])) == (3, 12)
    assert load_small()[1].steps == 3


def test_a_part_of_a_network_may_be_called_history():
    model = nn.ModuleDict({"history": nn.Linear(1, 1)})
    train(model, LOSSES)
    other = nn.ModuleDict({"history": nn.Linear(1, 1)})
    _, run = load_small(other)
    assert same(model, other) and run.history == LOSSES


def test_a_part_that_is_called_like_its_history_stays_in_memory(own, capsys):
    run = train(nn.ModuleDict({"history": nn.Linear(1, 1)}), {"weight": [1.0]})
    assert run.losses == {"weight": [1.0]}
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("not kept: a weights file cannot hold this network") and "'history.weight'" in said[0]
    assert not own.exists() or not list(own.iterdir())


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (None, "fit returned NoneType"),
        ([1.0, 0.5], "fit returned list"),
        (torch.tensor([1.0, 0.5]), "fit returned Tensor"),
        ({}, "an empty history"),
        ({"film": torch.zeros(3)}, "a history without a list"),
        ({"a": []}, "a history whose 'a' is of type list"),
        ({"a": [1.0], "b": None}, "a history whose 'b' is of type NoneType"),
        ({"a": [1.0], "b": np.ones(2)}, "a history whose 'b' is of type ndarray"),
        ({"a": [None]}, "a history whose 'a' is of type list"),
        ({"a": [[1.0, 2.0]]}, "a history whose 'a' is of type list"),
        ({"a": [10**400]}, "a history whose 'a' is of type list"),
        ({1: [1.0]}, "a history whose 1 is of type list"),
        ({"a": [1.0], 2: torch.ones(1)}, "a history whose 2 is of type Tensor"),
    ],
    ids=repr,
)
def test_a_fit_that_returns_no_history_is_answered_with_a_sentence(returned, words, refuses, own):
    with refuses(words, "{name: list of numbers or tensor}", "losses", "nothing was saved"):
        train(small_model(), returned, steps=1)
    assert not own.exists()


# The average of what is trained


def fit_with_average(model, data, steps, seed, ema):
    """Sets the model to 1 and its average to 2."""
    for network, value in ((model, 1.0), (ema, 2.0)):
        nn.init.constant_(network[0].weight, value)
    return {"loss": [1.0] * steps}


def test_of_a_model_and_its_average_the_average_is_kept_and_loading_fills_both(ship):
    model = small_model()
    ema = deepcopy(model)
    run = train_or_load("small", fit_with_average, model, IMAGES, 2, 0, ema=ema)
    assert (model[0].weight == 1).all() and (ema[0].weight == 2).all()
    assert load_file(run.path).keys() == model.state_dict().keys() | {"history.loss"}
    assert same(load_small()[0], ema)
    ship(run.path)
    loaded = small_model()
    average = deepcopy(loaded)
    train_or_load("small", fit_with_average, loaded, IMAGES, 0, 0, ema=average)
    assert same(loaded, ema) and same(average, ema)


def test_an_average_that_is_none_is_refused_before_the_training(refuses):
    model = small_model()
    tied = nn.Sequential(model[0], nn.BatchNorm1d(4), nn.Linear(4, 1))
    for trained, ema in (
        (model, model),
        (model, tied),
        (model, small_model(5)),
        (None, model),
        (nn.Sequential(), model),
    ):
        for steps in (0, 1):
            with refuses("ema", "deepcopy(model)"):
                train_or_load("small", lambda *a, **b: pytest.fail("trained"), trained, IMAGES, steps, 0, ema=ema)


def test_weights_of_an_average_that_are_no_numbers_are_not_kept(refuses, own):
    model = small_model()
    ema = deepcopy(model)
    nn.init.constant_(ema[2].bias, float("nan"))
    with refuses("its weights are nan or infinite (2.bias)"):
        train(model, ema=ema)
    assert not own.exists()


# A history and no model


def test_without_a_model_only_the_history_is_kept(ship):
    given = []

    def fit(data, steps, seed, **options):
        given.append((data, steps, seed, options))
        return LOSSES | {"film": torch.ones(2)}

    saved = train_or_load("film", fit, None, IMAGES, 3, 5, lr=0.1)
    assert given == [(IMAGES, 3, 5, {"lr": 0.1})]
    assert load_file(saved.path).keys() == {"history.loss", "history.film"}
    ship(saved.path)
    for run in (train_or_load("film", fit, None, IMAGES, 0, 0), load_weights("film", None, IMAGES, 1)):
        assert run.losses == LOSSES and run.history["film"].tolist() == [1.0, 1.0]
    assert len(given) == 1


def test_a_file_with_weights_is_none_of_a_history_alone_and_the_other_way_round(refuses):
    train(None, name="film")
    save_small()
    for name, model in (("film", small_model()), ("small", None)):
        with refuses(f"{name}_fashion.safetensors holds the weights of another model"):
            load_weights(name, model, IMAGES, 1)


# The learner's own weights and the shipped ones


def test_the_learners_own_file_comes_first_and_says_so(shipped, capsys):
    model, _ = save_small(seed=7)
    capsys.readouterr()
    assert same(load_small()[0], model)
    assert capsys.readouterr().out == "small_fashion: your own (3 steps, 0 s, seed 7)\n"


def test_without_an_own_file_the_shipped_one_is_loaded_and_says_so(shipped, capsys):
    capsys.readouterr()
    assert same(load_small()[0], shipped)
    assert capsys.readouterr().out == "small_fashion: shipped with the course (3 steps, 0 s, seed 1)\n"


def test_steps_0_loads_the_shipped_weights_without_training(shipped):
    save_small(seed=7)
    model = small_model()
    run = train_or_load("small", lambda *arguments: pytest.fail("trained"), model, IMAGES, steps=0, seed=0)
    assert same(model, shipped)
    assert run.seed == 1
    assert same(load_small(steps=0)[0], shipped)


def test_a_run_knows_how_many_steps_the_shipped_one_had(shipped):
    own_run = train(small_model(), steps=8)
    assert (own_run.shipped_steps, load_small()[1].shipped_steps) == (3, 3)
    assert load_small(steps=0)[1].shipped_steps is None
    assert train(small_model(), name="other").shipped_steps is None


def test_steps_above_0_trains_and_saves(capsys):
    model = small_model()
    given = []

    def fit(model, *arguments, **options):
        given.append((arguments, options))
        nn.init.constant_(model[0].weight, 3.0)
        return {"loss": [1.0, 0.5]}

    run = train_or_load("small", fit, model, IMAGES, 2, 9, rate=0.1)
    assert given == [((IMAGES, 2, 9), {"rate": 0.1})]
    assert (run.losses, run.steps, run.seed) == ({"loss": [1.0, 0.5]}, 2, 9)
    assert capsys.readouterr().out == "small_fashion: your own (2 steps, 0 s, seed 9)\n"
    other, back = load_small()
    assert vars(back) == vars(run)
    assert repr(run) == str(run)
    assert "\n" not in repr(run) and str(run.path.parent) not in repr(run)
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
    for use in (lambda: train(small_model(), steps=steps), lambda: load_small(steps=steps)):
        with refuses(f"steps is {steps!r}", "whole number"):
            use()


@pytest.mark.parametrize("steps", [0, 1])
def test_weights_that_are_not_shipped_are_refused(steps, refuses):
    with refuses("no weights 'unheard_of_fashion' are shipped", "steps above 0"):
        load_weights("unheard_of", small_model(), IMAGES, steps)


def test_a_shipped_file_with_another_checksum_is_refused(shipped, refuses):
    path = files.shipped_folder("weights") / "small_fashion.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # still a well-formed file
    path.write_bytes(content)
    model = small_model()
    before = deepcopy(model)
    with refuses("small_fashion.safetensors is damaged", files.restoring(path)):
        load_small(model)
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
        load_small()


FACTS = {"seed": "5", "steps": "3", "seconds": "1.0", "torch": '"2.6"', "history": '{"loss": "list"}'}


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"format": "pt"},
        dict.fromkeys(FACTS, "no JSON"),
        FACTS | {"steps": '"many"', "seconds": '"few"'},
        FACTS | {"history": '["loss"]'},
        FACTS | {"history": '{"film": "tensor"}'},  # which is not there
        {key: fact for key, fact in FACTS.items() if key != "history"},  # as the first edition wrote it
    ],
)
def test_a_safetensors_file_of_somebody_else_or_another_edition_is_refused(metadata, own, refuses):
    own.mkdir(parents=True)
    state = small_model().state_dict() | {"history.loss": torch.ones(3)}
    save_file(state, own / "small_fashion.safetensors", metadata=metadata)
    with refuses("small_fashion.safetensors was not written by this course, or by another edition", "delete"):
        load_small()


@pytest.mark.parametrize("other", [small_model(width=5), nn.Linear(2, 4), nn.Sequential(small_model(), nn.ReLU())])
def test_the_weights_of_another_model_are_refused(other, refuses):
    save_small()
    before = deepcopy(other)
    with refuses("small_fashion.safetensors holds the weights of another model", "delete"):
        load_small(other)
    assert same(other, before)


def test_a_changed_model_is_not_blamed_on_the_shipped_file(shipped, refuses):
    with refuses("another model", "steps above 0"):
        load_small(small_model(width=5))


# Numbers that are no success


@pytest.mark.parametrize(
    ("history", "weight", "words"),
    [
        ({"loss": [1.0] * 50 + [float("nan")] * 10}, 1.0, "the loss is nan since step 51; not saved"),
        ({"loss": [float("inf"), 1.0]}, 1.0, "the loss is inf since step 1; not saved"),
        ({"loss": [1.0, 1e39]}, 1.0, "the loss is inf since step 2; not saved"),  # too much for a float32
        ({"loss": [torch.tensor(1.0), torch.tensor(float("nan"))]}, 1.0, "the loss is nan since step 2; not saved"),
        ({"D": [1.0, 1.0], "G": [1.0, float("-inf")]}, 1.0, "the loss of G is -inf since step 2; not saved"),
        (LOSSES, float("nan"), "its weights are nan or infinite (0.bias); not saved"),
        (LOSSES, float("inf"), "its weights are nan or infinite (0.bias); not saved"),
    ],
)
def test_a_training_that_ended_in_no_numbers_replaces_nothing(history, weight, words, refuses, own):
    _, run = save_small()
    earlier = run.path.read_bytes()
    model = small_model()
    nn.init.constant_(model[0].bias, weight)
    with refuses(f"small_fashion: {words}", "is untouched: lower the learning rate"):
        train(model, history)
    assert run.path.read_bytes() == earlier
    assert [*own.iterdir()] == [run.path]


def test_useless_weights_are_not_loaded(refuses):
    model, run = save_small()
    nn.init.constant_(model[0].bias, float("nan"))
    save_file(model.state_dict() | {"history.loss": torch.ones(3)}, run.path, metadata=FACTS)
    with refuses("small_fashion.safetensors is of no use", "nan", f"delete {run.path}"):
        load_small()


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
        return {"loss": [torch.tensor(1.0), np.float32(0.5), 2]}

    run = train_or_load("small", fit, small_model(), IMAGES, np.int64(2), np.uint8(3))
    assert given == [int, int]
    assert (run.losses, run.seed) == ({"loss": [1.0, 0.5, 2.0]}, 3)
    assert [type(loss) for loss in run.losses["loss"]] == [float] * 3
    assert vars(load_small()[1]) == vars(run)


def test_tied_weights_are_kept_and_stay_tied():
    def tied():
        model = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 3)})
        model.b.weight = model.a.weight
        return model

    model, other = tied(), tied()
    train(model)
    load_small(other)
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
    train(model, LOSSES | {"wide": torch.ones(1).expand(4), "turned": torch.arange(6).reshape(2, 3).T})
    _, run = load_small(other)
    assert same(model, other)
    assert run.history["turned"].tolist() == [[0, 3], [1, 4], [2, 5]] and run.history["wide"].tolist() == [1.0] * 4


def test_a_network_that_no_file_can_hold_stays_in_memory(own, capsys):
    class Extra(nn.Linear):
        def get_extra_state(self):
            return {"not": "a tensor"}

    run = train(Extra(2, 1))
    assert run.losses == LOSSES
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("not kept: a weights file cannot hold this network") and len(said) == 2
    assert not own.exists() or not list(own.iterdir())


# Names, places, other people


@pytest.mark.parametrize("name", ["my/letters", "con", "ab:c", "x" * 300, "..", "a\\b", "Ελληνικά", "q?", "05_gan"])
def test_any_name_becomes_a_file_that_every_system_takes(name, own):
    model = small_model()
    run = train(model, name=name)
    assert [*own.iterdir()] == [run.path]
    assert files.RESERVED.fullmatch(run.path.name) is None and not set('<>:"/\\|?*') & set(run.path.name)
    other = small_model()
    load_weights(name, other, IMAGES, 1)
    assert same(model, other)
    assert train(model, name=f"{name}!").path != run.path


def test_every_shipped_name_stays_as_it_is(monkeypatch):
    monkeypatch.undo()
    shipped = [*files.shipped_folder("weights").glob("*.safetensors")]
    assert shipped and all(files.file_part(path.stem) == path.stem for path in shipped)


def test_every_shipped_file_can_be_read_and_has_losses(monkeypatch):
    monkeypatch.undo()
    runs = [read_run(path)[1] for path in sorted(files.shipped_folder("weights").glob("*.safetensors"))]
    assert len(runs) > 40 and all(run.losses and run.steps > 0 for run in runs)


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
    kept = read_run(run.path)
    assert run.path.name not in Path("/proc/self/maps").read_text(encoding="utf-8")
    assert str(run.path) not in {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
    assert kept[1].steps == 3


def test_weights_in_another_users_folder_are_named_and_the_shipped_ones_used(stranger):
    said = stranger("""
from types import SimpleNamespace
fashion = SimpleNamespace(name="fashion")
run = store.train_or_load("x", lambda *arguments: {"loss": [1.0]}, nn.Linear(2, 1), fashion, 1, 0)
print(run.losses)
store.load_weights("gan_training_fast", None, fashion, 1)
print(len(store.find_samples("fashion", 1)) > 10)
""")
    assert "Traceback" not in said
    assert said.count("not kept: cannot write") == 1 and "{'loss': [1.0]}" in said
    assert said.count("cannot be read (Permission denied)") == 2 and said.count("COURSE_RESULTS") == 3
    assert "gan_training_fast_fashion: shipped with the course" in said and said.endswith("True\n")


# Advice that can be followed


def test_a_shipped_file_that_was_lost_is_not_said_to_be_none(shipped, refuses):
    (files.shipped_folder("weights") / "small_fashion.safetensors").unlink()
    with refuses("data/weights/small_fashion.safetensors is missing", "data/weights/small_fashion.safetensors"):
        load_small()


@pytest.fixture
def four_lessons(tmp_path, monkeypatch):
    """A course of four lessons, one of them without a number."""
    for name in ("07_gan", "12_gan_training", "40_gander", "gan_training_fast"):
        (tmp_path / f"{name}.ipynb").touch()
    monkeypatch.setattr(files, "NOTEBOOKS", tmp_path)


@pytest.mark.parametrize(
    ("name", "dataset", "advice"),
    [
        ("judge", "fashion", "`python -m tools.judges`"),
        ("judge_second", "digits", "`python -m tools.judges`"),
        ("judge", "letters", "`load_judge(train)` of helpers.judge trains one"),
        ("gan", "fashion", "run lesson 07 with this data set and with steps above 0"),
        ("gan_plane", "moons", "run lesson 07 with"),
        ("gan_training_fast", "fashion", "run lesson 12 with"),
        ("gander", "fashion", "run lesson 40 with"),
        ("ganders", "fashion", "run the lesson that made it with"),
        ("training_fast", "fashion", "run the lesson that made it with"),
    ],
)
def test_weights_that_nobody_has_come_with_advice(name, dataset, advice, refuses, four_lessons):
    with refuses(f"no weights '{name}_{dataset}' are shipped", advice):
        load_weights(name, small_model(), SimpleNamespace(name=dataset), 1)


def test_a_bad_file_names_the_lesson_that_makes_another(refuses, four_lessons):
    run = train(small_model(), name="gan_training_fast")
    run.path.write_bytes(b"")
    with refuses(f"delete {run.path}, and run lesson 12 again"):
        load_weights("gan_training_fast", small_model(), IMAGES, 1)


def test_every_lesson_is_found_by_its_topic():
    lessons = [path.stem.partition("_") for path in files.NOTEBOOKS.glob("*.ipynb")]
    assert len(lessons) > 10
    assert all(files.lesson_of(f"{topic}_2_fashion") == f"lesson {number}" for number, _, topic in lessons)


# What the first edition left


def test_results_of_the_first_edition_are_named_once_and_not_read(own, capsys):
    own.mkdir(parents=True)
    samples = own.with_name("samples")
    samples.mkdir()
    for path in (own / "01_conv_2_fashion.safetensors", own / "05_gan_fashion.safetensors", samples / "05_GAN.npz"):
        path.write_bytes(b"of another kind")
    assert store.find_samples("fashion", 0) == []
    assert capsys.readouterr().out == ""
    save_small()
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and "first edition of the course" in said[0] and "delete them" in said[0]
    assert "01_conv_2_fashion.safetensors, 05_GAN.npz ..." in said[0] and str(own.parent) in said[0]
    assert store.find_samples("fashion", 1) == []
    load_small()
    assert capsys.readouterr().out == "small_fashion: your own (3 steps, 0 s, seed 5)\n"


def test_names_of_this_edition_do_not_look_like_those_of_the_first(own, capsys):
    run = train(small_model(), name="05_gan")
    assert not files.FIRST_EDITION.match(run.path.name)
    load_weights("05_gan", small_model(), IMAGES, 1)
    assert "first edition" not in capsys.readouterr().out
