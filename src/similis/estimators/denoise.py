"""Attention as a denoiser: over a clean context, or over a cloud in which every token is noisy."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Self, cast, get_args

import numpy as np
from sklearn.base import OneToOneFeatureMixin, TransformerMixin

from .._errors import InputError, ModelFileError
from .._random import Seed, generator
from .._schema import Packed, Stored
from .._values import NONNEGATIVE, NOTHING, POSITIVE, Number, OneOf
from ..memory import balance, calibrate, diagnose, kernel_mean, log_density, refine
from ..memory.calibrate import Diagnosis
from ..memory.cloud import Engine, Kernel, check_range
from ..memory.particles import check_step
from ._admit import validate_data
from ._estimator import Estimator, check_is_fitted

#: context tokens that are denoised in turn to choose the weights
ASKED = 500
#: inverse temperatures that are tried then, in units of 1 / noise
TRIED = tuple(np.geomspace(0.05, 2.0, 25))


class _Denoiser(OneToOneFeatureMixin, TransformerMixin, Estimator):
    """A cloud of tokens ``tokens_`` that noisy rows ask."""

    #: what is learned from beside X: nothing; the command line asks
    beside_x: ClassVar[str | None] = None
    _free = Estimator._free | {"engine"}
    _allowed: ClassVar = {"engine": (OneOf(get_args(Engine)),)}

    tokens_: np.ndarray
    noise_variance_: float
    n_samples_seen_: int
    _learned: tuple[str, ...]

    def _admit(self, X: Any, *, reset: bool) -> np.ndarray:
        return validate_data(self, X, reset=reset, dtype=[np.float64, np.float32], copy=reset)

    def score(self, X: Any, y: None = None) -> float:
        """Mean log likelihood of noisy rows: the cloud with the noise added, ``log (1/N) sum_j N(x; t_j, noise I)``."""
        check_is_fitted(self)
        X = self._admit(X, reset=False)
        return float(log_density(X, self.tokens_.astype(X.dtype, copy=False), 1 / self.noise_variance_).mean())

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_samples_seen_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _pack(self) -> Packed:
        check_is_fitted(self)
        meta = {name: getattr(self, name) for name in (*self._learned, "n_features_in_", "n_samples_seen_")}
        return {"tokens": self.tokens_}, meta

    def _unpack(self, file: Stored) -> None:
        tokens = file.array("tokens", "rows", "columns", largest=np.inf)
        self.n_samples_seen_ = file.integer("n_samples_seen_", max(1, len(tokens)), len(tokens))
        self.n_features_in_ = file.integer("n_features_in_", max(1, tokens.shape[1]), tokens.shape[1])
        self.tokens_, self.noise_variance_ = tokens, file.number("noise_variance_", above=0)
        check_range("tokens", tokens, self.noise_variance_**-0.5)


def _check_size(alpha: float, tokens: np.ndarray) -> None:
    """Refuse outputs beyond floats."""
    largest = max(float(tokens.max()), -float(tokens.min()))
    if not abs(alpha) * largest < float(np.finfo(tokens.dtype).max):
        raise InputError(f"alpha={alpha:.3g} times tokens up to {largest:.3g} leaves the range of floats; give less")


class InContextDenoiser(_Denoiser):
    """Denoise rows by one layer of attention over a clean context: posterior means under what the context shows.

    ``f(q) = alpha sum_t w_t x_t``, ``w = softmax(beta (x_t.q - |x_t|^2/2))``; each noisy row q is denoised on its own.
    With the derived weights, ``alpha = 1`` and ``beta = 1 / noise_variance``, this tends to E[x | q] as the context
    grows. Where the context is short for its dimension, ``weights="context"`` does better.

    Parameters
    ----------
    noise_variance : float > 0, of the rows to be denoised, per coordinate, in squared units of the data
    attention : "gaussian" (right for any prior), "softmax" (no ``|x_t|^2``: right for contexts of one norm, as after
        layer normalisation) or "linear" (``alpha beta (1/L) sum_t x_t (x_t.q)``, right for Gaussians on subspaces)
    weights : "theory" (derived from the noise alone; linear: ``alpha beta = 1 / (s + noise)``, s the variance of the
        context in its subspace) or "context": those that best denoise 500 tokens of the context from the others,
        with simulated noise
    alpha, beta : float > 0 or None, overriding either
    engine : "auto", "numpy" or "torch", see :func:`similis.memory.kernel_mean`
    random_state : int, Generator, RandomState or None, of the simulated noise

    Attributes
    ----------
    tokens_ : (n_samples, n_features), the context
    alpha_, beta_ : float, the weights
    noise_variance_ : float
    n_samples_seen_ : int

    References
    ----------
    Smart, Bietti & Sengupta 2025, ICML (arXiv 2502.05164).

    Examples
    --------
    >>> import numpy as np
    >>> from similis import InContextDenoiser
    >>> rng = np.random.default_rng(0)
    >>> turn = rng.uniform(0, 2 * np.pi, (2000, 1))
    >>> circle = np.hstack([np.cos(turn), np.sin(turn)])
    >>> noisy = circle[1000:] + 0.3 * rng.standard_normal((1000, 2))
    >>> model = InContextDenoiser(noise_variance=0.09).fit(circle[:1000])
    >>> bool(((model.transform(noisy) - circle[1000:]) ** 2).mean() < 0.7 * ((noisy - circle[1000:]) ** 2).mean())
    True
    """

    _learned = ("alpha_", "beta_", "noise_variance_")

    _allowed: ClassVar = {
        "noise_variance": (POSITIVE,), "attention": (OneOf(("gaussian", "softmax", "linear")),),
        "weights": (OneOf(("theory", "context")),), "alpha": (POSITIVE, NOTHING), "beta": (POSITIVE, NOTHING),
    }  # fmt: skip

    def __init__(
        self, noise_variance: float = 1.0, *, attention: str = "gaussian", weights: str = "theory",
        alpha: float | None = None, beta: float | None = None, engine: Engine = "auto", random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.noise_variance = noise_variance
        self.attention = attention
        self.weights = weights
        self.alpha = alpha
        self.beta = beta
        self.engine = engine
        self.random_state = random_state

    def fit(self, X: Any, y: None = None) -> Self:
        """Take the rows of X as the context.

        Parameters
        ----------
        X : (n_samples, n_features) array of clean rows
        y : ignored
        """
        X = self._admit(X, reset=True)
        self._take(X)
        return self

    def partial_fit(self, X: Any, y: None = None) -> Self:
        """Add the rows of X to the context and derive the weights again."""
        first = not hasattr(self, "n_samples_seen_")
        X = self._admit(X, reset=first)
        self._take(X if first else np.concatenate([self.tokens_, X]))
        return self

    def _take(self, tokens: np.ndarray) -> None:
        noise = float(self.noise_variance)
        check_range("X", tokens, noise**-0.5)
        given = [None if value is None else float(value) for value in (self.alpha, self.beta)]
        derive = self._from_context if self.weights == "context" and len(tokens) > 1 else self._from_theory
        alpha, beta = derive(np.asarray(tokens, float), noise, *given)
        _check_size(alpha, tokens)
        self.tokens_, self.alpha_, self.beta_, self.noise_variance_ = tokens, alpha, beta, noise
        self.n_samples_seen_ = len(tokens)

    def _from_theory(
        self, tokens: np.ndarray, noise: float, alpha: float | None, beta: float | None
    ) -> tuple[float, float]:
        if self.attention != "linear":
            return alpha or 1.0, beta or 1 / noise
        size = float(np.abs(tokens).max()) or 1.0  # squares of squares leave the range of floats early
        C = (tokens / size).T @ (tokens / size) / len(tokens)
        within = float(np.square(C).sum() / max(np.trace(C), np.finfo(float).tiny)) * size * size
        return alpha or 1.0, beta or 1 / ((alpha or 1.0) * (within + noise))

    def _from_context(
        self, tokens: np.ndarray, noise: float, alpha: float | None, beta: float | None
    ) -> tuple[float, float]:
        """Least squares over the first tokens (in random order), each denoised from all others."""
        rng = generator(self.random_state)
        tokens = tokens[rng.permutation(len(tokens))]
        clean = tokens[:ASKED]
        noisy = clean + rng.normal(0, noise**0.5, clean.shape)
        best = (np.inf, 1.0, 1.0)
        for scale in [beta] if beta else [1.0] if self.attention == "linear" else [tried / noise for tried in TRIED]:
            f = self._attend(noisy, tokens, scale, alone=True)
            size = alpha or float((f * clean).sum() / max(np.square(f).sum(), np.finfo(float).tiny))
            best = min(best, (float(np.square(clean - size * f).sum()), size, scale))
        return best[1:]

    def _attend(self, noisy: np.ndarray, tokens: np.ndarray, beta: float, *, alone: bool = False) -> np.ndarray:
        """Weighted tokens before alpha; ``alone``: without token i for query i."""
        if self.attention != "linear":
            kernel: Kernel = "dot" if self.attention == "softmax" else "gaussian"
            return kernel_mean(noisy, tokens, beta, kernel=kernel, exclude_self=alone, engine=self.engine)
        size = np.abs(tokens).max() or tokens.dtype.type(1)  # squares of tokens may leave the range of floats
        small = tokens / size
        total = noisy @ (small.T @ small)
        if alone:
            own = small[: len(noisy)]
            total = total - own * (own * noisy).sum(1, keepdims=True)
        return total * noisy.dtype.type(beta * float(size) * float(size) / (len(tokens) - alone))

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        self.alpha_, self.beta_ = file.number("alpha_"), file.number("beta_", above=0)
        for name in ("alpha", "beta"):
            if getattr(self, name) not in (None, getattr(self, f"{name}_")):
                raise ModelFileError(f"{name}_ is not the {name} that was given")
        _check_size(self.alpha_, self.tokens_)

    def transform(self, X: Any) -> np.ndarray:
        """Denoised rows, (n_samples, n_features)."""
        check_is_fitted(self)
        X = self._admit(X, reset=False)
        return X.dtype.type(self.alpha_) * self._attend(X, self.tokens_.astype(X.dtype, copy=False), self.beta_)


class EmpiricalBayesDenoiser(_Denoiser):
    """Denoise a cloud in which every row is noisy: attention refines the cloud, then each row asks it.

    ::

        x_i <- x_i + eta (m_beta(x_i; X) - x_i)      stage 1, from X = Y, until time T = eta layers / beta
        f(y) = m_{1/noise}(y; X)                     stage 2, posterior mean under the refined cloud

    ``m_beta(q; X)`` is the mean of the tokens with weights ``exp(-beta |q - x_j|^2/2)``. The refined cloud stands for
    the unknown prior, so that new rows with the same noise can be denoised too. beta, T and the noise, where they are
    not given, are those under which held-out rows are likeliest; no clean row is needed.

    Parameters
    ----------
    noise_variance : float > 0 or None, per coordinate, in squared units of the data. None: the largest that explains
        the rows as well as any does, an upper bound; known noise is always better
    beta : float > 0 or None, precision of stage 1's kernel; 1 to 4 over the noise is sensible
    horizon : float >= 0 or None, T; half the noise in the limit of a narrow kernel; 0 is a single step of attention
    prior_variance : float > 0 or None, of a clean row within its mode, per coordinate; with it the horizon is derived,
        ``noise/2 + log(1 + noise/prior_variance) / (2 beta)``
    eta : float in (0, 1], step of a layer; 1 is pure attention, small steps follow the flow
    engine : "auto", "numpy" or "torch", see :func:`similis.memory.kernel_mean`
    random_state : int, Generator, RandomState or None, of the rows held out

    Attributes
    ----------
    tokens_ : (n_samples, n_features), the refined cloud
    noise_variance_, beta_, horizon_, n_layers_ : what stage 1 used
    log_likelihood_ : float, mean over held-out rows (nan where nothing had to be chosen)
    balance_ : float, what the cloud's variance lacks or has too much, in units of the noise; 0 is right
    diagnosis_ : "sound", "frozen" (kernel too narrow for so few rows) or "merged" (too wide for the structure)
    n_samples_seen_ : int

    Warns
    -----
    UserWarning
        In the two failure regions, "frozen" and "merged".

    References
    ----------
    Smart, Ganguly, Metya, Morozov & Sengupta 2026, arXiv 2605.29351.

    Examples
    --------
    >>> from similis import EmpiricalBayesDenoiser
    >>> from similis.memory import symmetric_mixture
    >>> noisy, clean = symmetric_mixture(2).sample(400, noise=0.5, random_state=0)
    >>> denoised = EmpiricalBayesDenoiser(0.5, random_state=0).fit_transform(noisy)
    >>> bool(((denoised - clean) ** 2).mean() < 0.25 * ((noisy - clean) ** 2).mean())
    True
    """

    _learned = ("noise_variance_", "beta_", "horizon_", "n_layers_", "log_likelihood_", "balance_", "diagnosis_")

    _allowed: ClassVar = {
        "noise_variance": (POSITIVE, NOTHING), "beta": (POSITIVE, NOTHING), "horizon": (NONNEGATIVE, NOTHING),
        "prior_variance": (POSITIVE, NOTHING), "eta": (Number(0, 1, open_="low"),),
    }  # fmt: skip

    def __init__(
        self, noise_variance: float | None = None, *, beta: float | None = None, horizon: float | None = None,
        prior_variance: float | None = None, eta: float = 0.1, engine: Engine = "auto", random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.noise_variance = noise_variance
        self.beta = beta
        self.horizon = horizon
        self.prior_variance = prior_variance
        self.eta = eta
        self.engine = engine
        self.random_state = random_state

    def fit(self, X: Any, y: None = None) -> Self:
        """Refine the cloud of the rows of X.

        Parameters
        ----------
        X : (n_samples, n_features) array of noisy rows
        y : ignored
        """
        X = self._admit(X, reset=True)
        given = {
            name: None if getattr(self, name) is None else float(getattr(self, name))
            for name in ("noise_variance", "beta", "prior_variance")
        }
        if given["noise_variance"] is not None:
            check_range("X", X, given["noise_variance"] ** -0.5)
        chosen = calibrate(
            X, given["noise_variance"], beta=given["beta"], horizon=self.horizon,
            prior_variance=given["prior_variance"], eta=self.eta, random_state=self.random_state,
        )  # fmt: skip
        self.tokens_ = refine(X, chosen.beta, chosen.n_layers, self.eta, engine=self.engine)
        self.noise_variance_, self.beta_, self.horizon_ = chosen.noise, chosen.beta, chosen.horizon
        self.n_layers_, self.log_likelihood_ = chosen.n_layers, chosen.log_likelihood
        self.n_samples_seen_ = len(X)
        self.balance_ = balance(X, self.tokens_, chosen.noise)
        self.diagnosis_ = diagnose(X, self.tokens_, chosen.noise)
        if self.diagnosis_ != "sound" and self.horizon != 0:
            fix = {
                "frozen": "more rows, fewer features or a smaller beta",
                "merged": "a larger beta or a shorter horizon",
            }
            warnings.warn(
                f"stage 1 is {self.diagnosis_}: the cloud's variance misses what the noise leaves by "
                f"{self.balance_:+.2f} of the noise (beta noise = {self.beta_ * self.noise_variance_:.3g}, "
                f"{len(X)} rows of {X.shape[1]}). Try {fix[self.diagnosis_]}",
                UserWarning, stacklevel=2,
            )  # fmt: skip
        return self

    def _unpack(self, file: Stored) -> None:
        super()._unpack(file)
        check_step(self.eta)
        self.beta_, self.horizon_ = file.number("beta_", above=0), file.number("horizon_", 0)
        self.n_layers_, self.balance_ = file.integer("n_layers_"), file.number("balance_")
        most = float(np.finfo(float).max)
        self.log_likelihood_ = file.number("log_likelihood_", -most, high=most, finite=False)  # or NaN
        self.diagnosis_ = cast(Diagnosis, file.text("diagnosis_", *get_args(Diagnosis)))

    def transform(self, X: Any) -> np.ndarray:
        """Posterior means of noisy rows under the refined cloud, (n_samples, n_features)."""
        check_is_fitted(self)
        X = self._admit(X, reset=False)
        tokens = self.tokens_.astype(X.dtype, copy=False)
        return kernel_mean(X, tokens, 1 / self.noise_variance_, engine=self.engine)
