"""Lesson 14 with a learner's own results: they take their place in the table, and bad files do not spoil it."""

import pytest
import torch
from nbclient.exceptions import CellExecutionError

from helpers.store import SampleInfo, find_samples, save_sample
from tools import notebooks

(PATH,) = notebooks.lessons("comparison")
TABLE = "for budget, entries in budgets.items():\n    display("  # in the cell that shows the table
FIRST_EDITION = "04_VAE_fashion_2800_seed0.npz"  # as the first edition called it


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A learner's folder: a GAN that draws noise in place of ours, a model of her own, and three files of no use."""
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path))
    gans = [s.info for s in find_samples("fashion", steps=0) if (s.info.model, s.info.seed) == ("GAN", 0)]
    shipped = min(gans, key=lambda info: info.steps)
    noise = torch.rand(2000, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    save_sample(noise, SampleInfo(**vars(shipped) | {"seconds": 4321.0}))
    save_sample(noise, SampleInfo("my zebra", "fashion", 5, 7, 1.0, 1, 1.0, "elsewhere"))
    old = save_sample(noise, SampleInfo("my old zebra", "fashion", 5, 7, 1.0, 1, 1.0, "elsewhere"))
    old.path.rename(old.path.with_name(FIRST_EDITION))
    (tmp_path / "samples" / "text.npz").write_text("no archive", encoding="utf-8")
    (tmp_path / "samples" / "half.npz").write_bytes(b"PK\x03\x04")
    return tmp_path


def until_the_table(steps):
    """Run lesson 14 up to its table; returns (what was printed, the tables)."""
    notebook = notebooks.fresh(PATH, steps=steps)
    end = next(i for i, cell in enumerate(notebook.cells) if TABLE in cell.source)
    notebook.cells = notebook.cells[: end + 1]
    notebooks.execute(notebook, PATH.parent, timeout=600)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.text for output in outputs if output.get("name") == "stdout")
    return printed, "\n".join(o.data["text/markdown"] for o in outputs if "text/markdown" in o.get("data", {}))


def rows(tables, name):
    """The cells of every row that begins with `name`."""
    return [
        [cell.strip() for cell in row.split("|")[1:-1]] for row in tables.split("\n") if row.startswith(f"| {name} |")
    ]


@pytest.mark.slow
def test_own_results_take_their_place_and_bad_files_are_named(results):
    printed, tables = until_the_table(steps=800)
    assert printed.count("left out: ") == 2
    assert "left out: text.npz" in printed and "left out: half.npz" in printed
    assert "2 of them yours" in printed
    assert "nothing stops: images of your own stand in" in printed, "noise for a GAN reverses many an order"
    short, long = rows(tables, "GAN")
    assert "4,321 s" in short and float(short[1].strip("*")) > 20, "the learner's noise stands for the GAN"
    assert "4,321 s" not in long and float(long[1].strip("*")) < 4, "the other budget is ours"
    ((_, distance, *_),) = rows(tables, "my_zebra_fashion_5_seed7")
    assert float(distance.strip("*")) > 20
    assert [len(rows(tables, name)) for name in ("VAE", "conditional GAN", "diffusion")] == [2, 2, 2]
    assert printed.count(FIRST_EDITION) == printed.count("of the first edition") == 1, "one sentence, and no guest"
    assert "04_VAE" not in tables


@pytest.mark.slow
def test_the_demo_path_shows_the_course_s_own_results(results):
    printed, tables = until_the_table(steps=0)
    assert "left out" not in printed and "0 of them yours" in printed
    assert "4,321 s" not in tables and "zebra" not in tables
    assert "nothing stops" not in printed and "first edition" not in printed


@pytest.mark.slow
def test_without_images_a_sentence_says_how_to_get_them(results):
    """The course ships no samples of the digits; whoever trained one model only misses the others."""
    noise = torch.rand(2000, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    save_sample(noise, SampleInfo("GAN", "digits", 5, 0, 1.0, 1, 1.0, "elsewhere"))
    notebook = notebooks.fresh(PATH, dataset="digits", steps=800)
    end = next(i for i, cell in enumerate(notebook.cells) if "find_samples(dataset, steps)" in cell.source)
    notebook.cells = notebook.cells[: end + 1]
    missing = "no digits images of VAE, VAE, larger, conditional GAN, diffusion, diffusion, 5 steps, diffusion, guided"
    with pytest.raises(CellExecutionError, match=missing):
        notebooks.execute(notebook, PATH.parent, timeout=600)
