"""Learning from Dask collections: the same weights as one process, whatever happens to the workers."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import numpy as np
import pytest
from tests.laws.compare import gap

from similis import (
    CircuitTransformer,
    FlexibleSimilarityMatching,
    ManifoldTiling,
    NonnegativeSimilarityMatching,
    OnlineCCA,
    SimilarityMatching,
    SupervisedSimilarityMatching,
    load,
    save,
)
from similis._errors import InputError, ModelFileError
from similis.circuit import Box, Channel, Circuit, Gram, Neuron, State, init
from similis.engine import batch
from similis.estimators.persist import load_with_progress

WHY = "Dask or PyTorch is not installed: pip install 'similis[torch,distributed]'"
pytest.importorskip("torch", reason=WHY)
dask = pytest.importorskip("dask", reason=WHY)
da = pytest.importorskip("dask.array", reason=WHY)
distributed = pytest.importorskip("distributed", reason=WHY)

from similis.distributed import fit, transform  # noqa: E402

ROWS, BLOCK, ROUND, EPOCHS, TOLERANCE = 600, 130, 100, 3, 1e-6
rng = np.random.default_rng(0)
X = np.abs(rng.standard_normal((ROWS, 3)) @ rng.standard_normal((3, 12)) + 0.3 * rng.standard_normal((ROWS, 12)))
Y = X[:, :5] + rng.standard_normal((ROWS, 5))
LABELS = np.where(np.arange(ROWS) % 5 == 0, -1, X[:, 0] > np.median(X[:, 0]))
TWO = Circuit("two", 3, (Channel("a"), Channel("b", leak=0.1)), Gram(1.0), Neuron(Box.nonnegative()))
SEED = {"n_epochs": EPOCHS, "random_state": 0}
KINDS = {
    "psp": (SimilarityMatching(4, eta0=0.2, **SEED), (X,)),
    "nsm": (NonnegativeSimilarityMatching(5, l1=0.01, **SEED), (X,)),
    "tiling": (ManifoldTiling(6, **SEED), (X,)),
    "cca": (OnlineCCA(3, **SEED), (X, Y)),
    "adaptive": (OnlineCCA(3, rank="adaptive", **SEED), (X, Y)),
    "supervised": (SupervisedSimilarityMatching(5, **SEED), (X, LABELS)),
    "own": (CircuitTransformer(TWO, **SEED), ({"a": X, "b": Y},)),
}


def cut(data):
    """The same data in Dask's blocks."""
    if isinstance(data, dict):
        return {name: cut(rows) for name, rows in data.items()}
    return da.from_array(data, chunks=(BLOCK, *data.shape[1:]))


def alone(name: str) -> State:
    """One process, all rows at hand: the batch engine on streams scaled by their exact moments."""
    estimator, data = KINDS[name]
    streams = data[0] if isinstance(data[0], dict) else {"x": X}
    streams = streams | ({"y": Y} if isinstance(estimator, OnlineCCA) else {})
    center = estimator.center
    scaled = {c: S - S.mean(0) if center else S for c, S in streams.items()}
    if isinstance(estimator, OnlineCCA):  # whose columns are brought to one size first
        scaled = {c: S / (S**4).mean(0) ** 0.25 for c, S in scaled.items()}
    scaled = {c: S / np.sqrt((S * S).sum(1).mean()) for c, S in scaled.items()}
    if name == "supervised":
        scaled = {"x": scaled["x"], "label": (LABELS[:, None] == [0, 1]).astype(float)}
    dims = {c: S.shape[1] for c, S in scaled.items()}
    circuit = estimator._circuit(dims)
    state = init(circuit, dims, 0, gain=estimator._gain(dims))
    circuit = replace(circuit, step=replace(circuit.step, decay=circuit.step.decay / ROUND))  # a round is a step
    for _ in range(EPOCHS):
        _, state = batch.run(circuit, state, scaled, batch=ROUND)
    return state


def weights_gap(found: State, expected: State) -> float:
    assert found.t == expected.t
    return max(gap(found.arrays[name], array) for name, array in expected.arrays.items())


def fresh(name: str):
    estimator, data = KINDS[name]
    return type(estimator)(**estimator.get_params(deep=False)), data


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes, restarted when they die; work that kills two of them is given up."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True) as two,
        distributed.Client(two, set_as_default=False) as client,
    ):
        yield client


