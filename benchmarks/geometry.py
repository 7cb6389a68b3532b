"""The decoder-geometry engine against the straightforward way and against its floor.

    python -m benchmarks.geometry                       # both random-weight decoders
    python -m benchmarks.geometry --study assets/studies/digits
    python -m benchmarks.geometry --study assets/studies/digits --influence --rounds 5
    python -m benchmarks.geometry --study assets/studies/digits --agreement 100
    python -m benchmarks.geometry --large               # Stable Diffusion's size: a quarter hour

The straightforward way is what the paper's scripts do: one sample at a time, weights
frozen, one retained graph, one autograd call per output pixel for the spectrum and
per vector for the randomized spectrum and the diagonal.  The floor is what the
mathematics needs when every product is an automatic one at the best batch size:
min(m, d) Jacobian-vector products at two decoder passes each, vector-Jacobian
products at one.  A share above 100 % means that a product costs less than that;
docs/geometry-engine.md says how.

Both sides run in one process with the same number of threads, taking turns; the best
of the rounds counts.  On a machine that others use too, ``--clock cpu --threads 1``
counts processor time instead of the time on the wall.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from ldviz.geometry import (
    TimeLeft,
    exact_geometry,
    hutchinson_diagonal,
    influence_from_diagonal,
    local_distortion,
    probe_design,
    randomized_spectrum,
)
from ldviz.geometry.hutchinson import rademacher_probes
from ldviz.geometry.memory import kept_memory
from ldviz.models import load_model
from ldviz.randomness import keyed_normal
from ldviz.study.store import open_study

RANK, OVERSAMPLES, POWER_ITERATIONS, PROBES = 20, 30, 2, 16
PROBES_BESIDE_SPECTRUM = 2
WIDER, FITTED = 126, 60
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
HEADINGS = f"{'':28}{'straightforward':>16}{'engine':>11}{'ratio':>8}{'floor':>11}{'share':>8}"
REQUIRED = {"exact": {1: 6.0, 3: 15.0}, "randomized": 5.0, "influence": 4.0, "floor": 0.7}


@dataclass(frozen=True)
class Case:
    """A decoder and some of its latents, of ``total`` that a study holds."""

    name: str
    decoder: Callable[[torch.Tensor], torch.Tensor]
    modules: torch.nn.Module
    latents: torch.Tensor
    sample_ids: np.ndarray
    total: int

    def rows(self, chosen: np.ndarray) -> Case:
        """The same with some of the latents."""
        return replace(self, latents=self.latents[chosen], sample_ids=self.sample_ids[chosen])


def random_case(channels: int, samples: int) -> Case:
    """The shipped architecture with random weights."""
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    model = AutoencoderKL(
        in_channels=channels,
        out_channels=channels,
        latent_channels=4,
        block_out_channels=(16, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        norm_num_groups=8,
        mid_block_add_attention=False,
    )
    model.eval().requires_grad_(False)
    latents = torch.randn(samples, 4, 8, 8)
    name = f"random weights, {'colour' if channels == 3 else 'grey'}, m = {channels * 1024}"
    ids = np.arange(samples)
    return Case(name, lambda z: model.decode(z).sample, model, latents, ids, samples)


def study_case(path: str, samples: int) -> Case:
    """A study's own decoder at samples spread over the study."""
    study = open_study(path)
    model = load_model(study.path, image_shape=study.image_shape)
    model.autoencoder.requires_grad_(False)
    rows = np.linspace(0, study.num_samples - 1, samples).astype(int)
    latents = torch.from_numpy(np.array(study.array("latents")[rows]))
    m = int(np.prod(study.image_shape))
    name = f"{study.name}, m = {m}"
    ids = study.sample_ids[rows]
    return Case(name, model.decode, model.autoencoder, latents, ids, study.num_samples)


