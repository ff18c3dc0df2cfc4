"""The toy distributions, judged by torch.distributions, by integrals and by their own samples."""

import math

import pytest
import torch
from second_device import AVAILABLE, second_device
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from helpers.files import CourseError
from helpers.toys import Mixture, bent_line, mixture_1d, ring, two_moons

TOYS = {
    "mixture_1d": mixture_1d(),
    "ring": ring(),
    "two_moons": two_moons(),
    "bent_line": bent_line(),
    "uneven": Mixture(
        torch.tensor([[0.0, 1.0], [-1.0, 0.5], [1.5, -1.0]]),
        torch.tensor([0.2, 0.5, 0.9]),
        torch.tensor([0.2, 0.7, 0.1]),
    ),
}
every_toy = pytest.mark.parametrize("toy", TOYS.values(), ids=TOYS)
planes = pytest.mark.parametrize("toy", [TOYS[name] for name in TOYS if name != "mixture_1d"])


def oracle(toy):
    """The same distribution as `torch.distributions` has it, in double precision."""
    means, stds = toy.means.double(), toy.stds.double()
    normals = Independent(Normal(means, stds[:, None].expand_as(means)), 1)
    return MixtureSameFamily(Categorical(toy.weights.double()), normals)


def probes(toy, n=200):
    """Points in and around the distribution, in double precision."""
    return 2 * torch.randn(n, toy.means.shape[1], generator=torch.Generator().manual_seed(1)).double()


@every_toy
def test_log_prob_is_that_of_an_independent_library(toy):
    x = probes(toy)
    torch.testing.assert_close(toy.log_prob(x), oracle(toy).log_prob(x), rtol=1e-5, atol=1e-5)


@every_toy
def test_score_is_the_gradient_of_the_independent_log_prob(toy):
    x = probes(toy).requires_grad_()
    (gradient,) = torch.autograd.grad(oracle(toy).log_prob(x).sum(), x)
    torch.testing.assert_close(toy.score(x.detach()), gradient, rtol=1e-5, atol=1e-4)


def test_the_density_on_the_line_integrates_to_1():
    x = torch.linspace(-10, 10, 4001).double()
    area = torch.trapezoid(mixture_1d().log_prob(x[:, None]).exp(), x)
    assert area.item() == pytest.approx(1, abs=1e-5)


@planes
def test_the_density_on_the_plane_integrates_to_1(toy):
    step = 0.05  # below every standard deviation
    side = torch.arange(-5, 5, step).double()
    volume = toy.log_prob(torch.cartesian_prod(side, side)).exp().sum() * step**2
    assert volume.item() == pytest.approx(1, abs=1e-4)


@every_toy
def test_samples_have_the_exact_mean_and_covariance(toy):
    n, dimensions = 100_000, toy.means.shape[1]
    x = toy.sample(n).double()
    weights, means, stds = toy.weights.double(), toy.means.double(), toy.stds.double()
    mean = weights @ means
    second = torch.einsum("k,ki,kj->ij", weights, means, means) + (weights * stds**2).sum() * torch.eye(dimensions)
    covariance = second - torch.outer(mean, mean)

    standard_error = covariance.diagonal().sqrt() / math.sqrt(n)
    assert ((x.mean(0) - mean).abs() < 5 * standard_error).all()
    products = torch.einsum("ni,nj->nij", x - mean, x - mean)
    standard_error = products.std(0) / math.sqrt(n)
    assert ((products.mean(0) - covariance).abs() < 5 * standard_error).all()


@every_toy
def test_the_same_seed_gives_the_same_points(toy):
    assert torch.equal(toy.sample(50, seed=7), toy.sample(50, seed=7))
    assert not torch.equal(toy.sample(50, seed=7), toy.sample(50, seed=8))


@pytest.mark.skipif(not AVAILABLE, reason="this torch has no devices defined in Python")
@every_toy
def test_a_mixture_on_another_device_is_the_same(toy):
    x = toy.sample(50, seed=7)
    with second_device() as device:
        moved = Mixture(toy.means.to(device), toy.stds.to(device), toy.weights.to(device))
        points = moved.sample(50, seed=7)
        answers = points, moved.log_prob(points), moved.convolved(0.3).score(points)
        assert all(answer.device == device for answer in answers)
    right = x, toy.log_prob(x), toy.convolved(0.3).score(x)
    for answer, expected in zip(answers, right, strict=True):
        torch.testing.assert_close(answer.cpu(), expected)


@every_toy
def test_samples_are_float32_points(toy):
    x = toy.sample(3)
    assert x.shape == (3, toy.means.shape[1])
    assert x.dtype == torch.float32


