"""Similarity matching read as PCA: ordered components, shares of the variance, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from similis import SimilarityMatching, load, save
from similis._errors import InputError

X = load_digits().data + 5.0
EXACT = {"solver": "exact", "basis": "principal"}


def test_the_exact_solver_is_pca():
    model, pca = SimilarityMatching(8, **EXACT).fit(X), PCA(8).fit(X)
    signs = np.sign((model.components_ * pca.components_).sum(1))
    np.testing.assert_allclose(model.components_, signs[:, None] * pca.components_, atol=1e-9)
    np.testing.assert_allclose(model.transform(X), pca.transform(X) * signs, atol=1e-7)
    np.testing.assert_allclose(model.explained_variance_ratio_, pca.explained_variance_ratio_, rtol=1e-9)
    np.testing.assert_allclose(model.inverse_transform(model.transform(X)), pca.inverse_transform(pca.transform(X)))
    rows = np.arange(8)
    assert (model.components_[rows, np.abs(model.components_).argmax(1)] > 0).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("whiten", [False, True])
def test_the_network_is_turned_along_the_axes(dtype, whiten):
    D = X.astype(dtype)
    model = SimilarityMatching(5, basis="principal", whiten=whiten, n_epochs=40, random_state=0).fit(D)
    network = SimilarityMatching(5, whiten=whiten, n_epochs=40, random_state=0).fit(D)
    pca, (Z, Y) = PCA(5, whiten=whiten).fit(X), (m.transform(D).astype(float) for m in (model, network))
    assert model.transform(D).dtype == dtype
    # outputs are what the components give, and hold what the network's hold: one is a turn of the other
    np.testing.assert_allclose(Z, (D - model.mean_) @ model.components_.T, atol=1e-3 if dtype == np.float32 else 1e-9)
    turn = np.linalg.lstsq(Y, Z, rcond=None)[0]
    np.testing.assert_allclose(Y @ turn, Z, atol=1e-3 * np.abs(Z).max())
    # as PCA up to what the network has not learned: in order, uncorrelated
    correlation = np.corrcoef(Z.T, pca.transform(X).T)[:5, 5:]
    assert (np.abs(correlation.diagonal()) > 0.98).all()
    assert np.abs(np.corrcoef(Z.T) - np.eye(5)).max() < 0.1
    assert (np.diff(Z.var(0)) < 0).all() or whiten
    np.testing.assert_allclose(model.explained_variance_ratio_, pca.explained_variance_ratio_, rtol=0.1)
    # to and fro: the projection onto the same subspace in either basis
    to, fro = model.inverse_transform(model.transform(D)), network.inverse_transform(network.transform(D))
    np.testing.assert_allclose(to, fro, atol=1e-2 if dtype == np.float32 else 1e-8)
    np.testing.assert_allclose(model.transform(to.astype(dtype)), Z, atol=1e-2 if dtype == np.float32 else 1e-8)


def test_the_basis_can_be_changed_after_the_fit():
    model = SimilarityMatching(4, random_state=0).fit(X)
    before, score = model.transform(X), model.score(X)
    model.set_params(basis="principal")
    assert not np.allclose(model.transform(X), before)
    assert model.score(X) == pytest.approx(score)
    np.testing.assert_array_equal(model.set_params(basis="network").transform(X), before)
    with pytest.raises(InputError, match="'principal'"):
        model.set_params(basis="pca").transform(X)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("center", [True, False])
def test_so_many_components_as_hold_a_share_of_the_variance(tmp_path, share, center):
    model = SimilarityMatching(share, center=center, random_state=0).fit(X)
    if center:
        assert model.n_components_ == PCA(share).fit(X).n_components_
    else:
        values = np.linalg.eigvalsh(X.T @ X)[::-1]
        assert model.n_components_ == 1 + (np.cumsum(values) / values.sum() <= share).sum()
    assert model.transform(X).shape == (len(X), model.n_components_)
    save(model, tmp_path / "n")
    again = load(tmp_path / "n")
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    again.partial_fit(X[:10])
    assert again.n_components_ == model.n_components_
    assert model.fit(X[:, :3]).n_components_ <= 3


def test_a_share_needs_all_rows():
    with pytest.raises(InputError, match="use fit, or an integer"):
        SimilarityMatching(0.9).partial_fit(X)
    for wrong in (0.0, 1.0, 1.5, -0.1, True):
        with pytest.raises(InputError, match="n_components"):
            SimilarityMatching(wrong).fit(X)
    with pytest.raises(InputError, match="3 columns; expected 2"):
        SimilarityMatching(2).fit(X).inverse_transform(np.ones((4, 3)))


def test_directions_without_variance_are_zero():
    flat = np.random.default_rng(0).standard_normal((500, 2)) @ np.array([[3.0, 0, 0, 0], [0, 1.0, 0, 0]])
    for solver in ("exact", "online"):
        for whiten in (False, True):
            model = SimilarityMatching(3, basis="principal", solver=solver, whiten=whiten, random_state=0).fit(flat)
            assert np.isfinite(model.transform(flat)).all()
            assert np.abs(model.transform(flat)[:, 2]).max() < 1e-2
            back = model.inverse_transform(model.transform(flat))
            np.testing.assert_allclose(back, flat, atol=0.05 if solver == "online" else 1e-6)
