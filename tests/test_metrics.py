"""The judge, judged: Gaussians of known distance, SciPy's matrix root, and sets of images with known faults."""

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from second_device import AVAILABLE, second_device
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from helpers import metrics
from helpers.datasets import Images, load
from helpers.judge import load_judge
from helpers.metrics import (
    FEWEST,
    Scores,
    accuracy,
    class_coverage,
    compare,
    evaluate,
    frechet_between_gaussians,
    frechet_distance,
    frechet_interval,
    kernel_distance,
    nearest,
    nearest_training,
    precision_recall,
)


@pytest.fixture(scope="module")
def fashion():
    return load("fashion")


@pytest.fixture(scope="module")
def judge(fashion):
    return load_judge(fashion[0])


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def covariance(d, seed=0):
    root = normal(d, d, seed=seed)
    return root @ root.T / d


def test_an_interval_holds_the_true_distance_about_as_often_as_it_says():
    b = normal(400, 8, seed=99)
    b = (b - b.mean(dim=0)) @ torch.linalg.inv(torch.linalg.cholesky(b.T.cov())).T
    assert torch.allclose(b.T.cov(), torch.eye(8).double(), atol=1e-9)
    b[:, 0] += 1  # exactly N((1, 0, ...), I); the truth for a ~ N(0, I) is 1
    intervals = [frechet_interval(normal(400, 8, seed=k), b, draws=100, seed=k) for k in range(40)]
    assert sum(low <= 1 <= high for low, high in intervals) >= 34  # 38 expected
    plain = [frechet_distance(normal(400, 8, seed=k), b) for k in range(40)]
    assert sum(plain) / 40 > 1.03  # the bias that the interval has to remove


def test_an_interval_narrows_with_the_number_of_images():
    few, many = (frechet_interval(normal(n, 4), normal(500, 4, seed=1) + 1, draws=100) for n in (200, 3200))
    assert 2.5 < (few[1] - few[0]) / (many[1] - many[0]) < 6  # the root of 16 is 4


def test_a_gaussian_is_at_distance_0_from_itself():
    cov = covariance(64)
    assert frechet_between_gaussians(normal(64), cov, normal(64), cov) == pytest.approx(0, abs=1e-9)


def test_shifting_a_gaussian_costs_the_squared_shift():
    cov = covariance(8)
    shift = torch.arange(8.0)
    assert frechet_between_gaussians(torch.zeros(8), cov, shift, cov) == pytest.approx(140, rel=1e-9)


def test_round_gaussians_have_the_distance_of_their_standard_deviations():
    zero, one = torch.zeros(5), torch.eye(5)
    assert frechet_between_gaussians(zero, 4 * one, zero, 9 * one) == pytest.approx(5 * (3 - 2) ** 2, rel=1e-9)


def test_gaussians_that_do_not_commute_agree_with_scipy():
    mean_a, mean_b, cov_a, cov_b = normal(16), normal(16, seed=1), covariance(16, seed=2), covariance(16, seed=3)
    root = sqrtm((cov_a @ cov_b).numpy()).real
    expected = (mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * np.trace(root)
    measured = frechet_between_gaussians(mean_a, cov_a, mean_b, cov_b)
    assert measured == pytest.approx(float(expected), rel=1e-6)
    assert frechet_between_gaussians(mean_b, cov_b, mean_a, cov_a) == pytest.approx(measured, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_covariances_without_full_rank_give_no_nan(scale):
    thin = scale * normal(64, 3) @ normal(3, 64, seed=1)  # 64 points in three dimensions
    flat = torch.zeros(64, 64)
    assert frechet_distance(thin, thin) == pytest.approx(0, abs=1e-6 * scale**2)
    trace = thin.T.cov().trace().item()
    assert frechet_between_gaussians(torch.zeros(64), thin.T.cov(), torch.zeros(64), flat) == pytest.approx(trace)


def test_from_samples_the_distance_approaches_the_true_one():
    a, b = normal(200_000, 2), 2 * normal(200_000, 2, seed=1) + 3
    assert frechet_distance(a, b) == pytest.approx(2 * 3**2 + 2 * (2 - 1) ** 2, rel=0.02)


def test_fewer_samples_look_farther_away():
    target = normal(2000, 64)
    few, many = normal(300, 64, seed=1), normal(2000, 64, seed=2)
    assert frechet_distance(few, target) > 2 * frechet_distance(many, target)


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (normal(9, 4), normal(9, 5), "same d"),
        (normal(9), normal(9), "(N, d)"),
        (normal(1, 4), normal(9, 4), "2 or more"),
        (normal(9, 4) * math.nan, normal(9, 4), "nan"),
        (normal(9, 4), normal(9, 4) / 0, "infinite"),
    ],
)
@pytest.mark.parametrize("measure", [frechet_distance, kernel_distance])
def test_bad_features_are_refused(measure, a, b, words, refuses):
    with refuses(words):
        measure(a, b)


