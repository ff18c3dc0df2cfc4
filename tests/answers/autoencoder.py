"""Wrong answers to the exercises of autoencoder, with words of the feedback that each gets, and right ones."""

from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from helpers.datasets import load
from helpers.lessons.autoencoder import Autoencoder, conv_decoder, conv_encoder, dense_decoder, dense_encoder  # 01

SQUARE, SMALL = (1, 28, 28), (1, 14, 14)


# 1: a perfect copy of everything


def with_identity(*after):
    """An autoencoder whose encoder is a linear layer that changes nothing, and then `after`."""
    layer = nn.Linear(784, 784)
    nn.init.eye_(layer.weight)
    nn.init.zeros_(layer.bias)
    return Autoencoder(nn.Sequential(nn.Flatten(), layer, *after), nn.Unflatten(1, SQUARE))


def turned_and_back():
    q = torch.linalg.qr(torch.randn(784, 784, generator=torch.Generator().manual_seed(0))).Q
    return Autoencoder(Without(lambda x: x.flatten(1) @ q), Without(lambda z: (z @ q.T).reshape(-1, *SQUARE)))


def twice_as_wide():
    """ReLUs that lose nothing: one half keeps what is above zero, the other what is below."""
    encode = Without(lambda x: torch.cat([x, -x], dim=1).relu().flatten(1))
    return Autoencoder(encode, Without(lambda z: (z[:, :784] - z[:, 784:]).reshape(-1, *SQUARE)))


def by_filter():
    """A convolution whose filter is one 1, and the same on the way back; in a loop over the two."""
    halves = []
    for _ in range(2):
        layer = nn.Conv2d(1, 1, 3, padding=1, bias=False)
        with torch.no_grad():
            layer.weight.zero_()
            layer.weight[0, 0, 1, 1] = 1
        halves.append(layer)
    return Autoencoder(*halves)


def shuffled_pixels():
    order = torch.randperm(784, generator=torch.Generator().manual_seed(0))
    back = order.argsort()
    return Autoencoder(
        Without(lambda x: 2 * x.reshape(len(x), -1)[:, order] + 1),
        Without(lambda z: ((z - 1) / 2)[:, back].view(-1, *SQUARE)),
    )


class Without(nn.Module):
    """A function as a module without weights."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Stash(nn.Module):
    """Hands the picture to its decoder behind the code's back."""

    def __init__(self, numbers=784):
        super().__init__()
        self.numbers = numbers

    def encoder(self, x):
        self.kept = x
        return torch.zeros(len(x), self.numbers)

    def decoder(self, z):
        return self.kept


# 2: the smallest code, chosen on other images


def accuracies(fitted, others, a, b):
    """Of codes of 1, 2, ..., 40 numbers: how many images are right."""
    x = fitted.images.flatten(1)
    mean = x.mean(dim=0)
    directions = torch.linalg.eigh(x.T.cov()).eigenvectors.flip(1)[:, :40]
    codes, other_codes = ((data.images.flatten(1) - mean) @ directions for data in (fitted, others))
    for d in range(1, 41):
        mean_a, mean_b = (codes[fitted.labels == k, :d].mean(dim=0) for k in (a, b))
        right = total = 0
        for k in (a, b):
            own = other_codes[others.labels == k, :d]
            near_b = (own - mean_b).norm(dim=1) < (own - mean_a).norm(dim=1)
            right += (near_b == (k == b)).sum().item()
            total += len(own)
        yield right / total


def cut(data, rows):
    return SimpleNamespace(images=data.images[rows], labels=data.labels[rows])


def chosen_on(fitted_rows, other_rows=None):
    """An answer that fits on `fitted_rows` and chooses on `other_rows` of the training images, None: on test images."""

    def smallest_code(train, a, b):
        fitted = cut(train, fitted_rows)
        others = load("fashion")[1] if other_rows is None else cut(train, other_rows)
        return next(d for d, share in enumerate(accuracies(fitted, others, a, b), start=1) if share >= 0.9)

    return smallest_code


FIRST, LAST, ALL = slice(8000), slice(8000, 10000), slice(None)


def by_svd(train, a, b):
    """Directions by the singular values of the centred images; tries sizes by counting up."""
    x, y = train.images[:8000].flatten(1).double(), train.labels[:8000]
    u, v = train.images[8000:].flatten(1).double(), train.labels[8000:]
    mean = x.mean(dim=0)
    directions = torch.linalg.svd((x - mean).T @ (x - mean)).U
    d = 0
    while True:
        d += 1
        kept = directions[:, :d]
        centres = torch.stack([((x[y == k] - mean) @ kept).mean(dim=0) for k in (a, b)])
        pair = (v == a) | (v == b)
        says = torch.cdist((u[pair] - mean) @ kept, centres).argmin(dim=1)
        if (says == (v[pair] == b)).double().mean() >= 0.9:
            return d


