"""Every test run: a learner's own results stay untouched, a notebook stops at its first failing cell, and two notebooks
run side by side (pytest-xdist), each on one core.
"""

import os
import tempfile
from collections import defaultdict

import pytest

failed_notebooks = set()  # as a test's name begins: "notebooks/01_autoencoder.ipynb"
seconds = defaultdict(float)  # notebook -> seconds of its cells

# PyTorch reads this once, when it is first imported: here, before any test does it, and for the kernels of this worker.
if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that wait for each other cost more than they bring


def notebook_of(nodeid):
    """The notebook that a test belongs to, or "" for a test that is no cell."""
    file = nodeid.split("::")[0]
    return file if file.endswith(".ipynb") else ""


def pytest_addoption(parser):
    parser.addoption("--fast", action="store_true", help="without notebooks and tests marked slow")


def pytest_configure(config):
    # The kernels inherit this: notebooks under test save their weights here, and load no weights of a learner's own.
    config.course_results = tempfile.TemporaryDirectory(prefix="course-results-")
    os.environ["COURSE_RESULTS"] = config.course_results.name


def pytest_unconfigure(config):
    config.course_results.cleanup()


def pytest_ignore_collect(collection_path, config):
    return True if config.option.fast and collection_path.suffix == ".ipynb" else None


def pytest_generate_tests(metafunc):
    for marker in metafunc.definition.iter_markers("parametrize"):
        if isinstance(marker.args[1], set | frozenset):
            raise pytest.UsageError(
                f"{metafunc.definition.nodeid} is parametrized by a set, which has another order in each process, "
                f"and two workers must collect the same tests; give a list"
            )


def pytest_collection_modifyitems(config, items):
    if config.option.fast:
        slow = [item for item in items if item.get_closest_marker("slow")]
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)


def pytest_runtest_setup(item):
    if notebook_of(item.nodeid) in failed_notebooks:
        pytest.skip("an earlier cell of this notebook failed")


def pytest_runtest_logreport(report):
    # Called where the test ran, which skips the rest of its notebook, and again where the summary is written.
    if notebook := notebook_of(report.nodeid):
        seconds[notebook] += report.duration
        if report.failed:
            failed_notebooks.add(notebook)


def pytest_terminal_summary(terminalreporter):
    if seconds:
        terminalreporter.section("minutes per notebook")
        for name, total in sorted(seconds.items()):
            terminalreporter.write_line(f"{name:44} {total / 60:5.2f}")
