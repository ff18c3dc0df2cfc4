"""Every lesson with other parameters than its own: one step of training, and digits where it can do with them. Claims
may fail there, and are then named; cells may not. Later lessons find what earlier ones trained, as at home.
"""

import pytest

from tools import notebooks


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One folder where all lessons leave their weights."""
    return tmp_path_factory.mktemp("results")


@pytest.mark.slow
@pytest.mark.parametrize("path", notebooks.lessons(), ids=lambda path: path.stem)
def test_a_lesson_runs_with_other_parameters(path, results):
    digits = notebooks.suits(notebooks.read(path), "digits")
    notebook = notebooks.fresh(path, dataset="digits" if digits else None, steps=1)
    notebooks.execute(notebook, path.parent, results=results, allow_errors=True)
    assert notebooks.failures(notebook) == []
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
