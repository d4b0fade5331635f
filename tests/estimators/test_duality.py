"""Dual estimators against scikit-learn's solvers of the primal, closed forms, and the rules written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import LinearSVC, LinearSVR

from similis import DualClassifier, DualRegressor, load, save
from similis._errors import DivergenceError, InputError
from similis.networks import duality
from similis.networks.losses import LOSSES
from similis.networks.regularizers import REGULARIZERS

rng = np.random.default_rng(0)
X = rng.standard_normal((120, 7)) * [2, 1.5, 1, 1, 1, 0.7, 0.5] + 1.0
Y = X @ rng.standard_normal((7, 2)) + 0.3 * rng.standard_normal((120, 2)) + 2.0
LABELS = np.digitize(Y[:, 0], np.quantile(Y[:, 0], [0.3, 0.6]))
PAIRS = [(loss, kind) for loss in LOSSES for kind in REGULARIZERS]


def make(loss: str, kind: str, **words):
    """An estimator of the pair and its target."""
    if LOSSES[loss].labels:
        return DualClassifier(loss, regularizer=kind, random_state=0, **words), LABELS
    return DualRegressor(loss, regularizer=kind, random_state=0, **words), Y


def signs(y):
    return np.where(y[None] == np.unique(y)[:, None], 1.0, -1.0)


def test_ridge_in_both_forms_is_scikit_learns():
    for rows in (slice(0, 120), slice(0, 6)):  # more and fewer samples than features
        model = DualRegressor(alpha=0.2).fit(X[rows], Y[rows])
        peer = Ridge(alpha=0.2 * len(X[rows])).fit(X[rows], Y[rows])
        np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-12)
        np.testing.assert_allclose(model.intercept_, peer.intercept_, atol=1e-12)
        assert model.gap_ < 1e-14
        # at the optimum the dual variable is the error
        np.testing.assert_allclose(model.dual_coef_, (Y[rows] - model.predict(X[rows])).T, atol=1e-12)
    climbed = DualRegressor(alpha=0.2, solver="ascent", tol=1e-12, random_state=0).fit(X, Y)
    np.testing.assert_allclose(climbed.coef_, DualRegressor(alpha=0.2).fit(X, Y).coef_, atol=1e-6)


def test_the_same_optimum_as_logistic_regression_and_support_vectors():
    alpha, words = 0.05, {"fit_intercept": False, "tol": 1e-11, "max_iter": 100_000, "random_state": 0}
    C, two = 1 / (0.05 * 120), (LABELS > 0).astype(int)
    peer = LogisticRegression(C=C, fit_intercept=False, tol=1e-10, solver="newton-cholesky").fit(X, two)
    np.testing.assert_allclose(DualClassifier(alpha=alpha, **words).fit(X, two).coef_, peer.coef_, atol=1e-5)
    peer = LinearSVC(C=C, loss="hinge", fit_intercept=False, tol=1e-10, max_iter=1_000_000).fit(X, two)
    np.testing.assert_allclose(DualClassifier("hinge", alpha=alpha, **words).fit(X, two).coef_, peer.coef_, atol=1e-4)
    peer = LinearSVC(C=C, loss="hinge", tol=1e-10, max_iter=1_000_000).fit(X, two)
    model = DualClassifier("hinge", alpha=alpha, **{**words, "fit_intercept": True, "center": False}).fit(X, two)
    np.testing.assert_allclose(model.intercept_, peer.intercept_, atol=1e-4)
    y = Y[:, 0]
    peer = LinearSVR(C=C, epsilon=0.2, fit_intercept=False, tol=1e-10, max_iter=1_000_000).fit(X, y)
    model = DualRegressor("epsilon-insensitive", epsilon=0.2, alpha=alpha, **words).fit(X, y)
    np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-4)


def test_kernel_machines_are_scikit_learns():
    words = {"kernel": "rbf", "gamma": 0.1, "fit_intercept": False}
    ridge = KernelRidge(alpha=0.05 * 120, kernel="rbf", gamma=0.1).fit(X, Y)
    model = DualRegressor(alpha=0.05, **words).fit(X, Y)
    np.testing.assert_allclose(model.predict(X), ridge.predict(X), atol=1e-9)
    np.testing.assert_allclose(rbf_kernel(X, X, 0.1) @ model.dual_coef_.T / (0.05 * 120), model.predict(X), atol=1e-9)
    words = {"alpha": 0.05, "tol": 1e-10, "max_iter": 50_000, "fit_intercept": False, "random_state": 0}
    flat = DualClassifier("hinge", **words).fit(X, LABELS)
    model = DualClassifier("hinge", kernel="poly", degree=1, gamma=1.0, coef0=0.0, **words).fit(X, LABELS)
    np.testing.assert_allclose(model.decision_function(X), flat.decision_function(X), atol=1e-4)
    assert len(model.support_vectors_) == len(model.support_) < 120
    np.testing.assert_array_equal(model.support_vectors_, X[model.support_])


@pytest.mark.parametrize(("loss", "kind"), PAIRS)
def test_gaps_close_and_certify(loss, kind):
    model, y = make(loss, kind, alpha=0.2, tol=1e-9, max_iter=50_000)
    model.fit(X, y)
    assert -1e-15 < model.gap_ <= 1e-9
    assert model.dual_gap_.shape == (len(model.dual_coef_),)
    # no weights near these do better than the gap says
    network, W = model.representer_, np.atleast_2d(model.coef_)
    if kind in ("l2", "p-norm"):
        centred, targets = X - X.mean(0), (Y - Y.mean(0)).T if model.beside_x == "target" else signs(LABELS)
        b = model.intercept_ + W @ X.mean(0) - (Y.mean(0) if model.beside_x == "target" else 0)
        rows, W = np.column_stack([centred, np.ones(120)]), np.column_stack([W, b])
        best = network.primal(W, rows, targets, 0.2)
        for _ in range(20):
            other = network.primal(W + 0.01 * rng.standard_normal(W.shape), rows, targets, 0.2)
            assert np.all(other > best - 1e-8)


@pytest.mark.parametrize(("loss", "kind"), PAIRS)
def test_the_compiled_rule_follows_the_rule(loss, kind):
    """h += eta (a x - alpha h), w = grad R*(h), a = -dl/dz, sample by sample, with the table's own functions."""
    alpha, eta0, decay = 0.05, 0.7, 0.01
    words = {
        "solver": "online",
        "alpha": alpha,
        "eta0": eta0,
        "decay": decay,
        "average": False,
        "shuffle": False,
        "n_epochs": 1,
    }
    model, y = make(loss, kind, fit_intercept=False, **words)
    model.fit(X, y)
    network, targets = model.representer_, signs(y) if model.beside_x == "labels" else y.T
    safe = 0.99 * (2 * eta0 if kind in ("entropy", "p-norm") else 1)
    H, errors, usual, damped = np.zeros((len(targets), 7)), [], 0.0, 0
    W, sharp = H, 0.25 if loss == "logistic" else 1.0
    for t, x in enumerate(X):
        bend = {"entropy": 10 * np.abs(x).max() ** 2, "p-norm": 2 * np.linalg.norm(x, 3) ** 2}.get(kind, x @ x)
        if t < 64:
            usual = (usual or bend) ** (t / (t + 1)) * bend ** (1 / (t + 1))
        else:
            usual += (min(bend, 16 * usual) - usual) / 128
        step, most = (
            scale / (sharp * size + alpha * (size if kind == "output-variance" else 1))
            for scale, size in ((eta0 / (1 + decay * t), usual), (safe, bend))
        )
        eta, damped = min(step, most), damped + (step > most)
        z = W @ x
        a = network.loss.error(z, targets[:, t])
        errors.append(a)
        if kind == "output-variance":
            W = W + eta * (np.outer(a - alpha * z, x) - alpha * 1e-6 * usual / 8 * W)
        else:
            H = H + eta * (np.outer(a, x) - alpha * H)
            W = network.regularizer.link(np.column_stack([H, np.zeros(len(H))]))[:, :7]
    assert model.n_damped_ == damped > 0
    np.testing.assert_allclose(np.atleast_2d(model.coef_), W, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.errors_, np.array(errors).T, atol=1e-10)


