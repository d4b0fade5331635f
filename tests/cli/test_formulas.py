"""From a file of formulas to a model, predictions and a ranking."""

from __future__ import annotations

import csv

import pytest

pytest.importorskip("torch", reason="the networks are PyTorch's")

from similis.superconductor import known

DATA = known()


def test_from_a_file_of_formulas_to_a_ranking(similis, tmp_path):
    with (tmp_path / "known.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("formula", "Tc"))
        rows.writerows(zip(*DATA[:2], strict=True))
        rows.writerow(("Nb3Sn=z", 18))
    done = similis(
        "fit", "tc", tmp_path / "known.csv", "-o", tmp_path / "m", "--param", 'members={"kernel": 1}', "--param",
        "epochs=8", "--json",
    )  # fmt: skip
    assert done.json["refused"] == 1
    assert f"line {len(DATA.formulas) + 2}" in done.stderr
    for words in (("--epochs", 3), ("--resume", tmp_path / "m"), ("--dtype", "float32"), ("--checkpoint-every", 5)):
        similis("fit", "tc", tmp_path / "known.csv", "-o", tmp_path / "n", *words, status=2)
    assert not (tmp_path / "n").exists()
    (tmp_path / "ask.txt").write_text("MgB2\nMo20Re6Si4\n\nYBa2Cu3Ox\nXe\n")
    done = similis("predict", tmp_path / "m", tmp_path / "ask.txt", "-o", tmp_path / "out.csv", "--json")
    assert (done.json["rows"], done.json["refused"]) == (3, 1)
    assert "line 4" in done.stderr
    assert "variable" in done.stderr
    with (tmp_path / "out.csv").open() as file:
        found = list(csv.DictReader(file))
    assert [row["formula"] for row in found] == ["MgB2", "Mo20Re6Si4", "YBa2Cu3Ox", "Xe"]
    assert found[2]["tc"] == ""
    assert found[3]["novel"] == "yes"
    assert float(found[1]["low"]) <= float(found[1]["tc"]) <= float(found[1]["high"])
    similis("score", tmp_path / "m", tmp_path / "known.csv", "--json", status=1)
    done = similis(
        "screen", tmp_path / "m", "--elements", "Mo,Re,Si", "--max-atoms", 12, "-o", tmp_path / "rank.csv", "--map",
        tmp_path / "map.png", "--json",
    )  # fmt: skip
    assert done.json["compositions"] == 91
    with (tmp_path / "rank.csv").open() as file:
        ranked = list(csv.DictReader(file))
    merit = [float(row["tc"]) * float(row["p_superconducting"]) for row in ranked]
    assert merit == pytest.approx(sorted(merit, reverse=True), abs=0.05)
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