# The kernel distance


def test_the_kernel_distance_is_the_double_sum_of_the_paper():
    a, b = normal(7, 3), 0.5 + 2 * normal(9, 3, seed=1)

    def k(x, y):
        return (sum(float(p) * float(q) for p, q in zip(x, y, strict=True)) / 3 + 1) ** 3

    def own(x):
        pairs = [k(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j]
        return sum(pairs) / len(pairs)

    expected = own(a) + own(b) - 2 * sum(k(x, y) for x in a for y in b) / 63
    assert kernel_distance(a, b) == pytest.approx(expected, rel=1e-12)
    assert kernel_distance(b, a) == pytest.approx(expected, rel=1e-12)


def test_the_kernel_distance_agrees_with_scikit_learn():
    a, b = normal(150, 64), 1.1 * normal(200, 64, seed=1) + 0.1

    def own(x):
        products = polynomial_kernel(x)  # degree 3, gamma 1 / d, plus 1: the same kernel
        return (products.sum() - np.trace(products)) / (len(x) * (len(x) - 1))

    expected = own(a) + own(b) - 2 * polynomial_kernel(a, b).mean()
    assert kernel_distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert kernel_distance(a.float(), b.float()) == pytest.approx(expected, rel=1e-4)


def test_the_kernel_distance_of_known_distributions():
    """One number a feature: E k(x, x') = 1 + 3 m^2 + 3 s^2 + t^2 with the moments m, s, t of x, x^2, x^3."""
    a, b = normal(4000, 1), 1 + normal(4000, 1, seed=1)  # moments (0, 1, 0) and (1, 2, 4)
    expected = 3 * 1**2 + 3 * (2 - 1) ** 2 + 4**2
    assert kernel_distance(a, b) == pytest.approx(expected, rel=0.1)


def test_a_small_number_of_images_adds_no_kernel_distance():
    measured = [kernel_distance(normal(40, 8, seed=k), normal(40, 8, seed=100 + k)) for k in range(60)]
    spread = np.std(measured) / 60**0.5
    assert abs(np.mean(measured)) < 3 * spread  # with the pairs of a feature with itself it would be 0.5 and more
    assert min(measured) < 0 < max(measured)
    assert 3 * spread < 0.1


def test_precision_and_recall_of_known_sets():
    real = torch.arange(10.0)[:, None]  # balls of radius 1 at the ends 2, elsewhere 1, for k = 2
    assert precision_recall(real, real, k=2) == (1, 1)
    assert precision_recall(real + 100, real, k=2) == (0, 0)
    one_place = 4 + 0.001 * torch.arange(10.0)[:, None]  # all good, no variety
    assert precision_recall(one_place, real, k=2) == pytest.approx((1, 0.1))
    half_off = torch.cat([real[:5], real[5:] + 100])
    assert precision_recall(half_off, real, k=2) == pytest.approx((0.5, 0.7))  # the ball of 4 reaches 6


def test_precision_and_recall_agree_with_scikit_learn():
    made, real = normal(200, 4), 1 + 0.8 * normal(300, 4, seed=1)

    def share_inside(points, others):
        reach = NearestNeighbors(n_neighbors=4).fit(others).kneighbors(others)[0][:, 3]  # the first is the point itself
        apart = np.linalg.norm(points.numpy()[:, None] - others.numpy(), axis=2)
        return (apart <= reach).any(axis=1).mean()

    expected = share_inside(made, real), share_inside(real, made)
    assert all(0.05 < share < 0.95 for share in expected)
    assert precision_recall(made, real) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "d"), [(3, 4), (20, 5)])
