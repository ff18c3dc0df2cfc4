"""Every command that the pages of the course document, run from a terminal in a small copy of the course."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

import mutations
import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from helpers import store
from helpers.files import COURSE
from tools import notebooks
from tools.notebooks import METADATA

OLD, NEW = "https://github.com/your-name/the-course", "https://github.com/somebody/else"
CELLS = [
    f'import sys\nfrom pathlib import Path\n\nREPOSITORY = "{OLD}"\nsys.path.insert(0, str(Path.cwd().parent))',
    'dataset = "fashion"  # or "digits"\nsteps = 2  # 0 takes the weights that come with the course\nseed = 0',
    "import torch\nfrom torch import nn\n\nfrom helpers.datasets import load\n"
    "from helpers.store import save_samples, train_or_load",
    "#| export line\ndef double(x):\n    return 2 * torch.as_tensor(x)",
    "train, test = load(dataset)\nmodel = nn.Linear(2, 1)\n"
    'run = train_or_load("line", lambda model, data, steps, seed: {"loss": [1.0] * steps}, model, train, steps, seed)',
    'save_samples("a line", lambda: torch.zeros(2000, 1, 28, 28), [run], model, train)',
    'assert dataset == "fashion", "fashion → digits"',
]
DIGITS = ["try", "line", "--dataset", "digits", "--seed", "3"]
COMMANDS = [  # in this order; the others see what the ones before them did
    ["tools.notebooks", "run", "line"],
    ["tools.notebooks", "run", "01", "--steps", "3", "--seed", "5", "--ship"],
    ["tools.notebooks", *DIGITS],
    ["tools.notebooks", "export"],
    ["tools.notebooks", "demo", "line"],
    ["tools.notebooks", "address"],
    ["tools.notebooks", "run", "curve"],
    ["tools.samples", "line", "--steps", "4", "--seed", "1"],
    ["tools.slides", "line"],
    ["tools.judges", "--only", "judge_digits", "--steps", "10"],
    ["tools.data", "no such folder"],
]
TERMINAL = """
import json, runpy, sys
for command in json.load(open(sys.argv[1], encoding="utf-8")):
    sys.argv, status = list(command), 0
    try:
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code or 0
    print(f"[status {status}]")
"""  # one process for all commands: PyTorch takes seconds to import


def lesson():
    """A lesson of six cells that trains nothing for two steps, and dislikes the digits in words beyond cp1252."""
    cells = [nbformat.v4.new_markdown_cell("# A line\n\n$x_0$"), *map(nbformat.v4.new_code_cell, CELLS)]
    cells[2].metadata["tags"] = ["parameters"]
    return nbformat.v4.new_notebook(cells=cells, metadata=METADATA)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the course with one small lesson and no weights but the judges, in which all commands were run.

    Returns its path and {command: (exit status or last words, what it printed)}. The terminal knows cp1252 alone, as
    on Windows, and the learner's own results stand beside the copy.
    """
    above = tmp_path_factory.mktemp("course é")
    copy, mine = above / "a copy", above / "mine"
    shipped = [path.name for path in notebooks.WEIGHTS.glob("*.safetensors") if not path.name.startswith("judge_")]
    leave_out = shutil.ignore_patterns("__pycache__", "full", "samples", *shipped)
    for folder in ("helpers", "tools", "data"):
        shutil.copytree(COURSE / folder, copy / folder, ignore=leave_out)
    (copy / "notebooks").mkdir()
    nbformat.write(lesson(), copy / "notebooks" / "01_line.ipynb")
    (copy / "pyproject.toml").write_text(f'[project.urls]\nRepository = "{NEW}"\n', encoding="utf-8")
    for name in ("README.md", "CITATION.cff"):
        (copy / name).write_text(f"Open {OLD}, read https://your-name.github.io/the-course/.\n", encoding="utf-8")
    (above / "commands.json").write_text(json.dumps(COMMANDS), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", TERMINAL, above / "commands.json"], cwd=copy, capture_output=True,
        env=os.environ | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252", "COURSE_RESULTS": str(mine)},
    )  # fmt: skip
    printed = done.stdout.decode("cp1252").replace("\r\n", "\n")
    assert done.returncode == 0, printed + done.stderr.decode("cp1252")
    assert not mine.exists(), "a tool left something in the learner's own results"
    parts = re.findall(r"(.*?)\[status (.*?)\]\n", printed, re.S)
    return copy, {tuple(c): (end, said) for c, (said, end) in zip(COMMANDS, parts, strict=True)}


