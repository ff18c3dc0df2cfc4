"""Keep the notebooks in order.

python -m tools.notebooks run gan             execute this lesson top to bottom, save it, cleaned, with its outputs
python -m tools.notebooks run gan --ship      ... and make the weights it trained the ones that the course ships
python -m tools.notebooks run gan --steps 8000 --ship          train longer, ship the weights, save nothing else
python -m tools.notebooks try gan --dataset digits --steps 30  does a copy pass? A line a lesson; nothing is saved
python -m tools.notebooks try                 all lessons with their own parameters: which cells fail here?
python -m tools.notebooks export              gather the `#| export MODULE` cells into helpers/lessons
python -m tools.notebooks demo gan            a copy without training (steps = 0) in demo/, for a class: voila demo
python -m tools.notebooks address             write the repository's address (pyproject.toml) wherever it stands

A lesson is called by its topic, which is its file name without the number, or by its number. `--dataset` also takes the
path of a folder with images of your own.
`run` and `try` begin like a fresh checkout, with the weights that are shipped: results/ is neither read nor changed.
Within one `try` a lesson finds what the lessons before it trained.
"""

import argparse
import ast
import base64
import io
import json
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
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from PIL import Image, ImageChops

from helpers.datasets import CLASSES
from helpers.files import CHECKSUMS, COURSE, DATA, NOTEBOOKS, CourseError, atomic, sha256, shipped_folder

DEMO = COURSE / "demo"
PICTURES = COURSE / "docs"
LESSONS = COURSE / "helpers" / "lessons"  # a package, one module a subject
WEIGHTS, SAMPLES = map(shipped_folder, ("weights", "samples"))
EXPORT = re.compile(r"#\| export (\w+)\n")  # the first line of a cell that goes into a module
WIDGET = "application/vnd.jupyter.widget-view+json"
LARGE = 30_000  # bytes of a picture, from which on it has to do with fewer colours
PLACEHOLDER = "<em>Run this cell to get the buttons or sliders; a page without a kernel cannot show them.</em>"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
MADE = "made by `python -m tools.notebooks export`; edit notebooks"


def topic(path):
    """What a notebook is about: its file name without the number, "gan" of 05_gan.ipynb."""
    return re.sub(r"^\d+_", "", Path(path).stem)


def lessons(name="", folder=NOTEBOOKS):
    """The lessons of a topic ("gan"), or whose file name starts with `name`, in order; all of them for ""."""
    files = sorted(folder.glob("*.ipynb"))
    return [path for path in files if topic(path) == name] or [path for path in files if path.name.startswith(name)]


def paths(name=""):
    """As `lessons`, and after them the solutions."""
    return lessons(name) + lessons(name, NOTEBOOKS / "solutions")


