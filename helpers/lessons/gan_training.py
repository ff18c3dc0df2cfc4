"""What lessons keep for later ones, gan training; made by `python -m tools.notebooks export`; edit notebooks."""

from copy import deepcopy

import torch

from helpers.lessons.gan import Discriminator, Generator, discriminator_step, generator_step, update_ema
from helpers.training import progress, set_seed


# --- from notebooks/06_gan_training.ipynb; edit there ---
def new_players(lr_g, lr_d, momentum, change, device):
    """G, its moving average, D (changed by `change`, if there is one), and their optimisers."""
    g = Generator().to(device)
    d = Discriminator().to(device)
    d = change(d) if change else d
    opt_g = torch.optim.Adam(g.parameters(), lr=lr_g, betas=(momentum, 0.99))
    opt_d = torch.optim.Adam(d.parameters(), lr=lr_d, betas=(momentum, 0.99))
    return g, deepcopy(g).eval(), d, opt_g, opt_d


@torch.no_grad()
def snapshot(g, ema, d, z, judge, seen, fresh):
    """One moment of a game: how often G draws each class, D's mean logits, images."""
    made = torch.stack([g(z), ema(z)])
    return {
        "class_frequencies": judge.class_frequencies(made[0]),  # (10,)
        "logits": torch.stack([d(seen).mean(), d(fresh).mean()]),  # (2,)
        "film": made[0, :5],
        "samples": (255 * made).round().byte(),  # (2, N, 1, 28, 28): of G, of its average
    }


def fit_gan(data, steps, seed, judge, fresh, lr_g, lr_d, momentum, change=None, penalty=None):
    """Play with up to 32 images a round; the players are new, and only the history remains:

    D's loss in each round, `snapshot` at eight moments, and of the last one the 500 images."""
    set_seed(seed)
    g, ema, d, opt_g, opt_d = new_players(lr_g, lr_d, momentum, change, fresh.device)
    losses, moments, size = [], [], min(32, len(data))
    shots = torch.linspace(0, steps - 1, 9)[1:].long().tolist()
    z_film = torch.randn(500, g.d, device=fresh.device)
    for step, (x, _) in enumerate(progress(data.batches(size, steps=steps, seed=seed), losses)):
        z = torch.randn(2, len(x), g.d, device=x.device)
        losses.append(discriminator_step(g, d, x, z[0], opt_d, penalty if step % 4 == 0 else None))
        generator_step(g, d, z[1], opt_g)
        update_ema(ema, g)
        if step in shots:
            now = snapshot(g, ema, d, z_film, judge, data.images[:100], fresh)
            moments += shots.count(step) * [now]
    kept = ("class_frequencies", "logits", "film")
    history = {name: torch.stack([moment[name] for moment in moments]) for name in kept}
    return {"loss": losses, **history, "samples": moments[-1]["samples"]}


def last_images(run, average=False):
    """The last images of G, or of its moving average, (500, 1, 28, 28) in [0, 1], on the CPU."""
    return run.history["samples"][int(average)] / 255
