"""Files of formulas as people have them: the right columns, or the question which they are."""

from __future__ import annotations

import pytest

from similis._errors import InputError
from similis.cli._formulas import read_formulas

ROWS = (("MgB2", "2001", "39"), ("Nb3Sn", "1954", "18.3"))


def read(tmp_path, text, columns=None, y_columns=None, *, tc=True, header=None):
    path = tmp_path / "f.csv"
    path.write_text(text, encoding="utf-8")
    return read_formulas(str(path), columns, y_columns, tc=tc, header=header)


@pytest.mark.parametrize(
    "name", ["Tc (K)", "tc", "T_c", "Tc[K]", "tc/K", "critical_temp", "Critical temperature (K)", "Tc in kelvin"]
)
@pytest.mark.parametrize("formula", ["formula", "Chemical Formula", "name", "Material", "composition", "compound"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_header_tells_the_columns_in_any_order(tmp_path, name, formula, mark):
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
        lines = [[(formula, "year", name)[i] for i in order], *([row[i] for i in order] for row in ROWS)]
        found = read(tmp_path, "\n".join(map(mark.join, lines)))
        assert found.formulas == ["MgB2", "Nb3Sn"]
        assert found.tc == [39, 18.3]
        assert found.lines == [2, 3]


@pytest.mark.parametrize(
    ("text", "tc"),
    [
        ("formula,year,temperature\nMgB2,2001,39\n", True),
        ("formula,temperature\nMgB2,39\n", True),
        ("stuff,year,Tc\nMgB2,2001,39\n", True),
        ("H,Tc,critical_temp,material\n0,0,39,MgB2\n", True),
        ("MgB2,2001,39\n", True),
        ("MgB2,39\n", False),
        ("YBa2Cu3O6,95\n", False),
        ("material,compound\nMgB2,MgB2\n", False),
    ],
)
def test_what_is_not_clear_is_asked(tmp_path, text, tc):
    with pytest.raises(InputError, match=r"line 1: it is not clear which .*columns"):
        read(tmp_path, text, tc=tc)


def test_what_is_asked_for_is_taken(tmp_path):
    for words in (("stuff", "temp"), ("0", "2"), ("STUFF", "2")):
        assert read(tmp_path, "stuff,year,temp\nMgB2,2001,39\n", *words, header=True).tc == [39]
    assert read(tmp_path, "MgB2,2001,39\n", "0", "2").tc == [39]
    assert read(tmp_path, "MgB2,39\n", "0", tc=False).formulas == ["MgB2"]
    assert read(tmp_path, "MgB2,39\nNb,9.2\n").tc == [39, 9.2]
    assert read(tmp_path, "MgB2\n\n \nNb\n", tc=False).lines == [1, 4]
    assert read(tmp_path, "name,formula,Tc\nmagnesium diboride,MgB2,39\n").formulas == ["MgB2"]


@pytest.mark.parametrize(
    ("text", "tc", "words"),
    [
        ("formula\nMgB2\nYBa2Cu3O6,95\n", False, "line 3: 2 columns, the first line has 1"),
        ("MgB2\nYBa2Cu3O6,95\n", False, "line 2: 2 columns"),
        ("formula,Tc\nMgB2,39\nYBa2Cu3O6,95,92\n", True, "line 3: 3 columns"),
        ("formula,Tc\nMgB2\n", True, "line 2: 1 columns"),
        ('formula,Tc\n"MgB2,39\nNb,9\n"V3Si",17\n', True, "line 2: a quote"),
        ('formula,Tc,note\nMgB2,39,"ok\nNb,9,fine\nV3Si,17,"\n', True, "line 2: a quote"),
        ('"MgB2\nNb\n"\n', False, "line 1: a quote"),
        ("formula,Tc\nMgB2,39 K\n", True, "line 2: Tc is '39 K'"),
        ("formula;Tc\nMgB2;39,0\n", True, "line 2: Tc is '39,0'"),
        ("compound,temperature\nMgB2,39\n", True, "not clear"),
        ("a,b\nMgB2,39\n", True, "line 1: Tc is 'b'.*--header"),
        ("", True, "no formulas"),
        ("formula,Tc\n", True, "no formulas"),
    ],
)
def test_what_would_be_misread_is_refused(tmp_path, text, tc, words):
    with pytest.raises(InputError, match=words):
        read(tmp_path, text, tc=tc)


def test_empty_cells_behind_the_last_column_are_nothing(tmp_path):
    assert read(tmp_path, "formula,Tc\nMgB2,39,,\n").tc == [39]