# Shapes of the toys


@pytest.mark.parametrize("modes", [1, 5, 8])
def test_the_ring_has_its_modes_evenly_on_the_radius(modes):
    means = ring(modes, radius=3.0).means
    assert means.shape == (modes, 2)
    torch.testing.assert_close(means.norm(dim=1), torch.full((modes,), 3.0))
    angles = torch.atan2(means[:, 1], means[:, 0]).remainder(2 * math.pi)
    torch.testing.assert_close(angles.sort().values, torch.arange(modes) * 2 * math.pi / modes)


def test_points_of_the_ring_lie_near_its_modes():
    toy = ring(std=0.1)
    assert torch.cdist(toy.sample(2000), toy.means).min(dim=1).values.max() < 5 * 0.1


def from_half_circle(x):
    """How far points (N, 2) lie from the upper half of the unit circle around the origin."""
    ends = torch.cdist(x, torch.tensor([[-1.0, 0.0], [1.0, 0.0]])).min(dim=1).values
    return torch.where(x[:, 1] >= 0, (x.norm(dim=1) - 1).abs(), ends)


def test_points_of_the_bent_line_lie_near_a_half_circle():
    assert from_half_circle(bent_line(std=0.06).sample(2000)).max() < 5 * 0.06


def test_half_of_the_points_lie_near_each_of_the_two_moons():
    x = two_moons(std=0.08).sample(2000)
    upper, lower = from_half_circle(x), from_half_circle(torch.tensor([1.0, 0.5]) - x)
    assert torch.minimum(upper, lower).max() < 5 * 0.08
    assert 900 < (upper < lower).sum() < 1100


def test_the_bent_line_is_as_dense_at_its_middle_as_between_its_points():
    angle = torch.linspace(1, 2, 500)
    along = bent_line().log_prob(torch.stack([angle.cos(), angle.sin()], dim=1))
    assert along.max() - along.min() < 0.01


# What is refused


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"means": (0.0, 1.0, 2.0)}, "same K"),
        ({"stds": (1.0,)}, "same K"),
        ({"weights": (1.0,)}, "same K"),
        ({"stds": (1.0, 0.0)}, "above 0"),
        ({"stds": (1.0, -1.0)}, "above 0"),
        ({"weights": (0.5, 0.6)}, "sum to 1"),
        ({"weights": (1.5, -0.5)}, "0 or more"),
    ],
)
def test_an_impossible_mixture_is_refused(arguments, problem, refuses):
    with refuses("mixture", problem):
        mixture_1d(**arguments)


@pytest.mark.parametrize("make", [ring, two_moons, bent_line])
def test_a_toy_without_width_is_refused(make, refuses):
    with refuses("standard deviation", "above 0"):
        make(std=0.0)


@pytest.mark.parametrize("ask", [Mixture.log_prob, Mixture.score])
@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 3), (5, 2, 1)])
def test_points_of_another_dimension_are_refused(ask, shape, refuses):
    with refuses(str(shape), "(N, 2)"):
        ask(ring(), torch.zeros(shape))


def test_a_ring_without_modes_is_refused(refuses):
    with refuses("modes"):
        ring(modes=0)


def test_whole_numbers_are_good_enough_for_a_mixture():
    toy = mixture_1d(means=(0,), stds=(1,), weights=(1,))
    assert toy.log_prob(torch.zeros(1, 1)).item() == pytest.approx(-0.5 * math.log(2 * math.pi))


@pytest.mark.parametrize("sigma", [0.0, 0.1, 0.7, 3.0])
@every_toy
def test_noise_plus_score_times_variance_is_the_posterior_mean(toy, sigma):
    """Miyasawa 1961: y + sigma^2 score(y) = E[x | y], here against Bayes' rule for each Gaussian of the mixture."""
    y = probes(toy)
    means, variances = toy.means.double(), toy.stds.double() ** 2
    noisy = Independent(Normal(means, (variances + sigma**2).sqrt()[:, None].expand_as(means)), 1)
    responsibility = (noisy.log_prob(y[:, None]) + toy.weights.double().log()).softmax(dim=1)[:, :, None]
    trust = (variances / (variances + sigma**2))[:, None]
    expected = (responsibility * (means + trust * (y[:, None] - means))).sum(dim=1)
    torch.testing.assert_close(y + sigma**2 * toy.convolved(sigma).score(y), expected, rtol=1e-5, atol=1e-4)


def test_convolving_needs_a_standard_deviation():
    with pytest.raises(CourseError, match="0 or more"):
        mixture_1d().convolved(-1.0)