def test_precision_and_recall_need_enough_features_of_one_length(n, d, refuses):
    with refuses("4 or more" if n == 3 else "the same d"):
        precision_recall(normal(n, d), normal(20, 4))


def test_coverage_of_known_frequencies():
    assert class_coverage(torch.full((10,), 0.1)) == pytest.approx(1)
    assert class_coverage(torch.eye(10)[3]) == pytest.approx(0.1)
    assert class_coverage(torch.tensor([0.5, 0.5] + 8 * [0.0])) == pytest.approx(0.2)


def test_the_nearest_training_image_is_found(fashion):
    train, _ = fashion
    moved = (train.images[[7, 99]] + 0.01).clamp(0, 1)
    distance, position = nearest_training(moved, train.images)
    assert position.tolist() == [7, 99]
    by_hand = (moved - train.images[[7, 99]]).square().flatten(1).mean(dim=1)
    torch.testing.assert_close(distance, by_hand, rtol=0.02, atol=1e-6)


class Largest(TorchDispatchMode):
    """Notes the most numbers that any tensor had which was made inside."""

    numbers = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        sizes = [part.numel() for part in tree_leaves(result) if isinstance(part, torch.Tensor)]
        self.numbers = max([self.numbers, *sizes])
        return result


MEASURES = {
    "nearest": lambda: nearest(normal(700, 5), normal(900, 5, seed=1)),
    "nearest training image": lambda: nearest_training(
        normal(700, 4).reshape(700, 1, 2, 2), normal(900, 4, seed=1).reshape(900, 1, 2, 2)
    ),
    "precision and recall": lambda: precision_recall(normal(700, 5), normal(900, 5, seed=1) + 0.5),
    "kernel distance": lambda: (kernel_distance(normal(700, 5), normal(900, 5, seed=1) + 0.5),),
}


@pytest.mark.parametrize("name", MEASURES)
def test_distances_are_measured_a_part_at_a_time(name, monkeypatch):
    whole = MEASURES[name]()
    monkeypatch.setattr(metrics, "AT_ONCE", 20_000)  # not 630,000; and no multiple of 900 or 700
    with Largest() as largest:
        parts = MEASURES[name]()
    assert largest.numbers <= 20_000
    for part, right in zip(parts, whole, strict=True):
        torch.testing.assert_close(part, right)


def test_the_images_of_a_lesson_are_measured_in_one_part():
    assert metrics.AT_ONCE >= 2000 * 10_000  # so its figures are, to the last digit, what one call of cdist gives


def test_the_nearest_of_known_points():
    points, others = torch.tensor([[0.0, 0.0], [5.0, 5.0]]), torch.tensor([[5.0, 1.0], [3.0, 4.0], [5.0, 2.0]])
    distance, position = nearest(points, others)
    torch.testing.assert_close(distance, torch.tensor([5.0, 5.0**0.5]))
    assert position.tolist() == [1, 1]


