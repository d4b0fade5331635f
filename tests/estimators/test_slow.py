"""Slow feature analysis: the exact eigenproblem, streams in pieces, and what linear maps change."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.linalg import eigh
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from similis import SlowFeatureAnalysis, load, save
from similis._errors import InputError
from similis.datasets import slow_signals
from similis.estimators._lagged import due

SOLVERS = ("online", "exact")


def waves(seed: int, T: int = 20_000, d: int = 12, k: int = 3) -> np.ndarray:
    """So many slow signals in d noisy columns."""
    return slow_signals(T, d, k, random_state=seed)[0]


def exact(X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Slowness and filters by textbook: changes against the covariance of the rows that have one before them."""
    changes = np.diff(X, axis=0)
    values, vectors = eigh(changes.T @ changes / len(changes), np.cov(X[1:].T, bias=True))
    return values[:k], vectors[:, :k].T


def apart(X: np.ndarray, A: np.ndarray, B: np.ndarray) -> float:
    """|P - P*|_F^2 / 2k of the spans of features of the rows X."""
    spans = [np.linalg.qr((X - X.mean(0)) @ filters.T)[0] for filters in (A, B)]
    return 1 - float(np.linalg.norm(spans[0].T @ spans[1]) ** 2) / len(A)


def test_exact_is_the_eigenproblem_of_all_rows():
    X = waves(0) + 50
    model = SlowFeatureAnalysis(3, solver="exact").fit(X)
    values, filters = exact(X, 3)
    np.testing.assert_allclose(model.slowness_, values, rtol=1e-9)
    np.testing.assert_allclose(np.abs(model.components_), np.abs(filters), rtol=1e-6, atol=1e-9)
    Z = model.transform(X)
    np.testing.assert_allclose(np.cov(Z[1:].T, bias=True), np.eye(3), atol=1e-9)
    np.testing.assert_allclose((np.diff(Z, axis=0) ** 2).mean(0), values, rtol=1e-9)
    assert model.score(X) == pytest.approx(1 - values.mean() / 2)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("d", "k"), [(10, 2), (20, 3)])
def test_the_network_finds_the_slow_features(seed, d, k):
    X = waves(seed, d=d, k=k)
    values, filters = exact(X, k)
    model = SlowFeatureAnalysis(k, random_state=seed).fit(X)
    assert apart(X, model.components_, filters) < 0.02
    np.testing.assert_allclose(model.slowness_, values, rtol=0.05)
    np.testing.assert_allclose(np.cov(model.transform(X).T), np.eye(k), atol=0.01)
    assert model.score(X) > 1 - values.mean() / 2 - 0.01


def test_the_network_rests_at_the_exact_solution():
    X = waves(1)
    model = SlowFeatureAnalysis(3, solver="exact").fit(X)
    state, rms = model.state_, model.running_["x"].rms
    rows, changes = (X[1:] - X[1:].mean(0)) / rms, np.diff(X, axis=0) / rms
    W, M = state.W["x"], state.M
    Z = np.linalg.solve(M, W @ rows.T).T
    np.testing.assert_allclose(Z.T @ Z / len(Z), M, atol=1e-6 * M.max())
    np.testing.assert_allclose(Z.T @ rows, (changes @ W.T).T @ changes, atol=1e-6 * len(X) * np.abs(M).max())
    np.testing.assert_allclose(np.diag(M), 1 / model.slowness_, rtol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("size", [1, 7, 250])
def test_pieces_of_a_stream_are_the_stream(solver, size, tmp_path):
    X = waves(2, T=1000)
    whole, pieces = (SlowFeatureAnalysis(3, solver=solver, n_epochs=1, shuffle=False, random_state=0) for _ in range(2))
    whole.fit(X)
    for start in range(0, len(X), size):
        pieces.partial_fit(X[start : start + size])
        if start == 3 * size:  # in the middle of a change
            save(pieces, tmp_path / "slow.safetensors")
            pieces = load(tmp_path / "slow.safetensors")
    assert pieces.n_samples_seen_ == 1000
    np.testing.assert_allclose(pieces.transform(X), whole.transform(X), atol=1e-7)
    np.testing.assert_allclose(pieces.slowness_, whole.slowness_, rtol=1e-7)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_saved_model_continues_bit_for_bit(solver, tmp_path):
    X = waves(3, T=1500)
    model = SlowFeatureAnalysis(3, solver=solver, random_state=0).fit(X[:800])
    save(model, tmp_path / "slow.safetensors")
    twin = load(tmp_path / "slow.safetensors")
    for each in (model, twin):
        each.partial_fit(X[800:])
    assert model.state_ == twin.state_
    np.testing.assert_array_equal(model.transform(X), twin.transform(X))


def test_a_second_pass_does_not_begin_where_the_first_has_ended():
    X = waves(4, T=500)
    model = SlowFeatureAnalysis(2, n_epochs=3, random_state=0).fit(X)
    assert model._lagged.moments.count == 3 * 499


@pytest.mark.parametrize("solver", SOLVERS)
def test_linear_maps_change_nothing(solver):
    X, rng = waves(5), np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((12, 12)))[0] for _ in range(2))
    mapped = X @ (U * np.geomspace(1, 1e3, 12) @ V) + 7
    Z = SlowFeatureAnalysis(3, solver=solver, random_state=0).fit(X).transform(X)
    turned = SlowFeatureAnalysis(3, solver=solver, random_state=0).fit(mapped).transform(mapped)
    same = np.abs([np.corrcoef(a, b)[0, 1] for a, b in zip(Z.T, turned.T, strict=True)])
    assert same.min() > (1 - 1e-6 if solver == "exact" else 0.98)


