"""Train the judges of `helpers.judge` again, say what they notice, and ship them: `python -m tools.judges`.

The judges of Fashion-MNIST learn from the 50,000 training images that the course does not ship, so that they have seen
nothing that a learner's model learns from or is measured against. They come from where `python -m tools.data` finds
them; elsewhere than on Debian or Ubuntu, give a folder with the source files: `python -m tools.judges FOLDER`.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from helpers.datasets import CLASSES, Images, as_images, load
from helpers.judge import BODIES, Judge, PrincipalComponents, fit_judge, fit_unlabelled, weights_name
from helpers.metrics import accuracy
from helpers.store import train_or_load
from helpers.training import bf16_autocast, set_seed
from tools import damages
from tools.data import fashion, not_shipped, read_sources, source_folder
from tools.notebooks import WEIGHTS, command, ship_files

SEED = 0


def shifted(images, generator):
    """Images (N, 1, 28, 28), each moved by -1, 0 or 1 pixels down and to the right; half of them are mirrored, too."""
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    return damages.moved(torch.where(mirrored[:, None, None, None], images.flip(3), images), 1, generator)


def fit_classifier(judge, data, steps, seed):
    """Train a judge with batch normalisation on shifted and mirrored images; returns its history."""
    generator = torch.Generator().manual_seed(seed)
    judge.to(memory_format=torch.channels_last)  # a third faster on a CPU
    return fit_judge(
        judge, data, steps, seed, max_lr=6e-3, weight_decay=0.05, change=lambda images: shifted(images, generator),
        precision=lambda: bf16_autocast(data.images.device),
    )  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """Of which data set and which kind a judge is (see `helpers.judge.BODIES`), how it is trained, and how long."""

    dataset: str
    kind: str
    fit: Callable
    steps: int


RECIPES = {
    f"{weights_name(recipe.kind)}_{recipe.dataset}": recipe
    for recipe in (
        Recipe("fashion", "", fit_classifier, 5000),
        Recipe("fashion", "second", fit_classifier, 6000),
        Recipe("fashion", "unlabelled", fit_unlabelled, 1500),
        Recipe("digits", "", fit_judge, 800),
    )
}


def train(name, data, scale_on, steps):
    """Train a judge on `data`, with features of mean variance 1 on `scale_on`, and keep it as the store does.

    steps: as many as the recipe says, if it is None.
    """
    recipe = RECIPES[name]

    def fit(judge, data, steps, seed):
        history = recipe.fit(judge, data, steps, seed)
        judge.eval().set_scale(scale_on.images)
        return history

    set_seed(SEED)
    judge = Judge(BODIES[recipe.dataset][recipe.kind]())
    train_or_load(weights_name(recipe.kind), fit, judge, data, recipe.steps if steps is None else steps, SEED)
    return judge


def what_is_noticed(judges):
    """Print what {name: judge of Fashion-MNIST} notice, beside one that saw the course's images alone, and PCA."""
    data, test = load("fashion")
    small = Judge()
    set_seed(SEED)
    fit_judge(small, data, 800, SEED)
    judges = {name.removeprefix("judge_"): judge for name, judge in judges.items()}
    others = {"small, 10,000 images": small, "PCA of the pixels": PrincipalComponents(data.images)}
    damages.print_table({name: damages.noticed(judge, test) for name, judge in (judges | others).items()})


def unseen(folder):
    """(What the judges of Fashion-MNIST learn from, all 10,000 test images), two `Images`, from the source files."""
    with source_folder(folder) as place:
        sources = read_sources(place)
    pairs = not_shipped(sources), fashion(sources)[1]
    return [
        Images("fashion", as_images(x.copy()), torch.from_numpy(y.copy()).long(), CLASSES["fashion"]) for x, y in pairs
    ]


def main(arguments):
    """Train every judge, say how often it is right on test images, and ship it."""
    parser = argparse.ArgumentParser(
        "python -m tools.judges", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, help="a folder with the source files of `python -m tools.data`")
    parser.add_argument("--only", choices=list(RECIPES), action="append", help="train this judge alone")
    parser.add_argument("--steps", type=int, help="training steps (default: each judge's own number)")
    options = parser.parse_args(arguments)
    if options.steps is not None and options.steps < 1:
        parser.error("--steps is 1 or more")
    names = options.only or list(RECIPES)
    sets = {"digits": load("digits")}
    if any(RECIPES[name].dataset == "fashion" for name in names):
        sets["fashion"] = unseen(options.folder)
    judges = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COURSE_RESULTS"] = folder  # what a learner has trained is neither read nor changed
        for name in names:
            dataset = RECIPES[name].dataset
            data, test = sets[dataset]
            judges[name] = train(name, data, load(dataset)[0], options.steps)
            print(f"{name}: {accuracy(judges[name], test):.2%} of {len(test):,} test images recognised", flush=True)
        ship_files(Path(folder, "weights").glob("*.safetensors"), WEIGHTS)
    if of_fashion := {name: judge for name, judge in judges.items() if RECIPES[name].dataset == "fashion"}:
        what_is_noticed(of_fashion)


if __name__ == "__main__":
    command(main)
