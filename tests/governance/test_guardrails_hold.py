"""Guardrails stop what the bank promised not to do, and name themselves."""

from __future__ import annotations

from importlib.resources import files
from itertools import groupby

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.action import KINDS_OF_ACTION, MARKETING, Action, Kind
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.governance.guardrails import (
    Cap,
    Circumstances,
    Contact,
    forbidden_copy,
    objection,
    objections,
    parse_guardrails,
    tally,
)

TEXT = (files("marketofone") / "template" / "guardrails.toml").read_text(encoding="utf-8")
RAILS = parse_guardrails(TEXT)
NOW = Instant(1_000 * DAY)
OFFER = Action(id="offer", kind="offer", title="An offer", text="An offer.")
LOAN = Action(id="loan", kind="offer", title="A loan", text="A loan.", credit=True)
ALERT = Action(id="alert", kind="alert", title="An alert", text="An alert.")
CARE = Action(id="care", kind="outreach", title="Care", text="How are you?")
NOTHING = Action(id="nothing", kind="nothing", title="Nothing", text="Nothing.")


def contact(action: Action, *, hours: float, declined: bool = False) -> Contact:
    at = Instant(int(NOW - hours * HOUR))
    return Contact(
        action=action.id, kind=action.kind, at=at, channel="app", declined_at=Instant(at + 1) if declined else None
    )


def circumstances(*contacts: Contact, **changes: object) -> Circumstances:
    calm = Circumstances(
        now=NOW,
        quiet=False,
        channel="app",
        begun_by="bank",
        tally=tally(contacts, now=NOW, caps=RAILS.caps),
        stressed=False,
        credit_could_hurt="",
    )
    return msgspec.structs.replace(calm, **changes)


def named(action: Action, held: Circumstances) -> str | None:
    answer = objection(action, held, guardrails=RAILS)
    return None if answer is None else answer.split(":")[0]


def alike(action: Action) -> tuple[str, bool]:
    return action.kind, action.credit


def other(kind: Kind, number: int) -> Action:
    return Action(id=f"other-{number}", kind=kind, title="Other", text="Other.")


def test_nothing_stands_in_the_way_of_a_calm_first_contact() -> None:
    assert all(named(action, circumstances()) is None for action in (OFFER, LOAN, ALERT, CARE))


def offers(*hours: float) -> list[Contact]:
    return [
        contact(other("life_match" if number % 2 else "offer", number), hours=ago) for number, ago in enumerate(hours)
    ]


def test_selling_is_capped_over_all_offers_and_frees_itself_with_time() -> None:
    cap = RAILS.caps.marketing
    assert named(OFFER, circumstances(*offers(*[23.0] * cap.per_day))) == "cap_marketing"
    assert named(ALERT, circumstances(*offers(*[23.0] * cap.per_day))) is None
    assert named(OFFER, circumstances(*offers(25.0, *[23.0] * (cap.per_day - 1)))) is None
    assert named(OFFER, circumstances(*offers(*[30.0] * cap.per_week))) == "cap_marketing"
    assert named(OFFER, circumstances(*offers(200.0, *[30.0] * (cap.per_week - 1)))) is None


def test_the_same_thing_is_not_said_over_and_over() -> None:
    often = [contact(ALERT, hours=3)] * RAILS.caps.same_action.per_day
    assert named(ALERT, circumstances(*often)) == "cap_same_action"
    assert named(ALERT, circumstances(*often[1:])) is None


def test_contacts_of_every_kind_are_capped_but_care_and_alerts_always_get_through() -> None:
    many = [contact(other("nudge", number), hours=1) for number in range(RAILS.caps.contacts.per_day)]
    assert named(OFFER, circumstances(*many)) == "cap_contacts"
    assert named(CARE, circumstances(*many)) is None
    assert named(OFFER, circumstances(*(contact(other("alert", number), hours=1) for number in range(9)))) is None


def test_a_channel_and_a_kind_may_have_caps_of_their_own() -> None:
    two = Cap(per_day=2, per_week=3)
    caps = msgspec.structs.replace(RAILS.caps, channels={"push": two}, kinds={"insight": two})
    rails = msgspec.structs.replace(RAILS, caps=caps)

    def answer(kind: Kind, said: list[Contact], *, channel: str) -> str | None:
        held = circumstances(channel=channel, tally=tally(said, now=NOW, caps=caps))
        return objection(other(kind, 99), held, guardrails=rails)

    pushed = [msgspec.structs.replace(contact(other("nudge", n), hours=20), channel="push") for n in range(2)]
    assert answer("offer", pushed, channel="push") == "cap_channel: at most 2 by push in a day"
    assert answer("offer", pushed, channel="app") is None
    assert answer("alert", pushed, channel="push") is None  # exempt: nobody should miss it
    insights = [contact(other("insight", n), hours=30) for n in range(3)]
    assert answer("insight", insights, channel="app") == "cap_kind: at most 3 of the kind insight in a week"
    assert answer("nudge", insights, channel="app") is None


