"""Learning in several processes: each settles its share of a batch, and one all_reduce makes the sums whole."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributed as dist

from .layer import Statistics


def all_reduce(statistics: Statistics, group: dist.ProcessGroup | None = None) -> Statistics:
    """Sums over all processes from the sums of this one, in one message; in a lone process, what was given.

    The sums hold their own count, so that shares may be uneven and even empty. Every process must call it, as often as
    the others: it is the ``reduce`` of :meth:`similis.nn.Layer.learn_`, :func:`similis.nn.train` and
    :func:`similis.engine.batch.run`.

    Parameters
    ----------
    statistics : dict of tensors of one type, by name; as the layers' ``statistics`` return them
    group : process group; None is all processes (``torch.distributed.init_process_group``)
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size(group) == 1:
        return statistics
    names = sorted(statistics)
    whole = torch.cat([statistics[name].reshape(-1) for name in names])
    dist.all_reduce(whole, group=group)
    parts = whole.split([statistics[name].numel() for name in names])
    return {name: part.view_as(statistics[name]) for name, part in zip(names, parts, strict=True)}


def share(batch: Tensor, group: dist.ProcessGroup | None = None) -> Tensor:
    """This process's rows of a batch that every process knows: as many as the others have, or one more."""
    if not (dist.is_available() and dist.is_initialized()):
        return batch
    return batch.tensor_split(dist.get_world_size(group))[dist.get_rank(group)]
