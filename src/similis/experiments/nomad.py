"""Clusters and manifolds, certified: Tepper, Sengupta and Chklovskii 2018, the theory and toy sets."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score

from ..datasets import gaussian_blobs, load_digits
from ..estimators import NOMAD
from ..nomad import Similarity, Solution, blocks_of, conditional_gradient, convex, nomad, ring_optimum, solve
from . import figures
from ._registry import Budget, Claim, Measured, Outcome, Table, experiment

LP = "the circulant linear program"
ANCHOR = "two-block splitting with full eigendecompositions, measured before this library"
SOLVERS = {"convex": figures.BLUE, "low-rank": figures.ORANGE, "conditional-gradient": figures.GREEN}


def circle(n: int) -> np.ndarray:
    """The regular n-gon of radius 1."""
    angle = 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(angle), np.sin(angle)], 1)


def unit(X: np.ndarray) -> np.ndarray:
    """Divided by the largest norm of a row, as the authors do: a pure scale of the objective."""
    return X / np.linalg.norm(X, axis=1).max()


@experiment(
    "nomad", "ring", "The ring, a linear program",
    claims=[
        Claim(id="convex", text="Ring, n = 100, K = 16: relative error of the objective, convex solver", goal=1e-6,
              better="lower", known=7e-7, provenance="peer", source=f"{ANCHOR}, infeasible"),
        Claim(id="low-rank", text="The same, low-rank heuristic at rank 8 K", goal=1e-4, better="lower", known=6e-5,
              provenance="authors' code", source="its low-rank solver, run on this machine"),
        Claim(id="conditional-gradient", text="The same, conditional gradient with corrected weights, 2,000 rounds, "
              "projected on the feasible set", goal=1e-6, better="lower", known=7e-5, provenance="authors' code",
              source="its conditional gradient, infeasible, run on this machine", budgets=("full",)),
    ],
)  # fmt: skip
def ring(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """On the regular n-gon the solution is circulant, and a linear program gives it exactly. The paper's conditional
    gradient takes steps of fixed size; ours corrects the weights of all its atoms. Nearly every eigenvalue of the
    solution is positive, so that in the end its atoms span the space."""
    seeds, X, (optimum, row) = seeds[:1], circle(100), ring_optimum(100, 16)
    D, rng = Similarity.linear(X), np.random.default_rng(seeds[0])
    arcs = np.eye(16)[np.arange(100) * 16 // 100]
    found = {
        "convex": convex(D, 16, arcs / np.sqrt(arcs.sum(0)), tol=1e-7, max_iter=1500, seed=rng),
        "low-rank": solve(D, 16, "low-rank", rng=np.random.default_rng(seeds[0])),
    }
    curves, pictures = {}, []
    if budget == "full":
        for name, corrective, rounds in (("the paper's steps", False, (8, 32, 125, 500)),
                                         ("corrected weights", True, (20, 80, 300, 2000))):  # fmt: skip
            curves[name] = [_descended(D, corrective, k, seeds[0]) for k in rounds]
            found["conditional-gradient" + ", the paper's steps" * (not corrective)] = curves[name][-1][1]
    errors = {
        name: Measured.over([1 - found[name].objective / optimum], seeds, oracle=0.0)
        for name in SOLVERS if name in found
    }  # fmt: skip
    if curves:
        canvas, ax = figures.canvas(5.6, 3.2)
        for (name, points), colour in zip(curves.items(), (figures.GREY, figures.GREEN), strict=True):
            ax.loglog(
                [s for s, _ in points], [1 - p.objective / optimum for _, p in points], "o-", color=colour, label=name
            )
        ax.axhline(1e-6, color=figures.GREY, linestyle="--", linewidth=1)
        figures.label(ax, "processor seconds", "feasible objective below the optimum, relative")
        pictures.append(figures.svg(
            canvas, caption="The conditional gradient on the ring, each dot a run of its own made feasible at its end. "
            "Dashed: the goal.", alt="One curve falls slowly, the other to 1e-6.", salt="nomad/descent",
        ))  # fmt: skip
    canvas, ax = figures.canvas(5.6, 3.2)
    ax.plot(row[:12] / row[0], "o", color=figures.GREY, label="linear program")
    for solver in errors:
        Q = found[solver].point.dense()
        profile = np.mean([np.roll(Q[i], -i) for i in range(100)], 0)
        ax.plot(profile[:12] / row[0], "-", color=SOLVERS[solver], label=solver)
    figures.label(ax, "steps along the ring", "Q, relative to the diagonal")
    profile_picture = figures.svg(
        canvas, caption="One row of Q on the ring: each sample is tied to n / K neighbours either side. Dots: exact.",
        alt="A curve falling from 1 to 0 within seven steps.", salt="nomad/ring",
    )  # fmt: skip
    table = Table(
        "Ring, n = 100, K = 16; the bound is each solver's own, the low-rank heuristic has none",
        ("solver", "objective", "bound", "iterations"),
        (("linear program", f"{optimum:.6f}", "", ""),
         *((name, f"{s.objective:.6f}", f"{s.bound:.6f}" if np.isfinite(s.bound) else "", s.n_iter)
           for name, s in found.items())),
    )  # fmt: skip
    return Outcome(errors, (profile_picture, *pictures), (table,), nomad())


def _descended(D: Similarity, corrective: bool, rounds: int, seed: int) -> tuple[float, Solution]:
    """Processor seconds and solution of the conditional gradient after so many rounds."""
    began, rng = time.process_time(), np.random.default_rng(seed)
    solution = conditional_gradient(D, 16, tol=1e-7, max_iter=rounds, corrective=corrective, seed=rng)
    return time.process_time() - began, solution


@experiment(
    "nomad", "digits", "Digits, certified",
    claims=[
        Claim(id=f"gap{n}", text=f"Digits, n = {n}, K = 10: certified relative gap", goal=1e-4, better="lower",
              known=known, provenance="peer", source=ANCHOR)
        for n, known in ((200, 9e-5), (500, 3e-4), (1000, 3e-3))
    ],
)  # fmt: skip
def digits(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """The first n of a random order of scikit-learn's digits, centred. Objective and bound meet; the seconds are those
    of the whole solution on this machine."""
    seeds, X = seeds[:1], load_digits()[0]
    measured, rows, found = {}, [], {}
    for n in (200, 500, 1000):
        chosen = np.random.default_rng(seeds[0]).permutation(len(X))[:n]
        D, began = Similarity.linear(unit(X[chosen])), time.process_time()
        found[n] = solve(D, 10, "convex", tol=1e-4, rng=np.random.default_rng(seeds[0]))
        seconds = time.process_time() - began
        measured[f"gap{n}"] = Measured.over([found[n].gap], seeds)
        rows.append((f"n = {n}", f"{found[n].objective:.5f}", f"{found[n].bound:.5f}", found[n].n_iter, seconds))
    canvas, ax = figures.canvas(5.6, 3.2)
    for (n, solution), colour in zip(found.items(), SOLVERS.values(), strict=True):
        _, iterations, _, bound = np.array(solution.history).T
        gap = (np.minimum.accumulate(bound) - solution.objective) / solution.objective
        ax.semilogy(iterations, gap, "o-", color=colour, markersize=4, label=f"n = {n}")
    ax.axhline(1e-4, color=figures.GREY, linestyle="--")
    figures.label(ax, "iterations", "bound above the objective, relative")
    picture = figures.svg(
        canvas, caption="The dual bound falls on the objective of the point handed back. Estimated on the way, proved "
        "at the end.", alt="Three falling curves that end below 1e-4.", salt="nomad/digits",
    )  # fmt: skip
    table = Table("Digits, K = 10", ("instance", "objective", "bound", "iterations", "processor seconds"), tuple(rows))
    return Outcome(measured, (picture,), (table,), nomad())


def circles(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two concentric rings of radius 1 and 1/2."""
    return np.concatenate([circle(n // 2), circle(n // 2) / 2]), np.repeat([0, 1], n // 2)


def double_roll(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two arms of a spiral, sampled evenly along their length."""
    angle = np.linspace(np.pi / 2, 3.5 * np.pi, 4000)
    arm = (angle[:, None] / angle[-1]) * np.stack([np.cos(angle), np.sin(angle)], 1)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(arm, axis=0), axis=1))])
    at = np.interp(np.linspace(0, length[-1], n // 2), length, np.arange(4000)).astype(int)
    return np.concatenate([arm[at], -arm[at]]), np.repeat([0, 1], n // 2)


def knot(n: int) -> np.ndarray:
    """A trefoil knot in space, sampled evenly along its length."""
    angle = np.linspace(0, 2 * np.pi, 4001)
    X = np.stack([np.sin(angle) + 2 * np.sin(2 * angle), np.cos(angle) - 2 * np.cos(2 * angle), -np.sin(3 * angle)], 1)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(X, axis=0), axis=1))])
    return X[np.interp(np.arange(n) * length[-1] / n, length, np.arange(4001)).astype(int)]


@experiment(
    "nomad", "manifolds", "Disjoint manifolds become components",
    claims=[
        Claim(id="blobs", text="Six blobs, K = 6: largest difference from the exact blocks, relative", goal=2e-3,
              better="lower"),
        Claim(id="circles", text="Two circles, n = 200, K = 16: adjusted Rand index of the components of Q", goal=1.0,
              better="higher"),
        Claim(id="moons", text="Moons, noise 0.05, n = 200, K = 16: the same", goal=1.0, better="higher"),
        Claim(id="roll", text="Double swiss roll, n = 200, K = 64: the same", goal=1.0, better="higher",
              budgets=("full",)),
        Claim(id="knot", text="Trefoil knot in space, n = 200, K = 16: correlation of the angle in two coordinates of "
              "Q with the way along the knot", goal=0.99, better="higher"),
    ],
)  # fmt: skip
def manifolds(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """The paper's toy sets. (At its K = 10, moons of this noise stay joined in the certified optimum.) Each sample
    is tied to about n / K neighbours along its manifold, none on the other; a knot in space unties into a circle."""
    seeds = seeds[:1]
    X, truth = gaussian_blobs(120, 2, 6, separation=25, random_state=seeds[0])
    blobs = NOMAD(6, tol=1e-6, random_state=seeds[0]).fit(X)
    exact = blocks_of(truth)
    measured = {"blobs": Measured.over([np.abs(blobs.Q_ - exact).max() / exact.max()], seeds, oracle=0.0)}
    order = np.argsort(truth, kind="stable")
    shown, rows = [blobs.Q_[np.ix_(order, order)]], [("six blobs", 6, blobs.gap_, "")]
    sets = {"circles": (circles(200), 16), "moons": (make_moons(200, noise=0.05, random_state=seeds[0]), 16)}
    if budget == "full":
        sets["roll"] = (double_roll(200), 64)
    for name, ((X, truth), K) in sets.items():
        model = NOMAD(K, assign_labels="components", random_state=seeds[0]).fit(X)
        score = adjusted_rand_score(truth, model.labels_)
        measured[name] = Measured.over([score], seeds, better="higher")
        rows.append((name, K, model.gap_, score))
        along = np.lexsort((np.arctan2(X[:, 1], X[:, 0]) if name == "circles" else X[:, 0], truth))
        along = np.arange(200) if name == "roll" else along
        shown.append(model.Q_[np.ix_(along, along)])
    model = NOMAD(16, random_state=seeds[0]).fit(knot(200))
    measured["knot"] = Measured.over([ring_order(model.embedding_)], seeds, better="higher")
    rows.append(("trefoil knot", 16, model.gap_, ""))
    size = max(len(Q) for Q in shown)
    shown = [Q[np.ix_(*2 * [np.arange(size) * len(Q) // size])] for Q in shown]
    picture = figures.heatmaps(
        [(Q / Q.max()) ** 0.5 for Q in shown],
        caption="Q (root, relative to its largest entry), samples sorted along their manifolds: "
        + ", ".join(["six blobs", *sets])
        + ". Blobs give blocks, manifolds bands, and nothing between two manifolds.",
        alt="Square matrices of dark blocks and bands along the diagonal.",
    )
    table = Table("Toy sets", ("set", "K", "certified gap", "adjusted Rand index"), tuple(rows))
    untied = coordinates(
        [("seen from above", knot(200)[:, :2], np.arange(200)),
         ("in coordinates of Q", model.embedding_, np.arange(200))],
        caption="A trefoil knot (left, from above), and the same points in two coordinates of Q, K = 16: a circle. "
        "Colour: the way along the knot.", alt="A three-lobed knot, and a circle of coloured dots.", salt="nomad/knot",
    )  # fmt: skip
    return Outcome(measured, (picture, untied), (table,), nomad())


def coordinates(
    sets: Sequence[tuple[str, np.ndarray, np.ndarray]], *, caption: str, alt: str, salt: str,
    colours: Sequence[str] = ("twilight",),
) -> figures.Figure:  # fmt: skip
    """Points in two coordinates, side by side: title, places and what colours them."""
    canvas, axes = figures.canvas(3.0 * len(sets), 3.0, n_columns=len(sets))
    for i, (ax, (title, Z, colour)) in enumerate(zip(axes, sets, strict=True)):
        ax.scatter(*Z.T, c=colour, cmap=colours[i % len(colours)], s=14)
        ax.set_aspect("equal", "datalim")
        figures.label(ax, "first coordinate", "" if i else "second", title)
    return figures.svg(canvas, caption=caption, alt=alt, salt=salt, wide=len(sets) > 2)


def ring_order(Z: np.ndarray) -> float:
    """How well angles in the plane of coordinates follow the order of the rows along a closed ring."""
    turn = np.exp(1j * np.arctan2(Z[:, 1], Z[:, 0]))
    way = np.exp(2j * np.pi * np.arange(len(Z)) / len(Z))
    return float(max(abs(np.vdot(turn, way)), abs(np.vdot(turn.conj(), way))) / len(Z))