def test_worse_images_are_judged_worse(fashion, judge, capsys):
    train, test = fashion
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(test.images.shape, generator=generator)
    shirts = train.images[train.labels == 6].repeat(2, 1, 1, 1)
    samples = {f"noise {s}": (train.images[-2000:] + s * noise).clamp(0, 1) for s in (0.1, 0.3)} | {"shirts": shirts}
    verdicts = compare(samples, train, test, judge)
    floor, little, much = (verdicts[name] for name in ("training images (floor)", "noise 0.1", "noise 0.3"))
    assert floor.frechet < 0.2 < 5 * floor.frechet < little.frechet < much.frechet
    assert verdicts["test images"].frechet < 1e-6
    assert floor.nearest == pytest.approx(0, abs=1e-4)
    assert verdicts["shirts"].coverage < 0.5 < 0.95 < floor.coverage
    printed = capsys.readouterr().out
    assert all(name in printed for name in verdicts)
    assert max(map(len, printed.splitlines())) <= 100
    assert floor.kid < little.kid < much.kid
    assert verdicts["test images"].precision == verdicts["test images"].recall == 1
    assert min(floor.precision, floor.recall) > 0.85 > 0.5 > max(much.recall, verdicts["shirts"].recall)
    # precision alone is no verdict: to this judge much noise lies near a few garments


def test_an_evaluation_is_the_measures_one_by_one(fashion, judge):
    train, test = fashion
    images = (train.images[-500:] + 0.1).clamp(0, 1)
    features, real = judge.features(images), judge.features(test.images)
    apart = torch.cdist(images.flatten(1), train.images.flatten(1)).min(dim=1).values.square() / 784
    precision, recall = precision_recall(features, real)
    expected = Scores(
        frechet=frechet_distance(features, real),
        kid=kernel_distance(features, real),
        precision=precision,
        recall=recall,
        coverage=class_coverage(judge(images).argmax(dim=1).bincount(minlength=10) / 500),
        nearest=apart.mean().item(),
        copies=(apart < nearest_training(test.images, train.images)[0].quantile(0.01)).float().mean().item(),
    )
    scores = evaluate(images, train, test, judge)
    assert dataclasses.astuple(scores) == pytest.approx(dataclasses.astuple(expected), rel=1e-5)
    assert scores == compare({"grey": images}, train, test, judge)["grey"]
    assert scores == evaluate(images, train, test, judge, features)


def test_a_thief_is_caught(fashion, judge):
    """Half of the images are training images with a trace of noise, the other half are test images."""
    train, test = fashion
    stolen = (train.images[:400] + 0.01 * normal(400, 1, 28, 28).float()).clamp(0, 1)
    honest = compare({"honest": test.images[:800]}, train, test, judge)
    assert evaluate(torch.cat([stolen, test.images[:400]]), train, test, judge).copies == pytest.approx(0.5, abs=0.02)
    assert evaluate(test.images, train, test, judge).copies == pytest.approx(0.01, abs=1e-3)  # by definition
    assert honest["honest"] == honest["test images"]
    assert honest["honest"].copies < 0.03
    assert honest["training images (floor)"].copies == 1


def test_what_was_measured_is_kept_until_the_judge_or_the_images_change(fashion, judge):
    train, test = fashion
    images, ours = train.images[-300:], copy.deepcopy(judge)

    class Counting(nn.Module):
        """The judge, which notes how many images it was shown."""

        shown = 0

        def forward(self, x):
            self.shown += len(x)
            return body(x)

    body, ours.body = ours.body, Counting()
    evaluate(images, train, test, ours)
    assert ours.body.shown == 300 + 2000
    evaluate(images, train, test, ours)
    assert ours.body.shown == 2 * 300 + 2000
    compare({"some": images}, train, test, ours)
    compare({"some": images}, train, test, ours)
    assert ours.body.shown == 2 * 300 + 2000 + 2 * 300 + 2 * 300
    with torch.no_grad():
        ours.scale.mul_(2)
    evaluate(images, train, test, ours)
    assert ours.body.shown == 6 * 300 + 2000 + 300 + 2000
    evaluate(images, train, dataclasses.replace(test), ours)
    assert ours.body.shown == 7 * 300 + 4000 + 300 + 2000


