"""Tables as people write them: read right, or refused with one sentence."""

from __future__ import annotations

import gzip
import time

import numpy as np
import pytest

from similis._errors import InputError
from similis.datasets import read_blocks, shape_hint
from similis.datasets.blocks import named_blocks
from similis.datasets.columns import Choice, Wanted

X = np.random.default_rng(0).standard_normal((2000, 5))


def read(path, text=None, **words):
    if text is not None:
        path.write_bytes(text.encode())
    return np.concatenate(list(read_blocks(path, rows=3, **words)))


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("0,1\n2,3\n", {}, [[0, 1], [2, 3]]),
        ("0,1\n2,3\n", {"header": True}, [[2, 3]]),
        ("0,1\n2,3\n", {"header": False}, [[0, 1], [2, 3]]),
        ("1950,1951\n2,3\n", {"header": True, "columns": "1951,1950"}, [[3, 2]]),
        ('"a;b",c\n1,2\n', {}, [[1, 2]]),
        ('"a\tb","c;d"\n1,2\n', {"columns": ["c;d"]}, [[2]]),
        ('"a,b";c\n1;2\n', {}, [[1, 2]]),
        ("1,2\n   \n3,4\n\t\n", {}, [[1, 2], [3, 4]]),
        ("a\tb\n1\t2\n  \n3\t4", {}, [[1, 2], [3, 4]]),
        ("\ufeffa,b\r\n1,2\r\n\r\n3,4\r\n", {"columns": "a"}, [[1], [3]]),
        ('a,b\n"1","2"\n', {}, [[1, 2]]),
        ("# a,b\n1,2\n", {"columns": "a"}, [[1]]),
        ("a,b\n1e-3,-2E5\n", {}, [[1e-3, -2e5]]),
        ("a,a\n1,2\n", {}, [[1, 2]]),
        ("x\n1\n\n2\n", {}, [[1], [2]]),
        ("a;b\n1,5;-2\n,25;3e1\n", {}, [[1.5, -2], [0.25, 30]]),
        ("1,5;2,5\n3;4\n", {}, [[1.5, 2.5], [3, 4]]),
        ("n;a;day\nx,y;1,5;01.02.2024\n", {"columns": "a"}, [[1.5]]),
        ("a,b,\n1,2,\n3,4,\n", {}, [[1, 2], [3, 4]]),
        ("1,2,\n3,4,\n", {}, [[1, 2], [3, 4]]),
        ("a,b\n1,2,\n3,4\n", {}, [[1, 2], [3, 4]]),
        ("a,b\nNA,2\n,-\n3,nan\n", {"missing": True}, [[np.nan, 2], [np.nan, np.nan], [3, np.nan]]),
        ("a,b,c,d\n1,2,3,4\n", {"columns": "b:c"}, [[2, 3]]),
        ("a,b,c,d\n1,2,3,4\n", {"columns": ":b,d:"}, [[1, 2, 4]]),
        ("a,b,c,d\n1,2,3,4\n", {"exclude": "a,c:c"}, [[2, 4]]),
        ("a:b,c,d\n1,2,3\n", {"columns": "a:b:c"}, [[1, 2]]),
        ('"a, b",c\n1,2\n', {"columns": '"a, b"'}, [[1]]),
        ("id,c0,c1,c2\n2024-01-05,1,2,3\n", {"columns": "c0:c2", "exclude": "c1"}, [[1, 3]]),
    ],
)
def test_text_that_is_read(tmp_path, text, words, expected):
    np.testing.assert_array_equal(read(tmp_path / "x.csv", text, **words), expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-,-\n1,2\n", "line 1: '-' in column 0"),
        ("NA,NA\n1,2\n", "line 1: 'NA'"),
        ("n/a,\n1,2\n", "line 1: 'n/a'"),
        ("a;b\n1.5;2\n1;2\n1;2\n3,5;4\n", "decimal comma in line 5 and a point in line 2"),
        ("a\tb\n1,5\t2\n", "line 2: '1,5' .* decimal point"),
        ("1 2\n3 4\n", "line 1: '1 2'"),
        ("2020-01-01,-\n1,2\n", "line 1"),
        ("a,b\n1,NA\n", "line 2: 'NA' .*put a value"),
        ("a,b,\n1,2,\n3,4,5\n", "line 3: 3 fields, expected 2"),
        ("\t\n1\t2\n", "line"),
        ("1\t2\n\t\n", "line 2: '' in column 0"),
        ('"a\nb",c\n1,2\n', "quote is not closed"),
        ("year,2019,2020\n1,2,3\n", "line 1: 'year' .*--header"),
        (",a,b\n0,1,2\n1,3,4\n", "column 0 has no name"),
        ('"","a"\n"1",5\n', "column 0 has no name"),
        ("Unnamed: 0,a\n0,1\n", "column 0 has no name"),
        ("a,b\n1,2,3\n", "line 2: 3 fields"),
    ],
)
def test_text_that_could_be_misread_is_refused(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        read(tmp_path / "x.csv", text)


@pytest.mark.parametrize(("columns", "words"), [("c:a", "turn the range"), ("a:z", "no column 'a:z'")])
def test_ranges_of_names_that_are_none(tmp_path, columns, words):
    with pytest.raises(InputError, match=words):
        read(tmp_path / "x.csv", "a,b,c\n1,2,3\n", columns=columns)
    with pytest.raises(InputError, match="leaves no column"):
        read(tmp_path / "x.csv", exclude="a:c")


@pytest.mark.parametrize("suffix", [".csv.gz", ".tsv.gz", ".csv.zst", ".CSV.GZ"])
def test_compressed_text_is_read_as_it_is(tmp_path, suffix):
    mark = "\t" if "tsv" in suffix else ","
    text = "a,b\n" + "".join(f"{i},{i}.5\n" for i in range(5000))
    content, path = text.replace(",", mark).encode(), tmp_path / f"x{suffix}"
    if suffix.endswith(".zst"):
        arrow = pytest.importorskip("pyarrow", reason="the data extra is not installed")
        with arrow.OSFile(str(path), "wb") as file, arrow.CompressedOutputStream(file, "zstd") as packed:
            packed.write(content)
    else:
        path.write_bytes(gzip.compress(content))
    np.testing.assert_array_equal(read(path, columns="b,a")[:, 1], np.arange(5000))
    assert shape_hint(path) == (None, 2)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="Fix:"):
        read(path)
    path.write_bytes(content)
    with pytest.raises(InputError, match="Fix:"):
        read(path)


