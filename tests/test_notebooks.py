"""The notebooks as files: executed in order, small, readable, and the same where they should be the same."""

import base64
import copy
import io
import itertools
import json
import re
import shutil
from pathlib import Path

import demo
import links
import mutations
import nbformat
import numpy as np
import pytest
from PIL import Image

from helpers.files import COURSE
from helpers.plotting import to_film, to_png
from tools import notebooks
from tools.notebooks import code_cells

PATHS = notebooks.paths()
LESSONS = notebooks.lessons()
TAUGHT = LESSONS[1:]  # all but the first, which has no exercises
CHECKED = "nbval-check-output"
MAX_LINES, MAX_WIDTH, MAX_BYTES = 30, 100, 1_400_000
HOUSEKEEPING, IN_A_ROW = 3, 3  # the first code cells of every notebook; code cells that may follow each other
TITLES = ("Predict", "What goes wrong", "Exercises", "Recap", "References")


def name(path):
    return f"{path.parent.name}/{path.stem}"


each_notebook = pytest.mark.parametrize("path", PATHS, ids=name)
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=name)


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def lines(cell):
    return [line for line in cell.source.splitlines() if line.strip()]


def problems(notebook):
    """What is wrong with a notebook as a file, as a list of sentences."""
    found = []
    cells = code_cells(notebook)
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("it was not executed top to bottom; run `python -m tools.notebooks run`")
    if notebook.metadata != notebooks.METADATA:
        found.append("its metadata hold more than the kernel (widget state?)")
    for number, cell in enumerate(cells, start=1):
        if len(lines(cell)) > MAX_LINES:
            found.append(f"cell {number} has {len(lines(cell))} lines")
        if any(len(line) > MAX_WIDTH for line in lines(cell)) and "REPOSITORY" not in cell.source:
            found.append(f"cell {number} has a line of more than {MAX_WIDTH} characters")
        if cell.source.rstrip().endswith(";"):
            found.append(f"cell {number} ends in a semicolon")
        if set(cell.metadata) - {"tags"}:
            found.append(f"cell {number} has metadata beside its tags")
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"cell {number} shows an error")
            if output.get("name") == "stderr":
                found.append(f"cell {number} shows a warning: {output.text[:80]}")
            if notebooks.WIDGET in output.get("data", {}):
                found.append(f"cell {number} holds a widget that needs a kernel")
            if re.search(r"(Posix|Windows)Path\(", output.get("data", {}).get("text/plain", "")):
                found.append(f"cell {number} shows where a file lay on somebody's machine")
            if "image/png" in output.get("data", {}) and not output.metadata.get("image/png", {}).get("alt"):
                found.append(f"cell {number} shows a picture without an alternative text")
    return found


@each_notebook
def test_the_file_is_in_order(path):
    assert problems(notebooks.read(path)) == []


@each_notebook
def test_the_file_is_small(path):
    assert path.stat().st_size < MAX_BYTES


@each_notebook
def test_the_file_is_valid(path):
    notebook = notebooks.read(path)
    nbformat.validate(notebook)
    assert notebook.nbformat_minor >= 5


@each_notebook
def test_setup_and_parameters(path):
    cells = code_cells(notebooks.read(path))
    first = code_cells(notebooks.read(PATHS[0]))[0]
    assert cells[0].source == first.source
    assert f'REPOSITORY = "{notebooks.address()}"' in first.source
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    assert tagged == [cells[1]]
    assert re.findall(r"^(\w+) =", tagged[0].source, re.M) == ["dataset", "steps", "seed"]


@each_lesson
def test_a_few_outputs_are_compared(path):
    tagged = [cell for cell in code_cells(notebooks.read(path)) if CHECKED in cell.metadata.get("tags", [])]
    assert 3 <= len(tagged) <= 6
    assert all(cell.outputs for cell in tagged)


@pytest.mark.parametrize("path", TAUGHT, ids=name)
def test_a_lesson_has_its_parts(path):
    notebook = notebooks.read(path)
    text = prose(notebook)
    assert [title for title in TITLES if title not in text] == []
    assert len(re.findall(r"^check\(", "\n".join(cell.source for cell in code_cells(notebook)), re.M)) == 3
    assert "assert" in "".join(cell.source for cell in code_cells(notebook))


def without_a_sentence(notebook):
    """The first lines of code cells that follow IN_A_ROW others without a text between them, housekeeping aside."""
    found, row, seen = [], 0, 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            row = 0
            continue
        seen += 1
        row = row + 1 if seen > HOUSEKEEPING else 0
        if row > IN_A_ROW:
            found.append(notebooks.first_line(cell.source))
    return found


@each_lesson
def test_a_reason_comes_before_code(path):
    assert without_a_sentence(notebooks.read(path)) == []


