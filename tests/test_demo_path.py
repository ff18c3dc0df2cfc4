"""A class skips the training: every lesson with `steps = 0`, from the weights that are shipped, and every slider and
button of it moved. Where there is a Chromium, tests/test_browser.py does the same in JupyterLab.
"""

import demo
import pytest

from tools import notebooks


@pytest.mark.slow
@pytest.mark.skipif(demo.BROWSER, reason="tests/test_browser.py runs the same cells in JupyterLab")
@pytest.mark.parametrize("path", notebooks.lessons(), ids=lambda path: path.stem)
def test_a_lesson_runs_without_training(path):
    notebook = demo.prepared(path)
    notebooks.execute(notebook, path.parent, timeout=300)
    demo.check(notebook, [output for cell in notebook.cells for output in cell.get("outputs", [])])
