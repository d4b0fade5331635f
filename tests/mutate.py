"""Damaged and absurd tables of every format: ``python -m tests.mutate --n 18000 --seed 0``.

A file is refused with InputError, whose text is short and printable after ``printable``, or is read as numbers.
"""

from __future__ import annotations

import argparse
import io
import struct
import traceback
import warnings
import zipfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tests.hunt import hunt

from similis._errors import InputError
from similis.datasets import read_blocks, shape_hint

X = np.random.default_rng(0).standard_normal((23, 5))
#: shares of the formats in a run
SHARES = {"npy": 8, "npz": 4, "csv": 4, "parquet": 2}
COLUMNS = (None, None, "0:2", "1", "-1:", "a,b", "0:", "b", ":", "3,1,1")
#: what stands in headers of NPY where something else was
WORDS = (
    b"-1", b"0", b"1000000000", b"10**9", b"99999999999999999999999", b"True", b"None", b"'O'", b"'V8'", b"'<f16'",
    b"'|S5'",
    b"'<m8[s]'", b"[('a','<f8')]", b"()", b"(3,)", b"(1, 1000000000)", b"(0, 1000000000)", b"(-5, -23)", b"(True, 5)",
    b"(23.0, 5)", b"(1000000000, 0)", b"'''", b"(" * 150, b"{", b"}", b"lambda: 0", b"'<f2'", b"'>i8'", b"'?'", b"\x00",
    b"\xff", b"L", b"(23L, 5L)", b"0x5", b"1e3", b"#", b"\n", b"'fortran_order'", b"'shape'", b"__import__('os')",
)  # fmt: skip
TEXTS = (
    b",", b",,,,", b"\n", b"\r", b"\r\n", b'"', b'""', b"'", b";", b"\t", b"\x00", b"\xff\xfe", b"\xe9",
    b"\xef\xbb\xbf", b"nan",
    b"inf", b"1e999", b"-", b"1_0", b"0x1", b"1e-999", b"9" * 400, b"," * 300_000, b"x" * 200_000, b"#", b"# a,b",
    b"\x1b[31m",
    "\u0663".encode(), "\u2028".encode(), b"1d5", b"1,5", b"=1+1", b"\x85", b"\x0b", b"\x1c", b"True", b"+-1", b" ",
)  # fmt: skip


def samples() -> dict[str, list[bytes]]:
    """Whole files of each format."""
    npy = []
    for table in (
        X,
        np.asfortranarray(X),
        X.astype(">f4"),
        X.astype(np.int16),
        X[:, 0],
        X > 0,
        X.astype(np.longdouble),
    ):
        npy.append(_bytes(np.save, table))
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, X, version=(2, 0))
    npy.append(buffer.getvalue())
    npz = [_bytes(np.savez, X), _bytes(np.savez_compressed, X), _bytes(partial(np.savez, a=X, b=X[:3]))]
    npz += [_zipped(zipfile.ZIP_BZIP2), _zipped(zipfile.ZIP_LZMA)]
    rows = [[repr(value) for value in row] for row in X.tolist()]
    csv = ["".join(mark.join(row) + "\n" for row in rows) for mark in ",;\t"]
    csv += ["a,b,c,d,e\n" + csv[0], '"a b",b,c,d,"e"\r\n' + csv[0].replace("\n", "\r\n"), "\ufeff" + csv[0]]
    found = {"npy": npy, "npz": npz, "csv": [text.encode() for text in csv]}
    return found | {"parquet": _parquets()}


def _bytes(save: Any, table: np.ndarray | None = None) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *(() if table is None else (table,)))
    return buffer.getvalue()


