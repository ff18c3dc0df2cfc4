"""Keep the notebooks in order.

python -m tools.notebooks run 01        execute lesson 01 top to bottom and save it, cleaned, with its outputs
python -m tools.notebooks run 01 --ship ... and make the weights it trained the ones that the course ships
python -m tools.notebooks run 08 --steps 8000 --ship      train longer, ship the weights, leave the notebook as it is
python -m tools.notebooks export        gather the `#| export` cells into helpers/lessons.py
python -m tools.notebooks demo 01 09    copies without training (steps = 0) in demo/, for a class: voila demo
python -m tools.notebooks address       write the repository's address (pyproject.toml) into README and notebooks

`run` begins like a fresh checkout, with the weights that are shipped: results/ is neither read nor changed.
"""

import argparse
import base64
import io
import os
import re
import shutil
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

from helpers.files import CHECKSUMS, COURSE, DATA, atomic, sha256
from helpers.results import SHIPPED as SHIPPED_SAMPLES
from helpers.weights import SHIPPED

NOTEBOOKS = COURSE / "notebooks"
DEMO = COURSE / "demo"
PICTURES = COURSE / "docs"
LESSONS = COURSE / "helpers" / "lessons.py"
EXPORT = "#| export\n"
WIDGET = "application/vnd.jupyter.widget-view+json"
PLACEHOLDER = "<em>Run this cell to get the buttons or sliders; a page without a kernel cannot show them.</em>"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
HEADER = '''"""What lessons keep for later ones. Made by `python -m tools.notebooks export`; edit the notebooks."""

import math
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from helpers.training import fast_math, set_seed
'''


def lessons(prefix=""):
    """The lessons whose file name starts with `prefix`, in order."""
    return sorted(NOTEBOOKS.glob(f"{prefix}*.ipynb"))


def paths(prefix=""):
    """Lessons, then solutions, whose file name starts with `prefix`."""
    return lessons(prefix) + sorted((NOTEBOOKS / "solutions").glob(f"{prefix}*.ipynb"))


def read(path):
    """A notebook as nbformat 4."""
    return nbformat.read(path, as_version=4)


def fresh(path, **parameters):
    """A notebook without outputs; `parameters` are numbers for its cell of parameters: steps, seed."""
    notebook = read(path)
    for name, value in parameters.items():
        set_parameter(notebook, name, value)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def write(notebook, path):
    """Save a notebook, whole or not at all."""
    with atomic(path) as partial:
        nbformat.write(notebook, partial)


