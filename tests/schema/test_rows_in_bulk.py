"""What is written and asked in bulk is what single rows would be."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.bulk import one_row, select
from records.fields import uuid7_texts

# PostgreSQL keeps no NUL.
TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
AWKWARD = st.sampled_from(["", "NULL", '"', "\\", "a,b", "{}", " x ", '\\"'])


@pytest.mark.django_db
@given(st.lists(TEXTS | AWKWARD | st.none()))
def test_texts_arrive_as_they_are(texts):
    assert [text for (text,) in select("SELECT unnest(%s::text[])", (texts,))] == texts


@pytest.mark.django_db
@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_numbers_arrive_as_they_are(numbers):
    assert [number for (number,) in select("SELECT unnest(%s::bigint[])", (numbers,))] == numbers


def test_one_row_is_the_instance_that_django_makes(strategy):
    told, asked = one_row(type(strategy), strategy.pk), type(strategy).objects.get(pk=strategy.pk)
    values = {field.attname for field in strategy._meta.concrete_fields}
    assert {name: getattr(told, name) for name in values} == {name: getattr(asked, name) for name in values}
    assert not told._state.adding


def test_ids_of_many_rows_are_of_the_seventh_version_and_none_comes_twice():
    texts = uuid7_texts(1000)
    ids = [uuid.UUID(text) for text in texts]
    assert [str(one) for one in ids] == texts
    assert {(one.version, one.variant) for one in ids} == {(7, uuid.RFC_4122)}
    assert len(set(ids)) == 1000
    assert uuid.UUID(uuid7_texts(1)[0]).int >> 80 >= ids[0].int >> 80
