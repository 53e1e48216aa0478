"""What a person refused to show is not even noticed to be missing: nothing may be made of a hidden value."""

from __future__ import annotations

from importlib.resources import files

import pytest
from msgspec.structs import replace
from one_person import (
    ACTIONS_TEXT,
    FEATURES,
    LATE,
    LIFE,
    RUSH,
    UPSET,
    approved,
    compiled,
    consents,
    decision_input,
    decisions,
    open_to,
    stage_of,
)

from marketofone.decide.catalogue import parse_actions
from marketofone.decide.compiled_catalogue import CompiledCatalogue, bind
from marketofone.governance.guardrails import parse_guardrails

TEXT = (files("marketofone") / "template" / "guardrails.toml").read_text(encoding="utf-8")
STRESS = next(line for line in TEXT.splitlines() if line.startswith("when = "))
ODD = """
[[actions]]
id = "odd"
kind = "{kind}"
title = "Odd"
text = "Something."
eligible = "{eligible}"
"""


def stressed_when(expression: str) -> CompiledCatalogue:
    guardrails = parse_guardrails(TEXT.replace(STRESS, f'when = "{expression}"'))
    return bind(parse_actions(ACTIONS_TEXT, features=FEATURES), features=FEATURES, guardrails=guardrails)


def with_action(*, eligible: str, kind: str = "insight") -> CompiledCatalogue:
    return compiled(ACTIONS_TEXT + ODD.format(kind=kind, eligible=eligible))


@pytest.mark.parametrize("expression", ["not upset_messages_3d >= 1", "not known(upset_messages_3d)"])
def test_silence_about_oneself_is_no_sign_of_stress(expression: str) -> None:
    config = stressed_when(expression)
    heard = decisions(decision_input(LIFE, config=config), count=2, config=config)
    assert all("stress" in decision.guardrails for decision in heard), "or the rest of this test says nothing"

    hidden = decision_input([*LIFE, UPSET, *RUSH], said=consents(("care", "messages")), config=config)
    assert all("stress" not in decision.guardrails for decision in decisions(hidden, count=5, config=config))


@pytest.mark.parametrize("eligible", ["not dining_30d > 0", "not known(dining_30d)", "dining_30d != 0 or True"])
def test_an_action_that_asks_for_something_hidden_is_never_open(eligible: str) -> None:
    config = with_action(eligible=eligible)
    hidden = decision_input(LIFE, said=consents(("insights", "transactions")), config=config)
    for decision in decisions(hidden, count=3, config=config):
        assert "odd" not in open_to(decision)
        stage, why = stage_of(decision, "odd")
        assert stage == "not_eligible"
        assert "transactions is refused for insights" in why
    open_book = with_action(eligible="True")
    seen = decision_input(LIFE, said=consents(("insights", "transactions")), config=open_book)
    assert "odd" in open_to(decisions(seen, count=1, config=open_book)[0])


def test_a_purpose_is_not_told_what_another_one_may_know() -> None:
    config = with_action(eligible="dining_30d > 0", kind="offer")
    told = decisions(decision_input(LIFE, config=config), count=1, config=config)[0]
    assert stage_of(told, "odd")[0] in ("scored", "chosen")
    for_insights_only = decision_input(LIFE, said=consents(("marketing", "transactions")), config=config)
    assert stage_of(decisions(for_insights_only, count=1, config=config)[0], "odd")[0] == "not_eligible"


def test_what_the_bank_cannot_know_about_a_person_it_must_fear() -> None:
    calm = decision_input(LIFE, board=approved("overdraft"))
    assert "overdraft" in open_to(decisions(calm, count=1)[0])
    blind = {purpose: granted for purpose, granted in calm.permits.items() if purpose != "protection"}
    for held, why in (
        (decision_input([*LIFE, LATE], board=approved("overdraft")), "credit_protection: a payment is late"),
        (
            decision_input(LIFE, board=approved("overdraft"), permits=blind),
            "credit_protection: the bank cannot know whether it would hurt",
        ),
    ):
        assert stage_of(decisions(held, count=1)[0], "overdraft") == ("guarded", why)


def test_no_credit_is_open_to_who_is_under_age_however_calm_their_money_is() -> None:
    held = replace(decision_input(LIFE, board=approved("overdraft")), under_age=True)
    why = "credit_protection: the customer is under age"
    assert stage_of(decisions(held, count=1)[0], "overdraft") == ("guarded", why)
