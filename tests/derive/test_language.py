"""What the language says, and what it refuses: the term, quoted, and the reason."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest

import similis.derive as room
from similis._errors import InputError
from similis.circuit import Box, Channel, Gram, Synapse, Z
from similis.derive import (
    align,
    at_most_white,
    ball,
    between,
    centred,
    constant,
    feedforward,
    identity,
    lagged,
    match,
    nonnegative,
    output,
    row_sums,
    similarity,
    soft_white,
    sparse,
    trace,
    white,
    within,
)
from similis.networks import canonical_correlation

X, Y = similarity("x"), similarity("y")

PRINTED = {
    "min_Z 1/2 |X' Cxx^-1 X + Y' Cyy^-1 Y - Z'Z|^2": lambda: match(
        similarity("x", metric=1) + similarity("y", metric=1)
    ),
    "min_{Z >= 0} 1/2 |X'X - Z'Z|^2 + 0.2 <|z|_1>": lambda: match(X, nonnegative, sparse(0.1)),
    "max_Z <X'X - 0.3 11', Z'Z>, z >= 0, |z| <= 1": lambda: align(X - constant(0.3), ball(1)),
    "min_Z 1/2 |0.5 X'X + X_label' (0.9 I + 0.5 C_label)^-1 X_label - Z'Z|^2": lambda: match(
        0.5 * X + similarity("label", metric=0.5, ridge=0.4)
    ),
    "min_Z 1/2 |X'X o X_dx'X_dx - Z'Z|^2": lambda: match(X * similarity("dx")),
    "max_Z <X'X - 0.2 T I, Z'Z>, <z z'> <= I": lambda: align(X - identity(0.2), at_most_white),
    "max_Z <Y'Y, Z'Z>, <z z'> <= I, z = Wx x": lambda: align(Y, at_most_white, feedforward),
    "max_Z <X'X, Z'Z>, z >= 0, Z'Z 1 / T = 2 1, <|z|^2> = 3": lambda: align(X, row_sums(2), trace(3)),
    "max_Z <X'X, Z'Z> - |<z z'> - 0.5 I|^2": lambda: align(X, soft_white(0.5)),
}


@pytest.mark.parametrize("line", PRINTED)
def test_a_problem_is_one_line(line):
    assert str(PRINTED[line]()) == line


def test_letters_are_not_borrowed():
    assert str(match(similarity("z") + similarity("X") + X)) == "min_Z 1/2 |X_z'X_z + X_X'X_X + X'X - Z'Z|^2"


def test_numbers_of_numpy_are_numbers():
    half, one = np.float32(0.5), np.int64(1)
    assert match(half * similarity("x", metric=one)).circuit(2) == match(0.5 * similarity("x", metric=1)).circuit(2)
    assert (np.float64(2) * lagged("x", 1)).parts == (("x", 1, 2.0),)


def test_views_are_distinct():
    for views in ((), ("x", "x")):
        with pytest.raises(InputError, match="views="):
            canonical_correlation(2, views=views)


def test_equal_terms_add_up_and_order_does_not_matter_for_the_value():
    assert str(match(X + X)) == "min_Z 1/2 |2 X'X - Z'Z|^2"
    assert match(X + X).circuit(2).channels[0].drive == pytest.approx(2**0.5)


def test_slow_features_are_two_channels_with_one_matrix():
    channels = match(similarity(lagged("x", 1) + "x", metric_of="x")).circuit(3).channels
    asked = Channel("x_sum", leak=0), Channel("x", drive=0, metric=1, synapse=Synapse(weights="x_sum"))
    for found, channel in zip(channels, asked, strict=True):
        assert (found.name, found.drive, found.metric, found.leak) == (
            channel.name,
            channel.drive,
            channel.metric,
            channel.leak,
        )
        assert found.weights == "x_sum"
    assert channels[0].synapse.post == Z


def test_streams_are_cut_to_the_longest_lag():
    x = np.arange(12.0).reshape(6, 2)
    change = similarity("x" - lagged("x", 2), metric_of=lagged("x", 1))
    streams = match(change).streams({"x": x})
    assert streams.keys() == {"x_change", "x_lag1"}
    np.testing.assert_array_equal(streams["x_change"], x[2:] - x[:-2])
    np.testing.assert_array_equal(streams["x_lag1"], x[1:-1])


def test_numbers_that_are_no_part_of_the_objective_are_passed_on():
    circuit = align(Y, at_most_white, feedforward).circuit(3, tau=2.0, rates={"y": 0.1}, units=5, init_scale=0.2)
    assert circuit.channel("y").synapse.rate == 0.1
    assert (circuit.lateral.tau, circuit.lateral.units, circuit.lateral.init_scale) == (2.0, 5, 0.2)
    assert match(X, within(Box(-1, 2))).circuit(1).domain == Box(-1, 2)
    assert align(X - 0.35 * output).circuit(1).lateral == Gram(0.5, 0.7)


REFUSED = {
    "degree": (lambda: match(X - 0.1 * output * output), r"\(output\): a degree above two in Z'Z"),
    "degree of outputs and inputs": (lambda: align(X * output, white), r"\(similarity\(x\)\) \* \(output\): a degree"),
    "outputs on both sides": (lambda: match(X - 0.1 * output), r"0\.1 \* output\): outputs stand on both sides"),
    "outputs that attract": (lambda: align(X + 0.5 * output), r"0\.5 \* output: outputs that attract outputs"),
    "three factors": (lambda: match(X * Y * X), "three factors"),
    "a product with a metric": (
        lambda: match(X * similarity("y", metric=1)),
        r"metric=1\) has a metric.*non-local inverse",
    ),
    "a product of sums": (lambda: match((X + Y) * X), "a product of sums"),
    "a constant factor": (lambda: match(X * constant()), r"constant\(1\).*only similarities of signals multiply"),
    "metric": (lambda: similarity("x", metric=1.2), r"similarity\(x, metric=1\.2\): B = .* must have an inverse"),
    "metric of nothing": (lambda: similarity("x", metric=0, metric_of="y"), "no metric of another signal"),
    "the future": (lambda: lagged("x", -1), r"lagged\('x', -1\): a synapse cannot read the future"),
    "subtracted": (lambda: match(X - 0.5 * Y), r"-0\.5 \* similarity\(y\): subtracted, it is maximised"),
    "constant": (lambda: match(X + constant(0.1)), r"constant\(0\.1\): all samples attract each other"),
    "identity": (lambda: match(X + identity(0.1)), r"identity\(0\.1\): a reward on power"),
    "unbounded": (lambda: align(X), r"align\(similarity\(x\)\): unbounded"),
    "unbounded with a cost": (lambda: align(X - identity(), nonnegative), "unbounded"),
    "corners": (lambda: align(X, row_sums(1)), r"row_sums\(1\): nothing holds a neuron back"),
    "nothing": (lambda: match(-identity(0.1)), "nothing attracts the outputs"),
    "twice": (lambda: match(X + similarity("x", metric=1)), "the signal x comes in twice"),
    "driver and teacher": (lambda: align(X, white, feedforward), "the signal x comes in twice"),
    "two multipliers": (lambda: align(X, white, at_most_white), "white, at_most_white: incompatible"),
    "laterals": (lambda: match(X, at_most_white), "at_most_white and the quartic term"),
    "soft and matched": (lambda: match(X, soft_white(0.5)), r"soft_white\(0\.5\) is itself a cost"),
    "share": (lambda: soft_white(1.0), r"soft_white\(1\): expected a share"),
    "power twice": (lambda: align(X, white, trace(1)), r"white, trace\(1\): the second moment holds the power"),
    "limited power": (lambda: align(X - identity(), trace(1)), "the power is given, so its cost is a constant"),
    "ball": (lambda: match(X, ball(1)), "within a ball settling is divisive"),
    "white ball": (lambda: align(X, white, ball(1)), r"white, ball\(1\): within a ball"),
    "row sums and white": (lambda: align(X, white, row_sums(1)), "would both be multipliers"),
    "row sums and constant": (lambda: match(X - constant(0.1), row_sums(1)), "row sums learn thresholds of their own"),
    "two domains": (lambda: align(X, ball(1), row_sums(1)), "outputs settle in one domain"),
    "sparse ball": (lambda: align(X, ball(1), sparse(0.1)), "outputs settle in one domain"),
    "room": (lambda: align(X, row_sums(1), trace(5)).circuit(4), r"trace=5\.0 of 4 neurons; expected 1\.0 to 4\.0"),
    "a way through": (lambda: align(Y, feedforward), "unbounded: with z = V x"),
    "a cost where nothing settles": (lambda: align(Y - identity(), white, feedforward), "neither self-inhibition nor"),
    "a threshold where nothing settles": (
        lambda: align(Y - constant(), white, feedforward),
        "neither self-inhibition nor",
    ),
    "sparse where nothing settles": (lambda: align(Y, white, feedforward, sparse(0.1)), "only bounds that f' knows"),
    "gain of a teacher": (lambda: align(2 * Y, white, feedforward), r"2 \* similarity\(y\): a teacher's gain is 1"),
    "slow teacher": (
        lambda: align(similarity(lagged("y", 1) + "y", metric_of="y"), white, feedforward),
        "a teacher with the metric of another signal",
    ),
    "pairs that teach": (lambda: align(Y * similarity("w"), white, feedforward), "pairs of signals that teach"),
    "half a gain": (lambda: align(Y - output, feedforward), "laterals have the gain 1"),
    "centred": (lambda: match(X, centred(0.1)), "a mean can be subtracted only where nothing settles"),
    "no number": (lambda: match(X * "y"), "expected a finite gain"),
    "no similarity": (lambda: X + 3, "only similarities are added"),
    "no constraint": (lambda: match(X, "white"), "'white': expected a constraint"),
    "no stream": (lambda: similarity("two words"), "expected the name of a stream"),
    "no signal": (lambda: similarity(lagged("x", 1) - lagged("x", 1)), "a signal that cancels"),
    "no interneurons": (lambda: match(X).circuit(2, units=3), "has no interneurons"),
    "no bounds": (lambda: between("a"), r"between\('a', inf\): expected numbers"),
    "no rate": (lambda: centred("a"), r"centred\('a'\): expected a finite number"),
    "nothing to settle against": (
        lambda: align(X - 0 * output - identity(0), row_sums(1)),
        r"align\(similarity\(x\) \+ 0 \* output \+ 0 \* identity\(1\)\), row_sums\(1\): nothing holds",
    ),
    "infinite": (lambda: constant(float("inf")), r"constant\(inf\): expected a finite number"),
    "nan": (lambda: match(float("nan") * X), "expected a finite gain"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_rule_covers_is_refused_with_a_reason(what):
    build, reason = REFUSED[what]
    with pytest.raises(InputError, match=reason):
        build()


@pytest.mark.parametrize("path", sorted(Path(room.__file__).parent.glob("*.py")), ids=lambda p: p.stem)
def test_the_examples_of_the_docstrings_run(path):
    module = importlib.import_module("similis.derive" if path.stem == "__init__" else f"similis.derive.{path.stem}")
    assert doctest.testmod(module).failed == 0


def test_every_public_function_has_an_example():
    functions = [getattr(room, name) for name in room.__all__ if inspect.isfunction(getattr(room, name))]
    assert len(functions) > 12
    assert [f.__name__ for f in functions if ">>>" not in (f.__doc__ or "")] == []


def test_the_room_holds_its_limits():
    for path in Path(room.__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 200, path.name
        assert "type: ignore" not in text
