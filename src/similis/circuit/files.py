"""A circuit as plain data, and back."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from typing import Any

from .._errors import InputError
from .channels import Channel, Synapse
from .domains import Domain
from .laterals import Lateral
from .neurons import Inhibition, Neuron
from .signals import Form
from .spec import Circuit
from .steps import Step

#: the families of which a circuit holds one class each
_FAMILIES: dict[str, type] = {"lateral": Lateral, "domain": Domain, "inhibition": Inhibition}


def to_dict(circuit: Circuit) -> dict[str, Any]:
    """JSON-able data: a choice is its class and its parameters; infinite numbers are None."""
    neuron, step = circuit.neuron, circuit.step
    return {
        "name": circuit.name,
        "size": circuit.size,
        "channels": [_channel(c) for c in circuit.channels],
        "lateral": _choice(circuit.lateral),
        "neuron": {
            "domain": _choice(neuron.domain), "inhibition": _choice(neuron.inhibition),
            "threshold": neuron.threshold, "settles": neuron.settles,
        },
        "step": asdict(step),
    }  # fmt: skip


def from_dict(data: dict[str, Any]) -> Circuit:
    """The circuit; InputError for anything else."""
    try:
        data = dict(data)
        channels = []
        for c in data.pop("channels"):
            post = Form(tuple((str(s), float(v)) for s, v in c["synapse"]["post"].items()))
            channels.append(Channel(**c | {"synapse": Synapse(**c["synapse"] | {"post": post})}))
        neuron = dict(data.pop("neuron"))
        inner = {name: _chosen(name, neuron.pop(name)) for name in ("domain", "inhibition")}
        lateral, step = _chosen("lateral", data.pop("lateral")), Step(**data.pop("step"))
        return Circuit(channels=tuple(channels), lateral=lateral, neuron=Neuron(**inner, **neuron), step=step, **data)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"not the description of a circuit ({error}); expected what Circuit.to_dict() gives"
        ) from error


def _channel(c: Channel) -> dict[str, Any]:
    plain = {name: getattr(c, name) for name in ("name", "drive", "metric", "leak", "lift")}
    return plain | {"synapse": asdict(c.synapse) | {"post": dict(c.synapse.post.terms)}}


def _choice(choice: Any) -> dict[str, Any]:
    values = {field.name: getattr(choice, field.name) for field in fields(choice)}
    plain = {n: None if isinstance(v, float) and math.isinf(v) else v for n, v in values.items()}
    return {"kind": type(choice).__name__} | plain


def _chosen(family: str, data: dict[str, Any]) -> Any:
    """None stands for the class' default, an infinite one."""
    given = {name: value for name, value in data.items() if value is not None}
    return _kinds(_FAMILIES[family])[given.pop("kind")](**given)


def _kinds(family: type) -> dict[str, type]:
    """The classes of a family by name."""
    found = {family.__name__: family}
    inner: type
    for inner in family.__subclasses__():
        found |= _kinds(inner)
    return found
