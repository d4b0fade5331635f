"""What every similarity-matching layer does: settle, sum what its rules read, make their step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .._errors import DivergenceError, InputError, ModelFileError
from .._values import NONNEGATIVE, POSITIVE, check
from ..engine.relax import bounded, relax
from .admit import check_type, whole, wide

#: sums over samples, by name; sums of several batches or processes add up
Statistics = dict[str, Tensor]
#: what a step may add to M, in units of what M is
GROWTH = 10.0


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
        shape = whole("n_outputs", n_outputs), whole("n_inputs", n_inputs)
        self.tau = float(check("tau", tau, (POSITIVE,)))
        self.alpha, self.l1, self.tolerance = (
            float(check(name, size, (NONNEGATIVE,)))
            for name, size in (("alpha", alpha), ("l1", l1), ("tolerance", tolerance))
        )
        self.iterations = whole("iterations", iterations)
        #: steps that were shortened, see :meth:`apply_`
        self.n_damped = 0
        dtype = dtype or torch.get_default_dtype()
        check_type(dtype)
        random = torch.Generator().manual_seed(whole("seed", seed, -(2**63)))
        first = torch.randn(shape, generator=random, dtype=torch.float64)
        first /= torch.linalg.vector_norm(first, dim=1, keepdim=True)
        first = first.to(device, dtype)
        self.register_buffer("W", first)
        self.register_buffer("M", torch.eye(shape[0], device=first.device, dtype=first.dtype))
        self.register_buffer("V", first.new_zeros(shape[0], whole("n_classes", n_classes, 0)))

    # what a subclass says --------------------------------------------------------------------------------------------

    def _hear(self, x: Tensor) -> tuple[Tensor, int]:
        """Rows that the filters see, (N, m), and how many of them each sample has."""
        raise NotImplementedError

    def survey(self, x: Tensor) -> Statistics:
        """Sums over samples that :meth:`begin_` needs; they add up like :meth:`statistics`.

        Samples over a hundred times as large as the median of x are left out.
        """
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
        """Settled outputs, labels silent; changes nothing and passes no gradient.

        A sample with a number that is not finite has outputs that are nan, wherever the number is heard.
        """
        rows, _ = self._hear(x)
        return self._fold(self._settle(self._drive(rows)), x)

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
        if max(float(part.abs().max()) for part in (self.W, self.V) if part.numel()) > float(size) * self._far:
            raise ModelFileError("the outputs have no end: M is small beside W")

    @property
    def _far(self) -> float:
        """How many times as large as M the weights may be; they are alike at first."""
        return float(torch.finfo(self.M.dtype).max ** 0.2)

    @torch.no_grad()
    def begin_(self, sums: Statistics) -> None:
        """Before the first step: take whitening from the sums, and give the first weights the size of the inputs.

        W and M are multiplied by the mean square norm of what the layer hears. So learning is the same in all units:
        inputs c times as large give outputs c times as large. Inputs that are all 0 leave the layer fresh.

        Raises
        ------
        InputError
            If the layer is not fresh, there are no samples, or their numbers are not finite, or too small or too large
            for the type of the weights. Nothing is changed then.
        """
        if not self.fresh:
            raise InputError(
                f"this {type(self).__name__} is prepared or has learned; prepare_ is for a fresh layer. Go on with "
                "learn_ or train, or make a new layer"
            )
        self._check_count(sums)
        if not all(bool(tensor.isfinite().all()) for tensor in sums.values()):
            raise InputError("the inputs hold numbers that are not finite, or too large to be squared; remove them")
        before = {name: tensor.clone() for name, tensor in self.named_buffers()}
        size, limits = self._begin(sums), torch.finfo(self.W.dtype)
        low, high = (bound ** (2 / 3) for bound in (limits.tiny / limits.eps, limits.max * limits.eps))
        if bool(size != 0) and not low < float(size) < high:  # drives are its power 3/2
            self.load_state_dict(before)
            raise InputError(
                f"inputs of mean square norm {float(size):.2g} are too {'large' if size > 1 else 'small'} for "
                f"{self.W.dtype}; scale them to a norm near 1"
            )
        if bool(size > 0):
            self.W *= size
            self.M *= size

    def prepare_(self, x: Tensor) -> None:
        """:meth:`begin_` with the inputs of one batch, once; for several, add up their :meth:`survey`."""
        self.begin_(self.survey(x))

    def _check_count(self, sums: Statistics) -> None:
        if not bool(sums["count"] > 0):
            raise InputError(f"{type(self).__name__} was given no samples; expected at least one")

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

        A step that would add more than ten times M to M, as a batch does that is far larger than those before, is
        shortened to that; ``n_damped`` counts such steps. Weights that decay because no neuron answers stop before they
        underflow.

        Raises
        ------
        InputError
            If eta is not in (0, tau], beyond which M overshoots its average, or in (0, 1/2], beyond which W does; or
            there are no samples.
        DivergenceError
            If a weight would no longer be a number. Nothing is changed then.
        """
        if not 0 < eta <= min(self.tau, 0.5):
            raise InputError(f"eta={eta}; expected a number in (0, {min(self.tau, 0.5)}] for tau={self.tau}")
        self._check_count(statistics)
        n = statistics["count"]
        sizes = [self.W.norm(), self.M.trace(), eta / self.tau * (statistics["yy"] / n).trace()]
        size, present, added = torch.stack(sizes).tolist()
        if added == 0 and min(size, present) < torch.finfo(self.W.dtype).tiny ** 0.25:
            return
        limit = GROWTH * present
        share = eta * limit / added if added > limit else eta
        new = {
            "W": self.W + 2 * share * (statistics["yx"] / n - self.W),
            "M": self.M + share / self.tau * (statistics["yy"] / n - self.M),
        }
        if self.V.shape[1]:
            told = self.alpha**0.5 * statistics["yl"] / n - self.V * (statistics["ll"] / n)
            new["V"] = self.V + 2 * share * told
        if not bool(torch.stack([tensor.isfinite().all() for tensor in new.values()]).all()):
            raise DivergenceError(
                f"weights of {type(self).__name__} would diverge (NaN or inf) at eta={eta}, tau={self.tau}; "
                "lower eta, or scale the inputs to a mean norm near 1"
            )
        for name, tensor in new.items():
            getattr(self, name).copy_(tensor)
        self.n_damped += added > limit

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
        try:
            self.apply_(sums, eta)
        except DivergenceError as error:
            lost = (~x.flatten(1).isfinite().all(1)).nonzero().flatten().tolist()
            if lost:
                raise DivergenceError(f"sample {lost[0]} holds a number that is not finite: {error}") from error
            raise
        return value

    def objective(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """The min-max objective of the layer on a batch, a number.

        ``<y'My - 2 y'd + 2 l1 |y|_1> + |W|^2 + <|V l|^2> - |M|^2/2``. W, V and y descend, M ascends.
        """
        return self._value(self.statistics(x, labels))

    @torch.no_grad()
    def _value(self, s: Statistics) -> Tensor:
        self._check_count(s)
        s = {name: wide(tensor) for name, tensor in s.items()}  # fourth powers of the inputs
        n, W, M, V = s["count"], wide(self.W), wide(self.M), wide(self.V)
        value = (M * s["yy"]).sum() - 2 * (W * s["yx"]).sum() + 2 * self.l1 * s["y1"].sum()
        if V.shape[1]:
            value += (V * (V * s["ll"] - 2 * self.alpha**0.5 * s["yl"])).sum()
        return value / n + (W * W).sum() - (M * M).sum() / 2

    def _settle(self, D: Tensor) -> Tensor:
        check_type(self.W.dtype)
        return relax(D, self.M, l1=self.l1, iterations=self.iterations, tolerance=self.tolerance)

    def _one_hot(self, labels: Any, n: int) -> Tensor:
        """(n, n_classes), a row of zeros for the label -1."""
        integers = isinstance(labels, Tensor) and not (labels.is_floating_point() or labels.is_complex())
        if not integers or labels.shape != (n,):
            shape = getattr(labels, "shape", None)
            given = "none" if labels is None else f"{getattr(labels, 'dtype', type(labels))} of shape {shape}"
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
