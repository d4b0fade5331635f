"""Classification with few labels, on manifolds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import ClassifierMixin

from .._errors import InputError, ModelFileError
from .._random import Seed, generator
from .._schema import Packed, Stored
from .._values import Number, OneOf, Whole
from ..circuit import Circuit, State, Step
from ..engine import stream
from ..kernels.running import OUTLIER
from ..networks import label_propagation, row_sum_start, soft_tiles
from ._admit import validate_data
from ._base import NetworkEstimator
from ._estimator import check_is_fitted
from ._guard import Order, shortening, sorted_rows, too_correlated
from ._labels import UNLABELLED, admit_labels, labelled, merged, one_hot, pack_classes
from ._netfile import pack_order, pack_running, unpack_layer, unpack_order, unpack_running
from ._noise import WATCHED, projected
from ._params import passes
from ._running import Running, multiplied

#: samples of a pass that are learned together, so that memory does not grow with the data
ROWS = 4096
#: tiles at most by default; rows and features there must be for each; see decision 9
TILES, ROWS_A_TILE, TILES_A_FEATURE = 400, 6, 25
#: tiles that as many rows have, however few
FEW_TILES = 40


class ManifoldClassifier(ClassifierMixin, NetworkEstimator):
    """Classes from very few labels, by two layers of Hebbian neurons: tiles, and labels that spread over them.

    Layer 1 tiles the samples' manifold, whatever their labels: ``z = [W x - a - lambda b]_+ / mu`` with ``b.z = 1``.
    Layer 2 has a neuron a class, ``p = V s`` with ``s = z / sum(z)``, or the label where there is one, and learns by
    ``V_cj += 2 eta s_j (p_c - V_cj)``: each tile takes over the classes of the samples in it, and hands them on to the
    tiles that share samples with it. The correlations of tiles replace the graph of label propagation: memory and time
    a sample do not grow with the number of samples.

    Parameters
    ----------
    n_components : int or "auto", number of tiles; they should be narrower than the gaps between classes. "auto" is 25 a
        feature, at most 400, and at most one for six rows given to ``fit``, but for the first 40 rows; for a stream,
        whose length is not known, the same without regard to rows. It is settled by the first rows and kept
    sharpness : float in (0, 1], near 1 each sample lies in one tile (labels hardly spread), near 0 in many
    emphasis : float >= 1, how many times faster layer 2 learns from a labelled sample than from another
    center : bool, remove the running mean (of no effect but on rounding)
    scale : "auto" divides by the running RMS norm, so that steps are safe whatever the units; None trusts the data
    eta0 : float in (0, 1/2), learning rate of layer 2. Layer 1 has the rates of ``similis.networks.soft_tiles``
    n_epochs : int or "auto" (see :class:`SimilarityMatching`), passes of ``fit`` over its data in which layer 1 learns
    n_replays : int, further passes in which labels spread over tiles that stay as they are; more tiles need more.
        0: layer 2 learns with layer 1, as in ``partial_fit``
    shuffle : bool, whether ``fit`` visits rows in random order, anew each pass
    random_state : int, Generator, RandomState or None

    Attributes
    ----------
    classes_ : (n_classes,), sorted
    n_tiles_ : int
    tiles_ : (n_tiles_, n_features), centres of the tiles W_i / b_i, in the data's units
    tile_proba_ : (n_tiles_, n_classes), V', the classes of each tile
    n_samples_seen_ : int. Until n_tiles_ samples are seen, they are held: the first tiles are put on them
    circuit_, state_ : layer 2

    References
    ----------
    Genkin, Sengupta & Chklovskii 2019 (arXiv 1908.08145).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_moons
    >>> from similis import ManifoldClassifier
    >>> X, y = make_moons(2000, noise=0.08, random_state=0)
    >>> few = np.full(2000, -1)
    >>> few[[np.flatnonzero(y == 0)[0], np.flatnonzero(y == 1)[0]]] = 0, 1
    >>> bool(ManifoldClassifier(48, random_state=0).fit(X, few).score(X, y) > 0.99)
    True
    """

    beside_x: ClassVar[str | None] = "labels"
    trace_every = None
    _free = NetworkEstimator._free | {"n_replays"}
    classes_: np.ndarray
    _input: Running
    _tiles: State
    _held: tuple[np.ndarray, np.ndarray] | None

    _allowed: ClassVar = {
        "n_components": (Whole(1), OneOf(("auto",))), "sharpness": (Number(0, 1, open_="low"),),
        "emphasis": (Number(1),), "eta0": (Number(0, 0.5, open_="both"),), "n_replays": (Whole(0),),
    }  # fmt: skip

    def __init__(
        self, n_components: int | str = "auto", *, sharpness: float = 0.4, emphasis: float = 10.0, center: bool = True,
        scale: str | None = "auto", eta0: float = 0.2, n_epochs: int | str = 3, n_replays: int = 20,
        shuffle: bool = True, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.sharpness = sharpness
        self.emphasis = emphasis
        self.center = center
        self.scale = scale
        self.eta0 = eta0
        self.n_epochs = n_epochs
        self.n_replays = n_replays
        self.shuffle = shuffle
        self.random_state = random_state

    # learning -------------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from the rows of X, from the beginning: layer 1 in ``n_epochs`` passes, layer 2 in ``n_replays`` more.

        With ``n_replays=0`` both layers learn in the same passes, as in ``partial_fit``.

        Parameters
        ----------
        X : (n_samples, n_features) array
        y : (n_samples,) class labels, -1 where there is none; text in an array of dtype object
        """
        self._restart()
        X, y = self._admit(X, y, reset=True)
        if not labelled(y).any():
            raise InputError("no sample has a label; expected at least one label other than -1")
        rng, dtype = generator(self.random_state), X.dtype
        self._input, self._dtype, self._held, self.history_, self.average_ = (
            self._new_running(X.shape[1], "x"), dtype, None, {}, None
        )  # fmt: skip
        (rows, telling), n_rows = self._in_order(X), len(X)
        if self.shuffle and sorted_rows(bool(self.center), rows, np.ones(len(rows))):
            kept = rng.permutation(np.flatnonzero(telling))
            self._input = self._new_running(X.shape[1], "x")
            X, y = X[kept], y[kept]
            rows, telling = self._in_order(X)
        y, self.n_tiles_ = y[telling], self._n_tiles(X.shape[1], len(rows))
        self._grow(merged(None, y))

        def order() -> np.ndarray:
            return rng.permutation(len(y)) if self.shuffle else np.arange(len(y))

        heard = np.full(len(y), UNLABELLED) if self.n_replays else y  # layer 2 waits for tiles that stay in place
        n_epochs = passes(self.n_epochs, n_rows)
        for epoch in range(n_epochs):
            visit = order()
            if epoch == 0:
                k = self._layer().size
                first = rows[visit[:k]] if self.shuffle else self._alike(X[telling][:k])
                self._tiles = self._placed(first)
            for at in _blocks(visit):
                self._teach(rows[at], heard[at], at)
        self.n_samples_seen_, self.n_idle_ = n_epochs * n_rows, n_epochs * (n_rows - len(rows))
        if self.n_replays:
            S = sparse.vstack(
                [sparse.csr_array(self._shares(rows[at])) for at in _blocks(np.arange(len(y)))], format="csr"
            )
            for _ in range(self.n_replays):
                for at in _blocks(order()):
                    self._spread(S[at].toarray(), y[at])
        return self

    def partial_fit(self, X: Any, y: Any = None, classes: Sequence | None = None) -> Self:
        """Continue learning from one row or more, once, in their order.

        Parameters
        ----------
        X, y : as in ``fit``; y may be -1 throughout
        classes : all classes to come. A class that first appears later joins with no tile of its own
        """
        X, y = self._admit(X, y, reset=not hasattr(self, "n_samples_seen_"))
        self._pass(X, y, np.arange(len(X)), classes)
        return self

    def _admit(self, X: Any, y: Any, *, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        X = validate_data(self, X, reset=reset, dtype=[np.float64, np.float32])
        return X, admit_labels(y, X, type(self).__name__)

    def _pass(
        self, X: np.ndarray, y: np.ndarray, order: np.ndarray, announced: Sequence | None = None,
    ) -> None:  # fmt: skip
        """Show rows to both layers, in blocks."""
        if not hasattr(self, "n_samples_seen_"):
            self.n_tiles_ = self._n_tiles(X.shape[1])
            self._input, self._dtype = self._new_running(X.shape[1], "x"), X.dtype
            self._held, self.n_samples_seen_, self.n_idle_ = (X[:0], y[:0].astype(object)), 0, 0
            self.history_, self.average_ = {}, None
        self._grow(merged(getattr(self, "classes_", None), y, announced))
        for at in _blocks(order):
            self._hear(X[at].astype(self._dtype, copy=False), y[at])
            self.n_samples_seen_ += len(at)

    def _hear(self, X: np.ndarray, y: np.ndarray) -> None:
        """Hold samples back until there is one for each tile, then learn; rows that say nothing are left out."""
        if self._held is not None:
            X, y = (np.concatenate([held, new]) for held, new in zip(self._held, (X, y), strict=True))
            telling = self._input.normalise(X).sizes >= 0
            self._held, k = (X[telling], y[telling]), self._layer().size
            if telling.sum() >= k:
                self._begin()
            return
        rows, telling = self._in_order(X)
        self.n_idle_ += int((~telling).sum())
        where = np.flatnonzero(telling)
        if self._mixes:
            mix = generator(self.random_state).permutation(len(where))
            rows, where = rows[mix], where[mix]
        self._teach(rows, y[where], self.n_samples_seen_ + where)

    def _begin(self) -> None:
        """Put the tiles on the first samples held back, and learn from all of these."""
        if self._held is not None:
            (X, y), self._held = self._held, None
            self._tiles = self._placed(self._alike(X[: self._layer().size]))
            self._hear(X, y)

    def _in_order(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows, scaled one after the other, but for those that say nothing; and (n_samples,) whether a row does."""
        rows, sizes = [X[:0]], [np.zeros(0)]
        for at in _blocks(np.arange(len(X))):
            scaled, size, _, self._input, _ = self._input.normalise(X[at].astype(self._dtype, copy=False))
            rows.append(scaled[size >= 0])
            sizes.append(size)
        return np.concatenate(rows), np.concatenate(sizes) >= 0

    def _alike(self, X: np.ndarray) -> np.ndarray:
        """The first rows, all scaled by their moments together."""
        X = X.astype(self._dtype, copy=False)
        return self._new_running(X.shape[1], "x").learn(X)[1].apply(X)

    def _placed(self, rows: np.ndarray) -> State:
        """Layer 1 with tiles on these scaled rows, but for outliers."""
        if self.scale is not None:
            rows = rows[np.einsum("ti,ti->t", rows, rows) <= OUTLIER]
        return row_sum_start(self._layer(), rows)

    def _teach(self, rows: np.ndarray, y: np.ndarray, samples: np.ndarray) -> None:
        """Both layers learn from scaled rows, whose numbers in the stream are ``samples``."""
        if self.scale is not None:
            factors = shortening(self._layer(), {"x": np.einsum("ti,ti->t", rows, rows)}, self._tiles.t)
            rows = multiplied(rows, factors) if (factors < 1).any() else rows
        Z, self._tiles = stream.run(self._layer(), self._tiles, rows)
        seen = projected(rows)
        self._order, bad = (self._order or Order.fresh(seen.shape[1])).follow(seen, self._block)
        if bad >= 0:
            raise too_correlated(type(self).__name__, int(samples[bad]), self._block, self._order.far)
        self._spread(_normalised(Z), y)

    def _spread(self, S: np.ndarray, y: np.ndarray) -> None:
        """Layer 2 learns from shares of tiles and labels, where there are any."""
        if len(self.classes_):
            spoken = labelled(y)
            streams = {"x": np.where(spoken[:, None], np.minimum(S.dtype.type(self.emphasis) * S, 1), S)}
            streams["label"] = one_hot(y, self.classes_, S.dtype)
            _, self._state = stream.run(self.circuit_, self.state_, streams, present={"label": spoken})

    def _grow(self, classes: np.ndarray) -> None:
        """A neuron for each new class. The first ones share all tiles evenly, later ones begin with none."""
        old = getattr(self, "classes_", None)
        if old is None or len(classes) > len(old):
            k, c = self._layer().size, max(1, len(classes))
            self.circuit_ = label_propagation(c, emphasis=float(self.emphasis), step=Step(self.eta0))
            V, t = np.full((c, k), 1 / c, self._dtype), 0
            if old is not None and len(old):
                V, t = np.zeros_like(V), self.state_.t
                V[np.searchsorted(classes, old)] = self.state_.W["x"]
            W = {"x": V, "label": np.eye(c, dtype=self._dtype)}
            self._state = State(W, np.eye(c, dtype=self._dtype), t=t)
            self.running_ = {name: Running(False, False, np.zeros(A.shape[1])) for name, A in W.items()}
        self.classes_ = classes

    def _n_tiles(self, d: int, n: int | None = None) -> int:
        """Tiles for rows of d features, n of them where that is known."""
        k = self.n_components
        if isinstance(k, str) and k == "auto":
            most = TILES if n is None else max(n // ROWS_A_TILE, min(n, FEW_TILES))
            return max(1, min(TILES, TILES_A_FEATURE * d, most))
        return int(k)

    def _layer(self) -> Circuit:
        """Layer 1."""
        return soft_tiles(self.n_tiles_, sharpness=float(self.sharpness))

    def _restart(self) -> None:
        super()._restart()
        for name in ("classes_", "n_tiles_", "_input", "_tiles", "_held"):
            self.__dict__.pop(name, None)

    # what was learned -----------------------------------------------------------------------------------------------

    def _begun(self) -> Self:
        """This model, or a copy begun with the samples held back so far."""
        check_is_fitted(self)
        if self._held is None:
            return self
        twin = copy(self)
        twin._begin()
        return twin

    def shares(self, X: np.ndarray) -> np.ndarray:
        """(n_samples, n_tiles_) shares of the tiles, rows sum to 1."""
        return self._shares(self._input.apply(X.astype(self._dtype, copy=False)))

    def _shares(self, rows: np.ndarray) -> np.ndarray:
        return _normalised(stream.run(self._layer(), self._tiles, rows, learn=False)[0])

    def predict_proba(self, X: Any) -> np.ndarray:
        """Share of each class among the tiles of each row: (n_samples, n_classes), rows sum to 1."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        if not len(self.classes_):
            raise InputError("no label was seen yet; expected one in fit or partial_fit before predictions")
        model = self._begun()
        V = model.state_.W["x"].T.astype(float)
        P = np.concatenate([model.shares(X[at]).astype(float) @ V for at in _blocks(np.arange(len(X)))])
        return P / P.sum(1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """Class with the largest share, (n_samples,)."""
        return self.classes_[self.predict_proba(X).argmax(1)] if hasattr(self, "classes_") else self.predict_proba(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy on the rows that have a label."""
        y = admit_labels(y, X, type(self).__name__)
        spoken = labelled(y)
        if not spoken.any():
            raise InputError("no sample has a label; expected labels other than -1 to score on")
        right = self.predict(X)[spoken] == y[spoken]
        return float(np.average(right, weights=None if sample_weight is None else np.asarray(sample_weight)[spoken]))

    @property
    def tiles_(self) -> np.ndarray:
        """(n_tiles_, n_features) centres of the tiles in the data's units."""
        model = self._begun()
        centres = model._tiles.W["x"] / model._tiles.cells["b"][:, None]
        return (centres * model._input.rms + model._input.mean).astype(model._dtype)

    @property
    def tile_proba_(self) -> np.ndarray:
        """(n_tiles_, n_classes) V', the classes of each tile."""
        return self._begun().state_.W["x"].T

    # persistence ----------------------------------------------------------------------------------------------------

    def _pack(self) -> Packed:
        check_is_fitted(self)
        arrays, running = pack_running(self._input, "input")
        arrays |= {"V": self.state_.W["x"], "label": self.state_.W["label"]} | pack_order(self._order)
        meta = {key: getattr(self, key) for key in ("n_features_in_", "n_samples_seen_", "n_idle_")}
        meta |= {"input": running, "t": self.state_.t, "classes": pack_classes(self.classes_)}
        if self._held is None:
            arrays |= {f"tiles.{name}": array for name, array in self._tiles.arrays.items()}
            return arrays, meta | {"tiles": self._tiles.t}
        return arrays | {"held": self._held[0]}, meta | {"held_labels": pack_classes(self._held[1])}

    def _unpack(self, file: Stored) -> None:
        classes = file.labels("classes")
        V = file.array("V", max(1, len(classes)), "tiles", low=0)
        self.n_tiles_, self._dtype = V.shape[1], V.dtype
        if not np.array_equal(file.array("label", len(V), len(V)), np.eye(len(V))):
            raise ModelFileError("the label synapses are not one to one")
        if self.n_components != "auto" and self._n_tiles(1) != self.n_tiles_:
            raise ModelFileError(f"{self.n_tiles_} tiles do not fit n_components={self.n_components}")
        self._input = unpack_running(file, file.part("input"), self._new_running(0), "input")
        self._grow(classes)
        self._state = replace(self.state_, W=self.state_.W | {"x": V}, t=file.integer("t"))
        self._order = unpack_order(file, WATCHED)
        layer, d, self._held = self._layer(), file.sizes["features.input"], None
        if file.has("tiles"):
            self._tiles = unpack_layer(file, layer, d, file.integer("tiles"), "tiles.")
        else:
            y = file.labels("held_labels", ordered=False)
            self._held = file.array("held", len(y), d), y
            if len(y) >= layer.size:
                raise ModelFileError(f"{len(y)} rows are held back, more than {layer.size} tiles wait for")
        self.history_, self.average_ = {}, None
        self.n_features_in_ = file.integer("n_features_in_", d, d)
        self.n_samples_seen_, self.n_idle_ = file.integer("n_samples_seen_"), file.integer("n_idle_")


def _normalised(Z: np.ndarray) -> np.ndarray:
    """Outputs as shares that sum to 1."""
    return Z / np.maximum(Z.sum(1, keepdims=True), np.finfo(Z.dtype).tiny)


def _blocks(order: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(order), ROWS):
        yield order[start : start + ROWS]
