"""A circuit as a layer of PyTorch: settle, sum what its rules read, make their step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._errors import DivergenceError, InputError, ModelFileError
from ..circuit import Circuit, State, init
from ..circuit.objective import refuse_without_objective, value_of_sums
from ..engine import _rules as rules
from ..engine.relax import bounded
from .admit import admit, check_type, nonnegative, typical, whole, wide
from .weights import Weights, by_channel

#: sums over samples, by name; sums of several batches or processes add up
Statistics = dict[str, Tensor]
#: what a step may add to M, in units of what M is
GROWTH = 10.0


class Layer(Weights):
    """A circuit whose samples are rows: pure ``forward``, learning in explicit local steps.

    The layer is its circuit: it settles and learns by the functions of the batch engine
    (:func:`similis.engine.batch.run`), a step a batch. It hears one input a channel, in the order of the circuit, each
    (batch, n_c) numbers; an input that is None, or left out at the end, is a channel that is silent. Nothing is
    differentiated: the rules read settled outputs.

    Weights are buffers, not parameters: they move with ``.to()``, are in ``state_dict`` and are not among the
    ``parameters()`` that an optimiser changes. They are called ``W_name`` (k, n_c) for each channel, ``M`` (k, k), and
    as in :class:`similis.circuit.State` with _ for a dot.

    Parameters
    ----------
    circuit : Circuit; any but those under a total
    in_features : int, numbers a row of every channel, or a dict of them by the channels' names
    iterations : int >= 1, default 20; of accelerated projected gradient at most, where outputs are bounded
        (settling without bounds is exact)
    tolerance : float >= 0, default 0; settling ends when no output moves more than this times the sample's largest
        (0: never early)
    seed : int, default 0; of the first weights, as in :func:`similis.circuit.init`
    device, dtype : of the weights; float32 or float64

    Attributes
    ----------
    scale : (number of channels with weights,) buffer; rows are divided by it, their root mean square norm when
        :meth:`prepare_` was called; 0 is none yet, and divides by 1
    n_damped : int, steps that were shortened, see :meth:`apply_`

    Raises
    ------
    InputError
        If a size does not fit, or the circuit settles under a total.

    Examples
    --------
    >>> import torch
    >>> from similis.networks import canonical_correlation
    >>> from similis.nn import Layer
    >>> layer, x, y = Layer(canonical_correlation(2), {"x": 5, "y": 3}), torch.randn(100, 5), torch.randn(100, 3)
    >>> layer.prepare_(x, y)
    >>> before = layer.learn_(x, y, eta=0.1)
    >>> layer(x, y).shape, layer(None, y).shape
    (torch.Size([100, 2]), torch.Size([100, 2]))
    """

    scale: Tensor

    def __init__(
        self, circuit: Circuit, in_features: int | Mapping[str, int], *, iterations: int = 20, tolerance: float = 0.0,
        seed: int = 0, device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        rules.known(circuit)
        sizes = by_channel(circuit, in_features)
        sizes = {name: whole(f"in_features of channel {name!r}", size) for name, size in sizes.items()}
        arrays = init(circuit, sizes, whole("seed", seed, 0)).arrays
        owners = {c.name: c.weights for c in circuit.channels}
        self._hold({name: torch.from_numpy(array) for name, array in arrays.items()}, owners, device, dtype)
        self._circuit: Circuit | None = circuit
        self._has_objective = has_objective(circuit)
        self.register_buffer("scale", self.M.new_zeros(len(circuit.owners)))
        self.tolerance, self.iterations = nonnegative("tolerance", tolerance), whole("iterations", iterations)

    # what a kind of layer says ---------------------------------------------------------------------------------------

    def _named(self, inputs: tuple[Tensor | None, ...]) -> dict[str, Tensor]:
        """What each channel hears, without those that are silent."""
        names = self.circuit.names
        if len(inputs) > len(names):
            raise InputError(f"{len(inputs)} inputs; circuit {self.circuit.name!r} hears {', '.join(names)}")
        named = {name: x for name, x in zip(names, inputs, strict=False) if x is not None}
        if not named:
            raise InputError(f"no input; circuit {self.circuit.name!r} hears {', '.join(names)}")
        return named

    def _rows(self, name: str, x: Tensor) -> Tensor:
        """The rows that a channel's filters see, in the units of the input: one a sample, or one a position."""
        W, x = self._weight(name), admit(x, self.M)
        if x.ndim != 2 or x.shape[1] != W.shape[1]:
            raise InputError(f"channel {name!r}: input of shape {tuple(x.shape)}; expected (batch, {W.shape[1]})")
        return x

    def _scaled(self, name: str, rows: Tensor) -> Tensor:
        """Rows in the units of the weights."""
        size = self.scale[self.circuit.owners.index(self._owners[name])]
        return rows / size if bool(size > 0) else rows

    def _current(self, name: str, rows: Tensor) -> Tensor:
        """W x for every row."""
        return rows @ self._weight(name).T

    def _taught(self, name: str, post: Tensor) -> Tensor:
        """The sum of post x' over the weights' inputs, (k, n), from that over the rows."""
        return post

    def _fold(self, Z: Tensor, named: Mapping[str, Tensor]) -> Tensor:
        """Outputs of the rows, (N, k), in the shape of the layer's output."""
        return Z

    @property
    def fresh(self) -> bool:
        """Whether the layer neither was prepared nor has learned."""
        return not bool(self.scale.any())

    @torch.no_grad()
    def survey(self, *inputs: Tensor | None) -> Statistics:
        """Sums over samples that :meth:`begin_` needs; they add up like :meth:`statistics`.

        Samples over a hundred times as large as the median of their input are left out.
        """
        sums: Statistics = {}
        for name, x in self._named(inputs).items():
            rows = wide(self._rows(name, typical(admit(x, self.M))))
            sums |= {f"xx.{name}": rows.square().sum(), f"count.{name}": rows.new_tensor(float(len(rows)))}
        counts = [total for name, total in sums.items() if name.startswith("count")]
        return sums | {"count": torch.stack(counts).sum()}

    def _begin(self, sums: Statistics) -> None:
        """Take what is taken once from the inputs."""
        for i, name in enumerate(self.circuit.owners):
            if f"xx.{name}" in sums:
                self.scale[i] = (sums[f"xx.{name}"] / sums[f"count.{name}"]).sqrt()

    def _go_on(self) -> None:
        """The layer has learned: its units stay."""
        self.scale[self.scale == 0] = 1.0

    def refuse_unsound(self) -> None:
        """Refuse weights that no outputs settle with, for those of a file.

        Raises
        ------
        ModelFileError
            If z'Az has no minimum for what outputs settle against.
        """
        if self.circuit.settles and bounded(rules.settling_matrix(self.circuit, self.weights)) is None:
            raise ModelFileError("outputs have no minimum to settle in")

    # what a user calls -----------------------------------------------------------------------------------------------

    @torch.no_grad()
    def forward(self, *inputs: Tensor | None) -> Tensor:
        """Settled outputs; changes nothing and passes no gradient.

        A sample with a number that is not finite has outputs that are nan, wherever the number is heard.
        """
        named = self._named(inputs)
        return self._fold(self._respond(self._hear(named))[1], named)

    @torch.no_grad()
    def begin_(self, sums: Statistics) -> None:
        """Before the first step: take from the sums of :meth:`survey` the size of the inputs, once.

        So learning is the same in all units. Inputs that are all 0 leave the layer fresh.

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
        self._begin(sums)

    def prepare_(self, *inputs: Tensor | None) -> None:
        """:meth:`begin_` with the inputs of one batch, once; for several, add up their :meth:`survey`."""
        self.begin_(self.survey(*inputs))

    @torch.no_grad()
    def statistics(self, *inputs: Tensor | None) -> Statistics:
        """Sums over samples and positions that the rules need, and their count.

        Add the dictionaries of several batches, devices or processes, entry by entry, and give the sum to
        :meth:`apply_`: the step is that of all their samples together.

        Returns
        -------
        dict with ``count`` and ``driven`` (samples), ``Z`` (k,), ``ZZ`` (k, k), ``size`` (|z|_1), and for each channel
        ``post.name`` (k, n_c), what its synapses read times their input, ``gate.name`` (samples that teach), and of
        channels with a metric ``power.name`` (|W x|^2)
        """
        rows, circuit = self._hear(self._named(inputs)), self.circuit
        a, Z, A = self._respond(rows)
        sums: Statistics = rules.sums(circuit, self.weights, rows, a, {}, Z, A)
        for name in rows:
            sums[f"post.{name}"] = self._taught(name, sums[f"post.{name}"])
        silent = Z.new_zeros(1)
        for c in (c for c in circuit.channels if c.metric):
            own = a.get(c.name, silent)
            sums[f"power.{c.name}"] = own.square().sum() * (len(Z) // max(len(own), 1))
        return sums | ({"size": Z.abs().sum()} if circuit.domain.l1 else {})

    @torch.no_grad()
    def apply_(self, statistics: Statistics, eta: float) -> None:
        """Make the rules' step with the averages of ``statistics``.

        A step that would add more than ten times M to M, as a batch does that is far larger than those before, is
        shortened to that; ``n_damped`` counts such steps. Weights that decay because no neuron answers stop before they
        underflow.

        Raises
        ------
        InputError
            If eta is so large that an average overshoots: beyond tau M would, beyond 1/2 weights that leak; or there
            are no samples.
        DivergenceError
            If a weight would no longer be a number. Nothing is changed then.
        """
        circuit, lateral = self.circuit, self.circuit.lateral
        leaks = [2 * c.synapse.rate * c.leak for c in circuit.channels] + [lateral.leak / lateral.tau]
        most = 1 / max(leaks) if any(leaks) else math.inf
        if not 0 < eta <= most:
            raise InputError(f"eta={eta}; expected a number in (0, {most}] for tau={lateral.tau}")
        self._check_count(statistics)
        weights, plain = self.weights, lateral.learns and not lateral.has_interneurons
        power = statistics["ZZ"].trace() / statistics["count"]
        leaking = [self._weight(c.name).norm() for c in circuit.channels if c.leak]
        sizes = [weights["M"].trace(), eta / lateral.tau * power, *leaking]
        present, added, *norms = torch.stack(sizes).tolist()
        if added == 0 and min([present, *norms]) < torch.finfo(self.M.dtype).tiny ** 0.25:
            return
        damped = plain and added > GROWTH * present
        before = {name: tensor.clone() for name, tensor in weights.items()}
        try:
            rules.step(circuit, weights, statistics, eta * GROWTH * present / added if damped else eta)
            if not bool(torch.stack([tensor.isfinite().all() for tensor in weights.values()]).all()):
                raise DivergenceError(
                    f"weights of {type(self).__name__} would diverge (NaN or inf) at eta={eta}, tau={lateral.tau}; "
                    "lower eta, or scale the inputs to a mean norm near 1"
                )
        except BaseException:
            for name, tensor in before.items():
                weights[name].copy_(tensor)
            raise
        self._go_on()
        self.n_damped += damped

    def learn_(
        self, *inputs: Tensor | None, eta: float, reduce: Callable[[Statistics], Statistics] | None = None
    ) -> Tensor:
        """One local step on a batch; returns the objective before it, see :meth:`objective`.

        Parameters
        ----------
        inputs : of each channel, as in ``forward``
        eta : float, learning rate
        reduce : stands between the sums and the step: what makes the sum over several processes

        Returns
        -------
        0-dimensional tensor; nan for a circuit whose rules no objective derives
        """
        sums = self.statistics(*inputs)
        sums = sums if reduce is None else reduce(sums)
        value = self._value(sums)
        try:
            self.apply_(sums, eta)
        except DivergenceError as error:
            finite = [x.flatten(1).isfinite().all(1) for x in inputs if isinstance(x, Tensor) and x.ndim > 1]
            lost = (~torch.stack(finite).all(0)).nonzero().flatten().tolist()
            if lost:
                raise DivergenceError(f"sample {lost[0]} holds a number that is not finite: {error}") from error
            raise
        return value

    def objective(self, *inputs: Tensor | None) -> Tensor:
        """The min-max objective of the circuit on a batch, a number; see :func:`similis.circuit.value`.

        Raises
        ------
        InputError
            If the circuit's rules are not those an objective derives.
        """
        refuse_without_objective(self.circuit)
        return self._value(self.statistics(*inputs))

    # between them ----------------------------------------------------------------------------------------------------

    def _hear(self, named: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rows of every channel that speaks, in the units of the weights.

        There is one a position of every sample, or one a sample, which all its positions hear.
        """
        samples = {name: len(x) for name, x in named.items()}
        if len(set(samples.values())) > 1:
            raise InputError(f"channels differ in samples: {samples}; expected one number")
        rows = {name: self._scaled(name, self._rows(name, x)) for name, x in named.items()}
        n = next(iter(samples.values()))
        several = {name: len(X) // n for name, X in rows.items() if len(X) > n}
        for name in set(rows) - set(several) if several else ():
            synapse = self.circuit.channel(name).synapse
            if self.circuit.step.limited or synapse.gated or synapse.input_gated:  # rules of single positions
                rows[name] = rows[name].repeat_interleave(next(iter(several.values())), 0)
        return rows

    def _respond(self, rows: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Currents that a synapse reads, settled outputs and what they settled against."""
        check_type(self.M.dtype)
        circuit, weights = self.circuit, self.weights
        a = {name: self._current(name, X) for name, X in rows.items()}
        A, nothing = (
            rules.settling_matrix(circuit, weights),
            self.M.new_zeros(1).expand(max(map(len, a.values())), len(self.M)),
        )
        D = rules.drive(circuit, a, nothing)
        read = {signal for c in circuit.channels for signal in c.synapse.post.terms}
        for c in circuit.channels:  # what nobody reads is memory
            if not (c.metric or f"of({c.name})" in read or "OWN" in c.synapse.post.terms):
                a.pop(c.name, None)
        Z = rules.settle(circuit, weights, D, A, iterations=self.iterations, tolerance=self.tolerance)
        return a, Z, A

    def _check_count(self, sums: Statistics) -> None:
        if not bool(sums["count"] > 0):
            raise InputError(f"{type(self).__name__} was given no samples; expected at least one")

    def _value(self, sums: Statistics) -> Tensor:
        """The objective from sums, in double precision: it has fourth powers of the inputs."""
        self._check_count(sums)
        circuit = self.circuit
        if not self._has_objective:
            return torch.tensor(math.nan, dtype=torch.float64)
        here: dict[str, Any] = {name: tensor.cpu().double().numpy() for name, tensor in sums.items()}
        state = State.of({name: tensor.cpu().double().numpy() for name, tensor in self.weights.items()})
        for c in circuit.channels:
            own = float(np.vdot(state.W[c.weights], here[f"post.{c.name}"])) + c.metric * here.get(f"power.{c.name}", 0)
            here[f"pull.{c.name}"] = own if circuit.settles or not c.drive else 0.0
        return torch.tensor(value_of_sums(circuit, state, here), dtype=torch.float64)

    def extra_repr(self) -> str:
        sizes = ", ".join(f"{name[2:]}: {W.shape[1]}" for name, W in self.weights.items() if name.startswith("W."))
        return f"{self.circuit.name!r}, {sizes} -> {self.circuit.size}, iterations={self.iterations}"


def has_objective(circuit: Circuit) -> bool:
    """Whether an objective derives the circuit's rules."""
    try:
        refuse_without_objective(circuit)
    except InputError:
        return False
    return True