def by_numpy(train, a, b):
    x, y = train.images.flatten(1).numpy().astype("float64"), train.labels.numpy()
    mean = x[:8000].mean(axis=0)
    _, directions = np.linalg.eigh(np.cov(x[:8000].T))
    codes = (x - mean) @ directions[:, ::-1]
    pair = np.isin(y[8000:], (a, b))
    for d in range(1, 785):
        near = [
            ((codes[8000:, :d] - codes[:8000, :d][y[:8000] == k].mean(axis=0)) ** 2).sum(axis=1)[pair] for k in (a, b)
        ]
        if ((near[1] < near[0]) == (y[8000:][pair] == b)).mean() >= 0.9:
            return np.int64(d)


def all_sizes_at_once(train, a, b):
    sizes = torch.tensor(list(accuracies(cut(train, FIRST), cut(train, LAST), a, b)))
    return (sizes >= 0.9).nonzero()[0, 0] + 1


# 3: a bottleneck that beats PCA


def halves(code_size, act=nn.ReLU, hidden=64, end=nn.Sigmoid):
    return (
        nn.Sequential(nn.Flatten(), nn.Linear(196, hidden), act(), nn.Linear(hidden, code_size)),
        nn.Sequential(nn.Linear(code_size, hidden), act(), nn.Linear(hidden, 196), end(), nn.Unflatten(1, SMALL)),
    )


def trained(model, x, steps=500, lr=0.004, target=None, rows=None):
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(steps):
        batch = x[torch.randint(rows or len(x), (128,))]
        loss = F.mse_loss(model(batch), batch if target is None else target(batch))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def dense(x, code_size):
    torch.manual_seed(1)
    return trained(Autoencoder(*halves(code_size)), x)


def convolutional(x, code_size):
    torch.manual_seed(1)
    encoder = nn.Sequential(nn.Conv2d(1, 16, 4, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 49, code_size))
    decoder = nn.Sequential(
        nn.Linear(code_size, 16 * 49), nn.ReLU(), nn.Unflatten(1, (16, 7, 7)),
        nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Sigmoid(),
    )  # fmt: skip
    return trained(Autoencoder(encoder, decoder), x, 400)


def in_epochs(x, code_size):
    """Tanh, batch normalisation, epochs over a shuffled DataLoader, cross-entropy; no class of its own."""
    torch.manual_seed(1)
    encoder, decoder = halves(code_size, nn.Tanh, 128)
    encoder.insert(2, nn.BatchNorm1d(128))
    optimizer = torch.optim.AdamW([*encoder.parameters(), *decoder.parameters()], 0.004)
    for _ in range(30):
        for (batch,) in torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), 128, shuffle=True):
            optimizer.zero_grad()
            F.binary_cross_entropy(decoder(encoder(batch)), batch).backward()
            optimizer.step()
    return SimpleNamespace(encoder=encoder, decoder=decoder)


class OnTopOfPCA(nn.Module):
    """The code is PCA's own; only the way back bends."""

    def __init__(self, x, code_size):
        super().__init__()
        flat = x.flatten(1)
        directions = torch.linalg.eigh(flat.T.cov()).eigenvectors.flip(1)[:, :code_size]
        self.register_buffer("mean", flat.mean(dim=0))
        self.register_buffer("directions", directions)
        self.net = nn.Sequential(nn.Linear(code_size, 64), nn.ReLU(), nn.Linear(64, 196))

    def encoder(self, x):
        return (x.flatten(1) - self.mean) @ self.directions

    def decoder(self, z):
        return (self.mean + z @ self.directions.T + self.net(z)).reshape(-1, *SMALL)

    def forward(self, x):
        return self.decoder(self.encoder(x))


def linear(x, code_size):
    torch.manual_seed(1)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(196, code_size))
    decoder = nn.Sequential(nn.Linear(code_size, 196), nn.Unflatten(1, SMALL))
    return trained(Autoencoder(encoder, decoder), x, 800, 0.003)


def beside_each_other(x, code_size):
    """The code depends on the images beside it."""
    model = dense(x, code_size)
    encoder = model.encoder
    model.encoder = Without(lambda x: encoder(x - x.mean(dim=0)))
    return model


def by_heart(x, code_size):
    torch.manual_seed(1)
    return trained(Autoencoder(*halves(code_size, hidden=128)), x, 900, rows=60)


