"""Text in, problem out: a closed list of words, nothing evaluated, nothing large."""

from __future__ import annotations

import pytest

from similis._errors import InputError
from similis.derive import (
    align,
    at_most_white,
    feedforward,
    lagged,
    match,
    nonnegative,
    output,
    read,
    similarity,
    sparse,
    white,
)

X, Y = similarity("x"), similarity("y")
READ = {
    "match(similarity(x, metric=1) + similarity(y, metric=1)), nonnegative": match(
        similarity("x", metric=1) + similarity("y", metric=1), nonnegative
    ),
    "  align(similarity(x) - 0.5*output)": align(X - 0.5 * output),
    "align(similarity(y), at_most_white(0.01), feedforward(w))": align(Y, at_most_white(0.01), feedforward("w")),
    "align(similarity(x)), white": align(X, white),
    "(match(similarity(x), nonnegative), sparse(1/4))": match(X, nonnegative, sparse(0.25)),
    "match(similarity(lagged(x, 1) + x, metric_of=x))": match(similarity(lagged("x", 1) + "x", metric_of="x")),
    "match(similarity(x - lagged(x, 2)) * similarity(-y))": match(
        similarity("x" - lagged("x", 2)) * similarity(-1.0 * lagged("y", 0))
    ),
}


@pytest.mark.parametrize("text", READ)
def test_a_line_is_a_problem(text):
    found, asked = read(text), READ[text]
    assert found.similarity.parts == asked.similarity.parts
    assert (found.matches, found.constraints) == (asked.matches, asked.constraints)


NOT_READ = {
    "code": "__import__('os').system('true')",
    "an attribute": "match(similarity(x).__class__)",
    "a subscript": "match(similarity(x)[0])",
    "a lambda": "match((lambda: 1)())",
    "a comprehension": "match([similarity(x) for x in y])",
    "a power": "match(similarity(x) ** 99999999)",
    "a walrus": "match(a := similarity(x))",
    "a starred argument": "match(*x)",
    "starred options": "match(similarity(x, **y))",
    "an f-string": "match(similarity(f'{x}'))",
    "an unknown function": "open(x)",
    "an unknown option": "match(similarity(x, exec=1))",
    "too many arguments": "match(similarity(x, 1, 2))",
    "a word without arguments": "match(similarity)",
    "a bare stream": "x",
    "a constraint first": "white, match(similarity(x))",
    "two problems": "match(similarity(x)), match(similarity(y))",
    "statements": "match(similarity(x)); match(similarity(y))",
    "nothing": "",
    "a null byte": "match(\0)",
    "broken": "match(similarity(x)",
    "a huge number": "match(1e400 * similarity(x))",
    "a huge integer": "match(" + "9" * 400 + " * similarity(x))",
    "no number": "match(1j * similarity(x))",
    "truth": "match(True * similarity(x))",
    "division by zero": "match(1/0 * similarity(x))",
    "division of similarities": "match(1 / similarity(x))",
    "a lag of a sum": "match(similarity(lagged(x + y, 1)))",
    "a stream as a number": "match(similarity(x)), sparse(y)",
    "a stream as stiffness": "align(similarity(x) - identity(1)), row_sums(1, y)",
    "numbers alone": "match(1 + 2)",
    "a problem as a term": "match(match(similarity(x)))",
    "a tuple as a term": "match((similarity(x), white))",
    "a problem scaled": "2 * match(similarity(x))",
    "long": "match(" + " + ".join(["similarity(x)"] * 200) + ")",
    "many parts": "match(" + "+".join(["a"] * 400) + ")",
    "deep": "match(" + "-" * 300 + "1)",
    "very deep": "-" * 990 + "1",
    "parentheses": "(" * 400 + ")" * 400,
    "a stream named as a word": "match(similarity(white))",
    "an option as a problem": "match(similarity(x, metric=match(similarity(y))))",
    "an option as a stream": "match(similarity(x, ridge=y))",
    "a power that is a stream": "align(similarity(x)), trace(1, shift=y)",
    "a share that is a stream": "align(similarity(x)), soft_white(y)",
    "an offset that is a stream": "align(similarity(x)), at_most_white(y)",
    "a stream of a number": "match(similarity(3))",
    "metric of a number": "match(similarity(x, metric_of=3))",
}


@pytest.mark.parametrize("what", NOT_READ)
def test_what_is_not_in_the_language_is_refused(what):
    with pytest.raises(InputError):
        read(NOT_READ[what])


def test_a_text_that_is_none_is_refused():
    with pytest.raises(InputError, match="expected a text"):
        read(b"match(similarity(x))")
