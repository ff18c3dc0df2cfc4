"""The judge of generated images: Fréchet distance, class coverage and the nearest training image.

ImageNet features mean nothing for grey pictures of 28 pixels, so the features come from a small classifier that saw
the training split of the same data set, and nothing else. Its weights are shipped; `python -m tools.judge` retrains it.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from helpers import weights
from helpers.datasets import check_images
from helpers.files import CourseError
from helpers.training import progress

FEATURES = 64
FEWEST = 4 * FEATURES  # images; from fewer, a covariance of 64 x 64 numbers is mostly noise


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

    def shares(self, images):
        """Share of the images that the judge takes for each class, (10,), summing to 1."""
        return self.shares_by_features(self.features(images))

    @torch.no_grad()
    def shares_by_features(self, features):
        """The same from features (N, 64) that are known already."""
        said = self.head(features * self.scale).argmax(dim=1)
        return torch.bincount(said, minlength=10) / len(features)


def fit_judge(judge, data, steps, seed):
    """Train the judge on batches of 128 labelled images; returns the loss of every step."""
    torch.manual_seed(seed)
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


def frechet_between_gaussians(mean_a, cov_a, mean_b, cov_b):
    """Squared Fréchet distance of two Gaussians, means (d,) and covariances (d, d): Dowson and Landau 1982, eq. 4.

    |mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)). The last trace is the sum of the square roots of the eigenvalues
    of A^(1/2) B A^(1/2), which is symmetric, so they are real; rounding below zero is cut off.
    """
    values, vectors = torch.linalg.eigh(cov_a.double())
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    inner = torch.linalg.eigvalsh(root @ cov_b.double() @ root).clamp(min=0)
    apart = (mean_a.double() - mean_b.double()).square().sum()
    return (apart + cov_a.double().trace() + cov_b.double().trace() - 2 * inner.sqrt().sum()).clamp(min=0).item()


def frechet_distance(a, b):
    """Squared Fréchet distance of the Gaussians fitted to features a (N, d) and b (M, d); Heusel et al. 2017.

    It grows when N shrinks: compare only figures that were measured with the same N and M.
    """
    for features in (a, b):
        if features.ndim != 2 or features.shape[1] != a.shape[1] or len(features) < 2:
            raise CourseError("features should have shapes (N, d) and (M, d) with the same d, and N and M above 1")
        if not torch.isfinite(features).all():
            raise CourseError("some features are nan or infinite; look at the images before measuring them")
    (mean_a, cov_a), (mean_b, cov_b) = ((x.double().mean(dim=0), x.double().T.cov()) for x in (a, b))
    return frechet_between_gaussians(mean_a, cov_a, mean_b, cov_b)


def class_coverage(shares):
    """How evenly `shares` (K,), summing to 1, cover K classes: 1 = all the same, 1/K = one class only."""
    return shares.clamp(max=1 / len(shares)).sum().item()


def nearest_training(images, training):
    """Mean squared difference per pixel (N,) to the most similar of `training` (M, 1, H, W), and its position (N,)."""
    distance, position = torch.cdist(images.flatten(1), training.flatten(1)).min(dim=1)
    return distance.square() / images[0].numel(), position


@dataclass(frozen=True)
class Verdict:
    """What the judge says of a set of images; `nearest` is the mean of `nearest_training` over them."""

    frechet: float
    coverage: float
    nearest: float


def compare(samples, train, test, judge=None):
    """Judge {name: images (N, 1, 28, 28) in [0, 1]}; prints a table and returns {name: Verdict}.

    As many training images (the floor) and the test images come first. All sets are cut to the shortest one's length.
    """
    judge = judge or load_judge(train)
    count = min(len(test), *map(len, samples.values()))
    if count < FEWEST:
        raise CourseError(f"the judge needs {FEWEST} images of each kind or more, not {count}")
    rows = {"training images (floor)": train.images[:count], "test images": test.images} | samples
    target = judge.features(test.images)
    verdicts = {}
    print(f"{count} images of each       Fréchet distance   classes covered   nearest training image")
    for name, images in rows.items():
        images = images[:count].to(target.device)
        distance = nearest_training(images, train.images)[0].mean().item()
        features = judge.features(images)
        shares = judge.shares_by_features(features)
        verdict = verdicts[name] = Verdict(frechet_distance(features, target), class_coverage(shares), distance)
        print(f"{name:28} {verdict.frechet:11.2f} {verdict.coverage:17.2f} {verdict.nearest:24.4f}")
    return verdicts