def read(path):
    """A notebook as nbformat 4."""
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    """The code cells of a notebook, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def fresh(path, **parameters):
    """A notebook without outputs; `parameters` are values for its cell of parameters: dataset, steps, seed.

    A parameter that is None stays as the notebook has it.
    """
    notebook = read(path)
    for name, value in parameters.items():
        if value is not None:
            set_parameter(notebook, name, value)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    return notebook


def write(notebook, path):
    """Save a notebook, whole or not at all."""
    with atomic(path) as partial:
        partial.write_text(nbformat.writes(notebook).rstrip("\n") + "\n", encoding="utf-8", newline="\n")


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
    """A PNG in base64 with a palette of 256 colours; a large one of 128, or of 64 greys; films stay as they are."""
    picture = Image.open(io.BytesIO(base64.b64decode(png)))
    if picture.mode == "P" or picture.is_animated:
        return png
    picture = picture.convert("RGB")
    fewer = as_palette(picture, 256)
    if len(fewer) > LARGE:  # 64 colours would make blotches on a face
        coloured = ImageChops.difference(picture, picture.convert("L").convert("RGB")).getbbox()
        fewer = as_palette(picture, 128 if coloured else 64, rounds=4)
    return base64.b64encode(fewer).decode()


def as_palette(picture, colours, rounds=0):
    """The PNG of a picture with as many colours at most; `rounds` of k-means choose them better, and take longer."""
    buffer = io.BytesIO()
    picture.quantize(colours, dither=Image.Dither.NONE, kmeans=rounds).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def run(path, steps=None, results=None, *, dataset=None, seed=None):
    """Execute a notebook in its own folder, clean it, save it; returns the seconds it took.

    With `steps`, `dataset` or `seed`, a copy is executed whose parameters have these values, and nothing is saved but
    its weights. results: as for `execute`.
    """
    notebook = fresh(path, dataset=dataset, steps=steps, seed=seed)
    seconds = execute(notebook, path.parent, results=results)
    if dataset is steps is seed is None:
        write(clean(notebook), path)
        for name, png in pictures(notebook).items():
            with atomic(PICTURES / name) as partial:
                partial.write_bytes(png)
    return seconds


def execute(notebook, folder, timeout=900, results=None, allow_errors=False, begun=None):
    """Run all cells in `folder`, `timeout` seconds a cell at most; returns the seconds it took.

    results: the folder where its weights and samples go, and the only one in which it finds a learner's own.
    allow_errors: whether the cells after a failing one still run; `failures` then tells which failed.
    begun: a list; the position of each code cell is added to it just before the cell runs.
    """
    noted = [] if begun is None else begun
    own = {} if results is None else {"COURSE_RESULTS": str(results)}
    started = time.perf_counter()
    NotebookClient(notebook, timeout=timeout, kernel_name="python3", record_timing=False, allow_errors=allow_errors,
                   on_cell_execute=lambda cell, cell_index: noted.append(cell_index),
                   resources={"metadata": {"path": folder}}).execute(env=os.environ | own)  # fmt: skip
    return time.perf_counter() - started


def failures(notebook):
    """Cells of an executed notebook that show an error, in order.

    Each is (number among the code cells from 1, first line of its source, name of the error, message).
    """
    return [
        (number, first_line(cell.source), output.ename, output.evalue)
        for number, cell in enumerate(code_cells(notebook), start=1)
        for output in cell.outputs
        if output.output_type == "error"
    ]


def attempt(path, results, **parameters):
    """Run a copy of a notebook with these parameters to its end, whatever fails; returns (seconds, `failures`).

    A cell that takes longer than 15 minutes, or that ends the kernel, is the last failure.
    """
    notebook = fresh(path, **parameters)
    started, begun = time.perf_counter(), []
    try:
        execute(notebook, path.parent, results=results, allow_errors=True, begun=begun)
    except (CellTimeoutError, DeadKernelError) as error:
        number = sum(cell.cell_type == "code" for cell in notebook.cells[: begun[-1] + 1])
        line = first_line(notebook.cells[begun[-1]].source)
        last = (number, line, type(error).__name__, first_line(str(error)))
        return time.perf_counter() - started, [*failures(notebook), last]
    return time.perf_counter() - started, failures(notebook)


def first_line(text):
    """The first line of `text` that is not blank, or ""."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def verdict(path, seconds, failed):
    """What `try` prints about a lesson: one line."""
    cells = [f"cell {number} ({name}: {first_line(message)[:90]})" for number, _, name, message in failed]
    name = path.relative_to(NOTEBOOKS).with_suffix("").as_posix()
    return f"{name:22} {seconds:5.0f} s  {'fails: ' + ', '.join(cells) if cells else 'passes'}"


def set_parameter(notebook, name, value):
    """Write a whole number or a text into the cell tagged `parameters`; a CourseError if it has no such parameter."""
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    written = json.dumps(value)
    for cell in cells:
        cell.source, count = re.subn(
            rf"""^{name} = (-?\d+|"[^"\n]*"|'[^'\n]*')""", lambda match: f"{name} = {written}", cell.source, flags=re.M
        )
        if count:
            return
    raise CourseError(f"the notebook has no parameter {name!r}: no cell tagged `parameters` has a line `{name} = ...`")


def suits(notebook, dataset):
    """Whether a lesson can do with this data set: those about faces take faces, the others none.

    None is its own data set, and a folder becomes what a lesson needs.
    """
    own = any(re.search(r'^dataset = "faces"', cell.source, re.M) for cell in code_cells(notebook))
    return dataset not in CLASSES or own == (dataset == "faces")


def pictures(notebook):
    """{file name: PNG} of the figures that README shows: the outputs of cells tagged `picture-NAME`."""
    found = {}
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            if tag.startswith("picture-"):
                png = next(output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {}))
                found[f"{tag.removeprefix('picture-')}.png"] = base64.b64decode(png)
    return found


def ship_files(files, folder):
    """Copy files to a folder in data/, and renew data/SHA256SUMS; a CourseError if there are no files."""
    files = sorted(files)
    if not files:
        raise CourseError("there is nothing to ship: nothing was trained and kept")
    for file in files:
        with atomic(folder / file.name) as partial:
            shutil.copyfile(file, partial)
        print(f"shipped: {file.name}")
    write_checksums()


