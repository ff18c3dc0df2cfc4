"""What lessons keep for later ones, conditional gan; made by `python -m tools.notebooks export`; edit notebooks."""

import torch
import torch.nn.functional as F

from helpers.lessons.gan import Generator


# --- from notebooks/07_conditional_gan.ipynb; edit there ---
class ConditionalGenerator(Generator):
    """Codes z (N, d) and classes y (N,) -> images (N, 1, 28, 28) in [0, 1]."""

    def __init__(self, d=64):
        super().__init__(d + 10)
        self.d = d  # numbers in z; the class takes ten more inputs

    def forward(self, z, y):
        return self.body(torch.cat([z, F.one_hot(y, 10)], dim=1))
