"""Wrong answers to the exercises of autoencoder, with words of the feedback that each gets, and right ones."""

import torch
from torch import nn

from helpers.lessons.autoencoder import Autoencoder, conv_decoder, conv_encoder  # lesson 01

SQUARE = (1, 28, 28)


def copycat():
    """The right answer to autoencoder.3, with weights, so that it can lie on a device."""
    layer = nn.Linear(784, 784)
    nn.init.eye_(layer.weight)
    nn.init.zeros_(layer.bias)
    return Autoencoder(nn.Sequential(nn.Flatten(), layer), nn.Unflatten(1, SQUARE))


WRONG = [
    ("autoencoder.1", lambda z, weight, bias: z @ weight.T + bias, "Which way round"),
    ("autoencoder.1", lambda z, weight, bias: z @ weight, "bias"),
    ("autoencoder.1", lambda z, weight, bias: torch.sigmoid(z @ weight + bias), "sigmoid"),
    ("autoencoder.1", lambda z, weight, bias: z @ torch.linalg.pinv(weight).T + bias, "used backwards"),
    ("autoencoder.1", lambda z, weight, bias: None, "None"),
    ("autoencoder.2", lambda train, test: 2, "only 85"),
    ("autoencoder.2", lambda train, test: 8, "smaller code"),
    ("autoencoder.2", lambda train, test: 4.0, "whole number"),
    ("autoencoder.2", lambda train, test: 0, "between 1 and 784"),
    ("autoencoder.3", lambda: Autoencoder(conv_encoder(32), conv_decoder(32)), "no room"),
    (
        "autoencoder.3",
        lambda: Autoencoder(nn.Flatten(), nn.Sequential(nn.Sigmoid(), nn.Unflatten(1, SQUARE))),
        "bending",
    ),
    ("autoencoder.3", lambda: Autoencoder(nn.Flatten(), nn.Identity()), "(16, 1, 28, 28)"),
    ("autoencoder.3", lambda: nn.Identity(), "Autoencoder"),
]

RIGHT = [
    ("autoencoder.1", lambda z, weight, bias: z @ weight + bias),
    ("autoencoder.3", copycat),
]