def test_a_no_is_respected_for_the_days_promised() -> None:
    days = RAILS.decline_days
    assert named(OFFER, circumstances(contact(OFFER, hours=24 * (days - 1), declined=True))) == "cool_off"
    assert named(OFFER, circumstances(contact(OFFER, hours=24 * days + 1, declined=True))) is None
    assert named(LOAN, circumstances(contact(OFFER, hours=24 * 8, declined=True))) is None


def test_quiet_hours_silence_what_interrupts_unless_the_customer_began() -> None:
    assert named(ALERT, circumstances(quiet=True, channel="push")) == "quiet_hours"
    assert named(CARE, circumstances(quiet=True, channel="phone")) == "quiet_hours"
    assert named(ALERT, circumstances(quiet=True, channel="app")) is None
    assert named(ALERT, circumstances(quiet=True, channel="push", begun_by="customer")) is None


@pytest.mark.parametrize(
    ("minute", "quiet"), [(0, True), (8 * 60 - 1, True), (8 * 60, False), (20 * 60 - 1, False), (20 * 60, True)]
)
def test_quiet_hours_span_midnight(minute: int, quiet: bool) -> None:  # noqa: FBT001 - a table
    assert RAILS.quiet(minute) is quiet


def test_credit_is_not_offered_where_it_could_hurt() -> None:
    hurt = circumstances(credit_could_hurt="a payment is late")
    assert objection(LOAN, hurt, guardrails=RAILS) == "credit_protection: a payment is late"
    assert named(OFFER, hurt) is None


def test_under_stress_only_care_and_silence_remain() -> None:
    stressed = circumstances(stressed=True)
    assert {kind for kind in KINDS_OF_ACTION if named(other(kind, 1), stressed) is None} == {"outreach", "nothing"}


CONTACTS = st.lists(
    st.builds(
        contact,
        st.sampled_from([OFFER, LOAN, ALERT, CARE, other("nudge", 1)]),
        hours=st.floats(min_value=0, max_value=400),
        declined=st.booleans(),
    ),
    max_size=12,
)


@given(contacts=CONTACTS, more=CONTACTS, stressed=st.booleans(), hurt=st.sampled_from(["", "a payment is late"]))
def test_more_contacts_more_stress_and_worse_finances_never_open_an_action(
    contacts: list[Contact],
    more: list[Contact],
    stressed: bool,  # noqa: FBT001 - drawn
    hurt: str,
) -> None:
    before = circumstances(*contacts)
    after = circumstances(*contacts, *more, stressed=stressed, credit_could_hurt=hurt)
    for action in (OFFER, LOAN, ALERT, CARE, NOTHING):
        if named(action, before) is not None:
            assert named(action, after) is not None
    assert named(NOTHING, after) is None
    if stressed:
        assert all(named(other(kind, 9), after) is not None for kind in MARKETING)


@given(contacts=CONTACTS, stressed=st.booleans(), hurt=st.sampled_from(["", "a payment is late"]))
def test_many_actions_are_judged_as_each_would_be_alone(
    contacts: list[Contact],
    stressed: bool,  # noqa: FBT001 - drawn
    hurt: str,
) -> None:
    held = circumstances(*contacts, stressed=stressed, credit_could_hurt=hurt)
    others = (other(kind, 70 + number) for number, kind in enumerate(KINDS_OF_ACTION))
    actions = sorted([OFFER, LOAN, ALERT, CARE, NOTHING, *others], key=alike)
    groups = [{action.id: action for action in group} for _, group in groupby(actions, key=alike)]
    together = objections(groups, held, guardrails=RAILS)
    alone = {action.id: objection(action, held, guardrails=RAILS) for action in actions}
    assert together == {name: answer for name, answer in alone.items() if answer is not None}


@given(orders=CONTACTS.flatmap(lambda contacts: st.tuples(st.just(contacts), st.permutations(contacts))))
def test_the_order_of_contacts_does_not_matter(orders: tuple[list[Contact], list[Contact]]) -> None:
    caps = RAILS.caps
    assert tally(orders[0], now=NOW, caps=caps) == tally(orders[1], now=NOW, caps=caps)


def test_pressing_words_are_found() -> None:
    pressing = Action(id="x", kind="offer", title="HURRY up", text="A card.")
    assert forbidden_copy(pressing, guardrails=RAILS) == "hurry"
    assert forbidden_copy(OFFER, guardrails=RAILS) is None


def test_a_document_that_breaks_its_contract_says_where() -> None:
    with pytest.raises(MalformedDocument, match=r"decline_days"):
        parse_guardrails(TEXT.replace("decline_days = 90", 'decline_days = "long"'))


def test_a_cap_counts_to_ten_thousand_and_no_further() -> None:
    def weekly(most: int) -> str:
        return TEXT.replace(
            "contacts = { per_day = 8, per_week = 30 }", f"contacts = {{ per_day = 8, per_week = {most} }}"
        )

    assert parse_guardrails(weekly(10_000)).caps.contacts.per_week == 10_000
    with pytest.raises(MalformedDocument, match="per_week"):
        parse_guardrails(weekly(10_001))
