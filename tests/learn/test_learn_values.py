"""What an acceptance is worth starts at the catalogue's word and moves to what was reported."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedDocument, MalformedRequest
from marketofone.learn.values import PRIOR_STRENGTH, ValuePosterior, from_bytes, learn_value, prior_value, to_bytes

VALUE = st.integers(-(10**9), 10**9)


def after(prior: int, reports: list[int]) -> ValuePosterior:
    posterior = prior_value(prior)
    for value in reports:
        posterior = learn_value(posterior, value_minor=value)
    return posterior


def test_without_reports_the_catalogue_is_believed() -> None:
    assert prior_value(12_345).expected_minor == 12_345


def test_as_many_reports_as_the_prior_is_strong_meet_it_halfway() -> None:
    assert after(1_000, [0] * PRIOR_STRENGTH).expected_minor == 500


def test_many_reports_outweigh_the_catalogue() -> None:
    assert abs(after(50_000, [-2_000] * 5_000).expected_minor + 2_000) < 250


@given(VALUE, st.lists(VALUE, max_size=30))
def test_the_belief_is_the_weighted_mean_to_half_a_minor_unit(prior: int, reports: list[int]) -> None:
    exact = Fraction(prior * PRIOR_STRENGTH + sum(reports), PRIOR_STRENGTH + len(reports))

    assert abs(after(prior, reports).expected_minor - exact) <= Fraction(1, 2)


@given(VALUE, st.lists(VALUE, max_size=30))
def test_the_order_of_reports_does_not_matter_to_the_bit(prior: int, reports: list[int]) -> None:
    forward, backward = after(prior, reports), after(prior, reports[::-1])

    assert to_bytes(forward) == to_bytes(backward)
    assert from_bytes(to_bytes(forward)) == forward


def test_what_is_no_belief_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        prior_value(5, strength=0)
    with pytest.raises(MalformedDocument):
        from_bytes(b"{}")
