"""A course in miniature for start.py and pip: its packages are made here, tiny, and say how they were run."""

import os
import shutil
import zipfile

from helpers.files import COURSE

SAYS = """import json, os, sys
names = ("PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET", "COURSE_VENV")
print(json.dumps({"arguments": sys.argv[1:], "folder": os.getcwd(), "python": sys.prefix, "version": __VERSION__,
                  **{name: os.environ.get(name) for name in names}}))
"""
LOCAL = ("--no-index", "--find-links wheels")


def wheel(folder, name, version, source):
    """A package of one module whose `python -m` runs `source`, ready to be installed from `folder`."""
    folder.mkdir(exist_ok=True)
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", source.replace("__VERSION__", repr(version)))
        file.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        file.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{about}/RECORD", "")


def environment(course, variables):
    """Environment variables of a user whose own settings are odd, but harmless."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("COURSE_", "PIP_"))}
    odd = {"PYTHONPATH": str(course), "VIRTUAL_ENV": "elsewhere", "PIP_TARGET": "elsewhere", "COURSE_VENV": ""}
    return plain | odd | {"PIP_CONFIG_FILE": os.devnull, "PYTHONIOENCODING": "utf-8"} | variables


def require(course, *lines):
    """Write requirements.txt anew."""
    (course / "requirements.txt").write_text("\n".join(lines), encoding="utf-8")


def fill(course):
    """Put start.py, requirements and constraints into a folder, and the packages into its folder wheels."""
    shutil.copy(COURSE / "start.py", course)
    for version in ("1.0", "2.0"):
        wheel(course / "wheels", "jupyterlab", version, SAYS)
    wheel(course / "wheels", "pytest", "1.0", SAYS)
    require(course, *LOCAL, "jupyterlab", "pytest")
    (course / "constraints.txt").write_text("jupyterlab==1.0\n", encoding="utf-8")
