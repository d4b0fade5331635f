"""Users side by side leave the process the threads that it had, whoever comes and goes first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier, Thread

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from similis import SimilarityMatching
from similis._threads import one_thread, one_torch_thread


def numbers() -> set[int]:
    """Threads of every BLAS in the process."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        if numbers() != {2}:
            pytest.skip("this BLAS takes no number of threads")
        yield


@pytest.mark.parametrize("leaves_first", [0, 1])
@pytest.mark.usefixtures("two_threads")
def test_the_last_to_leave_restores_blas(leaves_first):
    users = [ExitStack(), ExitStack()]
    for user in users:
        user.enter_context(one_thread())
    users[leaves_first].close()
    assert numbers() == {1}
    users[1 - leaves_first].close()
    assert numbers() == {2}
    with pytest.raises(RuntimeError), one_thread(), one_thread():
        raise RuntimeError
    assert numbers() == {2}


@pytest.mark.usefixtures("two_threads")
def test_fits_in_threads_leave_blas_as_it_was():
    X = np.random.default_rng(0).standard_normal((300, 40))
    together = Barrier(4)

    def fit(seed: int) -> None:
        for _ in range(10):
            together.wait()
            SimilarityMatching(3, random_state=seed).fit(X)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fit, range(4)))
    assert numbers() == {2}


def test_torch_side_by_side_nested_and_in_threads_yet_to_come():
    torch = pytest.importorskip("torch")
    before, found = torch.get_num_threads(), {}
    torch.set_num_threads(2)
    inside, left = Barrier(2), Barrier(2)

    def beside() -> None:
        with one_torch_thread(torch):
            inside.wait()
            found["beside"] = torch.get_num_threads()
            left.wait()
        found["after"] = torch.get_num_threads()

    try:
        other = Thread(target=beside)
        with one_torch_thread(torch):
            other.start()
            inside.wait()
            with one_torch_thread(torch):
                pass
            assert torch.get_num_threads() == 1  # still in the outer one
        assert torch.get_num_threads() == 2
        left.wait()
        other.join()
        late = Thread(target=lambda: found.update(late=torch.get_num_threads()))
        late.start()
        late.join()
        assert found == {"beside": 1, "after": 2, "late": 2}
    finally:
        torch.set_num_threads(before)
