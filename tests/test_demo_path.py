"""A class skips the training: every notebook with `steps = 0`, from the weights that are shipped, and every slider and
button of it moved."""

import nbformat
import papermill
import pytest

from tools import notebooks

LESSONS = [path for path in notebooks.paths() if path.parent.name == "notebooks"]
MOVE_EVERYTHING = """
def move_everything():  # a function, so that no name of the lesson is changed
    import gc
    from helpers.widgets import Explorer, Player

    explorers = [thing for thing in gc.get_objects() if type(thing) in (Explorer, Player)]
    for explorer in explorers:
        for name, control in explorer.controls.items():
            before, pictures = control.value, set()
            for value in getattr(control, "options", None) or (control.min, control.max):
                control.value = value
                pictures.add(explorer.picture.value)
            control.value = before
            assert len(pictures) > 1 or isinstance(explorer, Player), f"{name!r} changes nothing"
        for label, button in explorer.buttons.items() if isinstance(explorer, Player) else ():
            before = explorer.picture.value
            button.click()
            assert explorer.picture.value != before, f"{label!r} changes nothing"
    return len(explorers)

print(f"moved {move_everything()} pictures")
"""


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_without_training(path, tmp_path):
    notebook = notebooks.read(path)
    widgets = sum("sliders(" in cell.source or "player(" in cell.source for cell in notebook.cells)
    notebook.cells.append(nbformat.v4.new_code_cell(MOVE_EVERYTHING))
    nbformat.write(notebook, tmp_path / "in.ipynb")
    options = {"cwd": path.parent, "kernel_name": "python3", "progress_bar": False, "execution_timeout": 300}
    notebook = papermill.execute_notebook(tmp_path / "in.ipynb", tmp_path / "out.ipynb", {"steps": 0}, **options)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert "shipped with the course" in printed
    assert "your own" not in printed
    assert f"moved {widgets} pictures" in printed
