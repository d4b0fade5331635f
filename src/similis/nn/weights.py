"""The weights of a circuit as buffers of a module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from .._errors import InputError
from ..circuit import Circuit, State
from .admit import check_type


class Weights(nn.Module):
    """A module that holds the arrays of a circuit's state; base of the layers."""

    M: Tensor
    _circuit: Circuit | None
    #: buffers of arrays that are not called as the array is
    _called: ClassVar[dict[str, str]] = {}

    def _hold(
        self, arrays: Mapping[str, Tensor], owners: Mapping[str, str], device: torch.device | str | None,
        dtype: torch.dtype | None,
    ) -> None:  # fmt: skip
        """Keep weights, by their names in ``State.arrays``, as buffers; ``owners`` of each channel's."""
        dtype = dtype or torch.get_default_dtype()
        check_type(dtype)
        self._arrays = {name: self._called.get(name, name.replace(".", "_")) for name in arrays}
        for name, buffer in self._arrays.items():
            self.register_buffer(buffer, arrays[name].to(device, dtype))
        self._owners = dict(owners)
        #: steps that were shortened, see :meth:`apply_`
        self.n_damped = 0

    @property
    def circuit(self) -> Circuit:
        """The circuit that the layer runs."""
        assert self._circuit is not None
        return self._circuit

    @property
    def weights(self) -> dict[str, Tensor]:
        """The layer's weights by their names in ``State.arrays``, as they are: to change one changes the layer."""
        return {name: getattr(self, buffer) for name, buffer in self._arrays.items()}

    @property
    def state(self) -> State:
        """The weights as a state of the engines, in its own memory."""
        return State.of({name: tensor.detach().cpu().numpy().copy() for name, tensor in self.weights.items()})

    def _weight(self, name: str) -> Tensor:
        """The weights that a channel uses."""
        return getattr(self, self._arrays[f"W.{self._owners[name]}"])


def by_channel(circuit: Circuit, sizes: int | Mapping[str, int]) -> dict[str, int]:
    """One size for all channels, or a dict of them, as a dict in the circuit's order."""
    named = dict(sizes) if isinstance(sizes, Mapping) else dict.fromkeys(circuit.names, sizes)
    if set(named) != set(circuit.names):
        raise InputError(f"sizes of channels {sorted(named)}; circuit {circuit.name!r} hears {circuit.names}")
    return {name: named[name] for name in circuit.names}
