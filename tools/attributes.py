"""Train the judge of the faces again, say what it reads, and ship it: `python -m tools.attributes`."""

import argparse
import os
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F

from helpers.attributes import AttributeJudge
from helpers.datasets import load
from helpers.faces import SUBTLE
from helpers.judge import descend, weights_name
from helpers.store import train_or_load
from helpers.training import bf16_autocast, set_seed
from tools import damages
from tools.notebooks import WEIGHTS, command, ship_files

SEED, STEPS = 0, 1800


def imperfect(images, dice):
    """Images (N, C, H, W) as a model may copy or draw them: each shifted, blurred and grainy, more or less.

    Shifted by up to two pixels each way; mixed with its blurred copy (blurred twice: a radius of two pixels or so) by
    a share from 0 to 1, which is 0 for a third of them; with Gaussian noise of standard deviation 0 to 0.1.
    """
    moved = damages.moved(images, 2, dice, "replicate")
    soft = damages.blurred(damages.blurred(moved, "replicate"), "replicate")
    share, spread = (1.5 * torch.rand(2, len(images), 1, 1, 1, generator=dice) - 0.5).clamp(min=0)
    grain = 0.1 * spread * torch.randn(images.shape, generator=dice)
    return (moved.lerp(soft, share) + grain).clamp(0, 1)


def fit_attributes(judge, data, steps, seed):
    """Train a judge of attributes on imperfect copies of `data`, 128 at a time; returns its history.

    A judge that had seen clean pictures alone would misread every copy that is a little soft.
    """
    dice = torch.Generator().manual_seed(seed)

    def loss_of(_):
        chosen = torch.randint(len(data), (128,), generator=dice)
        x = imperfect(data.images[chosen], dice)
        with bf16_autocast(data.images.device):
            logits = judge.logits(x)
        return sum(F.cross_entropy(said.float(), data.attributes[name][chosen]) for name, said in logits.items())

    set_seed(seed)
    judge.to(memory_format=torch.channels_last).train()
    history = descend(judge.parameters(), range(steps), loss_of, 5e-3, 0.05)
    judge.eval().set_scale(data.images)
    return history


def what_is_read(judge, test):
    """Print how often the judge reads each attribute right in the test images, as they are and less perfect."""
    once = damages.blurred(test.images, "replicate")
    grain = 0.1 * torch.randn(test.images.shape, generator=torch.Generator().manual_seed(SEED))
    shown = {
        "as they are": test.images,
        "blurred": once,
        "blurred twice": damages.blurred(once, "replicate"),
        "grain (0.1)": (test.images + grain).clamp(0, 1),
        "moved by 2 pixels": F.pad(test.images, [2, 0, 2, 0], mode="replicate")[..., :-2, :-2],
    }
    right = {name: judge.right(images, test.attributes) for name, images in shown.items()}
    for columns in right.values():
        told = [said for name, said in columns.items() if name not in SUBTLE]
        columns[f"all but {', '.join(SUBTLE)}"] = torch.stack(told).all(dim=0)
    print(f"{'attribute':14}" + "".join(f"{name:>19}" for name in right))
    for name in next(iter(right.values())):
        print(f"{name:14}" + "".join(f"{columns[name].float().mean().item():19.1%}" for columns in right.values()))


def train(data, steps):
    """Train a judge of attributes on `data`, and keep it as the store does."""
    set_seed(SEED)
    judge = AttributeJudge(data.words)
    train_or_load(weights_name(), fit_attributes, judge, data, steps, SEED)
    return judge


def main(arguments):
    """Train the judge, say how often it is right on test images, and ship it."""
    parser = argparse.ArgumentParser("python -m tools.attributes", description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS, help=f"training steps (default: {STEPS:,})")
    options = parser.parse_args(arguments)
    if options.steps < 1:
        parser.error("--steps is 1 or more")
    data, test = load("faces")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COURSE_RESULTS"] = folder  # what a learner has trained is neither read nor changed
        judge = train(data, options.steps)
        what_is_read(judge, test)
        ship_files(Path(folder, "weights").glob("*.safetensors"), WEIGHTS)


if __name__ == "__main__":
    command(main)
