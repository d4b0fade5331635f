"""Attention layers as torch modules, with as few weights as the theory needs; the query is never among the keys.

One layer, in-context denoising: ``context`` (B, L, n) and ``query`` (B, n) or (B, M, n) in, denoised queries out.
Two stages, empirical Bayes: noisy tokens (B, N, n) in, denoised tokens out.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from .._errors import InputError
from .admit import count, positive

#: the largest rounding error of a score that a matrix product may bring; beyond it scores come from differences
ROUNDING = 4e-3


def _random(n: int, scalar: bool, generator: torch.Generator | None) -> nn.Parameter:
    """A matrix, or one number times the identity, uniform in +-1/sqrt(n)."""
    shape = () if scalar else (n, n)
    return nn.Parameter((2 * torch.rand(shape, generator=generator) - 1) / math.sqrt(n))


def _apply(W: Tensor, rows: Tensor) -> Tensor:
    W = W.to(rows.dtype)
    return W * rows if W.ndim == 0 else rows @ W.mT


def _full(rows: Tensor, weight: Tensor) -> Tensor:
    """Rows in at least float32, for half precision cannot hold scores; whole numbers in the weights' type."""
    if rows.is_complex():
        raise InputError(f"tokens of type {rows.dtype}; expected real numbers")
    kind = rows.dtype if rows.is_floating_point() else weight.dtype
    return rows.to(torch.promote_types(kind, torch.float32))


def _plain(rows: Tensor) -> torch.autocast:
    """No automatic half precision within: scores would overflow."""
    return torch.autocast(rows.device.type, enabled=False)


def _gaussian_mean(query: Tensor, tokens: Tensor, left: Callable[[Tensor], Tensor], right: Callable) -> Tensor:
    """Mean of the tokens with weights ``exp(-L(q - x).R(q - x) / 2)``, L and R linear and L'R symmetric."""
    middle = tokens.detach().mean(-2, keepdim=True)
    asked, keys, other = left(query - middle), left(tokens - middle), right(tokens - middle)
    bias = -(keys * other).sum(-1) / 2
    reach = asked.detach().norm(dim=-1).amax() * other.detach().norm(dim=-1).amax() + bias.detach().abs().amax()
    if float(reach) * torch.finfo(bias.dtype).eps <= ROUNDING:
        scores = asked @ other.mT + bias[..., None, :]
    else:
        apart = query[..., :, None, :] - tokens[..., None, :, :]
        scores = -(left(apart) * right(apart)).sum(-1) / 2
    return torch.softmax(scores, -1) @ tokens


class _OneLayer(nn.Module):
    """Two n x n matrices ``value`` and ``key_query``, or two numbers (``scalar=True``: scaled identities)."""

    def __init__(self, n_features: int, *, scalar: bool = False, seed: int | None = None) -> None:
        super().__init__()
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        self.n_features = n_features
        self.value = _random(n_features, scalar, generator)
        self.key_query = _random(n_features, scalar, generator)

    def set_scales(self, alpha: float, beta: float) -> _OneLayer:
        """Weights of the theory: ``value = alpha I``, ``key_query = beta I``."""
        with torch.no_grad():
            for W, scale in ((self.value, alpha), (self.key_query, beta)):
                if not math.isfinite(scale):
                    raise InputError(f"alpha={alpha}, beta={beta}; expected finite numbers")
                W.copy_(scale * (torch.eye(self.n_features) if W.ndim else torch.ones(())))
        return self

    @property
    def alpha(self) -> float:
        """Mean of the diagonal of ``value``."""
        return _diagonal(self.value)[0]

    @property
    def beta(self) -> float:
        """Mean of the diagonal of ``key_query``."""
        return _diagonal(self.key_query)[0]

    @property
    def identity_distance(self) -> float:
        """The larger relative Frobenius distance of the two matrices from scaled identities; 0 for scalars."""
        return max(_diagonal(W)[1] for W in (self.value, self.key_query))

    def forward(self, context: Tensor, query: Tensor) -> Tensor:
        kind = query.dtype if query.is_floating_point() else self.value.dtype
        with _plain(query):
            asked = _full(query if query.ndim == 3 else query[:, None], self.value)
            out = _apply(self.value, self._attend(_full(context, self.value), asked)).to(kind)
        return out if query.ndim == 3 else out[:, 0]

    def _attend(self, context: Tensor, query: Tensor) -> Tensor:
        raise NotImplementedError


