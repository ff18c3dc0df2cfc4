"""Train the judges of `helpers.judge` again and ship them: `python -m tools.judge` (a minute on two CPU cores)."""

import argparse
import tempfile
import time
from pathlib import Path

import torch

from helpers import weights
from helpers.datasets import CLASSES, load
from helpers.judge import Judge, fit_judge
from helpers.training import set_seed
from tools.notebooks import command, ship

STEPS, SEED = 800, 0


def train(name, steps, folder):
    """Train the judge of a data set; its weights go to `folder`/weights. Returns its accuracy on the test split."""
    data, test = load(name)
    set_seed(SEED)
    judge = Judge()
    started = time.perf_counter()
    losses = fit_judge(judge, data, steps, SEED)
    seconds = time.perf_counter() - started
    weights.save(f"{weights.JUDGE}{name}", judge, losses, seed=SEED, seconds=seconds, folder=Path(folder, "weights"))
    with torch.no_grad():
        return (judge(test.images).argmax(dim=1) == test.labels).float().mean().item()


def main(arguments):
    """Train on the training split of each data set, say how often it is right on the test split, and ship."""
    parser = argparse.ArgumentParser("python -m tools.judge", description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.steps < 1:
        parser.error("--steps is 1 or more")
    with tempfile.TemporaryDirectory() as folder:  # what a learner has trained is neither read nor changed
        for name in CLASSES:
            print(f"{name}: {train(name, options.steps, folder):.1%} of the test images recognised", flush=True)
        ship(weights.JUDGE, folder)


if __name__ == "__main__":
    command(main)
