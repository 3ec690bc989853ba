"""Typed queries: names become numbers, and nothing else is touched."""

from collections.abc import Iterator

import msgspec
import pytest

from entrepot.kit.sql import QUERIES, sql


class Two(msgspec.Struct, frozen=True):
    a: int
    b: str


@pytest.fixture(autouse=True)
def unlisted() -> Iterator[None]:
    """The queries made here are not of the program: the test that prepares them all must not see them."""
    before = len(QUERIES)
    yield
    del QUERIES[before:]


@pytest.mark.parametrize(
    ("text", "compiled", "params"),
    [
        ("select 1", "select 1", ()),
        ("select :a, :b, :a", "select $1, $2, $1", ("a", "b")),
        ("select :ids::uuid[], now::date", "select $1::uuid[], now::date", ("ids",)),
        ("where a=:a and(b=:b)", "where a=$1 and(b=$2)", ("a", "b")),
        ("select x[1:n], y[2 : 3]", "select x[1:n], y[2 : 3]", ()),
        ("select ':a', :a", "select ':a', $1", ("a",)),
        ("select 'it''s :a' || :b", "select 'it''s :a' || $1", ("b",)),
        (
            "select to_char(at, 'HH24:mi') -- as :a says\n, :b",
            "select to_char(at, 'HH24:mi') -- as :a says\n, $1",
            ("b",),
        ),
        ('select x as ":a", :a', 'select x as ":a", $1', ("a",)),
        ("select :a_2, :_b", "select $1, $2", ("a_2", "_b")),
        ("a := 1", "a := 1", ()),
    ],
)
def test_compile(text: str, compiled: str, params: tuple[str, ...]) -> None:
    query = sql(text)
    assert (query.text, query.params) == (compiled, params)
    assert QUERIES[-1] is query


def test_arguments_go_by_name() -> None:
    query = sql("select :b, :a, :b", Two)
    assert query.args({"a": 1, "b": 2}) == [2, 1]
    assert query.make(1, "x") == Two(1, "x")
    assert sql("select :a", int).make(7) == 7


@pytest.mark.parametrize("given", [{}, {"a": 1}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 3}])
def test_a_missing_or_unknown_argument_is_an_error(given: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="expected"):
        sql("select :a, :b").args(given)
