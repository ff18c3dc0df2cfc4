"""Toy distributions whose density and score are known exactly, so that a network's guess can be judged."""

import math
from dataclasses import dataclass, replace

import torch

from helpers.files import CourseError


@dataclass(frozen=True)
class Mixture:
    """A mixture of K round Gaussians in D dimensions: means (K, D), stds (K,), weights (K,) that sum to 1.

    `name` goes into the names of weights that are trained on it.
    """

    means: torch.Tensor
    stds: torch.Tensor
    weights: torch.Tensor
    name: str = "mixture"

    def __post_init__(self):
        k = len(self.means)
        if self.means.ndim != 2 or self.stds.shape != (k,) or self.weights.shape != (k,):
            raise CourseError("a mixture needs means (K, D), stds (K,) and weights (K,) with the same K")
        if not (self.stds > 0).all():
            raise CourseError("every standard deviation of a mixture should be above 0")
        if not (self.weights >= 0).all() or not math.isclose(self.weights.sum(), 1, abs_tol=1e-5):
            raise CourseError("the weights of a mixture should be 0 or more and sum to 1")

    def sample(self, n, seed=0):
        """n independent points (n, D), the same on every device."""
        generator, device = torch.Generator().manual_seed(seed), self.means.device
        component = torch.multinomial(self.weights.cpu(), n, replacement=True, generator=generator).to(device)
        noise = torch.randn(n, self.means.shape[1], generator=generator).to(device)
        return self.means[component] + self.stds[component, None] * noise

    def log_joint(self, x):
        """log(weight_k * N(x; mean_k, std_k)) of each component, (N, K), for x (N, D)."""
        if x.ndim != 2 or x.shape[1] != self.means.shape[1]:
            raise CourseError(f"points have shape {tuple(x.shape)}; it should be (N, {self.means.shape[1]})")
        squared = (x[:, None] - self.means).square().sum(-1) / self.stds**2
        volume = self.means.shape[1] * (self.stds.log() + 0.5 * math.log(2 * math.pi))
        return self.weights.log() - 0.5 * squared - volume

    def log_prob(self, x):
        """Exact log density (N,) at x (N, D)."""
        return self.log_joint(x).logsumexp(dim=1)

    def score(self, x):
        """Exact gradient of the log density with respect to x, (N, D): it points to where data is denser."""
        responsibility = self.log_joint(x).softmax(dim=1)
        pull = (self.means - x[:, None]) / (self.stds**2)[:, None]
        return (responsibility[:, :, None] * pull).sum(dim=1)

    def convolved(self, sigma):
        """The mixture of its points plus Gaussian noise of standard deviation `sigma`: wider, and as exact."""
        if not sigma >= 0:
            raise CourseError(f"sigma is {sigma}; a standard deviation is 0 or more")
        return replace(self, stds=(self.stds**2 + sigma**2).sqrt())


def mixture_1d(means=(-2.0, 1.0), stds=(0.5, 0.8), weights=(0.4, 0.6)):
    """A mixture on the line, as a `Mixture` with D = 1."""
    means, stds, weights = (torch.tensor(values, dtype=torch.float32) for values in (means, stds, weights))
    return Mixture(means[:, None], stds, weights)


def along(curve, std, name):
    """Equal Gaussians centred on the points of `curve` (K, 2): a fuzzy line with an exact density."""
    k = len(curve)
    return Mixture(curve, torch.full((k,), std), torch.full((k,), 1 / k), name)


def ring(modes=8, radius=2.0, std=0.1):
    """`modes` equal Gaussians on a circle: the classic test for mode collapse."""
    if modes < 1:
        raise CourseError(f"modes is {modes}; a ring needs one or more")
    angle = torch.arange(modes) * (2 * math.pi / modes)
    return along(radius * torch.stack([angle.cos(), angle.sin()], dim=1), std, f"ring_{modes}")


def two_moons(std=0.08):
    """Two interleaved half circles, each 64 Gaussians strung so densely that they cannot be told apart."""
    angle = torch.linspace(0, math.pi, 64)
    upper = torch.stack([angle.cos(), angle.sin()], dim=1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], dim=1)
    return along(torch.cat([upper, lower]), std, "moons")


def bent_line(std=0.06):
    """Points near a half circle: one number says where a point lies, but no straight line does."""
    angle = torch.linspace(0, math.pi, 64)
    return along(torch.stack([angle.cos(), angle.sin()], dim=1), std, "bent_line")