def write_checksums():
    """Renew data/SHA256SUMS: `sha256sum -c SHA256SUMS` inside data/ checks it too."""
    samples = [*SAMPLES.glob("*.npz"), *SAMPLES.glob("*.json")]
    files = sorted([*DATA.glob("*.npz"), *WEIGHTS.glob("*.safetensors"), *samples])
    with atomic(CHECKSUMS) as partial:
        lines = [f"{sha256(file)}  {file.relative_to(DATA).as_posix()}\n" for file in files]
        partial.write_text("".join(lines), encoding="utf-8", newline="\n")


def exported():
    """{module: text} of helpers/lessons as the notebooks have it now: the cells that begin with `#| export MODULE`.

    A module imports what its cells use, as the notebooks that they come from import it.
    """
    parts, imports = {}, {}
    for path in lessons():
        sources = [cell.source for cell in code_cells(read(path))]
        known = imported("\n".join(sources))
        for source in sources:
            if not (tag := EXPORT.match(source)):
                continue
            texts = parts.setdefault(tag[1], {})
            texts.setdefault(path.name, []).append(source[tag.end() :].strip() + "\n")
            imports.setdefault(tag[1], {}).update(known)
    modules = {"__init__": f'"""What lessons keep for later ones; {MADE}."""\n'}
    for name, texts in parts.items():
        cells = [f"# --- from notebooks/{file}; edit there ---\n" + "\n\n".join(some) for file, some in texts.items()]
        head = f'"""What lessons keep for later ones, {name.replace("_", " ")}; {MADE}."""'
        needed = import_lines("\n\n".join(cells), imports[name], name)
        modules[name] = "\n\n\n".join(part.strip() for part in (f"{head}\n\n{needed}", *cells)) + "\n"
    return modules


