"""What lessons keep for later ones, representations; made by `python -m tools.notebooks export`; edit notebooks."""


# --- from notebooks/02_representations.ipynb; edit there ---
def psnr(x_hat, x):
    """Peak signal-to-noise ratio in dB of images in [0, 1], averaged over the images."""
    return -10 * (x_hat - x).square().flatten(1).mean(dim=1).log10().mean().item()
