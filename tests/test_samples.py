"""Images and what they cost: saved whole, read back, and refused with a sentence when they are not."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from helpers import files
from helpers.store import (
    COUNT,
    RECORDS,
    Run,
    SampleInfo,
    find_records,
    find_samples,
    read_sample,
    save_sample,
    save_samples,
)

IMAGES = torch.rand(COUNT, 1, 28, 28, generator=torch.Generator().manual_seed(0))
DATA = SimpleNamespace(name="fashion")  # all that `save_samples` asks of a data set is its name
COSTS = {
    "model": "my model, new", "dataset": "fashion", "steps": 30, "seed": 1, "seconds": 2.5, "parameters": 7,
    "sampling_seconds": 0.25, "machine": "a laptop",
}  # fmt: skip
NAME = "my_model_new_fashion_30_seed1.npz"


def a_run(steps, seconds, folder=Path("results/weights")):
    return Run({"loss": [1.0]}, seed=1, steps=steps, seconds=seconds, torch="2", path=folder / "x.safetensors")


@pytest.fixture(autouse=True)
def own(tmp_path, ship):
    """The learner's folder of images, which does not exist yet; the course ships nothing."""
    return tmp_path / "results" / "samples"


@pytest.fixture
def shipped(ship):
    """The path of a sample of `IMAGES` that the course ships."""
    return ship(save_sample(IMAGES, SampleInfo(**COSTS)).path)


