"""A class skips the training: every notebook with `steps = 0`, through papermill, from the weights that are shipped."""

import papermill
import pytest

from tools import notebooks

LESSONS = [path for path in notebooks.paths() if path.parent.name == "notebooks"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_without_training(path, tmp_path):
    out = tmp_path / path.name
    options = {"cwd": path.parent, "kernel_name": "python3", "progress_bar": False, "execution_timeout": 300}
    notebook = papermill.execute_notebook(path, out, parameters={"steps": 0}, **options)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert "shipped with the course" in printed
    assert "your own" not in printed
