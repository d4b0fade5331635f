"""A convolutional layer that learns in several processes, and ends with the weights of one.

    torchrun --nproc-per-node 2 examples/torchrun_conv.py
    torchrun --nproc-per-node 1 examples/torchrun_conv.py      # the same numbers

Every process settles its share of a batch of digits; one all_reduce a step adds up what the rules read. On several
machines start it with torchrun's --nnodes and --rdzv-endpoint; with GPUs say "nccl" and move layer and images there.
"""

from __future__ import annotations

import time

import torch
from torch import distributed as dist

from similis.circuit import Step
from similis.datasets import load_digits
from similis.nn import ConvSimilarityMatching, all_reduce, share


def main() -> None:
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    X, _ = load_digits()
    images = torch.from_numpy(X).float().view(-1, 1, 8, 8) / X.max()
    layer, step, start = ConvSimilarityMatching(1, 16, 5), Step(0.05, 0.01), time.perf_counter()
    layer.prepare_(images[:500])  # the same in every process
    for epoch in range(10):
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(epoch))
        for t, chosen in enumerate(order.split(128), start=epoch * -(-len(images) // 128)):
            layer.learn_(images[share(chosen)], eta=step.at(t), reduce=all_reduce)
    if dist.get_rank() == 0:
        seconds, objective = time.perf_counter() - start, float(layer.objective(images))
        world = dist.get_world_size()
        print(f"{world} process{'es' * (world > 1)}: objective {objective:.4f}, {seconds:.1f} s")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
