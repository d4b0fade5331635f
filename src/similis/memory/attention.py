"""Attention layers as torch modules, with as few weights as the theory needs; the query is never among the keys.

One layer, in-context denoising: ``context`` (B, L, n) and ``query`` (B, n) or (B, M, n) in, denoised queries out.
Two stages, empirical Bayes: noisy tokens (B, N, n) in, denoised tokens out.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


def _random(n: int, scalar: bool, generator: torch.Generator | None) -> nn.Parameter:
    """A matrix, or one number times the identity, uniform in +-1/sqrt(n)."""
    shape = () if scalar else (n, n)
    return nn.Parameter((2 * torch.rand(shape, generator=generator) - 1) / math.sqrt(n))


def _apply(W: Tensor, rows: Tensor) -> Tensor:
    return W * rows if W.ndim == 0 else rows @ W.mT


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
        asked = query if query.ndim == 3 else query[:, None]
        out = _apply(self.value, self._attend(context, asked))
        return out if query.ndim == 3 else out[:, 0]

    def _attend(self, context: Tensor, query: Tensor) -> Tensor:
        raise NotImplementedError


def _diagonal(W: Tensor) -> tuple[float, float]:
    if W.ndim == 0:
        return float(W.detach()), 0.0
    W = W.detach()
    mean = W.diagonal().mean()
    return float(mean), float((W - mean * torch.eye(len(W))).norm() / W.norm())


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
        keys = _apply(W, context)
        bias = -(keys * context).sum(-1) / 2
        return torch.softmax(query @ keys.mT + bias[:, None], -1) @ context


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
        self.n_layers, self.long_skip = n_layers, long_skip
        one = torch.ones(()) if n_features is None else torch.eye(n_features)
        self.metric = nn.Parameter(math.sqrt(beta) * one)
        self.step = nn.Parameter(eta * one)
        self.metric_out = nn.Parameter(math.sqrt(beta_out) * one)

    def refine(self, noisy: Tensor) -> Tensor:
        """Stage 1."""
        tokens = noisy
        for _ in range(self.n_layers):
            tokens = tokens + _apply(self.step, _mean(tokens, tokens, self.metric) - tokens)
        return tokens

    def forward(self, noisy: Tensor) -> Tensor:
        tokens = self.refine(noisy)
        return _mean(noisy if self.long_skip else tokens, tokens, self.metric_out)


def _mean(query: Tensor, tokens: Tensor, metric: Tensor) -> Tensor:
    asked, keys = _apply(metric, query), _apply(metric, tokens)
    bias = -keys.square().sum(-1) / 2
    return torch.softmax(asked @ keys.mT + bias[:, None], -1) @ tokens
