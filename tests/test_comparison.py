"""Lesson 14 with a learner's own results: they take their place in the table, and bad files do not spoil it."""

import pytest
import torch

from helpers.results import SampleInfo, find, save
from tools import notebooks

(PATH,) = notebooks.lessons("10")
TABLE = "for budget, entries in budgets.items():\n    display("  # in the cell that shows the table


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A learner's folder: a GAN that draws noise in place of ours, a model of her own, and two bad files."""
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path))
    gans = [s.facts for s in find("fashion", own=False) if (s.facts.model, s.facts.seed) == ("GAN", 0)]
    shipped = min(gans, key=lambda facts: facts.steps)
    noise = torch.rand(2000, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    save(noise, SampleInfo(**vars(shipped) | {"seconds": 4321.0}))
    save(noise, SampleInfo("my zebra", "fashion", 5, 7, 1.0, 1, 1.0, "elsewhere"))
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
    assert "4,321 s" not in long and float(long[1].strip("*")) < 2, "the other budget is ours"
    ((_, distance, *_),) = rows(tables, "my_zebra_fashion_5_seed7")
    assert float(distance.strip("*")) > 20
    assert [len(rows(tables, name)) for name in ("VAE", "conditional GAN", "diffusion")] == [2, 2, 2]


@pytest.mark.slow
def test_the_demo_path_shows_the_course_s_own_results(results):
    printed, tables = until_the_table(steps=0)
    assert "left out" not in printed and "0 of them yours" in printed
    assert "4,321 s" not in tables and "zebra" not in tables
    assert "nothing stops" not in printed
