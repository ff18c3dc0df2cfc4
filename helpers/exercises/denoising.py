"""Judges of the exercises of the lesson on denoising."""

import torch

from helpers.exercises import Wrong, describe, exercise
from helpers.toys import Mixture, two_moons


@exercise(
    "denoising.1",
    "Miyasawa's formula stands above the two moons. Its right side needs the denoiser's answer, y and sigma.",
    "How large is the correction, denoised minus noisy, when sigma is halved? Which power of sigma undoes that?",
)
def score(answer):
    """Gives it an exact denoiser of the moons and compares with their exact score, at two levels."""
    moons = two_moons()
    denoise = exact_denoiser(moons)
    for sigma in (0.4, 1.5):
        noisy = moons.convolved(sigma)
        y = noisy.sample(50, seed=1)
        exact, given = noisy.score(y), y.clone()
        value = answer(denoise, given, sigma)
        if not isinstance(value, torch.Tensor) or value.shape != y.shape:
            raise Wrong(f"The score is one arrow for each point, a tensor (50, 2); yours is {describe(value)}.")
        if not torch.equal(given, y):
            raise Wrong("Your function changed the points it was given; make a new tensor (no -=, no /=).")
        value = value.to(exact)
        if torch.allclose(value, exact, atol=1e-3):
            continue
        if torch.allclose(value, -exact, atol=1e-3):
            raise Wrong("Your arrows point away from the data: denoised minus noisy, not the other way round.")
        if torch.allclose(value, sigma * exact, atol=1e-3):
            raise Wrong("You divided by sigma; the formula has sigma squared.")
        if torch.allclose(value, sigma**2 * exact, atol=1e-3):
            raise Wrong("That is the correction itself; the score is the correction divided by sigma squared.")
        if torch.allclose(value, y + sigma**2 * exact, atol=1e-3):
            raise Wrong("That is the denoised point; the score is about the way from the noisy point to it.")
        raise Wrong(
            f"At sigma = {sigma} this is not the score of the noisy moons: use the denoiser's answer, y and sigma, "
            "nothing else, and no number in place of sigma."
        )
    y = torch.randn(7, 3, generator=torch.Generator().manual_seed(2))  # three numbers a point, and another denoiser
    value = answer(lambda y, sigma: y / (1 + sigma**2), y.clone(), 0.7)
    if value.shape != y.shape or not torch.allclose(value.to(y), -y / (1 + 0.7**2), atol=1e-4):
        raise Wrong(
            "Right for 50 points of the moons, not for another denoiser and 7 points of three numbers each: use what "
            "`denoise` says, and no size as a number."
        )
    return "A denoiser in, a gradient of log density out, without ever knowing the density."


@exercise(
    "denoising.2",
    "A loop over three parts: where you are, a step of eta along the score, fresh Gaussian noise for every number.",
    "The formula gives the standard deviation of the noise; the score is asked again at the place of the moment.",
)
def langevin(answer):
    """Walks in N(3, 0.5^2): while the points still travel, mean and spread are known after every step."""
    eta, steps, shrink = 0.01, 12, 1 - 0.01 / 0.25
    mean_due = 3 * (1 - shrink**steps)
    std_due = (2 * eta * (1 - shrink ** (2 * steps)) / (1 - shrink**2)) ** 0.5
    torch.manual_seed(0)
    start = torch.zeros(10_000, 2)
    y = answer(lambda points: (3 - points) / 0.25, start, eta, steps)
    if not isinstance(y, torch.Tensor) or y.shape != start.shape:
        raise Wrong(f"The walk ends with as many points as it began, a tensor (10000, 2); yours is {describe(y)}.")
    if start.abs().max() > 0:
        raise Wrong("Your walk changed the points it was given; work on a copy (y = y + ..., not y += ...).")
    if not torch.isfinite(y).all() or y.mean() < -0.2:
        raise Wrong("The points run away from the data: add the score, do not subtract it.")
    mean, std = y.mean().item(), y.std().item()
    if y.std(dim=0).max() < 0.05:
        raise Wrong("All points move alike. Each needs noise of its own; without it this is a climb, not a walk.")
    if y.T.corrcoef()[0, 1].abs() > 0.1:
        raise Wrong("Both coordinates of a point got the same noise; draw one number for each (torch.randn_like).")
    compare = (
        f"The spread should be {std_due:.2f}, yours is {std:.2f}: compare the noise with the formula's; it is drawn "
        "afresh at every step, and it is Gaussian."
    )
    if std > 2 * std_due:
        raise Wrong(compare)
    if abs(mean - mean_due) > 0.03:
        half = 3 * (1 - shrink ** (steps / 2))
        how = "only half as far as they should" if abs(mean - half) < 0.05 else "not as far as they should, or farther"
        raise Wrong(
            f"After {steps} steps of {eta} from 0 towards 3 the mean should be {mean_due:.2f}, yours is {mean:.2f}. "
            f"Your points came {how}: count all the steps, and give each the whole eta; the noise must have mean 0."
        )
    if abs(std - std_due / 2**0.5) < 0.03:
        raise Wrong(f"The spread should be {std_due:.2f}, yours is {std:.2f}: half the variance is missing.")
    if abs(std - std_due) > 0.03:
        raise Wrong(compare)
    start = torch.linspace(-1, 1, 20_000)[:, None].repeat(1, 3)  # one step, another eta, three numbers a point
    eps, again = (
        (answer(lambda points: -4 * points, start.clone(), 0.1, 1) - 0.6 * start) / 0.2**0.5 for _ in range(2)
    )
    if eps.shape != start.shape or abs(eps.mean()) > 0.05 or abs(eps.std() - 1) > 0.05:
        raise Wrong(
            "One step of eta = 0.1 should be y + eta * score(y), both at the old place, plus noise of the width "
            f"{0.2**0.5:.2f}, in the last step, too; yours has the width {eps.std() * 0.2**0.5:.2f}."
        )
    if abs(eps.pow(4).mean() - 3) > 0.4:
        raise Wrong("The noise has the right width, but it is not Gaussian: `torch.randn`.")
    if torch.equal(eps, again):
        raise Wrong("Called twice, your walk draws the same noise.")
    return "The points fill the distribution, and do not only climb its peak."