def straightforward_exact(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Singular values and diagonal from one autograd call per output pixel."""
    values, diagonals = [], []
    for latent in case.latents:
        point = latent[None].clone().requires_grad_(True)
        pixels = case.decoder(point).flatten()
        rows = [torch.autograd.grad(one, point, retain_graph=True)[0].flatten() for one in pixels]
        jacobian = torch.stack(rows).double()
        values.append(torch.linalg.svdvals(jacobian))
        diagonals.append(jacobian.square().sum(dim=0))
    return torch.stack(values).numpy(), torch.stack(diagonals).numpy()


def straightforward_randomized(case: Case) -> np.ndarray:
    """Randomized SVD (Halko et al. 2011) with one call per vector."""
    values = []
    for latent, sample_id in zip(case.latents, case.sample_ids, strict=True):
        point = latent[None].clone().requires_grad_(True)
        image = case.decoder(point)

        def push(vectors, at=latent[None], shape=latent.shape):
            columns = [
                torch.func.jvp(case.decoder, (at,), (one.reshape(1, *shape).float(),))[1].flatten()
                for one in vectors.T
            ]
            return torch.stack(columns, dim=1).double()

        def pull(vectors, at=point, result=image):
            columns = [
                torch.autograd.grad(
                    result, at, one.reshape(result.shape).float(), retain_graph=True
                )[0].flatten()
                for one in vectors.T
            ]
            return torch.stack(columns, dim=1).double()

        start = keyed_normal(
            "benchmark", 0, np.array([sample_id]), 0, (latent.numel(), RANK + OVERSAMPLES)
        )[0]
        basis = torch.linalg.qr(push(torch.from_numpy(start)))[0]
        for _ in range(POWER_ITERATIONS):
            basis = torch.linalg.qr(push(torch.linalg.qr(pull(basis))[0]))[0]
        values.append(torch.linalg.svdvals(pull(basis))[:RANK])
    return torch.stack(values).numpy()


def straightforward_influence(case: Case) -> np.ndarray:
    """The diagonal from 16 Rademacher probes, one autograd call each."""
    diagonals = []
    for row, latent in enumerate(case.latents):
        point = latent[None].clone().requires_grad_(True)
        image = case.decoder(point)
        ids = case.sample_ids[row : row + 1]
        total = torch.zeros(latent.shape)
        for probe in rademacher_probes(image.detach(), ids, range(PROBES), 0):
            total += torch.autograd.grad(image, point, probe, retain_graph=True)[0][0].square()
        diagonals.append(total / PROBES)
    return torch.stack(diagonals).numpy()


def best_pass(case: Case, clock: Callable[[], float]) -> float:
    """Seconds of one decoder pass per image, at the best batch size and memory layout."""
    best = np.inf
    shape = case.latents.shape[1:]
    for layout in (torch.contiguous_format, torch.channels_last):
        case.modules.to(memory_format=layout)
        for batch in (1, 4, 8, 16, 32, 64, 128, 256):
            latents = torch.randn(batch, *shape).to(memory_format=layout)
            with torch.no_grad():
                for _ in range(4):
                    start = clock()
                    case.decoder(latents)
                    best = min(best, (clock() - start) / batch)
    case.modules.to(memory_format=torch.contiguous_format)
    return best


def turns(ways: dict[str, Callable], rounds: int, clock: Callable[[], float]) -> dict[str, tuple]:
    """Runs the ways in turn; each one's last result and best time."""
    found = {}
    for _ in range(rounds):
        for name, way in ways.items():
            start = clock()
            result = way()
            seconds = clock() - start
            found[name] = (result, min(seconds, found.get(name, (None, np.inf))[1]))
    return found


def line(name: str, found: dict, samples: int, floor: float, required: float) -> None:
    """Prints seconds per sample of both ways, their ratio and the share of the floor."""
    slow, fast = found["straightforward"][1] / samples, found["engine"][1] / samples
    verdict = "" if slow / fast >= required else f"  below the required {required:g} x"
    if floor / fast < REQUIRED["floor"]:
        verdict += f"  below {REQUIRED['floor']:.0%} of the floor"
    print(
        f"{name:28}{slow:14.4f} s{fast:9.4f} s{slow / fast:7.1f}x{floor:9.4f} s"
        f"{floor / fast:8.0%}{verdict}"
    )


def report(case: Case, rounds: int, clock: Callable[[], float]) -> None:
    """Prints ratios, accuracy and shares of the floor of both spectra for one decoder."""
    n, d = len(case.latents), case.latents[0].numel()
    with torch.no_grad():
        image = case.decoder(case.latents[:1])
    m, channels = image.numel(), image.shape[1]
    one_pass = best_pass(case, clock)
    print(f"\n{case.name}: d = {d}, {n} samples, best pass {1e3 * one_pass:.2f} ms per image")
    print(HEADINGS)
    ids = case.sample_ids
    found = turns(
        {
            "straightforward": lambda: straightforward_exact(case),
            "engine": lambda: exact_geometry(case.decoder, case.latents),
        },
        rounds,
        clock,
    )
    line("exact", found, n, 2 * min(m, d) * one_pass, REQUIRED["exact"].get(channels, 6.0))
    (values, diagonal), exact = found["straightforward"][0], found["engine"][0]
    top = values[:, :1]
    error = np.abs(values - exact.singular_values).max() / top.max()
    relative = np.abs(exact.diagonal.reshape(n, d) / diagonal - 1).max()
    print(
        f"    largest difference: {error:.1e} σ1, distortion "
        f"{_nats(values, exact.singular_values):.1e} nats, diagonal {relative:.1e} relative; "
        f"route: {exact.route}"
    )
    found = turns(
        {
            "straightforward": lambda: straightforward_randomized(case),
            "engine": lambda: randomized_spectrum(case.decoder, case.latents, sample_ids=ids),
        },
        rounds,
        clock,
    )
    spectrum = found["engine"][0]
    products = (RANK + OVERSAMPLES) * (2 * POWER_ITERATIONS + 2)
    line("randomized", found, n, products * 1.5 * one_pass, REQUIRED["randomized"])
    for name, one in (
        ("straightforward", found["straightforward"][0]),
        ("engine", spectrum.singular_values),
    ):
        print(
            f"    {name}: {np.abs(one - values[:, :RANK]).max() / top.max():.1e} σ1 and "
            f"{_nats(values, one):.1e} nats from exact"
            + (
                f", {spectrum.num_products.mean():.0f} products, "
                f"{spectrum.converged.mean():.0%} converged"
                if name == "engine"
                else f", {products} products"
            )
        )


def report_influence(case: Case, rounds: int, clock: Callable[[], float]) -> None:
    """Prints the same for the influence: alone, by fitted probes, and beside a spectrum.

    A few of the latents, spread over all, are for the fit of probes and not measured.
    """
    one_pass = best_pass(case, clock)
    fitted = np.linspace(0, len(case.latents) - 1, FITTED).astype(int)
    fit, case = case.rows(fitted), case.rows(np.delete(np.arange(len(case.latents)), fitted))
    ids, n = case.sample_ids, len(case.latents)
    print(f"\n{case.name}: influence of {n} samples, best pass {1e3 * one_pass:.2f} ms per image")
    print(HEADINGS)
    exact = exact_geometry(case.decoder, case.latents).diagonal
    spectrum = randomized_spectrum(case.decoder, case.latents, sample_ids=ids, keep_basis=True)
    start = clock()
    design = probe_design(case.decoder, fit.latents, as_accurate_as=PROBES)
    fit_seconds = clock() - start
    engine = partial(hutchinson_diagonal, case.decoder, case.latents, sample_ids=ids)
    ways = {
        "straightforward": lambda: straightforward_influence(case),
        "independent": engine,
        "fitted": partial(engine, design=design),
        "beside": partial(engine, num_probes=PROBES_BESIDE_SPECTRUM, basis=spectrum.basis),
    }
    found = turns(ways, rounds, clock)

    def tell(name: str, estimate: np.ndarray) -> None:
        relative = np.sqrt(((estimate / exact - 1) ** 2).mean())
        nats = influence_from_diagonal(estimate) - influence_from_diagonal(exact)
        print(
            f"    {name}: {relative:.3f} of the diagonal, {np.sqrt((nats**2).mean()):.3f} nats "
            f"root mean square from exact"
        )

    floor = PROBES * one_pass
    tell(f"straightforward, {PROBES} probes", found["straightforward"][0])
    for way, name, required in (
        ("independent", "influence, independent", 0.0),
        ("fitted", "influence, fitted probes", REQUIRED["influence"]),
        ("beside", "influence beside a spectrum", REQUIRED["influence"]),
    ):
        found["engine"] = found[way]
        estimate = found[way][0]
        line(name, found, n, floor, required)
        tell(f"engine, {estimate.num_probes[0]} probes, {estimate.method}", estimate.diagonal)
        if way == "fitted" and design is not None:
            report_fit(found, n, case.total, fit_seconds, design.num_products)


def report_fit(found: dict, n: int, total: int, seconds: float, products: int) -> None:
    """Prints what the fit of the probes cost, and the ratio with it spread over a study."""
    slow, plain, fitted = (
        found[way][1] / n for way in ("straightforward", "independent", "fitted")
    )
    spread = seconds / total + fitted
    pays = (
        f"pays after {seconds / (plain - fitted):.0f} samples" if fitted < plain else "never pays"
    )
    print(
        f"    fit: {seconds:.2f} s once for {products} products, {pays}; spread over all "
        f"{total}: {spread:.4f} s, {slow / spread:.1f}x"
    )


def agreement(path: str, samples: int) -> None:
    """Prints how the randomized spectrum agrees with the stored, exact one of a study."""
    case = study_case(path, samples)
    study = open_study(path)
    rows = np.linspace(0, study.num_samples - 1, samples).astype(int)
    stored = study.array("singular_values")
    spectrum = randomized_spectrum(case.decoder, case.latents, sample_ids=case.sample_ids)
    distortion = local_distortion(spectrum.singular_values, RANK)
    exact = local_distortion(stored, RANK)
    cuts = np.quantile(exact, [0.25, 0.5, 0.75])
    moved = np.searchsorted(cuts, distortion) != np.searchsorted(cuts, exact[rows])
    error = np.abs(spectrum.singular_values - stored[rows, :RANK]) / stored[rows, :1]
    print(
        f"\n{case.name}: {samples} samples, rank {RANK}: largest error {error.max():.1e} σ1, "
        f"distortion within {np.abs(distortion - exact[rows]).max():.1e} nats, "
        f"{moved.mean():.1%} in another quartile, {spectrum.num_products.mean():.0f} products, "
        f"{spectrum.converged.mean():.0%} converged"
    )


def large() -> None:
    """Rank-20 spectrum and influence of one image by a decoder of Stable Diffusion's size.

    Prints the time left that was announced on the way beside the time it then took.
    """
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    model = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        norm_num_groups=32,
    )
    model.eval().requires_grad_(False)
    latents, ids = torch.randn(1, 4, 32, 32), np.array([0])

    def decoder(z: torch.Tensor) -> torch.Tensor:
        return model.decode(z).sample

    for name, work in (
        (
            "rank-20 spectrum",
            lambda p: randomized_spectrum(decoder, latents, sample_ids=ids, progress=p),
        ),
        ("influence", lambda p: hutchinson_diagonal(decoder, latents, sample_ids=ids, progress=p)),
    ):
        said: list[tuple[float, float, float]] = []

        def note(done: float, total: float, left: float, said=said, name=name) -> None:
            said.append((time.perf_counter(), done / total, left))
            if len(said) % 10 == 1:
                print(f"  {name}: {done:.0f} of {total:.0f}, {left:.0f} s left", flush=True)

        start = time.perf_counter()
        result = work(TimeLeft(note))
        end = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{name}: {end - start:.0f} s, route: {result.route}, peak memory {peak:.2f} GiB")
        for share in (0.25, 0.5, 0.75):
            when, _, left = min(said, key=lambda one: abs(one[1] - share))
            print(f"    at {share:.0%}: announced {left:.0f} s left, took {end - when:.0f} s")
        if name == "influence":
            continue
        error = result.error_estimate.max() / result.singular_values[0, 0]
        print(
            f"    {result.num_products[0]} products, converged: {bool(result.converged[0])}, "
            f"largest error estimate {error:.1e} σ1"
        )


