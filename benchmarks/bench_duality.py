"""How fast is a sample? The dual's compiled rules beside the same rules in NumPy, and beside scikit-learn's solvers.

    python benchmarks/bench_duality.py [--quick] [--write]

One thread, 784 features, float64; all figures of a row from one run, interleaved, best of the repetitions, in
microseconds a sample and pass. ``loop`` is the compiled loop alone, ``fit`` the estimator's fit around it, which checks
the data and, for the ascent, measures the gap. Rivals: the rules as they are written, one sample at a time in NumPy
(without the running mean of the curvature and the bound on a step, which ours has), and one epoch of SGDRegressor and
SGDClassifier. Below, seconds to solve hinge and logistic problems: ours to a duality gap of 1e-3 of the loss at w = 0,
LinearSVC and LogisticRegression at their defaults, and the objective each reached. ``--write`` stores
benchmarks/results/bench_duality.json and puts the tables into docs/papers/dual.md.
"""

from __future__ import annotations

import os

for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[pool] = "1"

import argparse
import warnings

import numpy as np
from plain import clock, store
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.svm import LinearSVC

from similis import DualClassifier, DualRegressor
from similis.estimators._ascent import Problem, packed
from similis.kernels import dual as kernel

D, T, ALPHA, U, GOAL = 784, 10_000, 1e-3, 30.0, 10


def additive(X, Y, eta=5e-4):
    """The rule as written, for one output or several: w += eta (a x - alpha w)."""
    W = np.zeros((Y.shape[1], D))
    for x, y in zip(X, Y, strict=True):
        W = W + eta * (np.outer(y - W @ x, x) - ALPHA * W)


def multiplicative(X, Y, eta=1e-3):
    """Exponentiated gradient with positive and negative weights of total U."""
    up = down = np.full((Y.shape[1], D), U / (2 * D))
    for x, y in zip(X, Y, strict=True):
        a = y - (up - down) @ x
        up, down = up * np.exp(eta * np.outer(a, x)), down * np.exp(-eta * np.outer(a, x))
        scale = U / (up.sum(1) + down.sum(1))
        up, down = scale[:, None] * up, scale[:, None] * down


def ascent(X, Y, loss):
    """Dual coordinate ascent, one pass."""
    n = len(X)
    A, W = np.zeros(Y.shape), np.zeros((Y.shape[1], D))
    for t, x in enumerate(X):
        q = (x @ x) / (ALPHA * n)
        z = W @ x
        if loss == "squared":
            new = A[t] + (Y[t] - z - A[t]) / (1 + q)
        else:
            new = Y[t] * np.clip(Y[t] * A[t] + (1 - Y[t] * z) / q, 0, 1)
        W = W + np.outer(new - A[t], x) / (ALPHA * n)
        A[t] = new


def loop(model, X, Y):
    """One pass of the compiled loop that the estimator runs, from zero weights; Y (K, T)."""
    loss, kind, K, n = model.representer_.loss, model.representer_.regularizer, len(Y), X.shape[1] + 1
    rows, shape, said = packed(X), (kind.exponent, kind.mass), np.empty(Y.shape)
    words = loss.code, 0.0, kind.code, *shape
    per, order, active = 1 / (ALPHA * len(X)), np.arange(len(X)), np.ones(K, bool)
    q = Problem(model.representer_, X, Y, ALPHA, 0.0).curvatures * per

    def run():
        H = np.zeros((K, n))
        W = np.zeros((K, n)) if kind.linked else H
        if model.solver == "online":
            state = 0, np.zeros(2), False, np.zeros(n - 1), False, np.zeros(K), H, W, np.zeros((K, n)), said
            kernel.learn(*rows, 0.0, Y, *words, ALPHA, 1e-6, 0.5, 1e-4, *state)
        else:
            kernel.ascend(*rows, 0.0, Y, order, *words, per, q, active, np.zeros(Y.shape), H, W)

    return run


