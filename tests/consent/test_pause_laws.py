"""Laws of a pause: while it lasts nothing opens what it names, and afterwards all is as if nobody had paused."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sayings import CHANGES, LATEST, MARKETING, MOMENTS, POLICY, changes, opened, says, usable

from marketofone.consent.gate import permit, stopped
from marketofone.consent.ledger import ConsentChange, Consents, together, without_pauses
from marketofone.consent.policy import ConsentPolicy
from marketofone.consent.saying import explicit
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import DAY, Instant, text_of

HISTORIES = st.lists(CHANGES, max_size=6)
UNPAUSED = st.lists(changes("grant", "grant", "withdraw", "object", "lift"), max_size=5)
NO_RESUMING = st.lists(changes("grant", "grant", "withdraw", "object", "lift"), max_size=4)
PAUSES = changes("pause")
PAUSE = ConsentChange(customer="c-1", change="pause", since=Instant(0))
NOW = Instant(20_000 * DAY)


@given(before=HISTORIES, pause=PAUSES, after=NO_RESUMING, now=MOMENTS)
def test_while_a_pause_lasts_no_grant_opens_what_it_names_and_all_else_is_as_it_was(
    before: list[ConsentChange], pause: ConsentChange, after: list[ConsentChange], now: Instant
) -> None:
    plain, paused = says([*before, *after]), says([*before, pause, *after])
    assert pause.until is not None
    if now < pause.until:
        expected = {one for one in opened(plain, now) if one[0] not in pause.purposes}
        assert opened(paused, now) == expected
        assert usable(paused, now) == {source for _, _, source in expected}


@given(before=UNPAUSED, pause=PAUSES, after=UNPAUSED, now=MOMENTS)
def test_after_a_pause_everything_is_as_if_nobody_had_paused(
    before: list[ConsentChange], pause: ConsentChange, after: list[ConsentChange], now: Instant
) -> None:
    plain, paused = says([*before, *after]), says([*before, pause, *after])
    assert pause.until is not None
    if now >= pause.until:
        assert opened(paused, now) == opened(plain, now)
        assert usable(paused, now) == usable(plain, now)
    assert without_pauses(paused) == msgspec.structs.replace(plain, epoch=plain.epoch + 1)


@given(before=UNPAUSED, pause=PAUSES, between=UNPAUSED, now=MOMENTS)
def test_resuming_ends_a_pause_at_once(
    before: list[ConsentChange], pause: ConsentChange, between: list[ConsentChange], now: Instant
) -> None:
    resumed = says([*before, pause, *between, msgspec.structs.replace(pause, change="resume", until=None)])
    assert opened(resumed, now) == opened(says([*before, *between]), now)


@given(history=UNPAUSED, first=PAUSES, second=PAUSES, now=MOMENTS)
def test_of_two_pauses_of_a_purpose_the_later_entry_counts_also_when_it_is_the_shorter_one(
    history: list[ConsentChange], first: ConsentChange, second: ConsentChange, now: Instant
) -> None:
    second = msgspec.structs.replace(second, purposes=first.purposes)
    assert opened(says([*history, first, second]), now) == opened(says([*history, second]), now)


@given(each=st.lists(HISTORIES, min_size=2, max_size=3), now=MOMENTS)
def test_a_pause_under_any_id_counts_for_the_person_and_the_one_that_ends_last(
    each: list[list[ConsentChange]], now: Instant
) -> None:
    ids = [says(history) for history in each]
    both = together(ids)
    assert opened(both, now) <= set.intersection(*(opened(one, now) for one in ids))
    assert set(both.paused(now)) == {name for one in ids for name in one.paused(now)}
    for name in both.paused(now):
        assert both.paused_until(name, now) == max(one.paused_until(name, now) or now for one in ids)


@given(history=HISTORIES, moments=st.lists(MOMENTS, min_size=2, max_size=4), channel=st.sampled_from(["app", None]))
def test_what_was_judged_at_other_moments_changes_no_permit(
    history: list[ConsentChange], moments: list[Instant], channel: str | None
) -> None:
    fresh = ConsentPolicy(purposes=POLICY.purposes, sources=POLICY.sources, channels=POLICY.channels)
    for now in moments:
        found = [
            (
                permit(of, says(history), customer="c", channel=channel, policy=policy, now=now),
                usable(says(history), now),
            )
            for policy in (POLICY, fresh)
            for of in ("insights", MARKETING)
        ]
        assert found[:2] == found[2:]
        fresh.judged.clear()


@given(history=HISTORIES)
def test_consents_with_pauses_survive_as_bytes(history: list[ConsentChange]) -> None:
    consents = says(history)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(consents), type=Consents) == consents


def test_a_pause_without_an_end_lasts_thirty_days_or_as_long_as_the_bank_allows() -> None:
    shorter = msgspec.structs.replace(POLICY, pause_days=7)
    for policy, days in ((POLICY, 30), (shorter, 7)):
        assert explicit(PAUSE, policy=policy, now=NOW).until == NOW + days * DAY


@pytest.mark.parametrize(("until", "told"), [(NOW, "not after now"), (NOW + 90 * DAY + 1, "90 days")])
def test_a_pause_ends_after_now_and_not_beyond_the_limit_of_the_bank(until: int, told: str) -> None:
    with pytest.raises(MalformedRequest) as raised:
        explicit(msgspec.structs.replace(PAUSE, until=Instant(until)), policy=POLICY, now=NOW)
    assert raised.value.field == "until"
    assert told in str(raised.value)
    longest = Instant(NOW + 90 * DAY)
    assert explicit(msgspec.structs.replace(PAUSE, until=longest), policy=POLICY, now=NOW).until == longest
    assert until <= NOW or text_of(longest) in str(raised.value)


@pytest.mark.parametrize(
    ("field", "word"), [("sources", "app"), ("channels", "phone"), ("purposes", "protection"), ("purposes", "resale")]
)
def test_a_pause_names_purposes_that_rest_on_consent_and_nothing_else(field: str, word: str) -> None:
    for change in ("pause", "resume"):
        said = msgspec.structs.replace(PAUSE, change=change, **{field: (word,)})
        with pytest.raises(MalformedRequest) as raised:
            explicit(said, policy=POLICY, now=NOW)
        assert raised.value.field == field
    assert explicit(PAUSE, policy=POLICY, now=NOW).purposes == ("insights", MARKETING)


def test_a_pause_that_names_a_past_date_holds_at_once_and_counts_its_days_from_when_it_is_said() -> None:
    said = explicit(msgspec.structs.replace(PAUSE, since=Instant(NOW - 29 * DAY)), policy=POLICY, now=NOW)
    assert said.until == NOW + 30 * DAY
    assert set(says([said]).paused(NOW)) == {"insights", MARKETING}
    with pytest.raises(MalformedRequest):
        explicit(msgspec.structs.replace(PAUSE, since=Instant(LATEST)), policy=POLICY, now=Instant(LATEST - 1))


def test_what_came_to_rest_on_a_duty_since_it_was_paused_is_stopped_no_more() -> None:
    consents = Consents(epoch=1, said=(), pauses=(("protection", Instant(9)), (MARKETING, Instant(9))))
    assert stopped("protection", consents, policy=POLICY, now=Instant(1)) is None
    assert stopped(MARKETING, consents, policy=POLICY, now=Instant(1)) == "paused"
