"""The duality principle: Bahroun, Chklovskii and Sengupta 2023, from the representer theorem to Hebbian learning."""

from __future__ import annotations

import time
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC

from ..datasets import load_digits, load_mnist
from ..estimators import DualClassifier, DualRegressor
from ..networks.losses import LOSSES
from ..networks.regularizers import REGULARIZERS
from . import figures
from ._registry import Budget, Claim, Figure, Measured, Outcome, Table, experiment

CHECK = "an independent NumPy check made before this library, one seed; not the paper's number"
SHADES = (figures.BLUE, figures.ORANGE, figures.GREEN, figures.PURPLE)


def _standard(X: np.ndarray) -> np.ndarray:
    return (X - X.mean(0)) / np.where(X.std(0) > 0, X.std(0), 1.0)


def _tables(seed: int) -> dict[bool, tuple[np.ndarray, np.ndarray]]:
    """150 patients: a measurement to predict (False) and a diagnosis (True), all standardised."""
    rng = np.random.default_rng(seed)
    X, y = load_diabetes(return_X_y=True)
    Xc, yc = load_breast_cancer(return_X_y=True)
    few, some = rng.choice(len(X), 150, replace=False), rng.choice(len(Xc), 150, replace=False)
    return {False: (_standard(X[few]), _standard(y[few])), True: (_standard(Xc[some]), yc[some])}


