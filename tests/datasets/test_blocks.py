"""The same table through every format, and every way a file can be wrong."""

from __future__ import annotations

import io
import os
import sys
import tracemalloc
import zipfile
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import mutate
from tests.hunt import hunt

from similis._errors import InputError
from similis.datasets import read_blocks, shape_hint

X = np.random.default_rng(0).standard_normal((23, 5))
NAMES = ["a", "b", "c", "d", "e"]


def write(folder, kind, table=X):
    path = folder / f"table.{kind.split('-')[0]}"
    if kind in ("csv", "tsv", "txt"):
        mark = {"csv": ",", "tsv": "\t", "txt": ";"}[kind]
        path.write_text("".join(mark.join(map(repr, row)) + "\n" for row in table.tolist()))
    elif kind == "csv-header":
        np.savetxt(path, table, delimiter=",", header=",".join(NAMES), comments="", fmt="%.17g")
    elif kind == "npy":
        np.save(path, table)
    elif kind == "npy-fortran":
        np.save(path, np.asfortranarray(table))
    elif kind == "npy-bigendian":
        np.save(path, table.astype(">f8"))
    elif kind == "npz":
        np.savez(path, table)
    elif kind == "npz-compressed":
        np.savez_compressed(path, X=table, other=np.zeros(3))
        return f"{path}:X"
    elif kind == "parquet":
        pandas = pytest.importorskip("pandas", reason="the data extra is not installed")
        pandas.DataFrame(table, columns=NAMES[: table.shape[1]]).to_parquet(path, row_group_size=9)
    return path


KINDS = [
    "csv", "tsv", "txt", "csv-header", "npy", "npy-fortran", "npy-bigendian", "npz", "npz-compressed", "parquet",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 7, 23, 100])
def test_every_format_gives_the_same_blocks(tmp_path, kind, rows):
    blocks = list(read_blocks(write(tmp_path, kind), rows=rows))
    assert [len(block) for block in blocks[:-1]] == [rows] * (len(blocks) - 1)
    np.testing.assert_array_equal(np.concatenate(blocks), X)
    for block in blocks:
        assert block.dtype == np.float64
        assert block.dtype.isnative
        assert block.flags.writeable
        assert block.flags.c_contiguous


@pytest.mark.parametrize("kind", KINDS)
def test_columns_by_index_and_range(tmp_path, kind):
    source = write(tmp_path, kind)
    got = np.concatenate(list(read_blocks(source, rows=10, columns="3:,0,-2", dtype=np.float32)))
    np.testing.assert_array_equal(got, X[:, [3, 4, 0, 3]].astype(np.float32))
    with pytest.raises(InputError, match="no column '9'"):
        next(read_blocks(source, columns="9"))
    with pytest.raises(InputError, match="chooses none"):
        next(read_blocks(source, columns="2:2"))


@pytest.mark.parametrize("kind", ["csv-header", "parquet"])
def test_columns_by_name(tmp_path, kind):
    got = np.concatenate(list(read_blocks(write(tmp_path, kind), columns=["e", "b", 0])))
    np.testing.assert_array_equal(got, X[:, [4, 1, 0]])
    with pytest.raises(InputError, match=r"no column 'z'; there are columns a, b, c, d, e"):
        next(read_blocks(write(tmp_path, kind), columns="a,z"))


@pytest.mark.parametrize("kind", KINDS)
def test_shape_hint(tmp_path, kind):
    text = kind[:3] in ("csv", "tsv", "txt")
    assert shape_hint(write(tmp_path, kind)) == (None if text else 23, 5)


@settings(max_examples=40)
@given(st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2), min_size=1), st.integers(1, 9))
def test_text_is_read_exactly(table, rows):
    given_, sys_stdin = np.array(table), sys.stdin
    sys.stdin = io.StringIO("\ufeffx y, z\n\n" + "\n\n".join(f' {a!r} ,"{b!r}"' for a, b in table))
    try:
        np.testing.assert_array_equal(np.concatenate(list(read_blocks("-", rows=rows))), given_)
    finally:
        sys.stdin = sys_stdin


def test_standard_input_is_not_touched_by_the_hint(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("1,2\n"))
    assert shape_hint("-") == (None, None)
    assert np.concatenate(list(read_blocks("-"))).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2\n3,4\n5\n", r"line 3: 1 fields, expected 2 .*'5'"),
        ("a,b\n\n1,2\n3,4,5\n", r"line 4: 3 fields, expected 2 .*'3,4,5'"),
        ("1,2\n3,four\n", r"line 2: 'four' in column 1 is not a number"),
        ("1,2\n3,\n", r"line 2: '' in column 1 is not a number"),
        ("1,2\n3,1_000\n", r"line 2: '1_000' in column 1"),
        ("x,2\n3,4\n", r"line 1: 'x' in column 0"),
        ("1;2,5\n1.5;2\n", "decimal comma in line 1 and a point in line 2"),
        ("1;2\n1.234,5;2\n", r"line 2: '1.234,5' .*thousands"),
        ('1,2\n3,"4\n5,6\n7,8\n', "line 2: a quote is not closed"),
        ("", "empty"),
        ("\n \n", "empty"),
        ("a,b\n", "no numbers"),
    ],
)
@pytest.mark.parametrize("rows", [1, 4096])
def test_bad_text_is_quoted_with_its_line(tmp_path, text, words, rows):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        list(read_blocks(path, rows=rows))