def _nats(exact: np.ndarray, other: np.ndarray) -> float:
    """Largest difference of the rank-20 distortions."""
    return float(np.abs(local_distortion(exact, RANK) - local_distortion(other, RANK)).max())


def main() -> None:
    """Parses the options and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", action="append", help="a study folder; may be repeated")
    parser.add_argument("--samples", type=int, default=4, help="images per decoder")
    parser.add_argument("--rounds", type=int, default=2, help="turns each way takes")
    parser.add_argument("--threads", type=int, default=None, help="torch threads for both ways")
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="wall")
    parser.add_argument(
        "--agreement", type=int, metavar="N", help="compare N stored spectra of the studies only"
    )
    parser.add_argument("--influence", action="store_true", help="the influence only")
    parser.add_argument("--large", action="store_true", help="Stable Diffusion's size only")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.large:
        large()
        return
    if options.agreement:
        for path in options.study or ["assets/studies/digits"]:
            agreement(path, options.agreement)
        return
    clock = CLOCKS[options.clock]
    print(f"{torch.get_num_threads()} threads, {options.clock} clock, best of {options.rounds}")
    cases = (
        [partial(study_case, path) for path in options.study]
        if options.study
        else [partial(random_case, 1), partial(random_case, 3)]
    )
    # As `analyze` does, for its thousands of samples: memory stays from one call to the next.
    with kept_memory():
        for case in cases:
            if not options.influence:
                report(case(options.samples), options.rounds, clock)
            report_influence(case(WIDER * options.samples), options.rounds, clock)


if __name__ == "__main__":
    main()