@pytest.mark.parametrize("solver", SOLVERS)
def test_units_and_columns_that_do_not_vary(solver):
    X = waves(6)
    odd = np.column_stack([np.full(len(X), 3.0), X * 1e-6, X[:, :2]])
    slowness = exact(X, 3)[0]
    model = SlowFeatureAnalysis(3, solver=solver, random_state=0).fit(odd)
    np.testing.assert_allclose(model.slowness_, slowness, rtol=0.05)
    assert np.isfinite(model.transform(odd)).all()
    flat = SlowFeatureAnalysis(2, solver=solver, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Z = flat.fit(np.ones((200, 4))).transform(np.ones((200, 4)))
    np.testing.assert_array_equal(Z, 0)
    assert np.isnan(flat.slowness_).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_types_and_refusals(solver):
    X = waves(7, T=300)
    model = SlowFeatureAnalysis(2, solver=solver, random_state=0).fit(X.astype(np.float32))
    assert model.transform(X.astype(np.float32)).dtype == np.float32
    assert list(model.get_feature_names_out()) == ["slowfeatureanalysis0", "slowfeatureanalysis1"]
    assert model.set_output(transform="pandas").transform(X).shape == (300, 2)
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(np.where(X > 2, np.nan, X))
    with pytest.raises(InputError, match="n_features=12"):
        SlowFeatureAnalysis(13, solver=solver).fit(X)
    with pytest.raises(InputError, match="2 rows"):
        model.score(X[:1])


@pytest.mark.parametrize("passes", [1, 5])
@pytest.mark.parametrize("seed", [1000, 1003])
def test_a_weak_signal_is_found_and_stays_found(seed, passes):
    X = slow_signals(random_state=seed)[0]
    model = SlowFeatureAnalysis(3, n_epochs=passes, random_state=seed).fit(X)
    assert apart(X, model.components_, exact(X, 3)[1]) < 5e-4


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_trend_is_one_slow_feature_and_hides_no_other(solver):
    X = waves(11, T=5000, d=6, k=2)
    odd = np.column_stack([X, 1.7e9 + np.arange(5000)])  # a time stamp
    model = SlowFeatureAnalysis(2, solver=solver, random_state=0).fit(odd)
    assert model.slowness_[0] < 1e-4
    assert model.slowness_[1] == pytest.approx(exact(odd - odd.mean(0), 2)[0][1], rel=0.02)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9])
@pytest.mark.parametrize("size", [1, 3000])
def test_columns_that_depend_on_others_add_no_feature(solver, offset, size):
    X = waves(12, T=3000, d=5, k=2)
    odd = np.column_stack([X, 100 - X.sum(1)]) + offset  # shares, which sum to a constant
    model = SlowFeatureAnalysis(6, solver=solver, random_state=0)
    for start in range(0, 3000, size):
        model.partial_fit(odd[start : start + size])
    np.testing.assert_allclose(model.slowness_[:5], exact(X, 5)[0], rtol=1e-4)
    assert np.isnan(model.slowness_[5])
    np.testing.assert_array_equal(model.transform(odd)[:, 5], 0)


@pytest.mark.parametrize("solver", SOLVERS)
def test_recordings_are_not_compared_with_each_other(solver):
    X = waves(13, T=2000)
    parts = (X[:900] + 1000, X[900:] - 1000)
    model = SlowFeatureAnalysis(3, solver=solver, shuffle=False, random_state=0).partial_fit(parts[0])
    model.new_stream().partial_fit(parts[1])
    changes = model._lagged.moments.mean[12:]
    assert model._lagged.moments.count == 1998
    expected = sum(np.diff(p, axis=0).sum(0) for p in parts) / 1998  # of the network a few outliers count less
    np.testing.assert_allclose(changes, expected, atol=1e-9 if solver == "exact" else 0.05)


def test_pandas_and_pipelines_go_through():
    pandas = pytest.importorskip("pandas", reason="the data extra is not installed")
    X = pandas.DataFrame(waves(14, T=1000, d=4, k=2), columns=list("abcd"))
    chain = make_pipeline(StandardScaler(), SlowFeatureAnalysis(2, random_state=0)).set_output(transform="pandas")
    Z = chain.fit_transform(X)
    assert list(Z.columns) == ["slowfeatureanalysis0", "slowfeatureanalysis1"]
    assert chain.score(X) > 0.8
    with pytest.raises(ValueError, match="feature names"):
        chain[-1].partial_fit(X.rename(columns={"a": "z"}))


def test_a_wild_row_does_not_spoil_what_was_learned():
    X = waves(8)
    filters = exact(X, 3)[1]
    wild = X.copy()
    wild[10_000] *= 1e5
    model = SlowFeatureAnalysis(3, random_state=0).fit(wild)
    assert apart(X, model.components_, filters) < 0.02


def test_the_network_follows_a_stream_that_changes():
    before, after = waves(9), waves(10)
    model = SlowFeatureAnalysis(3, decay=0.0, eta0=0.05, random_state=0).fit(before)
    model.partial_fit(after)
    assert apart(after, model.components_, exact(after, 3)[1]) < 0.1


def test_maps_are_made_at_counts_that_no_call_moves():
    counts = [due(n) for n in range(100)]
    assert counts == sorted(counts)
    assert all(due(n) > n for n in range(100))


@parametrize_with_checks([SlowFeatureAnalysis(), SlowFeatureAnalysis(solver="exact")])
def test_scikit_learn(estimator, check):
    check(estimator)
