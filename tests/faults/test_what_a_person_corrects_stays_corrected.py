"""What a person says is wrong about them is used by nothing from the next decision on, until they say otherwise."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from situations import NOW, gives_up, pays, says, sent, shares, values

from marketofone import Bank
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MalformedRequest, UnknownCustomer
from marketofone.domain.moment import DAY, HOUR, MINUTE, Instant
from marketofone.services.rights import inferences
from marketofone.services.rights.cases import cases_of
from marketofone.services.rights.inferences import InferenceSaid, InferenceView, ask_about
from proofs import proven

WHO = "anna"
UPSET = "I am desperate and cannot sleep, this is unfair and I am very angry with you"
LATER = Instant(NOW + HOUR)


def knows(bank: Bank, *events: bytes, now: int = NOW) -> None:
    bank.ingest(list(events), now=Instant(now))


def moved(*, at: int = NOW - DAY, **more: Any) -> bytes:
    return sent("life.declared", WHO, at=at, event="move", **more)


def corrects(bank: Bank, inference: str, *, wrong: bool = True, now: int = NOW) -> None:
    bank.rights.correct(WHO, InferenceSaid(inference=inference, wrong=wrong, page="wrong"), now=Instant(now))


def listed(bank: Bank, *, now: int = NOW, as_of: int | None = None) -> dict[str, InferenceView]:
    asked = None if as_of is None else Instant(as_of)
    return {one.inference: one for one in bank.rights.inferences(WHO, now=Instant(now), as_of=asked)}


def offered(made: Decision) -> dict[str, str]:
    return {one.action: one.why for one in made.candidates}


def test_a_life_event_that_is_wrong_is_known_to_nobody_until_it_is_right_after_all(bank: Bank) -> None:
    says(bank, WHO)
    knows(bank, moved())
    assert (values(bank, WHO)["life_move_days"], listed(bank)["life.move"].wrong) == (1, False)
    before = bank.decide(WHO, occasion="app.opened", id="d-1", now=NOW)
    corrects(bank, "life.move")
    assert "life_move_days" not in values(bank, WHO)
    assert listed(bank)["life.move"].wrong
    after = bank.decide(WHO, occasion="app.opened", id="d-2", now=NOW)
    fared = [of.stage for made in (before, after) for of in made.candidates if of.action == "home_insurance_move"]
    assert (fared[0] == "not_eligible", fared[1]) == (False, "not_eligible")
    corrects(bank, "life.move", wrong=False, now=LATER)
    assert values(bank, WHO, now=LATER)["life_move_days"] == 1
    assert not listed(bank, now=LATER)["life.move"].wrong
    proven(bank)


def test_each_saying_counts_also_where_the_clock_of_the_bank_stands(bank: Bank) -> None:
    says(bank, WHO)
    knows(bank, moved())
    heard = []
    for wrong in (True, False, True):
        corrects(bank, "life.move", wrong=wrong)
        heard.append(listed(bank)["life.move"].wrong)
    assert heard == [True, False, True]
    proven(bank)


def test_it_comes_back_when_it_is_told_for_certain_later_and_not_when_it_is_only_guessed_again(bank: Bank) -> None:
    says(bank, WHO)
    knows(bank, moved())
    corrects(bank, "life.move")
    later = NOW + 400 * DAY
    says(bank, WHO, now=later)
    knows(bank, moved(at=later, confidence=0.9), now=later)
    assert values(bank, WHO, now=later).get("life_changes_180d", 0) == 0
    knows(bank, moved(at=later), now=later)
    assert values(bank, WHO, now=later)["life_changes_180d"] == 1
    told = listed(bank, now=later)["life.move"]
    assert (told.wrong, [of.times for of in told.evidence]) == (False, [1])
    proven(bank)


def test_an_interest_is_taken_out_of_what_was_read_and_of_what_will_be_read(bank: Bank) -> None:
    says(bank, WHO)
    searches = [
        sent("app.searched", WHO, at=NOW - ago * HOUR, query="travel insurance for my holiday abroad") for ago in (1, 2)
    ]
    knows(bank, searches[0])
    assert values(bank, WHO)["travel_searches_30d"] == 1
    corrects(bank, "interest.travel")
    knows(bank, searches[1])
    known = values(bank, WHO)
    assert (known["travel_searches_30d"], known["searches_7d"]) == (0, 2), "that they searched stays known"
    corrects(bank, "interest.travel", wrong=False, now=LATER)
    assert values(bank, WHO, now=LATER)["travel_searches_30d"] == 2
    proven(bank)


def test_an_interest_that_payments_tell_of_is_listed_with_what_was_paid_and_can_be_wrong(bank: Bank) -> None:
    says(bank, WHO)
    knows(bank, *(pays(WHO, -40_000, "travel", at=NOW - ago * DAY) for ago in (3, 9)))
    told = listed(bank)["interest.travel"]
    assert [(of.source, of.kind, of.times, of.unit) for of in told.evidence] == [
        ("transactions", "travel in the last 90 days", 80_000.0, "minor")
    ]
    assert "marketing" in told.purposes
    corrects(bank, "interest.travel")
    assert values(bank, WHO)["travel_spend_90d"] == 80_000, "what was paid stays known"
    assert listed(bank)["interest.travel"].wrong
    bank.decide(WHO, occasion="app.opened", now=NOW)
    corrects(bank, "interest.travel", wrong=False, now=LATER)
    assert not listed(bank, now=LATER)["interest.travel"].wrong
    proven(bank)


def test_an_interest_from_payments_is_concluded_for_no_purpose_that_may_not_read_them(bank: Bank) -> None:
    says(bank, WHO)
    knows(bank, pays(WHO, -40_000, "travel", at=NOW - DAY))
    says(bank, WHO, "withdraw", purpose="marketing", source="transactions")
    assert "marketing" not in listed(bank)["interest.travel"].purposes
    says(bank, WHO, "withdraw", source="transactions")
    assert "interest.travel" not in listed(bank)


def test_a_need_goes_with_the_intent_it_was_read_from(bank: Bank) -> None:
    says(bank, WHO)
    knows(bank, sent("message.received", WHO, at=NOW - HOUR, text="i lost my card"))
    told = listed(bank)["need.card_lost"]
    assert told.needs == ("a lost card blocked and replaced",)
    assert "Offers" not in [bank.config.policy.purposes[of].title for of in told.purposes]
    corrects(bank, "need.card_lost")
    assert listed(bank)["need.card_lost"].wrong
    assert values(bank, WHO)["messages_30d"] == 1
    proven(bank)


def test_a_place_somebody_was_not_at_is_no_place_they_go_to(bank: Bank) -> None:
    says(bank, WHO)
    knows(bank, sent("place.visited", WHO, at=NOW - HOUR, venue="airport"))
    corrects(bank, "place.airport")
    knows(bank, sent("place.visited", WHO, at=NOW - MINUTE, venue="airport"))
    assert values(bank, WHO).get("airport_visits_7d", 0) == 0
    proven(bank)


def in_distress(bank: Bank) -> None:
    says(bank, WHO)
    knows(bank, sent("message.received", WHO, at=NOW - HOUR, text=UPSET))
    knows(bank, *(pays(WHO, -900, "dining", at=NOW - number * MINUTE) for number in range(8)))


def test_who_denies_signs_of_stress_is_not_reached_out_to_and_is_sold_nothing(bank: Bank) -> None:
    in_distress(bank)
    asked = listed(bank)["stress"]
    assert asked.purposes == ("care",)
    assert {of.kind for of in asked.evidence} >= {"upset or worried messages in the last 3 days"}
    before = bank.decide(WHO, occasion="app.opened", id="d-1", now=NOW)
    assert before.action == "care_outreach"
    corrects(bank, "stress")
    after = offered(bank.decide(WHO, occasion="app.opened", id="d-2", now=NOW))
    assert after["care_outreach"].startswith("corrected:")
    sells = [action.id for action in bank.catalogue.offered if action.marketing and action.id in after]
    assert sells
    assert not [name for name in sells if after[name] == ""], "nothing is sold while the signs stand"
    corrects(bank, "stress", wrong=False, now=LATER)
    again = bank.decide(WHO, occasion="app.opened", id="d-3", now=LATER)
    assert not offered(again).get("care_outreach", "").startswith("corrected:")
    proven(bank)


def test_outreach_for_another_reason_still_comes(bank: Bank) -> None:
    in_distress(bank)
    corrects(bank, "stress")
    knows(bank, sent("life.declared", WHO, at=NOW - HOUR, event="bereavement"))
    assert bank.decide(WHO, occasion="app.opened", now=NOW).action == "bereavement_support"


@pytest.mark.parametrize(
    ("inference", "event"),
    [
        ("arrears", ("arrears.changed", {"in_arrears": True})),
        ("care.health", ("care.flagged", {"driver": "health"})),
    ],
)
def test_a_protection_stays_until_a_person_looked_at_it(
    bank: Bank, inference: str, event: tuple[str, dict[str, Any]]
) -> None:
    says(bank, WHO)
    kind, facts = event
    knows(bank, sent(kind, WHO, at=NOW - DAY, **facts))
    corrects(bank, inference)
    (case,) = cases_of(bank.context, WHO)
    assert (case.kind, case.about) == ("ask a person", ("inference", inference))
    told = listed(bank)[inference]
    assert (told.wrong, told.due is not None) == (True, True)
    lends = [action.id for action in bank.catalogue.offered if action.credit]
    fared = offered(bank.decide(WHO, occasion="app.opened", now=NOW))
    assert {fared[name].partition(":")[0] for name in lends if name in fared} == {"credit_protection"} or not any(
        fared.get(name) == "" for name in lends
    )
    proven(bank)


def test_a_stop_between_leaves_a_case_and_no_correction_without_one(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(bank, WHO)
    knows(bank, sent("care.flagged", WHO, at=NOW - DAY, driver="health"))

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(inferences, "ingest", stop)
        with pytest.raises(KeyboardInterrupt):
            corrects(bank, "care.health")
    told = listed(bank)["care.health"]
    assert (told.wrong, told.due is not None) == (False, True)


def test_live_is_the_same_as_replay_in_whatever_order_it_is_said(bank: Bank) -> None:
    told: list[tuple[str, dict[str, Any], int]] = [
        ("life.declared", {"event": "move"}, NOW - DAY),
        ("life.declared", {"event": "move", "confidence": 0.7}, NOW - HOUR),
        ("inference.corrected", {"inference": "life.move"}, NOW - MINUTE),
    ]
    for number, order in enumerate(permutations(told)):
        who = f"{WHO}-{number}"
        says(bank, who)
        for kind, facts, at in order:
            bank.ingest([sent(kind, who, at=at, **facts)], now=NOW)
        assert values(bank, who).get("life_changes_180d", 0) == 0
    proven(bank)


def test_it_holds_for_all_ids_of_a_person_and_goes_with_the_one_that_said_it(bank: Bank) -> None:
    for who in (WHO, "ben"):
        says(bank, who)
    bank.ingest([sent("life.declared", "ben", at=NOW - DAY, event="move")], now=NOW)
    shares(bank, "same", WHO, "ben")
    assert values(bank, WHO)["life_changes_180d"] == 1
    corrects(bank, "life.move")
    assert values(bank, "ben").get("life_changes_180d", 0) == 0
    gives_up(bank, "same", WHO, now=NOW + HOUR)
    assert values(bank, "ben", now=LATER)["life_changes_180d"] == 1
    proven(bank)


def test_a_question_about_the_past_does_not_use_what_is_wrong_now(bank: Bank) -> None:
    says(bank, WHO)
    knows(bank, moved())
    corrects(bank, "life.move", now=LATER)
    assert values(bank, WHO, now=LATER, as_of=NOW).get("life_changes_180d", 0) == 0
    assert not listed(bank, now=LATER, as_of=NOW)["life.move"].wrong, "it was said later"
    proven(bank)


def test_a_past_day_is_told_as_it_was_also_when_it_was_right_after_all_later(bank: Bank) -> None:
    says(bank, WHO)
    knows(bank, moved())
    corrects(bank, "life.move", now=NOW + DAY)
    corrects(bank, "life.move", wrong=False, now=NOW + 3 * DAY)
    heard = [listed(bank, now=NOW + 4 * DAY, as_of=NOW + day * DAY)["life.move"].wrong for day in (0, 2, 4)]
    assert heard == [False, True, False]


def test_what_is_closed_is_not_listed_and_what_was_said_of_it_is(bank: Bank) -> None:
    says(bank, WHO)
    knows(bank, moved(), sent("place.visited", WHO, at=NOW - HOUR, venue="airport"))
    corrects(bank, "place.airport")
    says(bank, WHO, "withdraw", source="location")
    says(bank, WHO, "withdraw", source="life_events")
    assert {name: one.evidence for name, one in listed(bank).items()} == {"place.airport": ()}


def test_a_name_of_no_inference_is_refused_and_so_is_a_stranger(bank: Bank) -> None:
    says(bank, WHO)
    with pytest.raises(MalformedRequest, match="inference"):
        corrects(bank, "star sign")
    with pytest.raises(UnknownCustomer):
        bank.rights.correct("nobody", InferenceSaid(inference="stress"), now=NOW)


def test_only_what_is_listed_is_corrected_or_asked_about_and_the_event_door_takes_what_was_recorded(bank: Bank) -> None:
    says(bank, WHO)
    knows(bank, moved(), sent("arrears.changed", WHO, at=NOW - DAY, in_arrears=False))
    for name in ("life.mov", "life.move ", " life.move", "interest.nosuchthing", "arrears", "care.health", "stress"):
        with pytest.raises(MalformedRequest, match="name one that the list names"):
            corrects(bank, name)
        with pytest.raises(MalformedRequest, match="name one that the list names"):
            ask_about(bank.context, WHO, name, now=NOW)
    assert not cases_of(bank.context, WHO)
    knows(bank, sent("inference.corrected", WHO, at=NOW, inference="interest.nosuchthing"))
    corrects(bank, "interest.nosuchthing", wrong=False, now=LATER)
    assert not listed(bank, now=LATER)["interest.nosuchthing"].wrong, "they spoke of it before"
    proven(bank)


def test_who_is_forgotten_takes_their_corrections_along(bank: Bank) -> None:
    says(bank, WHO)
    knows(bank, moved())
    corrects(bank, "life.move")
    bank.erase(WHO, ground="asked")
    says(bank, WHO) if not bank.context.keys.barred([WHO], now=NOW) else None
    with pytest.raises(UnknownCustomer):
        listed(bank)
    assert bank.verify().ok