def outcome(course, *command):
    """(Exit status or last words, what it printed) of the first command that begins like this."""
    return next(result for run, result in course[1].items() if run[: len(command)] == command)


def checked(copy):
    """The names in SHA256SUMS of the copy; every checksum is right, and every line ends as Linux ends it."""
    content = (copy / "data" / "SHA256SUMS").read_bytes()
    assert b"\r" not in content
    lines = [line.split("  ") for line in content.decode().splitlines()]
    for digest, name in lines:
        assert hashlib.sha256((copy / "data" / name).read_bytes()).hexdigest() == digest
    return [name for _, name in lines]


@pytest.mark.slow
def test_run_saves_the_lesson_and_copies_with_other_parameters_do_not(course):
    status, said = outcome(course, "tools.notebooks", "run", "line")
    assert status == "0" and re.fullmatch(r"notebooks/01_line\.ipynb: \d+ s\n", said)
    path = course[0] / "notebooks" / "01_line.ipynb"
    cells = [cell for cell in notebooks.read(path).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(CELLS) + 1))
    assert cells[1].source == CELLS[1]
    assert b"\r" not in path.read_bytes()


@pytest.mark.slow
def test_run_ships_the_weights_of_a_copy(course):
    status, said = outcome(course, "tools.notebooks", "run", "01", "--steps", "3")
    assert status == "0" and "shipped: line_fashion.safetensors" in said
    assert "weights/line_fashion.safetensors" in checked(course[0])
    _, run = store.read_run(course[0] / "data" / "weights" / "line_fashion.safetensors")
    assert (run.steps, run.seed) == (3, 5)


@pytest.mark.slow
def test_try_says_in_a_line_which_cells_fail(course):
    status, said = outcome(course, "tools.notebooks", "try")
    assert status == "1"
    assert re.fullmatch(r"01_line +\d+ s  fails: cell 7 \(AssertionError: fashion \\u2192 digits\)\n", said)


@pytest.mark.slow
def test_export_gathers_the_cells(course):
    assert outcome(course, "tools.notebooks", "export") == ("0", "")
    folder = course[0] / "helpers" / "lessons"
    assert sorted(path.name for path in folder.glob("*.py")) == ["__init__.py", "line.py"]
    text = (folder / "line.py").read_bytes().decode()
    assert "import torch\n\n\n" in text and "def double(x):" in text and "\r" not in text
    assert "notebooks/01_line.ipynb" in text


@pytest.mark.slow
def test_demo_writes_a_copy_without_training(course):
    assert outcome(course, "tools.notebooks", "demo") == ("0", "demo/01_line.ipynb\n")
    assert "steps = 0  #" in notebooks.read(course[0] / "demo" / "01_line.ipynb").cells[2].source


@pytest.mark.slow
def test_address_is_written_everywhere(course):
    assert outcome(course, "tools.notebooks", "address") == ("0", "")
    for name in ("README.md", "CITATION.cff", "notebooks/01_line.ipynb"):
        path = course[0] / name
        text = path.read_bytes().decode()
        assert NEW in text and OLD not in text and "your-name" not in text and "\r" not in text


@pytest.mark.slow
def test_a_lesson_that_is_not_there_is_a_sentence(course):
    said = outcome(course, "tools.notebooks", "run", "curve")[0]
    assert said == "there is no lesson 'curve'; name one by its topic (line) or its number"


@pytest.mark.slow
def test_samples_are_made_and_shipped(course):
    assert outcome(course, "tools.samples") == ("0", "shipped: a_line_fashion_4_seed1.npz\n")
    assert "samples/a_line_fashion_4_seed1.npz" in checked(course[0])


