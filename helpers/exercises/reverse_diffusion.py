"""Judges of the exercises of the lesson reverse_diffusion."""

from itertools import pairwise

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
    "Draw the quarter circle: x_0 along one axis, eps along the other, x_t at the angle φ, and v ahead of it by a "
    "right angle. How long is the part of each that lies along eps?",
)
def v_to_eps(answer):
    """Compares with a known eps at three stages."""
    for alpha_bar_t in (0.9, 0.3, 0.02):
        x_0, eps, x_t, v = turn(alpha_bar_t, seed=0)
        given = v.float(), x_t.float()
        value = answer(*given, alpha_bar_t)
        if not isinstance(value, torch.Tensor) or value.shape != eps.shape:
            raise Wrong(f"The noise has the shape of x_t, (5, 2) here; yours is {describe(value)}.")
        if not torch.equal(given[0], v.float()) or not torch.equal(given[1], x_t.float()):
            raise Wrong("Your function wrote into v or x_t; return a new tensor.")
        value = value.double()
        if torch.allclose(value, eps, atol=1e-4):
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
            if torch.allclose(value, wrong, atol=1e-4):
                raise Wrong(words)
        raise Wrong(f"Not yet, for example at alpha_bar_t = {alpha_bar_t}: mix v and x_t so that x_0 cancels.")
    return "A turn back needs no division, so nothing explodes at either end."


@exercise(
    "reverse_diffusion.2",
    "Which noise does x_s hold, if x_0_hat is right? The same noise is in x_t, only more of it.",
    "x_s and x_0_hat fix a noise, as in `to_eps`; and mixing x_0_hat with a noise, for any time, is what "
    "`add_noise` does.",
)
def ddim_inversion_step(answer):
    """Compares with the known noise at three strides."""
    alpha_bars = torch.cat([torch.ones(1), (1 - torch.linspace(0.001, 0.1, 50)).cumprod(dim=0)]).double()
    x_0, eps = torch.randn(2, 6, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.double)

    def mix(t):
        return alpha_bars[t].sqrt() * x_0 + (1 - alpha_bars[t]).sqrt() * eps

    for s, t in ((10, 30), (1, 50), (25, 26)):
        x_s = mix(s)
        given = x_s.float(), x_0.float()
        value = answer(*given, s, t, alpha_bars.float())
        if not isinstance(value, torch.Tensor) or value.shape != x_0.shape:
            raise Wrong(f"The result has the shape of x_s, (6, 1, 4, 4); yours is {describe(value)}.")
        if not torch.equal(given[0], x_s.float()) or not torch.equal(given[1], x_0.float()):
            raise Wrong("Your function wrote into x_s or x_0_hat; return a new tensor.")
        if value.isnan().any():
            raise Wrong("Your x_t holds nan: the root of a negative number? alpha_bar falls as t grows.")
        if not torch.equal(value, answer(*given, s, t, alpha_bars.float())):
            raise Wrong("Twice the same step gives two results: no fresh noise here, or the way back is lost.")
        value = value.double()
        if torch.allclose(value, mix(t), atol=1e-3):
            continue
        late = (x_s - alpha_bars[t].sqrt() * x_0) / (1 - alpha_bars[t]).sqrt()
        if torch.allclose(value, alpha_bars[t].sqrt() * x_0 + (1 - alpha_bars[t]).sqrt() * late, atol=1e-3):
            raise Wrong("That gives back x_s: take the noise out with the factors of s, put it in with those of t.")
        if torch.allclose(value, (alpha_bars[t] / alpha_bars[s]).sqrt() * x_s, atol=1e-3):
            raise Wrong("That only shrinks x_s; the noise has to grow to its amount at t.")
        raise Wrong(f"From s = {s} to t = {t} the noise in x_s should be in x_t with the factor of t; yours differs.")
    return "Up and down again ends where it began, as long as both guesses agree: small steps help."


T, TIMES = 60, [58, 41, 23, 22, 4]
BARS = torch.linspace(0, 1.45, T + 1, dtype=torch.double).cos().square()
MEAN, VARIANCE = 0.2, 0.15**2  # of the pixels whose exact denoiser the sampler is given


