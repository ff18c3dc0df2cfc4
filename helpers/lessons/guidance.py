"""What lessons keep for later ones, guidance; made by `python -m tools.notebooks export`; edit notebooks."""

import torch

from helpers.lessons.diffusion import make_denoiser


# --- from notebooks/10_guided_diffusion.ipynb; edit there ---
def cfg_combine(uncond, cond, scale):
    """Classifier-free guidance of predictions (N, ...). Ho and Salimans 2022: w is scale - 1."""
    return (1 - scale) * uncond + scale * cond


def cfg_denoiser(net, y, scale, alpha_bars):
    """predict_x_0(x_t, t) -> x_0_hat in [-1, 1] of a network, guided to the classes y (N,)."""
    cond = make_denoiser(net, y, alpha_bars)
    uncond = make_denoiser(net, torch.full_like(y, 10), alpha_bars)
    def predict_x_0(x_t, t):
        return cfg_combine(uncond(x_t, t), cond(x_t, t), scale).clamp(-1, 1)
    return predict_x_0
