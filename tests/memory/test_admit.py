"""What the room is fed: every numeric type, other units, places far from the origin, and what must be refused."""

from __future__ import annotations

import numpy as np
import pytest

from similis import EmpiricalBayesDenoiser, InContextDenoiser
from similis._errors import DivergenceError, InputError
from similis.memory import (
    AssociativeMemory,
    MixturePrior,
    balance,
    calibrate,
    denoise_images,
    depth,
    horizon,
    james_stein,
    kde_tweedie,
    kernel_mean,
    log_density,
    mean_shift,
    npmle,
    one_step,
    refine,
    retrieve,
    two_stage,
)

RNG = np.random.default_rng(5)
ROWS = RNG.integers(0, 200, (60, 3))

#: every function of rows, in squared units of 1/beta = noise
CATALOGUE = {
    "kernel_mean": lambda x, s: kernel_mean(x, x, 1 / s),
    "dot": lambda x, s: kernel_mean(x, x, 0.01 / s, kernel="dot"),
    "alone": lambda x, s: kernel_mean(x, x, 1 / s, exclude_self=True),
    "refine": lambda x, s: refine(x, 1 / s, 5),
    "two_stage": lambda x, s: two_stage(x, s, beta=1 / s, horizon=s / 2),
    "one_step": one_step,
    "kde_tweedie": lambda x, s: kde_tweedie(x, s, 0.5 / s),
    "mean_shift": lambda x, s: mean_shift(x, 1 / s, 5),
    "james_stein": james_stein,
    "npmle": lambda x, s: npmle(x[:, :1], s, n_iter=20),
    "prior": lambda x, s: MixturePrior(x[:5], 0.0).posterior_mean(x, s),
    "retrieve": lambda x, s: retrieve(x, x[:4], beta=1 / s, kernel="gaussian", n_steps=3),
    "in-context": lambda x, s: InContextDenoiser(s).fit(x).transform(x),
    "linear": lambda x, s: InContextDenoiser(s, attention="linear").fit(x).transform(x),
    "empirical": lambda x, s: EmpiricalBayesDenoiser(s, beta=1 / s, horizon=s / 2).fit(x).transform(x),
}
#: those whose answer moves with the rows
MOVES = [name for name in CATALOGUE if name not in ("dot", "linear")]


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.float16, np.float32, np.longdouble])
def test_the_type_of_the_numbers_does_not_matter(name, dtype):
    low = dtype in (np.float16, np.float32)
    np.testing.assert_allclose(
        CATALOGUE[name](ROWS.astype(dtype), 400.0), CATALOGUE[name](ROWS.astype(float), 400.0),
        atol=0.05 if low else 1e-9,
    )  # fmt: skip


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize(("dtype", "unit"), [(np.float64, 1e-30), (np.float64, 1e30), (np.float64, 1e-8),
                                             (np.float32, 1e-8), (np.float32, 1e8), (np.float32, 1e17)])  # fmt: skip
def test_units_do_not_matter(name, dtype, unit):
    found = CATALOGUE[name]((ROWS * unit).astype(dtype), 400.0 * unit**2) / unit
    atol = 0.02 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(found, CATALOGUE[name](ROWS.astype(float), 400.0), atol=atol)


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize(("dtype", "far"), [(np.float32, 2.0**14), (np.float64, 2.0**40)])
def test_the_origin_does_not_matter(name, dtype, far):
    """Whole numbers, which the type still holds far away."""
    found = CATALOGUE[name]((ROWS + far).astype(dtype), 400.0).astype(float) - far
    np.testing.assert_allclose(found, CATALOGUE[name](ROWS.astype(float), 400.0), atol=0.05 if far < 1e6 else 1e-2)


