"""Tables, splits, coordinates, kernel regression against the obvious solve, intervals, networks and screening."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch", reason="the networks are PyTorch's")

import torch

from similis._errors import InputError
from similis.superconductor import ELEMENTS, composition, folds, fractions, known, novelty, supercon, table
from similis.superconductor.conformal import Errors
from similis.superconductor.features import GROUP_KINDS, N_DESCRIPTORS, Coordinates, table_image, tokens
from similis.superconductor.model import Ensemble, mean
from similis.superconductor.recall import N_CURVED, Kernel, Recall
from similis.superconductor.screen import grid, screen, spell
from similis.superconductor.similarity import Similarity, _Cityblock, _left_out, _LeftOut, apart, learn
from similis.superconductor.trunks import TRUNKS, answer, train_trunk

DATA, REFUSED = table(*known()[:2])
RNG = np.random.default_rng(0)


def test_one_row_a_composition_whose_tc_is_the_median_of_what_is_reported():
    data, refused = table(["MgB2", "Mg2B4", "Nb", "NbB!", "Mg0.5B1"], [39.0, 37.0, 9.2, 1.0, 0.0])
    assert data.formulas == ["MgB2", "Nb"]
    np.testing.assert_allclose(data.tc, [38.0, 9.2])
    assert [row for row, _ in refused] == [3]
    assert not REFUSED


def test_names_that_hide_something_are_refused_with_the_place():
    data, refused = supercon(["Bi2Sr2Cu1OY", "Ba1V0.8TI0.2S3", "Pd1D0.7", "Nb"], [10.0, 1.0, 9.0, 9.2])
    assert data.formulas == ["Pd1D0.7", "Nb"]
    assert [row for row, _ in refused] == [0, 1]
    assert "unknown amount" in str(refused[0][1])


@pytest.mark.parametrize("bad", [[1.0, -1.0], [np.nan, 1.0], [1.0]])
def test_a_tc_that_cannot_be_is_refused(bad):
    with pytest.raises(InputError, match="Fix"):
        table(["Nb", "Pb"], bad)


@pytest.mark.parametrize("kind", ["random", "system", "family"])
def test_folds_cover_each_row_once_and_share_no_system(kind):
    seen = np.zeros(len(DATA.tc), int)
    for train, test in folds(DATA, kind, seed=1):
        seen[test] += 1
        assert not set(train) & set(test)
        if kind == "system":
            assert not set(DATA.systems[train]) & set(DATA.systems[test])
    assert (seen == 1).all()


@pytest.mark.data
def test_no_composition_of_supercon_is_on_both_sides():
    from similis.datasets import dataset, load_supercon

    if not dataset("supercon").available:
        pytest.skip("SuperCon is not in SIMILIS_DATA")
    data, refused = supercon(*load_supercon())
    assert (len(data.tc), len(refused)) == (15831, 101)
    train, test = next(folds(data, "random"))
    rows = {row.tobytes() for row in data.fractions[train].round(6)}
    assert not any(row.tobytes() in rows for row in data.fractions[test].round(6))


@pytest.mark.data
def test_the_embedded_table_agrees_with_supercon():
    from similis.datasets import dataset, load_supercon

    if not dataset("supercon").available:
        pytest.skip("SuperCon is not in SIMILIS_DATA")
    there, _ = supercon(*load_supercon())
    reported = {row.tobytes(): tc for row, tc in zip(there.fractions.round(4), there.tc, strict=True)}
    both = [(tc, reported.get(row.tobytes(), 0)) for row, tc in zip(DATA.fractions.round(4), DATA.tc, strict=True)]
    ours, theirs = np.array([pair for pair in both if min(pair) > 0]).T
    apart = abs(ours / theirs - 1)
    assert (len(ours), (apart <= 0.15).sum(), round(np.median(apart), 2)) == (131, 91, 0.07)  # as the page says


def test_rows_of_one_composition_are_merged_unless_told_not_to():
    rows, tc = ["MgB2", "Nb", "B2Mg", "Pb"], [39.0, 9.2, 38.0, 7.2]
    merged, _ = table(rows, tc)
    assert (merged.formulas, merged.tc.tolist()) == (["MgB2", "Nb", "Pb"], [38.5, 9.2, 7.2])
    whole, _ = table(rows, tc, merge=False)
    assert (whole.formulas, whole.tc.tolist()) == (rows, tc)
    np.testing.assert_array_equal(whole.fractions[0], whole.fractions[2])


def test_coordinates_do_not_know_the_size_of_the_formula_and_rank_what_is_present():
    where = Coordinates(DATA.fractions)
    both = fractions([composition("YBa2Cu3O7"), composition("Y0.5BaCu1.5O3.5")])
    np.testing.assert_allclose(*where(both))
    ranks = where(DATA.fractions)[:, where.kind == 1]
    present = DATA.fractions[:, where.seen] > 0
    assert (ranks[present] > 0).all()
    assert (ranks[present] < 1).all()
    assert not ranks[~present].any()


def test_rare_earths_share_an_axis_and_similar_elements_a_group():
    where = Coordinates(DATA.fractions)
    c = where(fractions([composition(f"{rare}Ba2Cu3O7") for rare in ("Y", "Gd", "Tl")]))
    changed = [set(where.axis[abs(c[0] - other) > 1e-6]) for other in c[1:]]
    groups = set(range(len(where.seen), len(where.sizes) - N_DESCRIPTORS))
    assert len(changed[0] - groups) > len(set(changed[0]) & groups) == 0
    assert len(changed[1] & groups) == 2  # from rare earths to group 13
    assert set(where.axis[where.kind < 3]) == set(range(len(where.seen)))
    assert set(where.axis[(where.kind >= 3) & (where.kind < 6)]) == groups


def test_ranks_of_descriptors_do_not_split_what_rounding_alone_tells_apart():
    where = Coordinates(DATA.fractions)
    together = where(DATA.fractions)
    alone = np.concatenate([where(row[None]) for row in DATA.fractions])
    np.testing.assert_allclose(alone, together, atol=1e-6)


def test_the_mean_charge_is_zero_for_balanced_compounds_and_counts_the_holes_of_a_cuprate():
    charges = np.array([element.charge for element in ELEMENTS])
    asked = ["MgO", "BaTiO3", "La2CuO4", "KNbO3", "CuFe2O4", "La1.85Sr0.15CuO4"]
    mean = fractions([composition(text) for text in asked]) @ charges
    np.testing.assert_allclose(mean, [0] * 5 + [-0.15 / 7], atol=1e-12)


def test_novelty_is_the_share_of_atoms_to_exchange():
    known_ones, systems = fractions([composition(text) for text in ("Nb3Sn", "Nb3Al", "Nb4Sn", "MgB2")]), np.arange(4)
    asked = fractions([composition(text) for text in ("Nb3Sn", "Nb3Ge", "Cu", "MgB")])
    np.testing.assert_allclose(novelty.exchange_fraction(asked, known_ones), [0, 0.25, 1, 1 / 6], atol=1e-6)
    np.testing.assert_allclose(novelty.between(known_ones, np.array([0, 1, 0, 2])), [0.25, 0.25, 0.25, 1], atol=1e-6)
    assert novelty.between(known_ones, 0 * systems).size == 0


def test_tokens_and_picture_hold_the_composition():
    numbers, amounts = tokens(DATA.fractions)
    again = np.zeros((len(numbers), len(ELEMENTS) + 1))
    np.put_along_axis(again, numbers, amounts, 1)
    np.testing.assert_allclose(again[:, 1:], DATA.fractions, atol=1e-6)
    np.testing.assert_allclose((table_image(DATA.fractions) ** 2).sum((1, 2, 3)), 1, rtol=1e-5)


def places(n):
    return RNG.standard_normal((n, 4 + N_CURVED)) / np.r_[np.ones(4), np.full(N_CURVED, 10.0)]


def between(a, b):
    """City-block on the first four, Euclidean on the rest, the obvious way."""
    difference = a[:, None] - b
    return abs(difference[..., :4]).sum(2) + np.linalg.norm(difference[..., 4:], axis=2)


def test_the_kernel_is_kernel_regression():
    Z, y, asked = places(60), RNG.random((60, 2)), places(7)
    kernel = Kernel(Z, y, y.mean(0), 0.03)
    apart = between(asked, Z)
    exact = 1 / (1 + apart) @ np.linalg.solve(1 / (1 + between(Z, Z)) + 0.03 * np.eye(60), y - y.mean(0)) + y.mean(0)
    np.testing.assert_allclose(kernel(asked), exact, atol=2e-4)
    nearest, deviation = kernel.around(asked)
    np.testing.assert_allclose(nearest, apart.min(1), atol=1e-3)
    weight = np.exp(-10 * apart) / np.exp(-10 * apart).sum(1, keepdims=True)
    spread = np.sqrt(weight @ y[:, 0] ** 2 - (weight @ y[:, 0]) ** 2)
    np.testing.assert_allclose(deviation, spread, atol=1e-3)
    fewer = Kernel(Z[10:], y[10:], y.mean(0), 0.03)
    np.testing.assert_allclose(kernel.without(np.arange(10, 60))(asked), fewer(asked), atol=2e-4)  # single precision


def test_the_kernel_stands_twins():
    Z = np.repeat(0.1 * places(400), 5, 0) + 1e2  # far from the origin, where single precision is coarse
    y = np.repeat(RNG.random((400, 1)), 5, 0)
    np.testing.assert_allclose(Kernel(Z, y, y.mean(0), 1e-6)(Z[:5]), y[:5], atol=1e-2)


def test_recall_is_attention_to_what_is_known():
    Z, y = places(60), np.stack([RNG.random(60), RNG.random(60) > 0.5], 1)
    y[:20, 0] = np.nan
    recall, asked = Recall(Z, y), places(7)
    for j in range(2):
        rows = np.isfinite(y[:, j])
        weight = np.exp(-between(asked, Z[rows]))
        np.testing.assert_allclose(recall(asked)[:, j], weight @ y[rows, j] / weight.sum(1), atol=2e-4)


def test_what_is_learned_is_the_error_of_what_is_left_out():
    """The closed form against regression again and again, without a row, and without an element system."""
    torch.manual_seed(0)
    net = Similarity(np.arange(6) // 2, np.arange(6) % 2, "kernel").double().eval()
    c, y, own = torch.rand(30, 6).double(), torch.randn(30, 1).double(), torch.arange(30) // 4
    with torch.no_grad():
        z = net(c)
        far = torch.cdist(z[:, :3], z[:, :3], p=1) + torch.cdist(z[:, 3:], z[:, 3:])
        K = 1 / (1 + far) + net.ridge * torch.eye(30).double()
        errors = {"alone": [], "together": []}
        for i in range(30):
            for name, kept in (("alone", torch.arange(30) != i), ("together", own != own[i])):
                errors[name].append(y[i] - K[i, kept] @ torch.linalg.solve(K[kept][:, kept], y[kept]))
        expected = sum(w * torch.stack(e).square().mean() for w, e in zip((0.7, 0.3), errors.values(), strict=True))
        torch.testing.assert_close(_left_out(net, z, y, own), expected, atol=1e-5, rtol=1e-5)


def test_gradients_in_closed_form_are_those_of_differences():
    torch.manual_seed(0)
    A, y, own = torch.randn(7, 7).double(), torch.randn(7, 2).double(), torch.tensor([9, 9, 4, 1, 9, 1, 5])
    K = (A @ A.T + torch.eye(7)).requires_grad_()
    even = lambda M: (M + M.T) / 2  # noqa: E731  a step off the symmetric matrices would be no step of a kernel
    assert torch.autograd.gradcheck(lambda M: _LeftOut.apply(even(M), y, own), K)
    u, v = (torch.randn(n, 3).double().requires_grad_() for n in (5, 4))
    assert torch.autograd.gradcheck(lambda u, v: _Cityblock.apply(u, v, False), (u, v))
    assert torch.autograd.gradcheck(lambda u: _Cityblock.apply(u, u, True), u)


def test_distances_of_learning_are_those_of_reading_and_of_torch():
    from similis.superconductor import recall

    a, b = places(9).astype(np.float32), places(5).astype(np.float32)
    a[:, 1] = 0  # an element that no query has
    expected = between(a, b)
    np.testing.assert_allclose(recall.apart(a, b), expected, atol=1e-5)
    np.testing.assert_allclose(apart(torch.from_numpy(a), torch.from_numpy(b)), expected, atol=1e-3)


def test_the_scale_of_an_element_rises_with_its_amount():
    where = Coordinates(DATA.fractions)
    net = Similarity(where.axis, where.kind, "kernel").eval()
    shares = np.linspace(0.05, 1, 20)
    X = np.zeros((20, len(ELEMENTS)))
    X[:, where.seen[0]], X[:, where.seen[1]] = shares, 1 - shares
    with torch.inference_mode():
        z = net(torch.from_numpy(where(X)))[:, : len(where.seen)].numpy()
    assert (np.diff(z[:, 0]) > 0).all()
    assert (np.diff(z[:, 1]) < 0).all()
    assert not z[:, 2:].any()


def test_a_gate_stretches_the_axes_by_the_descriptors_and_leaves_absent_elements_at_zero():
    torch.manual_seed(0)
    where = Coordinates(DATA.fractions)
    c = torch.from_numpy(where(DATA.fractions))
    net = Similarity(where.axis, where.kind, "kernel", gated=True).eval()
    last = net.gate[-1].weight
    with torch.inference_mode():
        torch.nn.init.normal_(last)
        bent = net(c)
        stretched = bent / net(torch.cat([c[:, : -2 * N_DESCRIPTORS], 0 * c[:, -2 * N_DESCRIPTORS :]], 1))
        torch.nn.init.zeros_(last)
        plain = net(c)
        net.gate = None
        torch.testing.assert_close(plain, net(c))
    elements = slice(0, len(where.seen))
    assert ((bent[:, elements] > 0) == (plain[:, elements] > 0)).all()
    assert stretched[:, elements].nan_to_num(1).std() > 0.1


def test_without_groups_only_elements_and_descriptors_count():
    where = Coordinates(DATA.fractions)
    c = torch.from_numpy(where(DATA.fractions[:9]))
    net = Similarity(where.axis, where.kind, "kernel", groups=False).eval()
    group = torch.from_numpy(np.isin(where.kind, GROUP_KINDS))
    with torch.inference_mode():
        torch.testing.assert_close(net(c + group), net(c))
        assert all((net(c + (torch.from_numpy(where.kind) == kind)) - net(c)).any() for kind in (0, 1, 2, 6, 7))


@pytest.mark.parametrize("reading", ["kernel", "recall"])
def test_a_similarity_learns_which_coordinate_matters(reading):
    torch.set_num_threads(1)
    c = RNG.standard_normal((300, 6)).astype(np.float32)
    y = np.sin(2 * c[:, :1].astype(float))
    where = SimpleNamespace(axis=np.arange(6), kind=np.zeros(6, int))
    net = learn(reading, where, c, y - y.mean(), np.arange(300), seed=0, steps=150)
    weight = net.weight.detach().numpy()
    assert weight[0] > 2 * weight[1:].max()


def test_what_is_above_the_threshold_is_said_by_the_class_and_by_tc():
    said = np.array([[0.0, 0.8, 0.1], [10 / 30, 0.8, 0.1], [2.0, 0.8, 0.9]])  # Tc / 30 K, reported, above
    ensemble = Ensemble(Coordinates(DATA.fractions), [], [lambda c: said], [], 10.0, "cpu")
    found = ensemble(DATA.fractions[:3])
    np.testing.assert_allclose(found[:, :2], said[:, :2] * [30, 1])
    np.testing.assert_allclose(found[1, 2], (0.1 + 0.8 / 2) / 2)
    np.testing.assert_allclose(found[[0, 2], 2], [0.1 / 2, (0.9 + 0.8) / 2], atol=2e-4)


def test_intervals_hold_what_they_promise_where_errors_grow_with_distance_and_for_new_elements():
    distance, tc, around, apart = RNG.random(4000), 50 * RNG.random(4000), RNG.random(4000), RNG.random(4000) > 0.8
    error = np.abs(RNG.standard_normal(4000)) * (1 + 10 * distance) * (1 + apart) * (0.5 + (tc >= 10))
    errors = Errors(tc[:2000], distance[:2000], around[:2000], apart[:2000], error[:2000])
    half = errors.half_width(tc[2000:], distance[2000:], around[2000:], apart[2000:], 0.9)
    assert (error[2000:] <= half).mean() == pytest.approx(0.9, abs=0.025)
    hot = tc[2000:] >= 10  # here a quantile is moved half way only
    for kind, by in ((apart[2000:], 0.035), (~apart[2000:], 0.035), (hot, 0.06), (~hot, 0.06)):
        assert (error[2000:] <= half)[kind].mean() == pytest.approx(0.9, abs=by)
    asked = np.full(2, 25.0), np.array([0.95, 0.05]), np.full(2, 0.5), np.zeros(2, bool)
    far, near = errors.half_width(*asked, 0.9)
    assert far > 3 * near
    scores = error[:2000] / (errors.deviation(tc[:2000], distance[:2000], around[:2000]) + 1)
    known = ~apart[:2000]
    every, cold = (np.quantile(scores[rows], 0.9) for rows in (known, known & (tc[:2000] < 10)))
    asked = np.full(1, 5.0), np.full(1, 0.5), np.full(1, 0.5)
    q = errors.half_width(*asked, np.zeros(1, bool), 0.9) / (errors.deviation(*asked) + 1)
    assert q == pytest.approx(np.sqrt(every * cold), rel=0.02)
    assert cold < 0.92 * every


@pytest.mark.parametrize(("coverage", "rank"), [(0.5, 11), (0.8, 18), (0.9, 20), (0.99, 21)])
def test_the_half_width_is_the_conformal_rank_times_the_deviation_of_the_others(coverage, rank):
    n, error = 21, np.random.default_rng(1).exponential(3.0, 21)
    same = np.full(n, 2.0)
    errors = Errors(same, same, same, np.zeros(n, bool), error)  # each one's neighbours are the other twenty
    others = np.sqrt(((error**2).sum() - error**2) / (n - 1))
    scores = np.sort(error / (others + 1))
    place = same[:1], same[:1], same[:1]
    half = errors.half_width(*place, np.zeros(1, bool), coverage)
    # rank = ceil(coverage (n + 1)), at most n
    assert half == pytest.approx(scores[rank - 1] * (errors.deviation(*place) + 1), rel=1e-9)


def test_around_a_query_distance_and_spread_count_by_their_logarithm_and_tc_by_its_arcsinh():
    tc, far, around = np.array([5.0, 0.0]), np.array([0.95, 0.05]), np.array([0.7, 1.7])
    expected = [[np.arcsinh(1), 0, 0], [0, np.log(0.1), np.log(2)]]
    np.testing.assert_allclose(Errors._place(tc, far, around), expected, atol=1e-12)


def test_a_kernel_has_eight_voices_for_tc_and_three_for_the_classes():
    said = {"kernel0": np.array([[9.0, 0.8, 0.4]]), "kernel1": np.array([[6.0, 0.2, 0.0]]),
            "recall0": np.array([[3.0, 0.5, 0.1]]), "attention0": np.array([[0.0, 0.1, 0.3]])}  # fmt: skip
    found = mean(said)
    np.testing.assert_allclose(found, [[(8 * 9 + 8 * 6 + 3) / 18, (3 * 1.0 + 0.6) / 8, (3 * 0.4 + 0.4) / 8]])


def test_coordinates_are_the_fraction_its_rank_and_its_logarithm():
    X = fractions([composition(text) for text in ("NbTi3", "NbTi", "Nb3Ti")])
    where = Coordinates(X)
    c = where(X)
    niobium = where.axis == list(where.seen).index(40)
    fraction, rank, logarithm = (c[:, niobium & (where.kind == kind)][:, 0] for kind in (0, 1, 2))
    np.testing.assert_allclose(fraction, 3 * np.array([0.25, 0.5, 0.75]), rtol=1e-6)
    np.testing.assert_allclose(rank, np.array([1, 3, 5]) / 6, rtol=1e-6)
    np.testing.assert_allclose(logarithm, 0.06 * np.log1p([25, 50, 75]), rtol=1e-6)


def test_merging_is_the_median_of_each_composition_and_quick():
    rng = np.random.default_rng(0)
    amount, tc = rng.integers(1, 4000, 16_000), rng.choice([0.0, 1.0, 2.0, 5.0, 9.0], 16_000)
    began = time.process_time()
    data, _ = table([f"Nb{a}Ti{4000 - a}" for a in amount], tc)
    assert time.process_time() - began < 4  # about 0.5 s; comparing all with all takes 38 s
    first = list(dict.fromkeys(amount.tolist()))
    np.testing.assert_allclose(data.fractions[:, 40], np.array(first) / 4000)
    for row in range(0, len(first), 97):
        reported = tc[(amount == first[row]) & (tc > 0)]
        assert data.tc[row] == (np.median(reported) if len(reported) else 0)


@pytest.mark.parametrize("kind", ["system", "family"])
def test_one_system_cannot_be_split_by_system(kind):
    data, _ = table([f"Nb{a}Ti" for a in range(1, 50)], np.ones(49))
    with pytest.raises(InputError, match="all 49 rows go together"):
        next(folds(data, kind))


@pytest.mark.parametrize("kind", TRUNKS)
def test_a_network_learns_by_heart_and_answers_alone_as_in_company(kind):
    torch.set_num_threads(1)
    X = DATA.fractions[:48]
    y = np.stack([DATA.tc[:48] / 30, DATA.tc[:48] > 0, DATA.tc[:48] > 5], 1).astype(float)
    net = train_trunk(kind, X, y, seed=0, epochs=150)
    found = answer(net, X)
    assert np.abs(found[:, 0] - y[:, 0]).mean() < 0.5 * np.abs(y[:, 0] - np.median(y[:, 0])).mean()
    np.testing.assert_allclose(answer(net, X[:1]), found[:1], atol=1e-5)


def test_attention_knows_no_order_and_counts_halves_together():
    net = TRUNKS["attention"]().eval()
    numbers, amounts = torch.tensor([[8, 29, 0]]), torch.tensor([[0.75, 0.25, 0.0]])
    swapped = net(numbers[:, [1, 0, 2]], amounts[:, [1, 0, 2]])
    torch.testing.assert_close(net(numbers, amounts), swapped, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(net(numbers[:, :2], amounts[:, :2]), swapped, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("n", "atoms"), [(1, 5), (2, 7), (3, 12), (4, 6)])
def test_the_grid_holds_every_sharing_once(n, atoms):
    from itertools import product

    rows = {tuple(row) for row in grid(n, atoms).tolist()}
    assert rows == {row for row in product(range(atoms + 1), repeat=n) if sum(row) == atoms}
    assert len(grid(n, atoms)) == len(rows)


def test_screening_lets_the_judge_speak_last():
    tin = [e.symbol for e in ELEMENTS].index("Sn")
    scout = lambda X: np.stack([X[:, tin], np.ones(len(X))], 1)  # noqa: E731
    judge = lambda X: np.stack([1 - X[:, tin], np.ones(len(X))], 1)  # noqa: E731
    ranking = screen(["Nb", "Sn"], 100, scout=scout, judge=judge, n_judged=10)
    assert ranking.judged.sum() == 10
    assert ranking.judged[:10].all()
    assert (np.diff(ranking.tc[:10]) <= 0).all()
    assert ranking.amounts[0, 1] == 91  # the least tin among the ten the scout liked most
    assert spell(["Nb", "Sn"], np.array([75, 25])) == "Nb3Sn"
    with pytest.raises(InputError, match="unknown: Xx"):
        screen(["Nb", "Xx"], 4, scout=scout, judge=judge)
    with pytest.raises(InputError, match="compositions"):
        grid(8, 300)