def from_the_lesson(x, code_size):
    return Autoencoder(dense_encoder(code_size), dense_decoder(code_size))


WRONG = [
    ("autoencoder.1", lambda: Autoencoder(conv_encoder(32), conv_decoder(32)), "no room"),
    (
        "autoencoder.1",
        lambda: Autoencoder(nn.Flatten(), nn.Sequential(nn.Sigmoid(), nn.Unflatten(1, SQUARE))),
        "copy of noise",
    ),
    ("autoencoder.1", lambda: with_identity(nn.ReLU()), "below 0 and above 1"),
    ("autoencoder.1", lambda: with_identity(nn.Hardtanh(0, 1)), "below 0 and above 1"),
    (
        "autoencoder.1",
        lambda: Autoencoder(
            Without(lambda x: x.logit().flatten(1)), nn.Sequential(nn.Sigmoid(), nn.Unflatten(1, SQUARE))
        ),
        "below 0 and above 1",
    ),
    ("autoencoder.1", lambda: with_identity(nn.Dropout(0.5), Without(lambda x: x - x.mean(dim=0))), "copy of"),
    ("autoencoder.1", Stash, "something else than the code"),
    ("autoencoder.1", lambda: Stash(2), "no room"),
    ("autoencoder.1", lambda: Autoencoder(nn.Flatten(), nn.Identity()), "(16, 1, 28, 28)"),
    ("autoencoder.1", lambda: nn.Identity(), "Autoencoder"),
    ("autoencoder.1", lambda: Autoencoder, "Autoencoder"),
    ("autoencoder.2", chosen_on(FIRST), "the test images choose"),
    ("autoencoder.2", chosen_on(ALL), "the test images choose"),
    ("autoencoder.2", chosen_on(ALL, LAST), "part in the fit, too"),
    ("autoencoder.2", chosen_on(FIRST, FIRST), "part in the fit, too"),
    ("autoencoder.2", lambda train, a, b: 2, "only 69"),
    ("autoencoder.2", lambda train, a, b: 1, "only 87"),
    ("autoencoder.2", lambda train, a, b: 20, "fewer numbers"),
    ("autoencoder.2", lambda train, a, b: 4.0, "whole number"),
    ("autoencoder.2", lambda train, a, b: 0, "between 1 and 784"),
    ("autoencoder.2", lambda train, a, b: None, "whole number"),
    ("autoencoder.3", lambda x, code_size: dense(x, 2), "3 numbers were asked for"),
    ("autoencoder.3", lambda x, code_size: dense(x, 196), "3 numbers were asked for"),
    ("autoencoder.3", lambda x, code_size: Autoencoder(*halves(code_size)), "copies nothing yet"),
    ("autoencoder.3", linear, "where does it bend"),
    ("autoencoder.3", lambda x, code_size: trained(Autoencoder(*halves(code_size)), x, 15), "copies nothing yet"),
    ("autoencoder.3", lambda x, code_size: trained(Autoencoder(*halves(code_size)), x, 60), "train long enough"),
    ("autoencoder.3", lambda x, code_size: trained(Autoencoder(*halves(code_size)), x, 100, 3.0), "copies nothing yet"),
    (
        "autoencoder.3",
        lambda x, code_size: trained(Autoencoder(*halves(code_size)), x, 200, target=torch.rand_like),
        "copies nothing yet",
    ),
    ("autoencoder.3", by_heart, "on all of x"),
    ("autoencoder.3", beside_each_other, "beside it"),
    ("autoencoder.3", lambda x, code_size: Stash(code_size), "and nothing else"),
    ("autoencoder.3", from_the_lesson, "Your code stopped"),
    ("autoencoder.3", lambda x, code_size: 0.01, "Return the trained model"),
]

RIGHT = [
    ("autoencoder.1", with_identity),
    ("autoencoder.1", lambda: Autoencoder(nn.Flatten(), nn.Unflatten(1, SQUARE))),
    ("autoencoder.1", lambda: Autoencoder(nn.Identity(), nn.Identity())),
    ("autoencoder.1", turned_and_back),
    ("autoencoder.1", twice_as_wide),
    ("autoencoder.1", by_filter),
    ("autoencoder.1", shuffled_pixels),
    ("autoencoder.2", chosen_on(FIRST, LAST)),
    ("autoencoder.2", by_svd),
    ("autoencoder.2", by_numpy),
    ("autoencoder.2", all_sizes_at_once),
    ("autoencoder.3", dense),
    ("autoencoder.3", convolutional),
    ("autoencoder.3", in_epochs),
    ("autoencoder.3", lambda x, code_size: trained(OnTopOfPCA(x, code_size), x, 600)),
]