@pytest.mark.parametrize("name", KINDS)
def test_rounds_are_batches_of_one_process(name, tmp_path):
    model, data = fresh(name)
    assert fit(model, *map(cut, data), round_rows=ROUND) is model
    assert weights_gap(model.state_, alone(name)) < TOLERANCE
    save(model, tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    rows = {c: S[:50] for c, S in data[0].items()} if isinstance(data[0], dict) else data[0][:50]
    np.testing.assert_array_equal(again.transform(rows), model.transform(rows))
    if not isinstance(rows, dict):
        again.partial_fit(*(part[:50] for part in data))
        assert again.n_samples_seen_ == EPOCHS * ROWS + 50


@pytest.mark.parametrize("name", ["psp", "cca"])
def test_two_processes_give_the_weights_of_one(name, cluster):
    model, data = fresh(name)
    fit(model, *map(cut, data), round_rows=ROUND, client=cluster)
    assert weights_gap(model.state_, alone(name)) < TOLERANCE
    Z = transform(model, cut(data[0]))
    assert Z.chunks[0] == cut(X).chunks[0]
    np.testing.assert_allclose(cluster.compute(Z).result(), model.transform(data[0]), atol=1e-12)


def test_a_killed_worker_costs_time_only(cluster, monkeypatch):
    model, (rows,) = fresh("psp")
    victim = next(iter(cluster.run(os.getpid).values()))
    step, steps = SimilarityMatching._advance, iter(range(10))

    def advance(self, found, eta):
        if next(steps, None) == 7:  # in the second of three passes
            os.kill(victim, signal.SIGKILL)
        step(self, found, eta)

    monkeypatch.setattr(SimilarityMatching, "_advance", advance)
    fit(model, cut(rows), round_rows=ROUND, client=cluster)
    assert next(steps, None) is None
    assert victim not in cluster.run(os.getpid).values()
    assert weights_gap(model.state_, alone("psp")) < TOLERANCE


def test_a_block_that_kills_every_worker_stops_the_fit_and_it_resumes(cluster, tmp_path):
    read, kept = tmp_path / "read", tmp_path / "kept.safetensors"

    def deadly(block, block_info=None):
        if block_info[0]["chunk-location"][0] == 3:
            with read.open("a") as file:
                file.write(".")
            if read.stat().st_size > 2:  # once for the moments, once in the first pass
                os._exit(1)
        return block

    bad = cut(X).map_blocks(deadly, dtype=X.dtype, meta=np.zeros((0, 0)))
    model, _ = fresh("psp")
    with pytest.raises(distributed.scheduler.KilledWorker) as caught:
        fit(model, bad, round_rows=ROUND, checkpoint=kept, client=cluster)
    (note,) = caught.value.__notes__
    assert "stopped in round 10 of 18" in note
    assert "kept.safetensors: fit again with resume=True" in note
    assert load_with_progress(kept)[1]["rounds"] == 9
    read.unlink()
    again = fit(fresh("psp")[0], bad, round_rows=ROUND, checkpoint=kept, resume=True, client=cluster)
    assert weights_gap(again.state_, alone("psp")) < TOLERANCE


@pytest.mark.parametrize("other", [lambda X: X[:, :-1], lambda X: np.hstack([X, X])])
def test_a_checkpoint_of_other_columns_is_refused(tmp_path, other):
    kept, (model, data) = tmp_path / "kept.safetensors", fresh("cca")
    fit(model, *map(cut, data), round_rows=ROUND, checkpoint=kept)
    for changed in ([other(data[0]), data[1]], list(map(other, data))):
        with pytest.raises(InputError, match="Resume with the same data"):
            fit(fresh("cca")[0], *map(cut, changed), round_rows=ROUND, checkpoint=kept, resume=True)


@pytest.mark.parametrize("rounds", [-1, 10**6, "3", 2.0, None])
def test_a_checkpoint_of_no_number_of_rounds_is_refused(tmp_path, rounds):
    kept, (model, data) = tmp_path / "kept.safetensors", fresh("cca")
    fit(model, *map(cut, data), round_rows=ROUND, checkpoint=kept)
    _, progress = load_with_progress(kept)
    save(model, kept, force=True, progress=progress | {"rounds": rounds})
    with pytest.raises(ModelFileError, match="rounds"):
        fit(fresh("cca")[0], *map(cut, data), round_rows=ROUND, checkpoint=kept, resume=True)


def test_a_broken_fit_resumes_bit_for_bit(tmp_path, monkeypatch):
    kept, (model, data) = tmp_path / "kept.safetensors", fresh("cca")
    whole = fit(fresh("cca")[0], *map(cut, data), round_rows=ROUND)
    step, steps = OnlineCCA._advance, iter(range(7))

    def advance(self, found, eta):
        if next(steps, None) is None:
            raise KeyboardInterrupt
        step(self, found, eta)

    with monkeypatch.context() as patch:
        patch.setattr(OnlineCCA, "_advance", advance)
        with pytest.raises(KeyboardInterrupt):
            fit(model, *map(cut, data), round_rows=ROUND, checkpoint=kept)
    assert model.n_samples_seen_ == 7 * ROUND
    fit(model, *map(cut, data), round_rows=ROUND, checkpoint=kept, resume=True)
    assert model.state_ == whole.state_
    np.testing.assert_array_equal(model.output_eigenvalues_, whole.output_eigenvalues_)
    done = fit(fresh("cca")[0], *map(cut, data), round_rows=ROUND, checkpoint=kept, resume=True)  # nothing is left
    assert done.state_ == whole.state_
    with pytest.raises(InputError, match=r"exists\. Say resume=True"):
        fit(model, *map(cut, data), round_rows=ROUND, checkpoint=kept)
    with pytest.raises(InputError, match="of another fit"):
        fit(OnlineCCA(2), *map(cut, data), round_rows=ROUND, checkpoint=kept, resume=True)


def test_columns_keep_their_names_over_a_cluster_s_rows_and_a_checkpoint(tmp_path):
    pd, dd = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((60, 4)), columns=list("abcd"))
    Y = pd.DataFrame(X[list("abc")].to_numpy() + rng.standard_normal((60, 3)), columns=list("pqr"))
    kept, (x, y, other) = tmp_path / "kept.safetensors", (dd.from_pandas(A, 2) for A in (X, Y, Y[list("rqp")]))
    model = fit(OnlineCCA(2, random_state=0), x, y, round_rows=20, checkpoint=kept)
    assert list(model.feature_names_in_y_) == list("pqr")
    with pytest.raises(InputError, match="another order"):
        model.score(X, Y[list("rqp")])
    with pytest.raises(InputError, match="learned from columns"):
        fit(OnlineCCA(2, random_state=0), x, other, round_rows=20, checkpoint=kept, resume=True)
    before = model.x_components_.copy()
    with pytest.raises(InputError):
        fit(model, x, None, round_rows=20)
    np.testing.assert_array_equal(model.x_components_, before)
    with pytest.raises(InputError, match="eta0="):
        model.set_params(eta0=0.2).transform(X)


