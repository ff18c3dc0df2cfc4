"""The table of symbols and terms at the end of the first lesson, held against the lessons that explain them."""

import re

import pytest

from tools import notebooks

HEADING = "## Symbols and terms"
ROW = re.compile(r"^\| (.+) \| \[(\d\d)\]\((\d\d_\w+\.ipynb)\) \|$", re.M)
SYMBOLS = ["x", "x_hat", "z", "mu", "log_var", "generator", "discriminator", "t", "T", "x_0", "x_t", "eps", "betas",
           "alpha", "alpha_bars", "eps_hat", "x_0_hat", "v", "s", "x_s"]  # fmt: skip
TERMS = [
    "history", "generative model", "likelihood", "autoregressive model", "normalising flow", "implicit model",
    "encoder", "decoder", "latent code", "latent space", "bottleneck", "manifold", "reconstruction loss",
    "principal component analysis", "DataLoader", "interpolation", "overfitting", "validation", "early stopping",
    "sparse autoencoder", "feature extraction", "unsupervised pretraining", "self-supervised learning",
    "contrastive learning", "fine-tuning", "linear probe", "anomaly detection", "AUROC", "entropy",
    "denoising autoencoder", "posterior mean", "U-Net", "skip connection", "residual learning", "Noise2Noise", "score",
    "Langevin dynamics", "prior", "variational autoencoder", "approximate posterior", "reparameterisation trick",
    "Kullback-Leibler divergence", "evidence lower bound", "beta-VAE", "aggregate posterior", "posterior collapse",
    "VQ-VAE", "Fréchet distance", "FID", "KID", "precision", "recall", "generative adversarial network", "logit",
    "minimax game", "Jensen-Shannon divergence", "non-saturating loss", "R1 penalty", "exponential moving average",
    "perceptual loss", "mode collapse", "Nash equilibrium", "spectral norm", "Wasserstein distance", "conditional GAN",
    "synthetic data", "augmentation", "memorisation", "forward process", "reverse process", "timestep",
    "noise schedule", "marginal", "signal-to-noise ratio", "ancestral sampling", "DDPM", "DDIM", "v-prediction",
    "sinusoidal embedding", "residual block", "classifier guidance", "classifier-free guidance", "guidance scale",
    "perception-distortion trade-off", "RePaint", "SDEdit", "flow matching", "marginal velocity",
    "ordinary differential equation", "Euler's method", "Heun's method", "probability-flow ODE", "divergence",
    "change of variables", "logit-normal", "rectified flow", "distillation", "consistency model",
    "minibatch optimal transport", "latent diffusion", "spatial code", "standardised codes",
    "spherical interpolation", "adversarial loss", "token", "vocabulary", "padding", "bag of words", "binding problem",
    "attention", "self-attention", "cross-attention", "transformer", "text encoder", "prompt", "negative prompt",
    "textual inversion", "LoRA",
]  # fmt: skip


def section(notebook):
    """The source of the cell that begins with HEADING."""
    (source,) = [cell.source for cell in notebook.cells if cell.source.startswith(HEADING)]
    return source


def entries(text):
    """[(kind, name, number, file)] of the tables in `text`; kind is "symbol" (as code writes it) or "term"."""
    found = []
    for cells, number, file in ROW.findall(text):
        first, *others = cells.split(" | ")
        if len(others) == 2:
            found += [("symbol", name, number, file) for name in re.findall(r"`(\w+)`", others[0])]
        else:
            found += [("term", name, number, file) for name in re.findall(r"\*\*(.+?)\*\*", first)]
    return found


def in_bold(term, prose):
    """Whether one of the words in bold of `prose` is `term`, alone or with others, in one or in several."""
    return any(re.search(rf"\b{re.escape(term)}s?\b", bold, re.I) for bold in re.findall(r"\*\*([^*\n]+)\*\*", prose))


def lacking(entry, lessons):
    """What is wrong with one entry, "" if nothing; lessons: {file: notebook}."""
    kind, name, number, file = entry
    if file not in lessons:
        return f"{name}: there is no lesson {file}"
    if not file.startswith(f"{number}_"):
        return f"{name}: the link says {number} and leads to {file}"
    cells = lessons[file].cells
    if kind == "symbol":
        text = "\n".join(cell.source for cell in cells)
        return "" if re.search(rf"(?<![\w\\]){name}(?!\w)", text) else f"{file} has no {name}"
    prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return "" if in_bold(name, prose) else f"{file} has no **{name}**"


LESSONS = {path.name: notebooks.read(path) for path in notebooks.lessons()}
TABLE = section(LESSONS[notebooks.lessons()[0].name])


def test_each_lesson_explains_what_the_table_says():
    assert [sentence for entry in entries(TABLE) if (sentence := lacking(entry, LESSONS))] == []


def test_the_table_has_all_symbols_and_terms():
    assert [name for kind, name, _, _ in entries(TABLE) if kind == "symbol"] == SYMBOLS
    assert [name for kind, name, _, _ in entries(TABLE) if kind == "term"] == TERMS


def test_the_table_goes_through_the_lessons_in_order():
    for wanted in ("symbol", "term"):
        numbers = [number for kind, _, number, _ in entries(TABLE) if kind == wanted]
        assert numbers == sorted(numbers)


def test_every_row_of_the_tables_is_read():
    rows = [line for line in TABLE.splitlines() if line.startswith("| ") and not line.endswith("| lesson |")]
    assert len(rows) == len(ROW.findall(TABLE))


FILE = "05_gan.ipynb"


@pytest.mark.parametrize(
    ("row", "complaints"),
    [
        (f"| $G$ | `generator` | draws | [05]({FILE}) |", 0),
        (f"| $G$ | `generators` | draws | [05]({FILE}) |", 1),
        (f"| $t$, $T$ | `z`, `enerator` | draws | [05]({FILE}) |", 1),
        (f"| $h$ | `hat` | a letter of TeX | [05]({FILE}) |", 1),
        (f"| **Minimax game** | of two | [05]({FILE}) |", 0),
        (f"| **mode** (singular) | a heap | [05]({FILE}) |", 0),
        (f"| **discriminator** | in plain letters only | [05]({FILE}) |", 1),
        (f"| **of two** | bold, but in two places | [05]({FILE}) |", 1),
        (f"| **minimax game** | wrong number | [06]({FILE}) |", 1),
        ("| **minimax game** | no such lesson | [05](05_gun.ipynb) |", 1),
    ],
)
def test_what_a_lesson_does_not_explain_is_noticed(row, complaints):
    words = "A **minimax game**, and **of** the **two modes**. $\\hat x$; the discriminator."
    code = "G = generator(z)"
    new = notebooks.nbformat.v4
    lesson = new.new_notebook(cells=[new.new_markdown_cell(words), new.new_code_cell(code)])
    found = [sentence for entry in entries(row) if (sentence := lacking(entry, {FILE: lesson}))]
    assert len(found) == complaints
