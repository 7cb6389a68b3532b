"""Training in pieces: the same weights for any number of processes, and those of a plain loop."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from ldviz.errors import CancelledError
from ldviz.study.build import denoiser as denoising
from ldviz.study.build.autoencoder import new_autoencoder, train_autoencoder
from ldviz.study.build.denoiser import new_denoiser, new_scheduler, train_denoiser
from ldviz.study.build.images import ModelImages, load_split
from ldviz.study.build.latents import LatentRows, encoded, scaling_factor
from ldviz.study.build.processes import start_processes
from ldviz.study.build.shards import run_epoch, say_who_waits
from ldviz.study.build.train import train_study
from ldviz.study.build.training_cost import training_cost
from ldviz.study.recipe import DenoiserSettings, Recipe, load_recipe
from tests.study.small_analysis import in_processes


def few_members(file: Path, shards: int) -> Recipe:
    """15 members in batches of 7: of the last batch, of one, all shards but the first are empty."""
    recipe = load_recipe(str(file))
    training = {"batch_size": 7, "shards": shards}
    return recipe.model_copy(
        update={
            "data": recipe.data.model_copy(update={"num_images": 30}),
            "autoencoder": recipe.autoencoder.model_copy(update=training | {"epochs": 2}),
            "denoiser": recipe.denoiser.model_copy(update=training | {"epochs": 3}),
            "selection": recipe.selection.model_copy(update={"evaluate_every": 1}),
        }
    )


def train(recipe: Recipe, folder: Path, *, stop_in: str = "") -> None:
    def progress(done: int, total: int, what: str) -> None:
        if what == stop_in and done == 1:
            raise CancelledError("stopped by the test")

    train_study(recipe, folder, device="cpu", progress=progress)


def result(folder: Path) -> dict:
    """Weights, settings and record of a training, without the times."""
    record = json.loads((folder / "training.json").read_text())
    for entry in record["autoencoder_log"] + record["denoiser_log"]:
        del entry["seconds"]
    del record["seconds"], record["finished"]
    files = [*folder.glob("vae/*"), *folder.glob("unet/*")]
    return {path.name: path.read_bytes() for path in files} | record


@pytest.mark.parametrize("shards", [1, 3])
def test_the_number_of_processes_does_not_show(
    tiny_recipe_file: Path, tmp_path: Path, shards: int
) -> None:
    recipe = few_members(tiny_recipe_file, shards)
    train(recipe, tmp_path / "one")
    expected = result(tmp_path / "one")
    assert len(expected["evaluations"]) == 3
    assert in_processes(lambda: train(recipe, tmp_path / "two"), 2) == [0, 0]
    assert result(tmp_path / "two") == expected
    assert not list(tmp_path.glob("*/.training/*.bin"))


@pytest.mark.slow
@pytest.mark.parametrize("shards", [1, 3])
def test_nor_do_interruptions(tiny_recipe_file: Path, tmp_path: Path, shards: int) -> None:
    """Continued by more processes than began it, and ended by fewer."""
    recipe = few_members(tiny_recipe_file, shards)
    train(recipe, tmp_path / "once")
    for stop, count in (("training the autoencoder", 2), ("training the denoiser", 3), ("", 1)):

        def work(stop: str = stop) -> None:
            train(recipe, tmp_path / "often", stop_in=stop)

        assert in_processes(work, count) == [1 if stop else 0] * count
    assert result(tmp_path / "often") == result(tmp_path / "once")


@pytest.mark.slow
def test_a_dry_run_by_two_processes_trains_as_they_would(
    tiny_recipe_file: Path, tmp_path: Path
) -> None:
    recipe = few_members(tiny_recipe_file, 3)

    def work() -> None:
        cost = training_cost(recipe, tmp_path / "study", device="cpu")
        assert (cost.processes, cost.trial_samples) == (2, 14)
        assert 0 < cost.seconds < 600

    assert in_processes(work, 2) == [0, 0]
    assert not (tmp_path / "study").exists()


def test_another_number_of_shards_is_another_training(
    tiny_recipe_file: Path, tmp_path: Path
) -> None:
    for shards in (1, 2):
        train(few_members(tiny_recipe_file, shards), tmp_path / str(shards))
    files = [next((tmp_path / run / "unet").glob("*.safetensors")) for run in "12"]
    assert files[0].read_bytes() != files[1].read_bytes()
    records = [json.loads((tmp_path / run / "training.json").read_text()) for run in "12"]
    assert [record["recipe"]["denoiser"].get("shards") for record in records] == [None, 2]


def test_batches_that_are_not_cut_are_a_plain_loop_s(
    tiny_recipe_file: Path, tmp_path: Path
) -> None:
    """What the studies that come with ldviz were trained by, written down anew: to the last bit."""
    recipe = few_members(tiny_recipe_file, 1)
    split = load_split(recipe.data, tmp_path)
    members = np.flatnonzero(split.is_member)
    processes = start_processes("cpu")
    images = ModelImages(split.images, members, device=processes.device)
    autoencoder, log = train_autoencoder(
        images, recipe.autoencoder, checkpoint=tmp_path / "a.pt", processes=processes
    )

    settings = recipe.autoencoder
    twin = new_autoencoder(settings, channels=1, image_size=16)
    optimizer = torch.optim.AdamW(twin.parameters(), lr=2e-3, weight_decay=1e-4)
    for epoch in range(2):
        generator = denoising.seeded_generator("autoencoder-epoch", 0, epoch)
        reconstructions = []
        for rows in torch.randperm(15, generator=generator).split(7):
            batch = images[rows]
            posterior = twin.encode(batch).latent_dist
            lost = (twin.decode(posterior.sample()).sample - batch).abs().mean()
            kl = 0.5 * (posterior.mean**2 + posterior.var - 1.0 - posterior.logvar).mean()
            optimizer.zero_grad()
            (lost + 1e-2 * kl).backward()
            torch.nn.utils.clip_grad_norm_(twin.parameters(), 1.0)
            optimizer.step()
            reconstructions.append(lost.detach())
        assert log[epoch]["reconstruction"] == float(sum(reconstructions) / 3)
    twin.half().float().eval()
    check_same_weights(autoencoder, twin)
    means = torch.cat(list(encoded(twin, images)))
    assert autoencoder.config.scaling_factor == float(1.0 / means.std())

    settings = recipe.denoiser
    latents = means * autoencoder.config.scaling_factor
    denoiser, log, _ = train_denoiser(
        LatentRows(latents.numpy(), device=processes.device),
        settings,
        recipe.selection.model_copy(update={"evaluate_every": 3}),
        evaluate=lambda denoiser: {"best_auc": 0.8},
        checkpoint=tmp_path / "d.pt",
        processes=processes,
    )
    twin, scheduler = new_denoiser(settings, latent_shape=(4, 4, 4)), new_scheduler(settings)
    optimizer = torch.optim.AdamW(twin.parameters(), lr=2e-4, weight_decay=1e-4)
    twin.train()
    for epoch in range(3):
        generator = denoising.seeded_generator("denoiser-epoch", 0, epoch)
        order = torch.randperm(15, generator=generator)
        noise = torch.randn(latents.shape, generator=generator)
        timesteps = torch.randint(0, 1000, (15,), generator=generator)
        for rows in order.split(7):
            noisy = scheduler.add_noise(latents[rows], noise[rows], timesteps[rows])
            predicted = twin(noisy, timesteps[rows]).sample
            loss = torch.nn.functional.mse_loss(predicted, noise[rows])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(twin.parameters(), 1.0)
            optimizer.step()
    check_same_weights(denoiser, twin.half().float())


def check_same_weights(ours: torch.nn.Module, theirs: torch.nn.Module) -> None:
    for (name, found), expected in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(found, expected), name


class Alone:
    """One process."""

    process_index, num_processes, is_main_process = 0, 1, True
    device = torch.device("cpu")


@pytest.mark.parametrize(("size", "shards"), [(8, 2), (8, 8), (7, 3), (9, 8), (5, 4)])
def test_pieces_sum_to_the_batch_s_mean(size: int, shards: int) -> None:
    """A linear model in float64, whose gradients a batch's mean has by hand."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(size, 3, generator=generator, dtype=torch.float64)
    targets = torch.randn(size, generator=generator, dtype=torch.float64)

    def fitted(count: int, batch_size: int) -> tuple[torch.Tensor, dict[str, float]]:
        model = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64)
        torch.nn.init.ones_(model.weight)

        def piece_loss(rows: torch.Tensor, generator: torch.Generator | None):
            assert (generator is None) == (count == 1)
            loss = (model(inputs[rows])[:, 0] - targets[rows]).square().mean()
            return loss, (loss,)

        means = run_epoch(
            model,
            torch.optim.SGD(model.parameters(), lr=0.1),
            torch.arange(size),
            piece_loss,
            DenoiserSettings(epochs=1, batch_size=batch_size, shards=count, gradient_clip=1e9),
            terms=("loss",),
            key=("test", 0, 0),
            processes=Alone,
        )
        return model.weight.detach(), means

    batch_size = 8
    expected = torch.ones(1, 3, dtype=torch.float64)
    losses = []
    for rows in torch.arange(size).split(batch_size):
        residual = inputs[rows] @ expected[0] - targets[rows]
        losses.append(float(residual.square().mean()))
        expected = expected - 0.1 * 2 * (residual @ inputs[rows])[None] / len(rows)
    for count in (1, shards):
        weights, means = fitted(count, batch_size)
        torch.testing.assert_close(weights, expected, rtol=0, atol=1e-12)
        assert means["loss"] == pytest.approx(np.mean(losses), rel=1e-6)  # kept in float32


