"""Every test run: a learner's own results stay untouched, and a notebook stops at its first failing cell."""

import os
import tempfile
from collections import defaultdict

import pytest

failed_notebooks = set()
seconds = defaultdict(float)  # notebook -> seconds of its cells


def pytest_configure(config):
    # The kernels inherit this: notebooks under test save their weights here, and load no weights of a learner's own.
    config.course_results = tempfile.TemporaryDirectory(prefix="course-results-")
    os.environ["COURSE_RESULTS"] = config.course_results.name


def pytest_unconfigure(config):
    config.course_results.cleanup()


def pytest_runtest_setup(item):
    if item.path in failed_notebooks:
        pytest.skip("an earlier cell of this notebook failed")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if item.path.suffix == ".ipynb":
        seconds[f"{item.path.parent.name}/{item.path.name}"] += call.duration
        if report.failed:
            failed_notebooks.add(item.path)


def pytest_terminal_summary(terminalreporter):
    if seconds:
        terminalreporter.section("minutes per notebook")
        for name, total in sorted(seconds.items()):
            terminalreporter.write_line(f"{name:40} {total / 60:5.2f}")