@pytest.mark.parametrize("engine", ["numpy", "torch"])
@pytest.mark.parametrize(("dtype", "reach"), [(np.float32, 1e5), (np.float64, 1e9)])
def test_distances_keep_their_digits_among_tokens_far_apart(engine, dtype, reach):
    """Pairs of tokens 2 apart, spread over +-reach, noise 1: the mean and density of two, in closed form."""
    if engine == "torch":
        pytest.importorskip("torch")
    middles = np.linspace(-1, 1, 201).round(2) * reach
    tokens = np.concatenate([middles - 1, middles + 1])[:, None].astype(dtype)
    asked = (middles + 0.25)[:, None].astype(dtype)
    np.testing.assert_allclose(
        kernel_mean(asked, tokens, 1.0, engine=engine)[:, 0].astype(float) - middles, np.tanh(0.25), atol=2e-2
    )
    exact = np.log(np.exp(-0.5 * 1.25**2) + np.exp(-0.5 * 0.75**2)) - np.log(402) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(log_density(asked, tokens, 1.0), exact, atol=1e-6)
    model = InContextDenoiser(1.0, engine=engine).fit(tokens)
    assert model.score(asked) == pytest.approx(exact, abs=1e-6)


def test_one_far_row_changes_no_other():
    rows = np.concatenate([ROWS, [[1e60, 0, 0]]])
    for name in ("kernel_mean", "refine", "two_stage", "mean_shift", "in-context", "empirical"):
        np.testing.assert_allclose(CATALOGUE[name](rows, 400.0)[:-1], CATALOGUE[name](ROWS, 400.0), atol=1e-9)


@pytest.mark.parametrize("kind", [InContextDenoiser, EmpiricalBayesDenoiser])
def test_a_cell_too_large_is_named(kind):
    rows = ROWS.astype(float)
    rows[7, 2] = 1e200
    with pytest.raises(InputError, match=r"X\[7, 2\] is 1e\+200"):
        kind(1.0).fit(rows)
    with pytest.raises(InputError, match=r"\[7, 2\] is 1e\+200"):
        kind(400.0).fit(ROWS).transform(rows)


@pytest.mark.parametrize("kernel", ["dot", "gaussian"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, bool, np.float16])
def test_a_memory_of_any_type_has_the_energy_of_its_numbers(kernel, dtype):
    patterns = RNG.integers(0, 250, (8, 30)).astype(dtype)
    memory, s = AssociativeMemory(patterns, 1e-3, kernel=kernel), patterns.astype(float)
    scores = s @ s[0] if kernel == "dot" else -np.square(s - s[0]).sum(1) / 2
    expected = -1e3 * np.log(np.exp(1e-3 * (scores - scores.max())).sum()) - scores.max()
    expected += np.square(s[0]).sum() / 2 if kernel == "dot" else 0
    assert memory.energy(patterns[0]) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(retrieve(patterns, patterns[:2], beta=1e-3, kernel=kernel), memory.step(patterns[:2]))


@pytest.mark.parametrize("kernel", ["dot", "gaussian"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "uint8"])
def test_torch_attention_in_few_digits_is_that_in_many(kernel, dtype):
    torch = pytest.importorskip("torch")
    from similis.memory import GaussianAttentionDenoiser, SoftmaxAttentionDenoiser, TwoStageAttentionDenoiser

    kind = SoftmaxAttentionDenoiser if kernel == "dot" else GaussianAttentionDenoiser
    tokens = torch.tensor(ROWS[None]).to(getattr(torch, dtype))
    exact, query = tokens.double(), tokens[:, :5]
    for module in (kind(3).set_scales(1.0, 4.0), kind(3, scalar=True).set_scales(1.0, 4.0)):
        expected = module.double()(exact, query.double())
        low = module.half() if dtype == "float16" else module.float()
        np.testing.assert_allclose(low(tokens, query).detach().double(), expected.detach(), rtol=1e-2)
    deep = TwoStageAttentionDenoiser(3, beta=0.01, eta=0.5, beta_out=0.02, n_features=3)
    np.testing.assert_allclose(deep(tokens).detach().double(), deep.double()(exact).detach(), rtol=1e-2)