def measured(n_outputs: int, quick: bool) -> list[dict]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((T, D))
    Y = X @ rng.standard_normal((D, n_outputs)) / np.sqrt(D) + 0.3 * rng.standard_normal((T, n_outputs))
    labels, y = Y.argmax(1) if n_outputs > 1 else (Y[:, 0] > 0).astype(int), Y[:, 0] if n_outputs == 1 else Y
    signs = np.where(labels[:, None] == np.arange(n_outputs) if n_outputs > 1 else labels[:, None] > 0, 1.0, -1.0)
    few = 500 if quick else 1_500
    online: dict = {"solver": "online", "alpha": ALPHA, "shuffle": False, "fit_intercept": False}
    once: dict = {"solver": "ascent", "alpha": ALPHA, "max_iter": 1, "tol": 0.0, "shuffle": False}
    sgd: dict = {"max_iter": 1, "tol": None, "alpha": ALPHA, "average": True, "shuffle": False}
    cases = [
        ("additive, squared", DualRegressor(**online), y, lambda: additive(X[:few], Y[:few]), SGDRegressor(**sgd), y),
        ("additive, hinge", DualClassifier("hinge", **online), labels, None, SGDClassifier(**sgd), labels),
        ("multiplicative, squared", DualRegressor(regularizer="entropy", total_weight=U, **online), y,
         lambda: multiplicative(X[:few], Y[:few]), None, y),
        ("ascent, squared", DualRegressor(**once), y, lambda: ascent(X[:few], Y[:few], "squared"), None, y),
        ("ascent, hinge", DualClassifier("hinge", **once), labels, lambda: ascent(X[:few], signs[:few], "hinge"), None,
         labels),
    ]  # fmt: skip
    rows = []
    for name, model, target, rules, peer, peer_target in cases:
        if n_outputs > 1 and isinstance(peer, SGDRegressor):
            peer = None
        best: dict[str, float] = {}
        model.fit(X, target)  # compile
        run = loop(model, X, np.ascontiguousarray(signs.T if model.beside_x == "labels" else Y.T))
        for _ in range(2 if quick else 8):
            best["loop"] = min(best.get("loop", np.inf), clock(run) / T)
            best["fit"] = min(best.get("fit", np.inf), clock(lambda m=model, t=target: m.fit(X, t)) / T)
            if rules is not None:
                best["NumPy rules"] = min(best.get("NumPy rules", np.inf), clock(rules) / few)
            if peer is not None:
                best["SGD"] = min(best.get("SGD", np.inf), clock(lambda m=peer, t=peer_target: m.fit(X, t)) / T)
        us = {key: 1e6 * value for key, value in best.items()}
        rows.append({"rule": name, "outputs": n_outputs, "us": us})
    return rows


def solved() -> list[dict]:
    """Seconds to a solution, and the objective there (mean loss + alpha |w|^2 / 2 over all outputs)."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4_000, D)) / np.sqrt(np.arange(1, D + 1))
    labels = (X @ rng.standard_normal(D) + 0.3 * rng.standard_normal(4_000) > 0).astype(int)
    words: dict = {"fit_intercept": False}
    C, rows = 1 / (ALPHA * 4_000), []
    pairs = (
        ("hinge", DualClassifier("hinge", alpha=ALPHA, tol=1e-3, random_state=0, **words),
         LinearSVC(loss="hinge", C=C, random_state=0, **words)),
        ("logistic", DualClassifier("logistic", alpha=ALPHA, tol=1e-3, random_state=0, **words),
         LogisticRegression(C=C, **words)),
    )  # fmt: skip
    for loss, model, peer in pairs:
        for who, m in (("ours", model), (type(peer).__name__, peer)):
            seconds = min(clock(lambda m=m: m.fit(X, labels)) for _ in range(3))
            value = model.representer_.primal(m.coef_, X, 2.0 * labels[None] - 1.0, ALPHA)[0]
            rows.append({"loss": loss, "solver": who, "seconds": seconds, "objective": float(value)})
    return rows


def tables(result: dict) -> str:
    lines = ["| rule | outputs | loop | fit | NumPy rules | SGD | NumPy/loop | goal |", "|---|" + " ---: |" * 7]
    for row in result["rules"]:
        us = row["us"]
        ratio = f"{us['NumPy rules'] / us['loop']:.1f}" if "NumPy rules" in us else "-"
        cells = [
            row["rule"],
            row["outputs"],
            *(f"{us[k]:.2f}" if k in us else "-" for k in ("loop", "fit", "NumPy rules", "SGD")),
        ]
        lines.append("| " + " | ".join(map(str, [*cells, ratio, GOAL if ratio != "-" else "-"])) + " |")
    lines += ["", "| loss | solver | seconds | objective |", "|---|---|" + " ---: |" * 2]
    for row in result["solved"]:
        lines.append(f"| {row['loss']} | {row['solver']} | {row['seconds']:.3f} | {row['objective']:.6f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--write", action="store_true", help="store the result and put the tables into docs/papers")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # one pass is what is timed
    result: dict = {}
    result["rules"] = [row for n_outputs in (1, 10) for row in measured(n_outputs, options.quick)]
    result["solved"] = solved()
    text = tables(result)
    print(text)
    if options.write:
        store("bench_duality", result, text, "docs/papers/dual.md")


if __name__ == "__main__":
    main()