def _zipped(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("x.npy", _bytes(np.save, X))
    return buffer.getvalue()


def _parquets() -> list[bytes]:
    """Plain ones, and such as are strange but whole: names that come twice, types of every kind, nulls, an index."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        return []
    big, found = np.array([2**53 + 1, -(2**60), 2**63 - 1]), []
    lists = pa.array([[1], [2], [3]])
    tables = [
        pa.table({name: X[:, j] for j, name in enumerate("abcde")}),
        pa.table([X[:, 0], X[:, 1], X[:, 2]], names=["a", "a", "b"]),
        pa.table({"a": big, "b": big.astype(np.uint64) * 2}),
        pa.table({"a": pa.array([1, None, 3]), "b": pa.array([True, None, False])}),
        pa.table({"a": pa.array(["x", "y", "z"]), "b": [1, 2, 3]}),
        pa.table({"a": lists, "b": [1, 2, 3]}),
        pa.table({"a": pa.array([{"u": 1, "v": 2}] * 3), "b": [1, 2, 3]}),
        pa.table({"a": pa.array([1, 2, 3]).cast(pa.decimal128(30, 3)), "b": pa.array([1, 2, 3], pa.timestamp("s"))}),
        pa.table({"a": pa.array(["1", "2", "3"]).dictionary_encode(), "b": pa.nulls(3), "a.b": [1, 2, 3]}),
        pa.table({"a": pa.array([1.5, 2, 3], pa.float16()), "\x1b[31m": pa.array([1, 2, 3], pa.float32())}),
        pa.table({"": [1.0], "b": [2.0]}), pa.table({"a": pa.array([], pa.float64())}), pa.table({}),
    ]  # fmt: skip
    for table in tables:
        buffer = io.BytesIO()
        parquet.write_table(table, buffer, row_group_size=9)
        found.append(buffer.getvalue())
    return found


def mutant(files: dict[str, list[bytes]], seed: int, number: int) -> tuple[str, str, bytes]:
    """Name, what was done, and content of a file."""
    rng = np.random.default_rng([seed, number])
    kinds = [kind for kind, share in SHARES.items() for _ in range(share) if files[kind]]
    kind = kinds[number % len(kinds)]
    data, done = files[kind][rng.integers(len(files[kind]))], []
    for _ in range(int(rng.integers(0 if kind == "parquet" else 1, 4))):
        said, data = _changed(kind, data, rng)
        done.append(said)
    return f"table.{kind}", ", ".join(done) or "whole", data


def _changed(kind: str, data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """What was done, and the bytes after it."""
    start = 0 if len(data) < 2 or rng.random() < 0.5 or kind == "csv" else max(0, len(data) - 1200)
    stop = len(data) if kind == "csv" or start else min(len(data), 160)
    at = int(rng.integers(start, max(stop, start + 1)))
    how = int(rng.integers(9))
    if kind == "npz" and how > 5:
        return _rezipped(data, rng)
    if how == 0:
        return f"cut at {at}", data[:at]
    if how == 1:
        return f"lost bytes at {at}", data[:at] + data[at + int(rng.integers(1, 40)) :]
    if how == 2:
        return f"twice from {at}", data[:at] + data[at : at + int(rng.integers(1, 200))] + data[at:]
    if how == 3:
        value = int(rng.integers(256))
        return f"byte {at} is {value}", data[:at] + bytes([value]) + data[at + 1 :]
    if how == 4:
        number = struct.pack("<q", int(rng.choice([-1, 0, 1, 2**31 - 1, 2**31, 2**62])))[: int(rng.choice([2, 4, 8]))]
        return f"{number!r} at {at}", data[:at] + number + data[at + len(number) :]
    words = WORDS if kind == "npy" and rng.random() < 0.8 else TEXTS
    word = words[int(rng.integers(len(words)))]
    length = int(rng.choice([0, len(word), rng.integers(1, 12)]))
    if kind == "npy" and rng.random() < 0.7:
        return _reworded(data, word, rng)
    return f"{word[:20]!r} for {length} at {at}", data[:at] + word + data[at + length :]


def _reworded(data: bytes, word: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """A header of NPY, right in length, of which a value or a piece is another."""
    if len(data) < 12:
        return "nothing", data
    wide = 4 if data[6:7] == b"\x02" else 2
    length = min(int.from_bytes(data[8 : 8 + wide], "little"), 60_000)
    header, body = data[8 + wide : 8 + wide + length], data[8 + wide + length :]
    marks = [i for i, char in enumerate(header) if char in b":(,' "] or [0]
    at = marks[int(rng.integers(len(marks)))] + 1
    end = at + int(rng.integers(0, 8))
    word = word[: 60_000 - len(header)]
    header = (header[:at] + word + header[end:].rstrip()).ljust(length - 1) + b"\n"
    return f"{word[:20]!r} in the header at {at}", data[:8] + len(header).to_bytes(wide, "little") + header + body


def _rezipped(data: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """An archive with another flag, method or size, or whose member is a mutant of its own."""
    fields = {"flags": (6, 8, 2), "method": (8, 10, 2), "crc": (14, 16, 4), "packed": (18, 20, 4), "size": (22, 24, 4)}
    name = list(fields)[int(rng.integers(len(fields)))]
    if rng.random() < 0.4:
        said, member = _changed("npy", _bytes(np.save, X), rng)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(str(rng.choice(["x.npy", "x.npy", "\x1b[31m.npy", "a/b.npy", ".npy"])), member)
        return f"member: {said}", buffer.getvalue()
    local, central, width = fields[name]
    value = int(rng.choice([1, 2, 8, 9, 12, 14, 93, 99, 2**15, 2**16 - 1, 2**31, 2**32 - 1]) % 256**width)
    changed = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        at = data.find(mark)
        if at >= 0 and rng.random() < 0.8:
            changed[at + offset : at + offset + width] = value.to_bytes(width, "little")
    return f"{name} is {value}", bytes(changed)


def judge(path: Path) -> str:
    """``refused``, ``reads``, or what went wrong and where."""
    said = {_judged(path, columns) for columns in COLUMNS}
    wrong = said - {"refused", "reads"}
    return min(wrong) if wrong else "reads" if "reads" in said else "refused"


def _judged(path: Path, columns: str | None) -> str:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            shape_hint(path)
            for block in read_blocks(path, rows=7, columns=columns):
                assert block.dtype in (np.float32, np.float64)
                assert block.ndim == 2
        except InputError as error:
            return "refused" if len(str(error)) < 1500 else f"a message of {len(str(error))} characters"
        except BaseException as error:
            frames = [f for f in traceback.extract_tb(error.__traceback__) if "similis/datasets" in f.filename]
            last = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
            return f"{type(error).__name__}: {str(error)[:90]} [{last}]"
    return "reads"


def main() -> int:
    """Mutate, print what went wrong, and return 1 if anything did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=18_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="number of the first file")
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    for number, name, done, said in hunt(partial(mutant, samples(), args.seed), judge, args.n, args.start):
        kind = said if said in ("refused", "reads") else "failed"
        counts[f"{Path(name).suffix} {kind}"] += 1
        if kind == "failed":
            print(f"{number} {name}: {done}: {said}", flush=True)
    print(f"{args.n} files, seed {args.seed}: {dict(sorted(counts.items()))}")
    return 1 if any("failed" in name for name in counts) else 0


if __name__ == "__main__":
    raise SystemExit(main())
