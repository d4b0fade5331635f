"""Law 7: scikit-learn's own checks, and what its users expect beyond them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.cross_decomposition import CCA
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from similis import (
    CircuitTransformer,
    DualClassifier,
    DualRegressor,
    FlexibleSimilarityMatching,
    NonnegativeSimilarityMatching,
    OnlineCCA,
    SimilarityMatching,
)
from similis._errors import InputError
from similis.metrics import canonical_correlations, subspace_error
from similis.networks import principal_subspace

DIGITS = load_digits().data
LEFT, RIGHT = DIGITS[:, :32] + 1e-3, DIGITS[:, 32:] + 1e-3
SINGLE = [SimilarityMatching, NonnegativeSimilarityMatching]


@parametrize_with_checks(
    [
        SimilarityMatching(),
        SimilarityMatching(whiten=True),
        SimilarityMatching(solver="exact"),
        NonnegativeSimilarityMatching(),
        FlexibleSimilarityMatching(),
        CircuitTransformer(principal_subspace(1)),
        DualRegressor(),
        DualRegressor("epsilon-insensitive", regularizer="p-norm"),
        DualRegressor(solver="online", n_epochs=20),
        DualClassifier(),
        DualClassifier("hinge", kernel="rbf"),
        DualClassifier("squared", regularizer="output-variance"),
        DualClassifier(regularizer="entropy", solver="online", n_epochs=20),
    ]
)
def test_scikit_learn(estimator, check):
    check(estimator)  # check_array_api_input skips itself unless SCIPY_ARRAY_API is set


def test_exact_is_pca_and_exact_cca():
    model = SimilarityMatching(6, solver="exact").fit(DIGITS)
    pca = PCA(6).fit(DIGITS)
    assert subspace_error(model.components_, pca.components_) < 1e-9
    np.testing.assert_allclose(model.explained_variance_, pca.explained_variance_ * (1796 / 1797), rtol=1e-9)
    assert model.score(DIGITS) == pytest.approx(pca.explained_variance_ratio_.sum())
    cca = OnlineCCA(3, solver="exact", ridge=0.1).fit(LEFT, RIGHT)
    own = [0.1 * V.var(0).mean() for V in (LEFT, RIGHT)]
    assert np.all(np.diff(cca.canonical_correlations_) <= 0)
    assert own[0] > 0
    assert cca.score(LEFT, RIGHT) > CCA(3).fit(LEFT, RIGHT).score(LEFT, RIGHT)


def test_exact_cca_reaches_the_canonical_correlations():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 8))
    Y = X[:, :4] + rng.standard_normal((500, 4))
    model = OnlineCCA(3, solver="exact", ridge=0.0).fit(X, Y)
    np.testing.assert_allclose(model.canonical_correlations_, canonical_correlations(X, Y)[:3], atol=1e-9)


def test_whitened_outputs_are_white_and_the_subspace_is_found():
    many = np.concatenate([DIGITS[np.random.default_rng(i).permutation(1797)] for i in range(20)])
    model = SimilarityMatching(6, whiten=True, random_state=0).fit(many)
    np.testing.assert_allclose(np.cov(model.transform(DIGITS).T), np.eye(6), atol=0.12)
    plain = SimilarityMatching(6, random_state=0).fit(many)
    np.testing.assert_allclose(plain.components_ @ plain.components_.T, np.eye(6), atol=0.02)
    assert subspace_error(plain.components_, PCA(6).fit(DIGITS).components_) < 0.03


def test_projections_sum_to_the_output_of_the_network():
    from similis.engine import reference

    model = OnlineCCA(2, random_state=0).fit(LEFT, RIGHT)
    Zx, Zy = model.transform(LEFT, RIGHT)
    rows = {"x": (LEFT - model.x_mean_) / model.x_scale_, "y": (RIGHT - model.y_mean_) / model.y_scale_}
    z = reference.run(model.circuit_, model.readout_, {n: A[:50] for n, A in rows.items()}, learn=False)[0]
    np.testing.assert_allclose((Zx + Zy)[:50], z, atol=1e-9)
    np.testing.assert_allclose((LEFT - model.x_mean_) @ model.x_components_.T, Zx, atol=1e-9)
    assert cross_val_score(OnlineCCA(2, random_state=0, n_epochs=5), LEFT, RIGHT, cv=3).min() > 0.7
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize("kind", SINGLE)
def test_inputs_as_users_have_them(kind, tmp_path):
    model = kind(2, random_state=0)
    expected = model.fit(DIGITS).transform(DIGITS)
    np.save(tmp_path / "d.npy", DIGITS)
    mapped = np.load(tmp_path / "d.npy", mmap_mode="r")
    for same in (np.asfortranarray(DIGITS), mapped, np.repeat(DIGITS, 2, axis=0)[::2], DIGITS.astype(int)):
        np.testing.assert_allclose(kind(2, random_state=0).fit(same).transform(same), expected, rtol=1e-6, atol=1e-9)
    assert (
        kind(2, random_state=0).fit(DIGITS.astype(np.float32)).transform(DIGITS.astype(np.float32)).dtype == np.float32
    )
    rows = sparse.csr_matrix(DIGITS)
    dense = kind(2, center=False, random_state=0).fit(DIGITS).transform(DIGITS)
    np.testing.assert_allclose(kind(2, center=False, random_state=0).fit(rows).transform(rows), dense, atol=1e-6)
    assert kind(2, random_state=0).partial_fit(DIGITS[:1]).n_samples_seen_ == 1
    constant = np.ones((50, 4))
    assert np.isfinite(kind(2, random_state=0).fit(constant).transform(constant)).all()
    frame = kind(2, random_state=0).set_output(transform="pandas").fit_transform(DIGITS)
    assert list(frame.columns) == [f"{kind.__name__.lower()}{i}" for i in range(2)]


@pytest.mark.parametrize("kind", SINGLE)
@pytest.mark.parametrize(
    "bad",
    [
        np.array([[1.0, np.nan]]), np.array([[np.inf, 1.0]]), np.empty((0, 3)), np.array([["a", "b"]]),
        np.array([[object(), 1]], object), np.ones(5), np.ones((2, 2, 2)),
    ],
)  # fmt: skip
def test_bad_input_is_refused(kind, bad):
    with pytest.raises((ValueError, TypeError)):
        kind(1, random_state=0).fit(bad)


def test_more_components_than_features():
    with pytest.raises(InputError, match="n_features=3"):
        SimilarityMatching(4).fit(np.ones((9, 3)))
    with pytest.raises(InputError, match="narrower view"):
        OnlineCCA(4).fit(np.ones((9, 3)), np.ones((9, 5)))
    assert (
        NonnegativeSimilarityMatching(4, random_state=0).fit(DIGITS[:, 10:13]).transform(DIGITS[:, 10:13]).shape[1] == 4
    )
    with pytest.raises(ValueError, match="columns"):
        OnlineCCA(1, random_state=0).fit(LEFT, RIGHT).partial_fit(LEFT, RIGHT[:, 1:])
