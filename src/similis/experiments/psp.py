"""Principal subspace of a stream: Pehlevan, Hu and Chklovskii 2015; test bench of Giovannucci et al. 2018."""

from __future__ import annotations

from functools import partial

import numpy as np
from sklearn.decomposition import IncrementalPCA
from sklearn.utils import gen_batches

from ..datasets import load_digits, load_mnist, load_orl_faces, spiked_covariance
from ..estimators import SimilarityMatching
from ..metrics import captured_variance, subspace_error
from . import figures
from ._curve import follow, stops
from ._registry import Budget, Claim, Figure, Measured, Outcome, Table, experiment

CHECK = "an independent NumPy check made before this library"
BENCH = "best of the three schedules of the authors' test bench (online_psp), run on the same data"
BATCH = 100  # rows IncrementalPCA sees at a time
ERROR = "relative subspace error"


@experiment(
    "psp",
    "spiked",
    "Four strong directions in fifty",
    claims=[
        Claim(id="1e3", text="Spiked covariance: subspace error after 1,000 samples", goal=0.02, better="lower",
              known=0.017, source=CHECK),
        Claim(id="1e4", text="Spiked covariance: subspace error after 10,000 samples", goal=0.004, better="lower",
              known=0.003, source=CHECK),
    ],
)  # fmt: skip
def spiked(budget: Budget, seeds: tuple[int, ...], *, k: int = 4) -> Outcome:
    """Gaussian samples in 50 dimensions: four directions with variances from 1 to 0.5 over white noise of variance
    0.002, mean norm scaled to 1, each sample seen once. The error is measured against the exact principal subspace of
    all 10,000 samples; the exact answer from only the samples seen so far is what any method could know."""
    places = stops(10_000, first=30)
    network, exact = [], []
    for seed in seeds:
        X, _ = spiked_covariance(10_000, 50, k, random_state=seed)
        goal = _top(X.T @ X, k)
        model = SimilarityMatching(k, eta0=0.2, decay=0.2, center=False, scale=None, random_state=seed)
        network.append(follow(model, [X], places, partial(_errors, U=goal)))
        exact.append([subspace_error(_top(X[:n].T @ X[:n], k), goal) for n in places])
    canvas, ax = figures.canvas()
    averaged, latest = np.moveaxis(np.array(network), 2, 0)
    figures.curves(ax, places, latest, label="latest weights", colour=figures.ORANGE)
    figures.curves(ax, places, averaged, label="averaged weights", colour=figures.BLUE)
    figures.curves(
        ax, places[:-1], np.array(exact)[:, :-1], label="exact, same samples", colour=figures.GREY, style="--"
    )
    figures.label(ax, "samples seen", ERROR)
    figure = figures.svg(
        canvas,
        caption="Error against samples seen, median of five data sets, range shaded. The network's error falls as one "
        "over the number of samples and stays near what the samples themselves allow. The claims are about the "
        "average of the weights over the stream; the paper reads the latest.",
        alt="Two falling curves on logarithmic axes: the network and the exact principal subspace of the samples seen.",
        salt="psp/spiked",
    )
    measured = {}
    for name, n in (("1e3", 1_000), ("1e4", 10_000)):
        at = int(np.searchsorted(places, n))
        oracle = float(np.median(np.array(exact)[:, at]))
        measured[name] = Measured.over(averaged[:, at], seeds, oracle=oracle)
    return Outcome(measured, (figure,), circuit=model.circuit_)


@experiment(
    "psp",
    "digits",
    "Handwritten digits",
    claims=[
        Claim(id="error", text="Digits, k = 8, 20 passes: subspace error", goal=0.02, better="lower"),
        Claim(id="variance", text="Digits, k = 8: variance captured, as a share of the exact subspace's", goal=0.999,
              better="higher"),
    ],
)  # fmt: skip
def digits(budget: Budget, seeds: tuple[int, ...], *, k: int = 8) -> Outcome:
    """The 1,797 digits of scikit-learn, 8 x 8 pixels, default settings, twenty passes, each in a new random order."""
    X, _ = load_digits()
    return _race(X, {"error": k}, seeds, epochs=20, shape=(8, 8), what="psp/digits", variance="variance")