@pytest.mark.slow
def test_slides_are_written(course):
    if not find_spec("latex2mathml"):
        assert "pip install latex2mathml" in outcome(course, "tools.slides")[0]
        return
    assert outcome(course, "tools.slides") == ("0", "slides/01_line.html\n")
    assert "<math" in (course[0] / "slides" / "01_line.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_judge_is_trained_and_shipped(course):
    status, said = outcome(course, "tools.judges")
    assert status == "0" and re.search(r"judge_digits: \d+\.\d+% of 1,000 test images recognised\n", said)
    assert "shipped: judge_digits.safetensors" in said
    assert store.read_run(course[0] / "data" / "weights" / "judge_digits.safetensors")[1].steps == 10
    assert "weights/judge_digits.safetensors" in checked(course[0])


@pytest.mark.slow
def test_images_are_not_built_from_nothing(course):
    said = outcome(course, "tools.data")[0]
    assert "train-images-idx3-ubyte.gz is missing from no such folder" in said and "data/README.md" in said


@pytest.mark.slow
def test_a_lesson_is_broken(monkeypatch):
    what = "the schedule forgets its first entry"
    monkeypatch.setattr(mutations, "MUTATIONS", {what: mutations.MUTATIONS[what]})
    assert mutations.main(["forward_diffusion"]) == 0
    assert mutations.main(["gan"]) == 0  # nothing to break, nothing missed


# The mechanism behind `run` and `try`


def notebook(*sources, parameters='dataset = "fashion"  # or "digits"\nsteps = 2  # few\nseed = 0'):
    cells = [nbformat.v4.new_code_cell(source) for source in (parameters, *sources)]
    cells[0].metadata["tags"] = ["parameters"]
    return nbformat.v4.new_notebook(cells=cells)


def test_numbers_and_names_are_written_into_the_parameters():
    changed = notebook()
    for name, value in (("dataset", "digits"), ("steps", 30), ("seed", 7)):
        notebooks.set_parameter(changed, name, value)
    assert changed.cells[0].source == 'dataset = "digits"  # or "digits"\nsteps = 30  # few\nseed = 7'
    notebooks.set_parameter(changed, "dataset", "fashion")
    assert changed.cells[0].source.startswith('dataset = "fashion"  #')


@pytest.mark.parametrize("parameters", ["steps = 2", "epochs = 2\nsteps = 2", "dataset_2 = 1", "x = dataset = 3"])
def test_a_parameter_that_is_not_there_is_refused(parameters, refuses):
    with refuses("no parameter 'dataset'"):
        notebooks.set_parameter(notebook(parameters=parameters), "dataset", "digits")


@pytest.mark.parametrize(
    ("own", "dataset", "suits"),
    [("fashion", "digits", True), ("fashion", "faces", False), ("faces", "digits", False), ("faces", "faces", True),
     ("faces", None, True), ("fashion", "/a/folder", True), ("faces", "/a/folder", True)],
)  # fmt: skip
def test_a_lesson_about_faces_takes_no_grey_data_set(own, dataset, suits):
    lesson = notebook(parameters=f'dataset = "{own}"  # or more\nsteps = 2\nseed = 0')
    assert notebooks.suits(lesson, dataset) == suits


def test_failures_are_listed_and_the_cells_after_them_run(tmp_path):
    path = tmp_path / "99.ipynb"
    sources = ["\n# first\n1 / (seed - 7)", "after = 1", "raise ValueError('two\\nlines')", "assert after == 1"]
    nbformat.write(notebook(*sources), path)
    before = path.read_bytes()
    seconds, failed = notebooks.attempt(path, tmp_path / "results", seed=7)
    assert failed == [
        (2, "# first", "ZeroDivisionError", "division by zero"),
        (4, "raise ValueError('two\\nlines')", "ValueError", "two\nlines"),
    ]
    assert seconds > 0 and path.read_bytes() == before
    with pytest.raises(CellExecutionError):
        notebooks.execute(notebooks.fresh(path, seed=7), tmp_path)


def test_a_cell_that_ends_the_kernel_is_the_last_failure(tmp_path):
    path = tmp_path / "99.ipynb"
    nbformat.write(notebook("import os\nos._exit(1)", "print('never')"), path)
    _, failed = notebooks.attempt(path, tmp_path / "results")
    assert [(number, line, kind) for number, line, kind, _ in failed] == [(2, "import os", "DeadKernelError")]


def test_nothing_to_ship_is_said(refuses):
    with refuses("nothing to ship"):
        notebooks.ship_files([], notebooks.WEIGHTS)
