"""Slow features of a stream: Lipshutz and others 2020, by the network of changes."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.linalg import eigh

from ..datasets import slow_signals
from ..estimators import SlowFeatureAnalysis
from . import figures
from ._curve import follow, stops
from ._registry import Budget, Claim, Measured, Outcome, Table, experiment

#: steps were chosen on data of the seeds 0 to 5; these are others
FRESH = 1000
ROWS, CONDITIONS = 20_000, (1.0, 1e2, 1e4)
ERROR = "subspace error"


@experiment(
    "slow",
    "waves",
    "Slow signals among noise",
    claims=[
        Claim(id="one", text="Three slow signals in twelve noisy columns, one pass: subspace error, worst seed",
              goal=0.02, better="lower"),
        Claim(id="five", text="The same, five passes", goal=0.02, better="lower"),
        Claim(id="mixed", text="Columns mixed by a matrix of condition 10,000, one pass: subspace error, worst seed",
              goal=0.02, better="lower"),
    ],
)  # fmt: skip
def waves(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Three sine waves or filtered noises mixed into twelve columns, with white noise of a quarter of their variance;
    20,000 rows, default settings. Error: 1 - mean squared cosine of the angles between the outputs' span and that of
    the solution of the generalised eigenproblem of all rows. The steps were chosen on data of other seeds."""
    seeds = seeds if budget == "full" else seeds[:3]
    places = stops(ROWS, n_points=16)
    curves = []
    errors: dict[tuple[float, int], list[float]] = {(c, n): [] for c in CONDITIONS for n in (1, 5)}
    for seed in seeds:
        X, _ = slow_signals(ROWS, random_state=FRESH + seed)
        for condition in CONDITIONS:
            rows = _mixed(X, condition, seed)
            exact = _exact(rows, 3)
            for passes in (1, 5):
                model = SlowFeatureAnalysis(3, n_epochs=passes, random_state=seed).fit(rows)
                errors[condition, passes].append(_apart(rows, model.components_, exact))
        exact = _exact(X, 3)
        fresh = SlowFeatureAnalysis(3, random_state=seed)
        curves.append(follow(fresh, [X], places, partial(_error, X=X, exact=exact)))
    canvas, ax = figures.canvas()
    figures.curves(ax, places, np.array(curves), label="network", colour=figures.BLUE)
    figures.label(ax, "rows learned", ERROR)
    figure = figures.svg(
        canvas,
        caption="Error against rows learned, one pass, median of the data sets, range shaded.",
        alt="A falling curve on logarithmic axes.",
        salt="slow/waves",
    )
    table = Table(
        "Median and worst subspace error by the condition number of the mixing matrix, measured in this run",
        ("condition", "one pass", "worst", "five passes", "worst of five passes"),
        tuple(
            (f"{c:,.0f}", *(float(f(errors[c, n])) for n in (1, 5) for f in (np.median, np.max))) for c in CONDITIONS
        ),
    )
    chosen = {"one": (1.0, 1), "five": (1.0, 5), "mixed": (1e4, 1)}
    measured = {name: Measured.over(errors[at], seeds, "worst", oracle=0.0) for name, at in chosen.items()}
    return Outcome(measured, (figure,), (table,), model.circuit_)


@experiment(
    "slow",
    "drift",
    "A mixture that changes half way",
    claims=[
        Claim(id="network", text="Another mixture half way, decay=0: the network's subspace error at the end",
              goal=0.1, better="lower"),
        Claim(id="gain", text="The same: how many times larger the error of exact moments of all rows is", goal=2.0,
              better="higher"),
    ],
)  # fmt: skip
def drift(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """20,000 rows as above, then 20,000 of other signals in another mixture. The network learns with a constant step
    (``eta0=0.05, decay=0``); beside it ``solver="exact"``, which keeps the moments of all rows. The error is that
    against the slow features of the second half."""
    found, moments, curves = [], [], []
    places = np.arange(1000, 2 * ROWS + 1, 1000)
    for seed in seeds if budget == "full" else seeds[:3]:
        parts = [slow_signals(ROWS, random_state=FRESH + seed + shift)[0] for shift in (0, 500)]
        exact = [_exact(X, 3) for X in parts]
        curve = []
        for solver in ("online", "exact"):
            model = SlowFeatureAnalysis(3, solver=solver, eta0=0.05, decay=0.0, random_state=seed)
            errors = []
            for half in (0, 1):
                measure = partial(_error, X=parts[half], exact=exact[half])
                errors.append(follow(model, [parts[half]], places[: ROWS // 1000], measure))
            curve.append(np.concatenate(errors))
        curves.append(curve)
        found.append(curve[0][-1])
        moments.append(curve[1][-1])
    canvas, ax = figures.canvas()
    for values, name, colour in zip(
        np.median(curves, axis=0), ("network", "exact moments"), (figures.BLUE, figures.ORANGE), strict=True
    ):
        ax.semilogy(places, np.maximum(values, 1e-6), color=colour, label=name)
    figures.label(ax, "rows learned", ERROR)
    figure = figures.svg(
        canvas,
        caption="Error against the slow features of the half at hand, median of the data sets; the mixture changes "
        "after 20,000 rows.",
        alt="Both errors jump half way; that of the network falls again, that of exact moments hardly.",
        salt="slow/drift",
    )
    used = seeds[: len(found)]
    measured = {
        "network": Measured.over(found, used),
        "gain": Measured.over(np.array(moments) / np.array(found), used, better="higher"),
    }
    return Outcome(measured, (figure,), circuit=model.circuit_)


def _mixed(X: np.ndarray, condition: float, seed: int) -> np.ndarray:
    """Rows times a random matrix of this condition number."""
    rng, d = np.random.default_rng(seed), X.shape[1]
    U, V = (np.linalg.qr(rng.standard_normal((d, d)))[0] for _ in range(2))
    return X @ (U * np.geomspace(1, 1 / condition, d) @ V)


def _exact(X: np.ndarray, k: int) -> np.ndarray:
    """(k, d) slowest features, by the generalised eigenproblem of all rows."""
    changes = np.diff(X, axis=0)
    return eigh(changes.T @ changes / len(changes), np.cov(X[1:].T, bias=True))[1][:, :k].T


def _error(model: SlowFeatureAnalysis, X: np.ndarray, exact: np.ndarray) -> float:
    return _apart(X, model.components_, exact)


def _apart(X: np.ndarray, A: np.ndarray, B: np.ndarray) -> float:
    """1 - mean squared cosine of the angles between the spans of two sets of features of the rows X."""
    spans = [np.linalg.qr((X - X.mean(0)) @ filters.T)[0] for filters in (A, B)]
    return 1 - float(np.linalg.norm(spans[0].T @ spans[1]) ** 2) / len(B)
