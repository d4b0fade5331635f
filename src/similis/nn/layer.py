"""What every similarity-matching layer does: settle, sum what its rules read, make their step."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from .._errors import DivergenceError, InputError
from ..engine.relax import relax

#: sums over samples, by name; sums of several batches or processes add up
Statistics = dict[str, Tensor]


class Layer(nn.Module):
    """Base of the layers; abstract: a subclass says which rows it hears of its input, and folds outputs back.

    ::

        y  = argmin_{y >= 0} y'My - 2 y'd + 2 l1 |y|_1,   d = W x + sqrt(alpha) V l
        dW = 2 eta (<y x'> - W),  dV = 2 eta (sqrt(alpha) <y l'> - V <l l'>),  dM = (eta/tau) (<y y'> - M)

    Averages are over samples, and over positions where there are several. Nothing is differentiated: the rules read
    settled outputs. The label l (one-hot, -1 for none) speaks only while the layer learns.

    W (k, n), M (k, k) and V (k, n_classes) are buffers: they move with ``.to()``, are in ``state_dict`` and are not
    among the ``parameters()`` that an optimiser changes.
    """

    W: Tensor
    M: Tensor
    V: Tensor

    def __init__(
        self, n_inputs: int, n_outputs: int, *, n_classes: int, alpha: float, tau: float, l1: float, iterations: int,
        tolerance: float, seed: int, device: torch.device | str | None, dtype: torch.dtype | None,
    ) -> None:  # fmt: skip
        super().__init__()
        for name, value, low in (("n_inputs", n_inputs, 1), ("n_outputs", n_outputs, 1), ("iterations", iterations, 1)):
            if value < low:
                raise InputError(f"{name}={value}; expected an integer >= {low}")
        for name, size, fits in (("tau", tau, tau > 0), ("alpha", alpha, alpha >= 0), ("l1", l1, l1 >= 0)):
            if not (fits and math.isfinite(size)):
                raise InputError(f"{name}={size}; expected a {'positive' if name == 'tau' else 'nonnegative'} number")
        self.tau, self.alpha, self.l1, self.iterations, self.tolerance = tau, alpha, l1, iterations, tolerance
        first = torch.randn(n_outputs, n_inputs, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        first /= torch.linalg.vector_norm(first, dim=1, keepdim=True)
        first = first.to(device, dtype or torch.get_default_dtype())
        self.register_buffer("W", first)
        self.register_buffer("M", torch.eye(n_outputs, device=first.device, dtype=first.dtype))
        self.register_buffer("V", first.new_zeros(n_outputs, n_classes))

    # what a subclass says --------------------------------------------------------------------------------------------

    def _hear(self, x: Tensor) -> tuple[Tensor, int]:
        """Rows that the filters see, (N, m), and how many of them each sample has."""
        raise NotImplementedError

    def survey(self, x: Tensor) -> Statistics:
        """Sums over samples that :meth:`begin_` needs; they add up like :meth:`statistics`."""
        raise NotImplementedError

    def _begin(self, sums: Statistics) -> Tensor:
        """Take what is taken once from the inputs; returns the mean square norm of the rows then heard."""
        raise NotImplementedError

    def _fold(self, Y: Tensor, x: Tensor) -> Tensor:
        """Outputs of the rows, (N, k), in the shape of the layer's output for x."""
        raise NotImplementedError

    def _drive(self, rows: Tensor) -> Tensor:
        """W x for every row."""
        return rows @ self.W.T

    def _correlate(self, Y: Tensor, rows: Tensor) -> Tensor:
        """Sum of y x' over the rows, (k, n_inputs)."""
        return Y.T @ rows

    # what a user calls -----------------------------------------------------------------------------------------------

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Settled outputs, labels silent; changes nothing and passes no gradient."""
        rows, _ = self._hear(x)
        return self._fold(self._settle(self._drive(rows)), x)

    @torch.no_grad()
    def begin_(self, sums: Statistics) -> None:
        """Before the first step: take whitening from the sums, and give the first weights the size of the inputs.

        W and M are multiplied by the mean square norm of what the layer hears. So learning is the same in all units:
        inputs c times as large give outputs c times as large.
        """
        size = self._begin(sums)
        if not bool(size.isfinite()):
            raise InputError("the inputs hold numbers that are not finite; remove them")
        if bool(size > 0):
            self.W *= size
            self.M *= size

    def prepare_(self, x: Tensor) -> None:
        """:meth:`begin_` with the inputs of one batch; for several, add up their :meth:`survey`."""
        self.begin_(self.survey(x))

    @torch.no_grad()
    def statistics(self, x: Tensor, labels: Tensor | None = None) -> Statistics:
        """Sums over samples and positions that the rules need, and their count.

        Add the dictionaries of several batches, devices or processes, entry by entry, and give the sum to
        :meth:`apply_`: the step is that of all their samples together.

        Parameters
        ----------
        x : batch of inputs
        labels : (batch,) integers, -1 for none; only for a layer with classes

        Returns
        -------
        dict with ``yx`` (k, n_inputs), ``yy`` (k, k), ``y1`` (k,), ``count`` () and, for a layer with classes, ``yl``
        (k, n_classes) and ``ll`` (n_classes,)
        """
        rows, positions = self._hear(x)
        D, L = self._drive(rows), None
        if self.V.shape[1]:
            L = self._one_hot(labels, len(x))
            D = (D.view(len(x), positions, len(self.W)) + (self.alpha**0.5 * L @ self.V.T)[:, None]).view_as(D)
        elif labels is not None:
            raise InputError(f"{type(self).__name__} hears no labels; expected labels=None, or a layer with n_classes")
        Y = self._settle(D)
        sums = {"yx": self._correlate(Y, rows), "yy": Y.T @ Y, "y1": Y.sum(0), "count": Y.new_tensor(float(len(Y)))}
        if L is not None:
            sums["yl"] = Y.view(len(x), positions, len(self.W)).sum(1).T @ L
            sums["ll"] = positions * L.sum(0)
        return sums

    @torch.no_grad()
    def apply_(self, statistics: Statistics, eta: float) -> None:
        """Make the rules' step with the averages of ``statistics``.

        Raises
        ------
        InputError
            If eta is not in (0, tau], beyond which M overshoots its average, or in (0, 1/2], beyond which W does.
        DivergenceError
            If a weight is no longer a number.
        """
        if not 0 < eta <= min(self.tau, 0.5):
            raise InputError(f"eta={eta}; expected a number in (0, {min(self.tau, 0.5)}] for tau={self.tau}")
        n = statistics["count"]
        self.W += 2 * eta * (statistics["yx"] / n - self.W)
        self.M += eta / self.tau * (statistics["yy"] / n - self.M)
        if self.V.shape[1]:
            self.V += 2 * eta * (self.alpha**0.5 * statistics["yl"] / n - self.V * (statistics["ll"] / n))
        if not bool(self.W.sum().isfinite() & self.M.sum().isfinite()):
            raise DivergenceError(
                f"weights of {type(self).__name__} left the finite numbers at eta={eta}, tau={self.tau}; "
                "lower eta, or scale the inputs to a mean norm near 1"
            )

    def learn_(
        self, x: Tensor, labels: Tensor | None = None, *, eta: float,
        reduce: Callable[[Statistics], Statistics] | None = None,
    ) -> Tensor:  # fmt: skip
        """One local step on a batch; returns the objective before it, see :meth:`objective`.

        ``reduce`` stands between the sums and the step: what makes the sum over several processes.
        """
        sums = self.statistics(x, labels)
        sums = sums if reduce is None else reduce(sums)
        value = self._value(sums)
        self.apply_(sums, eta)
        return value

    def objective(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """The min-max objective of the layer on a batch, a number.

        ``<y'My - 2 y'd + 2 l1 |y|_1> + |W|^2 + <|V l|^2> - |M|^2/2``. W, V and y descend, M ascends.
        """
        return self._value(self.statistics(x, labels))

    @torch.no_grad()
    def _value(self, s: Statistics) -> Tensor:
        n = s["count"]
        value = (self.M * s["yy"]).sum() - 2 * (self.W * s["yx"]).sum() + 2 * self.l1 * s["y1"].sum()
        if self.V.shape[1]:
            value += (self.V * (self.V * s["ll"] - 2 * self.alpha**0.5 * s["yl"])).sum()
        return value / n + (self.W * self.W).sum() - (self.M * self.M).sum() / 2

    def _settle(self, D: Tensor) -> Tensor:
        return relax(D, self.M, l1=self.l1, iterations=self.iterations, tolerance=self.tolerance)

    def _one_hot(self, labels: Tensor | None, n: int) -> Tensor:
        """(n, n_classes), a row of zeros for the label -1."""
        if labels is None or labels.shape != (n,) or labels.is_floating_point():
            given = "none" if labels is None else f"{labels.dtype} of shape {tuple(labels.shape)}"
            raise InputError(f"labels: got {given}; expected {n} integers, -1 where there is none")
        k = self.V.shape[1]
        if n and not -1 <= int(labels.min()) <= int(labels.max()) < k:
            raise InputError(f"labels from {int(labels.min())} to {int(labels.max())}; expected -1 to {k - 1}")
        L = nn.functional.one_hot(labels.to(self.V.device, torch.int64).clamp(min=0), k).to(self.V.dtype)
        return L * (labels >= 0).to(L)[:, None]

    def extra_repr(self) -> str:
        k, n = self.W.shape
        classes = f", n_classes={self.V.shape[1]}, alpha={self.alpha}" if self.V.shape[1] else ""
        return f"{n}, {k}{classes}, tau={self.tau}, l1={self.l1}, iterations={self.iterations}"