@experiment(
    "psp",
    "mnist",
    "MNIST in one pass",
    budgets=("full",),
    needs=("mnist",),
    claims=[
        Claim(id="k16", text="MNIST, k = 16, one pass, default settings: subspace error", goal=0.066, better="lower",
              known=0.066, provenance="authors' code", source=BENCH),
        Claim(id="k64", text="MNIST, k = 64, one pass, default settings: subspace error", goal=0.111, better="lower",
              known=0.111, provenance="authors' code", source=BENCH),
    ],
)  # fmt: skip
def mnist(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """The 60,000 training images, each seen once, in five random orders, at the estimator's default settings. The error
    is measured against the exact principal subspace of all the images."""
    X, _ = load_mnist()
    return _race(X, {"k16": 16, "k64": 64}, seeds, epochs=1, shape=(28, 28), what="psp/mnist")


@experiment(
    "psp",
    "faces",
    "ORL faces",
    budgets=("full",),
    needs=("orl-faces",),
    claims=[
        Claim(id="error", text="ORL faces, k = 16, 30 passes: subspace error", goal=0.03, better="lower"),
        Claim(id="variance", text="ORL faces, k = 16: variance captured, as a share of the exact subspace's",
              goal=0.999, better="higher"),
    ],
)  # fmt: skip
def faces(budget: Budget, seeds: tuple[int, ...], *, k: int = 16) -> Outcome:
    """Four hundred pictures of forty people, 32 x 32 pixels, thirty passes as in the authors' test bench, default
    settings. Few samples in many dimensions: the case where a covariance matrix is larger than the data."""
    X, _ = load_orl_faces()
    return _race(X, {"error": k}, seeds, epochs=30, shape=(32, 32), what="psp/faces", variance="variance")


def _race(
    X: np.ndarray, sizes: dict[str, int], seeds: tuple[int, ...], *, epochs: int, shape: tuple[int, int], what: str,
    variance: str | None = None,
) -> Outcome:  # fmt: skip
    """The network and IncrementalPCA on the same random orders; the error of each claim's number of components."""
    C, places = np.cov(X.T, bias=True, dtype=np.float64), stops(epochs * len(X), n_points=16, first=2 * BATCH)
    canvas, ax = figures.canvas()
    measured: dict[str, Measured] = {}
    rows: list[tuple[str | float, ...]] = []
    learned = []
    for (claim, k), colour in zip(sizes.items(), (figures.BLUE, figures.PURPLE), strict=False):
        U, network, peer, shares = _top(C, k), [], [], []
        for seed in seeds:
            rng = np.random.default_rng(seed)
            stream = X[np.concatenate([rng.permutation(len(X)) for _ in range(epochs)])]
            model = SimilarityMatching(k, random_state=seed)
            network.append(follow(model, [stream], places, partial(_errors, U=U)))
            peer.append(_incremental(stream, U, places))
            shares.append(captured_variance(model.components_, C) / captured_variance(U, C))
        learned.append((U, model))
        averaged, latest = np.moveaxis(np.array(network), 2, 0)
        figures.curves(ax, places, averaged, label=f"network, k = {k}", colour=colour)
        figures.curves(ax, places, np.median(peer, axis=0), label=f"IncrementalPCA, k = {k}", colour=colour, style=":")
        final = [curves[:, -1] for curves in (averaged, latest, np.array(peer))]
        measured[claim] = Measured.over(final[0], seeds, oracle=0.0)
        if variance:
            measured[variance] = Measured.over(shares, seeds, better="higher", oracle=1.0)
        rows.append((f"k = {k}", *(float(np.median(values)) for values in final), 0.0))
    figures.label(ax, "samples seen", ERROR)
    errors = figures.svg(
        canvas,
        caption=f"Error against samples seen, median of {len(seeds)} random orders, the network's range shaded. "
        f"Dotted: scikit-learn's IncrementalPCA on the same orders in batches of {BATCH}. The exact error is 0.",
        alt="Falling error curves of the network and of IncrementalPCA on logarithmic axes.",
        salt=what,
    )
    table = Table(
        f"Median {ERROR} after the last sample, all measured in this run",
        ("components", "averaged weights", "latest weights", "IncrementalPCA", "exact"),
        tuple(rows),
    )
    U, model = learned[0]
    return Outcome(measured, (errors, _components(U, model, shape)), (table,), model.circuit_)


def _errors(model: SimilarityMatching, U: np.ndarray) -> tuple[float, float]:
    """Subspace error of the averaged and of the latest weights; W and M^{-1} W span the same rows."""
    return subspace_error(model.components_, U), subspace_error(model.state_.W["x"], U)


def _components(U: np.ndarray, model: SimilarityMatching, shape: tuple[int, int]) -> Figure:
    """Exact components above the network's, which are free to rotate and are turned to match."""
    V = np.linalg.qr(model.components_.T.astype(float))[0]
    left, _, right = np.linalg.svd(U @ V)
    images = np.concatenate([U, left @ right @ V.T]).reshape(-1, *shape)
    k = len(U)
    return figures.tiles(
        images,
        caption=f"Upper half: the {k} exact principal components. Lower half: the network's, turned within their "
        "subspace to match, which similarity matching leaves free.",
        alt=f"{k} exact components and {k} learned ones that look alike.",
        n_columns=8,
        signed=True,
    )


def _incremental(stream: np.ndarray, U: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Error of scikit-learn's IncrementalPCA at the end of the batch that holds each place."""
    peer = IncrementalPCA(len(U))
    errors: list[float] = []
    for batch in gen_batches(len(stream), BATCH, min_batch_size=len(U)):
        peer.partial_fit(stream[batch])
        reached = np.searchsorted(places, batch.stop, side="right") - len(errors)
        if reached:
            errors += [subspace_error(peer.components_, U)] * int(reached)
    return np.array(errors)


def _top(C: np.ndarray, k: int) -> np.ndarray:
    """Leading k eigenvectors of a symmetric matrix as rows, strongest first."""
    return np.linalg.eigh(C)[1][:, : -k - 1 : -1].T
