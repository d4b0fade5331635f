"""Patches of images as rows, with their contrast normalised and ZCA-whitened where that is asked for."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .._errors import InputError
from .._values import NONNEGATIVE, NOTHING, check
from .admit import admit, pair, whole, wide
from .layer import Statistics

Size = int | tuple[int, int]


class Patches(nn.Module):
    """What a filter hears of an image: ``x~ = P ((x - mean x 1) / sqrt(var x + contrast) - m)``.

    P = (C + whiten I)^(-1/2) for the covariance C of patches and m their mean (ZCA); without ``whiten`` P = 1 and
    m = 0, without ``contrast`` patches keep their mean and size.

    Whitening is linear, so nobody whitens patches: filters W see ``(W P) (x - m)``, and ``<y x~'>`` is
    ``<y (x - m)'> P``.

    Parameters
    ----------
    in_channels : int
    kernel_size, stride, padding : int or pair
    contrast, whiten : float >= 0, or None for none
    """

    mean: Tensor
    P: Tensor
    count: Tensor

    def __init__(
        self, in_channels: int, kernel_size: Size, *, stride: Size = 1, padding: Size = 0,
        contrast: float | None = None, whiten: float | None = None, device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.in_channels = whole("in_channels", in_channels)
        self.contrast, self.whiten = (
            check(name, value, (NONNEGATIVE, NOTHING)) for name, value in (("contrast", contrast), ("whiten", whiten))
        )
        self.kernel_size, self.stride = pair("kernel_size", kernel_size), pair("stride", stride)
        self.padding = pair("padding", padding, 0)
        self.size = self.in_channels * self.kernel_size[0] * self.kernel_size[1]
        n, like = self.size if whiten is not None else 0, torch.zeros((), device=device, dtype=dtype)
        self.register_buffer("mean", like.new_zeros(n))
        self.register_buffer("P", like.new_zeros(n, n))
        self.register_buffer("count", like)  # patches that mean and P are from

    def grid(self, x: Tensor) -> tuple[int, int]:
        """How many patches there are down and across."""
        down, across = (
            (size + 2 * pad - kernel) // step + 1
            for size, pad, kernel, step in zip(x.shape[2:], self.padding, self.kernel_size, self.stride, strict=True)
        )
        return down, across

    def rows(self, x: Tensor) -> Tensor:
        """All patches of all images, (batch * positions, in_channels * height * width), not yet whitened."""
        x = admit(x, self.mean)
        if x.ndim != 4 or x.shape[1] != self.in_channels or min(self.grid(x)) < 1:
            last = x.ndim == 4 and x.shape[3] == self.in_channels
            raise InputError(
                f"images of shape {tuple(x.shape)}; expected (batch, {self.in_channels}, height, width), padded at "
                f"least as large as the kernel {self.kernel_size}"
                + (". Channels come before height and width: x.permute(0, 3, 1, 2)" if last else "")
            )
        n, positions = len(x), self.grid(x)[0] * self.grid(x)[1]
        down, across = self.padding
        if down or across:
            x = nn.functional.pad(x, (across, across, down, down))
        windows = x.unfold(2, self.kernel_size[0], self.stride[0]).unfold(3, self.kernel_size[1], self.stride[1])
        rows = windows.permute(0, 2, 3, 1, 4, 5).reshape(n * positions, self.size)
        if self.contrast is None:
            return rows
        rows = rows - rows.mean(1, keepdim=True)
        power = rows.square().mean(1, keepdim=True)
        power[power.isinf()] = float("nan")  # a contrast too large to be squared is not none
        return rows.mul_((power + self.contrast).rsqrt_())

    @torch.no_grad()
    def statistics(self, x: Tensor) -> Statistics:
        """Sums ``p`` (n,) and ``pp`` (n, n) over the patches, and their ``count``; they add up like a layer's."""
        rows = wide(self.rows(x))  # a variance far from 0 is a small difference of large numbers
        return {"p": rows.sum(0), "pp": rows.T @ rows, "count": rows.new_tensor(float(len(rows)))}

    @torch.no_grad()
    def whiten_(self, statistics: Statistics) -> None:
        """Take mean and ZCA from sums over patches; without ``whiten`` there is nothing to take."""
        if self.whiten is None:
            return
        n, rounding = wide(statistics["count"]), self.size * torch.finfo(self.P.dtype).eps
        mean = wide(statistics["p"]) / n
        values, vectors = torch.linalg.eigh(wide(statistics["pp"]) / n - torch.outer(mean, mean))
        values = values.clamp(min=0) + self.whiten
        if not bool(values[0] > rounding * (values[-1] if self.whiten == 0 else 0)):
            raise InputError(f"whiten={self.whiten}: the patches have no variance in some direction; give more than 0")
        self.P.copy_(vectors * values.rsqrt() @ vectors.T)
        self.mean.copy_(mean)
        self.count.copy_(n)

    def seen(self, W: Tensor) -> tuple[Tensor, Tensor | None]:
        """Filters on rows that do what W does on whitened rows, and the constant they need."""
        if self.whiten is None:
            return W, None
        self._check_prepared()
        F = W @ self.P
        return F, -(F @ self.mean)

    def centred(self, rows: Tensor) -> Tensor:
        """Rows less their mean over the data, before they meet P: a common offset would cost digits."""
        return rows if self.whiten is None else rows - self.mean

    def heard(self, yx: Tensor) -> Tensor:
        """The sum of y x~' of whitened rows from that of centred ones."""
        return yx if self.whiten is None else yx @ self.P

    def second_moment(self, statistics: Statistics) -> Tensor:
        """<x~ x~'> of the patches that the sums are over, (n, n)."""
        p, pp, n = statistics["p"], statistics["pp"], statistics["count"]
        if self.whiten is None:
            return pp / n
        mean, P = wide(self.mean), wide(self.P)
        off = p / n - mean
        return P @ (pp / n - torch.outer(p, p) / n**2 + torch.outer(off, off)) @ P

    def _check_prepared(self) -> None:
        if not bool(self.count > 0):
            raise InputError("whitening knows no patches yet; call prepare_(images) once before")
