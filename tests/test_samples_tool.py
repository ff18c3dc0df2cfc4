"""The tool that makes the shipped images: of a lesson it runs what the last cell needs, and no more."""

import json

import nbformat
import pytest
import torch

from helpers import files
from helpers.datasets import load
from helpers.judge import load_judge
from helpers.metrics import frechet_distance
from helpers.store import RECORDS, Record, SampleInfo, find_samples, save_sample
from tools import notebooks, samples


def test_a_slice_holds_what_the_last_cell_needs_and_no_more():
    sources = [
        "setup = 1", "seed = 0", "import math",
        "def g(x):\n    y = 3\n    return x", "def f(x):\n    return g(x)", "heavy = f(1)", "y = 2",
        "model = f(2)", "model = f(3)", "save_samples('m', lambda: model)", "print(heavy)",
    ]  # fmt: skip
    assert samples.needed(sources) == [0, 1, 2, 3, 4, 8, 9]


@pytest.mark.parametrize(
    ("source", "needs"),
    [
        ("for name in ('a', 'b'):\n    print(name, model)", {"model", "print"}),
        ("x = x + 1", {"x"}),
        ("total += 1", {"total"}),
        ("y = 1\nprint(y)", {"print"}),
        ("rows = [k for k in names if k]", {"names"}),
        ("from math import pi\nprint(pi)", {"print"}),
        ("def f(a=one):\n    return a + two + three\nthree = 3", {"one", "two"}),
        ("f = lambda a: a + two", {"two"}),
        ("@decorated\nclass A(Base):\n    pass", {"decorated", "Base"}),
        ("(g := start) + g", {"start"}),
    ],
)
def test_a_cell_needs_what_it_uses_before_it_defines_it(source, needs):
    assert samples.names(source)[1] == needs


def test_of_a_lesson_only_the_last_network_is_trained():
    made = 0
    for path in notebooks.lessons():
        cells = [cell.source for cell in notebooks.read(path).cells if cell.cell_type == "code"]
        if any("save_samples(" in cell for cell in cells):
            text, made = "\n".join(cells[i] for i in samples.needed(cells)), made + 1
            more = {"variational": 1, "flow_matching": 1, "gan": 2}  # a prior, a student, a VAE with its prior
            trainings = 1 + more.get(notebooks.topic(path), 0)
            assert text.count("train_or_load(") == trainings and "save_samples(" in text, path.stem
    assert made >= 4


def written(tmp_path, *sources):
    """A lesson of these cells, after the three that are housekeeping."""
    imports = "import torch\nfrom helpers.store import SampleInfo, save_sample"
    cells = ["import sys", "dataset = 'fashion'\nsteps = 5\nseed = 0", imports, *sources]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.cells[1].metadata["tags"] = ["parameters"]
    path = tmp_path / "99.ipynb"
    nbformat.write(notebook, path)
    return path


def test_a_small_lesson_is_made(tmp_path, monkeypatch):
    leaves = """
def save_samples(images):
    save_sample(images, SampleInfo('grey', dataset, steps, seed, 1.0, 1, 1.0, 'here'))
save_samples(torch.zeros(2000, 1, 28, 28))"""
    path = written(tmp_path, "raise SystemError('not needed')", leaves)
    before = path.read_bytes()
    monkeypatch.setenv("PYTHONPATH", str(files.COURSE))
    samples.make(path, 7, 3, tmp_path / "made")
    assert [file.name for file in (tmp_path / "made" / "samples").iterdir()] == ["grey_fashion_7_seed3.npz"]
    assert path.read_bytes() == before


def test_one_model_alone_and_another_line(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(notebooks, "execute", lambda notebook, *folder, **how: seen.append(notebook))
    sources = ["heavy = 1", "more = 0  # or so", "save_samples('A', heavy)", 'save_samples("A, larger", more)']
    path = written(tmp_path, *sources)
    samples.make(path, None, 0, tmp_path, "A, larger", [("more", "56")])
    assert [cell.source for cell in seen[0].cells[3:]] == ["more = 56", sources[3]]


@pytest.mark.parametrize(
    ("model", "lines", "words"), [("B", (), 'save_samples("B"'), ("A", [("other", "1")], "line `other = ...`")]
)
def test_what_a_lesson_does_not_have_is_named(tmp_path, refuses, model, lines, words):
    path = written(tmp_path, 'save_samples("A", 1)')
    with refuses(words):
        samples.make(path, None, 0, tmp_path, model, lines)


def test_of_a_cell_that_saves_two_only_the_wished_one_is_shipped(monkeypatch):
    def make(path, steps, seed, folder, *wishes):
        monkeypatch.setenv("COURSE_RESULTS", folder)
        for model in ("GAN", "GAN, larger"):
            save_sample(torch.zeros(2000, 1, 28, 28), SampleInfo(model, "fashion", 5, seed, 1.0, 1, 1.0, "here"))

    shipped = []
    monkeypatch.setattr(samples, "make", make)
    monkeypatch.setattr(notebooks, "ship_files", lambda paths, target: shipped.append({path.name for path in paths}))
    samples.main(["gan", "--model", "GAN, larger"])
    samples.main(["gan"])
    both = {"GAN_fashion_5_seed0.npz", "GAN_larger_fashion_5_seed0.npz"}
    assert shipped == [{"GAN_larger_fashion_5_seed0.npz"}, both]


def test_what_judges_say_is_recorded_once_for_each_training(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path))
    monkeypatch.setattr(notebooks, "write_checksums", lambda: None)
    infos = [SampleInfo("GAN", "fashion", 5, seed, 1.0, 1, 1.0, "here") for seed in range(3)]
    monkeypatch.setattr(samples, "find_records", lambda dataset: [Record(info, {"ours": 9.0}) for info in infos[:2]])
    photographs = torch.rand(300, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(samples, "judges", lambda: ({"ours": lambda x: x.flatten(1)[:, 350:414]}, photographs))
    drawn = torch.rand(2000, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    paths = [save_sample(drawn, info).path for info in infos[1:]]
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / infos[2].file).touch()  # its images are shipped, so nothing has to be recorded
    samples.record(paths, folder)
    found = json.loads((folder / RECORDS).read_text(encoding="utf-8"))
    assert [entry["info"] for entry in found] == [vars(info) for info in infos[:2]]
    assert found[0]["distances"] == {"ours": 9.0} and 0 < found[1]["distances"]["ours"] < 1
    assert {path.name for path in folder.iterdir()} == {RECORDS, infos[2].file}


def test_the_judges_of_records_are_those_of_lesson_14():
    eyes, photographs = samples.judges()
    assert list(eyes) == ["ours", "second", "unlabelled", "weak", "PCA"]
    train, test = load("fashion")
    assert torch.equal(photographs, test.images)
    images = find_samples("fashion", steps=0)[0].images[:300]
    ours = load_judge(train).features
    expected = frechet_distance(ours(images), ours(test.images))
    assert frechet_distance(eyes["ours"](images), eyes["ours"](photographs)) == pytest.approx(expected)
