"""One evaluation of generated images: `evaluate` for one set, `compare` for the table that all lessons print.

Fréchet distance and kernel distance (KID) of features, precision and recall, class coverage, nearest training image.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from scipy.stats import bootstrap

from helpers.files import CourseError
from helpers.judge import BLOCK, FEATURES

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


def check_features(a, b, least):
    """Raise a CourseError unless a (N, d) and b (M, d) are finite features, `least` of each or more."""
    for features in (a, b):
        if features.ndim != 2 or features.shape[1] != a.shape[1] or len(features) < least:
            raise CourseError(
                f"features should have shapes (N, d) and (M, d) with the same d, N and M should be {least} or more: "
                f"they are {tuple(a.shape)} and {tuple(b.shape)} (of a folder's pictures one in five is a test image: "
                f"have more of them)"
            )
        if not torch.isfinite(features).all():
            raise CourseError("some features are nan or infinite; look at the images before measuring them")


def frechet_distance(a, b):
    """Squared Fréchet distance of the Gaussians fitted to features a (N, d) and b (M, d); Heusel et al. 2017.

    It grows when N shrinks: compare only figures that were measured with the same N and M.
    """
    check_features(a, b, least=2)
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


def kernel_distance(a, b):
    """Squared maximum mean discrepancy of features a (N, d) and b (M, d), the KID of Binkowski et al. 2018, section 4.

    With their kernel, k(x, y) = (x . y / d + 1)^3, and without bias: pairs of a feature with itself are left out, so
    that a small N adds scatter but, unlike in the Fréchet distance, no distance. Below zero means: no difference seen.
    """
    check_features(a, b, least=2)
    inside_a, inside_b = (
        (kernel_sum(x, x) - kernel(x.double().square().sum(dim=1), x.shape[1]).sum()) / (len(x) * (len(x) - 1))
        for x in (a, b)
    )
    return (inside_a + inside_b - 2 * kernel_sum(a, b) / (len(a) * len(b))).item()


def kernel(products, d):
    """The cubic kernel of features whose inner products are `products`, any shape; d numbers in a feature."""
    return (products / d + 1) ** 3


def kernel_sum(points, others):
    """The sum of the kernel over all pairs of points (N, d) and others (M, d); `AT_ONCE` pairs at a time."""
    columns = others.double().T
    parts = [kernel(points[rows].double() @ columns, points.shape[1]).sum() for rows in slices(points, others)]
    return torch.stack(parts).sum()


def precision_recall(made, real, k=3):
    """(Precision, recall) of features `made` (N, d) and `real` (M, d), two shares. Kynkäänniemi et al. 2019, eq. 2.

    Around each feature lies a ball that reaches to its k-th nearest neighbour in its own set. Precision: the share of
    `made` in some ball of `real`: near real ones. Recall: the share of `real` in some ball of `made`, the variety.
    """
    check_features(made, real, least=k + 1)
    reach_made, reach_real = (
        torch.cat([apart.topk(k + 1, largest=False).values[:, k] for _, apart in distances(x, x)]) for x in (made, real)
    )
    inside_real = torch.zeros(len(made), dtype=torch.bool, device=made.device)
    inside_made = torch.zeros(len(real), dtype=torch.bool, device=made.device)
    for rows, apart in distances(made, real):
        inside_real[rows] = (apart <= reach_real).any(dim=1)
        inside_made |= (apart <= reach_made[rows, None]).any(dim=0)
    return inside_real.float().mean().item(), inside_made.float().mean().item()


def distances(points, others):
    """Yield (rows, apart): for each slice `rows` of points (N, d) the distances (n, M) to all of others (M, d)."""
    parts = others.split(max(1, AT_ONCE // others.shape[1]))  # torch copies what it compares with
    for rows in slices(points, others):
        yield rows, torch.cat([torch.cdist(points[rows], part) for part in parts], dim=1)


def slices(points, others):
    """Slices of the rows of points (N, d), so that with others (M, d) each makes `AT_ONCE` pairs at most."""
    size = max(1, AT_ONCE // max(1, len(others)))
    return [slice(start, start + size) for start in range(0, len(points), size)]


def nearest(points, others):
    """Distance (N,) from each of points (N, d) to the nearest of others (M, d), and that one's position (N,) int64."""
    found = [apart.min(dim=1) for _, apart in distances(points, others)]
    return torch.cat([part.values for part in found]), torch.cat([part.indices for part in found])


def class_coverage(frequencies):
    """How evenly `frequencies` (K,), summing to 1, cover K classes: 1 = all the same, 1/K = one class only."""
    return frequencies.clamp(max=1 / len(frequencies)).sum().item()


def nearest_training(images, training):
    """Mean squared difference per pixel (N,) to the most similar of `training` (M, C, H, W), and its position (N,)."""
    distance, position = nearest(images.flatten(1), training.flatten(1))
    return distance.square() / images[0].numel(), position


