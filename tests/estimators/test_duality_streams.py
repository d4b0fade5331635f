"""Dual estimators on what streams and users bring: scales that change, correlated rows, broken matrices, odd labels."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.ndimage import uniform_filter1d
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

from similis import DualClassifier, DualRegressor, load, save
from similis._errors import DivergenceError, InputError
from similis.networks.regularizers import REGULARIZERS

rng = np.random.default_rng(0)
T, D = 6000, 10
X = rng.standard_normal((T, D))
Y = X @ rng.standard_normal(D) + 0.3 * rng.standard_normal(T)
HALF, TEST = np.arange(T) < T // 2, slice(4000, None)
ALPHA = 1e-3


def before(row, target, n):
    return np.vstack([np.full((n, D), row), X]), np.concatenate([np.full(n, target), Y])


def row(at, factor_y):
    rows, targets = X.copy(), Y.copy()
    rows[at] *= 1e4
    targets[at] *= factor_y
    return rows, targets


def times(gain, both=True):
    return X * gain[:, None], Y * gain if both else Y


STREAMS = {
    "zeros": before(0.0, 0.0, 1000), "few zeros": before(0.0, 0.0, 10), "constant": before(7.0, 7.0, 1000),
    "constant, mean target": before(7.0, 0.0, 100), "quiet": before(1e-9, 0.0, 300),
    "gain up": times(np.where(HALF, 1.0, 10.0)), "gain down": times(np.where(HALF, 1.0, 0.01)),
    "ramp": times(np.linspace(0.01, 1.0, T)), "dead part": times(1.0 * (np.abs(np.arange(T) - T / 2) > 500)),
    "one row": row(500, 1e4), "one row of X": row(500, 1.0), "first row": row(0, 1e4), "late row": row(5500, 1e4),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["l2", "output-variance"])
@pytest.mark.parametrize("case", STREAMS)
def test_the_scale_may_change(case, kind):
    rows, targets = STREAMS[case]
    model = DualRegressor(solver="online", regularizer=kind, shuffle=False).fit(rows, targets)
    exact = Ridge(ALPHA * T).fit(X, Y).score(X[TEST], Y[TEST])  # that of the stream without the trouble
    assert model.score(X[TEST], Y[TEST]) > exact - 0.05
    assert model.n_damped_ > 0 or case == "ramp"


def test_a_gain_of_the_inputs_alone_is_weighed_as_ridge_regression_weighs_it():
    for gain in (10.0, 0.01):
        rows, targets = times(np.where(HALF, 1.0, gain), both=False)
        exact, model = Ridge(ALPHA * T).fit(rows, targets), DualRegressor(solver="online", shuffle=False)
        assert model.fit(rows, targets).score(rows[TEST], Y[TEST]) > exact.score(rows[TEST], Y[TEST]) - 0.05


@pytest.mark.parametrize("unit", [1e-8, 1e8])
@pytest.mark.parametrize("solver", ["dual", "ascent", "online"])
def test_units_do_not_matter(unit, solver):
    few = slice(None, 1000)
    plain = DualRegressor(solver=solver, alpha=ALPHA, random_state=0).fit(X[few], Y[few])
    scaled = DualRegressor(solver=solver, alpha=ALPHA * unit**2, fit_intercept=False, random_state=0)
    scaled.fit(unit * (X[few] - X[few].mean(0)), unit * (Y[few] - Y[few].mean()))
    assert scaled.coef_ == pytest.approx(plain.coef_, abs=0.02 * np.abs(plain.coef_).max())


@pytest.mark.parametrize("rows", [2000, 8])
def test_features_of_very_different_size_are_solved_or_refused(rows):
    units = np.ones(D)
    units[3] = 1e9
    Xc, yc = X[:rows] - X[:rows].mean(0), Y[:rows] - Y[:rows].mean()
    v = np.linalg.solve(Xc.T @ Xc + ALPHA * rows * np.diag(1 / units**2), Xc.T @ yc)  # weights of X, not of X * units
    model = DualRegressor(alpha=ALPHA).fit(X[:rows] * units, Y[:rows])
    assert model.gap_ < 1e-8
    assert model.coef_ * units == pytest.approx(v, abs=1e-4)
    with pytest.raises(DivergenceError, match=r"feature 3 is .* sample 6000.*StandardScaler"):
        DualRegressor(solver="online").fit(X * units, Y)
    units[3] = 1e3
    with pytest.warns(ConvergenceWarning, match="feature 3"):
        DualRegressor(solver="online").fit(X * units, Y)


@pytest.mark.parametrize("smoothing", [20, 100, 300])
@pytest.mark.parametrize("passes", [1, 5])
def test_correlated_rows_are_learned_as_shuffled_ones(smoothing, passes):
    own = np.random.default_rng(1)
    latent = uniform_filter1d(own.standard_normal((T, 2)), smoothing, axis=0)
    latent /= latent.std(0)
    rows = latent @ own.standard_normal((2, 40)) + 0.3 * own.standard_normal((T, 40))
    targets = latent @ own.standard_normal((2, 6)) + 0.3 * own.standard_normal((T, 6))
    model = DualRegressor(solver="online", shuffle=False, n_epochs=passes).fit(rows, targets)
    assert model.score(rows, targets) > 0.95 * Ridge(ALPHA * T).fit(rows, targets).score(rows, targets)


@pytest.mark.parametrize("loss", ["logistic", "hinge", "squared"])
def test_classes_are_found_behind_a_dead_start_and_a_loud_row(loss):
    labels = np.where(Y > 0, "up", "down")
    rows, y = np.vstack([np.zeros((1000, D)), X]), np.concatenate([np.tile(["down", "up"], 500), labels])
    rows[1500] *= 1e4
    model = DualClassifier(loss, solver="online", shuffle=False).fit(rows, y)
    assert model.score(X, labels) > LogisticRegression().fit(X, labels).score(X, labels) - 0.02


@pytest.mark.parametrize("kind", [*REGULARIZERS, "rbf"])
@pytest.mark.parametrize("solver", ["dual", "online"])
def test_one_cell_beyond_all_numbers_is_refused(kind, solver):
    words: dict = {"kernel": "rbf"} if kind == "rbf" else {"regularizer": kind}
    far = X[:200].copy()
    far[70, 3] = 1e200
    for model, y in ((DualRegressor(), Y[:200]), (DualClassifier(), Y[:200] > 0)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                model.set_params(solver=solver, **words).fit(far, y)
            except (InputError, DivergenceError) as error:
                assert "1e+200" in str(error)  # noqa: PT017
                with pytest.raises(NotFittedError):
                    model.predict(far)
            else:  # an rbf kernel knows what to do with a far row
                assert model.score(X[:200], y) > 0.5


def sick(indices=None, indptr=None):
    rows = sparse.csr_matrix(np.eye(5, 8))
    rows.indices = rows.indices if indices is None else np.array(indices, np.int32)
    rows.indptr = rows.indptr if indptr is None else np.array(indptr, np.int32)
    return rows


@pytest.mark.parametrize("solver", ["dual", "online"])
def test_sparse_rows_are_whole_before_they_are_read(solver):
    words: dict = {"center": False, "solver": solver, "shuffle": False}
    dense = np.where(np.abs(X[:200]) > 1.0, X[:200], 0.0)
    expected = DualRegressor(**words).fit(dense, Y[:200]).predict(dense)
    one = sparse.csr_matrix(dense)
    order = np.concatenate([np.arange(a, b)[::-1] for a, b in zip(one.indptr[:-1], one.indptr[1:], strict=True)])
    twice = sparse.csr_matrix((np.repeat(one.data / 2, 2), np.repeat(one.indices, 2), 2 * one.indptr), one.shape)
    unsorted = sparse.csr_matrix((one.data[order], one.indices[order], one.indptr), one.shape)
    twice.has_canonical_format = unsorted.has_sorted_indices = True  # a lie, which scipy believes
    for rows in (twice, unsorted, one.tocoo(), one.tobsr((2, 2))):
        copy = rows.copy()
        assert DualRegressor(**words).fit(rows, Y[:200]).predict(rows) == pytest.approx(expected, rel=1e-6, abs=1e-6)
        assert np.array_equal(rows.data, copy.data)
    model = DualRegressor(**words).fit(np.eye(5, 8), Y[:5])
    bad = [sick([0, 1, 2, 3, 10**6]), sick([0, 1, 2, 3, -1]), sick(indptr=[0, 3, 1, 3, 4, 5])]
    for rows in (*bad, bad[0].T):
        for call in (DualRegressor(**words).fit, model.partial_fit, lambda rows, y: model.predict(rows)):
            with pytest.raises((InputError, ValueError), match=r"not well formed|features"):
                call(rows, Y[: rows.shape[0]])


def test_dense_rows_in_every_form():
    rows = X[:200]
    expected = DualRegressor(solver="online", shuffle=False).fit(rows, Y[:200]).coef_
    still = rows.copy()
    still.flags.writeable = False
    odd = np.zeros(rows.nbytes + 1, np.uint8)[1:].view(np.float64).reshape(rows.shape)
    odd[:] = rows
    for same in (np.asfortranarray(rows), still, odd, rows.astype(">f8"), rows[:, ::-1][:, ::-1], rows.astype(object)):
        model = DualRegressor(solver="online", shuffle=False).fit(same, Y[:200])
        assert model.coef_ == pytest.approx(expected, rel=1e-9)
    whole = np.round(3 * rows)
    expected = DualRegressor(solver="online", shuffle=False).fit(whole, Y[:200]).coef_
    assert DualRegressor(solver="online", shuffle=False).fit(whole.astype(np.int8), Y[:200]).coef_ == pytest.approx(
        expected
    )
    with pytest.raises(InputError, match="mask"):
        DualRegressor().fit(np.ma.masked_greater(rows, 1.0), Y[:200])


def test_precomputed_similarities_are_those_of_a_kernel(tmp_path):
    few, new, labels = X[:120], X[200:260], (Y[:120] > 0).astype(int)
    K, across = rbf_kernel(few, few, 0.1), rbf_kernel(new, few, 0.1)
    for kind, y in ((DualRegressor, Y[:120]), (DualClassifier, labels)):
        words: dict = {"alpha": 0.01, "random_state": 0}
        named = kind(kernel="rbf", gamma=0.1, **words).fit(few, y).predict(new)
        model = kind(kernel="precomputed", **words).fit(K, y)
        assert model.predict(across) == pytest.approx(named, abs=1e-6)
        save(model, tmp_path / kind.__name__)
        assert load(tmp_path / kind.__name__).predict(across) == pytest.approx(named, abs=1e-6)
    hinge = DualClassifier("hinge", kernel="precomputed", alpha=1 / 120)
    ours = cross_val_score(hinge, K, labels, cv=3)
    assert ours == pytest.approx(cross_val_score(SVC(kernel="precomputed"), K, labels, cv=3), abs=0.06)
    for wrong, message in ((K[:, :60], "square"), (K + np.triu(K), "symmetric"), (-K, "semidefinite")):
        with pytest.raises(InputError, match=message):
            DualRegressor(kernel="precomputed").fit(wrong, Y[:120])
    with pytest.raises(InputError, match="precomputed"):
        DualRegressor(kernel="precomputed").partial_fit(K, Y[:120])


@pytest.mark.parametrize("absent", [None, np.nan, float("nan"), "NA"])
def test_labels_are_there_and_of_one_kind(absent):
    absent = pytest.importorskip("pandas").NA if absent == "NA" else absent
    words = np.array(["a", "b"] * 10, object)
    words[[3, 4]] = absent
    for y in (words, list(words)):
        for call in (DualClassifier().fit, lambda X, y: DualClassifier().partial_fit(X, y, classes=["a", "b"])):
            with pytest.raises(InputError, match=r"2 missing labels.* row 3"):
                call(X[:20], y)
    words[[3, 4]] = -1
    with pytest.raises(InputError, match="text and numbers"):
        DualClassifier().fit(X[:20], words)
    for y in (
        np.where(Y[:20] > 0, 1, -1),
        list(np.where(Y[:20] > 0, "x", "-1")),
        np.where(Y[:20] > 0, 1, -1).astype(object),
    ):
        assert set(DualClassifier().fit(X[:20], y).classes_) == set(y)  # -1 is a class


def test_a_parameter_changed_after_a_fit_is_refused():
    model = DualRegressor(kernel="rbf", gamma=0.1).fit(X[:50], Y[:50])
    said = model.predict(X[:5])
    changes: list[dict] = [
        {"gamma": 5.0},
        {"kernel": "linear"},
        {"fit_intercept": False},
        {"loss": "epsilon-insensitive"},
    ]
    for words in changes:
        own = {name: getattr(model, name) for name in words}
        model.set_params(**words)
        for call in (lambda: model.predict(X[:5]), lambda: model.partial_fit(X[:5], Y[:5]), lambda: model.coef_):
            with pytest.raises(InputError, match="Fit again"):
                call()
        np.testing.assert_array_equal(model.set_params(**own).predict(X[:5]), said)
    model.set_params(eta0=0.1).partial_fit(X[:5], Y[:5])  # it is for what is yet to come
    assert model.set_params(kernel="linear").fit(X[:50], Y[:50]).coef_.shape == (D,)


@pytest.mark.parametrize("name", ["alpha", "eta0", "decay", "tol", "max_iter", "n_epochs", "epsilon", "gamma", "coef0"])
@pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf, "1"])
def test_parameters_are_finite_numbers(name, value):
    for solver in ("dual", "online"):
        with pytest.raises(InputError, match=name):
            DualRegressor(solver=solver).set_params(**{name: value}).fit(X[:20], Y[:20])


def test_a_call_that_fails_changes_nothing():
    bad, labels = X[:20].copy(), Y[:20] > 0
    bad[7, 2] = np.nan
    for fresh in (DualClassifier(), DualClassifier(eta0=-1.0)):
        with pytest.raises(ValueError, match=r"NaN|eta0"):
            fresh.partial_fit(bad if fresh.eta0 > 0 else X[:20], labels, classes=[False, True])
        assert vars(fresh) == vars(DualClassifier(eta0=fresh.eta0))
    for kind, y in ((DualRegressor, Y[:20]), (DualClassifier, labels)):
        model = kind().fit(X[:20], y)
        state, said = dict(vars(model)), model.predict(X)
        for call in (model.fit, model.partial_fit):
            for rows, targets in ((bad, y), (X[:0], y[:0]), (X[:20], y[:3])):
                with pytest.raises(ValueError, match=r"."):
                    call(rows, targets)
        with pytest.raises(ValueError, match=r"features"):
            model.partial_fit(X[:20, :4], y)
        with pytest.raises(ValueError, match="alpha"):
            model.set_params(alpha=np.nan).fit(X[:20], y)
        model.set_params(alpha=ALPHA)
        assert vars(model).keys() == state.keys()
        np.testing.assert_array_equal(model.predict(X), said)
