"""Ids: in order of time, and one spelling each."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kit.ids import new_id, parse, ref, show

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 9, 0, 0, 1_000, tzinfo=UTC)
times = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(times)
def test_an_id_is_a_version_7_of_its_millisecond(now: datetime) -> None:
    made = new_id(now)
    assert (made.version, made.variant) == (7, UUID(int=0x8000_0000_0000_0000).variant)
    assert made.int >> 80 == (now - EPOCH) // timedelta(milliseconds=1)


def test_ids_of_one_millisecond_are_in_order_and_differ() -> None:
    made = [new_id(NOW) for _ in range(40_000)]  # more than one carry of the 14 low bits of the counter
    assert made == sorted(made)
    assert len(set(made)) == len(made)


@given(times, times)
def test_ids_sort_by_time(a: datetime, b: datetime) -> None:
    first, second = sorted((a, b))
    if second - first >= timedelta(milliseconds=1):
        assert new_id(first) < new_id(second)


@given(st.uuids())
def test_parse_undoes_show(id_: UUID) -> None:
    assert parse("ord", show("ord", id_)) == id_


@pytest.mark.parametrize(
    "shown",
    [
        "", "ord", "ord_", "ord_0", "grp_" + "0" * 32, "ord_" + "0" * 33, "ord_" + "g" * 32, "ord_" + "A" * 32,
        "ord_" + "0_" * 15 + "00", "ord_ " + "0" * 31, "ord_+" + "0" * 31, "ord_" + "0" * 31 + "\n",
        "ord_" + "\u0660" * 32,
        "ord_00000000-0000-0000-0000-0000000000",
    ],
)  # fmt: skip
def test_parse_takes_nothing_but_what_show_gives(shown: str) -> None:
    with pytest.raises(ValueError, match="not a ord_ id"):
        parse("ord", shown)


def test_the_pattern_of_a_body_takes_shown_ids_only() -> None:
    decoder: msgspec.json.Decoder[str] = msgspec.json.Decoder(Annotated[str, ref("ord")])
    assert decoder.decode(msgspec.json.encode(show("ord", UUID(int=7)))) == "ord_" + "0" * 31 + "7"
    for wrong in ("ord_" + "A" * 32, "ord_" + "0" * 32 + "\n", "grp_" + "0" * 32):
        with pytest.raises(msgspec.ValidationError):
            decoder.decode(msgspec.json.encode(wrong))
