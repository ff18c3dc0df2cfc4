"""Images and costs that lessons leave behind: saved whole, read back, and refused with a sentence when they are not."""

import json
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import torch
from torch import nn

from helpers import files, weights
from helpers.results import COUNT, Facts, find, leave, read, save
from helpers.weights import Run
from tools import notebooks, samples

IMAGES = torch.rand(COUNT, 1, 28, 28, generator=torch.Generator().manual_seed(0))
DATA = SimpleNamespace(name="fashion")  # all that `leave` asks of a data set is its name
COSTS = {
    "model": "04 my model, new", "dataset": "fashion", "steps": 30, "seed": 1, "seconds": 2.5, "parameters": 7,
    "sampling_seconds": 0.25, "machine": "a laptop",
}  # fmt: skip
NAME = "04_my_model_new_fashion_30_seed1.npz"


def a_run(steps, seconds, folder=Path("results/weights")):
    return Run(losses=[], seed=1, steps=steps, seconds=seconds, torch="2", path=folder / "x.safetensors")


@pytest.fixture(autouse=True)
def own(tmp_path, ship):
    """The learner's folder of images, which does not exist yet; the course ships nothing."""
    return tmp_path / "results" / "samples"


@pytest.fixture
def shipped(ship):
    """The path of a sample of `IMAGES` that the course ships."""
    return ship(save(IMAGES, Facts(**COSTS)).path)


