"""Every lesson with other parameters than its own: digits, and a few steps. Claims may fail there, and are then named;
cells may not. Later lessons find what earlier ones trained, as at home.
"""

import pytest

from tools import notebooks

RUNS = [("digits", 10), (None, 1)]  # None: the lesson's own data set


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One folder for each of RUNS, where its lessons leave their weights."""
    return {run: tmp_path_factory.mktemp("results") for run in RUNS}


@pytest.mark.slow
@pytest.mark.parametrize("path", notebooks.lessons(), ids=lambda path: path.stem)  # lesson after lesson ...
@pytest.mark.parametrize(("dataset", "steps"), RUNS)  # ... of one run, then those of the next
def test_a_lesson_runs_with_other_parameters(path, dataset, steps, results):
    if not notebooks.suits(notebooks.read(path), dataset):
        pytest.skip(f"it is about other pictures than {dataset!r}")
    notebook = notebooks.fresh(path, dataset=dataset, steps=steps)
    notebooks.execute(notebook, path.parent, results=results[dataset, steps], allow_errors=True)
    assert notebooks.failures(notebook) == []
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