def test_ragged_line_outside_the_chosen_columns_is_still_an_error(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("name,x,y\nann,1,2\nbob,3\n")
    with pytest.raises(InputError, match="line 3: 2 fields, expected 3"):
        list(read_blocks(path, columns="x"))
    path.write_text('name,x,y\n"ann, b",1,2\nbob,3,4\n')
    assert np.concatenate(list(read_blocks(path, columns="x,y"))).tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_binary_text_is_refused(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(b"1,2\n" * 10_000 + b"\xff\xfe\n")
    with pytest.raises(InputError, match="UTF-8"):
        list(read_blocks(path))


@pytest.mark.parametrize("kind", ["npy", "npy-fortran", "npz", "npz-compressed", "parquet"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.98])
def test_truncated_files_are_refused(tmp_path, kind, kept):
    source = str(write(tmp_path, kind, np.random.default_rng(1).standard_normal((2000, 5))))
    path = tmp_path / source.removesuffix(":X").rsplit("/", 1)[1]
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(InputError, match="Fix:"):
        list(read_blocks(source))


def test_a_flipped_bit_in_an_archive_is_noticed(tmp_path):
    path = write(tmp_path, "npz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        list(read_blocks(path))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([[None, 1]]), "object"),
        (np.array([["a", "b"]]), "real numbers"),
        (np.ones((2, 2), complex), "complex128"),
        (np.float64(3), r"shape \(\)"),
        (np.ones((2, 3, 4)), r"shape \(2, 3, 4\)"),
        (np.ones((0, 3)), "no numbers"),
        (np.ones((3, 0)), "no numbers"),
    ],
)
def test_arrays_that_are_no_real_matrix_are_refused(tmp_path, array, words):
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=words):
        list(read_blocks(tmp_path / "x.npy"))


def test_one_dimension_is_one_column(tmp_path):
    np.save(tmp_path / "y.npy", np.arange(7))
    np.testing.assert_array_equal(np.concatenate(list(read_blocks(tmp_path / "y.npy", rows=3))), np.arange(7)[:, None])


def test_archives_say_what_they_hold(tmp_path):
    np.savez(tmp_path / "x.npz", first=X, second=np.asfortranarray(X))
    with pytest.raises(InputError, match="there are first, second"):
        list(read_blocks(tmp_path / "x.npz"))
    with pytest.raises(InputError, match="no array 'third'"):
        list(read_blocks(f"{tmp_path}/x.npz:third"))
    with pytest.raises(InputError, match="Fortran order"):
        list(read_blocks(f"{tmp_path}/x.npz:second"))
    with zipfile.ZipFile(tmp_path / "empty.npz", "w"):
        pass
    with pytest.raises(InputError, match="there are none"):
        list(read_blocks(tmp_path / "empty.npz"))


@pytest.mark.parametrize(
    ("stored", "read"), [("f4", "f4"), ("f2", "f4"), ("u1", "f4"), ("?", "f4"), ("i8", "f8"), (">f4", "f4")]
)
def test_dtypes_become_the_smallest_float_that_holds_them(tmp_path, stored, read):
    np.save(tmp_path / "x.npy", np.ones((3, 2), stored))
    assert next(read_blocks(tmp_path / "x.npy")).dtype == np.dtype(read)


def test_parquet_of_float32_missing_values_and_text(tmp_path):
    pandas = pytest.importorskip("pandas", reason="the data extra is not installed")
    frame = pandas.DataFrame({"x": np.float32([1, 2]), "y": np.float32([3, np.nan]), "i": [1, 2], "s": ["u", "v"]})
    frame.to_parquet(tmp_path / "t.parquet")
    block = next(read_blocks(tmp_path / "t.parquet", columns="y,x"))
    np.testing.assert_array_equal(block, np.array([[3, 1], [np.nan, 2]], np.float32))
    assert block.dtype == np.float32
    assert next(read_blocks(tmp_path / "t.parquet", columns="x,i")).dtype == np.float64
    with pytest.raises(InputError, match=r"column 's' holds .*string"):
        next(read_blocks(tmp_path / "t.parquet"))


