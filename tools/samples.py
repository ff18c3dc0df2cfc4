"""Make the images and costs that lesson 14 compares, and ship them.

python -m tools.samples variational gan conditional_gan reverse_diffusion      the lessons' own budgets
python -m tools.samples gan --steps 11500 --seed 1                             another budget, another seed
python -m tools.samples gan --model "VAE, larger" --set vae_steps=5600         one of its models, if it asks for this
python -m tools.samples reverse_diffusion flow_matching        lesson 11 also draws with the network of lesson 09
python -m tools.samples gan --steps 11500 --seed 2 --record                    ships what the judges say of its images

Of a lesson only the cells run that its `save_samples(...)` cells need; the lesson's file is not changed. A lesson finds
what the lessons before it in the same command trained.
"""

import argparse
import dis
import json
import re
import symtable
import tempfile
from pathlib import Path

from helpers.datasets import load
from helpers.files import CourseError, atomic
from helpers.judge import BODIES, Judge, PrincipalComponents, load_judge
from helpers.metrics import frechet_distance
from helpers.store import COUNT, RECORDS, Record, find_records, load_weights, read_sample
from tools import notebooks

DATASET = "fashion"  # of all that is shipped


def names(source):
    """(Names that a cell defines, names of the notebook that it needs from earlier cells), two sets.

    What the cell itself assigns before it uses it, a loop's variable above all, is not needed. What its functions use
    is, unless the cell defines it.
    """
    top = symtable.symtable(source, "cell", "exec")
    defined = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    used, tables = set(), top.get_children()
    while tables:
        table = tables.pop()
        tables.extend(table.get_children())
        used |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() and symbol.is_global()}
    return defined, (used - defined) | loaded_first(source)


def loaded_first(source):
    """Names that the statements of a cell, not its functions, load before they assign them: so Python compiles them."""
    loaded, assigned = set(), set()
    for step in dis.get_instructions(compile(source, "cell", "exec")):
        if step.opname == "STORE_NAME":
            assigned.add(step.argval)
        elif step.opname == "LOAD_NAME" and step.argval not in assigned:
            loaded.add(step.argval)
    return loaded


def needed(sources, wish="save_samples("):
    """Positions of the code cells that those with `wish` in them need, themselves included.

    It is a backward slice by names. The first three, housekeeping, always belong to it.
    """
    chosen, wanted = set(range(3)), set()
    for i in reversed(range(3, len(sources))):
        defined, used = names(sources[i])
        if wish in sources[i] or defined & wanted:
            chosen.add(i)
            wanted = wanted - defined | used
    return sorted(chosen)


def assign(cells, name, value):
    """Change the only line `name = ...` of the cells to `name = value`; a CourseError if there is not just one."""
    changed = [re.subn(rf"^{name} = .*", lambda line: f"{name} = {value}", cell.source, flags=re.M) for cell in cells]
    if sum(count for _, count in changed) != 1:
        raise CourseError(f"--set {name}={value}: the lesson should have one line `{name} = ...`")
    for cell, (source, _) in zip(cells, changed, strict=True):
        cell.source = source


def make(path, steps, seed, folder, model=None, lines=()):
    """Run the needed cells of a lesson with this seed (and steps, if given); its images go to folder/samples.

    model: whose images alone (default: everybody's); lines: pairs (name, value) of other lines to be changed.
    """
    notebook = notebooks.fresh(path, steps=steps, seed=seed)
    cells = notebooks.code_cells(notebook)
    for name, value in lines:
        assign(cells, name, value)
    sources = [cell.source for cell in cells]
    wish = f'save_samples("{model}"' if model else "save_samples("
    if not any(wish in source for source in sources):
        raise CourseError(f"{path.stem} has no line with {wish}")
    notebook.cells = [cells[i] for i in needed(sources, wish)]
    notebooks.execute(notebook, path.parent, timeout=3600, results=folder)


def judges():
    """{name: its features} of lesson 14's judges, the weak one as it is shipped; and the test images."""
    train, test = load(DATASET)
    known = {kind or "ours": load_judge(train, kind) for kind in BODIES[DATASET]}
    known["weak"] = Judge()
    load_weights("comparison_judge", known["weak"], train, steps=0)
    eyes = {name: judge.eval().features for name, judge in known.items()}
    return eyes | {"PCA": PrincipalComponents(train.images).features}, test.images


def record(files, folder=notebooks.SAMPLES):
    """Ship what the judges say of the images in `files`, in place of what they said of the same training before.

    Images that are shipped themselves are left out: lesson 14 asks the judges about them.
    """
    eyes, photographs = judges()
    targets, said = {who: eye(photographs) for who, eye in eyes.items()}, {}
    for sample in map(read_sample, files):
        if (folder / sample.info.file).is_file():
            continue
        images = sample.images[:COUNT]
        distances = {who: round(frechet_distance(eye(images), targets[who]), 4) for who, eye in eyes.items()}
        said[sample.info.identity] = Record(sample.info, distances)
        print(f"recorded: {sample.path.stem}, {distances}", flush=True)
    known = {r.info.identity: r for r in find_records(DATASET)} | said
    entries = [{"info": vars(known[who].info), "distances": known[who].distances} for who in sorted(known)]
    with atomic(folder / RECORDS) as partial:
        lines = ",\n".join(map(json.dumps, entries))
        partial.write_text(f"[\n{lines}\n]\n", encoding="utf-8", newline="\n")
    notebooks.write_checksums()


def main(arguments):
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        "python -m tools.samples", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lessons", nargs="+", help="topics of lessons that leave samples, in the order above")
    parser.add_argument("--steps", type=int, help="the lesson's parameter (default: as it is there)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="the images of this model alone (default: of all)")
    parser.add_argument(
        "--set", action="append", default=[], type=lambda words: words.partition("=")[::2], metavar="NAME=VALUE",
        help="another line of the lesson, such as vae_steps=5600",
    )  # fmt: skip
    parser.add_argument("--record", action="store_true", help="ship what judges say of the images, not the images")
    options = parser.parse_args(arguments)
    if options.record:
        find_records(DATASET)  # a damaged file is named before the training, not after it
    with tempfile.TemporaryDirectory() as folder:
        for path in notebooks.named(options.lessons, notebooks.lessons):
            make(path, options.steps, options.seed, folder, options.model, options.set)
        made = Path(folder, "samples").glob("*.npz")
        # One cell may save the images of two models.
        wished = [file for file in made if options.model in (None, read_sample(file).info.model)]
        record(sorted(wished)) if options.record else notebooks.ship_files(wished, notebooks.SAMPLES)


if __name__ == "__main__":
    notebooks.command(main)
