"""Schedules and samplers of lessons 08 and 09 against diffusers', an independent library; skipped where it is missing.

diffusers counts the steps from 0 to T - 1, the course from 1 to T: t here is t - 1 there.
"""

import pytest
import torch

from helpers.lessons.diffusion import (  # lessons 08 and 09
    add_noise,
    cosine_alpha_bars,
    ddim_sample,
    ddim_step,
    linear_alpha_bars,
    posterior,
    prediction_target,
    to_x_0,
    trailing_timesteps,
)

diffusers = pytest.importorskip("diffusers")

T = 1000
SCHEDULES = {"linear": (linear_alpha_bars, "linear"), "cosine": (cosine_alpha_bars, "squaredcos_cap_v2")}
PREDICTIONS = {"eps": "epsilon", "x_0": "sample", "v": "v_prediction"}  # our word: theirs


def scheduler(kind, schedule, **options):
    """One of diffusers' schedulers, and our alpha_bars (T + 1,) with its values.

    Both in double precision, so that rounding does not hide a mistake.
    """
    made = kind(num_train_timesteps=T, beta_schedule=schedule, clip_sample=False, **options)
    made.alphas_cumprod = made.alphas_cumprod.double()
    if kind is diffusers.DDIMScheduler:
        made.final_alpha_cumprod = made.final_alpha_cumprod.double()
    return made, torch.cat([torch.ones(1).double(), made.alphas_cumprod])


def noise(seed, n=6):
    """Tensors (n, 1, 4, 4) in double precision, always the same for a seed."""
    return torch.randn(n, 1, 4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


every_schedule = pytest.mark.parametrize("name", SCHEDULES)
every_prediction = pytest.mark.parametrize("prediction", PREDICTIONS)


@every_schedule
def test_alpha_bars_are_those_of_the_other_library(name):
    ours, theirs = SCHEDULES[name]
    other = diffusers.DDPMScheduler(num_train_timesteps=T, beta_schedule=theirs)
    expected = torch.cat([torch.ones(1), other.alphas_cumprod])
    torch.testing.assert_close(ours(T), expected, rtol=1e-4, atol=1e-9)  # their products are float32


@every_schedule
def test_the_jump_from_x_0_is_add_noise(name):
    other, alpha_bars = scheduler(diffusers.DDPMScheduler, SCHEDULES[name][1])
    t, x_0, eps = torch.tensor([1, 2, 300, 500, 999, 1000]), noise(0), noise(1)
    torch.testing.assert_close(add_noise(x_0, t, eps, alpha_bars), other.add_noise(x_0, eps, t - 1))


def test_the_target_of_v_is_their_velocity():
    other, alpha_bars = scheduler(diffusers.DDPMScheduler, "squaredcos_cap_v2")
    t, x_0, eps = torch.tensor([1, 2, 300, 500, 999, 1000]), noise(0), noise(1)
    v = prediction_target("v", x_0, eps, alpha_bars[t].reshape(-1, 1, 1, 1))
    torch.testing.assert_close(v, other.get_velocity(x_0, eps, t - 1))


@every_schedule
@pytest.mark.parametrize("t", [1, 2, 10, 500, 1000])
def test_the_variance_of_the_posterior_is_theirs(name, t):
    other, alpha_bars = scheduler(diffusers.DDPMScheduler, SCHEDULES[name][1])
    variance = posterior(noise(0), noise(1), torch.full((6,), t), alpha_bars)[1]
    theirs = other._get_variance(t - 1, variance_type="fixed_small")  # never below 1e-20, where ours is 0
    torch.testing.assert_close(variance, theirs.expand_as(variance), atol=1e-19, rtol=1e-7)


@every_prediction
@every_schedule
@pytest.mark.parametrize("t", [2, 10, 500, 1000])
def test_the_mean_of_the_posterior_is_what_their_step_adds_noise_to(name, prediction, t):
    kind = PREDICTIONS[prediction]
    other, alpha_bars = scheduler(diffusers.DDPMScheduler, SCHEDULES[name][1], prediction_type=kind)
    x_t, output = noise(0), noise(1)
    x_0_hat = to_x_0(prediction, output, x_t, alpha_bars[t])
    mean, variance = posterior(x_t, x_0_hat, torch.full((6,), t), alpha_bars)
    theirs = other.step(output, t - 1, x_t, generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(x_0_hat, theirs.pred_original_sample)
    torch.testing.assert_close(mean + variance.sqrt() * noise(5), theirs.prev_sample)


@every_prediction
@every_schedule
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("stride", [1, 50, 250])
def test_a_step_back_is_theirs_at_any_stride_and_eta(name, prediction, eta, stride):
    kind = PREDICTIONS[prediction]
    other, alpha_bars = scheduler(diffusers.DDIMScheduler, SCHEDULES[name][1], prediction_type=kind)
    other.set_timesteps(T // stride)
    x_t, output = noise(0), noise(1)
    for t in (T, 500, stride):  # the last one ends at 0
        x_0_hat = to_x_0(prediction, output, x_t, alpha_bars[t])
        torch.manual_seed(5)
        x_s = ddim_step(x_t, x_0_hat, t, t - stride, alpha_bars, eta)
        torch.manual_seed(5)
        theirs = other.step(output, t - 1, x_t, eta=eta, variance_noise=torch.randn_like(x_t))
        torch.testing.assert_close(x_0_hat, theirs.pred_original_sample)
        torch.testing.assert_close(x_s, theirs.prev_sample)


def test_where_they_do_not_go_to_alpha_bar_1_they_end_at_our_t_of_1():
    other, alpha_bars = scheduler(diffusers.DDIMScheduler, "linear", set_alpha_to_one=False, prediction_type="sample")
    other.set_timesteps(20)
    x_t, x_0_hat = noise(0), noise(1)
    torch.testing.assert_close(ddim_step(x_t, x_0_hat, 50, 1, alpha_bars), other.step(x_0_hat, 49, x_t).prev_sample)


@every_schedule
def test_a_whole_way_back_ends_where_theirs_does(name):
    other, alpha_bars = scheduler(
        diffusers.DDIMScheduler, SCHEDULES[name][1], timestep_spacing="trailing", prediction_type="sample"
    )
    other.set_timesteps(20)
    x = noise(0)

    def predict_x_0(x_t, t):
        return torch.tanh(x_t + t / T)

    ours = ddim_sample(predict_x_0, x, (other.timesteps + 1).tolist(), alpha_bars)
    for t in other.timesteps.tolist():
        x = other.step(predict_x_0(x, t + 1), t, x).prev_sample
    torch.testing.assert_close(ours, x)


@pytest.mark.parametrize("count", [2, 3, 5, 16, 20, 50, 1000])
def test_trailing_timesteps_are_theirs(count):
    other = diffusers.DDIMScheduler(num_train_timesteps=T, timestep_spacing="trailing")
    other.set_timesteps(count)
    assert trailing_timesteps(count, T) == (other.timesteps + 1).tolist()