def test_four_code_cells_in_a_row_are_noticed():
    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    few = [text("# A"), *map(code, "abc"), *map(code, "def"), text("why"), *map(code, "ghi")]
    assert without_a_sentence(nbformat.v4.new_notebook(cells=few)) == []
    many = [*few, code("j"), code("k"), text("so"), code("l")]
    assert without_a_sentence(nbformat.v4.new_notebook(cells=many)) == ["j", "k"]


@each_lesson
def test_every_slider_has_a_static_twin(path):
    cells = code_cells(notebooks.read(path))
    for cell, following in itertools.pairwise(cells):
        if any(call in cell.source for call in demo.CALLS):
            assert any("image/png" in output.get("data", {}) for output in following.outputs)


@each_notebook
def test_links_lead_somewhere(path):
    assert links.dead(prose(notebooks.read(path)), path) == []


def test_every_lesson_with_exercises_has_solutions():
    with_solutions = [path.name for path in PATHS if path.parent.name == "solutions"]
    assert with_solutions == [path.name for path in TAUGHT]


def differing():
    """Modules of helpers/lessons that are not what the notebooks export."""
    kept = {path.stem: path.read_text(encoding="utf-8") for path in notebooks.LESSONS.glob("*.py")}
    exported = notebooks.exported()
    return sorted(name for name in kept.keys() | exported.keys() if kept.get(name) != exported.get(name))


def test_the_modules_of_lessons_equal_the_exported_cells():
    assert differing() == [], "run `python -m tools.notebooks export`"


@each_notebook
def test_pictures_in_the_readme_are_the_notebooks_own(path):
    for file, png in notebooks.pictures(notebooks.read(path)).items():
        assert (notebooks.PICTURES / file).read_bytes() == png


def test_stripping_a_notebook_is_noticed():
    notebook = notebooks.read(TAUGHT[0])
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    assert "it was not executed top to bottom" in problems(notebook)[0]


def test_running_cells_out_of_order_is_noticed():
    notebook = notebooks.read(TAUGHT[0])
    cells = code_cells(notebook)
    cells[2].execution_count, cells[3].execution_count = 4, 3
    assert "it was not executed top to bottom" in problems(notebook)[0]


@pytest.mark.parametrize(
    ("output", "complaint"),
    [
        (nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[]), "shows an error"),
        (nbformat.v4.new_output("stream", name="stderr", text="UserWarning: old"), "shows a warning"),
        (nbformat.v4.new_output("display_data", {notebooks.WIDGET: {"model_id": "1"}}), "needs a kernel"),
        (nbformat.v4.new_output("display_data", {"image/png": ""}), "without an alternative text"),
        (
            nbformat.v4.new_output("execute_result", {"text/plain": "Run(path=PosixPath('/a'))"}),
            "on somebody's machine",
        ),
    ],
)
def test_bad_outputs_are_noticed(output, complaint):
    notebook = notebooks.read(TAUGHT[0])
    code_cells(notebook)[3].outputs.append(output)
    assert complaint in problems(notebook)[0]


def test_widget_state_is_noticed_and_cleaned():
    notebook = notebooks.read(TAUGHT[0])
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    cell = code_cells(notebook)[3]
    cell.metadata["execution"] = {"iopub.status.busy": "2020-01-01"}
    data = {notebooks.WIDGET: {"model_id": "1"}, "text/plain": "VBox()"}
    cell.outputs = [nbformat.v4.new_output("display_data", data)]
    assert len(problems(notebook)) == 3
    assert problems(notebooks.clean(copy.deepcopy(notebook))) == []


def test_prints_that_follow_each_other_are_joined_and_others_are_not():
    a, b, c = (nbformat.v4.new_output("stream", name="stdout", text=text) for text in "abc")
    figure = nbformat.v4.new_output("display_data", {"text/plain": "figure"})
    other = nbformat.v4.new_output("stream", name="stderr", text="d")
    outputs = notebooks.joined([a, b, figure, c, other])
    assert [output.get("text") for output in outputs] == ["ab", None, "c", "d"]


@pytest.mark.parametrize("mutation", mutations.MUTATIONS.values(), ids=list(mutations.MUTATIONS))
def test_every_mutation_finds_what_it_breaks(mutation):
    (path,), (_, broken, _) = notebooks.lessons(mutation[0]), mutations.broken(*mutation)
    sources = [cell.source for cell in notebooks.fresh(path, steps=0).cells[: len(broken.cells)]]
    changed = [cell for cell, source in zip(broken.cells, sources, strict=True) if cell.source != source]
    assert len(changed) == 1


def test_figures_get_a_palette_and_films_are_left_alone():
    sheet = np.random.default_rng(0).random((20, 20, 3))
    figure, film = (base64.b64encode(png).decode() for png in (to_png(sheet), to_film([sheet, 1 - sheet])))
    assert Image.open(io.BytesIO(base64.b64decode(notebooks.smaller(figure)))).mode == "P"
    assert notebooks.smaller(film) == film