def clean(notebook):
    """Remove what does not belong into git: widget state, timestamps, outputs that only a live kernel can show."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {})
        if cell.cell_type != "code":
            continue
        cell.outputs = joined(cell.outputs)
        for output in cell.outputs:
            if WIDGET in output.get("data", {}):
                plain = re.sub("<.*?>", "", PLACEHOLDER)
                output.data = nbformat.from_dict({"text/html": PLACEHOLDER, "text/plain": plain})
            elif "image/png" in output.get("data", {}):
                output.data["image/png"] = smaller(output.data["image/png"])
    return notebook


def joined(outputs):
    """Outputs in which what was printed in one go is one piece, however the kernel happened to cut it."""
    whole = []
    for output in outputs:
        if whole and output.output_type == whole[-1].output_type == "stream" and output.name == whole[-1].name:
            whole[-1].text += output.text
        else:
            whole.append(output)
    return whole


def smaller(png):
    """A PNG in base64 with a palette of 256 colours: half the size, and no eye sees the difference; films stay."""
    picture = Image.open(io.BytesIO(base64.b64decode(png)))
    if picture.mode == "P" or picture.is_animated:
        return png
    buffer = io.BytesIO()
    picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def run(path, steps=None, results=None):
    """Execute a notebook in its own folder, clean it, save it; returns the seconds it took.

    With `steps`, a copy is executed whose parameter `steps` has this value, and nothing is saved but its weights.
    results: as for `execute`.
    """
    notebook = fresh(path) if steps is None else fresh(path, steps=steps)
    seconds = execute(notebook, path.parent, results=results)
    if steps is None:
        write(clean(notebook), path)
        for name, png in pictures(notebook).items():
            with atomic(PICTURES / name) as partial:
                partial.write_bytes(png)
    return seconds


def execute(notebook, folder, timeout=900, results=None):
    """Run all cells in `folder`, `timeout` seconds a cell at most; returns the seconds it took.

    results: the folder where its weights and samples go, and the only one in which it finds a learner's own.
    """
    own = {} if results is None else {"COURSE_RESULTS": str(results)}
    started = time.perf_counter()
    NotebookClient(notebook, timeout=timeout, kernel_name="python3", record_timing=False,
                   resources={"metadata": {"path": folder}}).execute(env=os.environ | own)  # fmt: skip
    return time.perf_counter() - started


def set_parameter(notebook, name, value):
    """Write a number into the cell tagged `parameters`."""
    cell = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    cell.source = re.sub(rf"^{name} = \d+", f"{name} = {value}", cell.source, flags=re.M)


def pictures(notebook):
    """{file name: PNG} of the figures that README shows: the outputs of cells tagged `picture-NAME`."""
    found = {}
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            if tag.startswith("picture-"):
                png = next(output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {}))
                found[f"{tag.removeprefix('picture-')}.png"] = base64.b64decode(png)
    return found


def ship(lesson, results):
    """Copy the weights that `lesson` left in the folder `results` to data/weights, and renew data/SHA256SUMS."""
    ship_files(Path(results, "weights").glob(f"{lesson}*.safetensors"), SHIPPED)


def ship_files(files, folder):
    """Copy files to a folder in data/, and renew data/SHA256SUMS."""
    for file in sorted(files):
        with atomic(folder / file.name) as partial:
            shutil.copyfile(file, partial)
        print(f"shipped: {file.name}")
    write_checksums()


def write_checksums():
    """Renew data/SHA256SUMS: `sha256sum -c SHA256SUMS` inside data/ checks it too."""
    files = sorted([*DATA.glob("*.npz"), *SHIPPED.glob("*.safetensors"), *SHIPPED_SAMPLES.glob("*.npz")])
    with atomic(CHECKSUMS) as partial:
        partial.write_text("".join(f"{sha256(file)}  {file.relative_to(DATA).as_posix()}\n" for file in files))


def exported():
    """The text of helpers/lessons.py as the notebooks have it now."""
    parts = [HEADER]
    for path in paths():
        cells = [c.source for c in read(path).cells if c.cell_type == "code" and c.source.startswith(EXPORT)]
        if cells:
            cells[0] = f"# --- from notebooks/{path.name}; edit there ---\n" + cells[0].removeprefix(EXPORT)
            parts.extend(cell.removeprefix(EXPORT).strip() + "\n" for cell in cells)
    return "\n\n".join(parts)


def demo(path):
    """Write a copy with `steps = 0` and without outputs to demo/; returns its path."""
    write(fresh(path, steps=0), DEMO / path.name)
    return DEMO / path.name


def address():
    """The repository's address, as pyproject.toml states it."""
    return tomllib.loads((COURSE / "pyproject.toml").read_text())["project"]["urls"]["Repository"]


def readdress(old, new):
    """Replace address `old` by `new` (and their owner/name, for the badges) in README and every notebook."""
    for path in [COURSE / "README.md", *paths()]:
        text = path.read_text(encoding="utf-8")
        for a, b in ((old, new), (old.removeprefix("https://github.com/"), new.removeprefix("https://github.com/"))):
            text = text.replace(a, b)
        with atomic(path) as partial:
            partial.write_text(text, encoding="utf-8")


def stated_address():
    """The address that the setup cells hold now."""
    return re.search(r'REPOSITORY = \\?"(.+?)\\?"', paths()[0].read_text(encoding="utf-8"))[1]


def main(arguments):
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["run", "export", "demo", "address"])
    parser.add_argument("lessons", nargs="*", default=[""], help="01, 02 ... (default: all, and the solutions)")
    parser.add_argument("--steps", type=int, help="run a copy with so many steps; the notebook is not saved")
    parser.add_argument("--ship", action="store_true", help="after run: ship the weights that were trained")
    options = parser.parse_args(arguments)
    if options.command == "export":
        with atomic(LESSONS) as partial:
            partial.write_text(exported(), encoding="utf-8")
    elif options.command == "demo":
        for path in [path for lesson in options.lessons for path in lessons(lesson)]:
            print(demo(path).relative_to(COURSE))
    elif options.command == "address":
        readdress(stated_address(), address())
    else:
        for lesson in options.lessons:
            with tempfile.TemporaryDirectory() as results:
                for path in paths(lesson):
                    print(f"{path.relative_to(COURSE)}: {run(path, options.steps, results):.0f} s")
                if options.ship:
                    ship(lesson, results)


if __name__ == "__main__":
    main(sys.argv[1:])
