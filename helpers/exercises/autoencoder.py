"""Judges of the exercises of the lesson on the autoencoder."""

import torch

from helpers.datasets import load
from helpers.exercises import Wrong, describe, exercise, mixes_devices

SNEAKER, BOOT, ENOUGH = 7, 9, 0.9


@exercise(
    "autoencoder.1",
    "Write the shapes under each other: z is (N, d), weight is (d, 784), and the result has to be (N, 784).",
    "One matrix product with the weight as it is, not transposed, then add the bias.",
)
def tied_decoder(decode):
    """Compares with z @ weight + bias on random numbers."""
    generator = torch.Generator().manual_seed(0)
    z, weight, bias = (torch.randn(shape, generator=generator) for shape in ((5, 3), (3, 784), (784,)))
    try:
        flat = decode(z, weight, bias)
    except NotImplementedError:
        raise
    except RuntimeError as error:
        if mixes_devices(error):
            raise
        raise Wrong(f"The shapes do not fit: {error}. Which way round does the weight go?") from None
    if not isinstance(flat, torch.Tensor) or flat.shape != (5, 784):
        raise Wrong(f"The result should be a tensor (N, 784); for five codes yours is {describe(flat)}.")
    if torch.allclose(flat, z @ weight, atol=1e-4):
        raise Wrong("The product is right, but the bias is not added.")
    if torch.allclose(flat, torch.sigmoid(z @ weight + bias), atol=1e-4):
        raise Wrong("A linear decoder has no sigmoid at its end.")
    if not torch.allclose(flat, z @ weight + bias, atol=1e-4):
        raise Wrong("The shape is right, the numbers are not: the decoder is the encoder's matrix used backwards.")
    return "The decoder reuses the encoder's matrix: 784 d weights instead of twice as many."


@exercise(
    "autoencoder.2",
    "Mean and directions come from `fit_pca(train.images)`; a code is `(x.flatten(1) - mean) @ directions[:, :d]`.",
    "Loop over d = 1, 2, 3, ...; for each, compute the two class means of the training codes and count, among the "
    "400 test codes of both classes, those that are nearer to the mean of their own class.",
)
def smallest_code(answer):
    """Recomputes the accuracy for the claimed number and for the numbers below it."""
    claimed = answer(*load("fashion")) if callable(answer) else answer
    claimed = claimed.item() if getattr(claimed, "ndim", None) == 0 else claimed  # a NumPy or torch number
    if isinstance(claimed, bool) or not isinstance(claimed, int):
        raise Wrong(f"The answer should be a whole number such as 3; yours is {describe(claimed)}.")
    if not 1 <= claimed <= 784:
        raise Wrong(f"A code has between 1 and 784 numbers, not {claimed}.")
    accuracy = accuracy_with(claimed)
    if accuracy < ENOUGH:
        raise Wrong(f"With d = {claimed}, only {accuracy:.1%} of the test images are told right.")
    smaller = next(d for d in range(1, claimed + 1) if accuracy_with(d) >= ENOUGH)
    if smaller < claimed:
        raise Wrong(f"d = {claimed} is enough ({accuracy:.1%}), but a smaller code is enough as well.")
    return f"{claimed} numbers out of 784 tell {accuracy:.1%} of sneakers and boots right."


def accuracy_with(code_size):
    """The part, from 0 to 1, of the test sneakers and boots with a PCA code nearer to the mean of their own class."""
    train, test = load("fashion")
    flat = train.images.flatten(1)
    mean = flat.mean(dim=0)
    kept = torch.linalg.eigh(flat.T.cov()).eigenvectors.flip(1)[:, :code_size]
    codes, test_codes = (flat - mean) @ kept, (test.images.flatten(1) - mean) @ kept
    centres = torch.stack([codes[train.labels == k].mean(dim=0) for k in (SNEAKER, BOOT)])
    both = (test.labels == SNEAKER) | (test.labels == BOOT)
    says_boot = torch.cdist(test_codes[both], centres).argmin(dim=1) == 1
    return (says_boot == (test.labels[both] == BOOT)).float().mean().item()


@exercise(
    "autoencoder.3",
    "What is the smallest code from which every picture of 784 pixels can be redrawn exactly?",
    "`Autoencoder(nn.Flatten(), nn.Unflatten(1, (1, 28, 28)))`: look at what each half does.",
)
def copycat(make):
    """Shows the model noise and clothes; both must come back unchanged, from a code of the model's own encoder."""
    model = make()
    if not hasattr(model, "encoder") or not hasattr(model, "decoder"):
        raise Wrong(f"Return an `Autoencoder`, with an encoder and a decoder; yours is {describe(model)}.")
    noise = torch.rand(16, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        code = model.encoder(noise)
        copy = model.decoder(code)
    if copy.shape != noise.shape:
        raise Wrong(f"The copy has shape {tuple(copy.shape)}; it should be the shape of x, (16, 1, 28, 28).")
    error = (copy - noise).square().mean().item()
    if error > 1e-6 and code[0].numel() < 784:
        raise Wrong(
            f"Noise comes back with an error of {error:.3f}: a code of {code[0].numel()} numbers has no room for it."
        )
    if error > 1e-6:
        raise Wrong(f"The code is wide enough, yet the error is {error:.3f}: is a layer bending or mixing the values?")
    return "A perfect score, and nothing learned: noise is copied as well as clothes. The narrow code is the teacher."
