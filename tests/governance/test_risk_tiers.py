"""The risk of an action is computed from what it does."""

from __future__ import annotations

import msgspec
import pytest

from marketofone.domain.action import KINDS_OF_ACTION, MARKETING, Action, Kind
from marketofone.governance.tiers import Tier, tier_of


def action(kind: Kind = "offer", *, eligible: str = "True", **changes: object) -> Action:
    return msgspec.structs.replace(Action(id="a", kind=kind, title="t", text="x", eligible=eligible), **changes)


@pytest.mark.parametrize("kind", KINDS_OF_ACTION)
def test_the_kind_alone_gives_the_lowest_tier_it_can_have(kind: Kind) -> None:
    expected = Tier.NONE if kind == "nothing" else Tier.SELLING if kind in MARKETING else Tier.SERVICE
    assert tier_of(action(kind)) is expected


@pytest.mark.parametrize("kind", ["offer", "nudge", "feature"])
def test_credit_and_a_personal_price_need_the_board_whatever_the_kind(kind: Kind) -> None:
    assert tier_of(action(kind, credit=True)) is Tier.SENSITIVE
    assert tier_of(action(kind, personal_price=True)) is Tier.SENSITIVE


def test_selling_because_of_a_bereavement_needs_the_board_and_comforting_does_not() -> None:
    reads = 'life("bereavement") < 60'
    assert tier_of(action("life_match", eligible=reads)) is Tier.SENSITIVE
    assert tier_of(action("life_match", tags=("bereavement",))) is Tier.SENSITIVE
    assert tier_of(action("outreach", eligible=reads)) is Tier.SERVICE


def test_lending_because_of_a_loss_is_forbidden() -> None:
    assert tier_of(action(credit=True, eligible='life("job_loss") < 60')) is Tier.FORBIDDEN


def test_selling_because_of_what_a_person_wrote_needs_the_board_and_because_of_a_legal_duty_is_forbidden() -> None:
    assert tier_of(action(needs=("messages",))) is Tier.SENSITIVE
    assert tier_of(action(needs=("protection",))) is Tier.FORBIDDEN
    assert tier_of(action("outreach", needs=("messages",))) is Tier.SERVICE


def test_a_feature_named_after_a_sensitive_life_event_does_not_hide_it() -> None:
    assert tier_of(action("offer", eligible="life_bereavement_days < 60")) is Tier.SENSITIVE
