"""Graphs: known sizes, known splits, and the rows of a random walk."""

from __future__ import annotations

import numpy as np
import pytest

from similis import datasets
from similis._errors import InputError

needs_graphs = pytest.mark.skipif(not datasets.dataset("graphs").available, reason="the graphs are not here")
SIZES = {"karate": (34, 78, [17, 17]), "polbooks": (105, 441, [49, 43, 13]), "football": (115, 613, None)}


@pytest.mark.data
@needs_graphs
@pytest.mark.parametrize("name", SIZES)
def test_graphs_have_their_published_sizes(name):
    n_nodes, n_edges, communities = SIZES[name]
    A, labels = datasets.load_graph(name)
    assert A.shape == (n_nodes, n_nodes)
    assert A.sum() == 2 * n_edges
    np.testing.assert_array_equal(A, A.T)
    assert not A.diagonal().any()
    assert len(np.unique(labels)) == (12 if communities is None else len(communities))
    assert communities is None or np.bincount(labels).tolist() == communities


@pytest.mark.data
@needs_graphs
def test_most_edges_join_nodes_of_one_community():
    """Newman's modularity of the published communities: 0.358, 0.415 and 0.554, as computed from the same files."""
    for name, known in (("karate", 0.358), ("polbooks", 0.415), ("football", 0.554)):
        A, labels = datasets.load_graph(name)
        degree = A.sum(0)
        same = labels[:, None] == labels
        assert ((A - np.outer(degree, degree) / A.sum()) * same).sum() / A.sum() == pytest.approx(known, abs=1e-3)


def test_the_planted_partition_has_its_densities():
    A, labels = datasets.planted_partition(400, 4, within=0.3, between=0.05, random_state=0)
    np.testing.assert_array_equal(A, A.T)
    assert not A.diagonal().any()
    assert np.bincount(labels).tolist() == [100] * 4
    same = (labels[:, None] == labels) & ~np.eye(400, dtype=bool)
    assert A[same].mean() == pytest.approx(0.3, abs=0.01)
    assert A[labels[:, None] != labels].mean() == pytest.approx(0.05, abs=0.005)


def test_a_random_walk_forgets_where_it_began():
    A, _ = datasets.planted_partition(60, 3, within=0.5, between=0.2, random_state=1)
    np.testing.assert_allclose(datasets.random_walk(A, 3).sum(1), 1)
    stationary = A.sum(0) / A.sum()
    np.testing.assert_allclose(datasets.random_walk(A, 200), np.tile(stationary, (60, 1)), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: datasets.load_graph("dolphins"), "expected one of karate"),
        (lambda: datasets.planted_partition(3, 4), "1 to n_nodes = 3"),
        (lambda: datasets.planted_partition(9, 3, within=2.0), "probabilities"),
        (lambda: datasets.random_walk(np.ones((2, 3))), "square"),
        (lambda: datasets.random_walk(np.diag([1.0, 0.0])), "node 1 has no edge"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
