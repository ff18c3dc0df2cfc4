"""Lessons broken on purpose: do their own asserts and compared outputs notice? `python -m tests.mutations [gan]`.

Each lesson is broken in three ways or more; only its cells up to the place that should notice are run, in the demo path
(`steps = 0`). A report follows, and success means that nine of ten were caught. Not part of pytest: it takes minutes.
"""

import sys

from nbclient.exceptions import CellExecutionError

from tools import notebooks

MUTATIONS = {  # what: (topic, text in a cell, what replaces it, text in the last cell that is run)
    "the optimiser never steps": ("autoencoder", "    optimizer.step()", "    pass", "ratio < 0.2"),
    "encoder as narrow as the decoder is wide": (
        "autoencoder",
        "nn.Linear(128, code_size),\n    )",
        "nn.Linear(128, 2 * code_size),\n    )",
        "model(x).shape == x.shape",
    ),
    "the decoder forgets the picture's shape": (
        "autoencoder",
        "nn.Unflatten(1, (1, 28, 28)),\n    )",
        "nn.Identity(),\n    )",
        "model(x).shape == x.shape",
    ),
    "PCA keeps the worst directions": ("autoencoder", ".eigenvectors.flip(1)", ".eigenvectors", "numbers, PCA:"),
    "the target is noise, not the image": (
        "autoencoder",
        "F.mse_loss(x_hat, x)",
        "F.mse_loss(x_hat, torch.randn_like(x))",
        "ratio < 0.2",
    ),
    "levels are rounded down": ("representations", ".round()", ".floor()", "half a level"),
    "one level too many": ("representations", "top = 2**bits - 1", "top = 2**bits", "half a level"),
    "the strange are found by the wrong sign": (
        "representations",
        "def auroc(normal, strange):",
        "def auroc(strange, normal):",
        "wide < narrow < code",
    ),
    "each view is its own partner": (
        "representations",
        "similar.fill_diagonal_(-torch.inf)",
        "similar.fill_diagonal_(0.0)",
        "right angles",
    ),
    "PCA keeps its last numbers": (
        "representations",
        "kept = directions[:, :code_size]",
        "kept = directions[:, -code_size:]",
        "pca < 0.9 * ours",
    ),
    "no gradient comes back from the drawn code": (
        "variational",
        "return mu + (log_var / 2).exp() * torch.randn_like(mu)",
        "return Normal(mu, 1.0).sample()",
        "slope",
    ),
    "all codes come from one component": (
        "variational",
        "torch.multinomial(self.logits.softmax(dim=0), n, replacement=True)",
        "torch.zeros(n, dtype=torch.long)",
        "learned < 0.7",
    ),
    "the bound forgets the spread of the cloud": (
        "variational",
        "log_prob(m) - variance / 2 - kl_to_standard(m, log_var)",
        "log_prob(m) - kl_to_standard(m, log_var)",
        "gap - kl",
    ),
    "a width for a variance in the Fréchet distance": ("variational", "[[width**2]]", "[[width]]", "other shape"),
    "the sampler takes the codes of real images for the prior's": (
        "variational",
        "z_prior = torch.randn(2000, d, device=device)",
        "z_prior = z_train[:2000]",
        "better < 0.6",
    ),
    "the class is forgotten when sampling": (
        "variational",
        "F.relu(self.from_code(z) + self.class_out(y))",
        "F.relu(self.from_code(z) + 0 * self.class_out(y))",
        "right > 0.7",
    ),
    "the KL term is doubled": ("variational", "return 0.5 * (mu**2", "return 1.0 * (mu**2", "closed form {closed"),
    "noise of strength 0 is noise": (
        "denoising",
        "x + sigma * torch.randn_like(x)",
        "x + torch.randn_like(x)",
        "damaged:",
    ),
    "the posterior forgets what was known before": (
        "denoising",
        "log_prior(x[:, None]) - 0.5",
        "-0.5",
        "gap < 0.15",
    ),
    "the noise is added, not subtracted": (
        "denoising",
        "return x - self.sigma * self.logits(x)",
        "return x + self.sigma * self.logits(x)",
        "cured > decibels",
    ),
    "a wrong level is told": (
        "denoising",
        "calm = x_noisy / (sigma**2 + 0.25).sqrt()",
        "calm = x_noisy / (sigma + 0.25)",
        "max(behind[:4])",
    ),
    "the staircase adds the noise of the level that it leaves": (
        "denoising",
        "x = x_hat + lower * torch.randn_like(x)",
        "x = x_hat + 2**0.5 * sigma * torch.randn_like(x)",
        "abs(spread - 0.5**0.5)",
    ),
    "arrows point away from the data": (
        "denoising",
        "(denoise_points(net, y, sigma) - y)",
        "(y - denoise_points(net, y, sigma))",
        "all_of_them > wanted",
    ),
    "the best discriminator forgets the forgeries": (
        "gan",
        "best = p_line / (p_line + q_line)",
        "best = p_line",
        "gap < 0.08",
    ),
    "a divergence counted twice": ("gan", "jsd = 0.5 * (", "jsd = 1.0 * (", "2 * jsd:.3f}"),
    "the two losses of G are exchanged": (
        "gan",
        "saturating, other = -F.softplus(logit), F.softplus(-logit)",
        "other, saturating = -F.softplus(logit), F.softplus(-logit)",
        "slopes[0][sure]",
    ),
    "D is taught that forgeries are real": (
        "gan",
        "F.softplus(discriminator(fake))",
        "F.softplus(-discriminator(fake))",
        'ahead["-log D"]',
    ),
    "D's step reaches into G": (
        "gan",
        'with torch.set_grad_enabled(name != "no_grad"):',
        "with torch.set_grad_enabled(True):",
        'grads["no_grad"][1] is None',
    ),
    "the walk stays on one moon": (
        "gan",
        "ends = z[to_upper.argmin()], z[to_lower",
        "ends = z[to_upper.argmin()], z[to_upper",
        "farthest > 0.98",
    ),
    "noise counts as edges": (
        "gan",
        "across[..., 1:, :] * across[..., :-1, :]",
        "across * across",
        "but not for edges",
    ),
    "a ruler that calls nothing a copy": (
        "gan",
        '"ratio": first / second',
        '"ratio": second / first',
        "but not from the ratio",
    ),
    "points far from a mode count as good": (
        "gan_training",
        "good = distance < 3 *",
        "good = distance < 9 *",
        "abs(good - 1",
    ),
    "G of the Dirac-GAN moves the wrong way": (
        "gan_training",
        "- seen * torch.sigmoid",
        "+ seen * torch.sigmoid",
        "abs(measured - growth[name])",
    ),
    "smoothing has the wrong sign": (
        "gan_training",
        "return 0.1 * discriminator(x)",
        "return -0.1 * discriminator(x)",
        "smoothing equals its formula",
    ),
    "the divergence forgets to halve the sum": ("gan_training", "m = (p + q) / 2", "m = p + q", "jsd[8] <= jsd[16]"),
    "instance noise does not fade": (
        "gan_training",
        "noisy.sigma = 1 - part",
        "noisy.sigma = 1.0",
        "instance noise at half-time",
    ),
    "G is not told the class": (
        "conditional_gan",
        "torch.cat([z, F.one_hot(y, 10)], dim=1)",
        "torch.cat([z, 0 * F.one_hot(y, 10)], dim=1)",
        "obeyed > 0.7",
    ),
    "D looks at another class": (
        "conditional_gan",
        "gather(1, y[:, None])",
        "gather(1, 9 - y[:, None])",
        "the logit is the features",
    ),
    "all images are moved alike": (
        "conditional_gan",
        "rows[:, :, None], columns[:, None, :]",
        "rows[:1, :, None], columns[:1, None, :]",
        "len(places) == 49",
    ),
    "a moved copy is searched where it is": (
        "conditional_gan",
        "torch.cdist(shifted(images, right, down)",
        "torch.cdist(shifted(images, 0, 0)",
        "but not from the one that searches",
    ),
    "the ratio of the two nearest is upside down": (
        "conditional_gan",
        "first / second",
        "second / first",
        "every ruler should know an exact copy",
    ),
    "the forgeries stay floats": (
        "conditional_gan",
        "return (255 * images).round() / 255",
        "return 255 * images / 255",
        "len(forged.unique()) <= 256",
    ),
    "the detector accuses the wrong side": (
        "conditional_gan",
        "(logits < 0)",
        "(logits > 0)",
        "own - real > 0.5",
    ),
    "the schedule forgets its first entry": (
        "forward_diffusion",
        "torch.cat([torch.ones(1), (1 - betas).cumprod(dim=0)]).float()",
        "(1 - betas).cumprod(dim=0).float()",
        "alpha_bars[0] == 1",
    ),
    "the jump shrinks by alpha_bar_t, not by its root": (
        "forward_diffusion",
        "return alpha_bar_t.sqrt() * x_0",
        "return alpha_bar_t * x_0",
        "max(gaps.values()) < 0.02",
    ),
    "the posterior is as wide as the step": (
        "forward_diffusion",
        "(1 - before) / (1 - now) * beta",
        "beta + 0 * before",
        "Bayes on a grid",
    ),
    "the exact variance forgets to shrink": (
        "forward_diffusion",
        "(1 - alpha) / math.sqrt(alpha) * slope",
        "(1 - alpha) * slope",
        "variance on the grid",
    ),
    "the axes of the ghosts do not drown": (
        "forward_diffusion",
        "(alpha_bar_t * variances + 1 - alpha_bar_t)",
        "(variances + 1 - alpha_bar_t)",
        "the linear schedule should lose less",
    ),
    "the bound takes the other variance": (
        "forward_diffusion",
        "score, x_t, now, before, exact)\n        if t == 1",
        "score, x_t, now, before, not exact)\n        if t == 1",
        "the bound should be tight",
    ),
    "v turns the other way": (
        "reverse_diffusion",
        "alpha_bar_t.sqrt() * x_t - (1 - alpha_bar_t).sqrt() * output",
        "alpha_bar_t.sqrt() * x_t + (1 - alpha_bar_t).sqrt() * output",
        "comes back",
    ),
    "a stride with the variance of a whole step": (
        "reverse_diffusion",
        "(1 - then) / (1 - now) * (1 - now / then)",
        "(1 - now / then)",
        "ours agrees",
    ),
    "a new block does something": (
        "reverse_diffusion",
        "zeros_(self.conv1.weight)",
        "ones_(self.conv1.weight)",
        "do nothing",
    ),
    "noise added on top": (
        "reverse_diffusion",
        "(1 - then - variance).clamp(min=0)",
        "(1 - then)",
        "for eta in (0.0, 0.5, 1.0)",
    ),
    "the last call is wasted at t = 1": (
        "reverse_diffusion",
        "round(T * (1 - i / count))",
        "round(T - (T - 1) * i / max(1, count - 1))",
        "what the last call is worth",
    ),
    "the four pixels of a square begin unequal": (
        "reverse_diffusion",
        "p[:] = p[:1].clone()",
        "p[:] = p.clone()",
        "they should begin equal",
    ),
    "guidance starts from the class": (
        "guided_diffusion",
        "return (1 - scale) * uncond + scale * cond",
        "return uncond + scale * cond",
        "exactly: {same}",
    ),
    "the sketch is not noised": (
        "guided_diffusion",
        "x_t = noised(x_0, timesteps[0], alpha_bars)",
        "x_t = x_0",
        "alike[900] < 0.85",
    ),
    "both predictions know the class": (
        "guided_diffusion",
        "uncond = make_denoiser(net, torch.full_like(y, 10), alpha_bars)",
        "uncond = make_denoiser(net, y, alpha_bars)",
        "exactly: {same}",
    ),
    "guidance outside of its interval": (
        "guided_diffusion",
        "return guided(x_t, t) if above < t <= up_to else plain(x_t, t)",
        "return guided(x_t, t)",
        "nowhere scale 1",
    ),
    "the enlarging networks do not see the small image": (
        "guided_diffusion",
        "torch.cat([x_t, bicubic(low)], dim=1)",
        "torch.cat([x_t, 0 * bicubic(low)], dim=1)",
        "regression should beat the bicubic filter",
    ),
    "RePaint does not go back up": (
        "guided_diffusion",
        "x = alpha.sqrt() * x_s + (1 - alpha).sqrt() * torch.randn_like(x_s)",
        "x = x",
        "RePaint should soften it more",
    ),
    "known pixels with the noise of t": (
        "guided_diffusion",
        "known * noised(x_0, s, alpha_bars)",
        "known * noised(x_0, t, alpha_bars)",
        "exactly as they are",
    ),
    "the line is mixed from the wrong end": (
        "flow_matching",
        "return (1 - s) * x_0 + s * eps",
        "return s * x_0 + (1 - s) * eps",
        "abs(counted - formula)",
    ),
    "the slope forgets how wide the data are": (
        "flow_matching",
        "(s - (1 - s) * mixture.stds**2) / variances",
        "s / variances",
        "abs(counted - formula)",
    ),
    "the walk goes towards the noise": (
        "flow_matching",
        "return x + (r - s) * velocity(x, s)",
        "return x - (r - s) * velocity(x, s)",
        "crossings == 0",
    ),
    "the guess lies behind the noise": ("flow_matching", "return x_s - s * v", "return x_s + s * v", "equal are"),
    "Heun looks at the start twice": ("flow_matching", "velocity(ahead, r)", "velocity(x, s)", "measured order"),
    "the divergence is taken off": (
        "flow_matching",
        "gained + (r - s) * spread",
        "gained - (r - s) * spread",
        "worst < 0.1",
    ),
    "hidden points are not found again": (
        "latent_diffusion",
        "points = x @ AXES.T",
        "points = x @ AXES.T * 1.01",
        "seek(hide(some))",
    ),
    "the code is not standardised": (
        "latent_diffusion",
        "(torch.cat(z) - self.mean) / self.std",
        "torch.cat(z) - self.mean",
        "abs(u_train.std() - 1)",
    ),
    "the decoder gets standardised codes": (
        "latent_diffusion",
        "(u * self.std + self.mean).split(250)",
        "u.split(250)",
        "survive in nine of ten",
    ),
    "the network's clock is another one": (
        "latent_diffusion",
        "torch.full((len(x),), 1000.0 * s",
        "torch.full((len(x),), 1.0 * s",
        "codes should come before pixels",
    ),
    "between two noises it goes straight": (
        "latent_diffusion",
        "(((1 - a) * omega).sin() * start + (a * omega).sin() * end) / omega.sin()",
        "(1 - a) * start + a * end + 0 * omega",
        "half.norm()",
    ),
    "the way back begins at pure noise": (
        "latent_diffusion",
        "times = [s * time for time in even_times(max(1, round(s * count)))]",
        "times = even_times(count)",
        "still there at s",
    ),
    "padding is asked as well": (
        "text_to_image",
        "attention(q, k, v, mask[:, None, None])",
        "attention(q, k, v)",
        "short, long[:, :8]",
    ),
    "scores are not scaled": (
        "text_to_image",
        "q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])",
        "q @ k.transpose(-1, -2)",
        "theirs",
    ),
    "words do not know their places": (
        "text_to_image",
        "self.words(y) + time_embedding(places, self.norm.weight.numel(), 100)",
        "self.words(y) + 0 * time_embedding(places, self.norm.weight.numel(), 100)",
        "should bind colours",
    ),
    "guidance goes the other way": (
        "text_to_image",
        "cfg_combine(avoided, wanted, scale)",
        "cfg_combine(wanted, avoided, scale)",
        "should be drawn as it was said",
    ),
    "what is to be avoided is not said": (
        "text_to_image",
        "expand_as(y) if y_avoid is None else y_avoid",
        "expand_as(y)",
        "a negative prompt should keep glasses away",
    ),
    "attention does not begin at zero": (
        "text_to_image",
        "        nn.init.zeros_(self.out.weight)\n        nn.init.zeros_(self.out.bias)",
        "",
        "y.flip(0)",
    ),
    "the copies are sought among the test images": (
        "comparison",
        "itself = evaluate(test.images, train,",
        "itself = evaluate(test.images, test,",
        "abs(itself.copies - 0.01)",
    ),
    "the judge compares with training images": (
        "comparison",
        "itself = evaluate(test.images, train, test,",
        "itself = evaluate(test.images, train, train,",
        "itself.frechet <",
    ),
    "the sharpest is called the softest": (
        "comparison",
        "min(soft, key=soft.get) == VAE",
        "max(soft, key=soft.get) == VAE",
        "the VAE should be the softest",
    ),
}