def imported(source):
    """{name: (module, name there or None, name after `as` or None)} of the imports of a notebook's code `source`."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: (alias.name, None, alias.asname) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: (node.module, alias.name, alias.asname) for alias in node.names}
    return found


def import_lines(source, known, module):
    """The import statements that `source` needs, sorted: those of `known` whose names it uses and does not define."""
    used = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    plain, chosen = set(), {}
    for name in sorted(used & known.keys()):
        origin, there, renamed = known[name]
        if origin == f"helpers.lessons.{module}":
            continue
        written = f"{there or origin} as {renamed}" if renamed else there or origin
        plain.add(f"import {written}") if there is None else chosen.setdefault(origin, []).append(written)
    several = [f"from {origin} import {', '.join(sorted(names))}" for origin, names in sorted(chosen.items())]
    groups = [[], [], []]  # the standard library, packages, the course
    for line in [*sorted(plain), *several]:
        root = re.split(r"[ .]", line)[1]
        groups[0 if root in sys.stdlib_module_names else 2 if root == "helpers" else 1].append(line)
    return "\n\n".join("\n".join(group) for group in groups if group)


def write_exported():
    """Write helpers/lessons anew, and remove modules that no notebook has any more."""
    modules = exported()
    for name, text in modules.items():
        with atomic(LESSONS / f"{name}.py") as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
    for path in LESSONS.glob("*.py"):
        if path.stem not in modules:
            path.unlink()


def demo(path):
    """Write a copy with `steps = 0` and without outputs to demo/; returns its path."""
    write(fresh(path, steps=0), DEMO / path.name)
    return DEMO / path.name


def address():
    """The repository's address, as pyproject.toml states it; a CourseError if no badge could be made of it."""
    try:
        project = tomllib.loads((COURSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        stated = str(project["urls"]["Repository"])
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"pyproject.toml has no Repository under [project.urls] that can be read ({error})"
        ) from error
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+(?<!\.git)", stated):
        raise CourseError(
            f"pyproject.toml has {stated!r}; write https://github.com/OWNER/NAME, no slash or .git at its end"
        )
    return stated


def pages(repository):
    """Where GitHub shows the web edition of a repository, given by its address."""
    owner, name = repository.split("/")[-2:]
    return f"https://{owner}.github.io/{name}/"


def readdress(old, new):
    """Replace address `old` by `new`, their owner/name (badges) and their web edition's address.

    In README, CITATION.cff and all notebooks.
    """
    short = (old.removeprefix("https://github.com/"), new.removeprefix("https://github.com/"))
    for path in [COURSE / "README.md", COURSE / "CITATION.cff", *paths()]:
        text = path.read_text(encoding="utf-8")
        for a, b in ((old, new), short, (pages(old), pages(new))):
            text = text.replace(a, b)
        with atomic(path) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")


def stated_address():
    """The address that the setup cells hold now."""
    return re.search(r'REPOSITORY = \\?"(.+?)\\?"', paths()[0].read_text(encoding="utf-8"))[1]


def named(names, find):
    """The notebooks that `find` finds for each name, in order; a CourseError if it finds none for one of them."""
    found = {name: find(name) for name in names}
    for name, files in found.items():
        if not files:
            known = ", ".join(map(topic, lessons()))
            raise CourseError(f"there is no lesson {name!r}; name one by its topic ({known}) or its number")
    return [path for files in found.values() for path in files]


def try_lessons(names, **parameters):
    """Try copies of lessons, print a line for each; returns the exit status: 0 if no cell failed, else 1."""
    status = 0
    with tempfile.TemporaryDirectory() as results:
        for path in named(names, lessons):
            if not suits(read(path), parameters["dataset"]):
                print(f"{path.stem:22} is left out: it is about other pictures than {parameters['dataset']!r}")
                continue
            seconds, failed = attempt(path, results, **parameters)
            print(verdict(path, seconds, failed), flush=True)
            status = 1 if failed else status
    return status


def run_lessons(names, ship_weights, **parameters):
    """Run lessons and their solutions, each lesson like the first one after a fresh checkout."""
    for about in dict.fromkeys(topic(path) for path in named(names, paths)):
        with tempfile.TemporaryDirectory() as results:
            for path in paths(about):
                seconds = run(path, results=results, **parameters)
                print(f"{path.relative_to(COURSE).as_posix()}: {seconds:.0f} s", flush=True)
            if ship_weights:
                ship_files(Path(results, "weights").glob("*.safetensors"), WEIGHTS)


def data_set(text):
    """A data set that a command line names: one of the course's, or a folder, as a path that holds everywhere."""
    if text in CLASSES:
        return text
    if not Path(text).expanduser().is_dir():
        known = ", ".join(CLASSES)
        raise argparse.ArgumentTypeError(f"{text!r} is neither a data set of the course ({known}) nor a folder")
    return str(Path(text).expanduser().resolve())


def command_line():
    """The parser of the command line."""
    parser = argparse.ArgumentParser(
        "python -m tools.notebooks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    which = {"nargs": "*", "default": [""], "metavar": "lesson"}
    copy = argparse.ArgumentParser(add_help=False)
    about = f"the data set of a copy: {', '.join(CLASSES)}, or a folder of images; the notebook is not saved"
    copy.add_argument("--dataset", type=data_set, help=about)
    copy.add_argument("--steps", type=int, help="the steps of a copy; the notebook is not saved")
    copy.add_argument("--seed", type=int, help="the seed of a copy; the notebook is not saved")
    command = commands.add_parser("run", parents=[copy], help="execute lessons, and save them with their outputs")
    command.add_argument("lessons", **which, help="autoencoder, gan ... (default: all; and the solutions)")
    command.add_argument("--ship", action="store_true", help="afterwards ship the weights that were trained")
    command = commands.add_parser("try", parents=[copy], help="run copies, errors allowed, and list what fails")
    command.add_argument("lessons", **which, help="autoencoder, gan ... (default: all lessons)")
    commands.add_parser("export", help="gather the `#| export MODULE` cells into helpers/lessons")
    command = commands.add_parser("demo", help="write copies without training to demo/")
    command.add_argument("lessons", **which, help="autoencoder, gan ... (default: all lessons)")
    commands.add_parser("address", help="write the repository's address wherever it stands")
    return parser


def command(main):
    """Run a tool's `main` with the arguments of the command line and end with its exit status; an error is a line."""
    sys.stdout.reconfigure(errors="backslashreplace")  # a lesson may print what a Windows console cannot
    try:
        sys.exit(main(sys.argv[1:]))
    except CourseError as error:
        sys.exit(str(error))


def main(arguments):
    """Do what the command line asks for; returns the exit status."""
    options = command_line().parse_args(arguments)
    match options.command:
        case "run":
            parameters = {"dataset": options.dataset, "steps": options.steps, "seed": options.seed}
            run_lessons(options.lessons, options.ship, **parameters)
        case "try":
            return try_lessons(options.lessons, dataset=options.dataset, steps=options.steps, seed=options.seed)
        case "export":
            write_exported()
        case "demo":
            for path in named(options.lessons, lessons):
                print(demo(path).relative_to(COURSE).as_posix())
        case "address":
            readdress(stated_address(), address())
    return 0


if __name__ == "__main__":
    command(main)