@exercise(
    "reverse_diffusion.3",
    "For each t of the list: ask predict_x_0 once, compute eps_hat from its answer, and mix the two for the next time "
    "of the list, s. After the last t comes s = 0.",
    "The three parts of `ddim_step`: how much of x_0_hat, of the old noise and of fresh noise belongs into x_s? At "
    "s = 0 alpha_bar is 1: what is left of the noises?",
)
def reverse_process(answer):
    """Follows the walk from call to call: where it begins, when it asks, each step, its noise, its end."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for eta in (0.0, 1.0, 0.5):
            end, walk = walked(answer, eta)
            again, _ = walked(answer, eta)
            if eta == 0 and not torch.equal(end, again):
                raise Wrong("With eta = 0 the same start leads to two ends: after the start nothing is drawn.")
            if eta > 0 and torch.equal(end, again):
                raise Wrong(f"With eta = {eta:g} the same start leads to the same end: each walk draws its own noise.")
            fresh = None
            for before, after in pairwise(walk):
                fresh = check_step(before, after, eta, fresh)
            check_end(end, *walk[-1], eta)
    return "That is the whole of it: give it this lesson's network, and it draws."


def walked(answer, eta):
    """Where the answer ends, and its calls of the denoiser: [(t, x_t, x_0_hat)]."""
    start = torch.randn(150, 3, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.double)
    given, walk = start.clone(), []

    def predict_x_0(x_t, t):
        if not isinstance(x_t, torch.Tensor) or x_t.shape != start.shape:
            raise Wrong(f"predict_x_0 takes x_t of the shape of x_T, and t; it was given {describe(x_t)}.")
        if isinstance(t, torch.Tensor) and t.numel() != 1:
            raise Wrong("predict_x_0 takes one number t, the same for all images.")
        t = as_number(t)
        if t not in range(T + 1):
            raise Wrong(f"predict_x_0 was asked at t = {t:g}; the times are whole numbers from 1 to T.")
        bar = BARS[int(t)]
        gain = VARIANCE * bar.sqrt() / (VARIANCE * bar + 1 - bar) if bar < 1 else torch.ones(())
        x_0_hat = MEAN + gain * (x_t.double() - bar.sqrt() * MEAN)
        walk.append((int(t), x_t.double().clone(), x_0_hat))
        return x_0_hat.clone()

    end = answer(predict_x_0, given, list(TIMES), BARS.clone(), eta)
    check_calls([t for t, _, _ in walk])
    if not isinstance(end, torch.Tensor) or end.shape != start.shape:
        raise Wrong(f"The result has the shape of x_T, {tuple(start.shape)}; yours is {describe(end)}.")
    if not torch.equal(given, start):
        raise Wrong("Your function wrote into x_T; let each step make a new tensor.")
    if not torch.allclose(walk[0][1], start, atol=1e-5):
        raise Wrong("The walk begins at x_T as it was given; your first call of predict_x_0 sees something else.")
    if not all(x.isfinite().all() for x in (end, *(x_t for _, x_t, _ in walk))):
        raise Wrong("Your walk holds nan: the root of a negative number? The variance may not exceed 1 - alpha_bar_s.")
    return end.double(), walk


def check_calls(asked):
    """The denoiser is asked once at each time of the list, in this order."""
    if asked == TIMES:
        return
    known = {
        "predict_x_0 was never asked.": [],
        "Your walk leaves out the first time: x_T belongs to timesteps[0], and is looked at there.": TIMES[1:],
        "Your walk leaves out the last time of the list; from there one more step leads to 0.": TIMES[:-1],
        "predict_x_0 is asked at t = 0, too; there alpha_bar is 1, and nothing is left to guess.": [*TIMES, 0],
        "The times are one too small: ask at t as the list has it, 1..T.": [t - 1 for t in TIMES],
        "The walk goes from noise to image: down the list, not up.": TIMES[::-1],
        "Your walk visits every t; only those of the list are asked for.": list(range(TIMES[0], 0, -1)),
    }
    for words, wrong in known.items():
        if asked == wrong:
            raise Wrong(words)
    raise Wrong(f"predict_x_0 should be asked once at each of {TIMES}; yours asks at {asked[:8]}.")


def parts(t, s, eta):
    """Factors of a step from t to s: of x_0_hat, of eps_hat, of the fresh noise."""
    now, then = BARS[t], BARS[s]
    variance = eta**2 * (1 - then) / (1 - now) * (1 - now / then)
    return then.sqrt(), (1 - then - variance).sqrt(), variance.sqrt()


def check_step(before, after, eta, earlier):
    """Raise `Wrong` unless the step between two calls is right; returns its fresh noise, of standard deviation 1.

    earlier: the fresh noise of the step before, None at first.
    """
    (t, x_t, x_0_hat), (s, x_s, _) = before, after
    eps_hat = (x_t - BARS[t].sqrt() * x_0_hat) / (1 - BARS[t]).sqrt()
    image, old, sigma = parts(t, s, eta)
    right = image * x_0_hat + old * eps_hat
    step = f"the step from t = {t} to s = {s}, with eta = {eta:g}"
    if eta == 0:
        check_fixed_step(x_s, right, x_0_hat, eps_hat, t, s)
        return None
    rest = x_s - right
    check_noise(rest, earlier)
    kept = old + (rest * eps_hat).mean() / eps_hat.square().mean()
    drawn = (rest - (kept - old) * eps_hat).std()
    if abs(drawn - sigma) > 0.04 * sigma:
        raise Wrong(f"In {step}, {amount(drawn, t, s, eta)}")
    if abs(kept - (1 - BARS[s]).sqrt()) < 0.03 < kept - old:
        raise Wrong(f"In {step}, the fresh noise comes on top: then less of the old may be kept.")
    if abs(kept - old) > 0.03:
        raise Wrong(f"In {step}, x_s should hold {old:.2f} eps_hat; yours holds about {kept:.2f}.")
    if rest.mean().abs() > 0.05 * sigma:
        raise Wrong(f"In {step}, the mean of x_s is off by {rest.mean():.2f}.")
    return rest / sigma


def check_fixed_step(x_s, right, x_0_hat, eps_hat, t, s):
    """Raise `Wrong` unless a step with eta = 0 is right."""
    if torch.allclose(x_s, right, atol=1e-4):
        return
    image, old, _ = parts(t, t - 1, 0.0)
    known = {
        f"Your step goes from t = {t} to t - 1 = {t - 1}; the next time of the list is s = {s}.": (
            image * x_0_hat + old * eps_hat
        ),
        "x_t leaves the range of images on its way; only a guess of x_0 may be clamped.": right.clamp(-1, 1),
        f"From t = {t} your walk jumps to x_0_hat itself; at s = {s} there is still noise.": x_0_hat,
        f"At s = {s} the noise is missing: x_s holds sqrt(1 - alpha_bar_s) of it.": BARS[s].sqrt() * x_0_hat,
    }
    for words, wrong in known.items():
        if torch.allclose(x_s, wrong, atol=1e-4):
            raise Wrong(words)
    step = f"the step from t = {t} to s = {s}, with eta = 0"
    raise Wrong(f"In {step}, x_s should be sqrt(alpha_bar_s) x_0_hat + sqrt(1 - alpha_bar_s) eps_hat; it is not.")


def check_noise(rest, earlier):
    """Raise `Wrong` unless what is drawn (N, 1, H, W) is drawn anew for each step, image and pixel."""
    spread = rest.std()
    if earlier is not None and (rest * earlier).mean() > 0.5 * spread:
        raise Wrong("Every step adds the same fresh noise: draw it inside the loop.")
    if rest.flatten(1).std(dim=1).mean() < 0.5 * spread:
        raise Wrong("All pixels of an image get the same fresh noise; each pixel needs its own.")
    if rest.std(dim=0).mean() < 0.5 * spread:
        raise Wrong("All images get the same fresh noise; each needs its own.")
    if any(rest.mean(dim=axis).var() > 2 * spread**2 / rest.shape[axis] for axis in (1, 2, 3)):
        raise Wrong("Some pixels of an image share their fresh noise; every number needs its own.")


def amount(drawn, t, s, eta):
    """What is said about fresh noise of a wrong standard deviation."""
    now, then, sigma = BARS[t], BARS[s], parts(t, s, eta)[2]
    single = parts(t, t - 1, eta)[2]
    known = {
        "the fresh noise has the variance of a forward stride; the posterior's is smaller.": eta
        * (1 - now / then).sqrt(),
        "the fresh noise is that of a single step to t - 1, not that of the stride.": single,
        "the fresh noise is multiplied by its variance; it needs the root.": sigma**2,
        "eta multiplies the standard deviation, so it is squared in the variance.": sigma / eta**0.5,
    }
    if drawn < 1e-3:
        return "there should be fresh noise; yours has none."
    for words, wrong in known.items():
        if abs(drawn - wrong) < 0.03 * wrong:
            return words
    return f"the fresh noise should have the standard deviation {sigma:.3f}; yours has {drawn:.3f}."


def check_end(end, t, x_t, x_0_hat, eta):
    """Raise `Wrong` unless the walk ends with the last guess."""
    if torch.allclose(end, x_0_hat, atol=1e-4):
        return
    if torch.allclose(end, x_t, atol=1e-4):
        raise Wrong(f"You return x at the last time of the list, t = {t}; the step from there to 0 is missing.")
    if torch.allclose(end, (x_0_hat + 1) / 2, atol=1e-4):
        raise Wrong("The result should stay in the range of x_0; changing it into [0, 1] is left to who calls you.")
    if eta > 0 and abs((end - x_0_hat).mean()) < 0.02:
        raise Wrong("The end is grainy: at s = 0 alpha_bar is 1, so the last step adds no fresh noise.")
    raise Wrong(f"The last step, from t = {t} to 0, should leave nothing but the last guess; yours ends elsewhere.")
