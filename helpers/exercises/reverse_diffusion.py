"""Judges of the exercises of the lesson reverse_diffusion."""

import torch

from helpers.exercises import Wrong, as_number, describe, exercise


def turn(alpha_bar_t, seed):
    """x_0, eps, and what they become at a stage: x_t and v, each (5, 2)."""
    x_0, eps = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    picture, noise = alpha_bar_t**0.5, (1 - alpha_bar_t) ** 0.5
    return x_0, eps, picture * x_0 + noise * eps, picture * eps - noise * x_0


@exercise(
    "reverse_diffusion.1",
    "x_t and v are x_0 and eps, turned by the same angle. Turn them back: which two lengths add up to eps?",
    "Multiply v by the root of alpha_bar_t and x_t by the root of 1 - alpha_bar_t, and add.",
)
def v_to_eps(answer):
    """Compares with a known eps at three stages."""
    for alpha_bar_t in (0.9, 0.3, 0.02):
        x_0, eps, x_t, v = turn(alpha_bar_t, seed=0)
        value = answer(v, x_t, alpha_bar_t)
        if not isinstance(value, torch.Tensor) or value.shape != eps.shape:
            raise Wrong(f"The noise has the shape of x_t, (5, 2) here; yours is {describe(value)}.")
        if torch.allclose(value, eps):
            continue
        picture, noise = alpha_bar_t**0.5, (1 - alpha_bar_t) ** 0.5
        known = {
            "That is x_0; asked is the noise.": x_0,
            "That is minus the noise: look at the signs.": -eps,
            "The two factors are exchanged: at alpha_bar_t = 1 nothing is noise, and v itself is eps.": (
                noise * v + picture * x_t
            ),
            "alpha_bar_t is a part of the variance; lengths need its root.": alpha_bar_t * v + (1 - alpha_bar_t) * x_t,
        }
        for words, wrong in known.items():
            if torch.allclose(value, wrong):
                raise Wrong(words)
        raise Wrong(f"Not yet, for example at alpha_bar_t = {alpha_bar_t}: mix v and x_t so that x_0 cancels.")
    return "A turn back needs no division, so nothing explodes at either end."


@exercise(
    "reverse_diffusion.2",
    "Two errors: x_0_hat is off by d. By how much is the eps that belongs to it off? See `to_eps`.",
    "eps is off by d times the root of alpha_bar_t / (1 - alpha_bar_t). v is off by that and by d, at a right angle.",
)
def loss_weight(answer):
    """Compares with the ratio of errors, made at random, for three stages."""
    for alpha_bar_t in (0.8, 0.3, 0.95):
        x_0, eps, x_t, v = turn(alpha_bar_t, seed=1)
        off = x_0 + 0.1 * torch.randn(5, 2, generator=torch.Generator().manual_seed(2), dtype=torch.double)
        picture, noise = alpha_bar_t**0.5, (1 - alpha_bar_t) ** 0.5
        eps_off = (x_t - picture * off) / noise
        pairs = {"x_0": (off, x_0), "eps": (eps_off, eps), "v": (picture * eps_off - noise * off, v)}
        error = {name: (a - b).square().mean().item() for name, (a, b) in pairs.items()}
        for prediction in pairs:
            value, right = as_number(answer(prediction, alpha_bar_t)), error[prediction] / error["x_0"]
            if abs(value - right) < 1e-4 * right:
                continue
            if prediction == "x_0":
                raise Wrong("For x_0 the loss is the squared error in x_0 itself: the factor is 1.")
            if abs(value - 1 / right) < 1e-4 / right:
                raise Wrong(f"For {prediction} that is the inverse: at small t, alpha_bar_t near 1, it is large.")
            if abs(value - right**0.5) < 1e-4 * right**0.5:
                raise Wrong(f"For {prediction} that is the factor of the error; squared errors are asked for.")
            if prediction == "v" and abs(value - error["eps"] / error["x_0"]) < 1e-4 * right:
                raise Wrong("For v that is the factor of eps; v errs in x_0 as well, so it never falls below 1.")
            where = f"For {prediction} and alpha_bar_t = {alpha_bar_t}"
            raise Wrong(f"{where} it should be {right:.3f}; yours is {value:.3f}.")
    return "So predicting eps is predicting x_0 with a loss that hardly looks at large t."


@exercise(
    "reverse_diffusion.3",
    "Which noise does x_s hold, if x_0_hat is right? The same noise is in x_t, only more of it.",
    "`eps_hat` from x_s at time s, as in `to_eps`; then mix x_0_hat and eps_hat as `add_noise` does at time t.",
)
def ddim_inversion_step(answer):
    """Compares with the known noise, then goes up and back down again."""
    alpha_bars = torch.cat([torch.ones(1), (1 - torch.linspace(0.001, 0.1, 50)).cumprod(dim=0)]).double()
    x_0, eps = torch.randn(2, 6, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.double)

    def mix(t):
        return alpha_bars[t].sqrt() * x_0 + (1 - alpha_bars[t]).sqrt() * eps

    for s, t in ((10, 30), (1, 50), (25, 26)):
        x_s = mix(s)
        kept = x_s.clone()
        value = answer(x_s, x_0, s, t, alpha_bars)
        if not isinstance(value, torch.Tensor) or value.shape != x_0.shape:
            raise Wrong(f"The result has the shape of x_s, (6, 1, 4, 4); yours is {describe(value)}.")
        if not torch.equal(x_s, kept):
            raise Wrong("Your function wrote into x_s; return a new tensor.")
        if not torch.equal(value, answer(x_s, x_0, s, t, alpha_bars)):
            raise Wrong("Twice the same step gives two results: no fresh noise here, or the way back is lost.")
        if torch.allclose(value, mix(t)):
            continue
        late = (x_s - alpha_bars[t].sqrt() * x_0) / (1 - alpha_bars[t]).sqrt()
        if torch.allclose(value, alpha_bars[t].sqrt() * x_0 + (1 - alpha_bars[t]).sqrt() * late):
            raise Wrong("That gives back x_s: take the noise out with the factors of s, put it in with those of t.")
        if torch.allclose(value, (alpha_bars[t] / alpha_bars[s]).sqrt() * x_s):
            raise Wrong("That only shrinks x_s; the noise has to grow to its amount at t.")
        raise Wrong(f"From s = {s} to t = {t} the noise in x_s should be in x_t with the factor of t; yours differs.")
    return "Up and down again ends where it began, as long as both guesses agree: small steps help."