@exercise(
    "denoising.3",
    "A correction is sigma² times the score. So which eta of exercise 2 is a `share` of the correction?",
    "Put that eta under the root of Langevin's noise. For share = 1/2 the noise is sigma itself.",
)
def walk_down(answer):
    """Draws from N(2, 1) and from two unequal components, with exact denoisers, by two shares."""
    levels = torch.logspace(0.7, -1.3, 300).tolist()
    bell = Mixture(torch.full((1, 2), 2.0), torch.ones(1), torch.ones(1))
    for share in (0.5, 0.2):
        y = drawn(answer, bell, levels, share)
        mean, std = y.mean().item(), y.std().item()
        which = f"From N(2, 1), with share = {share}, your points"
        if y.std(dim=0).max() < 0.1 <= std:
            raise Wrong(f"{which} all move alike: each needs noise of its own.")
        if std < 0.1:
            raise Wrong(f"{which} all end at one place ({mean:.2f}): no noise is added on the way.")
        if std > 4:
            raise Wrong(f"{which} end with a spread of {std:.1f}: they never come down. Is every level visited?")
        if abs(mean - 2) > 0.15:
            raise Wrong(f"{which} have the mean {mean:.2f}: move towards the denoiser's guess, at every level.")
        if share == 0.5 and abs(std - 0.5**0.5) < 0.06:
            raise Wrong(f"{which} have half the variance ({std:.2f}²): the staircase's shortcut. More noise is due.")
        if abs(std - 1) > 0.12:
            side = "wide" if std > 1 else "narrow"
            raise Wrong(
                f"{which} should have a spread of 1, it is {std:.2f}, too {side}. The noise belongs to the share (a "
                "shorter way, less noise) and to the level: compare with exercise 2."
            )
        if y.T.corrcoef()[0, 1].abs() > 0.2:
            raise Wrong("Both coordinates of a point got the same noise; draw one number for each (torch.randn_like).")
        check_first_step(answer, share)
    pair = Mixture(torch.tensor([[-2.0], [2.0]]), torch.tensor([0.5, 0.5]), torch.tensor([0.7, 0.3]))
    left = (drawn(answer, pair, levels, 0.5) < 0).float().mean().item()
    if abs(left - 0.7) > 0.06:
        raise Wrong(
            f"One bell is right, but of two components with 70 % and 30 % yours draws the larger one in {left:.0%}."
        )
    return "Walked by a denoiser alone, the points have the right spread, and the components their right weights."


def check_first_step(answer, share):
    """A denoiser that always says 0 notes where it is asked: the second place is the first one, moved by one step."""
    asked, levels = [], [2.0, 1.5, 1.0]

    def denoise(y, sigma):
        asked.append((y.clone(), float(sigma)))
        return torch.zeros_like(y)

    y = answer(denoise, torch.full((4000, 3), 10.0), levels, share)
    if {level for _, level in asked} != set(levels):
        raise Wrong("Your walk asks the denoiser at other levels than the given ones: each of them, and no other.")
    if len(asked) < 2 or abs(asked[0][0].mean() - 10) > 0.5:
        raise Wrong("The walk does not begin at the x that it was given.")
    went, width = 1 - asked[1][0].mean().item() / 10, asked[1][0].std().item() / (2 * share) ** 0.5
    if abs(went - share) > 0.03:
        raise Wrong(f"With share = {share} the first step goes {went:.0%} of the way to the guess.")
    if not (abs(width - 2) < 0.06 or abs(width - 1.5) < 0.06):
        raise Wrong(
            f"With share = {share} the first step, from level 2 to 1.5, has noise of the width "
            f"{width * (2 * share) ** 0.5:.2f}. What would Langevin's be, of this level or of the next one?"
        )
    if y.abs().max() > 0:
        raise Wrong("What you return is not the guess at the last level.")


def exact_denoiser(mixture):
    """denoise(y, sigma) of a `Mixture`: its exact posterior mean."""
    return lambda y, sigma: y + sigma**2 * mixture.convolved(sigma).score(y)


def drawn(answer, mixture, levels, share):
    """Where 4,000 points end that `answer` walks down the levels of a `Mixture`."""
    torch.manual_seed(0)
    start = levels[0] * torch.randn(4000, mixture.means.shape[1])
    x = start.clone()
    y = answer(exact_denoiser(mixture), x, levels, share)
    if not isinstance(y, torch.Tensor) or y.shape != start.shape:
        shape = tuple(start.shape)
        raise Wrong(f"As many points should come out as go in, a tensor {shape}; yours is {describe(y)}.")
    if not torch.equal(x, start):
        raise Wrong("Your walk changed the points it was given; work on a copy (x = x + ..., not x += ...).")
    if not torch.isfinite(y).all():
        raise Wrong("Some of your points are nan or infinite: move towards the guess, not away from it.")
    return y
