"""What the bank may do is checked when it is loaded."""

from __future__ import annotations

import pytest
from one_person import ACTIONS_TEXT, BOOK, FEATURES, GUARDRAILS, compiled

from marketofone.decide.catalogue import parse_actions
from marketofone.decide.compiled_catalogue import bind
from marketofone.domain.action import KINDS_OF_ACTION, MARKETING
from marketofone.domain.errors import BadExpression, MalformedDocument, MalformedRequest, UnknownAction
from marketofone.governance.tiers import Tier

OCCASION = 'channels = ["app"]\n[occasions."app.opened"]\nchannel = "app"\nbegun_by = "customer"\n'


def document(*actions: str) -> str:
    return OCCASION + "".join(f"[[actions]]\ntitle = 'Tea'\ntext = 'Some tea.'\n{action}\n" for action in actions)


def test_the_template_offers_every_kind_and_most_of_it_is_no_selling() -> None:
    actions = BOOK.catalogue.actions
    assert len(actions) >= 35
    assert {action.kind for action in actions} == set(KINDS_OF_ACTION)
    assert sum(action.kind in MARKETING for action in actions) < len(actions) / 2
    assert actions[0].id == "nothing"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("parental_leave_plan", "life_match"),
        ("budget_check_in", "nudge"),
        ("care_outreach", "outreach"),
        ("shortfall_warning", "alert"),
        ("airport_lounge", "place_offer"),
        ("travel_insurance_here", "place_offer"),
        ("bereavement_support", "outreach"),
        ("open_banking_connect", "feature"),
    ],
)
def test_the_template_has_what_its_stories_need(name: str, kind: str) -> None:
    assert BOOK.catalogue.action(name).kind == kind


def test_every_credit_of_the_template_waits_for_the_board_and_nothing_is_forbidden() -> None:
    tiers = dict(zip(BOOK.catalogue.actions, BOOK.catalogue.tiers, strict=True))
    assert {action.id for action, tier in tiers.items() if tier == Tier.SENSITIVE} == {
        "credit_card",
        "gold_card",
        "personal_loan",
        "overdraft",
        "mortgage",
    }
    assert Tier.FORBIDDEN not in tiers.values()


def test_doing_nothing_exists_even_when_nobody_wrote_it_down() -> None:
    catalogue = parse_actions(document("id = 'tea'\nkind = 'nudge'"), features=FEATURES)
    assert [action.id for action in catalogue.actions] == ["nothing", "tea"]


def test_an_action_needs_what_its_condition_reads_whether_its_author_says_so_or_not() -> None:
    text = document("id = 'tea'\nkind = 'nudge'\neligible = 'upset_messages_3d >= 1 and shortfall_30d > 0.5'")
    assert parse_actions(text, features=FEATURES).action("tea").needs == ("transactions", "messages")


@pytest.mark.parametrize(
    "action",
    [
        "id = 'offer'\nkind = 'nudge'",
        "id = 'tea'\nkind = 'nothing'",
        "id = 'nothing'\nkind = 'nudge'",
        "id = 'nothing'\nkind = 'nothing'\neligible = 'spend_1d > 1'",
        "id = 'tea'\nkind = 'nudge'\noccasions = ['tea.time']",
        "id = 'tea'\nkind = 'nudge'\nchannels = []",
        "id = 'tea'\nkind = 'nudge'\ntier = 1",
        "id = 'tea'\nkind = 'nudge'\nchance = 1.5",
        "id = 'tea'\nkind = 'hint'",
        "id = 'tea'\nkind = 'offer'\neligible = 'in_arrears > 0'",
        "id = 'tea'\nkind = 'offer'\ncredit = true\neligible = 'life_job_loss_days < 90'",
    ],
)
def test_an_action_that_breaks_the_contract_is_refused(action: str) -> None:
    with pytest.raises(MalformedDocument):
        parse_actions(document(action), features=FEATURES)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ("kind = 'offer'", "in a kind that asks for no permission"),
        ("kind = 'outreach'", "in a kind that asks for no permission"),
        ("kind = 'alert'", "in a kind that asks for no permission"),
        ("kind = 'nudge'\nproduct = 'tea'", "does nothing else"),
        ("kind = 'nudge'\nabout = 'below_zero'", "does nothing else"),
        ("kind = 'feature'\nfeature = 'tea'", "does nothing else"),
    ],
)
def test_an_action_that_asks_for_a_permission_does_nothing_else_and_interrupts_nobody(other: str, told: str) -> None:
    with pytest.raises(MalformedDocument, match=told):
        parse_actions(document(f"id = 'tea'\nasks = 'app'\n{other}"), features=FEATURES)


def test_an_action_asks_on_no_occasion_that_the_bank_begins() -> None:
    asks = ACTIONS_TEXT.replace('asks = "location"', 'asks = "location"\noccasions = ["place.visited"]')
    with pytest.raises(MalformedDocument, match="on an occasion that the bank begins"):
        parse_actions(asks, features=FEATURES)


def test_two_actions_do_not_ask_for_the_same() -> None:
    twice = [f"id = '{name}'\nkind = '{kind}'\nasks = 'app'" for name, kind in (("tea", "nudge"), ("cake", "insight"))]
    with pytest.raises(MalformedDocument, match="as 'tea' does for the same purpose"):
        parse_actions(document(*twice), features=FEATURES)


def test_an_id_is_used_once() -> None:
    with pytest.raises(MalformedDocument, match="tea"):
        parse_actions(document(*["id = 'tea'\nkind = 'nudge'"] * 2), features=FEATURES)


def test_a_condition_that_cannot_be_read_names_its_action() -> None:
    with pytest.raises(BadExpression, match=r"tea\.eligible"):
        parse_actions(document("id = 'tea'\nkind = 'nudge'\neligible = 'mood > 3'"), features=FEATURES)


def test_pressing_words_do_not_get_into_the_playbook() -> None:
    catalogue = parse_actions(ACTIONS_TEXT.replace("A savings plan", "Hurry: a savings plan"), features=FEATURES)
    with pytest.raises(MalformedDocument, match="savings_plan"):
        bind(catalogue, features=FEATURES, guardrails=GUARDRAILS)


def test_what_does_not_exist_is_said_to_be_missing() -> None:
    with pytest.raises(UnknownAction):
        BOOK.catalogue.action("tea")
    with pytest.raises(MalformedRequest):
        BOOK.catalogue.occasion("tea.time")


def test_a_playbook_offers_what_suits_the_occasion_and_the_channel() -> None:
    config = compiled(document("id = 'tea'\nkind = 'nudge'\nchannels = ['push']", "id = 'cake'\nkind = 'nudge'"))
    assert [config.offered[row].id for row in config.candidate_set(occasion="app.opened", channel="push").rows] == [
        "tea"
    ]
    assert [config.offered[row].id for row in config.candidate_set(occasion="app.opened", channel="app").rows] == [
        "cake"
    ]


def test_what_an_occasion_and_a_channel_offer_is_compiled_once_and_only_when_it_is_asked_for() -> None:
    config = compiled(document("id = 'tea'\nkind = 'nudge'\nchannels = ['push']"))
    assert config._candidate_sets == {}
    asked = config.candidate_set(occasion="app.opened", channel="push")
    assert config.candidate_set(occasion="app.opened", channel="push") is asked
    assert list(config._candidate_sets) == [("app.opened", "push")]
    assert config.candidate_set(occasion="app.opened", channel="nowhere").rows == ()
    assert list(config._candidate_sets) == [("app.opened", "push")], "no name that a request makes up is kept"