def test_each_piece_has_randomness_of_its_own() -> None:
    drawn = []

    def piece_loss(rows: torch.Tensor, generator: torch.Generator | None):
        drawn.append((float(torch.rand(1)), float(torch.rand(1, generator=generator))))
        loss = model(torch.ones(len(rows), 1)).sum()
        return loss, (loss,)

    model = torch.nn.Linear(1, 1)
    for epoch in (0, 1, 0):
        run_epoch(
            model,
            torch.optim.SGD(model.parameters(), lr=0.0),
            torch.arange(8),
            piece_loss,
            DenoiserSettings(epochs=1, batch_size=4, shards=2),
            terms=("loss",),
            key=("test", 0, epoch),
            processes=Alone,
        )
    assert len(set(drawn[:8])) == 8
    assert drawn[8:] == drawn[:4]


@pytest.mark.parametrize("count", [1, 15, 16, 63, 64, 95, 96, 101, 1000, 1024])
def test_noise_in_blocks_is_noise_in_one_go(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denoising, "DRAWN_AT_ONCE", 32)
    ours, theirs = (torch.Generator().manual_seed(3) for _ in range(2))
    blocks = list(denoising._normal_blocks(count, ours))
    assert len(blocks) == max(1, count // 32)
    assert torch.equal(
        torch.from_numpy(np.concatenate(blocks)), torch.randn(count, generator=theirs)
    )
    assert torch.equal(torch.rand(5, generator=ours), torch.rand(5, generator=theirs))


def test_moments_are_merged_as_if_all_latents_were_there(monkeypatch) -> None:
    parts = [torch.randn(k, 2, 2, 2) * k + 3 for k in (5, 4, 1)]
    monkeypatch.setattr("ldviz.study.build.latents.encoded", lambda *_: iter(parts))
    expected = 1.0 / torch.cat(parts).double().std()
    assert scaling_factor(None, None, Alone) == pytest.approx(float(expected), rel=1e-7)


def test_processes_that_wait_are_told(
    tiny_recipe_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    four = type("Four", (Alone,), {"num_processes": 4})
    with caplog.at_level(logging.WARNING):
        say_who_waits(few_members(tiny_recipe_file, 4), four)
        say_who_waits(few_members(tiny_recipe_file, 1), Alone)
        say_who_waits(few_members(tiny_recipe_file, 1), type("", (four,), {"is_main_process": 0}))
        assert caplog.text == ""
        say_who_waits(few_members(tiny_recipe_file, 3), four)
        assert "The autoencoder's batches are cut into 3 pieces" in caplog.text
        assert "The denoiser's batches are cut into 3 pieces" in caplog.text
        assert "of 4 processes 1 wait" in caplog.text
        say_who_waits(few_members(tiny_recipe_file, 1), four)
        assert "batches are not cut" in caplog.text
