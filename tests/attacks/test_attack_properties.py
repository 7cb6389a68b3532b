"""What every attack promises: determinism, batches, dtypes, conditioning, counted queries."""

import copy
import warnings

import numpy as np
import pytest
import torch

from ldviz.attacks import attack_names, get_attack
from tests.attacks.toy_denoisers import ToyModel, random_latents, smooth_denoiser

BUILT_IN = ("sima", "loss", "pia", "pian", "secmi", "pfami")
DRAWS_NOISE = ("loss", "pfami")


def timestep_of(attack):
    return 60 if attack.has_timesteps else None


@pytest.fixture(scope="module")
def unet_model():
    """A small diffusers denoiser, as studies have, by dtype."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from diffusers import UNet2DModel
    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(16, 32),
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        add_attention=False,
    ).eval()
    networks = {dtype: copy.deepcopy(unet).to(dtype) for dtype in (torch.float32, torch.float64)}
    return lambda dtype: ToyModel(
        lambda z, t, conditioning: networks[dtype](z, t).sample, (4, 8, 8)
    )


def test_the_six_are_registered_in_reading_order():
    assert attack_names()[:6] == BUILT_IN


@pytest.mark.parametrize("name", BUILT_IN)
class TestEveryAttack:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_batches_agree_and_equal_blocks_agree_to_the_last_bit(self, name, dtype, unet_model):
        """To 1e-5 of S, and to 1e-10 in float64.

        PIA, SecMI and PFAMI subtract predictions that are nearly equal, and a float32
        network's own rounding differs by batch size in the seventh digit of each: 1e-4.
        """
        tolerance = 1e-10
        if dtype == torch.float32:
            tolerance = 1e-4 if name in ("pia", "secmi", "pfami") else 1e-5
        attack, model = get_attack(name), unet_model(dtype)
        latents, ids = random_latents(5, (4, 8, 8), dtype=dtype), np.array([12, 5, 77, 31, 8])
        fewer = {"timesteps": (0, 200), "crops": (0.9, 0.7)} if name == "pfami" else {}
        parameters = attack.parse_parameters(fewer)

        def vectors(block):
            return attack.attack_vector(
                model, latents[block], ids[block], timestep_of(attack), parameters=parameters
            )

        whole = vectors(slice(None))
        assert torch.equal(whole, vectors(slice(None)))
        for size in (1, 2):
            blocks = [vectors(slice(start, start + size)) for start in range(0, 5, size)]
            difference = (torch.cat(blocks) - whole).flatten(1).norm(dim=1)
            assert (difference <= tolerance * whole.flatten(1).norm(dim=1)).all()

    def test_order_of_samples_does_not_matter(self, name):
        attack, latents, ids = get_attack(name), random_latents(5), np.array([9, 2, 7, 4, 1])
        vectors = attack.attack_vector(smooth_denoiser(), latents, ids, timestep_of(attack))
        order = torch.tensor([3, 0, 4, 1, 2])
        shuffled = attack.attack_vector(
            smooth_denoiser(), latents[order], ids[order.numpy()], timestep_of(attack)
        )
        torch.testing.assert_close(shuffled, vectors[order], rtol=1e-10, atol=1e-12)

    def test_the_seed_matters_where_noise_is_drawn_and_only_there(self, name):
        attack, latents = get_attack(name), random_latents(2)
        first, second = (
            attack.attack_vector(
                smooth_denoiser(), latents, np.arange(2), timestep_of(attack), seed=seed
            )
            for seed in (0, 1)
        )
        assert torch.equal(first, second) == (name not in DRAWS_NOISE)

    def test_queries_are_counted_right(self, name):
        attack, model = get_attack(name), smooth_denoiser()
        for timestep in (0, 60, 290) if attack.has_timesteps else (None,):
            model.calls.clear()
            attack.attack_vector(model, random_latents(3), np.arange(3), timestep)
            assert len(model.calls) == attack.queries(timestep, attack.parameters())
            assert {num_samples for _, num_samples, _ in model.calls} == {3}

    def test_conditioning_reaches_every_query_as_it_is(self, name):
        attack, model = get_attack(name), smooth_denoiser()
        conditioning = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
        attack.attack_vector(
            model, random_latents(3), np.arange(3), timestep_of(attack), conditioning=conditioning
        )
        assert all(seen is conditioning for _, _, seen in model.calls)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_dtype_is_the_models_and_no_gradient_is_kept(self, name, dtype):
        attack, latents = get_attack(name), random_latents(2, dtype=dtype).requires_grad_()
        vectors = attack.attack_vector(
            smooth_denoiser(), latents, np.arange(2), timestep_of(attack)
        )
        assert vectors.dtype == dtype
        assert not vectors.requires_grad
        exact = attack.attack_vector(
            smooth_denoiser(), latents.detach().double(), np.arange(2), timestep_of(attack)
        )
        assert (vectors - exact).norm() < 1e-5 * exact.norm()

    def test_the_latents_are_left_as_they_were(self, name):
        attack, latents = get_attack(name), random_latents(2)
        before = latents.clone()
        attack.attack_vector(smooth_denoiser(), latents, np.arange(2), timestep_of(attack))
        assert torch.equal(latents, before)

    def test_the_card_says_what_a_reader_needs(self, name):
        attack = get_attack(name)
        assert "arXiv:" in attack.citation
        assert attack.url == "https://arxiv.org/abs/" + attack.citation.split("arXiv:")[1]
        assert attack.power == {"secmi": 2.0, "pfami": None}.get(name, 4.0)
        assert attack.default_timesteps == (() if name == "pfami" else tuple(range(0, 300, 10)))
