"""How consents stand is told in few words, and says what every scope says."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from sayings import CHANGES, GRANTS, MARKETING, MOMENTS, POLICY, opened, says

from marketofone.consent.ledger import ConsentChange
from marketofone.consent.saying import explicit
from marketofone.consent.standing import standing
from marketofone.domain.moment import DAY, Instant

HISTORIES = st.lists(CHANGES, max_size=6)


@given(history=HISTORIES, now=MOMENTS)
def test_the_few_words_count_what_permits_open(history: list[ConsentChange], now: Instant) -> None:
    consents = says(history)
    found, open_now = standing(consents, policy=POLICY, now=now), opened(consents, now)
    assert (found.on, found.of) == (len({(purpose, source) for purpose, _, source in open_now}), 4)
    for purpose, switch in found.purposes.items():
        of_purpose = sum(one[0] == purpose for one in open_now)
        assert switch == ("off" if of_purpose == 0 else "on" if of_purpose == 4 else "partly")
    assert set(found.purposes) == {"insights", MARKETING}  # what rests on a duty is nobody's switch


@given(history=HISTORIES, now=MOMENTS)
def test_a_pause_is_told_while_it_lasts(history: list[ConsentChange], now: Instant) -> None:
    consents = says(history)
    found = standing(consents, policy=POLICY, now=now)
    assert (found.paused_until is not None) == bool(consents.paused(now))
    assert found.paused_until is None or found.paused_until > now
    assert found.objected == consents.objects


def test_of_several_pauses_the_last_end_is_told_and_a_paused_purpose_is_off() -> None:
    pause = ConsentChange(customer="c-1", change="pause", since=Instant(0))
    said = [
        explicit(
            msgspec.structs.replace(pause, purposes=(name,), until=Instant(days * DAY)), policy=POLICY, now=Instant(0)
        )
        for name, days in (("insights", 9), (MARKETING, 2))
    ]
    consents = says([GRANTS["everything"], *said])
    for day, expected in ((1, ("off", "off", 9)), (3, ("off", "on", 9)), (9, ("on", "on", None))):
        found = standing(consents, policy=POLICY, now=Instant(day * DAY))
        until = None if found.paused_until is None else found.paused_until // DAY
        assert (found.purposes["insights"], found.purposes[MARKETING], until) == expected