@pytest.mark.parametrize("kind", REGULARIZERS)
def test_the_memoryless_rule_reaches_the_optimum(kind):
    words = {"alpha": 0.2, "random_state": 0}
    exact = DualRegressor(regularizer=kind, tol=1e-10, max_iter=5_000, **words).fit(X, Y)
    rule = DualRegressor(regularizer=kind, solver="online", n_epochs=300, eta0=0.5, decay=0.005, **words).fit(X, Y)
    size = np.abs(exact.coef_).max()
    np.testing.assert_allclose(rule.coef_, exact.coef_, atol=0.02 * size)


@settings(max_examples=8)
@given(cuts=st.lists(st.integers(1, 119), min_size=1, max_size=5, unique=True))
@pytest.mark.parametrize("kind", [*REGULARIZERS, "rbf"])
def test_pieces_equal_one_pass(kind, cuts):
    words: dict = {"solver": "online", "shuffle": False, "n_epochs": 1}
    words |= {"kernel": "rbf"} if kind == "rbf" else {"regularizer": kind}
    whole, pieces = DualRegressor(**words).fit(X, Y), DualRegressor(**words)
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), 120], strict=True):
        pieces.partial_fit(X[start:stop], Y[start:stop])
    assert pieces.n_samples_seen_ == whole.n_samples_seen_ == 120
    np.testing.assert_allclose(pieces.predict(X), whole.predict(X), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("solver", ["dual", "online"])
@pytest.mark.parametrize("kind", ["l2", "entropy", "p-norm"])
def test_sparse_rows_are_dense_rows(kind, solver):
    thin = np.where(np.abs(X) > 1.0, X, 0.0)
    words = {"regularizer": kind, "solver": solver, "center": False, "random_state": 0}
    dense = DualClassifier(**words).fit(thin, LABELS)
    for rows in (sparse.csr_matrix(thin), sparse.csc_array(thin)):
        model = DualClassifier(**words).fit(rows, LABELS)
        np.testing.assert_allclose(model.coef_, dense.coef_, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(model.decision_function(rows), dense.decision_function(thin), atol=1e-7)


def test_outputs_are_as_independent_as_targets():
    for solver in ("ascent", "online"):
        both = DualRegressor(solver=solver, shuffle=False, tol=1e-10).fit(X, Y)
        one = DualRegressor(solver=solver, shuffle=False, tol=1e-10).fit(X, Y[:, 1])
        np.testing.assert_allclose(both.predict(X)[:, 1], one.predict(X), rtol=1e-6)
        assert one.coef_.shape == (7,)
        assert isinstance(one.intercept_, float)


def test_multiplicative_synapses_keep_their_sign():
    model = DualRegressor(regularizer="entropy", total_weight=5.0, fit_intercept=False, eta0=1.0, random_state=0)
    for start in range(0, 120, 10):
        model.partial_fit(X[start : start + 10], Y[start : start + 10])
        assert np.all(model.excitatory_ > 0)
        assert np.all(model.inhibitory_ > 0)
        total = (model.excitatory_ + model.inhibitory_).sum(1)
        assert np.all(total < 5.0)  # the rest is the constant input's
    fitted = model.set_params(average=False).fit(X, Y)
    np.testing.assert_allclose(fitted.excitatory_ - fitted.inhibitory_, fitted.coef_, atol=1e-12)
    assert np.all(np.abs(fitted.coef_).sum(1) <= 5.0 * (1 + 1e-12))


def test_both_precisions_and_the_words_of_scikit_learn():
    for kind in REGULARIZERS:
        model = DualClassifier(regularizer=kind, random_state=0).fit(X.astype(np.float32), LABELS)
        assert model.decision_function(X.astype(np.float32)).dtype == np.float32
        twin = DualClassifier(regularizer=kind, random_state=0).fit(X, LABELS)
        assert np.mean(model.predict(X) == twin.predict(X)) > 0.97
        np.testing.assert_allclose(model.predict_proba(X).sum(1), 1.0)
    words = DualClassifier(random_state=0).fit(X, np.array(["c", "a", "b"])[LABELS])
    assert set(words.predict(X)) == {"a", "b", "c"}
    assert not hasattr(DualClassifier("hinge").fit(X, LABELS), "predict_proba")
    with pytest.raises(AttributeError, match="entropy"):
        _ = words.excitatory_


def test_a_fit_of_the_dual_goes_on_as_a_stream(tmp_path):
    model = DualClassifier(random_state=0).fit(X[:60], LABELS[:60])
    assert model.gap_ <= 1e-4
    save(model, tmp_path / "m")
    twin = load(tmp_path / "m")
    for m in (model, twin):
        m.partial_fit(X[60:], LABELS[60:])
        assert not hasattr(m, "gap_")  # the certificate was for other weights
    np.testing.assert_array_equal(model.coef_, twin.coef_)
    assert model.n_samples_seen_ == 120


def test_what_is_not_solved_is_said():
    with pytest.warns(ConvergenceWarning, match="duality gap"):
        DualClassifier("hinge", alpha=1e-6, max_iter=2, tol=1e-9).fit(X, LABELS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"loss": "hinge"}, "DualClassifier"), ({"alpha": 0.0}, "alpha"), ({"solver": "magic"}, "solver"),
        ({"eta0": 0.0}, "eta0"), ({"kernel": "rbf", "regularizer": "entropy"}, "kernels need"),
        ({"loss": "l1"}, "loss"),
    ],
)  # fmt: skip
def test_parameters_that_cannot_work_are_refused(words, message):
    with pytest.raises(InputError, match=message):
        DualRegressor(**words).fit(X, Y)


