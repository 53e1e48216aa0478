"""Nobody is asked again soon after a no, while they pause, or for offers while they object."""

from __future__ import annotations

from itertools import accumulate

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sayings import CHANGES, GRANTS, MARKETING, POLICY, changes, says

from marketofone.consent.asking import Asking, asking, noes_in
from marketofone.consent.ledger import NEVER_ASKED, ConsentChange
from marketofone.consent.saying import explicit
from marketofone.domain.moment import DAY, Instant

SHORT = msgspec.structs.replace(POLICY, ask_again_days=4)
DAYS = st.integers(0, 12)


@st.composite
def heard(draw: st.DrawFn) -> list[tuple[Instant, ConsentChange]]:
    """Say some things, days after each other; pauses end some days later."""
    said = draw(st.lists(CHANGES, max_size=6))
    at = list(accumulate(draw(st.lists(st.integers(0, 3), min_size=len(said), max_size=len(said)))))
    lasts = draw(st.lists(st.integers(1, 9), min_size=len(said), max_size=len(said)))
    return [
        (Instant(day * DAY), msgspec.structs.replace(one, until=Instant((day + last) * DAY)))
        if one.change == "pause"
        else (Instant(day * DAY), one)
        for day, last, one in zip(at, lasts, said, strict=True)
    ]


def found(said: list[tuple[Instant, ConsentChange]], now: Instant) -> dict[str, Asking]:
    return asking(noes_in(said), says([change for _, change in said]), policy=SHORT, now=now)


@given(said=heard(), day=DAYS)
def test_it_is_asked_where_no_no_is_recent_nothing_is_paused_and_nobody_objects(
    said: list[tuple[Instant, ConsentChange]], day: int
) -> None:
    now, consents = Instant(day * DAY), says([change for _, change in said])
    for purpose, answer in found(said, now).items():
        recent = any(
            recorded + 4 * DAY > now
            for recorded, change in said
            if (change.change in ("withdraw", "pause") and purpose in change.purposes)
            or (change.change == "object" and purpose == MARKETING)
        )
        objects = consents.objects and purpose == MARKETING
        assert answer.may == (not recent and purpose not in consents.paused(now) and not objects)
        assert (answer.since is None) == (answer.may or objects)


@given(said=heard(), day=DAYS)
def test_from_the_moment_that_is_told_it_may_be_asked_if_nothing_more_is_said_and_not_a_day_before(
    said: list[tuple[Instant, ConsentChange]], day: int
) -> None:
    for purpose, answer in found(said, Instant(day * DAY)).items():
        if answer.since is not None:
            assert found(said, answer.since)[purpose].may
            assert not found(said, Instant(answer.since - 1))[purpose].may


@given(said=heard(), no=changes("withdraw", "pause", "object"), day=DAYS)
def test_one_more_no_never_lets_anybody_ask_sooner(
    said: list[tuple[Instant, ConsentChange]], no: ConsentChange, day: int
) -> None:
    now = Instant(day * DAY)
    before, after = found(said, now), found([*said, (Instant(6 * DAY), no)], now)
    if no.change != "pause":  # the later pause counts, also where it is the shorter one
        assert all(before[purpose].may or not answer.may for purpose, answer in after.items())
    assert all(not after[name].may for name in no.purposes if 6 * DAY <= now < 10 * DAY)


def test_whoever_never_said_no_may_be_asked_for_everything_that_rests_on_consent() -> None:
    for said in ([], [(Instant(0), GRANTS["everything"])]):
        assert found(said, Instant(0)) == {"insights": Asking(may=True), MARKETING: Asking(may=True)}


@pytest.mark.parametrize("taken_back", ["grant", "resume", "lift"])
def test_a_no_counts_for_its_days_also_after_it_was_taken_back(taken_back: str) -> None:
    no = {"grant": "withdraw", "resume": "pause", "lift": "object"}[taken_back]
    words = dict.fromkeys(("purposes", "sources", "channels"), ("*",))
    said = [
        explicit(
            msgspec.convert({"customer": "c", "change": what, "since": 0, **words}, ConsentChange),
            policy=SHORT,
            now=Instant(0),
        )
        for what in (no, taken_back)
    ]
    told = found([(Instant(0), said[0]), (Instant(DAY), said[1])], Instant(2 * DAY))
    assert told[MARKETING] == Asking(may=False, since=Instant(4 * DAY))


def test_a_pause_that_lasts_longer_than_the_days_after_a_no_is_heard_to_its_end() -> None:
    pause = ConsentChange(customer="c", change="pause", since=Instant(0), until=Instant(9 * DAY))
    said = [(Instant(0), explicit(pause, policy=SHORT, now=Instant(0)))]
    assert found(said, Instant(5 * DAY))[MARKETING] == Asking(may=False, since=Instant(9 * DAY))


def test_while_somebody_objects_nobody_asks_for_offers_however_long_ago_it_was() -> None:
    objection = ConsentChange(customer="c", change="object", since=Instant(0))
    said = [(Instant(0), explicit(objection, policy=SHORT, now=Instant(0)))]
    late = found(said, Instant(5_000 * DAY))
    assert late == {"insights": Asking(may=True), MARKETING: Asking(may=False, since=None)}
    assert asking({}, NEVER_ASKED, policy=SHORT, now=Instant(0))[MARKETING].may
