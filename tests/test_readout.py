"""The linear read-out of the reproductions against scikit-learn's solver of the same loss."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits
from sklearn.svm import LinearSVC

from similis.experiments._readout import LinearReadout

X, Y = load_digits(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(len(X))
TRAIN, TEST = ORDER[:1000], ORDER[1000:]


def test_it_minimises_the_squared_hinge_loss():
    alpha, scale = 0.01, np.maximum(X[TRAIN].std(0), 1e-6)
    Z = (X[TRAIN] - X[TRAIN].mean(0)) / scale
    sign = np.where(Y[TRAIN][:, None] == np.arange(10), 1, -1)

    def loss(W, b):
        return (np.maximum(0, 1 - sign * (Z @ W + b)) ** 2).mean(0).sum() + alpha * (W**2).sum()

    svc = LinearSVC(C=1 / (alpha * len(TRAIN)), tol=1e-6, max_iter=100_000, intercept_scaling=100).fit(Z, Y[TRAIN])
    mine = LinearReadout((alpha,), 3000).fit(X[TRAIN].copy(), Y[TRAIN])
    W = mine.W * scale[:, None]
    assert loss(W, mine.b + X[TRAIN].mean(0) @ mine.W) < loss(svc.coef_.T, svc.intercept_)  # whose intercept pays too
    assert mine.score(X[TEST], Y[TEST]) > 0.94


def test_the_ridge_is_chosen_without_the_rows_it_is_judged_on():
    rng = np.random.default_rng(0)
    noise, labels = rng.standard_normal((240, 400)), rng.integers(0, 2, 240)
    noise[:, 0] += 2 * labels
    assert LinearReadout((1e-6, 1.0)).fit(noise, labels).alpha == 1.0