@pytest.mark.parametrize(("channels", "most"), [(1, 64), (3, 128)])
def test_large_pictures_keep_their_colours(channels, most):
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, channels), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.broadcast_to(noise, (200, 300, 3)).copy()).save(buffer, "png")
    fewer = notebooks.smaller(base64.b64encode(buffer.getvalue()).decode())
    picture = Image.open(io.BytesIO(base64.b64decode(fewer)))
    assert most / 2 < len(picture.getcolors()) <= most


@pytest.fixture
def two_lessons(tmp_path, monkeypatch):
    """A course of two lessons that export into `line`, the second one into `other`, too; `write()` writes them."""
    a = ["import math\nimport torch\nfrom helpers.files import COURSE", "#| export line\ndef f(x):\n    return x"]
    b = [
        "import torch\nfrom torch import nn\n\nfrom helpers.lessons.line import f",
        "#| export line\ndef g(x):\n    return f(torch.cos(x))",
        "#| export other\n\nNET = nn.Linear(f(1), 1)\n",
        "unused = 1",
    ]
    cells = {"01_line": a, "02_curve": b}
    monkeypatch.setattr(notebooks, "lessons", lambda: sorted(tmp_path.glob("*.ipynb")))
    monkeypatch.setattr(notebooks, "LESSONS", tmp_path / "lessons")
    notebooks.LESSONS.mkdir()

    def write():
        for lesson, sources in cells.items():
            made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
            nbformat.write(made, tmp_path / f"{lesson}.ipynb")
        return cells

    return write


def test_each_module_holds_its_cells_and_what_they_import(two_lessons):
    two_lessons()
    modules = notebooks.exported()
    assert sorted(modules) == ["__init__", "line", "other"]
    head, first, second = modules["line"].split("\n\n\n# --- from ")
    assert head.endswith('"""\n\nimport torch')  # not math, which no exported cell uses, nor itself
    assert first == "notebooks/01_line.ipynb; edit there ---\ndef f(x):\n    return x"
    assert second == "notebooks/02_curve.ipynb; edit there ---\ndef g(x):\n    return f(torch.cos(x))\n"
    assert "from torch import nn\n\nfrom helpers.lessons.line import f\n" in modules["other"]
    assert "unused" not in "".join(modules.values())


def test_changing_an_exported_cell_is_noticed_and_mended(two_lessons):
    cells = two_lessons()
    notebooks.write_exported()
    assert differing() == []
    cells["02_curve"][1] += "\n# changed"
    cells["02_curve"].pop(2)
    two_lessons()
    assert differing() == ["line", "other"]
    notebooks.write_exported()
    assert differing() == []
    assert not (notebooks.LESSONS / "other.py").exists()


def test_longer_steps_are_written_into_the_parameters_only():
    notebook = notebooks.read(TAUGHT[0])
    before = [cell.source for cell in notebook.cells]
    notebooks.set_parameter(notebook, "steps", 8000)
    after = [cell.source for cell in notebook.cells]
    changed = [new for old, new in zip(before, after, strict=True) if new != old]
    assert len(changed) == 1
    assert "steps = 8000  #" in changed[0]


def test_a_run_with_other_steps_leaves_the_notebook_alone(tmp_path):
    path = tmp_path / "99.ipynb"
    parameters = nbformat.v4.new_code_cell("steps = 1  # few", metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell("assert steps == 7")]), path)
    before = path.read_bytes()
    assert notebooks.run(path, steps=7) > 0
    assert path.read_bytes() == before


def test_a_run_does_not_see_results_and_leaves_none(tmp_path, monkeypatch):
    mine = tmp_path / "results"
    mine.mkdir()
    (mine / "trained").write_text("an hour's work", encoding="utf-8")
    monkeypatch.setenv("COURSE_RESULTS", str(mine))
    code = (
        "import os; from pathlib import Path; own = Path(os.environ['COURSE_RESULTS'])\nassert not list(own.iterdir())"
    )
    code += "\n(own / 'new').touch()"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), tmp_path / "99.ipynb")
    monkeypatch.setattr(notebooks, "paths", lambda name: [tmp_path / "99.ipynb"])
    monkeypatch.setattr(notebooks, "COURSE", tmp_path)
    notebooks.main(["run", "99"])
    assert [file.name for file in mine.iterdir()] == ["trained"]


def test_the_address_is_rewritten_everywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "COURSE", tmp_path)
    path = tmp_path / "01.ipynb"
    path.write_text(LESSONS[0].read_text(encoding="utf-8"), encoding="utf-8")
    pages = [Path(shutil.copy(COURSE / name, tmp_path)) for name in ("README.md", "CITATION.cff")]
    monkeypatch.setattr(notebooks, "paths", lambda: [path])
    old, new = notebooks.stated_address(), "https://github.com/someone/else"
    notebooks.readdress(old, new)
    assert notebooks.stated_address() == new
    for file in (path, *pages):
        text = file.read_text(encoding="utf-8")
        assert old.removeprefix("https://github.com/") not in text
        assert "someone/else" in text
    json.loads(path.read_text(encoding="utf-8"))