def test_data_that_cannot_work_are_refused():
    with pytest.raises(InputError, match="classes is None"):
        DualClassifier().partial_fit(X, LABELS)
    model = DualClassifier().partial_fit(X[:1], LABELS[:1], classes=[0, 1, 2])
    with pytest.raises(InputError, match=r"labels \[7\]"):
        model.partial_fit(X[:1], [7])
    with pytest.raises(InputError, match="DualRegressor"):
        DualClassifier("epsilon-insensitive").fit(X, LABELS)
    with pytest.raises(InputError, match="one class"):
        DualClassifier().fit(X, np.ones(120))
    with pytest.raises(InputError, match="2 columns"):
        DualRegressor().partial_fit(X, Y[:, 0]).partial_fit(X, Y)
    with pytest.raises(InputError, match="sparse rows after dense"):
        DualRegressor().partial_fit(X, Y).partial_fit(sparse.csr_matrix(X), Y)
    constant = DualRegressor().fit(np.ones((20, 3)), np.arange(20.0))
    assert constant.predict(np.ones((2, 3))) == pytest.approx([9.5, 9.5])


@pytest.mark.parametrize("kind", [*REGULARIZERS, "rbf"])
def test_a_heavy_regulariser_does_not_overshoot(kind):
    words: dict = {"kernel": "rbf"} if kind == "rbf" else {"regularizer": kind}
    model = DualRegressor(
        alpha=1e4, solver="online", eta0=0.9, decay=0.0, average=False, shuffle=False, n_epochs=1, **words
    )
    mean = Y[0]  # all that is left: the mean, where the t-th sample weighs about t^3
    for t, y in enumerate(Y):
        mean = mean + 4 / (t + 4) * (y - mean)
    assert np.abs(model.fit(X, Y).predict(X) - mean).max() < 0.1


