"""CriticalTemperatureRegressor as a materials scientist has it: formulas, intervals, flags, files, the command line."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the networks are PyTorch's")

import torch
from joblib import parallel_config
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from tests.mutations import joined, parts

from similis import CriticalTemperatureRegressor, load, save
from similis._errors import InputError, ModelFileError
from similis.superconductor import composition, fractions, known
from similis.superconductor.trunks import TRUNKS, train_trunk

DATA = known()
ASKED = ["Nb3Al0.7Ge0.3", "YBa2Cu3O6.9", "Mo20Re6Si4", "Ba0.55K0.45Fe2As2"]
STRANGE = ["Xe", "Fr2O"]


@pytest.fixture(scope="module")
def model():
    return CriticalTemperatureRegressor({"kernel": 1, "recall": 1, "attention": 1}, epochs=20, random_state=0).fit(
        *DATA[:2]
    )


def test_it_knows_hot_from_cold(model):
    tc = model.predict(ASKED)
    assert tc[1] > tc[3] > tc[2] > 0
    superconducting = model.predict_proba_superconducting([*ASKED, "NaCl", "SiO2"])
    assert superconducting[:4].min() > 0.5 > superconducting[4:].max()
    assert model.predict_proba_above(ASKED)[1] > 0.5 > model.predict_proba_above(["Al0.9Mg0.1"])[0]
    assert model.score(*DATA[:2]) > 0.8


def test_intervals_widen_with_coverage_and_std_is_positive(model):
    tc, std = model.predict(ASKED, return_std=True)
    assert (std > 0).all()
    narrow, wide = model.predict_interval(ASKED, 0.5), model.predict_interval(ASKED, 0.95)
    assert (wide[:, 1] - wide[:, 0] > narrow[:, 1] - narrow[:, 0]).all()
    assert ((wide[:, 0] <= tc) & (tc <= wide[:, 1])).all()
    assert (wide >= 0).all()


def test_a_judgement_is_all_of_it_at_once(model):
    said = model.judge([*ASKED, *STRANGE])
    both = [*ASKED, *STRANGE]
    np.testing.assert_array_equal(said.tc, model.predict(both))
    np.testing.assert_array_equal(np.stack([said.low, said.high], 1), model.predict_interval(both))
    np.testing.assert_array_equal(said.superconducting, model.predict_proba_superconducting(both))
    np.testing.assert_array_equal(said.above, model.predict_proba_above(both))
    np.testing.assert_array_equal(said.novelty, model.novelty(both))


def test_the_global_random_state_of_torch_is_left_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    CriticalTemperatureRegressor({"kernel": 1}, epochs=1, random_state=0).fit(*DATA[:2])
    assert torch.equal(before, torch.get_rng_state())


def test_members_side_by_side_learn_the_same(capfd):
    with parallel_config(max_nbytes=1):  # arrays are shared, as large ones are
        one, two = (
            CriticalTemperatureRegressor({"kernel": 1, "recall": 1}, epochs=2, random_state=0, n_jobs=n).fit(*DATA[:2])
            for n in (None, 2)
        )
    np.testing.assert_array_equal(one.judge(ASKED), two.judge(ASKED))
    assert "not writable" not in capfd.readouterr().err


def test_learning_takes_one_thread_and_gives_the_others_back_when_it_fails(monkeypatch):
    threads, seen = torch.get_num_threads(), []
    monkeypatch.setitem(TRUNKS, "none", lambda: seen.append(torch.get_num_threads()))
    torch.set_num_threads(3)
    try:
        with pytest.raises(AttributeError):
            train_trunk("none", fractions([composition("Nb")]), np.zeros((1, 3)), seed=0, epochs=1)
        assert (seen, torch.get_num_threads()) == ([1], 3)
    finally:
        torch.set_num_threads(threads)


def test_unseen_elements_are_flagged_and_known_ones_are_near(model):
    assert np.isinf(model.novelty(STRANGE)).all()
    assert model.novelty(["Nb3Sn"])[0] < 0.1


def test_a_new_element_system_is_told_from_a_known_one(model):
    asked = fractions([composition(name) for name in ("Nb2Sn", "NbSnTa", "SnXe", "Nb")])
    np.testing.assert_array_equal(model._ensemble.surroundings(asked)[2], [False, True, True, False])


def test_shares_explain_a_prediction(model):
    told = model.explain("Mo20Re6Si4")
    assert list(told) == ["Si", "Mo", "Re"]
    assert np.isfinite(list(told.values())).all()


def test_formulas_as_users_have_them(model):
    class Composition:
        def get_el_amt_dict(self):
            return {"Nb": 3.0, "Sn": 1.0}

    expected = model.predict(["Nb3Sn"])
    for same in (["Nb0.75Sn0.25"], [{"Nb": 3, "Sn": 1}], [Composition()], np.array([["Nb3Sn"]]), np.array(["Nb3Sn"])):
        np.testing.assert_allclose(model.predict(same), expected, rtol=1e-6)
    assert cross_val_score(CriticalTemperatureRegressor({"kernel": 1}, epochs=8), *DATA[:2], cv=3).shape == (3,)
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (["Nb3Sn", "NbX2", "Zz"], "2 of 3 formulas"),
        ([], "no formulas"),
        ("Nb3Sn", "put it in a list"),
        ([3.0], "got 3.0"),
        (None, "sequence"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_error(model, bad, words):
    with pytest.raises(InputError, match=words):
        model.predict(bad)


@pytest.mark.parametrize(
    "words",
    [
        {"epochs": 0},
        {"n_jobs": 0},
        {"coverage": 1.0},
        {"threshold": -1.0},
        {"members": {"attention": 1}},
        {"members": {"kernel": 1, "x": 1}},
    ],
)
def test_parameters_out_of_range_are_refused(words):
    with pytest.raises(InputError):
        CriticalTemperatureRegressor(**words).fit(*DATA[:2])


def test_a_table_that_teaches_nothing_is_refused():
    with pytest.raises(InputError, match="at least 10"):
        CriticalTemperatureRegressor().fit(["Nb", "Pb", "Sn"], [9.2, 7.2, 3.7])
    with pytest.raises(InputError, match="one Tc a formula"):
        CriticalTemperatureRegressor().fit(["Nb", "Pb"], [9.2])


def test_seeds_repeat_and_formulas_that_cannot_be_read_are_listed():
    formulas, tc = [*DATA.formulas, "Nb3Sn!"], [*DATA.tc, 18.0]
    one, two = (
        CriticalTemperatureRegressor({"kernel": 1}, epochs=4, random_state=3).fit(formulas, tc) for _ in range(2)
    )
    np.testing.assert_array_equal(one.predict(ASKED), two.predict(ASKED))
    assert [row for row, _ in one.refused_] == [len(DATA.formulas)]


def test_a_file_of_other_networks_is_refused(model, tmp_path, monkeypatch):
    arrays, meta = model._pack()
    del arrays["kernel0.0.seen"]
    monkeypatch.setattr(CriticalTemperatureRegressor, "_pack", lambda self: (arrays, meta))
    save(model, tmp_path / "m")
    with pytest.raises(ModelFileError, match="Fit and save the model again"):
        load(tmp_path / "m")


def test_saved_and_loaded_bit_for_bit(model, tmp_path):
    save(model, tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.get_params() == model.get_params()
    np.testing.assert_array_equal(again.predict(ASKED), model.predict(ASKED))
    np.testing.assert_array_equal(again.predict_interval(ASKED), model.predict_interval(ASKED))
    np.testing.assert_array_equal(again.novelty(ASKED), model.novelty(ASKED))
    np.testing.assert_array_equal(again.screen(["Nb", "Sn"], 8).tc, model.screen(["Nb", "Sn"], 8).tc)


@pytest.mark.parametrize("members", [{"kernel": 1}, {"kernel": 1, "recall": 1}])
def test_many_compositions_of_one_element_system_are_learned(members):
    share = np.round(np.linspace(0.01, 0.99, 50), 3)
    formulas, tc = [f"Nb{a}Ti{1 - a:.3f}" for a in share], 1 + 10 * share
    model = CriticalTemperatureRegressor(members, epochs=40, random_state=0).fit(formulas, tc)
    asked = np.array([0.25, 0.5, 0.75])
    low, high = model.predict_interval([f"Nb{a}Ti{1 - a}" for a in asked]).T
    assert ((low <= 1 + 10 * asked) & (1 + 10 * asked <= high)).all()
    assert np.isinf(model.novelty(["MgB2"])[0])


def test_weights_of_any_size_answer_with_numbers_or_are_refused(tmp_path):
    """Similarities have logarithms, of which single precision holds the exponential up to 88 alone."""
    rows = [part[:60] for part in DATA[:2]]
    save(CriticalTemperatureRegressor({"kernel": 1, "recall": 1}, epochs=1, random_state=0).fit(*rows), tmp_path / "m")
    header, arrays = parts(tmp_path / "m")
    said = []
    for key, array in arrays.items():
        if array.dtype != np.float32 or key.startswith("scout."):
            continue
        for forged in (array * np.float32(1e10), array - np.float32(1e10), np.full_like(array, 40.0)):
            (tmp_path / "forged").write_bytes(joined(header, arrays | {key: np.asarray(forged, np.float32)}))
            try:
                found = load(tmp_path / "forged")
            except ModelFileError:
                continue
            for read in (found.predict, found.predict_proba_superconducting, found.predict_proba_above):
                said += [f"{key}: {read.__name__}"] * (not np.isfinite(read(ASKED)).all())
    assert not said