@experiment(
    "dual",
    "equivalence",
    "Primal and dual meet",
    claims=[
        Claim(id="ridge", text="Squared loss, L2: largest difference between the weights of the dual, closed form, and "
              "of the primal normal equations", goal=1e-10, better="lower", known=2e-15, source=CHECK),
        Claim(id="gap", text="All 16 pairs of loss and regulariser: largest duality gap, a share of the loss at w = 0",
              goal=1e-10, better="lower"),
        Claim(id="peer", text="Logistic loss, L2: objective above the one of scikit-learn's LogisticRegression (newton-"
              "cholesky)", goal=1e-10, better="lower"),
        Claim(id="streaming", text="Streaming coordinate ascent, squared loss, 15 passes over 400 samples: largest "
              "error of a weight", goal=1e-6, better="lower", known=2e-7, source=CHECK),
        Claim(id="memoryless", text="Memoryless rule, the same data, 30 passes: largest error of a weight", goal=5e-3,
              better="lower", known=5e-3, source=CHECK),
    ],
)  # fmt: skip
def equivalence(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """Each pair of a loss and a regulariser is solved through its dual, one variable a sample, until the gap between
    primal and dual closes; a closed gap proves both optimal. 150 patients of scikit-learn's diabetes set (regression)
    or breast-cancer set (classification), standardised, alpha = 0.1. The streams are ten Gaussian inputs and a noisy
    linear target, alpha = 0.1; the optimum is ridge regression."""
    seeds = seeds if budget == "full" else seeds[:3]
    gaps = {(loss, kind): [] for loss in LOSSES for kind in REGULARIZERS}  # type: ignore[var-annotated]
    ridge, peer, streaming, memoryless = [], [], [], []
    for seed in seeds:
        tables = _tables(seed)
        for loss, kind in gaps:
            words: dict = {"regularizer": kind, "alpha": 0.1, "tol": 2e-11, "max_iter": 20_000, "random_state": seed}
            labels = LOSSES[loss].labels
            model = (DualClassifier if labels else DualRegressor)(loss, **words).fit(*tables[labels])
            gaps[loss, kind].append(model.gap_)
        X, y = tables[False]
        dual = DualRegressor(alpha=0.05, fit_intercept=False).fit(X, y).coef_
        ridge.append(np.abs(dual - np.linalg.solve(X.T @ X / 150 + 0.05 * np.eye(10), X.T @ y / 150)).max())
        peer.append(_against_newton(*tables[True]))
        streaming.append(_stream_error(seed, DualRegressor(solver="ascent", max_iter=15, tol=0.0, **_STREAM)))
        rule = DualRegressor(solver="online", n_epochs=30, eta0=0.5, decay=1 / 500, average=False, **_STREAM)
        memoryless.append(_stream_error(seed, rule))
    table = Table(
        "Largest duality gap over seeds, as a share of the loss at w = 0, measured in this run",
        ("loss", *REGULARIZERS),
        tuple((loss, *(max(gaps[loss, kind]) for kind in REGULARIZERS)) for loss in LOSSES),
    )
    measured = {
        "ridge": Measured.over(ridge, seeds, "worst", oracle=0.0),
        "gap": Measured.over(np.max(list(gaps.values()), axis=0), seeds, "worst", oracle=0.0),
        "peer": Measured.over(peer, seeds, "worst", oracle=0.0),
        "streaming": Measured.over(streaming, seeds, "worst", oracle=0.0),
        "memoryless": Measured.over(memoryless, seeds, "mean", oracle=0.0),
    }
    return Outcome(measured, (_closing(seeds[0]),), (table,), DualRegressor().representer_)


_STREAM: dict = {"alpha": 0.1, "fit_intercept": False}


def _stream_error(seed: int, model: DualRegressor) -> float:
    """Largest error of a weight on a noisy linear target of ten Gaussian inputs, against ridge regression."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((400, 10))
    y = X @ rng.standard_normal(10) / np.sqrt(10) + 0.1 * rng.standard_normal(400)
    exact = np.linalg.solve(X.T @ X / 400 + _STREAM["alpha"] * np.eye(10), X.T @ y / 400)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # so many passes and no more
        model.set_params(random_state=seed).fit(X, y)
    return float(np.abs(model.coef_ - exact).max())


def _against_newton(X: np.ndarray, y: np.ndarray) -> float:
    """Objective of the dual above the one of Newton's method on the primal."""
    peer = LogisticRegression(C=1 / (0.05 * len(X)), fit_intercept=False, solver="newton-cholesky", tol=1e-12).fit(X, y)
    model = DualClassifier(alpha=0.05, fit_intercept=False, tol=2e-11, random_state=0).fit(X, y)
    values = [model.representer_.primal(m.coef_, X, 2.0 * y[None] - 1.0, 0.05)[0] for m in (model, peer)]
    return float(values[0] - values[1])


def _closing(seed: int) -> Figure:
    """The gap against passes, a panel for each loss, a curve for each regulariser."""
    tables, passes = _tables(seed), (4, 8, 16, 32, 64, 128, 256, 512)
    canvas, axes = figures.canvas(9.6, 2.9, n_columns=len(LOSSES), share_y=True)
    for ax, (loss, kind) in zip(axes, LOSSES.items(), strict=True):
        for name, colour in zip(REGULARIZERS, SHADES, strict=True):
            words: dict = {"regularizer": name, "alpha": 0.05, "tol": 0.0, "solver": "ascent", "random_state": seed}
            gaps = []
            for n in passes:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    model = (DualClassifier if kind.labels else DualRegressor)(loss, **words, max_iter=n)
                    gaps.append(max(model.fit(*tables[kind.labels]).gap_, 1e-16))
            ax.loglog(passes, gaps, color=colour, label=name)
        figures.label(ax, "passes", "duality gap" if loss == "squared" else "", loss)
        ax.get_legend().set_visible(loss == "logistic")
    return figures.svg(
        canvas,
        caption="Duality gap, as a share of the loss at w = 0, against passes of coordinate ascent over 150 samples. "
        "It falls geometrically, to rounding: weights found through the dual are the optimum of the primal.",
        alt="Four panels of falling curves, one a loss, each with four regularisers, that reach rounding error.",
        salt="dual/equivalence",
        wide=True,
    )


@experiment(
    "dual",
    "neurons",
    "Dual variables are error neurons",
    claims=[
        Claim(id=loss, text=f"{LOSSES[loss].name} loss: largest distance of a dual variable from the neuron's -dl/dz",
              goal=1e-6, better="lower")
        for loss in ("squared", "logistic", "epsilon-insensitive", "hinge")
    ],
)  # fmt: skip
def neurons(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """The dual variable of a sample is a Lagrange multiplier that coordinate ascent finds; what a neuron says that
    computes the slope of the loss from output and target is another thing. At the optimum they are one. Where the loss
    has a kink, any value between the two slopes is allowed, and the distance is to that interval (outputs within
    1e-6 of a kink)."""
    seeds = seeds if budget == "full" else seeds[:3]
    distances: dict[str, list[float]] = {loss: [] for loss in LOSSES}
    canvas, axes = figures.canvas(9.6, 2.9, n_columns=len(LOSSES), share_y=True)
    for seed in seeds:
        tables = _tables(seed)
        for ax, (loss, kind) in zip(axes, LOSSES.items(), strict=True):
            X, y = tables[kind.labels]
            words: dict = {
                "alpha": 0.05,
                "tol": 1e-13 if loss == "hinge" else 1e-15,
                "max_iter": 50_000,
                "solver": "ascent",
                "random_state": seed,
            }
            if kind.labels:
                model = DualClassifier(loss, **words).fit(X, y)
                z, target = model.decision_function(X), 2.0 * y - 1.0
            else:
                model = DualRegressor(loss, **words).fit(X, y)
                z, target = model.predict(X) - model._target.mean[0], y - y.mean()
            a, network = model.dual_coef_[0], model.representer_
            kink = 1e-6 * (loss in ("hinge", "epsilon-insensitive"))
            beside = np.stack([network.loss.error(z + shift, target) for shift in (-kink, kink)])
            low, high = beside.min(0), beside.max(0)
            distances[loss].append(float(np.maximum(np.maximum(low - a, a - high), 0.0).max()))
            if seed == seeds[0]:
                _on_the_curve(ax, kind.labels, network.loss, z, target, a)
    picture = figures.svg(
        canvas,
        caption="Each dot a patient: its dual variable, found by coordinate ascent, against the neuron's output. "
        "Line: the error neuron's response -dl/dz. On the vertical pieces lie the support vectors at the margin.",
        alt="Four panels in which dots lie on a line, a sigmoid, and two staircases.",
        salt="dual/neurons",
        wide=True,
    )
    measured = {loss: Measured.over(distances[loss], seeds, "worst", oracle=0.0) for loss in LOSSES}
    return Outcome(measured, (picture,), (), DualClassifier("logistic").representer_)


def _on_the_curve(ax, labels: bool, loss, z: np.ndarray, y: np.ndarray, a: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    """Dual variables over the neuron's response; of classes, both turned to +1."""
    sign = y if labels else np.ones_like(y)
    x = sign * z if labels else z - y
    span = np.linspace(min(x.min(), -1.2), max(x.max(), 1.2), 600)
    response = loss.error(span, np.ones_like(span) if labels else np.zeros_like(span))
    ax.plot(span, response, color=figures.GREY, label="-dl/dz")
    ax.plot(x, sign * a, ".", color=figures.ORANGE, markersize=4, label="dual variable")
    figures.label(ax, "y z" if labels else "z - y", "a" if loss.name == "squared" else "", loss.name)
    ax.get_legend().set_visible(loss.name == "squared")


def _peer_claims(data: str) -> list[Claim]:
    text = "{}, {} loss: held-out accuracy below {} of the same regularisation, in points"
    return [
        Claim(id=loss, text=text.format(data, loss, peer), goal=0.3, better="lower", unit="points")
        for loss, peer in (("logistic", "LogisticRegression"), ("hinge", "LinearSVC"))
    ]


@experiment("dual", "digits", "Digits, one against the rest", claims=_peer_claims("Digits"))
def digits(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """scikit-learn's 1,797 digits, a third held out, split by seed. alpha = 1 / n_samples, scikit-learn's default C =
    1; LogisticRegression one class against the rest, as here (what its multinomial form reaches is in the table)."""
    X, y = load_digits()
    return _beside_peers(X, y, seeds, "dual/digits")


@experiment("dual", "cancer", "Diagnoses of breast cancer", claims=_peer_claims("Breast cancer"))
def cancer(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """569 tumours described by 30 measurements, standardised, a third held out, split by seed; alpha = 1 /
    n_samples."""
    X, y = load_breast_cancer(return_X_y=True)
    return _beside_peers(_standard(X), y, seeds, "dual/cancer")


def _beside_peers(X: np.ndarray, y: np.ndarray, seeds: tuple[int, ...], what: str) -> Outcome:
    scores: dict[str, list[float]] = {}
    for seed in seeds:
        train, test = _halves(X, y, seed)
        alpha = 1 / len(train[0])
        models = {
            "logistic": DualClassifier("logistic", alpha=alpha, center=False, random_state=seed),
            "LogisticRegression": OneVsRestClassifier(LogisticRegression(max_iter=5_000)),
            "LogisticRegression, multinomial": LogisticRegression(max_iter=5_000),
            "logistic, memoryless, 10 passes": DualClassifier("logistic", alpha=alpha, solver="online", n_epochs=10),
            "hinge": DualClassifier("hinge", alpha=alpha, center=False, random_state=seed),
            "LinearSVC": LinearSVC(loss="hinge", max_iter=100_000, random_state=seed),
            "hinge, memoryless, 10 passes": DualClassifier("hinge", alpha=alpha, solver="online", n_epochs=10),
            "logistic, entropy (multiplicative)": DualClassifier(
                regularizer="entropy", alpha=alpha, total_weight=30.0, random_state=seed
            ),
        }
        for name, model in models.items():
            if "random_state" in model.get_params():
                model.set_params(random_state=seed)
            scores.setdefault(name, []).append(100 * model.fit(*train).score(*test))
    pairs = {"logistic": "LogisticRegression", "hinge": "LinearSVC"}
    measured = {
        ours: Measured.over(np.subtract(scores[peer], scores[ours]), seeds, "mean") for ours, peer in pairs.items()
    }
    table = Table(
        f"Held-out accuracy in per cent over {len(seeds)} splits, measured in this run",
        ("method", "mean", "lowest", "highest"),
        tuple((name, float(np.mean(s)), float(min(s)), float(max(s))) for name, s in scores.items()),
    )
    canvas, ax = figures.canvas(5.6, 3.0)
    for place, (_name, s) in enumerate(reversed(scores.items())):
        ax.plot(s, [place] * len(s), "o", color=figures.BLUE, alpha=0.5, markeredgewidth=0)
        ax.plot(np.mean(s), place, "|", color=figures.ORANGE, markersize=14, markeredgewidth=2.5)
    ax.set_yticks(range(len(scores)), list(reversed(scores)))
    figures.label(ax, "held-out accuracy (%)")
    picture = figures.svg(
        canvas,
        caption=f"Held-out accuracy of {len(seeds)} splits (dots) and their mean (bar).",
        alt="Dots of the dual estimators beside those of scikit-learn's solvers, overlapping.",
        salt=what,
    )
    return Outcome(measured, (picture,), (table,), DualClassifier("hinge").representer_)


def _halves(
    X: np.ndarray, y: np.ndarray, seed: int
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Two thirds to learn from, a third held out."""
    order = np.random.default_rng(seed).permutation(len(X))
    cut = len(X) // 3
    return (X[order[cut:]], y[order[cut:]]), (X[order[:cut]], y[order[:cut]])


@experiment(
    "dual",
    "mnist",
    "One pass over MNIST",
    budgets=("full",),
    needs=("mnist",),
    claims=[
        Claim(id=loss, text=f"MNIST, {loss} loss, one pass of the memoryless rule: test accuracy below averaged "
              "SGDClassifier of the same alpha, in points", goal=0.3, better="lower", unit="points", budgets=("full",))
        for loss in ("logistic", "hinge")
    ],
)  # fmt: skip
def mnist(budget: Budget, seeds: tuple[int, ...]) -> Outcome:
    """60,000 images once, in an order drawn by seed, ten outputs; alpha = 1e-4; accuracy on the 10,000 test images.
    The peer makes one pass too, each class alone, averages its weights as well and keeps its own step sizes."""
    (X, y), test = load_mnist(), load_mnist("test")
    scores: dict[str, list[float]] = {}
    took: dict[str, list[float]] = {}
    for seed in seeds[:3]:
        for loss, name in (("logistic", "log_loss"), ("hinge", "hinge")):
            peer = SGDClassifier(loss=name, alpha=1e-4, max_iter=1, tol=None, average=True, random_state=seed)
            model = DualClassifier(loss, alpha=1e-4, solver="online", random_state=seed)
            for title, learner in ((f"{loss}, memoryless", model), (f"{loss}, SGDClassifier", peer)):
                start = time.perf_counter()
                learner.fit(X, y)
                took.setdefault(title, []).append(time.perf_counter() - start)
                scores.setdefault(title, []).append(100 * learner.score(*test))
    measured = {
        loss: Measured.over(
            np.subtract(scores[f"{loss}, SGDClassifier"], scores[f"{loss}, memoryless"]), seeds[:3], "mean"
        )
        for loss in ("logistic", "hinge")
    }
    table = Table(
        "Test accuracy in per cent, mean over seeds, and seconds of a fit, measured in this run",
        ("method", "accuracy", "seconds"),
        tuple((name, float(np.mean(s)), float(np.median(took[name]))) for name, s in scores.items()),
    )
    weights = figures.tiles(
        model.coef_.reshape(10, 28, 28),
        caption="Weights of the ten outputs after one pass, hinge loss: red pixels speak for the digit, blue against.",
        alt="Ten images, in each the digit's strokes in red.",
        n_columns=5,
        signed=True,
    )
    return Outcome(measured, (weights,), (table,), model.representer_)