def test_divergence_is_an_error_and_changes_nothing():
    model = DualRegressor(eta0=0.5).partial_fit(X, Y)
    before = model.coef_.copy()
    far = X.copy()
    far[70, 3] = 1e200
    with pytest.raises(DivergenceError, match=r"sample 191: eta0=0.5.* 1e\+200 in X"):
        model.partial_fit(far, Y)
    np.testing.assert_array_equal(model.coef_, before)
    model.set_params(eta0=50.0).partial_fit(np.tile(X, (20, 1)), np.tile(Y, (20, 1)))  # every step as long as is safe
    assert model.n_damped_ > 2400
    assert model.score(X, Y) > 0.9


def test_the_table_prints_itself():
    assert DualRegressor(regularizer="entropy").representer_ == duality(regularizer="entropy", total=10.0)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("size", [1e4, 1e30])
def test_probabilities_of_large_scores_are_probabilities(classes, size):
    """Scores beyond the range of float32's exponential, and beyond float32: still rows that sum to 1."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4)).astype(np.float32)
    model = DualClassifier(loss="logistic", average=False, random_state=0).fit(X, np.arange(60) % classes)
    model._weights = (model._readout * size).astype(np.float32)
    P = model.predict_proba(X * np.float32(min(size, 1e8)))
    assert P.shape == (60, classes)
    np.testing.assert_allclose(P.sum(1), 1.0, rtol=1e-6)
    assert (model.predict_log_proba(X) <= 0).all()
