"""Formulas: what is read is what was written, and what cannot be read is refused at its place."""

from __future__ import annotations

import pickle
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from similis import datasets
from similis._errors import InputError
from similis.superconductor import ELEMENTS, FormulaError, composition, element_system, fractions, parse, read

SYMBOLS = [element.symbol for element in ELEMENTS]
AMOUNTS = st.decimals("0.001", "200", places=3)
COMPOSITIONS = st.dictionaries(st.sampled_from(SYMBOLS), AMOUNTS, min_size=1, max_size=8)


@given(COMPOSITIONS)
def test_what_is_written_is_read(amounts):
    text = "".join(f"{symbol}{amount}" for symbol, amount in amounts.items())
    found = parse(text)
    assert found == {symbol: float(amount) for symbol, amount in amounts.items()}
    assert list(found) == list(amounts)


@given(COMPOSITIONS, st.integers(1, 9), st.sampled_from(["()", "[]", "{}"]))
def test_a_bracket_multiplies(amounts, factor, pair):
    inside = "".join(f"{symbol}{amount}" for symbol, amount in amounts.items())
    expected = {symbol: factor * float(amount) for symbol, amount in amounts.items()}
    assert parse(f"{pair[0]}{inside}{pair[1]}{factor}") == pytest.approx(expected)
    assert parse(f"(({inside})){factor}") == pytest.approx(expected)
    assert parse(f"{inside}·{factor - 1}({inside})") == pytest.approx(expected)


@given(st.fractions(Fraction(1, 50), 50, max_denominator=50))
def test_fractions_are_amounts(share):
    assert parse(f"Cu{share}") == {"Cu": pytest.approx(float(share))}


@given(st.text(max_size=12) | st.text(alphabet="CuBa()[]{}·*123./-+xδ ₂", max_size=12))
def test_any_text_is_read_or_refused_inside_itself(text):
    (found,), errors = read([text])
    assert (found is None) == bool(errors)
    assert found is None or min(found.values()) > 0
    for _, error in errors:
        assert isinstance(error, FormulaError)
        assert error.text == text
        assert 0 <= error.position <= len(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CaSO4·2H2O", {"Ca": 1, "S": 1, "O": 6, "H": 4}),
        ("CuSO4*5H2O", {"Cu": 1, "S": 1, "O": 9, "H": 10}),
        ("K₃C₆₀", {"K": 3, "C": 60}),
        ("Ba(Fe0.9Co0.1)2As2", {"Ba": 1, "Fe": 1.8, "Co": 0.2, "As": 2}),
        ("{[(Na2)2Cl]2O}3", {"Na": 24, "Cl": 6, "O": 3}),
        ("CO", {"C": 1, "O": 1}),
        ("Co", {"Co": 1}),
        ("Na0.35CoO2·1.3H2O", {"Na": 0.35, "Co": 1, "O": 3.3, "H": 2.6}),
        ("D2O", {"H": 2, "O": 1}),
        ("HDT", {"H": 3}),
        ("La2Sr0CuO4", {"La": 2, "Cu": 1, "O": 4}),
        ("CuSO4•5H2O", {"Cu": 1, "S": 1, "O": 9, "H": 10}),
        ("CuSO4⋅5H2O", {"Cu": 1, "S": 1, "O": 9, "H": 10}),
        ("H2OCuSO4.5", {"Cu": 1, "S": 1, "O": 5.5, "H": 2}),
        ("CuSO4.H2O", {"Cu": 1, "S": 1, "O": 5, "H": 2}),
        ("Gd1Ba2Cu3.96Fe0.04H2O8", {"Gd": 1, "Ba": 2, "Cu": 3.96, "Fe": 0.04, "H": 2, "O": 8}),
        ("YBa2Cu3O6.95", {"Y": 1, "Ba": 2, "Cu": 3, "O": 6.95}),
    ],
)
def test_known_formulas(text, expected):
    assert parse(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", 0, "element was expected"),
        ("()2", 1, "element was expected"),
        ("H2O·", 4, "element was expected"),
        ("·H2O", 0, "element was expected"),
        ("MgXx2", 2, "no element is called 'Xx'"),
        ("MgX2", 2, "no element is called 'X'"),
        ("YBa2Cu3Ox", 8, "variable"),
        ("La2-xSrxCuO4", 3, "sign"),
        ("YBa2Cu3O7-δ", 9, "sign"),
        ("Oδ", 1, "variable"),
        ("mgB2", 0, "lacks its capital"),
        ("O6+d", 2, "sign"),
        ("Sm1Ba-1Cu3", 5, "sign"),
        ("Fe3+", 3, "sign"),
        ("Fe³⁺", 2, "no meaning"),
        ("O10=z", 3, "no meaning"),
        ("Br0.5!1.5", 5, "no meaning"),
        ("Na Cl", 2, "space"),
        ("Al2(SO4", 3, "never closed"),
        ("(Na]", 3, r"expected '\)'"),
        ("NaCl)", 4, "no open bracket"),
        ("2H2O", 0, "number without"),
        ("H1.2.3", 4, "number without"),
        ("(Na·Cl)", 3, "whole formulas"),
        ("Cu0", 0, "every amount is 0"),
        ("CuSO4.5H2O", 5, r"the amount 4.5 and then H2O, or CuSO4 with 5 H2O"),
        ("Fe(CN)6.5H2O", 7, "two readings"),
        ("BaCl2.2(H2O)", 5, "two readings"),
        ("CuSO4.5(H2O)2", 5, "two readings"),
        ("(CuSO4.5H2O)2", 6, "two readings"),
        ("CaCl2.8NH3", 5, "CaCl2 with 8 NH3"),
        ("LiBr.2NH3", 4, "LiBr with 2 NH3"),
        ("Na2CO3.10D2O", 6, "Na2CO3 with 10 D2O"),
        ("CuSO4.5H2O·NH3", 5, "two readings"),
        ("YBa2Cu3O6,95", 9, "no meaning"),
        ("Cu1/0", 2, "divides by 0"),
        ("Cu" + "9" * 400, 2, "too large"),
        ("Mg1/" + "9" * 400, 2, "too small"),
        ("Cu" + "1" * 1001, 2, "round it"),
        ("B0.01(Mg0." + "0" * 200 + "1)0." + "0" * 150 + "1", 364, "too small"),
        ("(" * 30 + "Cu" + ")" * 30, 20, "deeper"),
    ],
)
def test_what_is_refused_and_where(text, position, words):
    with pytest.raises(FormulaError, match=words) as caught:
        parse(text)
    assert (caught.value.text, caught.value.position) == (text, position)
    _, shown, caret, fix = str(caught.value).split("\n")
    start = position - (caret.index("^") - 4)  # of long texts 100 characters are shown
    assert shown[4:] == text[start : start + 100]
    assert start == 0 or len(shown) == 104
    assert fix.startswith("Fix: ")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_isotopes_can_be_refused():
    with pytest.raises(FormulaError, match="isotopes=True") as caught:
        parse("PdD0.9", isotopes=False)
    assert caught.value.position == 2


