"""The judge of the faces: it reads every attribute, and its features are what distances are measured in.

`python -m tools.attributes` trains it again.
"""

import torch
from torch import nn

from helpers.files import CourseError
from helpers.judge import FEATURES, Judge, convolution, weights_name
from helpers.store import load_weights

COLOUR = (3, 64, 64)  # (C, H, W) of the faces


def attribute_body(shape=COLOUR):
    """Images (N, *shape) -> features (N, 64), 0 or more: five convolutions, sharp-eyed enough for a wink at 64 x 64."""
    channels, height, width = shape
    return nn.Sequential(
        *convolution(channels, 32, size=5, stride=2), *convolution(32, 64, stride=2),  # (N, 64, H / 4, W / 4)
        *convolution(64, 96, stride=2), *convolution(96, 96), *convolution(96, 32, size=1),  # (N, 32, H / 8, W / 8)
        nn.Flatten(), nn.Dropout(0.1), nn.Linear(32 * (height // 8) * (width // 8), FEATURES), nn.ReLU(),
    )  # fmt: skip


class AttributeJudge(Judge):
    """A judge of images (N, *shape) that reads several attributes at once, a linear head each on the same features.

    words: {attribute: the words for its values}; the values of the first one are its classes.
    """

    def __init__(self, words, body=None, shape=COLOUR):
        counts = {name: len(values) for name, values in words.items()}
        super().__init__(attribute_body(shape) if body is None else body, sum(counts.values()), shape)
        self.counts = counts

    def classes_of(self, logits):
        """Logits (N, K) of the first attribute, which are the classes."""
        return next(iter(self.split(logits).values()))

    def logits(self, x):
        """{attribute: logits (N, number of its values)} of images (N, *shape)."""
        return self.split(self.head(self.body(x)))

    def split(self, logits):
        """{attribute: its columns} of the logits of all attributes, side by side."""
        return dict(zip(self.counts, logits.split(list(self.counts.values()), dim=1), strict=True))

    @torch.no_grad()
    def read(self, images):
        """{attribute: the value (N,) int64 that the judge reads} in images (N, *shape) in [0, 1]."""
        logits = self.split(self.head(self.features(images) * self.scale))
        return {name: columns.argmax(dim=1) for name, columns in logits.items()}

    def right(self, images, attributes):
        """{attribute: bool (N,), whether the judge reads what `attributes`, {attribute: (N,) int64}, says}.

        Only of the attributes that are asked for. All at once: `torch.stack(list(right.values())).all(dim=0)`.
        """
        if unknown := attributes.keys() - self.counts.keys():
            raise CourseError(f"{', '.join(sorted(unknown))} is none of what the judge reads: {', '.join(self.counts)}")
        said = self.read(images)
        return {name: said[name] == values for name, values in attributes.items()}


def load_attribute_judge(data):
    """The shipped judge of a data set with attributes (an `Images`), on its device, without dropout."""
    judge = AttributeJudge(data.words, shape=data.shape).to(data.images.device)
    load_weights(weights_name(), judge, data, steps=0)
    return judge.eval()
