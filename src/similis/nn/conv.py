"""Convolutional similarity matching: patches are samples, filters and laterals are shared over positions."""

from __future__ import annotations

import torch
from torch import Tensor

from .._errors import ModelFileError
from .admit import admit, typical
from .layer import Layer, Statistics
from .patches import Patches, Size


class ConvSimilarityMatching(Layer):
    """Feature maps as similar as the patches of images are, learned by local rules.

    ``min_{Y >= 0} |X'X - Y'Y|^2`` over all patches x of all images: at each position
    ``y = argmin_{y >= 0} y'My - 2 y'W x + 2 l1 |y|_1``, then ``dW = 2 eta (<y x'> - W)``,
    ``dM = (eta/tau) (<y y'> - M)``, averages over images and positions.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding : int or pair of ints, as in :class:`torch.nn.Conv2d`
    contrast : float, optional
        Every patch less its mean, over ``sqrt(variance + contrast)``.
    whiten : float, optional
        Patches less their mean over the data and ZCA-whitened, this added to the eigenvalues of their covariance. Call
        :meth:`prepare_` with images first.
    tau, l1, iterations, tolerance, seed, device, dtype : as in :class:`similis.nn.SimilarityMatching`

    Shapes: (batch, in_channels, height, width) to (batch, out_channels, height', width').

    References
    ----------
    Bahroun, Sridharan, Acharya, Chklovskii & Sengupta 2023 (arXiv 2308.02427); Coates, Lee & Ng 2011 for contrast and
    whitening of patches.

    Examples
    --------
    >>> import torch
    >>> from similis.nn import ConvSimilarityMatching
    >>> layer, x = ConvSimilarityMatching(1, 16, 5), torch.rand(10, 1, 28, 28)
    >>> before = layer.learn_(x, eta=0.05)
    >>> layer(x).shape
    torch.Size([10, 16, 24, 24])
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Size, *, stride: Size = 1, padding: Size = 0,
        contrast: float | None = None, whiten: float | None = None, tau: float = 0.5, l1: float = 0.0,
        iterations: int = 20, tolerance: float = 0.0, seed: int = 0, device: torch.device | str | None = None,
        dtype: torch.dtype | None = None, n_classes: int = 0, alpha: float = 0.0,
    ) -> None:  # fmt: skip
        patches = Patches(
            in_channels, kernel_size, stride=stride, padding=padding, contrast=contrast, whiten=whiten, device=device,
            dtype=dtype,
        )  # fmt: skip
        super().__init__(
            patches.size, out_channels, n_classes=n_classes, alpha=alpha, tau=tau, l1=l1, iterations=iterations,
            tolerance=tolerance, seed=seed, device=device, dtype=dtype,
        )  # fmt: skip
        self.patches = patches

    def survey(self, x: Tensor) -> Statistics:
        return self.patches.statistics(typical(admit(x, self.W)))

    def _begin(self, sums: Statistics) -> Tensor:
        self.patches.whiten_(sums)
        return self.patches.second_moment(sums).trace()

    def filters(self) -> Tensor:
        """(out_channels, in_channels, height, width) what the neurons weigh pixels with, whitening included."""
        p = self.patches
        return p.seen(self.W)[0].view(len(self.W), p.in_channels, *p.kernel_size)

    def _hear(self, x: Tensor) -> tuple[Tensor, int]:
        rows = self.patches.rows(x)
        return rows, len(rows) // max(len(x), 1)

    def _fold(self, Y: Tensor, x: Tensor) -> Tensor:
        return Y.view(len(x), *self.patches.grid(x), len(self.W)).permute(0, 3, 1, 2)

    def _drive(self, rows: Tensor) -> Tensor:
        F, _ = self.patches.seen(self.W)
        return self.patches.centred(rows) @ F.T

    def _correlate(self, Y: Tensor, rows: Tensor) -> Tensor:
        return self.patches.heard(Y.T @ self.patches.centred(rows))

    def refuse_unsound(self) -> None:
        super().refuse_unsound()
        if self.patches.whiten is not None and bool(self.patches.count > 0):
            constant = self.patches.seen(self.W)[1]
            if constant is not None and not bool(constant.isfinite().all()):
                raise ModelFileError("the drive of an image that is 0 is no number: W, P and mean are too large")

    def extra_repr(self) -> str:
        return super().extra_repr().split(", ", 1)[1]


class SupervisedConvSimilarityMatching(ConvSimilarityMatching):
    """Feature maps that keep the similarities of patches and of the classes of their images.

    ``min_{Y >= 0} |X'X + alpha L' C_ll^-1 L - Y'Y|^2``: the label of the image drives all its positions through V,
    while the layer learns (``learn_(x, labels, eta=...)``); forward is without labels.

    Parameters
    ----------
    in_channels, out_channels, kernel_size : as in :class:`ConvSimilarityMatching`
    n_classes : int
    alpha : float >= 0
        Weight of the labels beside the patches' mean squared norm, in its units; large alpha draws the outputs of
        learning away from those without the label.
    stride, padding, contrast, whiten, tau, l1, iterations, tolerance, seed, device, dtype : likewise

    References
    ----------
    Bahroun, Sridharan, Acharya, Chklovskii & Sengupta 2023 (arXiv 2308.02427).
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Size, n_classes: int, *, alpha: float = 0.1,
        stride: Size = 1, padding: Size = 0, contrast: float | None = None, whiten: float | None = None,
        tau: float = 0.5, l1: float = 0.0, iterations: int = 20, tolerance: float = 0.0, seed: int = 0,
        device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride=stride, padding=padding, contrast=contrast, whiten=whiten,
            tau=tau, l1=l1, iterations=iterations, tolerance=tolerance, seed=seed, device=device, dtype=dtype,
            n_classes=n_classes, alpha=alpha,
        )  # fmt: skip
