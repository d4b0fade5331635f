"""Critical temperature of superconductors from their composition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .._errors import InputError, ModelFileError
from .._masks import unmasked
from .._optional import require
from .._random import Seed, generator
from .._schema import Stored
from .._values import DEVICE, LARGEST, NAMED, NONNEGATIVE, NOTHING, Kind, Number, Whole
from ..superconductor import ELEMENTS, fractions, read, table
from ..superconductor._frame import frame, shown
from ..superconductor.table import FAMILIES
from ._estimator import Estimator, check_is_fitted
from ._targets import Regressor
from ._unfinished import kept

if TYPE_CHECKING:
    from ..superconductor.conformal import Errors
    from ..superconductor.model import Ensemble
    from ..superconductor.screen import Ranking

#: the default ensemble
MEMBERS = {"kernel": 1, "recall": 1, "attention": 1}
COUNTS = Kind(lambda value: NAMED(value) and all(map(Whole(0), value.values())), "counts of members by their names")
PROCESSES = Kind(lambda value: Whole(-LARGEST)(value) and value != 0, "a number of processes, -1 for one a core")
#: and what a screening looks at everything with
SCOUT = {"connected": 1}
#: kelvin
_HOTTEST = 1e6
#: share of the known superconductors that are nearer to another element system than one that is like nothing known
_USUAL = 0.95


class Judgement(NamedTuple):
    """All that is said of each formula, (n,) arrays: kelvin and bounds, two probabilities, novelty."""

    tc: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    superconducting: NDArray[np.float64]
    above: NDArray[np.float64]
    novelty: NDArray[np.float64]

    def to_frame(self, formulas: Sequence[Any] | None = None) -> Any:
        """A pandas DataFrame, one row a formula; ``formulas``, where given, become its index.

        Raises
        ------
        MissingDependencyError
            Without pandas.
        """
        found = frame(self._asdict())
        return found if formulas is None else found.set_axis([str(formula) for formula in formulas])

    def __repr__(self) -> str:
        return shown(self._asdict(), len(self.tc))


class CriticalTemperatureRegressor(Regressor, Estimator):
    """Formulas in, critical temperatures out, with probabilities, intervals and a flag for the unlike.

    Three kinds of members answer together: *kernel* regression and *recall*, attention, from the known compositions,
    each under a similarity that was learned by leaving out what is asked for, and *set attention* among the elements of
    a composition. None sees more than the composition.

    Parameters
    ----------
    members : mapping of "kernel" (at least one), "recall", "attention" (among elements), "connected" (fully connected)
        and "convolutional" (on the periodic table) to how many of each; None is one each of the first three
    threshold : kelvin, of ``predict_proba_above``
    epochs : passes over the data of each network
    coverage : share of measured Tc that intervals should hold
    device : "cpu", "cuda" or None, which takes a GPU where there is one
    n_jobs : how many members learn side by side, a process with one thread each; -1: as many as there are cores. What
        they learn is the same to the last bit
    random_state : int, Generator or None

    Attributes
    ----------
    table_ : similis.superconductor.Table, the distinct compositions learned from
    refused_ : list of (row, error), formulas that could not be read
    n_samples_seen_ : int

    Notes
    -----
    A Tc of 0 says "none reported": such rows teach the probabilities, not the temperature. Training takes some
    minutes for 16,000 compositions; memory is 4 n^2 bytes, twice for a moment.

    References
    ----------
    Kaplan et al. 2025, Eur. Phys. J. Plus. The networks here are ours: the paper's sizes are not published.

    Examples
    --------
    >>> from similis import CriticalTemperatureRegressor
    >>> from similis.superconductor import known
    >>> data = known()
    >>> model = CriticalTemperatureRegressor({"kernel": 1}, random_state=0).fit(data.formulas, data.tc)
    >>> bool(model.predict(["Nb3Al0.7Ge0.3"])[0] > model.predict(["Al0.9Mg0.1"])[0])
    True
    """

    beside_x: ClassVar[str | None] = "target"
    _free = Estimator._free | {"coverage", "n_jobs"}
    _ensemble: Ensemble
    _scout: Ensemble
    _errors: Errors | None

    _allowed: ClassVar = {
        "members": (COUNTS, NOTHING), "threshold": (NONNEGATIVE,), "epochs": (Whole(1),),
        "coverage": (Number(0, 1, open_="both"),), "device": (DEVICE, NOTHING), "n_jobs": (PROCESSES, NOTHING),
    }  # fmt: skip

    def __init__(
        self, members: Mapping[str, int] | None = None, *, threshold: float = 10.0, epochs: int = 40,
        coverage: float = 0.9, device: str | None = None, n_jobs: int | None = None, random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.members = members
        self.threshold = threshold
        self.epochs = epochs
        self.coverage = coverage
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self, X: Sequence[Any], y: Any, *, checkpoint: str | PathLike | None = None, resume: bool = False
    ) -> Self:  # fmt: skip
        """Learn from formulas and their Tc; rows of one composition are merged to their median.

        Parameters
        ----------
        X : sequence of formulas (str, mapping, or pymatgen's Composition); those that cannot be read are listed in
            ``refused_``
        y : (n,) kelvin, 0 where none was reported
        checkpoint : file that keeps each member as soon as it is learned, until the fit is done
        resume : go on from ``checkpoint`` if it is there; ends bit for bit where the unbroken fit ends

        Raises
        ------
        ModelFileError
            For a checkpoint that is damaged.
        InputError
            For a checkpoint that is there without ``resume`` or is of another fit, for Tc that are negative or not
            finite, fewer than 10 compositions with a Tc, or parameters out of range.
        MissingDependencyError
            Without PyTorch.
        """
        require("torch", extra="torch")
        from ..superconductor.model import calibrate, train
        from ..superconductor.novelty import between

        self._check()
        self.table_, self.refused_ = table(_sequence(X), y)
        superconducting = int((self.table_.tc > 0).sum())
        if superconducting < 10:
            raise InputError(
                f"{superconducting} compositions with a Tc above 0, expected at least 10. Fix: give more rows."
            )
        seed, data = int(generator(self.random_state).integers(2**31)), self.table_
        keep = kept(checkpoint, self, [data.fractions, data.tc, data.systems], resume=resume)
        if (held := keep.found("seed")) is not None:
            seed = held.integer("seed", 0, 2**31 - 1)
        keep.put("seed", {}, {"seed": seed})
        self._ensemble, self._scout = (
            train(data.fractions, data.tc, data.systems, members=members, threshold=self.threshold, epochs=self.epochs,
                  seed=seed, device=self._device(), n_jobs=self.n_jobs, keep=keep.within(part))
            for part, members in (("members", self.members or MEMBERS), ("scout", SCOUT))
        )  # fmt: skip
        self._errors = calibrate(self._ensemble, data, seed)
        hot = data.where(data.tc > 0)
        shares = between(hot.fractions, hot.systems)
        self._usual = float(np.quantile(shares, _USUAL)) if len(shares) else 1.0
        self.n_samples_seen_ = len(data.tc)
        keep.close()
        return self

    def predict(self, X: Sequence[Any], return_std: bool = False) -> Any:
        """(n,) Tc in kelvin of superconductors of these compositions; with ``return_std`` also its error's size.

        Raises
        ------
        InputError
            For formulas that cannot be read, all in one error; ``similis.superconductor.read`` sorts them out.
        """
        F = self._admit(X)
        tc = self._ensemble(F)[:, 0]
        if not return_std:
            return tc
        return tc, self._held_out().deviation(tc, *self._ensemble.surroundings(F)[:2])

    def predict_interval(self, X: Sequence[Any], coverage: float | None = None) -> NDArray[np.float64]:
        """(n, 2) kelvin: bounds that hold the measured Tc with probability ``coverage``.

        ``Tc +- q (s + 1 K)``: s is the deviation of held-out answers at the compositions most alike in predicted Tc, in
        distance to what is known, and in how much the Tc around them differ; q is their conformal quantile, apart
        for Tc below and above 10 K and for compositions whose elements are known together or not.
        """
        said = self.judge(X, coverage)
        return np.stack([said.low, said.high], 1)

    def judge(self, X: Sequence[Any], coverage: float | None = None) -> Judgement:
        """Tc, interval, probabilities and novelty of each formula at once."""
        F, share = self._admit(X), self.coverage if coverage is None else coverage
        if not 0 < share < 1:
            raise InputError(f"coverage={share}; expected a number between 0 and 1")
        (tc, superconducting, above), around = self._ensemble(F).T, self._ensemble.surroundings(F)
        half = self._held_out().half_width(tc, *around, share)
        return Judgement(tc, np.maximum(tc - half, 0), tc + half, superconducting, above, self._novelty(F))

    def predict_proba_superconducting(self, X: Sequence[Any]) -> NDArray[np.float64]:
        """(n,) probability that a Tc is reported for such a composition."""
        return self._ensemble(self._admit(X))[:, 1]

    def predict_proba_above(self, X: Sequence[Any]) -> NDArray[np.float64]:
        """(n,) probability that Tc is above ``threshold``."""
        return self._ensemble(self._admit(X))[:, 2]

    def novelty(self, X: Sequence[Any]) -> NDArray[np.float64]:
        """(n,) how unlike all known superconductors; above 1 the model has no business judging.

        The share of its atoms to exchange to become the nearest known superconductor, over the share that takes 95 % of
        these to another element system; infinite for elements that none of them has.
        """
        return self._novelty(self._admit(X))

    def explain(self, formula: Any, step: float = 0.01) -> dict[str, float]:
        """Kelvin by which Tc changes when an element's share grows by ``step`` at the cost of all others."""
        F = self._admit([formula])
        here = np.flatnonzero(F[0])
        moved = (1 - step) * np.repeat(F, len(here), 0)
        moved[np.arange(len(here)), here] += step
        change = self._ensemble(moved)[:, 0] - self._ensemble(F)[0, 0]
        return {ELEMENTS[j].symbol: float(value) for j, value in zip(here, change, strict=True)}

    def screen(self, elements: Sequence[str], atoms: int = 30) -> Ranking:
        """All compositions that share so many atoms among these elements, the most promising first.

        See :func:`similis.superconductor.screen.screen`: a quick network looks at all, the ensemble at the best 5,000.
        """
        from ..superconductor.screen import screen

        check_is_fitted(self)
        return screen(elements, atoms, scout=self._scout, judge=self._ensemble)

    # what fit is made of --------------------------------------------------------------------------------------------

    def _check(self) -> None:
        from ..superconductor.model import check_members

        check_members(self.members or MEMBERS)
        if (self.members or MEMBERS).get("kernel", 0) < 1:
            raise InputError(f"members={self.members}; expected at least one kernel: it knows what is known")

    def _device(self) -> str:
        torch = require("torch", extra="torch")
        from ..nn.admit import check_device

        if self.device is not None:
            check_device(self.device)
        return self.device or ("cuda" if torch.cuda.is_available() else "cpu")

    def _admit(self, X: Sequence[Any]) -> NDArray[np.float64]:
        check_is_fitted(self)
        found, errors = read(_sequence(X))
        if errors:
            listed = "\n".join(f"row {row + 1}: {error}" for row, error in errors[:5])
            more = f"\nand {len(errors) - 5} more" if len(errors) > 5 else ""
            raise InputError(f"{len(errors)} of {len(found)} formulas cannot be read.\n{listed}{more}")
        return fractions([composition for composition in found if composition is not None])

    def _novelty(self, F: NDArray) -> NDArray[np.float64]:
        from ..superconductor.novelty import exchange_fraction

        hot = self.table_.fractions[self.table_.tc > 0]
        unseen = F[:, ~(hot > 0).any(0)].any(1)
        return np.where(unseen, np.inf, exchange_fraction(F, hot) / self._usual)

    def _held_out(self) -> Errors:
        if self._errors is None:
            raise InputError("no intervals: there were fewer than 40 compositions with a Tc to hold some out")
        return self._errors

    @property
    def n_features_in_(self) -> int:
        return 1

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_ensemble")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False, True
        return tags

    # persistence ----------------------------------------------------------------------------------------------------

    def _pack(self) -> tuple[dict[str, NDArray], dict[str, Any]]:
        from ..superconductor.packing import pack

        arrays = pack(self._ensemble) | pack(self._scout, "scout.")
        if self._errors is not None:
            arrays["errors"] = self._errors.columns
        data = self.table_
        arrays |= {"fractions": data.fractions, "tc": data.tc, "systems": data.systems, "families": data.families}
        return arrays, {"usual": self._usual, "formulas": data.formulas}

    def _unpack(self, file: Stored) -> None:
        from ..superconductor import Table
        from ..superconductor.conformal import Errors
        from ..superconductor.packing import unpack

        self._check()
        n = len(formulas := file.texts("formulas"))
        fractions = file.array("fractions", n, len(ELEMENTS), dtype=np.float64, low=0, largest=1)
        tc = file.array("tc", n, dtype=np.float64, low=0, largest=_HOTTEST)
        systems, families = (file.array(name, n, dtype=np.int64, low=0) for name in ("systems", "families"))
        if not (np.abs(fractions.sum(1) - 1) < 1e-6).all() or not (tc > 0).any():
            raise ModelFileError("its compositions are none, or none has a Tc")
        if not (systems < n).all() or not (families < len(FAMILIES)).all():
            raise ModelFileError("systems or families are not those of its compositions")
        self._ensemble = unpack(file, self.members or MEMBERS, self.threshold, self._device())
        self._scout = unpack(file, SCOUT, self.threshold, self._device(), "scout.")
        self._errors, self._usual = None, file.number("usual", above=0, high=1)
        if file.has("errors"):
            errors = file.array("errors", 5, "held", dtype=np.float64, low=0, largest=_HOTTEST)
            if not np.isin(errors[3], (0, 1)).all():
                raise ModelFileError("errors says neither yes nor no of what is known together")
            self._errors = Errors(*errors)
        self.table_, self.refused_ = Table(formulas, fractions, tc, systems, families), []
        self.n_samples_seen_ = n


def _sequence(X: Any) -> list[Any]:
    """Formulas one by one, of a list, a series, or an array of one column."""
    X = unmasked(X, "formulas")
    if isinstance(X, str | Mapping) or not isinstance(X, Iterable):
        raise InputError(f"formulas: got {X!r}, expected a sequence of them. Fix: put it in a list.")
    found = [row[0] if isinstance(row, np.ndarray | list | tuple) and len(row) == 1 else row for row in X]
    found = [row.item() if isinstance(row, np.generic) else row for row in found]
    if not found:
        raise InputError("no formulas. Fix: give at least one.")
    return found