def test_too_few_images_are_refused(fashion, judge, refuses):
    train, test = fashion
    for measure in (lambda images: compare({"few": images}, train, test, judge),
                    lambda images: evaluate(images, train, test, judge)):  # fmt: skip
        with refuses(f"{FEWEST} images", f"not {FEWEST - 1}"):
            measure(train.images[: FEWEST - 1])


def test_with_few_test_images_all_but_the_frechet_distance_is_measured(fashion, judge, capsys, refuses):
    train, test = fashion[0].take(slice(300)), fashion[1].take(slice(60))
    scores = compare({"others": fashion[0].images[300:420]}, train, test, judge)
    assert all(np.isnan(some.frechet) for some in scores.values())
    others = scores["others"]
    assert abs(others.kid) < 0.5 and others.precision > 0.5 and others.recall > 0.5 and others.coverage > 0.7
    said = capsys.readouterr().out
    assert "60 images of each" in said and f"(nan: a Fréchet distance needs {FEWEST} test images or more." in said
    with refuses("needs 60 images", "not 59"):
        evaluate(train.images[:59], train, test, judge)


# The accuracy of a classifier


class Claims3(nn.Module):
    """Says class 3 to every image; with dropout it would say nothing."""

    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout(1.0)

    def forward(self, x):
        return self.dropout(torch.eye(10)[3]).expand(len(x), 10)


def test_the_accuracy_of_a_known_classifier(fashion):
    net, test = Claims3(), fashion[1]
    some = (test.labels == 3) | (torch.arange(2000) < 1034)  # more than one batch, and more of class 3
    data = Images("some", test.images[some], test.labels[some], test.classes)
    assert accuracy(net, data) == pytest.approx(200 / 1130)
    assert net.training  # as it came
    net.eval()
    accuracy(net, data)
    assert not net.training


def test_the_accuracy_on_no_images_is_refused(refuses):
    with refuses("none has no images"):
        accuracy(Claims3(), Images("none", torch.zeros(0, 1, 28, 28), torch.zeros(0).long(), ("a",)))


def test_a_judge_that_changed_measures_again(fashion, judge):
    train, test = fashion
    ours = copy.deepcopy(judge)
    before = compare({"shirts": train.images[:300]}, train, test, ours)
    with torch.no_grad():
        ours.body[-2].weight.mul_(2)  # the same object with other weights
    after = compare({"shirts": train.images[:300]}, train, test, ours)
    floor = after["training images (floor)"]
    assert floor.frechet > 1.2 * before["training images (floor)"].frechet
    assert after["shirts"] == floor  # the very same images, measured with the same judge


@pytest.mark.skipif(not AVAILABLE, reason="this torch has no devices defined in Python")
def test_the_verdict_is_the_same_on_another_device(fashion, judge, capsys):
    train, test = fashion
    train = dataclasses.replace(train, images=train.images[:3000], labels=train.labels[:3000])
    samples = {"noisy": (train.images[:400] + 0.2).clamp(0, 1)}
    here = compare(samples, train, test, judge)
    with second_device() as device:
        moved = copy.deepcopy(judge).to(device)
        there = compare(samples, train.to(device), test.to(device), moved)  # the samples come from the CPU
        features = moved.features(test.images[:300].to(device))
        assert moved.class_frequencies(test.images[:300].to(device)).device == device
        assert moved.class_frequencies_by_features(features).device == device
        shares = precision_recall(features, features + 0.01)
        interval = frechet_interval(features, features + 0.1, draws=5)
    features = features.cpu()
    assert shares == pytest.approx(precision_recall(features, features + 0.01), abs=0.01)
    assert interval == pytest.approx(frechet_interval(features, features + 0.1, draws=5), rel=1e-3)
    for name, verdict in here.items():
        assert dataclasses.astuple(there[name]) == pytest.approx(dataclasses.astuple(verdict), rel=1e-3, abs=1e-5)
    back = compare(samples, train, test, judge)
    assert back == here