def broken(topic, old, new, last):
    """The lesson up to the cell that holds `last`, with `old` replaced in the first cell that has it."""
    (path,) = notebooks.lessons(topic)
    expected, notebook = compared(notebooks.read(path)), notebooks.fresh(path, steps=0)
    end = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and last in cell.source)
    notebook.cells = notebook.cells[: end + 1]
    target = next(cell for cell in notebook.cells if cell.cell_type == "code" and old in cell.source)
    target.source = target.source.replace(old, new)
    return path, notebook, expected


def compared(notebook):
    """{id of a cell: what it printed} for the cells whose outputs nbval compares."""
    cells = [cell for cell in notebook.cells if "nbval-check-output" in cell.metadata.get("tags", [])]
    return {cell.id: "".join(output.get("text", "") for output in cell.outputs) for cell in cells}


def noticed(mutation):
    """What noticed the mutation: the error's name, "compared output", or "" for nothing."""
    path, notebook, expected = broken(*mutation)
    try:
        notebooks.execute(notebook, path.parent, timeout=300)
    except CellExecutionError as error:
        return error.ename
    changed = [key for key, printed in compared(notebook).items() if printed != expected[key]]
    return "compared output" if changed else ""


def main(lessons):
    """Break the lessons (all, if none is named), print what noticed; returns the exit status."""
    chosen = {what: m for what, m in MUTATIONS.items() if not lessons or m[0] in lessons}
    results = {}
    for what, mutation in chosen.items():
        results[what] = noticed(mutation)
        print(f"{mutation[0]:18} {what:52} {results[what] or 'NOT NOTICED'}", flush=True)
    caught = sum(map(bool, results.values()))
    print(f"{caught} of {len(chosen)} caught")
    return 0 if caught >= 0.9 * len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
