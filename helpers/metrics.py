"""The verdict on generated images: Fréchet distance, precision and recall, class coverage, nearest training image."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from scipy.stats import bootstrap

from helpers.files import CourseError
from helpers.judge import FEATURES

AT_ONCE = 2**25  # distances held in memory at a time, 128 MB: all pairs of the full data sets would take gigabytes
FEWEST = 4 * FEATURES  # images; from fewer, a covariance of 64 x 64 numbers is mostly noise


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


def frechet_interval(a, b, draws=200, seed=0):
    """(Low, high) of a 95 % interval for the Fréchet distance of features a (N, d) from b (M, d).

    The images of a are drawn again, with replacement, `draws` times; b stays as it is. The "basic" bootstrap (Davison
    and Hinkley 1997, section 5.2) mirrors the draws at the measured distance, because drawing again adds the bias of a
    finite N a second time: so the interval is for an endless set, and lies a little lower than `frechet_distance`.
    A distance cannot be negative, so neither are the ends.
    """
    result = bootstrap(
        (range(len(a)),),
        lambda chosen: frechet_distance(a[chosen], b),
        n_resamples=draws,
        vectorized=False,
        method="basic",
        random_state=seed,
    )
    return tuple(max(0.0, float(end)) for end in result.confidence_interval)


def precision_recall(made, real, k=3):
    """(Precision, recall) of features `made` (N, d) and `real` (M, d), two shares. Kynkäänniemi et al. 2019, eq. 2.

    Around each feature lies a ball that reaches to its k-th nearest neighbour in its own set. Precision: the share of
    `made` in some ball of `real`, how many look real. Recall: the share of `real` in some ball of `made`, the variety.
    """
    for features in (made, real):
        if features.ndim != 2 or features.shape[1] != made.shape[1] or len(features) <= k:
            raise CourseError(
                f"features should have shapes (N, d) and (M, d) with the same d, and N and M above k = {k}"
            )
    reach_made, reach_real = (
        torch.cat([apart.kthvalue(k + 1, dim=1).values for _, apart in distances(x, x)]) for x in (made, real)
    )
    inside_real = torch.zeros(len(made), dtype=torch.bool, device=made.device)
    inside_made = torch.zeros(len(real), dtype=torch.bool, device=made.device)
    for rows, apart in distances(made, real):
        inside_real[rows] = (apart <= reach_real).any(dim=1)
        inside_made |= (apart <= reach_made[rows, None]).any(dim=0)
    return inside_real.float().mean().item(), inside_made.float().mean().item()


def distances(points, others):
    """Yield (rows, apart): for each slice `rows` of points (N, d) the distances (n, M) to all of others (M, d).

    So that never more than `AT_ONCE` of them are in memory.
    """
    size = max(1, AT_ONCE // max(1, len(others)))
    for start in range(0, len(points), size):
        rows = slice(start, start + size)
        yield rows, torch.cdist(points[rows], others)


def nearest(points, others):
    """Distance (N,) from each of points (N, d) to the nearest of others (M, d), and that one's position (N,) int64."""
    found = [apart.min(dim=1) for _, apart in distances(points, others)]
    return torch.cat([part.values for part in found]), torch.cat([part.indices for part in found])


def class_coverage(shares):
    """How evenly `shares` (K,), summing to 1, cover K classes: 1 = all the same, 1/K = one class only."""
    return shares.clamp(max=1 / len(shares)).sum().item()


def nearest_training(images, training):
    """Mean squared difference per pixel (N,) to the most similar of `training` (M, 1, H, W), and its position (N,)."""
    distance, position = nearest(images.flatten(1), training.flatten(1))
    return distance.square() / images[0].numel(), position


@dataclass(frozen=True)
class Verdict:
    """What the judge says of a set of images; `nearest` is the mean of `nearest_training` over them."""

    frechet: float
    coverage: float
    nearest: float


def compare(samples, train, test, judge):
    """Judge {name: images (N, 1, 28, 28) in [0, 1]}; prints a table and returns {name: Verdict}.

    As many training images (the floor) and the test images come first. All sets are cut to the shortest one's length.
    """
    count = min(len(test), *map(len, samples.values()))
    if count < FEWEST:
        raise CourseError(f"the judge needs {FEWEST} images of each kind or more, not {count}")
    target, real = reference(train, test, judge, count, fingerprint(judge))
    made = {name: verdict_on(images[:count], train, target, judge) for name, images in samples.items()}
    print(f"{count} images of each       Fréchet distance   classes covered   nearest training image")
    for name, verdict in (real | made).items():
        print(f"{name:28} {verdict.frechet:11.2f} {verdict.coverage:17.2f} {verdict.nearest:24.4f}")
    return real | made


def verdict_on(images, train, target, judge):
    """The `Verdict` on images (N, 1, 28, 28), against the features (M, 64) of the test images."""
    images = images.to(target.device)
    features = judge.features(images)
    coverage = class_coverage(judge.shares_by_features(features))
    nearest = nearest_training(images, train.images)[0].mean().item()
    return Verdict(frechet_distance(features, target), coverage, nearest)


def fingerprint(judge):
    """Numbers that tell the judge from what it was before it was trained further, or moved to another device."""
    values = judge.state_dict().values()
    return tuple((str(value.device), value.double().sum().item()) for value in values)


@lru_cache(maxsize=2)  # few, because what is in here stays in memory, the images included
def reference(train, test, judge, count, state):
    """Features (M, 64) of the test images, and the first rows of every table; measured once for the same objects.

    state: the judge's `fingerprint`, because the object stays the same when its weights change.
    """
    target = judge.features(test.images)
    rows = {"training images (floor)": train.images[:count], "test images": test.images[:count]}
    return target, {name: verdict_on(images, train, target, judge) for name, images in rows.items()}
