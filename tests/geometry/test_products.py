"""Jacobian products on every route against torch's own full Jacobian."""

from __future__ import annotations

import gc
import warnings
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from ldviz.errors import InputError, ModelError
from ldviz.geometry import exact_geometry, hutchinson_diagonal, probe_design, randomized_spectrum
from ldviz.geometry.products import Linearizer, RecordedLinearization, linearize
from tests.geometry.decoders import AutoencoderDecoder, latents_of, linear_decoder

SHAPE = (4, 4, 4)


def seeded(module: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return module.double().eval().requires_grad_(False)


class Residual(nn.Module):
    """A residual block whose sum, shortcut and constants meet in unusual ways."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.GroupNorm(2, 4), nn.SiLU(), nn.Conv2d(4, 4, 3, padding=1))
        self.shift = nn.Parameter(torch.zeros(4, 1, 1))

    def forward(self, x):
        h = self.body(x)
        return (x - 2 * h + self.shift) * self.shift / 0.7 + (h + h)


class Mixer(nn.Module):
    """Softmax attention written out, with a cat-free residual."""

    def __init__(self):
        super().__init__()
        self.query, self.value = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        tokens = x.flatten(2).transpose(1, 2)
        weights = torch.softmax(self.query(tokens) @ tokens.transpose(1, 2), dim=-1)
        mixed = (weights @ self.value(tokens)).transpose(1, 2)
        return x + mixed.reshape(x.shape)


DECODERS = {
    "upsampled convolution": nn.Sequential(
        nn.Conv2d(4, 6, 3, padding=1), nn.Upsample(scale_factor=2), nn.Conv2d(6, 2, 3, padding=1)
    ),
    "upsample used alone": nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 2, 1)),
    "transposed convolution": nn.Sequential(
        nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1), nn.LeakyReLU(0.1), nn.Conv2d(3, 3, 3)
    ),
    "strided and grouped": nn.Sequential(nn.Conv2d(4, 4, 3, 2, 1, groups=2), nn.Tanh()),
    "norm without activation": nn.Sequential(nn.GroupNorm(2, 4), nn.Conv2d(4, 2, 1)),
    "norm without weights": nn.Sequential(nn.GroupNorm(4, 4, affine=False), nn.GELU()),
    "norms between convolutions": nn.Sequential(
        nn.Conv2d(4, 6, 3, padding=1), nn.GroupNorm(3, 6), nn.SiLU(), nn.Conv2d(6, 2, 1)
    ),
    "residual": nn.Sequential(Residual(), Residual()),
    "linear layers": nn.Sequential(
        nn.Flatten(), nn.Linear(64, 20), nn.SiLU(), nn.Linear(20, 30), nn.Unflatten(1, (1, 5, 6))
    ),
    "pixel shuffle and pooling": nn.Sequential(nn.PixelShuffle(2), nn.AvgPool2d(2), nn.Sigmoid()),
    "attention written out": Mixer(),
}


@pytest.fixture(params=DECODERS, name="decoder")
def _decoder(request):
    return seeded(DECODERS[request.param])


@pytest.mark.parametrize("route", ["recorded", "forward-mode", "double-backward"])
def test_products_agree_with_the_full_jacobian(decoder, route):
    latents = latents_of(3, SHAPE)
    linear = linearize(decoder, latents, route)
    assert linear.route == route
    torch.testing.assert_close(linear.images, decoder(latents))
    tangents = latents_of(15, SHAPE, seed=2).unflatten(0, (5, 3))
    cotangents = latents_of(12, linear.images.shape[1:], seed=3).unflatten(0, (4, 3))
    pushed, pulled = linear.jvp(tangents), linear.vjp(cotangents)
    for sample in range(3):
        jacobian = torch.autograd.functional.jacobian(
            lambda flat: decoder(flat.reshape(1, *SHAPE)).flatten(), latents[sample].flatten()
        )
        expected = tangents[:, sample].flatten(1) @ jacobian.T
        torch.testing.assert_close(pushed[:, sample].flatten(1), expected, rtol=1e-10, atol=1e-12)
        expected = cotangents[:, sample].flatten(1) @ jacobian
        torch.testing.assert_close(pulled[:, sample].flatten(1), expected, rtol=1e-10, atol=1e-12)
    again = linear.jvp(tangents)
    assert torch.equal(again, pushed), "a product must not disturb what is recorded"


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize(
    "name", ["norm without activation", "residual", "norms between convolutions"]
)
def test_large_normalisations_take_the_kernel_and_agree(name, samples, monkeypatch):
    decoder = seeded(DECODERS[name])
    latents = latents_of(samples, SHAPE)
    tangents = latents_of(samples, SHAPE, seed=2)[None]
    dense = linearize(decoder, latents)
    monkeypatch.setattr("ldviz.geometry.steps.DENSE_NORM_LIMIT", 0)
    native = linearize(decoder, latents)
    torch.testing.assert_close(native.jvp(tangents), dense.jvp(tangents), rtol=1e-10, atol=1e-12)
    cotangents = torch.ones(1, *native.images.shape, dtype=torch.float64)
    torch.testing.assert_close(
        native.vjp(cotangents), dense.vjp(cotangents), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("samples_at_once", [1, 2, 5])
def test_normalisations_project_any_number_of_samples_at_once(samples_at_once, monkeypatch):
    decoder = seeded(nn.Sequential(nn.GroupNorm(2, 4), nn.SiLU(), nn.Conv2d(4, 2, 1)))
    latents = latents_of(5, (4, 3, 3))
    cotangents = latents_of(3 * 5, (2, 3, 3), seed=1).reshape(3, 5, 2, 3, 3)
    monkeypatch.setattr("ldviz.geometry.steps.PROJECTOR_NUMBERS", samples_at_once * 2 * 2 * 36)
    recorded = linearize(decoder, latents, "recorded").vjp(cotangents)
    automatic = linearize(decoder, latents, "forward-mode").vjp(cotangents)
    torch.testing.assert_close(recorded, automatic, rtol=1e-10, atol=1e-12)


def test_a_decoder_that_views_its_images_can_be_recorded():
    convolution = seeded(nn.Conv2d(4, 2, 3, padding=1))

    def decoder(latents):
        return convolution(latents).view(len(latents), -1) * 2

    latents = latents_of(3, SHAPE)
    linear = linearize(decoder, latents)
    assert linear.route == "recorded"
    tangent = latents_of(3, SHAPE, seed=2)
    bias = decoder(torch.zeros_like(latents))
    torch.testing.assert_close(linear.jvp(tangent[None])[0], decoder(tangent) - bias)


def test_automatic_route_records_convolutional_decoders():
    decoder = AutoencoderDecoder(attention=False)
    assert linearize(decoder, latents_of(2, SHAPE)).route == "recorded"


def test_attention_decoder_falls_back_to_the_math_kernel():
    decoder = AutoencoderDecoder(attention=True)
    latents = latents_of(2, SHAPE)
    linear = linearize(decoder, latents)
    assert linear.route == "recorded, math attention"
    twin = linearize(decoder, latents, "double-backward")
    tangents = latents_of(6, SHAPE, seed=2).unflatten(0, (3, 2))
    cotangents = torch.randn(3, *linear.images.shape, dtype=torch.float64)
    torch.testing.assert_close(linear.jvp(tangents), twin.jvp(tangents), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(linear.vjp(cotangents), twin.vjp(cotangents), rtol=1e-9, atol=1e-12)


def test_forward_mode_fails_on_attention_and_the_fallback_says_so():
    decoder = AutoencoderDecoder(attention=True)

    def unrecordable(latents):
        images = decoder(latents)
        return images + torch.erf(images)

    latents = latents_of(2, SHAPE)
    tangents = latents_of(2, SHAPE, seed=2)[None]
    with pytest.raises((RuntimeError, NotImplementedError)):
        linearize(unrecordable, latents, "forward-mode").jvp(tangents)
    linear = linearize(unrecordable, latents)
    assert linear.route == "forward-mode"
    pushed = linear.jvp(tangents)
    assert linear.route == "double-backward"
    step = 1e-6
    slope = (
        unrecordable(latents + step * tangents[0]) - unrecordable(latents - step * tangents[0])
    ) / (2 * step)
    # central differences: error of order step², rounding of order 1e-16 / step
    torch.testing.assert_close(pushed[0], slope, rtol=1e-6, atol=1e-7)


class StraightThrough(torch.autograd.Function):
    """Rounds, but claims slope one: what autograd says is not what was computed."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return 3 * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def test_a_recording_that_disagrees_with_autograd_is_not_used():
    decoder, _ = linear_decoder([2.0, 1.0], (5,), (7,))

    def custom(latents):
        return StraightThrough.apply(decoder(latents))

    latents = latents_of(2, (5,))
    linear = linearize(custom, latents)
    assert linear.route == "forward-mode"
    cotangents = latents_of(2, (7,), seed=2)[None]
    expected = linearize(decoder, latents).vjp(cotangents)
    torch.testing.assert_close(linear.vjp(cotangents), expected)
    with pytest.raises(InputError, match="differs from the automatic one"):
        linearize(custom, latents, "recorded")


def test_operations_in_place_are_left_to_autograd():
    def decoder(latents):
        images = latents * 2
        images += latents.square().sum(dim=(1, 2, 3), keepdim=True)
        return images

    latents = latents_of(2, SHAPE)
    linear = linearize(decoder, latents)
    assert linear.route == "forward-mode"
    tangent = latents_of(2, SHAPE, seed=2)
    expected = 2 * tangent + 2 * (latents * tangent).sum(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(linear.jvp(tangent[None])[0], expected)


def test_weights_that_require_gradients_change_nothing():
    decoder = AutoencoderDecoder(attention=False)
    latents = latents_of(1, SHAPE)
    tangents = latents_of(2, SHAPE, seed=2)[:, None]
    frozen = linearize(decoder, latents).jvp(tangents)
    decoder.model.requires_grad_(True)
    for route in ("recorded", "forward-mode"):
        pushed = linearize(decoder, latents, route).jvp(tangents)
        assert not pushed.requires_grad
        torch.testing.assert_close(pushed, frozen, rtol=1e-10, atol=1e-12)


def test_products_do_not_depend_on_the_batch():
    decoder = AutoencoderDecoder(attention=False)
    latents = latents_of(5, SHAPE)
    tangents = latents_of(10, SHAPE, seed=2).unflatten(0, (2, 5))
    whole = linearize(decoder, latents).jvp(tangents)
    single = linearize(decoder, latents[3:4]).jvp(tangents[:1, 3:4])
    torch.testing.assert_close(single[0, 0], whole[0, 3], rtol=1e-10, atol=1e-12)


def test_no_gradient_and_bad_routes_are_named():
    decoder, _ = linear_decoder([2.0, 1.0], (5,), (7,))
    frozen = torch.no_grad()(decoder)
    linear = Linearizer(frozen, "forward-mode")(latents_of(2, (5,)))
    with pytest.raises(ModelError, match="does not depend differentiably"):
        linear.vjp(torch.ones(1, 2, 7, dtype=torch.float64))
    with pytest.raises(InputError, match="`route` must be 'auto' or one of recorded"):
        linearize(decoder, latents_of(2, (5,)), "fast")


def test_no_warning_reaches_the_caller():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoder = AutoencoderDecoder(attention=True)
        for route in ("recorded", "double-backward", "auto"):
            linearize(decoder, latents_of(1, SHAPE), route).jvp(latents_of(1, SHAPE)[None])


@pytest.mark.parametrize("quantity", ["diagonal", "spectrum", "exact", "design"])
def test_one_recording_is_held_at_a_time(quantity, monkeypatch):
    alive = weakref.WeakSet()
    most = []

    class Watched(RecordedLinearization):
        def __init__(self, decoder, latents):
            gc.collect()
            most.append(len(alive))
            super().__init__(decoder, latents)
            alive.add(self)

    monkeypatch.setattr("ldviz.geometry.products.RecordedLinearization", Watched)
    monkeypatch.setattr("ldviz.geometry.products.MAX_SAMPLES_PER_PASS", 1)
    latents, ids = latents_of(6, (4, 3, 3)), np.arange(6)
    decoder = seeded(nn.Sequential(nn.ConvTranspose2d(4, 1, 4, stride=2), nn.Tanh()))
    {
        "diagonal": lambda: hutchinson_diagonal(decoder, latents, sample_ids=ids),
        "spectrum": lambda: randomized_spectrum(decoder, latents, sample_ids=ids, rank=4),
        "exact": lambda: exact_geometry(decoder, latents),
        "design": lambda: probe_design(decoder, latents),
    }[quantity]()
    # the first is recorded beside nothing, and so is every other
    assert len(most) >= 6
    assert max(most) == 0
