"""When a stream has changed: its rows leave the subspace they lay in, or the subspace has turned."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._errors import InputError
from .._random import Seed, generator
from .._values import Number, Whole, check
from .check import matrix

#: blocks of the reference, at least: with fewer the spread of the scores is not known
LEAST = 20
#: standard deviations by which a mean must move to count as a change of the stream
SHIFT = 0.5
#: simulated streams by which the threshold is found
RUNS = 2000


class Block(NamedTuple):
    """What one block of rows says.

    Attributes
    ----------
    start, stop : its rows, counted from the first after the reference; stop is not in it
    error : mean squared distance of its rows from the reference subspace, over the variance of the reference
    angle : root mean square of the principal angles between its subspace and that of the reference, in degrees
    score : evidence of a change so far (largest of the cumulative sums), over the threshold
    alarm : whether the score has passed 1, here or before
    """

    start: int
    stop: int
    error: float
    angle: float
    score: float
    alarm: bool


class DriftDetector:
    """Watches whether the rows of a stream still lie in the subspace they used to lie in.

    ``fit`` learns the principal subspace of reference rows (or takes that of a fitted model) and how two numbers vary
    from block to block where nothing changes: the reconstruction error and the angle to the block's own principal
    subspace. ``update`` sums their deviations (Page's cumulative sums, of the error up and down, of the angle up), and
    raises the alarm where a sum passes the threshold. The threshold is found by simulation on blocks of the reference,
    the uncertainty of the reference included.

    Rows of a block may depend on each other, blocks should not: take blocks longer than the memory of the stream.

    Parameters
    ----------
    n_components : int, default 2
        Dimension of the subspace; less than n_features and block_rows.
    block_rows : int, default 100
        Rows that are judged together. A change is told some blocks after it came.
    false_alarm : float, default 0.01
        Probability of an alarm within ``horizon`` blocks of a stream that does not change.
    horizon : int, default 1000
        Blocks.
    model : fitted estimator, optional
        One with ``components_`` and ``mean_``, such as :class:`similis.SimilarityMatching`, whose subspace is watched;
        ``n_components`` is then not used.
    random_state : int, Generator, RandomState or None
        Of the simulation.

    Attributes
    ----------
    history_ : list of Block
    alarm_ : bool
    alarm_row_ : int or None
        Row, counted from the first after the reference, at which the alarm was raised.
    change_row_ : int or None
        About where the change came: the most likely row of a step, while the sum that raised the alarm grew.
    threshold_ : float

    References
    ----------
    Page 1954, Continuous inspection schemes, Biometrika 41.

    Examples
    --------
    >>> import numpy as np
    >>> from similis.metrics import DriftDetector
    >>> rng = np.random.default_rng(0)
    >>> X, A = rng.standard_normal((9000, 10)), rng.standard_normal((2, 10))
    >>> X[:7000] += 3 * rng.standard_normal((7000, 2)) @ A
    >>> X[7000:] += 3 * rng.standard_normal((2000, 2)) @ A[:, ::-1]
    >>> detector = DriftDetector(2).fit(X[:4000]).update(X[4000:])
    >>> detector.alarm_, detector.change_row_
    (True, 3000)
    """

    def __init__(
        self, n_components: int = 2, *, block_rows: int = 100, false_alarm: float = 0.01, horizon: int = 1000,
        model: Any = None, random_state: Seed = 0,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.block_rows = block_rows
        self.false_alarm = false_alarm
        self.horizon = horizon
        self.model = model
        self.random_state = random_state

    def fit(self, X: ArrayLike) -> Self:
        """Learn from reference rows, in which nothing changes, in their order.

        Half of them make the subspace (none, where a model has it), the others tell how blocks vary.

        Raises
        ------
        InputError
            If there are fewer than 20 blocks of rows to tell from, or the subspace is all there is.
        """
        for name, kind in (("n_components", Whole(1)), ("block_rows", Whole(2)), ("horizon", Whole(1)),
                           ("false_alarm", Number(0, 1, "both"))):  # fmt: skip
            check(name, getattr(self, name), (kind,))
        X = matrix("X", X)
        if self.model is None:
            half = len(X) // 2
            self._mean, rest = X[:half].mean(0), X[half:]
            k = self.n_components
            self._basis = np.linalg.svd(X[:half] - self._mean, full_matrices=False)[2][:k]
        else:
            self._mean, rest = np.asarray(self.model.mean_, float), X
            self._basis = np.linalg.qr(np.asarray(self.model.components_, float).T)[0].T
            k = len(self._basis)
        n, d = self.block_rows, X.shape[1]
        if len(self._mean) != d or k >= min(n, d):
            raise InputError(f"a subspace of {k} in blocks of {n} rows of {d} features; expected fewer than both")
        if len(rest) < LEAST * n:
            raise InputError(
                f"{len(rest)} reference rows are {len(rest) // n} blocks of {n}; expected {LEAST} blocks at least. "
                "Give more rows, or a smaller block_rows"
            )
        self._total = float(np.square(rest - self._mean).sum(1).mean()) or 1.0
        rng, blocks = generator(self.random_state), len(rest) // n
        starts = rng.integers(0, len(rest) - n + 1, 10 * blocks)  # they overlap: a finer picture of the same variation
        pool = np.array([self._judge(rest[start : start + n]) for start in starts])
        self._centre, self._spread = pool.mean(0), np.maximum(pool.std(0), 1e-9 * (1 + pool.mean(0)))
        self.threshold_ = self._simulate(pool, blocks, rng)
        self._sums, self._since = np.zeros(3), np.zeros(3, int)
        self._held, self._seen = np.empty((0, d)), 0
        self.history_: list[Block] = []
        self.alarm_ = False
        self.alarm_row_: int | None = None
        self.change_row_: int | None = None
        return self

    def update(self, X: ArrayLike) -> Self:
        """Judge further rows, block by block; rows of a block that is not full are kept for the next call.

        Raises
        ------
        InputError
            If there is no reference yet, or the features are not those of it.
        """
        if not hasattr(self, "threshold_"):
            raise InputError("there is no reference yet; call fit with rows in which nothing changes")
        X = matrix("X", X)
        if X.shape[1] != len(self._mean):
            raise InputError(f"X has {X.shape[1]} features; the reference has {len(self._mean)}")
        rows, n = np.concatenate([self._held, X]), self.block_rows
        for start in range(0, len(rows) - n + 1, n):
            self._follow(rows[start : start + n])
        self._held = rows[len(rows) // n * n :]
        return self

    def _judge(self, block: NDArray) -> tuple[float, float]:
        """Reconstruction error, and angle in degrees, of a block."""
        centred = block - self._mean
        inside = centred @ self._basis.T
        error = float(np.square(centred).sum() - np.square(inside).sum()) / (len(block) * self._total)
        own = np.linalg.svd(block - block.mean(0), full_matrices=False)[2][: len(self._basis)]
        cosines = np.clip(np.linalg.svd(own @ self._basis.T, compute_uv=False), 0.0, 1.0)
        return max(error, 0.0), float(np.degrees(np.sqrt(np.square(np.arccos(cosines)).mean())))

    def _follow(self, block: NDArray) -> None:
        error, angle = self._judge(block)
        start, stop = self._seen, self._seen + len(block)
        self._since[self._sums == 0] = len(self.history_)
        self._sums = _add(self._sums, (np.array([error, angle]) - self._centre) / self._spread)
        score = float(self._sums.max() / self.threshold_)
        first, self._seen = score > 1 and not self.alarm_, stop
        self.alarm_ = self.alarm_ or score > 1
        self.history_.append(Block(start, stop, error, angle, score, self.alarm_))
        if first:
            self.alarm_row_, self.change_row_ = stop, self._date(int(self._sums.argmax()))

    def _date(self, which: int) -> int:
        """The first row of a change that a sum has told: where a step of the mean is most likely, since it left 0."""
        grown = self.history_[self._since[which] :]
        scores = (np.array([[b.error, b.angle] for b in grown]) - self._centre) / self._spread
        tails = np.cumsum(scores[::-1, which // 2])[::-1]
        return grown[int((tails**2 / np.arange(len(tails), 0, -1)).argmax())].start

    def _simulate(self, pool: NDArray, blocks: int, rng: np.random.Generator) -> float:
        """The threshold that streams without a change pass with the probability asked for."""
        reference = pool[rng.integers(0, len(pool), (RUNS, blocks))]  # another one, as good as ours
        centre, spread = reference.mean(1), np.maximum(reference.std(1), self._spread / 10)
        sums, most = np.zeros((RUNS, 3)), np.zeros(RUNS)
        for _ in range(self.horizon):
            sums = _add(sums, (pool[rng.integers(0, len(pool), RUNS)] - centre) / spread)
            most = np.maximum(most, sums.max(1))
        return float(np.quantile(most, 1 - self.false_alarm))


def _add(sums: NDArray, scores: NDArray) -> NDArray:
    """Cumulative sums of the error up, the error down and the angle up, never below 0."""
    error, angle = scores[..., 0], scores[..., 1]
    return np.maximum(sums + np.stack([error, -error, angle], -1) - SHIFT, 0.0)
