"""The classifier behind the judge: small, trained on the training split of the same data set and on nothing else.

ImageNet features mean nothing for grey pictures of 28 pixels. `helpers.metrics` measures in this network's features;
`python -m tools.judge` trains it again.
"""

import torch
import torch.nn.functional as F
from torch import nn

from helpers import weights
from helpers.datasets import check_images
from helpers.training import progress, set_seed

FEATURES = 64


class Judge(nn.Module):
    """A classifier of images (N, 1, 28, 28) in [0, 1]; its last hidden layer is the feature space."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (N, 32, 14, 14)
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (N, 64, 7, 7)
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 7 * 7, FEATURES), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(FEATURES, 10)
        self.register_buffer("scale", torch.tensor(1.0))  # set by `fit_judge`

    def forward(self, x):
        """Logits (N, 10)."""
        return self.head(self.body(x))

    @torch.no_grad()
    def features(self, images):
        """Features (N, 64) of images (N, 1, 28, 28) in [0, 1]; on the training images their mean variance is 1."""
        check_images(images)
        return torch.cat([self.body(part) for part in images.split(1000)]) / self.scale

    def class_frequencies(self, images):
        """Share of the images that the judge takes for each class, (10,), summing to 1."""
        return self.class_frequencies_by_features(self.features(images))

    @torch.no_grad()
    def class_frequencies_by_features(self, features):
        """The same from features (N, 64) that are known already."""
        said = self.head(features * self.scale).argmax(dim=1)
        return torch.bincount(said, minlength=10) / len(features)


def fit_judge(judge, data, steps, seed):
    """Train the judge on batches of 128 labelled images; returns the loss of every step."""
    set_seed(seed)
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps)
    losses = []
    judge.train()
    for x, labels in progress(data.batches(128, steps=steps, seed=seed), losses):
        loss = F.cross_entropy(judge(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    judge.eval()
    judge.scale = judge.features(data.images).var(dim=0).mean().sqrt()
    return losses


def load_judge(data):
    """The shipped judge of the data set `data` (an `Images`), on its device, without dropout."""
    judge = Judge().to(data.images.device)
    weights.load(f"judge_{data.name}", judge, own=False)
    return judge.eval()
