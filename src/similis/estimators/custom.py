"""An estimator for a network of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse

from .._errors import InputError
from .._random import Seed
from .._values import Kind
from ..circuit import Circuit
from ._admit import admit_stream
from ._estimator import check_is_fitted
from ._stream import OneStream


class CircuitTransformer(OneStream):
    """Learn with any :class:`similis.circuit.Circuit`: the compiled engine and the estimator, from a specification.

    Parameters
    ----------
    circuit : Circuit; with one channel ``fit`` takes an array, with several a dict {channel: array} of as many rows
    center : bool, remove the running means
    scale : "auto" divides each stream by its running RMS norm; None trusts the data
    n_epochs, shuffle, trace_every, random_state : as in :class:`SimilarityMatching`

    Attributes
    ----------
    n_features_in_ : int, of several channels all together
    feature_names_in_<channel>_ : names of a channel's columns, where it came with some and is not the only one
    history_, n_samples_seen_, circuit_, state_ : as in :class:`SimilarityMatching`

    Examples
    --------
    >>> import numpy as np
    >>> from similis import CircuitTransformer
    >>> from similis.circuit import Channel, Circuit, Domain, Gram, Neuron
    >>> twins = Circuit("twins", 3, (Channel("left"), Channel("right")), Gram(), Neuron(Box.nonnegative()))
    >>> rng = np.random.default_rng(0)
    >>> data = {"left": rng.random((200, 5)), "right": rng.random((200, 4))}
    >>> CircuitTransformer(twins, random_state=0).fit(data).transform({"left": data["left"]}).shape
    (200, 3)
    """

    _allowed: ClassVar = {
        "circuit": (
            Kind(
                lambda value: isinstance(value, Circuit),
                "a similis.circuit.Circuit, e.g. similis.networks.principal_subspace(4)",
            ),
        )
    }

    def __init__(
        self, circuit: Circuit, *, center: bool = True, scale: str | None = "auto", n_epochs: int | str = "auto",
        shuffle: bool = True, trace_every: int | None = None, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.circuit = circuit
        self.center = center
        self.scale = scale
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.trace_every = trace_every
        self.random_state = random_state

    def _circuit(self, dims: dict[str, int]) -> Circuit:
        return self.circuit

    def _admit_and_learn(self, X: Any, epochs: int | str, shuffle: bool) -> Self:
        self._learn(self._streams(X, reset=not hasattr(self, "n_samples_seen_")), epochs, shuffle)
        self._n_features_out = self.circuit_.size
        return self

    def _streams(self, X: Any, *, reset: bool) -> dict[str, Any]:
        names = self.circuit.names
        if sparse.issparse(X) or not isinstance(X, Mapping):  # a dok matrix is a dict
            if len(names) > 1:
                raise InputError(
                    f"circuit {self.circuit.name!r} hears {', '.join(names)}; give a dict with an array for each"
                )
            return {names[0]: self._admit(X, reset=reset)}
        unknown, missing = set(X) - set(names), set(names) - set(X)
        if unknown or (missing and reset) or not X:
            raise InputError(f"data for {sorted(X)}; circuit {self.circuit.name!r} hears {', '.join(names)}")
        if len(names) == 1:
            return {names[0]: self._admit(X[names[0]], reset=reset)}
        rows = {name: self._admit_channel(name, array, reset=reset) for name, array in X.items()}
        if reset:
            self.n_features_in_ = sum(array.shape[1] for array in rows.values())
        lengths = {name: array.shape[0] for name, array in rows.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"streams differ in rows: {lengths}; expected one number")
        return rows

    def _admit_channel(self, name: str, values: Any, *, reset: bool) -> Any:
        """A stream of its own width and column names."""
        taken = False if self.center else "csr"
        rows = admit_stream(self, name, values, reset=reset, dtype=[np.float64, np.float32], accept_sparse=taken)
        if not reset and rows.shape[1] != (width := self.running_[name].width):
            raise InputError(f"stream {name!r} has {rows.shape[1]} features, but it was fitted with {width}")
        return rows

    def _n_features(self) -> int:
        return sum(running.width for running in self.running_.values())

    def transform(self, X: Any) -> np.ndarray:
        """Outputs z of the network, (n_samples, size), in the network's own units; an absent stream is silent."""
        check_is_fitted(self)
        return self._outputs(self._streams(X, reset=False))

    def score(self, X: Any, y: None = None) -> float:
        """Minus the settled objective of the circuit on X, per sample; higher is better. See ``circuit.objective``."""
        from ..circuit import value

        check_is_fitted(self)
        rows = {name: self.running_[name].apply(A) for name, A in self._streams(X, reset=False).items()}
        rows = {name: A.toarray() if hasattr(A, "toarray") else A for name, A in rows.items()}
        Z = self._outputs(self._streams(X, reset=False))
        return -value(self.circuit_, self.state_, rows, Z)

    @property
    def mean_(self) -> dict[str, np.ndarray]:
        """Mean of each stream so far."""
        return {name: running.mean for name, running in self.running_.items()}

    @property
    def scale_(self) -> dict[str, float]:
        """RMS norm of each stream so far."""
        return {name: running.rms for name, running in self.running_.items()}

    @property
    def components_(self) -> dict[str, np.ndarray]:
        """M^{-1} W of each stream, (size, n_c), in the data's units."""
        check_is_fitted(self)
        return {name: self._filters(name) for name in self.circuit_.names}
