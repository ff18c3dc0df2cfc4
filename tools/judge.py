"""Train the judge of `helpers.judge` again and ship it: `python -m tools.judge` (a minute on two CPU cores)."""

import torch

from helpers.datasets import CLASSES, load
from helpers.judge import Judge, fit_judge
from helpers.training import set_seed
from helpers.weights import train_or_load
from tools.notebooks import ship

STEPS, SEED = 800, 0


def main():
    """Train on the training split of each data set, say how often it is right on the test split, and ship."""
    for name in CLASSES:
        train, test = load(name)
        set_seed(SEED)
        judge = Judge()
        train_or_load("judge", fit_judge, judge, train, STEPS, SEED)
        with torch.no_grad():
            right = (judge(test.images).argmax(dim=1) == test.labels).float().mean()
        print(f"{name}: {right:.1%} of the test images recognised")
    ship("judge")


if __name__ == "__main__":
    main()
