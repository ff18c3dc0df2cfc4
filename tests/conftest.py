"""What the tests share: figures that need no screen, and the check that an error is one helpful sentence."""

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pytest

from helpers import files
from helpers.files import CourseError

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def closed_figures():
    """No test leaves a figure behind."""
    yield
    plt.close("all")


@pytest.fixture
def ship(tmp_path, monkeypatch):
    """A learner without results, and a course that ships nothing yet.

    `ship(path)` moves a file of the learner's into the course's data, with its checksum, and returns its new path.
    """
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path / "results"))
    monkeypatch.setattr(files, "DATA", data)
    monkeypatch.setattr(files, "CHECKSUMS", data / "SHA256SUMS")

    def move(path):
        target = data / path.parent.name / path.name
        target.parent.mkdir(exist_ok=True)
        with files.CHECKSUMS.open("a", encoding="utf-8", newline="\n") as sums:
            sums.write(f"{files.sha256(path)}  {path.parent.name}/{path.name}\n")
        return path.rename(target)

    return move


@pytest.fixture
def refuses():
    """`with refuses("word"):` expects a CourseError whose message is one line and holds every word."""

    @contextmanager
    def expect(*words):
        with pytest.raises(CourseError) as caught:
            yield
        message = str(caught.value)
        assert message.count("\n") == 0
        for word in words:
            assert word in message

    return expect


STRANGER = """
import encodings.cp437  # zipfile asks for it late, when somebody else may not be able to
import numpy.ctypeslib  # and safetensors for this
import os
from helpers import datasets, download, files, store
from torch import nn
if os.geteuid() == 0:  # root may read everything: be nobody
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
"""


@pytest.fixture
def stranger():
    """`stranger(code)` runs Python as somebody who may not enter the folder of results; returns what it printed."""
    if os.name != "posix":
        pytest.skip("permissions of this kind are POSIX's")

    def run(code):
        with tempfile.TemporaryDirectory() as folder:
            locked = Path(folder, "results")
            locked.mkdir()
            Path(folder).chmod(0o755)
            locked.chmod(0)
            done = subprocess.run(
                [sys.executable, "-c", STRANGER + code], cwd=files.COURSE, capture_output=True, text=True,
                encoding="utf-8", env=os.environ | {"COURSE_RESULTS": str(locked), "PYTHONIOENCODING": "utf-8"},
            )  # fmt: skip
            locked.chmod(0o700)
        return done.stdout + done.stderr

    return run