def test_compositions_from_mappings_and_objects():
    assert composition({"Mg": 1, "B": 2.0, "C": 0, "D": 1}) == {"Mg": 1, "B": 2, "H": 1}
    assert composition(SimpleNamespace(get_el_amt_dict=lambda: {"Mg": 1.0, "B": 2.0})) == parse("MgB2")
    for wrong in ({"Mq": 1}, {"Mg": -1}, {"Mg": np.nan}, {"Mg": np.inf}, {"Mg": "much"}, {"Mg": 0}, {}, 7, None):
        with pytest.raises(InputError):
            composition(wrong)


def test_every_formula_is_read_and_every_fault_told():
    compositions, errors = read(["MgB2", "MgB2-x", {"Mg": -1}, "Nb3Sn"])
    assert [found is None for found in compositions] == [False, True, True, False]
    assert [index for index, _ in errors] == [1, 2]


def test_fractions_and_systems():
    X = fractions([parse("MgB2"), parse("Og")])
    assert X.shape == (2, 118)
    assert (X[0, 11], X[0, 4], X[1, 117]) == (pytest.approx(1 / 3), pytest.approx(2 / 3), 1)
    np.testing.assert_allclose(X.sum(1), 1)
    assert element_system(parse("YBa2Cu3O7")) == "Ba-Cu-O-Y"


@pytest.mark.data
@pytest.mark.skipif(not datasets.dataset("supercon").available, reason="supercon is not on this computer")
def test_every_name_of_supercon_is_read_but_eight():
    names, _ = datasets.load_supercon()
    compositions, errors = read(names)
    assert {names[index]: error.text[error.position] for index, error in errors} == {
        "Eu1.45Pr0.05Ce0.5Sr2Cu2Nb1O10=z": "=",
        "Hg1Sr2Ho0.333Ce0.667Cu2O6=z": "=",
        "Sm1Ba-1Cu3O6.94": "-",
        "Y2C2Br0.5!1.5": "!",
        "Hg0.3Pb0.7Sr1.75La0.25Cu1O4+2": "+",
        "B1Sr2Ca3Cu4O2N+3": "+",
        "B1Sr2Ca4Cu5O2N+3": "+",
        "B1Sr2Ca2Cu3O2N+3": "+",
    }
    X = fractions([found for found in compositions if found is not None])
    assert len(X) == 16_406
    assert np.isfinite(X).all()


def test_long_fractions_are_exact():
    assert parse(f"Mg{'9' * 400}/{'9' * 400}B2") == {"Mg": 1.0, "B": 2.0}
