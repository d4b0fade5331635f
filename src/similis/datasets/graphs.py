"""Graphs with known communities, and their nodes as rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .._errors import InputError
from .._random import Seed, generator
from .sources import dataset

Matrix = NDArray[np.float64]
Labels = NDArray[np.int64]

GraphName = Literal["karate", "polbooks", "football"]

GRAPHS: tuple[GraphName, ...] = get_args(GraphName)
#: members (numbered from 1) who stayed with the instructor, "Mr. Hi", when the club split: Zachary 1977, as in networkx
_WITH_THE_INSTRUCTOR = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 17, 18, 20, 22)


def load_graph(name: GraphName) -> tuple[Matrix, Labels]:
    """Return a graph from M. Newman's collection and the communities of its nodes.

    Parameters
    ----------
    name : str
        ``"karate"``: 34 members of a karate club, 78 friendships, the 2 clubs it split into (Zachary 1977).
        ``"polbooks"``: 105 books on US politics, 441 pairs bought together; conservative, liberal, neutral (Krebs).
        ``"football"``: 115 college teams, 613 pairs that played in autumn 2000, 12 conferences (Girvan & Newman 2002).

    Returns
    -------
    A : array (n_nodes, n_nodes)
        Adjacency, symmetric, 0 or 1; an edge the file lists twice counts once.
    communities : array (n_nodes,)
        From 0 on.

    Raises
    ------
    InputError
        If the name is unknown, or the file is absent (it has no public address) or damaged.
    """
    if name not in GRAPHS:
        raise InputError(f"name: got {name!r}, expected one of {', '.join(GRAPHS)}.")
    file = dataset("graphs").files[GRAPHS.index(name)]
    words = re.finditer(r'"([^"]*)"|([\[\]])|([^\s\[\]"]+)', file.fetch().read_text())
    graph = dict(_pairs(words))["graph"]
    nodes, edges = ([value for key, value in graph if key == kind] for kind in ("node", "edge"))
    numbers = [int(dict(node)["id"]) for node in nodes]
    place = {number: i for i, number in enumerate(numbers)}
    A = np.zeros((len(nodes), len(nodes)))
    for ends in map(dict, edges):
        i, j = place[int(ends["source"])], place[int(ends["target"])]
        A[i, j] = A[j, i] = 1.0
    if name == "karate":
        return A, np.array([int(number not in _WITH_THE_INSTRUCTOR) for number in numbers], np.int64)
    values = [dict(node)["value"] for node in nodes]
    return A, np.unique(values, return_inverse=True)[1].astype(np.int64)


def planted_partition(
    n_nodes: int = 200, n_communities: int = 4, *, within: float = 0.3, between: float = 0.05,
    random_state: Seed | None = None,
) -> tuple[Matrix, Labels]:  # fmt: skip
    """A random graph with communities of equal size, the simplest stochastic block model.

    Parameters
    ----------
    n_nodes, n_communities : int
    within, between : float, default 0.3 and 0.05
        Probability of an edge between two nodes of one community, and of two.
    random_state : int, Generator or None

    Returns
    -------
    A : array (n_nodes, n_nodes)
        Adjacency, symmetric, 0 or 1.
    communities : array (n_nodes,)

    Raises
    ------
    InputError
        If there are fewer nodes than communities, or a probability is outside [0, 1].
    """
    if not 1 <= n_communities <= n_nodes:
        raise InputError(f"n_communities: got {n_communities}, expected 1 to n_nodes = {n_nodes}.")
    if not (0 <= within <= 1 and 0 <= between <= 1):
        raise InputError(f"within, between: got {within}, {between}, expected probabilities in [0, 1].")
    communities = np.arange(n_nodes, dtype=np.int64) * n_communities // n_nodes
    probability = np.where(communities[:, None] == communities, within, between)
    upper = np.triu(generator(random_state).random((n_nodes, n_nodes)) < probability, 1)
    return (upper | upper.T).astype(float), communities


def random_walk(A: Matrix, steps: int = 3) -> Matrix:
    """The nodes of a graph as rows: where a random walker who starts at a node is after some steps.

        X = (D^-1 A)^steps,    D the degrees

    Nodes of one community share their neighbours, and so their rows are alike.

    Parameters
    ----------
    A : array (n_nodes, n_nodes)
        Nonnegative weights of the edges.
    steps : int, default 3

    Returns
    -------
    X : array (n_nodes, n_nodes)
        Nonnegative; each row sums to 1.

    Raises
    ------
    InputError
        If a node has no edge, or the weights are not a square matrix of nonnegative numbers.
    """
    A = np.asarray(A, float)
    if A.ndim != 2 or A.shape[0] != A.shape[1] or not (A >= 0).all():
        raise InputError(f"A: got shape {A.shape}, expected a square matrix of weights >= 0.")
    degree = A.sum(axis=1)
    if not degree.all():
        raise InputError(f"A: node {int(np.argmin(degree))} has no edge. Fix: remove it, a walk cannot leave it.")
    return np.linalg.matrix_power(A / degree[:, None], steps)


def _pairs(words: Iterator[re.Match]) -> list[tuple[str, Any]]:
    """GML: keys, each followed by a value or by a list in brackets."""
    pairs: list[tuple[str, Any]] = []
    key: Any = None
    for word in words:
        text, bracket, plain = word.groups()
        if bracket == "]":
            break
        value = _pairs(words) if bracket == "[" else plain if text is None else text
        if key is None:
            key = value
        else:
            pairs.append((key, value))
            key = None
    return pairs
