"""Convolutional similarity matching in scikit-learn's manner: images in, features out."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from math import isqrt, prod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from .._errors import DivergenceError, InputError
from .._optional import require
from .._random import Seed, generator
from .._schema import Stored
from .._values import DEVICE, NONNEGATIVE, NOTHING, OneOf, Several, Whole
from ..circuit import Step
from ..networks import convolutional_similarity
from ._admit import validate_data
from ._estimator import Estimator, check_is_fitted
from ._labels import admit_labels, merged, one_hot, pack_classes

if TYPE_CHECKING:
    from ..display import System
    from ..nn import ConvSimilarityMatching

#: outputs before pooling that are computed at once
PIECE = 1 << 22
#: images that whitening and the size of the first weights are taken from
SURVEY = 1000

#: of an image
SIDES = ("channels", "height", "width")


class ConvSimilarityMatchingTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """Pooled feature maps of images, from filters that local rules learn.

    ``min_{Y >= 0} |X'X - Y'Y|^2`` over all patches x of all images: at each position
    ``y = argmin_{y >= 0} y'My - 2 y'W x + 2 l1 |y|_1``; after each batch ``W += 2 eta (<y x'> - W)``,
    ``M += (eta/tau) (<y y'> - M)``. With ``alpha`` the class of the image drives y too, while the layer learns.

    Parameters
    ----------
    n_components : int, number of filters
    kernel_size, stride, padding : int or pair, as in :class:`torch.nn.Conv2d`; a kernel larger than the image is cut
    contrast : float, optional; patches less their mean, over ``sqrt(variance + contrast)``
    whiten : float, optional; patches ZCA-whitened, this added to the eigenvalues of their covariance
    alpha : float >= 0, weight of class labels y (-1: none); 0 does not look at y
    pool : "max" over ``pool_size x pool_size`` squares, "sum" over ``pool_size x pool_size`` parts that cover the map
        (2: quadrants), or None for every position
    pool_size : int
    image_shape : (height, width) or (channels, height, width) of images that come as rows; None takes a row for a
        square grey image, or for a line of pixels if it is not square. Channels come first, also in images that do not
        come as rows: what looks like (height, width, channels) is refused, unless ``image_shape`` says otherwise
    eta0, decay : learning rate eta_t = eta0 / (1 + decay t), t counts batches
    tau, l1 : laterals learn at eta / tau; threshold of the outputs
    iterations : int, of settling
    n_epochs : int, passes of ``fit``; 0 leaves the filters as drawn, to compare with
    batch_size, shuffle : samples a step; whether ``fit`` visits them in random order, anew each pass
    device : str, of PyTorch
    random_state : int, Generator, RandomState or None

    Attributes
    ----------
    network_ : :class:`similis.nn.ConvSimilarityMatching`
    components_ : (n_components, channels, height, width) what the neurons weigh pixels with, W_i / M_ii
    classes_ : with ``alpha``
    history_ : list of the objective at every step
    n_samples_seen_ : int
    circuit_ : its equations

    References
    ----------
    Bahroun, Sridharan, Acharya, Chklovskii & Sengupta 2023 (arXiv 2308.02427).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from similis import ConvSimilarityMatchingTransformer
    >>> images = load_digits().images / 16
    >>> ConvSimilarityMatchingTransformer(16, kernel_size=3, random_state=0).fit_transform(images).shape
    (1797, 144)
    """

    beside_x: ClassVar[str | None] = None
    _free = Estimator._free | {"eta0", "decay", "batch_size"}
    network_: ConvSimilarityMatching
    history_: list[float]

    _allowed: ClassVar = {
        "kernel_size": (Whole(1), Several(Whole(1), (2,))), "stride": (Whole(1), Several(Whole(1), (2,))),
        "padding": (Whole(0), Several(Whole(0), (2,))), "contrast": (NONNEGATIVE, NOTHING),
        "whiten": (NONNEGATIVE, NOTHING), "alpha": (NONNEGATIVE,), "pool": (OneOf(("max", "sum")), NOTHING),
        "pool_size": (Whole(1),), "image_shape": (Several(Whole(1), (2, 3)), NOTHING), "l1": (NONNEGATIVE,),
        "iterations": (Whole(1, 10_000),), "n_epochs": (Whole(0),), "batch_size": (Whole(1),), "device": (DEVICE,),
    }  # fmt: skip

    def __init__(
        self, n_components: int = 32, *, kernel_size: int | tuple[int, int] = 5, stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0, contrast: float | None = None, whiten: float | None = None,
        alpha: float = 0.0, pool: str | None = "max", pool_size: int = 2, image_shape: tuple[int, ...] | None = None,
        eta0: float = 0.1, decay: float = 0.02, tau: float = 0.5, l1: float = 0.0, iterations: int = 20,
        n_epochs: int = 1, batch_size: int = 100, shuffle: bool = True, device: str = "cpu", random_state: Seed = None,
    ) -> None:  # fmt: skip
        self.n_components = n_components
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.contrast = contrast
        self.whiten = whiten
        self.alpha = alpha
        self.pool = pool
        self.pool_size = pool_size
        self.image_shape = image_shape
        self.eta0 = eta0
        self.decay = decay
        self.tau = tau
        self.l1 = l1
        self.iterations = iterations
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.device = device
        self.random_state = random_state

    # learning --------------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from images, from the beginning, ``n_epochs`` times.

        Parameters
        ----------
        X : (n, height, width), (n, channels, height, width), or (n, n_features) rows, see ``image_shape``
        y : (n,) class labels, -1 for none; not looked at without ``alpha``
        """
        for name in ("network_", "classes_", "history_", "n_samples_seen_", "image_shape_"):
            self.__dict__.pop(name, None)
        return self._learn(X, y, self.n_epochs, self.shuffle)

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Go on learning from images, once, in their order.

        The first images that are not constant give whitening and the size of the first weights.
        """
        return self._learn(X, y, 1, False)

    def _learn(self, X: Any, y: Any, epochs: int, shuffle: bool) -> Self:
        torch = require("torch", extra="torch")
        from ..nn.admit import check_device

        check_device(self.device)
        first = not hasattr(self, "network_")
        images, rng = self._admit(X, reset=first), generator(self.random_state)
        step, size = Step(self.eta0, self.decay), self.batch_size
        y = admit_labels(y, X, type(self).__name__) if self.alpha else None
        if first:
            dtype = self._tensor(images[:0]).dtype
            network, history = self._network(images.shape[1:], dtype, int(rng.integers(2**31))), []
        else:
            network, history = deepcopy(self.network_), list(self.history_)
        if network.fresh:
            some = np.linspace(0, len(images) - 1, min(len(images), SURVEY)).round().astype(int)
            network.prepare_(self._tensor(images[some]))
        classes, labels = (None, None) if y is None else self._hear(network, y)
        for epoch in range(0 if network.fresh else epochs):  # images that are constant teach nothing
            order = rng.permutation(len(images)) if shuffle else np.arange(len(images))
            for start in range(0, len(images), size):
                chosen = order[start : start + size]
                x = self._tensor(images[chosen])
                heard = None if labels is None else torch.as_tensor(labels[chosen])
                try:
                    history.append(float(network.learn_(x, heard, eta=step.at(len(history)))))
                except DivergenceError as error:
                    at = f"epoch {epoch + 1}, batch {start // size + 1}, whose first image is row {chosen[0]}"
                    raise DivergenceError(f"{at}: {error}") from error
        self._n_features_out = self._outputs(network)
        self.network_, self.history_ = network, history
        self.n_samples_seen_ = getattr(self, "n_samples_seen_", 0) + epochs * len(images)
        if classes is not None:
            self.classes_ = classes
        return self

    def _hear(self, network: ConvSimilarityMatching, y: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """All classes, and the number of each label's, -1 for none; new classes get columns of V that are zero."""
        torch = require("torch", extra="torch")
        known = getattr(self, "classes_", None)
        classes, V = merged(known, y), network.V
        grown = torch.zeros(len(V), len(classes), dtype=V.dtype, device=V.device)
        if known is not None and len(known):
            grown[:, torch.as_tensor(np.searchsorted(classes, known), device=V.device)] = V
        network.V, L = grown, one_hot(y, classes, np.float32)
        return classes, np.where(L.any(1), L.argmax(1), -1) if len(classes) else None

    def _kernel(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Height and width of the filters on images of this shape."""
        from ..nn.admit import pair

        pads, kernel = pair("padding", self.padding, 0), pair("kernel_size", self.kernel_size)
        room = [size + 2 * pad for size, pad in zip(shape[1:], pads, strict=True)]
        return min(kernel[0], room[0]), min(kernel[1], room[1])

    def _network(self, shape: tuple[int, ...], dtype: Any, seed: int) -> ConvSimilarityMatching:
        from ..nn import ConvSimilarityMatching

        return ConvSimilarityMatching(
            shape[0], self.n_components, self._kernel(shape), stride=self.stride, padding=self.padding,
            contrast=self.contrast, whiten=self.whiten, tau=self.tau, l1=self.l1, iterations=self.iterations, seed=seed,
            alpha=self.alpha, device=self.device, dtype=dtype,
        )  # fmt: skip

    # images ----------------------------------------------------------------------------------------------------------

    def _admit(self, X: Any, *, reset: bool) -> np.ndarray:
        """Images as (n, channels, height, width); their shape is remembered, or must be the one remembered."""
        X = validate_data(self, X, reset=reset, dtype=[np.float64, np.float32], allow_nd=True, order="C")
        if X.ndim == 2:
            images = X.reshape(len(X), *self._shape_of_rows(X.shape[1]))
        elif X.ndim in (3, 4):
            images = X[:, None] if X.ndim == 3 else X
            if reset and tuple(self.image_shape or ()) != images.shape[1:]:
                way_out = f"np.moveaxis(X, -1, 1). If they are channels, give image_shape={images.shape[1:]}"
                _check_channels(images.shape[1:], way_out)
        else:
            raise InputError(f"images of shape {X.shape}; expected (n, height, width) or (n, channels, height, width)")
        if reset:
            self.image_shape_ = images.shape[1:]
        elif images.shape[1:] != self.image_shape_:
            raise InputError(f"images of {images.shape[1:]}; expected {self.image_shape_} as in fit")
        return images if reset and not hasattr(self, "network_") else images.astype(self._dtype(), copy=False)

    def _shape_of_rows(self, n: int) -> tuple[int, ...]:
        if self.image_shape is None:
            return (1, isqrt(n), isqrt(n)) if isqrt(n) ** 2 == n else (1, 1, n)
        shape = tuple(self.image_shape)
        if prod(shape) != n:
            raise InputError(
                f"rows of {n} numbers do not fit image_shape={self.image_shape}; their product must be {n}"
            )
        shape = (1, *shape) if len(shape) == 2 else shape
        _check_channels(shape, f"np.moveaxis(X.reshape(-1, {', '.join(map(str, shape))}), -1, 1)")
        return shape

    def _tensor(self, images: np.ndarray) -> Any:
        torch = require("torch", extra="torch")
        return torch.as_tensor(np.require(images, requirements="W"), device=self.device)

    def _dtype(self) -> np.dtype:
        return self.network_.M.new_zeros(0).cpu().numpy().dtype

    # features --------------------------------------------------------------------------------------------------------

    def transform(self, X: Any) -> np.ndarray:
        """Pooled outputs y >= 0, labels silent: (n, n_features_out), a map of each filter after the other."""
        check_is_fitted(self)
        images = self._admit(X, reset=False)
        return np.concatenate([self._pooled(self.network_, piece) for piece in self._pieces(images)])

    def _pieces(self, images: np.ndarray) -> Iterator[np.ndarray]:
        down, across = self.network_.patches.grid(self._tensor(images[:1]))
        rows = max(1, PIECE // (down * across * max(int(self.n_components), self.network_.patches.size)))
        return (images[start : start + rows] for start in range(0, len(images), rows))

    def _side(self, down: int, across: int) -> tuple[int, int]:
        """Height and width that maps of this size are pooled by."""
        from ..nn.admit import whole

        side = whole("pool_size", self.pool_size)
        return min(side, down), min(side, across)

    def _outputs(self, network: ConvSimilarityMatching) -> int:
        """Numbers in the pooled maps of an image."""
        torch = require("torch", extra="torch")
        down, across = network.patches.grid(torch.empty((1, *self.image_shape_), device="meta"))
        size = self._side(down, across)
        down, across = {"max": (down // size[0], across // size[1]), "sum": size, None: (down, across)}[self.pool]
        return int(self.n_components) * down * across

    def _pooled(self, network: ConvSimilarityMatching, images: np.ndarray) -> np.ndarray:
        torch = require("torch", extra="torch")
        from ..nn import QuadrantPool2d

        y = network(self._tensor(images))
        size = self._side(*y.shape[2:])
        if self.pool == "max":
            y = torch.nn.functional.max_pool2d(y, size)
        elif self.pool == "sum":
            y = QuadrantPool2d(size)(y)
        return y.flatten(1).cpu().numpy()

    @property
    def components_(self) -> np.ndarray:
        check_is_fitted(self)
        return (self.network_.filters() / self.network_.M.diagonal()[:, None, None, None]).cpu().numpy()

    @property
    def circuit_(self) -> System:
        check_is_fitted(self)
        return convolutional_similarity(int(self.n_components))

    def score(self, X: Any, y: None = None) -> float:
        """How much of the similarities of patches is kept, 1 - |X'X - Y'Y|^2 / |X'X|^2; 1 is perfect."""
        check_is_fitted(self)
        sums: dict[str, Any] = {}
        for piece in self._pieces(self._admit(X, reset=False)):
            x = self._tensor(piece)
            more, heard = self.network_.statistics(x, self._silent(len(x))), self.network_.patches.statistics(x)
            more["xx"] = heard["count"] * self.network_.patches.second_moment(heard)
            sums = {name: sums[name] + more[name] for name in more} if sums else more
        square = {name: float(sums[name].double().square().sum()) for name in ("xx", "post.x", "ZZ")}
        return (2 * square["post.x"] - square["ZZ"]) / square["xx"] if square["xx"] > 0 else 1.0

    def _silent(self, n: int) -> Any | None:
        torch = require("torch", extra="torch")
        return torch.full((n,), -1) if self.network_.V.shape[1] else None

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_n_features_out")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.required = bool(self.alpha)
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    # persistence -----------------------------------------------------------------------------------------------------

    def _pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        check_is_fitted(self)
        arrays = {name: tensor.cpu().numpy() for name, tensor in self.network_.state_dict().items()}
        arrays["history_"] = np.array(self.history_, float)
        meta = {key: getattr(self, key) for key in ("n_features_in_", "n_samples_seen_")}
        meta["image_shape_"] = dict(zip(SIDES, self.image_shape_, strict=True))
        meta |= {"classes": pack_classes(self.classes_)} if hasattr(self, "classes_") else {}
        return arrays, meta

    def _unpack(self, file: Stored) -> None:
        torch = require("torch", extra="torch")
        shape = file.part("image_shape_")
        self.image_shape_ = tuple(shape.integer(side, 1) for side in SIDES)
        self.classes_ = file.labels("classes") if self.alpha else np.empty(0)
        patch = prod(self._kernel(self.image_shape_)) * self.image_shape_[0]
        white, k = 0 if self.whiten is None else patch, int(self.n_components)
        shapes: dict[str, tuple[int, ...]] = {"W": (k, patch), "M": (k, k), "V": (k, len(self.classes_))}
        shapes |= {"patches.mean": (white,), "patches.P": (white, white), "patches.count": ()}
        arrays = {name: torch.from_numpy(file.array(name, *shape)) for name, shape in shapes.items()}
        self.network_ = self._network(self.image_shape_, arrays["M"].dtype, 0)
        self.network_.V = arrays["V"]
        self.network_.load_state_dict(arrays)
        self.network_.refuse_unsound()
        if not self.alpha:
            del self.classes_
        self.n_features_in_, self.n_samples_seen_ = file.integer("n_features_in_", 1), file.integer("n_samples_seen_")
        history = file.array("history_", "steps", dtype=np.float64, largest=np.inf)
        self.history_, self._n_features_out = history.tolist(), self._outputs(self.network_)
        Step(self.eta0, self.decay)


def _check_channels(shape: tuple[int, ...], instead: str) -> None:
    """Refuse an image shape that looks like (height, width, channels)."""
    channels, height, width = shape
    if width in (1, 3, 4) and channels > 4 and height > 4:
        raise InputError(
            f"images of {channels} channels, {height} x {width} pixels, look like images of {channels} x {height} "
            f"pixels whose channels come last; put them first: {instead}"
        )
