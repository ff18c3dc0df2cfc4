"""An environment with Colab's versions, for tests/test_colab_versions.py:

    python -m tests.colab_environment FOLDER      makes it, or takes the one that is there, and prints its python

Everything in tests/colab-constraints.txt is installed there as Colab has it; torch and torchvision, five gigabytes, are
borrowed from the environment that runs this command. They are compiled for one Python, so the new environment has the
same. That may be any for which Colab's versions have wheels (3.11 to 3.13).
"""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

CONSTRAINTS = Path(__file__).with_name("colab-constraints.txt")
BORROWED = "borrowed.pth"  # a line in it is one more folder in which Python looks for packages, after its own


def make(folder):
    """The python of the environment `folder`, which is made if it is not there; raises CalledProcessError."""
    python = python_of(folder)
    paths = sysconfig.get_paths("venv", vars={"base": str(folder), "platbase": str(folder)})
    mark = Path(paths["purelib"]) / BORROWED
    if not mark.is_file():
        venv.create(folder, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", CONSTRAINTS]
        subprocess.run(install, check=True, stdout=sys.stderr)
        # Only now: before, pip would have taken the borrowed packages for installed ones.
        mark.write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return python


def python_of(folder):
    """Where the python of a virtual environment lies."""
    scripts = sysconfig.get_path("scripts", "venv", vars={"base": str(folder), "platbase": str(folder)})
    return Path(scripts) / ("python.exe" if sys.platform == "win32" else "python")


if __name__ == "__main__":
    print(make(Path(sys.argv[1]).resolve()))
