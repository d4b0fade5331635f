"""Principal subspace and nonnegative features where data have null directions, are sparse, or lie in a file."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from similis import NonnegativeSimilarityMatching, OnlineCCA, SimilarityMatching, SupervisedSimilarityMatching
from similis._errors import InputError
from similis.estimators._moments import WINDOW, Recent


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("solver", "n"), [("exact", 50), ("online", 3000)])
def test_whitened_outputs_have_unit_variance_or_none(solver, n, dtype, seed):
    """Three columns that vary in one direction, and one that does not: one output of variance 1, the others 0."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.outer(rng.standard_normal(n), [1.0, 2.0, -1.0]), np.full(n, 5.0)]).astype(dtype)
    model = SimilarityMatching(4, whiten=True, solver=solver, random_state=seed).fit(X)
    variances = np.linalg.eigvalsh(np.cov(model.transform(X).T, bias=True))
    np.testing.assert_allclose(variances, [0, 0, 0, 1], atol=1e-3 if solver == "exact" else 0.1)
    assert np.abs(model.components_).max() < 10


def test_scores_of_sparse_rows_are_those_of_the_dense_and_stay_sparse():
    X = sparse.random(2000, 3000, 0.002, random_state=0, format="csr")
    y = np.arange(2000) % 3
    models = [SimilarityMatching(2, center=False, random_state=0).fit(X)]
    models.append(NonnegativeSimilarityMatching(2, random_state=0).fit(X))
    models.append(SupervisedSimilarityMatching(2, random_state=0).fit(X, y))
    for model in models:
        tracemalloc.start()
        found = model.score(X, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 24e6  # dense rows take 48 MB
        assert found == pytest.approx(model.score(X.toarray(), y), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("solver", ["exact", "online"])
def test_a_file_of_any_size_is_read_in_pieces(solver, tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((40_000, 400), np.float32))
    X = np.load(tmp_path / "x.npy", mmap_mode="r")
    fresh = SimilarityMatching(2, solver=solver, shuffle=False, random_state=0)
    fresh.partial_fit(np.asarray(X[:500]))
    tracemalloc.start()
    fresh._learn({"x": X})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.9 * X.nbytes
    if solver == "exact":
        with pytest.raises(InputError, match="range of floats"):
            SimilarityMatching(2, solver="exact").fit(np.diag([1e200, 1.0, 2.0]))


@pytest.mark.parametrize("cuts", [[], [10], [700, 701, 2500]])
def test_the_moment_of_outputs_remembers_about_a_thousand(cuts):
    """After a step from 0 to 1 the moment is 1 - (1 - 1/1000)^n, whatever was seen before and however it is cut."""
    recent = Recent.empty(1).follow(np.zeros((WINDOW, 1)))
    for rows in np.split(np.ones((3000, 1)), cuts):
        recent = recent.follow(rows)
    assert recent.second[0, 0] == pytest.approx(1 - (1 - 1 / 1000) ** 3000, rel=1e-9)
    assert WINDOW == 1000
    half = Recent.empty(1).follow(np.zeros((5000, 1))).follow(np.ones((693, 1)))
    assert half.second[0, 0] == pytest.approx(0.5, abs=1e-3)


def test_the_second_moment_of_cca_forgets_in_a_thousand_pairs():
    X = np.random.default_rng(0).standard_normal((4000, 3))
    model = OnlineCCA(1, scale="norm", random_state=0).partial_fit(X, X)
    z = (np.add(*model.transform(X[-1000:], X[-1000:])) ** 2).mean()
    assert model.output_eigenvalues_[0] == pytest.approx(z, rel=0.15)