def write(folder, name=NAME, pixels=None, facts=COSTS):
    """A file as `save` would write it, with anything inside."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((COUNT, 28, 28), dtype=np.uint8) if pixels is None else pixels
    np.savez_compressed(folder / name, images=pixels, facts=np.array(json.dumps(facts)))
    return folder / name


# Save and read


def test_images_and_costs_come_back(own):
    saved = save(IMAGES, Facts(**COSTS))
    back = read(own / NAME)
    assert saved.path == own / NAME
    assert vars(back.facts) == COSTS
    assert back.images.dtype == torch.float32
    assert (back.images - IMAGES).abs().max() <= 0.5 / 255 + 1e-6
    assert "your own (2,000 images, 2 s of training)" in str(back)
    assert not list(own.glob("*.partial"))


def test_images_that_cannot_be_written_are_measured_all_the_same(tmp_path, capsys):
    (tmp_path / "results").write_text("a file where the folder should be", encoding="utf-8")
    sample = save(IMAGES, Facts(**COSTS))
    assert (sample.images - IMAGES).abs().max() < 1 / 500
    said = capsys.readouterr().out
    assert said.startswith("not kept: cannot write") and "COURSE_RESULTS" in said


def test_leave_times_the_drawing_and_adds_up_the_trainings(own, capsys):
    leave("05 GAN", lambda: IMAGES, [a_run(10, 1.5), a_run(20, 2.0)], nn.Linear(3, 4), DATA)
    (sample,) = find("fashion")
    facts = sample.facts
    assert (facts.model, facts.steps, facts.seconds, facts.seed, facts.parameters) == ("05 GAN", 30, 3.5, 1, 16)
    assert 0 <= facts.sampling_seconds < 5
    assert "05_GAN_fashion_30_seed1: your own" in capsys.readouterr().out


def test_leave_draws_and_keeps_nothing_of_shipped_weights(own, capsys):
    def draw():
        raise AssertionError("nothing should be drawn")

    leave("05 GAN", draw, [a_run(10, 1.0), a_run(10, 1.0, weights.SHIPPED)], nn.Linear(3, 4), DATA)
    assert not own.exists()
    assert "shipped" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (IMAGES[:1999], ("1,999 images", "2,000")),
        (IMAGES * 2 - 1, ("[0, 1]",)),
        (IMAGES.flatten(1), ("(2000, 784)", "(N, 1, 28, 28)")),
        (IMAGES.double(), ("float64", "float32")),
        (IMAGES.clone().index_fill_(0, torch.tensor([3]), float("nan")), ("[0, 1]",)),
    ],
)
def test_save_refuses_images_that_cannot_be_compared(images, words, refuses, own):
    with refuses(*words):
        save(images, Facts(**COSTS))
    assert not own.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seconds": 3}, ("seconds is 3", "float")),
        ({"seconds": float("nan")}, ("seconds is nan", "0 or more")),
        ({"steps": -1}, ("steps is -1", "0 or more")),
        ({"seed": True}, ("seed is True", "int")),
        ({"model": None}, ("model is None", "str")),
    ],
)
def test_costs_of_the_wrong_kind_are_refused(change, words, refuses):
    with refuses(*words):
        Facts(**COSTS | change)


# Bad files


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"pixels": np.zeros((COUNT, 28, 28))}, ("float64", "uint8")),
        ({"pixels": np.zeros((COUNT, 32, 32), np.uint8)}, ("(2000, 32, 32)", "(N, 28, 28)")),
        ({"pixels": np.zeros((150, 28, 28), np.uint8)}, ("150 images", "2,000")),
        ({"facts": {"model": "x"}}, ("not written by this course",)),
        ({"facts": [1, 2]}, ("not written by this course",)),
        ({"facts": COSTS | {"colour": "red"}}, ("not written by this course",)),
        ({"facts": COSTS | {"seconds": "long"}}, ("seconds is 'long'", "float")),
    ],
)
def test_a_bad_file_is_named_and_the_rest_still_comes(content, words, own, capsys, refuses):
    good = save(IMAGES, Facts(**COSTS | {"model": "good"}))
    bad = write(own, "bad.npz", **content)
    with refuses("bad.npz", "delete", *words):
        read(bad)
    assert [sample.path for sample in find("fashion")] == [good.path]
    out = capsys.readouterr().out
    assert out.startswith("left out: bad.npz") and out.count("\n") == 1


def test_files_that_are_no_archives_are_named(own, capsys, refuses):
    save(IMAGES, Facts(**COSTS))
    (own / "text.npz").write_text("hello", encoding="utf-8")
    (own / "empty.npz").touch()
    (own / "half.npz").write_bytes((own / NAME).read_bytes()[:5000])
    np.savez(own / "other.npz", a=np.zeros(3))
    np.save(own / "array", np.zeros(3))
    (own / "array.npy").rename(own / "array.npz")
    np.savez(own / "pickle.npz", images=np.array([{}], dtype=object), facts=np.array("{}"))
    assert len(find("fashion")) == 1
    assert capsys.readouterr().out.count("left out: ") == 6
    with refuses("absent.npz"):
        read(own / "absent.npz")


def test_a_damaged_shipped_file_is_restored_by_git(shipped, capsys):
    shipped.write_bytes(shipped.read_bytes() + b"x")
    assert find("fashion") == []
    assert f"checkout -- data/samples/{NAME}" in capsys.readouterr().out


# Names


@pytest.mark.parametrize(
    "names",
    [
        ("模型一", "模型二"), ("μοντέλο", "νέο"), ("मॉडल", "मडल"), ("GAN", "GAN+"), ("?", "!"), ("a, b", "a b"),
        ("x" * 300, "x" * 301), ("a/b", "a\\b"), ("", "."), ("con", "CON."), ("a_b", "a b"), ("caf\u00e9", "cafe"),
    ],
    ids=lambda names: ascii(names)[:40],
)  # fmt: skip
def test_two_models_never_share_a_file(names, own, capsys):
    for name in (*names, names[0]):  # the first once more: its own file is replaced
        save(IMAGES, Facts(**COSTS | {"model": name}))
    assert {sample.facts.model for sample in find("fashion")} == set(names)
    written = [file.name for file in own.iterdir()]
    assert len(written) == 2
    assert all(len(name.encode()) < 240 and not set('<>:"/\\|?*') & set(name) for name in written)
    assert "left out" not in capsys.readouterr().out


def test_one_name_typed_on_two_keyboards_is_one_file():
    composed, decomposed = (Facts(**COSTS | {"model": name}) for name in ("caf\u00e9", "cafe\u0301"))
    assert composed.file.startswith("caf\u00e9_fashion")
    assert decomposed.file.startswith("caf\u00e9_")


def test_letters_of_all_scripts_stay_and_so_do_a_data_sets(own):
    sample = save(IMAGES, Facts(**COSTS | {"model": "模型 1", "dataset": "my/Ελληνικά"}))
    assert sample.path.parent == own
    assert sample.path.name.startswith("模型_1_my_Ελληνικά_") and sample.path.name.endswith("_30_seed1.npz")
    assert [found.path for found in find("my/Ελληνικά")] == [sample.path]


def test_every_shipped_file_has_the_name_that_it_would_get(monkeypatch):
    monkeypatch.undo()
    shipped = find("fashion", own=False)
    assert len(shipped) == 20
    assert all(sample.facts.file == sample.path.name for sample in shipped)


def test_costs_that_cannot_be_are_refused_before_the_drawing(refuses):
    with refuses("model is 5", "str"):
        leave(5, lambda: pytest.fail("drawn"), [a_run(10, 1.0)], nn.Linear(3, 4), DATA)


# Whose


def test_a_bad_file_of_the_learners_does_not_hide_the_shipped_one(shipped, own, capsys):
    write(own, pixels=np.zeros((3, 28, 28), np.uint8))
    assert [sample.path for sample in find("fashion")] == [shipped]
    assert f"left out: {NAME}: there are 3 images" in capsys.readouterr().out


def test_the_own_file_takes_the_place_of_the_shipped_one(shipped, own):
    assert "shipped with the course" in str(find("fashion")[0])
    mine = save(1 - IMAGES, Facts(**COSTS | {"seconds": 9.0}))
    assert [sample.path for sample in find("fashion")] == [mine.path]
    assert [sample.path for sample in find("fashion", own=False)] == [shipped]


def test_other_trainings_stand_beside_the_shipped_one(shipped, own):
    for change in ({"model": "zebra"}, {"steps": 31}, {"seed": 2}, {"dataset": "digits"}):
        save(IMAGES, Facts(**COSTS | change))
    assert len(find("fashion")) == 4
    assert [sample.facts.dataset for sample in find("digits")] == ["digits"]


def test_the_course_ships_four_families_two_budgets_and_three_seeds(monkeypatch):
    monkeypatch.undo()
    found = {}
    for sample in find("fashion", own=False):
        found.setdefault(sample.facts.model, {}).setdefault(sample.facts.steps, set()).add(sample.facts.seed)
    assert {name.split()[0] for name in found} == {"04", "05", "06", "08"}
    for budgets in found.values():
        assert [seeds for _, seeds in sorted(budgets.items())] == [{0, 1, 2}, {0}]


# The tool that makes them


def test_a_slice_holds_what_the_last_cell_needs_and_no_more():
    sources = [
        "setup = 1", "seed = 0", "import math",
        "def g(x):\n    y = 3\n    return x", "def f(x):\n    return g(x)", "heavy = f(1)", "y = 2",
        "model = f(2)", "model = f(3)", "leave('m', lambda: model)", "print(heavy)",
    ]  # fmt: skip
    assert samples.needed(sources) == [0, 1, 2, 3, 4, 8, 9]


@pytest.mark.parametrize("lesson", ["04", "05", "06", "08"])
def test_of_a_lesson_only_the_last_network_is_trained(lesson):
    cells = [c.source for c in notebooks.read(notebooks.paths(lesson)[0]).cells if c.cell_type == "code"]
    text = "\n".join(cells[i] for i in samples.needed(cells))
    assert text.count("train_or_load(") == {"04": 2}.get(lesson, 1)
    assert "leave(" in text


def test_a_small_lesson_is_made(tmp_path, monkeypatch):
    parameters = "dataset = 'fashion'\nsteps = 5\nseed = 0"
    leaves = """
def leave(images):
    save(images, Facts('99 grey', dataset, steps, seed, 1.0, 1, 1.0, 'here'))
leave(torch.zeros(2000, 1, 28, 28))"""
    imports = "import torch\nfrom helpers.results import Facts, save"
    cells = ["import sys", parameters, imports, "raise SystemError('not needed')", leaves]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, tmp_path / "99.ipynb")
    before = (tmp_path / "99.ipynb").read_bytes()
    monkeypatch.setenv("PYTHONPATH", str(files.COURSE))
    samples.make(tmp_path / "99.ipynb", 7, 3, tmp_path / "made")
    assert [file.name for file in (tmp_path / "made" / "samples").iterdir()] == ["99_grey_fashion_7_seed3.npz"]
    assert (tmp_path / "99.ipynb").read_bytes() == before
