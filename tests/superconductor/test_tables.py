"""The tables: facts about the elements that hold among each other, and known materials with their sources."""

from __future__ import annotations

import numpy as np
import pytest

from similis.estimators.tc import Judgement
from similis.superconductor import ELEMENTS, fractions, known, read
from similis.superconductor.elements import BY_SYMBOL
from similis.superconductor.screen import screen


def test_numbers_symbols_and_names():
    assert [element.number for element in ELEMENTS] == list(range(1, 119))
    assert len(BY_SYMBOL) == len({element.name for element in ELEMENTS}) == 118
    assert [BY_SYMBOL[symbol].number for symbol in ("H", "Cu", "La", "Hg", "U")] == [1, 29, 57, 80, 92]


def test_masses_rise_but_for_the_known_inversions():
    mass = np.array([element.mass for element in ELEMENTS[:96]])
    falls = {(ELEMENTS[i].symbol, ELEMENTS[i + 1].symbol) for i in np.flatnonzero(np.diff(mass) < 0)}
    assert falls == {("Ar", "K"), ("Co", "Ni"), ("Te", "I"), ("Th", "Pa"), ("U", "Np"), ("Pu", "Am")}


def test_periods_and_columns_fill_the_long_table():
    places = {(element.period, element.column) for element in ELEMENTS}
    assert len(places) == 118
    assert np.bincount([element.period for element in ELEMENTS]).tolist() == [0, 2, 8, 8, 18, 18, 32, 32]
    for element in ELEMENTS:
        if element.group is None:
            assert 3 <= element.column <= 16
            assert element.valence == 3
        else:
            assert element.column == element.group + 14 * (element.group > 2)
            electrons = element.group if element.group < 13 else element.group - 10
            assert element.valence == (2 if element.symbol == "He" else electrons)
    for group in ("Li Na K Rb Cs Fr", "Cu Ag Au Rg", "B Al Ga In Tl Nh", "He Ne Ar Kr Xe Rn Og", "Sc Y Lu Lr"):
        assert len({BY_SYMBOL[symbol].column for symbol in group.split()}) == 1


def test_electronegativities_and_radii():
    assert max(ELEMENTS, key=lambda element: element.electronegativity or 0).symbol == "F"
    assert all(0.7 <= e.electronegativity <= 4 for e in ELEMENTS if e.electronegativity is not None)
    assert [element.radius is None for element in ELEMENTS] == [number > 96 for number in range(1, 119)]
    assert max(ELEMENTS, key=lambda element: element.radius or 0).symbol == "Fr"
    assert (BY_SYMBOL["Nb"].radius, BY_SYMBOL["Eu"].electronegativity) == (164, None)


@pytest.mark.parametrize("pressure", [False, True])
def test_known_materials_are_read_once_each_with_a_source(pressure):
    table = known(pressure=pressure)
    compositions, errors = read(table.formulas)
    assert errors == []
    X = np.round(fractions(compositions), 6)
    squeezed = ["GPa" in note for note in table.notes]
    assert any(squeezed) == pressure
    assert len({(row.tobytes(), flag) for row, flag in zip(X, squeezed, strict=True)}) == len(table.formulas)
    assert all(table.sources)
    np.testing.assert_array_equal(table.tc == 0, np.array(table.families) == "normal")
    assert table.tc.min() == 0
    assert table.tc.max() == (250 if pressure else 133)
    assert (table.tc == 0).sum() >= 40


def test_known_values():
    table = dict(zip(known().formulas, known().tc, strict=True))
    for formula, tc in {"MgB2": 39, "Nb": 9.25, "Pb": 7.196, "Nb3Sn": 18.05, "YBa2Cu3O7": 93, "NaCl": 0}.items():
        assert table[formula] == tc


def test_a_ranking_is_a_table():
    def judge(X):
        return np.column_stack([1000 * X[:, 40], 1 - X[:, 40], X[:, 0]])  # of niobium

    ranking = screen(["Nb", "Sn"], 12, scout=judge, judge=judge)
    pandas = pytest.importorskip("pandas", reason="the data extra is not installed")
    found = ranking.to_frame()
    assert isinstance(found, pandas.DataFrame)
    assert found.columns.tolist() == ["formula", "tc", "probability", "judged"]
    assert found.formula[0] == "NbSn"  # x (1 - x) is largest at a half
    np.testing.assert_array_equal(found.tc, ranking.tc)
    lines = repr(ranking).splitlines()
    assert lines[0].split() == found.columns.tolist()
    assert lines[2].split() == ["NbSn", "500", "0.5", "True"]
    assert (len(lines), lines[-1]) == (13, "... 3 more")
    assert "more" not in repr(screen(["Nb", "Sn"], 3, scout=judge, judge=judge))


def test_a_judgement_is_a_table():
    pytest.importorskip("pandas", reason="the data extra is not installed")
    said = Judgement(*np.arange(12.0).reshape(6, 2) / 7)
    found = said.to_frame(["NbTi", "MgB2"])
    assert found.loc["MgB2"].tolist() == [column[1] for column in said]
    assert said.to_frame().index.tolist() == [0, 1]
    assert repr(said).splitlines()[0].split() == list(said._fields)
    assert repr(said).splitlines()[3].split()[0] == "0.1429"
