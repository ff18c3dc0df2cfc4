"""Judges of the exercises of 14_comparison."""

import torch

from helpers.exercises import Wrong, as_number, describe, exercise


def faint(count, mean, seed):
    """Images (count, 1, 28, 28) of one made-up class: a bright block that varies, on a dark ground."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.full((count, 1, 28, 28), 0.3)
    brightness = mean + 0.08 * torch.randn(count, 1, 1, 1, generator=generator)
    images[:, :, 8:20, 8:20] = brightness.clamp(0, 1)
    return (images + 0.02 * torch.randn(images.shape, generator=generator)).clamp(0, 1)


@exercise(
    "comparison.1",
    "A Gaussian needs a mean and a spread. With fewer images than pixels the covariance has no inverse, but sampling "
    "needs none: mean + (weights @ deviations), with random weights.",
    "Random weights of variance 1 on n deviations add up to n times the covariance: what brings it back? And which "
    "values may a pixel have?",
)
def class_gaussian(answer):
    """Two made-up classes whose mean and covariance are known."""
    images = torch.cat([faint(80, 0.5, seed=1), faint(80, 0.75, seed=2)])
    labels = torch.arange(160) // 80
    drawn = {}
    for label in (0, 1):
        x = answer(images, labels, label, 400, 0)
        if not isinstance(x, torch.Tensor) or x.shape != (400, 1, 28, 28):
            raise Wrong(f"The result should be 400 images, (400, 1, 28, 28); yours is {describe(x)}.")
        if not (x.min() >= 0 and x.max() <= 1):
            raise Wrong(
                f"Pixels lie in [{x.min():.2f}, {x.max():.2f}]; a Gaussian knows no limits, so clamp to [0, 1]."
            )
        drawn[label] = x.flatten(1)
    if not torch.equal(answer(images, labels, 0, 400, 0).flatten(1), drawn[0]):
        raise Wrong("The same seed gives two results; start from `set_seed(seed)` or a generator with this seed.")
    if torch.equal(answer(images, labels, 0, 400, 1).flatten(1), drawn[0]):
        raise Wrong("Another seed gives the same images; use the seed.")
    if (torch.cdist(drawn[0], images.flatten(1)).amin(dim=1) < 1e-3).float().mean() > 0.01:
        raise Wrong("Those are training images. A Gaussian mixes all of them.")
    for label in (0, 1):
        real = images[labels == label].flatten(1)
        if (drawn[label].mean(dim=0) - real.mean(dim=0)).abs().mean() > 0.02:
            raise Wrong(f"The mean of class {label} is off; take the images of this class only, and add their mean.")
    real, x = images[labels == 0].flatten(1), drawn[0]
    block = torch.zeros(28, 28, dtype=torch.bool)
    block[8:20, 8:20] = True
    spread = [part[:, block.flatten()].mean(dim=1).std() for part in (real, x)]
    if spread[1] < 0.4 * spread[0]:
        raise Wrong("Each pixel varies alone. Neighbours vary together: the covariance is what makes it an image.")
    if not 0.8 < spread[1] / spread[0] < 1.25:
        raise Wrong(f"The spread is {spread[1] / spread[0]:.2f} times that of the class; it should be 1.")
    return "No network, no training, one line in the table. Look where it stands."


@exercise(
    "comparison.2",
    "Two sets of distances: from made to train, and from test to train. The second one says what is usual.",
    "`nearest_training` measures both sets; its first answer are the distances. The limit comes from one set, the "
    "share is asked of the other.",
)
def copied_fraction(answer):
    """A set in which the share of copies is known."""
    generator = torch.Generator().manual_seed(0)
    train, test, new = torch.rand(3, 200, 1, 28, 28, generator=generator)
    made = torch.cat([(train[:60] + 0.01 * new[:60]).clamp(0, 1), new[60:200]])
    close = (train[:200] + 0.2 * test).clamp(0, 1)  # test images that are rather close themselves
    for test_set, quantile in ((test, 0.01), (test, 0.5), (close, 0.05)):
        value = as_number(answer(made, train, test_set, quantile))
        far = [torch.cdist(x.flatten(1), train.flatten(1)).amin(dim=1) for x in (made, test_set)]
        right = (far[0] < far[1].quantile(quantile)).float().mean().item()
        if abs(value - right) < 1e-6:
            continue
        known = {
            "That is the share of images that are *not* so close.": 1 - right,
            "Close to the test images is no theft: measure the distance to the training images.": (
                (torch.cdist(made.flatten(1), test_set.flatten(1)).amin(dim=1) < far[1].quantile(quantile))
                .float()
                .mean()
            ),
            "You took the quantile of the made images: then the answer is always the quantile itself.": (
                (far[0] < far[0].quantile(quantile)).float().mean()
            ),
            "The count is right; a share is asked for.": right * len(made),
            "The quantile is exchanged: 1 % of the test images should be closer, not 99 %.": (
                (far[0] < far[1].quantile(1 - quantile)).float().mean()
            ),
        }
        for words, wrong in known.items():
            if abs(value - float(wrong)) < 1e-6:
                raise Wrong(words)
        raise Wrong(f"With quantile = {quantile} the share should be {right:.3f}; yours is {value:.3f}.")
    return "Real new images score the quantile itself; well above it, somebody has copied."


@exercise(
    "comparison.3",
    "Against which x is the distance a straight line? Where on that axis is N infinite?",
    "Draw the distances over 1 / N. A line can hardly meet all points: least squares chooses one. Read its height "
    "at the right place.",
)
def unbiased_distance(answer):
    """Distances on a known line, with and without scatter."""
    counts = [250, 500, 1000, 2000]
    for limit, slope, scatter in ((2.0, 300.0, 0.0), (0.0, 250.0, 0.0), (3.0, 400.0, 0.02)):
        x = torch.tensor(counts, dtype=torch.double).reciprocal()
        noise = scatter * torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.double)
        distances = limit + slope * x + noise
        value = as_number(answer(counts, distances.tolist()))
        design = torch.stack([torch.ones_like(x), x], dim=1)
        right, steep = torch.linalg.lstsq(design, distances[:, None]).solution[:, 0].tolist()
        if abs(value - right) < 1e-3:
            continue
        if abs(value - steep) < 1e-3 * abs(steep):
            raise Wrong("That is the slope, what an image fewer costs; asked is the height at 1 / N = 0.")
        if abs(value - distances[-1]) < 1e-3:
            raise Wrong("That is the distance at the largest N, and still too large.")
        if abs(value - distances.mean()) < 1e-3:
            raise Wrong("A mean over the counts depends on which counts were measured.")
        lengths = torch.stack([torch.ones_like(x), x.reciprocal()], dim=1)
        if abs(value - torch.linalg.lstsq(lengths, distances[:, None]).solution[0, 0]) < 1e-3:
            raise Wrong("Fitted against N, the line leads to no images at all. Fit against 1 / N.")
        raise Wrong(
            f"For distances {[round(d, 3) for d in distances.tolist()]} it should be {right:.3f}, not {value:.3f}."
        )
    return "Now models measured with different N can be compared; the judge stays the same."
