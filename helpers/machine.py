"""Is this machine ready for the course? A few sentences, each with what to do when it is not."""

import os
import platform
import re
import sys

from helpers.files import DATA, CourseError, shipped_checksums, verify

OLDEST_PYTHON = (3, 11)
OLDEST_TORCH = (2, 6)


def report():
    """Print one line for Python, torch, the processor or GPU, the widgets and the data: ok, or what to do."""
    parts = {"Python": python_line, "torch": torch_line, "the processor or GPU": device_line, "widgets": widgets_line,
             "the data": data_line}  # fmt: skip
    for name, line in parts.items():
        try:
            print(line())
        except Exception as error:  # whatever is broken: the report goes on to the next part
            print(f"{state(False)}  {name} cannot be looked at ({type(error).__name__}: {error})")


def python_line():
    """Whether this Python is new enough."""
    ready = sys.version_info[:2] >= OLDEST_PYTHON
    advice = "" if ready else "; the course needs 3.11 or newer, see README.md"
    return f"{state(ready)}  Python {platform.python_version()} on {platform.system()}{advice}"


def torch_line():
    """Whether torch and torchvision are there, new enough, and fit together."""
    try:
        import torch
        import torchvision
    except Exception as error:  # ImportError; RuntimeError from a torchvision for another torch; OSError from Windows
        advice = "install both again: pip install --force-reinstall torch torchvision"
        return f"{state(False)}  torch and torchvision do not load ({error}); {advice}"
    version = tuple(map(int, re.findall(r"\d+", torch.__version__)[:2]))
    ready = version >= OLDEST_TORCH
    advice = "" if ready else "; the course needs 2.6 or newer: pip install -r requirements.txt"
    return f"{state(ready)}  torch {torch.__version__}, torchvision {torchvision.__version__}{advice}"


def device_line():
    """What the lessons will compute on."""
    import torch

    if torch.cuda.is_available():
        return f"{state(True)}  computing on the GPU: {torch.cuda.get_device_name()}"
    cores = os.cpu_count() or 1
    few = "; the times in the lessons are for two cores" if cores < 2 else ""
    return f"{state(True)}  computing on the CPU with {torch.get_num_threads()} of {cores} cores; no GPU is needed{few}"


def widgets_line():
    """Whether sliders and buttons can be shown."""
    try:
        import ipywidgets
    except ImportError:
        return f"{state(False)}  ipywidgets is missing, so sliders will not show: pip install -r requirements.txt"
    return f"{state(True)}  ipywidgets {ipywidgets.__version__}: sliders and buttons"


def data_line():
    """Whether every file that the course ships is whole."""
    try:
        for name in shipped_checksums():
            verify(DATA / name)
    except (CourseError, OSError) as error:
        return f"{state(False)}  {error}"
    return f"{state(True)}  {len(shipped_checksums())} data files are whole; no network is needed"


def state(ready):
    """Four letters at the start of a line."""
    return "ok  " if ready else "LOOK"
