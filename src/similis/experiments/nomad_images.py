"""Coordinates of images: rings of views, digits one class at a time, faces under moving light."""

from __future__ import annotations

import time

import numpy as np

from ..datasets import dataset, load_coil20, load_mnist
from ..estimators import NOMAD
from ..nomad import nomad
from . import figures
from ._registry import Budget, Claim, Measured, Outcome, Table, experiment
from .nomad import coordinates, ring_order

SUBJECTS = (1, 4, 5, 27)
INK = [0.25, 0.51, 0.76, 0.0]  # figures.BLUE, read on white and black


@experiment(
    "nomad", "images", "Rings of views, a digit's slant, faces", budgets=("full",),
    needs=("coil20", "mnist", "yale-b"),
    claims=[Claim(id="ring", text="COIL-20: mean over objects of the correlation between the angle in the embedding "
                  "and the turntable's, K = 16", goal=0.8, better="higher")],
)  # fmt: skip
def images(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """72 views of an object on a turntable are a ring, which two coordinates of Q show. 500 images of digit 1 lie
    along their slant; faces of four people under moving light along the light, not the person."""
    seeds = seeds[:1]
    X, labels = load_coil20()
    rings = [NOMAD(16, random_state=seeds[0]).fit_transform(X[labels == item]) for item in range(20)]
    orders = [ring_order(Z) for Z in rings]
    chosen = np.argsort(orders)[[-1, 10, 0]]
    coil = coordinates(
        [(f"object {item + 1}: {orders[item]:.2f}", rings[item], np.arange(72)) for item in chosen],
        caption="Views of three objects (best, median and worst of 20), coloured by the turntable's angle; titles: the "
        "correlation with it.", alt="Closed curves of coloured dots.", salt="nomad/coil",
    )  # fmt: skip
    X, digit = load_mnist(dtype=np.float64)
    ones = X[digit == 1][:500]
    Z, kept = connected(ones, seeds[0])
    one = thumbnails(
        Z, ones[kept].reshape(-1, 28, 28), 5, alt="Strokes sorted by slant.", salt="nomad/one",
        caption=f"MNIST digit 1 by the coordinates of Q, K = 16; {500 - len(Z)} of 500 that are tied to no other are "
        "left out.",
    )  # fmt: skip
    X, people = faces(SUBJECTS)
    Z = NOMAD(16, random_state=seeds[0]).fit_transform(X)
    left = X.reshape(len(X), 32, 32)[:, :16].sum((1, 2)) / X.sum(1)  # images are stored by columns
    yale = coordinates(
        [("by person", Z, np.unique(people, return_inverse=True)[1]), ("by light from the left", Z, left)],
        colours=["tab10", "coolwarm"], salt="nomad/yale",
        caption="Faces of four people (Yale B, subjects 1, 4, 5, 27), K = 16, coloured by person, and by the share of "
        "the light on the left half.", alt="The same curve of dots twice: colours mixed, and colours in order.",
    )  # fmt: skip
    measured = {"ring": Measured.over([float(np.mean(orders))], seeds, better="higher")}
    rows = tuple((f"object {i + 1}", order) for i, order in enumerate(orders))
    table = Table("COIL-20: correlation of angles", ("object", "correlation"), rows)
    return Outcome(measured, (coil, one, yale), (table,), nomad())


@experiment(
    "nomad", "zero", "Digit 0 in full", budgets=("full",), needs=("mnist",),
    claims=[Claim(id="gap", text="MNIST digit 0 (5,923), K = 32, low rank; the same on 1,000 of them: certified "
                  "relative gap there", goal=1e-2, better="lower")],
)  # fmt: skip
def zero(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """All training images of digit 0 by the low-rank heuristic, K = 32 and 64: more clusters than the digit has kinds,
    so that its coordinates are those of a manifold."""
    seeds, (X, digit) = seeds[:1], load_mnist()
    X, rows, shown, measured = X[digit == 0], [], [], {}
    for K in (32, 64):
        began = time.process_time()
        model = NOMAD(K, solver="low-rank", tol=1e-2, certify=K == 32, random_state=seeds[0]).fit(X)
        rows.append((f"K = {K}", time.process_time() - began, model.objective_, model.n_iter_))
        if K == 32:
            measured["gap"] = Measured.over([float(model.certificate_["gap"])], seeds)
        shown.append(thumbnails(
            model.embedding_, X.reshape(-1, 28, 28), 60, alt="Zeros sorted by slant and width.",
            caption=f"MNIST digit 0 by the coordinates of Q, K = {K}.", salt=f"nomad/zero{K}",
        ))  # fmt: skip
    table = Table("MNIST digit 0", ("instance", "processor seconds", "objective", "iterations"), tuple(rows))
    return Outcome(measured, tuple(shown), (table,), nomad())


def connected(X: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the largest component of Q, solved again without the rest, and which samples it holds."""
    kept = np.arange(len(X))
    while True:
        model = NOMAD(16, assign_labels="components", random_state=seed).fit(X[kept])
        if not model.labels_.any():
            return model.embedding_, kept
        kept = kept[model.labels_ == 0]


def thumbnails(Z: np.ndarray, pictures: np.ndarray, every: int, *, caption: str, alt: str, salt: str) -> figures.Figure:
    """Points in two coordinates, the middle 98 % of each stretched to the frame, some as the pictures they are."""
    canvas, ax = figures.canvas(6.4, 4.4)
    low, high = np.percentile(Z, [1, 99], axis=0)
    Z = (Z - low) / (high - low) * [1.45, 1.0]
    ax.plot(*Z.T, ".", color=figures.GREY, markersize=2)
    for i in range(0, len(Z), every):
        (x, y), half, ink = Z[i], 0.035, np.zeros((*pictures[i].shape, 4))
        ink[..., 3] = pictures[i]
        ax.imshow(ink + INK, extent=(x - half, x + half, y - half, y + half))
    ax.set(xlim=(-0.05, 1.5), ylim=(-0.05, 1.05), xticks=[], yticks=[])
    figures.label(ax, "first coordinate", "second coordinate")
    return figures.svg(canvas, caption=caption, alt=alt, salt=salt)


def faces(subjects: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Some people of Extended Yale B, each image divided by its norm."""
    from scipy.io import loadmat

    content = loadmat(dataset("yale-b").files[0].fetch())
    X, labels = content["fea"].astype(np.float64), content["gnd"].ravel().astype(int)
    kept = np.isin(labels, subjects)
    return X[kept] / np.linalg.norm(X[kept], axis=1, keepdims=True), labels[kept]