def test_only_text_is_read_compressed(tmp_path):
    (tmp_path / "x.npy.gz").touch()
    with pytest.raises(InputError, match=r"unknown kind of file '\.gz'.*\.csv\.zst"):
        read(tmp_path / "x.npy.gz")


def test_thousands_of_columns_are_found_at_once(tmp_path):
    names = [f"c{i}" for i in range(20_000)]
    (tmp_path / "x.csv").write_text(",".join(names) + "\n" + ",".join(map(str, range(20_000))) + "\n")
    wanted = Wanted(Choice(like=names[::-1]))
    began = time.process_time()
    found = named_blocks(tmp_path / "x.csv", wanted, rows=10)
    assert next(found.blocks)[0].tolist() == list(range(20_000))[::-1]
    assert found.names == names[::-1]
    assert time.process_time() - began < 2
    assert read(tmp_path / "x.csv", columns="c10:c19").tolist() == [list(range(10, 20))]


def test_a_column_of_row_numbers_can_be_left_out_or_asked_for(tmp_path):
    assert read(tmp_path / "x.csv", ",a,b\n0,1,2\n1,3,4\n", columns="1:").tolist() == [[1, 2], [3, 4]]
    assert read(tmp_path / "x.csv", columns="0:2").tolist() == [[0, 1], [1, 3]]


@pytest.fixture
def pandas():
    return pytest.importorskip("pandas", reason="the data extra is not installed")


@pytest.mark.parametrize("name", [None, "time", "a b"])
def test_the_index_of_pandas_is_no_feature(tmp_path, pandas, name):
    index = pandas.Index(np.arange(100.0) ** 2, name=name)
    pandas.DataFrame(X[:100, :2], index, columns=["a", "b"]).to_parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(read(tmp_path / "x.parquet"), X[:100, :2])
    assert shape_hint(tmp_path / "x.parquet") == (100, 2)
    np.testing.assert_array_equal(read(tmp_path / "x.parquet", columns="1,a"), X[:100, [1, 0]])
    with pytest.raises(InputError, match="no column"):
        read(tmp_path / "x.parquet", columns="2")
    if name:
        assert read(tmp_path / "x.parquet", columns=[name, "b"])[9].tolist() == [81, X[9, 1]]


def test_an_index_of_several_levels_is_no_feature(tmp_path, pandas):
    index = pandas.MultiIndex.from_product([["u", "v"], range(5)], names=["who", None])
    pandas.DataFrame({"a": np.arange(10.0)}, index).to_parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(read(tmp_path / "x.parquet"), np.arange(10.0)[:, None])


@pytest.mark.parametrize("kind", ["int64", "uint64"])
def test_large_integers_are_the_nearest_numbers(tmp_path, pandas, kind):
    values = np.array([0, 2**53 + 1, 2**62 + 12345], kind)
    pandas.DataFrame({"i": values}).to_parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(read(tmp_path / "x.parquet")[:, 0], values.astype(float))


@pytest.mark.parametrize("columns", [None, [2, 0], [3, 1, 2], [1, 1, 0]])
def test_columns_of_one_name_keep_their_places(tmp_path, columns):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    names = ["a", "b", "a", "b.a"]
    parquet.write_table(arrow.Table.from_arrays([arrow.array(X[:10, i]) for i in range(4)], names), tmp_path / "x.pq")
    np.testing.assert_array_equal(read(tmp_path / "x.pq", columns=columns), X[:10][:, columns or [0, 1, 2, 3]])
    with pytest.raises(InputError, match="two columns are called 'a'"):
        read(tmp_path / "x.pq", columns="a")


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
@pytest.mark.parametrize("rows", [7, 1999, 5000])
def test_compressed_members_are_read_to_their_end(tmp_path, dtype, rows):
    table = (100 * X).astype(dtype)
    np.savez_compressed(tmp_path / "x.npz", other=X[:3], table=table)
    blocks = list(read_blocks(f"{tmp_path}/x.npz:table", rows=rows))
    assert [len(block) for block in blocks] == [min(rows, 2000 - at) for at in range(0, 2000, rows)]
    np.testing.assert_array_equal(np.concatenate(blocks), table)


@pytest.mark.parametrize("at", [0.3, 0.6, 0.9])
def test_a_flipped_bit_in_a_compressed_member_is_noticed(tmp_path, at):
    np.savez_compressed(tmp_path / "x.npz", X)
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[int(at * len(content))] ^= 16
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "x.npz")
