"""What each process of test_distributed.py runs, under torchrun: learn, and store the weights it ends with.

torchrun --nproc-per-node 2 in_processes.py FOLDER
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import distributed as dist

from similis.circuit import init
from similis.engine import batch
from similis.networks import supervised_similarity
from similis.nn import ConvSimilarityMatching, SimilarityMatching, SupervisedConvSimilarityMatching, all_reduce, share

BATCH = 7  # 4 and 3 in two processes
KIND = {"dtype": torch.float64}
LAYERS = {
    "dense": SimilarityMatching(49, 6, **KIND),
    "conv": ConvSimilarityMatching(1, 5, 3, contrast=0.1, **KIND),
    "told": SupervisedConvSimilarityMatching(1, 4, 3, 3, stride=2, padding=1, **KIND),
}

random = torch.Generator().manual_seed(0)
x = torch.rand(43, 1, 7, 7, generator=random, **KIND)  # the last batch has one image: nothing for the second process
labels = torch.randint(-1, 3, (43,), generator=random)


def main(folder: str) -> None:
    dist.init_process_group("gloo")
    rank, found = dist.get_rank(), {}
    for name, layer in LAYERS.items():
        for images, classes in zip(x.split(BATCH), labels.split(BATCH), strict=True):
            mine = share(images).flatten(1) if name == "dense" else share(images)
            heard = (share(classes),) if name == "told" else ()
            layer.learn_(mine, *heard, eta=0.1, reduce=all_reduce)
        found |= {f"{name}.{key}": value.numpy() for key, value in layer.state_dict().items()}

    circuit = supervised_similarity(5)
    rows, one_hot = x[:42].flatten(1).numpy(), np.eye(3)[labels[:42].clamp(min=0).numpy()]
    mine = np.concatenate([share(torch.from_numpy(part)).numpy() for part in np.split(np.arange(42), 6)])
    start = init(circuit, {"x": 49, "label": 3})
    _, state = batch.run(
        circuit, start, {"x": rows[mine], "label": one_hot[mine]}, batch=len(mine) // 6, reduce=all_reduce
    )  # fmt: skip
    assert state.t == 42
    found |= {f"engine.{key}": value for key, value in state.arrays.items()}
    save_file(found, f"{folder}/{rank}.safetensors")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
