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
import torch.nn.functional as F
from torch import nn

from helpers.datasets import CLASSES, Images, as_images, load
from helpers.judge import BODIES, FEATURES, Judge, fit_judge, weights_name
from helpers.metrics import accuracy
from helpers.store import train_or_load
from helpers.training import bf16_autocast, one_cycle, set_seed
from tools import damages
from tools.damages import PrincipalComponents
from tools.data import fashion, not_shipped, read_sources, source_folder
from tools.notebooks import WEIGHTS, command, ship_files

SEED = 0


def shifted(images, generator):
    """Images (N, 1, 28, 28), each moved by -1, 0 or 1 pixels down and to the right; half of them are mirrored, too."""
    count = len(images)
    mirrored = torch.rand(count, generator=generator) < 0.5
    padded = F.pad(torch.where(mirrored[:, None, None, None], images.flip(3), images), [1] * 4)
    top, left = torch.randint(0, 3, (2, count, 1), generator=generator) + torch.arange(28)
    return padded[torch.arange(count)[:, None, None], :, top[:, :, None], left[:, None, :]].permute(0, 3, 1, 2)


def fit_classifier(judge, data, steps, seed):
    """Train a judge with batch normalisation on shifted and mirrored images; returns its history."""
    generator = torch.Generator().manual_seed(seed)
    judge.to(memory_format=torch.channels_last)  # a third faster on a CPU
    return fit_judge(
        judge, data, steps, seed, max_lr=6e-3, weight_decay=0.05, change=lambda images: shifted(images, generator),
        precision=lambda: bf16_autocast(data.images.device),
    )  # fmt: skip


def views(images, generator):
    """Images (N, 1, 28, 28), each enlarged or shrunk by up to a quarter, a little moved, and up to 30 % darker."""
    count = len(images)
    size = 1 + 0.25 * (2 * torch.rand(count, 1, generator=generator) - 1)
    stretch = 1 + 0.1 * (2 * torch.rand(count, 1, generator=generator) - 1)
    move = 0.2 * (2 * torch.rand(count, 2, 1, generator=generator) - 1)  # of half the width: up to 3 pixels
    sides = torch.diag_embed(torch.cat([size * stretch, size], dim=1))
    grid = F.affine_grid(torch.cat([sides, move], dim=2), images.shape, align_corners=False)
    bright = 0.7 + 0.3 * torch.rand(count, 1, 1, 1, generator=generator)
    return bright * F.grid_sample(images, grid, align_corners=False)


def contrast(codes, temperature=0.2):
    """The contrastive loss (NT-Xent, Chen et al. 2020, eq. 1) of codes (2 N, d): rows i and i + N show one image."""
    codes = F.normalize(codes.float(), dim=1)
    alike = codes @ codes.T / temperature
    alike = alike.masked_fill(torch.eye(len(codes), dtype=torch.bool, device=codes.device), -torch.inf)
    partner = torch.arange(len(codes), device=codes.device).roll(len(codes) // 2)
    return F.cross_entropy(alike, partner)


def fit_unlabelled(judge, data, steps, seed):
    """Teach a judge's body to recognise two views of one image among others (SimCLR); returns its history.

    No label takes part in its features. Afterwards a linear head is fitted to them with labels, because somebody must
    count the classes; the features stay as they are.
    """
    set_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    judge.to(memory_format=torch.channels_last)
    tail = nn.Linear(FEATURES, FEATURES)  # Chen et al.: compare behind a further layer, and keep the layer before it
    optimizer = torch.optim.AdamW([*judge.body.parameters(), *tail.parameters()], weight_decay=0.01)
    schedule = one_cycle(optimizer, 5e-3, steps)
    losses = []
    judge.train()
    for x, _ in data.batches(128, steps=steps, seed=seed):
        with bf16_autocast(x.device):
            loss = contrast(tail(judge.body(torch.cat([views(x, generator), views(x, generator)]))))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    fit_head(judge.eval(), data)
    return {"loss": losses}


def fit_head(judge, data, rounds=60):
    """Fit the head alone, by logistic regression on the features of labelled images."""
    judge.set_scale(data.images)
    features = judge.features(data.images) * judge.scale
    optimizer = torch.optim.LBFGS(judge.head.parameters(), max_iter=rounds, line_search_fn="strong_wolfe")

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(judge.head(features), data.labels)
        loss.backward()
        return loss

    optimizer.step(step)


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
        Recipe("fashion", "unlabelled", fit_unlabelled, 2000),
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