def _diagonal(W: Tensor) -> tuple[float, float]:
    if W.ndim == 0:
        return float(W.detach()), 0.0
    W = W.detach()
    mean = W.diagonal().mean()
    return float(mean), float((W - mean * torch.eye(len(W), dtype=W.dtype, device=W.device)).norm() / W.norm())


class LinearAttentionDenoiser(_OneLayer):
    """Linear attention over a clean context: ``f = (1/L) W_PV sum_t x_t (x_t . W_KQ q)``.

    On Gaussians on subspaces the best weights are scaled identities, ``alpha beta -> 1 / (variance + noise)``.
    """

    def _attend(self, context: Tensor, query: Tensor) -> Tensor:
        return (_apply(self.key_query, query) @ context.mT) @ context / context.shape[1]


class SoftmaxAttentionDenoiser(_OneLayer):
    """Softmax attention over a clean context: ``f = W_PV sum_t x_t softmax_t(x_t . W_KQ q)``.

    With ``W_PV = I, W_KQ = I / noise`` it converges to the posterior mean for priors on a sphere about 0.
    """

    def _attend(self, context: Tensor, query: Tensor) -> Tensor:
        return scaled_dot_product_attention(_apply(self.key_query, query), context, context, scale=1.0)


class GaussianAttentionDenoiser(_OneLayer):
    """Gaussian-kernel attention: ``f = W_PV sum_t x_t w_t``, ``w_t ~ exp(q.W x_t - x_t.W x_t/2)``, W symmetrised W_KQ.

    With ``W_PV = I, W_KQ = I / noise`` it converges to the posterior mean for any prior.
    """

    def _attend(self, context: Tensor, query: Tensor) -> Tensor:
        W = self.key_query if self.key_query.ndim == 0 else (self.key_query + self.key_query.mT) / 2
        return _gaussian_mean(query, context, lambda rows: rows, lambda rows: _apply(W, rows))


class TwoStageAttentionDenoiser(nn.Module):
    """Attention as empirical Bayes: tied layers refine a cloud in which every token is noisy; the input then asks it.

    ``X <- X + eta (m_beta(X; X) - X)`` so many times, then ``m_{beta_out}(Y; X)`` with ``Y`` the input (the long skip).

    Parameters
    ----------
    n_layers : int >= 0, of stage 1, all with the same weights
    beta, eta, beta_out : float > 0, initial values; derived ones are 2 / noise, beta horizon / n_layers and 1 / noise
    n_features : int or None; with it the three numbers become n x n matrices (a metric W, distances ``|W (q - x)|``,
        and a step), which start as scaled identities
    long_skip : bool; without, the last layer's query is the refined token instead of the input
    """

    def __init__(
        self, n_layers: int, *, beta: float, eta: float, beta_out: float, n_features: int | None = None,
        long_skip: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.n_layers, self.long_skip = count("n_layers", n_layers), long_skip
        for name, value in (("beta", beta), ("eta", eta), ("beta_out", beta_out)):
            positive(name, value)
        one = torch.ones(()) if n_features is None else torch.eye(n_features)
        self.metric = nn.Parameter(math.sqrt(beta) * one)
        self.step = nn.Parameter(eta * one)
        self.metric_out = nn.Parameter(math.sqrt(beta_out) * one)

    def refine(self, noisy: Tensor) -> Tensor:
        """Stage 1."""
        with _plain(noisy):
            tokens = _full(noisy, self.metric)
            for _ in range(self.n_layers):
                tokens = tokens + _apply(self.step, _mean(tokens, tokens, self.metric) - tokens)
        return tokens

    def forward(self, noisy: Tensor) -> Tensor:
        kind, tokens = noisy.dtype if noisy.is_floating_point() else self.metric.dtype, self.refine(noisy)
        with _plain(noisy):
            query = _full(noisy, self.metric) if self.long_skip else tokens
            return _mean(query, tokens, self.metric_out).to(kind)


def _mean(query: Tensor, tokens: Tensor, metric: Tensor) -> Tensor:
    return _gaussian_mean(query, tokens, lambda rows: _apply(metric, rows), lambda rows: _apply(metric, rows))