def write(folder, name=NAME, pixels=None, info=COSTS):
    """A file as `save_sample` would write it, with anything inside."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((COUNT, 28, 28), dtype=np.uint8) if pixels is None else pixels
    np.savez_compressed(folder / name, images=pixels, info=np.array(json.dumps(info)))
    return folder / name


# Save and read


def test_images_and_costs_come_back(own):
    saved = save_sample(IMAGES, SampleInfo(**COSTS))
    back = read_sample(own / NAME)
    assert saved.path == own / NAME
    assert vars(back.info) == COSTS
    assert back.images.dtype == torch.float32
    assert (back.images - IMAGES).abs().max() <= 0.5 / 255 + 1e-6
    assert "your own (2,000 images, 2 s of training)" in str(back)
    assert not list(own.glob("*.partial"))


def test_images_in_colour_come_back(own):
    images = torch.rand(COUNT, 3, 4, 6, generator=torch.Generator().manual_seed(1))
    save_sample(images, SampleInfo(**COSTS))
    assert (read_sample(own / NAME).images - images).abs().max() <= 0.5 / 255 + 1e-6


def test_images_that_cannot_be_written_are_measured_all_the_same(tmp_path, capsys):
    (tmp_path / "results").write_text("a file where the folder should be", encoding="utf-8")
    sample = save_sample(IMAGES, SampleInfo(**COSTS))
    assert (sample.images - IMAGES).abs().max() < 1 / 500
    said = capsys.readouterr().out
    assert said.startswith("not kept: cannot write") and "COURSE_RESULTS" in said


def test_save_samples_times_the_drawing_and_adds_up_the_trainings(own, capsys):
    save_samples("GAN", lambda: IMAGES, [a_run(10, 1.5), a_run(20, 2.0)], nn.Linear(3, 4), DATA)
    (sample,) = find_samples("fashion", 1)
    info = sample.info
    assert (info.model, info.steps, info.seconds, info.seed, info.parameters) == ("GAN", 30, 3.5, 1, 16)
    assert 0 <= info.sampling_seconds < 5
    assert "GAN_fashion_30_seed1: your own" in capsys.readouterr().out


def test_save_samples_draws_and_keeps_nothing_of_shipped_weights(own, capsys):
    def draw():
        raise AssertionError("nothing should be drawn")

    save_samples("GAN", draw, [a_run(10, 1.0), a_run(10, 1.0, files.shipped_folder("weights"))], nn.Linear(3, 4), DATA)
    assert not own.exists()
    assert "shipped" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (IMAGES[:1999], ("1,999 images", "2,000")),
        (IMAGES * 2 - 1, ("[0, 1]",)),
        (IMAGES.flatten(1), ("(2000, 784)", "(N, 1, H, W)", "(N, 3, H, W)")),
        (IMAGES.double(), ("float64", "float32")),
        (IMAGES.clone().index_fill_(0, torch.tensor([3]), float("nan")), ("[0, 1]",)),
    ],
)
def test_save_sample_refuses_images_that_cannot_be_compared(images, words, refuses, own):
    with refuses(*words):
        save_sample(images, SampleInfo(**COSTS))
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
        SampleInfo(**COSTS | change)


# Bad files


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"pixels": np.zeros((COUNT, 28, 28))}, ("float64", "uint8")),
        ({"pixels": np.zeros((COUNT, 1, 4, 4), np.uint8)}, ("(2000, 1, 4, 4)", "(N, H, W) or (N, H, W, 3)")),
        ({"pixels": np.zeros((150, 28, 28), np.uint8)}, ("150 images", "2,000")),
        ({"info": {"model": "x"}}, ("not written by this course",)),
        ({"info": [1, 2]}, ("not written by this course",)),
        ({"info": COSTS | {"colour": "red"}}, ("not written by this course",)),
        ({"info": COSTS | {"seconds": "long"}}, ("seconds is 'long'", "float")),
    ],
)
def test_a_bad_file_is_named_and_the_rest_still_comes(content, words, own, capsys, refuses):
    good = save_sample(IMAGES, SampleInfo(**COSTS | {"model": "good"}))
    bad = write(own, "bad.npz", **content)
    with refuses("bad.npz", "delete", *words):
        read_sample(bad)
    assert [sample.path for sample in find_samples("fashion", 1)] == [good.path]
    out = capsys.readouterr().out
    assert out.startswith("left out: bad.npz") and out.count("\n") == 1


def test_files_that_are_no_archives_are_named(own, capsys, refuses):
    save_sample(IMAGES, SampleInfo(**COSTS))
    (own / "text.npz").write_text("hello", encoding="utf-8")
    (own / "empty.npz").touch()
    (own / "half.npz").write_bytes((own / NAME).read_bytes()[:5000])
    np.savez(own / "other.npz", a=np.zeros(3))
    np.save(own / "array", np.zeros(3))
    (own / "array.npy").rename(own / "array.npz")
    np.savez(own / "pickle.npz", images=np.array([{}], dtype=object), info=np.array("{}"))
    assert len(find_samples("fashion", 1)) == 1
    assert capsys.readouterr().out.count("left out: ") == 6
    with refuses("absent.npz"):
        read_sample(own / "absent.npz")


def test_a_damaged_shipped_file_comes_with_the_way_to_restore_it(shipped, capsys):
    shipped.write_bytes(shipped.read_bytes() + b"x")
    assert find_samples("fashion", 1) == []
    assert files.restoring(shipped) in capsys.readouterr().out


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
        save_sample(IMAGES, SampleInfo(**COSTS | {"model": name}))
    assert {sample.info.model for sample in find_samples("fashion", 1)} == set(names)
    written = [file.name for file in own.iterdir()]
    assert len(written) == 2
    assert all(len(name.encode()) < 240 and not set('<>:"/\\|?*') & set(name) for name in written)
    assert "left out" not in capsys.readouterr().out


def test_one_name_typed_on_two_keyboards_is_one_file():
    composed, decomposed = (SampleInfo(**COSTS | {"model": name}) for name in ("caf\u00e9", "cafe\u0301"))
    assert composed.file.startswith("caf\u00e9_fashion")
    assert decomposed.file.startswith("caf\u00e9_")


def test_letters_of_all_scripts_stay_and_so_do_a_data_sets(own):
    sample = save_sample(IMAGES, SampleInfo(**COSTS | {"model": "模型 1", "dataset": "my/Ελληνικά"}))
    assert sample.path.parent == own
    assert sample.path.name.startswith("模型_1_my_Ελληνικά_") and sample.path.name.endswith("_30_seed1.npz")
    assert [found.path for found in find_samples("my/Ελληνικά", 1)] == [sample.path]


def test_every_shipped_file_has_the_name_that_it_would_get(monkeypatch):
    monkeypatch.undo()
    shipped = find_samples("fashion", steps=0)
    assert len(shipped) == 34
    assert all(sample.info.file == sample.path.name for sample in shipped)


def test_costs_that_cannot_be_are_refused_before_the_drawing(refuses):
    with refuses("model is 5", "str"):
        save_samples(5, lambda: pytest.fail("drawn"), [a_run(10, 1.0)], nn.Linear(3, 4), DATA)


# Whose


@pytest.mark.parametrize("steps", [-1, True, None])
def test_steps_that_are_no_whole_number_are_refused(steps, refuses):
    with refuses(f"steps is {steps!r}", "whole number"):
        find_samples("fashion", steps)


def test_a_number_in_the_name_of_a_model_does_not_make_it_one_of_the_first_edition(own):
    mine = save_sample(IMAGES, SampleInfo(**COSTS | {"model": "05 GAN"}))
    (own / "05_GAN_fashion_2400_seed0.npz").write_bytes(b"of the first edition")
    assert [sample.path for sample in find_samples("fashion", 1)] == [mine.path]


def test_a_bad_file_of_the_learners_does_not_hide_the_shipped_one(shipped, own, capsys):
    write(own, pixels=np.zeros((3, 28, 28), np.uint8))
    assert [sample.path for sample in find_samples("fashion", 1)] == [shipped]
    assert f"left out: {NAME}: there are 3 images" in capsys.readouterr().out


def test_the_own_file_takes_the_place_of_the_shipped_one(shipped, own):
    assert "shipped with the course" in str(find_samples("fashion", 1)[0])
    assert not find_samples("fashion", 1)[0].own
    mine = save_sample(1 - IMAGES, SampleInfo(**COSTS | {"seconds": 9.0}))
    assert [(sample.path, sample.own) for sample in find_samples("fashion", 1)] == [(mine.path, True)]
    assert [sample.path for sample in find_samples("fashion", steps=0)] == [shipped]


def test_other_trainings_stand_beside_the_shipped_one(shipped, own):
    for change in ({"model": "zebra"}, {"steps": 31}, {"seed": 2}, {"dataset": "digits"}):
        save_sample(IMAGES, SampleInfo(**COSTS | change))
    assert len(find_samples("fashion", 1)) == 4
    assert [sample.info.dataset for sample in find_samples("digits", 1)] == ["digits"]


def test_the_course_ships_five_families_two_budgets_and_three_seeds(monkeypatch):
    monkeypatch.undo()
    images, records = {}, {}
    for found, entries in ((images, find_samples("fashion", steps=0)), (records, find_records("fashion"))):
        for info in (entry.info for entry in entries):
            found.setdefault(info.model, {}).setdefault(info.steps, set()).add(info.seed)
    assert {name.partition(",")[0] for name in images} == {
        "VAE",
        "GAN",
        "conditional GAN",
        "diffusion",
        "flow matching",
    }
    for name, budgets in images.items():
        own_training = "," not in name or name == "VAE, larger"  # others share that of the model before the comma
        lesson = {0, 1, 2} if own_training else {0}
        assert [seeds for _, seeds in sorted(budgets.items())] == [lesson, {0}]
        assert records.get(name) == ({max(budgets): {1, 2}} if name != "VAE" else None), "of ten minutes"


# Records


def recorded(own, ship, content):
    """Ship a file of records with this content."""
    own.mkdir(parents=True)
    (own / RECORDS).write_text(content, encoding="utf-8")
    return ship(own / RECORDS)


def test_records_are_those_of_one_data_set_in_order(own, ship):
    infos = [COSTS | change for change in ({"seed": 2}, {"seed": 1}, {"dataset": "digits"})]
    recorded(own, ship, json.dumps([{"info": info, "distances": {"ours": info["seed"]}} for info in infos]))
    assert [(vars(r.info), r.distances) for r in find_records("fashion")] == [
        (infos[1], {"ours": 1}), (infos[0], {"ours": 2})
    ]  # fmt: skip
    assert len(find_records("digits")) == 1 and find_records("faces") == []


@pytest.mark.parametrize("content", ["[", "[5]", '[{"info": {}}]', '[{"info": {"model": 5}, "distances": {}}]'])
def test_damaged_records_are_refused(own, ship, refuses, content):
    recorded(own, ship, content)
    with refuses(f"{RECORDS} is damaged", files.restoring(files.shipped_folder("samples") / RECORDS)):
        find_records("fashion")