@torch.no_grad()
def accuracy(net, data):
    """Share of the images of `data` (an `Images`) that the classifier `net` gets right.

    net(images) gives logits (N, K). It is asked without dropout, and left in the mode in which it came.
    """
    if not len(data):
        raise CourseError(f"{data.name} has no images; a share of none is no number")
    training = net.training
    net.eval()
    try:
        said = torch.cat([net(images).argmax(dim=1) for images in data.images.split(BLOCK)])
    finally:
        net.train(training)
    return (said == data.labels).float().mean().item()


@dataclass(frozen=True)
class Scores:
    """What `evaluate` says of a set of images; all but the last three come from features of the judge.

    frechet, kid: distances from the test images, see `frechet_distance` (nan, if the test images are too few for it)
    and `kernel_distance`; precision, recall: two shares, see `precision_recall`; coverage: see `class_coverage`;
    nearest: the mean of `nearest_training`; copies: the share of the images that are nearer to a training image than
    the nearest 1 % of the test images are.
    """

    frechet: float
    kid: float
    precision: float
    recall: float
    coverage: float
    nearest: float
    copies: float


def evaluate(images, train, test, judge, features=None):
    """The `Scores` of images (N, C, H, W) in [0, 1], against all test images; N is `FEWEST` or more.

    features: what the judge says of the images, (N, 64), if somebody asked already.
    Compare only scores of the same N: all of them but `kid` depend on it. If there are fewer test images than `FEWEST`,
    as many as them are enough, and `frechet` is nan.
    """
    if len(images) < min(FEWEST, len(test)):
        raise CourseError(f"the judge needs {min(FEWEST, len(test))} images of each kind or more, not {len(images)}")
    real = features_of_test(test, judge, fingerprint(judge))
    images = images.to(real.device)
    features = judge.features(images) if features is None else features
    precision, recall = precision_recall(features, real)
    apart = nearest_training(images, train.images)[0]
    return Scores(
        frechet=frechet_distance(features, real) if len(test) >= FEWEST else float("nan"),
        kid=kernel_distance(features, real),
        precision=precision,
        recall=recall,
        coverage=class_coverage(judge.class_frequencies_by_features(features)),
        nearest=apart.mean().item(),
        copies=(apart < usual_distance(train, test)).float().mean().item(),
    )


def compare(samples, train, test, judge):
    """Judge {name: images (N, C, H, W) in [0, 1]}; prints a table and returns {name: Scores}.

    As many training images (the floor) and the test images come first. All sets are cut to the shortest one's length.
    """
    count = min(len(test), *map(len, samples.values()))
    real = first_rows(train, test, judge, count, fingerprint(judge))
    made = {name: evaluate(images[:count], train, test, judge) for name, images in samples.items()}
    print_table(real | made, count)
    return real | made


def print_table(rows, count):
    """Print {name: `Scores`} of `count` images each, in lines of 100 characters if no name is longer than 32."""
    width = max(28, *map(len, rows))
    titles = f"{count} images of each"
    print(f"{'':{width}}   Fréchet                               classes    nearest".rstrip())
    print(f"{titles:{width}}  distance      KID  precision  recall  covered   training  copies")
    for name, scores in rows.items():
        print(
            f"{name:{width}} {scores.frechet:9.2f} {scores.kid:8.3f} {scores.precision:10.2f} {scores.recall:7.2f}"
            f" {scores.coverage:8.2f} {scores.nearest:10.4f} {scores.copies:7.1%}"
        )
    if any(math.isnan(scores.frechet) for scores in rows.values()):
        print(f"(nan: a Fréchet distance needs {FEWEST} test images or more. KID can be measured with few.)")


def fingerprint(judge):
    """Numbers that tell the judge from what it was before it was trained further, or moved to another device."""
    values = judge.state_dict().values()
    return tuple((str(value.device), value.double().sum().item()) for value in values)


# What the course measures again and again, kept. Few, because what is kept stays in memory, the images included.
# state: the judge's `fingerprint`, because the object stays the same when its weights change.


@lru_cache(maxsize=4)
def features_of_test(test, judge, state):
    """Features (M, 64) of the test images."""
    return judge.features(test.images)


@lru_cache(maxsize=2)
def usual_distance(train, test):
    """How near to a training image the nearest 1 % of the test images are, as `nearest_training` measures it."""
    return nearest_training(test.images, train.images)[0].quantile(0.01).item()


@lru_cache(maxsize=4)
def first_rows(train, test, judge, count, state):
    """The first rows of every table of `count` images, {name: `Scores`}."""
    rows = {"training images (floor)": train, "test images": test}
    return {name: evaluate(data.images[:count], train, test, judge) for name, data in rows.items()}
