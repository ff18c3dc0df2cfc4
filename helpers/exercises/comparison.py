"""Judges of the exercises of 14_comparison."""

import torch

from helpers.exercises import Wrong, as_number, describe, exercise

BLOCKS = (slice(4, 12), slice(4, 20)), (slice(16, 24), slice(4, 20))  # rows and columns of two bright blocks


def faint(count, mean, width, seed):
    """Images (count, 1, 28, 28) of one made-up class: two bright blocks vary, each on its own, on a dark ground."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.full((count, 1, 28, 28), 0.3)
    for rows, columns in BLOCKS:
        brightness = mean + width * torch.randn(count, 1, 1, 1, generator=generator)
        images[:, :, rows, columns] = brightness.clamp(0, 1)
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
    images = torch.cat([faint(80, 0.5, 0.08, seed=1), faint(110, 0.85, 0.05, seed=2)])
    labels = torch.cat([torch.zeros(80), torch.ones(110)]).long()
    kept = images.clone()
    drawn = {}
    for label in (0, 1):
        x = answer(images, labels, label, 400, 0)
        if not isinstance(x, torch.Tensor) or x.shape != (400, 1, 28, 28):
            raise Wrong(f"The result should be 400 images, (400, 1, 28, 28); yours is {describe(x)}.")
        if not torch.equal(images, kept):
            raise Wrong("Your function wrote into the images; the next class would see it.")
        if x.isnan().any():
            raise Wrong("There are pixels that are no numbers: the root of a negative eigenvalue? None is below 0.")
        if not (x.min() >= 0 and x.max() <= 1):
            raise Wrong(
                f"Pixels lie in [{x.min():.2f}, {x.max():.2f}]; a Gaussian knows no limits, so clamp to [0, 1]."
            )
        drawn[label] = x.flatten(1).float()
    if not torch.equal(answer(images, labels, 0, 400, 0).flatten(1).float(), drawn[0]):
        raise Wrong("The same seed gives two results; start from `set_seed(seed)` or a generator with this seed.")
    if torch.equal(answer(images, labels, 0, 400, 1).flatten(1).float(), drawn[0]):
        raise Wrong("Another seed gives the same images; use the seed.")
    near = torch.cdist(drawn[0], images.flatten(1)).amin(dim=1)
    if (near < 1e-3).float().mean() > 0.01:
        raise Wrong("Those are training images. A Gaussian mixes all of them.")
    for label in (0, 1):
        real, x = images[labels == label].flatten(1), drawn[label]
        wide = (x.std(dim=0).mean() / real.std(dim=0).mean()).item()  # of single pixels
        if wide > 2:
            raise Wrong(
                f"A pixel spreads {wide:.1f} times as far as in the class. Are the deviations those "
                f"from its mean, and have the weights the variance 1 / n?"
            )
        if (x.mean(dim=0) - real.mean(dim=0)).abs().mean() > 0.02:
            raise Wrong(
                f"The mean of class {label} is off; take the images of this class only, add their mean, and clamp: "
                f"another way into [0, 1] moves the mean."
            )
        if wide < 0.5:
            raise Wrong(f"A pixel spreads {wide:.2f} times as far as in the class; it should be 1.")
        check_covariance(real, x)
    usual = torch.cdist(images.flatten(1), images.flatten(1)).topk(2, largest=False).values[:, 1]
    if near.median() < 0.85 * usual.median():
        raise Wrong("Those are training images with a little noise. A Gaussian mixes all of them.")
    return "No network, no training, one line in the table. Look where it stands."


def check_covariance(real, x):
    """Raise Wrong unless both blocks of x (N, 784) vary as in `real`: as one block, and apart from the other."""
    parts = [torch.stack([y.view(-1, 28, 28)[:, r, c].mean(dim=(1, 2)) for r, c in BLOCKS]) for y in (real, x)]
    spread = (parts[1].std(dim=1) / parts[0].std(dim=1)).mean().item()
    if spread < 0.4:
        raise Wrong("Each pixel varies alone. Neighbours vary together: the covariance is what makes it an image.")
    if not 0.8 < spread < 1.25:
        raise Wrong(f"The spread is {spread:.2f} times that of the class; it should be 1.")
    if abs(torch.corrcoef(parts[1])[0, 1] - torch.corrcoef(parts[0])[0, 1]) > 0.3:
        raise Wrong("Pixels vary together that do not in the class: every deviation needs a random weight of its own.")


@exercise(
    "comparison.2",
    "Two sets of distances: from made to train, and from test to train. The second one says what is usual.",
    "`nearest_training` measures both sets; its first answer are the distances. The limit comes from one set, the "
    "share is asked of the other.",
)
def copied_fraction(answer):
    """A set in which the share of copies is known."""
    generator = torch.Generator().manual_seed(0)
    train, test, new = (torch.rand(n, 1, 28, 28, generator=generator) for n in (250, 200, 160))
    made = torch.cat([(train[:60] + 0.01 * new[:60]).clamp(0, 1), new[60:]])
    close = (train[:200] + 0.2 * test).clamp(0, 1)  # test images that are rather close themselves
    for test_set, quantile in ((test, 0.01), (test, 0.5), (close, 0.05)):
        value = as_number(answer(made, train, test_set, quantile))
        far = [torch.cdist(x.flatten(1), train.flatten(1)).amin(dim=1) for x in (made, test_set)]
        right = (far[0] < far[1].quantile(quantile)).float().mean().item()
        low, high = (  # a quantile between two distances may be either of them
            (far[0] < far[1].quantile(quantile, interpolation=end)).float().mean().item() for end in ("lower", "higher")
        )
        if low - 1e-6 < value < high + 1e-6:
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
    for limit, slope, scatter, counts in (
        (2.0, 300.0, 0.0, [250, 500, 1000, 2000]),
        (0.1, 250.0, 0.0, [300, 400, 600, 1500]),
        (3.0, 400.0, 0.02, [250, 500, 1000, 2000]),
    ):
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