def test_torch_attention_far_from_the_origin():
    torch = pytest.importorskip("torch")
    from similis.memory import GaussianAttentionDenoiser, TwoStageAttentionDenoiser

    middles = np.linspace(-1, 1, 51).round(2) * 1e5
    tokens = torch.tensor(np.concatenate([middles - 1, middles + 1])[None, :, None], dtype=torch.float32)
    asked = torch.tensor((middles + 0.25)[None, :, None], dtype=torch.float32)
    found = GaussianAttentionDenoiser(1).set_scales(1.0, 1.0)(tokens, asked)[0, :, 0].detach().numpy() - middles
    np.testing.assert_allclose(found, np.tanh(0.25), atol=2e-2)
    deep = TwoStageAttentionDenoiser(0, beta=1.0, eta=0.5, beta_out=1.0)
    np.testing.assert_allclose(deep(tokens)[0, :51, 0].detach().numpy() - middles, -np.tanh(1.0), atol=2e-2)


@pytest.mark.parametrize("rows", [
    [[1.0, np.nan]], [[np.inf, 1.0]], [["a", "b"]], [[1j, 2.0]], [1.0, 2.0], np.ones((2, 2, 2)), [[1.0], [2.0, 3.0]],
    np.empty((0, 2)),
], ids=str)  # fmt: skip
def test_rows_that_are_none_are_refused(rows):
    for call in CATALOGUE.values():
        with pytest.raises((InputError, ValueError, TypeError)):
            call(rows, 1.0)
    with pytest.raises(InputError):
        AssociativeMemory(rows, 1.0)


def test_a_mask_is_not_lost():
    with pytest.raises(InputError, match="masked"):
        kernel_mean(np.ma.array(ROWS, mask=ROWS > 190), ROWS, 1.0)


@pytest.mark.parametrize("wrong", [np.nan, -1.0, np.inf, "a", None, 0.0], ids=str)
def test_numbers_out_of_range_are_refused(wrong):
    x = ROWS.astype(float)
    calls = [
        lambda: kernel_mean(x, x, wrong), lambda: log_density(x, x, wrong), lambda: one_step(x, wrong),
        lambda: james_stein(x, wrong), lambda: npmle(x[:, :1], wrong), lambda: kde_tweedie(x, wrong, 1.0),
        lambda: two_stage(x, wrong, beta=1.0, horizon=1.0), lambda: two_stage(x, 1.0, beta=1.0, horizon=1.0, eta=wrong),
        lambda: refine(x, 1.0, 2, wrong), lambda: AssociativeMemory(x, wrong), lambda: balance(x, x, wrong),
        lambda: AssociativeMemory(x, 1.0).step(x, wrong) if wrong is not None else kernel_mean(x, x, wrong),
        lambda: calibrate(x, 1.0, eta=wrong), lambda: denoise_images([x], wrong, patch=2), lambda: horizon(wrong),
        lambda: depth(wrong if wrong != 0 else np.nan, 1.0, 0.1), lambda: MixturePrior(x, 1.0).posterior_mean(x, wrong),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(InputError, match="expected"):
            call()


def test_steps_and_counts_out_of_range_are_refused():
    x = ROWS.astype(float)
    for words in (
        {"step": np.nan},
        {"step": -1.0},
        {"n_steps": -1},
        {"n_steps": 1.5},
        {"tol": np.nan, "n_steps": None},
    ):
        with pytest.raises(InputError, match="expected"):
            retrieve(x, x, beta=1.0, **words)
    with pytest.raises(DivergenceError, match="step"):
        retrieve(x, x, beta=1e-4, step=5.0, n_steps=2000)
    for n_layers in (-1, 2.5):
        with pytest.raises(InputError, match="n_layers"):
            refine(x, 1.0, n_layers)
    with pytest.raises(InputError, match="layers"):
        EmpiricalBayesDenoiser(1e-6, horizon=0.5).fit(x)


def test_pictures_far_from_black_and_in_whole_numbers():
    image = RNG.integers(0, 255, (20, 20))
    plain = denoise_images([image], 100.0, patch=4, random_state=0)[0]
    for same, shift in ((image.astype(np.uint8), 0), (image + 2.0**40, 2.0**40), (image.astype(np.float32), 0)):
        found = denoise_images([same], 100.0, patch=4, random_state=0)[0] - shift
        np.testing.assert_allclose(found, plain, atol=0.01)
