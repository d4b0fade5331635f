"""Networks that see a composition as numbers, as a picture of the periodic table, or as a set of element tokens.

All end in three outputs: Tc / 30 K, and logits of "a Tc is reported" and "Tc is above the threshold".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from .._threads import one_torch_thread
from .features import table_image, tokens
from .schedule import rise_and_fall
from .weights import filled

_OUT = 3


class FullyConnected(nn.Module):
    """Square roots of the 118 fractions through layers of 512, 256 and 128."""

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, o in pairwise((118, 512, 256, 128)):
            layers += [nn.Linear(i, o), nn.BatchNorm1d(o), nn.GELU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(128, _OUT))

    @staticmethod
    def inputs(X: NDArray) -> tuple[NDArray, ...]:
        return (np.sqrt(X).astype(np.float32),)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(3 * x)


class Convolutional(nn.Module):
    """The long periodic table as a picture of 7 x 32, through residual blocks of 3 x 3 filters.

    Composition is read by place as well: pooling alone would forget which element it saw.
    """

    def __init__(self, channels: int = 16, blocks: int = 2) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, channels, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(channels), nn.GELU(), nn.Conv2d(channels, channels, 3, padding=1),
                nn.BatchNorm2d(channels), nn.GELU(), nn.Conv2d(channels, channels, 3, padding=1),
            )
            for _ in range(blocks)
        )  # fmt: skip
        self.last = nn.Sequential(
            nn.Conv2d(channels, 4, 1), nn.Flatten(), nn.Linear(4 * 7 * 32, 128), nn.GELU(), nn.Linear(128, _OUT)
        )

    @staticmethod
    def inputs(X: NDArray) -> tuple[NDArray, ...]:
        return (table_image(X),)

    def forward(self, image: Tensor) -> Tensor:
        x = self.first(3 * image)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


class SetAttention(nn.Module):
    """A token an element, its amount in sines and cosines; layers of self-attention biased by the amounts.

    The bias ``log amount`` of a key makes two tokens of half the amount count as one: the set is a composition.
    """

    def __init__(self, width: int = 64, heads: int = 4, layers: int = 2, dropout: float = 0.1) -> None:
        super().__init__()
        self.element = nn.Embedding(119, width)
        nn.init.normal_(self.element.weight, 0, 0.5)
        self.frequency: Tensor
        self.register_buffer("frequency", torch.logspace(-0.5, 2, 16), persistent=False)
        self.amount = nn.Linear(34, width)
        self.layers = nn.ModuleList(_Layer(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Sequential(nn.Linear(2 * width, 128), nn.GELU(), nn.Linear(128, _OUT))

    @staticmethod
    def inputs(X: NDArray) -> tuple[NDArray, ...]:
        return tokens(X)

    def forward(self, numbers: Tensor, amounts: Tensor) -> Tensor:
        present = numbers > 0
        width = int(present.sum(1).max())
        numbers, amounts, present = numbers[:, :width], amounts[:, :width], present[:, :width]
        angle, share = amounts[..., None] * self.frequency, amounts[..., None]
        waves = torch.cat([angle.sin(), angle.cos(), share, (share + 1e-4).log() / 5], -1)
        x = self.element(numbers) + self.amount(waves)
        bias = amounts.clamp_min(1e-4).log().masked_fill(~present, -1e9)[:, None, None]
        for layer in self.layers:
            x = layer(x, bias)
        x = self.norm(x) * present[..., None]
        return self.head(torch.cat([(x * share).sum(1), x.sum(1) / present.sum(1, keepdim=True)], 1))


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        n, t, width = x.shape
        q, k, v = self.qkv(self.before(x)).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        heard = F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).reshape(n, t, width)
        x = x + F.dropout(self.out(heard), self.dropout, self.training)
        return x + F.dropout(self.feed(self.between(x)), self.dropout, self.training)


TRUNKS: dict[str, Any] = {
    "attention": SetAttention, "connected": FullyConnected, "convolutional": Convolutional,
}  # fmt: skip


@one_torch_thread(torch)
def train_trunk(
    kind: str, X: NDArray, targets: NDArray, *, seed: int, epochs: int, device: str = "cpu", batch: int = 128,
    learned: Mapping[str, NDArray] | None = None,
) -> nn.Module:  # fmt: skip
    """Huber loss of Tc / 30 K where it is known, and the cross-entropies of the two classes.

    Rows of like numbers of elements share a batch, so that few tokens are padding. ``learned`` are the weights, if they
    are known.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = TRUNKS[kind]().to(device)
    if learned is not None:
        return filled(net, learned)
    inputs = [torch.from_numpy(part).to(device) for part in net.inputs(X)]
    known = torch.from_numpy(np.isfinite(targets[:, 0])).to(device)
    y = torch.from_numpy(np.nan_to_num(targets)).to(device, torch.float32)
    n_elements, batch = (X > 0).sum(1), min(batch, len(X))
    total = epochs * max(1, len(X) // batch)
    optimiser = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=0.05)
    schedule = rise_and_fall(optimiser, 2e-3, total)
    step = 0
    while step < total:
        for rows in _batches(rng, n_elements, batch):
            if step == total:
                break
            chosen = torch.from_numpy(rows).to(device)
            out = net(*(part[chosen] for part in inputs))
            errors = F.smooth_l1_loss(out[:, 0], y[chosen, 0], beta=0.2, reduction="none") * known[chosen]
            loss = errors.mean() + 0.25 * F.binary_cross_entropy_with_logits(out[:, 1:], y[chosen, 1:])
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            step += 1
    return net.eval()


def _batches(rng: np.random.Generator, n_elements: NDArray, batch: int) -> list[NDArray]:
    order = rng.permutation(len(n_elements))
    order = order[: max(1, len(order) // batch) * batch]
    found = []
    for chunk in np.array_split(order, math.ceil(len(order) / (8 * batch))):
        chunk = chunk[np.argsort(n_elements[chunk], kind="stable")]
        found += [chunk[i : i + batch] for i in range(0, len(chunk), batch)]
    return [found[i] for i in rng.permutation(len(found)) if len(found[i]) > 1 or len(found) == 1]


def answer(net: Any, X: NDArray, device: str = "cpu") -> NDArray[np.float64]:
    """(n, 3): Tc / 30 K and the two probabilities."""
    found = []
    with torch.inference_mode():
        for block in np.array_split(X, max(1, -(-len(X) // 8192))):
            out = net(*(torch.from_numpy(part).to(device) for part in net.inputs(block)))
            out[:, 1:] = torch.sigmoid(out[:, 1:])
            found.append(out.cpu().numpy())
    return np.concatenate(found).astype(np.float64)
