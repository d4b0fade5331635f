"""What the layers of nonnegative similarity matching add to their circuit: labels, first weights, units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .._errors import InputError, ModelFileError
from ..circuit import Box, Circuit
from ..engine.relax import bounded
from ..networks import nonnegative_similarity, supervised_similarity
from .admit import nonnegative, whole
from .layer import Layer, Statistics


class Nonnegative(Layer):
    """Base of the layers of the circuits ``nsm`` and, with classes, ``supervised``.

    ::

        y  = argmin_{y >= 0} y'My - 2 y'd + 2 l1 |y|_1,   d = W x + sqrt(alpha) V l
        dW = 2 eta (<y x'> - W),  dV = 2 eta (sqrt(alpha) <y l'> - V <l l'>),  dM = (eta/tau) (<y y'> - M)

    Averages are over samples, and over positions where there are several. The label l (one-hot, -1 for none) speaks
    only while the layer learns. W (k, n), M (k, k) and V (k, n_classes) are buffers. Inputs c times as large give
    outputs c times as large: :meth:`prepare_` gives W and M the size of the inputs.
    """

    W: Tensor
    V: Tensor
    _called: ClassVar = {"W.x": "W", "W.label": "V"}

    def _first(
        self, n_inputs: int, n_outputs: int, *, n_classes: int, alpha: float, tau: float, l1: float, iterations: int,
        tolerance: float, seed: int, device: torch.device | str | None, dtype: torch.dtype | None,
    ) -> None:  # fmt: skip
        """Settings and first weights: W of random unit rows, M the identity, V zero."""
        nn.Module.__init__(self)
        shape = whole("n_outputs", n_outputs), whole("n_inputs", n_inputs)
        self._circuit, self.tau = None, nonnegative("tau", tau, positive=True)
        self.alpha, self.l1 = nonnegative("alpha", alpha), nonnegative("l1", l1)
        self.tolerance, self.iterations = nonnegative("tolerance", tolerance), whole("iterations", iterations)
        random = torch.Generator().manual_seed(whole("seed", seed, -(2**63)))
        W = torch.randn(shape, generator=random, dtype=torch.float64)
        W /= torch.linalg.vector_norm(W, dim=1, keepdim=True)
        V = W.new_zeros(shape[0], whole("n_classes", n_classes, 0))
        first = {"W.x": W, "M": torch.eye(shape[0], dtype=W.dtype), "W.label": V}
        self._hold(first, {"x": "x", "label": "label"}, device, dtype)
        self._has_objective = True
        #: the circuit, and what it was made of: settings and labels may change
        self._built: tuple[Any, Any] = None, None
        _ = self.circuit

    @property
    def circuit(self) -> Circuit:
        kind = len(self.M), self.l1, self.tau, self.alpha if self.V.shape[1] else None
        if self._built[0] != kind:
            self._built = kind, _circuit(*kind)
        return self._built[1]

    @property
    def weights(self) -> dict[str, Tensor]:
        """As of other layers; V only where there are classes."""
        return {name: tensor for name, tensor in super().weights.items() if tensor.numel()}

    @property
    def fresh(self) -> bool:
        """Whether the layer has its first weights and no size yet: M is the identity."""
        return torch.equal(self.M, torch.eye(len(self.M), dtype=self.M.dtype, device=self.M.device))

    def refuse_unsound(self) -> None:
        """Refuse weights that no learning leaves behind, for those of a file.

        Raises
        ------
        ModelFileError
            If M is no mean of y y' for outputs y >= 0, or so small beside W or V that outputs cannot be squared.
        """
        powers = self.M.diagonal()
        mean = (self.M >= 0).all() and (powers > 0).all()
        mean = mean and (1.01 * torch.outer(powers, powers) >= self.M * self.M.T).all()
        size = bounded(self.M)
        if not mean or size is None:
            raise ModelFileError("M is no mean of y y'")
        far = float(torch.finfo(self.M.dtype).max ** 0.2)  # they are as large as M at first
        if max(float(part.abs().max()) for part in (self.W, self.V) if part.numel()) > float(size) * far:
            raise ModelFileError("the outputs have no end: M is small beside W")

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x)

    def statistics(self, x: Tensor, labels: Tensor | None = None) -> Statistics:  # type: ignore[override]
        """As in :class:`Layer`; ``labels`` are (batch,) integers, -1 for none, only for a layer with classes."""
        return super().statistics(x, *self._one_hot(labels, x))

    def learn_(  # type: ignore[override]
        self, x: Tensor, labels: Tensor | None = None, *, eta: float,
        reduce: Callable[[Statistics], Statistics] | None = None,
    ) -> Tensor:  # fmt: skip
        return super().learn_(x, labels, eta=eta, reduce=reduce)

    def objective(self, x: Tensor, labels: Tensor | None = None) -> Tensor:  # type: ignore[override]
        return super().objective(x, labels)

    def _rows(self, name: str, x: Tensor) -> Tensor:
        return x if name == "label" else super()._rows(name, x)

    def _scaled(self, name: str, rows: Tensor) -> Tensor:
        return rows

    def _mean_square(self, sums: Statistics) -> Tensor:
        """Mean square norm of the rows that the filters will see."""
        return sums["xx.x"] / sums["count.x"]

    def _begin(self, sums: Statistics) -> None:
        before = {name: tensor.clone() for name, tensor in self.named_buffers()}
        size, limits = self._mean_square(sums), torch.finfo(self.M.dtype)
        low, high = (bound ** (2 / 3) for bound in (limits.tiny / limits.eps, limits.max * limits.eps))
        if bool(size != 0) and not low < float(size) < high:  # drives are its power 3/2
            self.load_state_dict(before)
            raise InputError(
                f"inputs of mean square norm {float(size):.2g} are too {'large' if size > 1 else 'small'} for "
                f"{self.M.dtype}; scale them to a norm near 1"
            )
        if bool(size > 0):
            self.W *= size
            self.M *= size

    def _go_on(self) -> None:
        """Units are those of W and M."""

    def _one_hot(self, labels: Any, x: Tensor) -> tuple[Tensor, ...]:
        """(n, n_classes), a row of zeros for the label -1; nothing for a layer without classes."""
        k, n = self.V.shape[1], len(x)
        if not k:
            if labels is None:
                return ()
            raise InputError(f"{type(self).__name__} hears no labels; expected labels=None, or a layer with n_classes")
        integers = isinstance(labels, Tensor) and not (labels.is_floating_point() or labels.is_complex())
        if not integers or labels.shape != (n,):
            shape = getattr(labels, "shape", None)
            given = "none" if labels is None else f"{getattr(labels, 'dtype', type(labels))} of shape {shape}"
            raise InputError(f"labels: got {given}; expected {n} integers, -1 where there is none")
        if n and not -1 <= int(labels.min()) <= int(labels.max()) < k:
            raise InputError(f"labels from {int(labels.min())} to {int(labels.max())}; expected -1 to {k - 1}")
        L = nn.functional.one_hot(labels.to(self.V.device, torch.int64).clamp(min=0), k).to(self.V.dtype)
        return (L * (labels >= 0).to(L)[:, None],)

    def extra_repr(self) -> str:
        k, n = self.W.shape
        classes = f", n_classes={self.V.shape[1]}, alpha={self.alpha}" if self.V.shape[1] else ""
        return f"{n}, {k}{classes}, tau={self.tau}, l1={self.l1}, iterations={self.iterations}"


def _circuit(k: int, l1: float, tau: float, alpha: float | None) -> Circuit:
    if alpha is None:
        return nonnegative_similarity(k, l1=l1, tau=tau)
    return supervised_similarity(k, alpha=alpha, domain=Box.nonnegative(l1), tau=tau)