@pytest.mark.parametrize("kind", ["npy", "npy-fortran", "npz-compressed"])
def test_memory_does_not_grow_with_the_file(tmp_path, kind):
    source = write(tmp_path, kind, np.ones((200_000, 16)))  # 26 MB
    tracemalloc.start()
    try:
        total = sum(block.sum() for block in read_blocks(source, rows=1000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 3_200_000
    assert peak < 2e6


def test_a_parquet_file_of_one_row_group_is_not_held_whole(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="the data extra is not installed")
    table = arrow.table({"x": np.random.default_rng(0).standard_normal(4_000_000)})  # 32 MB
    pytest.importorskip("pyarrow.parquet").write_table(table, tmp_path / "t.parquet", row_group_size=len(table))
    del table
    held = [arrow.total_allocated_bytes() for _ in read_blocks(tmp_path / "t.parquet")]
    assert len(held) == 977
    assert max(held) - min(held) < 8e6
    assert max(held) < 24e6


def test_wrong_calls(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_blocks(tmp_path / "absent.csv")
    with pytest.raises(InputError, match=r"unknown kind of file '\.xls'"):
        read_blocks(tmp_path / "x.xls")
    for rows in (0, 2.5, True):
        with pytest.raises(InputError, match="rows: expected"):
            read_blocks("-", rows=rows)


@pytest.mark.parametrize(
    ("descr", "shape", "words"),
    [("'<f8'", "(-1, 5)", "expected .rows, columns"), ("'<f8'", "(1, 1000000000)", "announces"),
     ("'<f8'", "(0, 1000000000)", "no numbers"), ("'<f8'", "(True, 5)", "expected .rows, columns"),
     ("'<f8'", "(" * 300, "not a NPY"), ("'" * 3, "(1, 5)", "not a NPY"), ("[('a', '<f8')]", "(5,)", "real numbers")],
)  # fmt: skip
@pytest.mark.parametrize("archive", [False, True])
def test_headers_of_arrays_are_not_believed(tmp_path, descr, shape, words, archive):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    data = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(40)
    path = tmp_path / f"x.{'npz' if archive else 'npy'}"
    path.write_bytes(data)
    if archive:
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("x.npy", data)
    for columns in (None, "0:", "-1:"):
        with pytest.raises(InputError, match=words):
            list(read_blocks(path, columns=columns))


def test_an_encrypted_archive_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", X)
    data = bytearray((tmp_path / "x.npz").read_bytes())
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(InputError, match="encrypted"):
        list(read_blocks(tmp_path / "x.npz"))


def test_standard_input_is_utf8_or_refused(monkeypatch):
    for content in (b"1,2\n\xe9,4\n", b"\xff\xfe1\x00"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), "ascii", "surrogateescape"))
        with pytest.raises(InputError, match="UTF-8"):
            list(read_blocks("-"))
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="closed"):
        list(read_blocks("-"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\ufeff\u00e9,b\n1,2\n".encode()), "ascii"))
    assert np.concatenate(list(read_blocks("-", columns="\u00e9"))).tolist() == [[1.0]]


def test_a_line_without_an_end_fills_no_memory(tmp_path):
    path = tmp_path / "x.csv"
    for content, words in ((b"," * (3 << 20), "columns, expected"), (b"1" * (65 << 20), "over 67108864 characters")):
        path.write_bytes(content)
        tracemalloc.start()
        try:
            with pytest.raises(InputError, match=words):
                list(read_blocks(path))
            assert tracemalloc.get_traced_memory()[1] < 300e6
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("name", ["x" * 300 + ".csv", "a\0b.npy"])
def test_names_that_no_file_can_have(name):
    with pytest.raises(InputError, match=r"no (name of a|such) file"):
        read_blocks(name)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="files are read in processes that may crash")
def test_damaged_tables_are_refused_or_read():
    found = list(hunt(partial(mutate.mutant, mutate.samples(), 1), mutate.judge, 360))
    assert not [entry for entry in found if entry[3] not in ("refused", "reads")]
    assert {entry[3] for entry in found} == {"refused", "reads"}


def test_parquet_of_large_integers_and_of_names_that_come_twice(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="the data extra is not installed")
    parquet, path = pytest.importorskip("pyarrow.parquet"), tmp_path / "x.parquet"
    big = np.array([2**53 + 1, -(2**60) - 1, 2**63 - 1])
    parquet.write_table(pa.table({"a": big}), path)
    np.testing.assert_array_equal(next(read_blocks(path))[:, 0], big.astype(float))
    parquet.write_table(pa.table([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], names=["a", "a", "b"]), path)
    assert next(read_blocks(path)).tolist() == [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]
    assert next(read_blocks(path, columns="1,0")).tolist() == [[3.0, 1.0], [4.0, 2.0]]
    with pytest.raises(InputError, match="two columns are called 'a'"):
        next(read_blocks(path, columns="a"))


@pytest.mark.parametrize("dtype", ["nonsense", object, "U3", "M8[s]", complex, "int8", bool])
@pytest.mark.parametrize("kind", ["csv", "npy"])
def test_blocks_are_of_floats(tmp_path, kind, dtype):
    with pytest.raises(InputError, match="floats"):
        read_blocks(write(tmp_path, kind), dtype=dtype)
