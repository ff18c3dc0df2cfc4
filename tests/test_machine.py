"""The report on the machine: what it says of a good one, and that it reaches its end, whatever is broken."""

import ipywidgets
import pytest
import torch

from helpers import machine
from helpers.files import CourseError


def broken(*arguments):
    raise OSError("a library is missing")


def report(capsys):
    machine.report()
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("module", "name", "number", "words"),
    [
        (torch.cuda, "is_available", 2, "the processor or GPU cannot be looked at (OSError: a library is missing)"),
        (machine, "shipped_checksums", 4, "a library is missing"),
    ],
)
def test_a_part_that_is_broken_has_its_line_and_the_others_theirs(module, name, number, words, monkeypatch, capsys):
    before = report(capsys)
    monkeypatch.setattr(module, name, broken)
    lines = report(capsys)
    assert lines[number].startswith("LOOK") and words in lines[number]
    assert lines[:number] + lines[number + 1 :] == before[:number] + before[number + 1 :]


@pytest.mark.parametrize(("name", "mark"), [("2.6.0rc1+cu124", "ok"), ("2.11.0a0+git12", "ok"), ("2.5.1", "LOOK")])
def test_torchs_version_may_be_any_kind_of_build(name, mark, monkeypatch):
    monkeypatch.setattr(torch, "__version__", name)
    assert machine.torch_line().startswith(mark)


def test_old_widgets_are_fine(monkeypatch):
    monkeypatch.setattr(ipywidgets, "__version__", "7.7.1")
    assert machine.widgets_line() == "ok    ipywidgets 7.7.1: sliders and buttons"


def test_this_machine_is_ready(capsys):
    machine.report()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("ok") for line in lines)


def test_an_old_python_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(machine, "OLDEST_PYTHON", (9, 0))
    assert machine.python_line().startswith("LOOK")
    assert "README.md" in machine.python_line()


def test_an_old_torch_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(machine, "OLDEST_TORCH", (9, 0))
    assert "pip install -r requirements.txt" in machine.torch_line()


def test_a_damaged_file_is_named(monkeypatch):
    def damaged(path):
        raise CourseError(f"{path.name} is damaged")

    monkeypatch.setattr(machine, "verify", damaged)
    assert machine.data_line().startswith("LOOK")
    assert "is damaged" in machine.data_line()
