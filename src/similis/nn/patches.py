"""Patches of images as rows, with their contrast normalised and ZCA-whitened where that is asked for."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .._errors import InputError
from .layer import Statistics

Size = int | tuple[int, int]


class Patches(nn.Module):
    """What a filter hears of an image: ``x~ = P ((x - mean x 1) / sqrt(var x + contrast) - m)``.

    P = (C + whiten I)^(-1/2) for the covariance C of patches and m their mean (ZCA); without ``whiten`` P = 1 and
    m = 0, without ``contrast`` patches keep their mean and size.

    Whitening is linear, so nobody whitens patches: filters W see ``(W P) x - W P m``, and ``<y x~'>`` is
    ``(<y x'> - <y> m') P``.

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
        self.in_channels, self.contrast, self.whiten = in_channels, contrast, whiten
        self.kernel_size, self.stride, self.padding = _pair(kernel_size), _pair(stride), _pair(padding)
        if min(in_channels, *self.kernel_size, *self.stride) < 1 or min(self.padding) < 0:
            raise InputError(
                f"in_channels={in_channels}, kernel_size={kernel_size}, stride={stride}, padding={padding}; "
                "expected integers >= 1, padding >= 0"
            )
        for name, value in (("contrast", contrast), ("whiten", whiten)):
            if value is not None and not value >= 0:
                raise InputError(f"{name}={value}; expected a number >= 0, or None")
        self.size = in_channels * self.kernel_size[0] * self.kernel_size[1]
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
        if x.ndim != 4 or x.shape[1] != self.in_channels or min(self.grid(x)) < 1:
            raise InputError(
                f"images of shape {tuple(x.shape)}; expected (batch, {self.in_channels}, height, width), padded at "
                f"least as large as the kernel {self.kernel_size}"
            )
        down, across = self.padding
        if down or across:
            x = nn.functional.pad(x, (across, across, down, down))
        windows = x.unfold(2, self.kernel_size[0], self.stride[0]).unfold(3, self.kernel_size[1], self.stride[1])
        rows = windows.permute(0, 2, 3, 1, 4, 5).reshape(-1, self.size)
        if self.contrast is None:
            return rows
        rows = rows - rows.mean(1, keepdim=True)
        return rows.mul_((rows.square().mean(1, keepdim=True) + self.contrast).rsqrt_())

    @torch.no_grad()
    def statistics(self, x: Tensor) -> Statistics:
        """Sums ``p`` (n,) and ``pp`` (n, n) over the patches, and their ``count``; they add up like a layer's."""
        rows = self.rows(x)
        return {"p": rows.sum(0), "pp": rows.T @ rows, "count": rows.new_tensor(float(len(rows)))}

    @torch.no_grad()
    def whiten_(self, statistics: Statistics) -> None:
        """Take mean and ZCA from sums over patches; without ``whiten`` there is nothing to take."""
        if self.whiten is None:
            return
        n = statistics["count"].double()
        mean = statistics["p"].double() / n
        values, vectors = torch.linalg.eigh(statistics["pp"].double() / n - torch.outer(mean, mean))
        values = values.clamp(min=0) + self.whiten
        if not bool(values[0] > 0):
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

    def heard(self, yx: Tensor, y: Tensor) -> Tensor:
        """The sum of y x~' of whitened rows from the sums of y x' and y."""
        return yx if self.whiten is None else (yx - torch.outer(y, self.mean)) @ self.P

    def second_moment(self, statistics: Statistics) -> Tensor:
        """<x~ x~'> of the patches that the sums are over, (n, n)."""
        p, pp, n = statistics["p"], statistics["pp"], statistics["count"]
        if self.whiten is None:
            return pp / n
        return self.heard(self.heard(pp, p).T, self.P @ (p - n * self.mean)) / n

    def _check_prepared(self) -> None:
        if not bool(self.count > 0):
            raise InputError("whitening knows no patches yet; call prepare_(images) once before")


def _pair(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