def test_rounds_end_at_the_exact_correlations():
    model = OnlineCCA(3, tau=1.0, n_epochs=120, trace_every=150, random_state=0)
    fit(model, da.from_array(X), da.from_array(Y), round_rows=ROUND)
    exact = OnlineCCA(3, solver="exact").fit(X, Y)
    np.testing.assert_allclose(model.canonical_correlations_, exact.canonical_correlations_, atol=0.03)
    np.testing.assert_allclose(model.output_eigenvalues_, exact.output_eigenvalues_, atol=0.05)  # of the last rows
    assert model.average_ is not None
    assert model.history_["n_samples"][:3] == [200, 300, 500]


def test_a_dataframe_brings_its_names():
    dd, pd = pytest.importorskip("dask.dataframe"), pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    frame["class"] = np.where(LABELS == 0, "left", "right")
    table = dd.from_pandas(frame, npartitions=4)
    model = fit(SupervisedSimilarityMatching(4, random_state=0), table.drop(columns="class"), table["class"])
    assert model.feature_names_in_.tolist() == frame.columns[:-1].tolist()
    assert model.classes_.tolist() == ["left", "right"]
    Z = transform(model, table.drop(columns="class")).compute()
    whole = model.transform(frame.drop(columns="class"))
    np.testing.assert_allclose(Z, whole, atol=1e-10 * np.abs(whole).max())  # products of a partition and of all rows


@pytest.mark.parametrize("kept", [slice(0, 0), slice(0, 30), slice(-30, None)])
def test_partitions_without_rows_have_no_outputs(kept):
    dd, pd = pytest.importorskip("dask.dataframe"), pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    model = SimilarityMatching(2, random_state=0).fit(frame)
    Z = model.transform(frame)[kept]
    frame["kept"] = np.isin(np.arange(len(frame)), np.arange(len(frame))[kept])
    table = dd.from_pandas(frame, npartitions=4)
    found = transform(model, table[table["kept"]].drop(columns="kept")).compute()
    np.testing.assert_allclose(found, Z, atol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_none_is_named_by_its_row(bad):
    holed = X.copy()
    holed[417, 3] = bad
    with pytest.raises(InputError, match="row 417 of x holds NaN or infinity"):
        fit(SimilarityMatching(2), cut(holed))


def test_single_precision_stays_single():
    model = fit(NonnegativeSimilarityMatching(4, random_state=0), cut(X.astype(np.float32)), round_rows=ROUND)
    assert model.state_.dtype == np.float32
    assert transform(model, cut(X.astype(np.float32))).compute().dtype == np.float32


@pytest.mark.parametrize(
    ("estimator", "data", "match"),
    [
        (FlexibleSimilarityMatching(2), cut(X), "cannot learn from sums over blocks; expected one of SimilarityM"),
        (SimilarityMatching(2, solver="exact"), cut(X), "solver='exact'; expected 'online'"),
        (SimilarityMatching(2), X, "X is a ndarray; expected a Dask array or dataframe"),
        (SimilarityMatching(2), cut(X[:0]), "0 sample"),
        (SimilarityMatching(20), cut(X), "n_components=20 exceeds n_features=12"),
        (CircuitTransformer(TWO), {"a": cut(X), "b": cut(Y[:9])}, "streams differ in rows"),
        (OnlineCCA(2), cut(X), "Y is a NoneType; expected a Dask array"),
    ],
)
def test_what_cannot_be_learned_says_so(estimator, data, match):
    with pytest.raises((InputError, ValueError), match=match):
        fit(estimator, data)


@pytest.mark.parametrize("name", ["round_rows", "n_epochs", "checkpoint_every"])
def test_counts_are_at_least_one(name):
    with pytest.raises(InputError, match=rf"{name}=0.*expected an integer >= 1"):
        fit(SimilarityMatching(2), cut(X), **{name: 0})
