"""What is said about consent must name what the policy has; what nobody said is no."""

from __future__ import annotations

from importlib.resources import files

import msgspec
import pytest

from marketofone.consent.gate import WHY, Gap, Refused, admit, permit
from marketofone.consent.ledger import NEVER_ASKED, ConsentChange, Consents, apply, fold
from marketofone.consent.policy import ConsentPolicy, ConsentScope, parse_policy
from marketofone.consent.saying import explicit, latest_end
from marketofone.domain.errors import MalformedDocument, MalformedRequest
from marketofone.domain.event import SWITCHABLE, AppOpened, Event
from marketofone.domain.moment import DAY, Instant, text_of

TEXT = (files("marketofone") / "template" / "consent.toml").read_text(encoding="utf-8")
POLICY = parse_policy(TEXT)
NOW = Instant(20_000 * DAY)
EVERY = ("*",)
YES = ConsentChange(customer="c-1", change="grant", purposes=EVERY, sources=EVERY, channels=EVERY, since=NOW)


def said(*changes: ConsentChange, policy: ConsentPolicy = POLICY) -> Consents:
    return fold(explicit(change, policy=policy, now=NOW) for change in changes)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("purposes", ("everything",)),
        ("purposes", ("insights", "everything")),
        ("purposes", ("protection",)),  # a duty is nobody's to give or to take
        ("purposes", ()),
        ("sources", ("diary",)),
        ("sources", ("reference",)),
        ("sources", ()),
        ("channels", ("*", "pigeon")),
        ("channels", ("Phone",)),
        ("channels", ()),
    ],
)
def test_a_word_the_policy_does_not_have_is_refused_with_its_field(field: str, words: tuple[str, ...]) -> None:
    with pytest.raises(MalformedRequest) as raised:
        explicit(msgspec.structs.replace(YES, **{field: words}), policy=POLICY, now=NOW)
    assert raised.value.field == field
    assert not any(word in str(raised.value) for word in words if word in ("everything", "diary", "pigeon"))


@pytest.mark.parametrize("until", [NOW - DAY, NOW])
def test_a_grant_must_end_after_now(until: int) -> None:
    with pytest.raises(MalformedRequest) as raised:
        explicit(
            msgspec.structs.replace(YES, since=Instant(NOW - 9 * DAY), until=Instant(until)), policy=POLICY, now=NOW
        )
    assert raised.value.field == "until"
    soon = explicit(msgspec.structs.replace(YES, until=Instant(NOW + 1)), policy=POLICY, now=NOW)
    assert soon.until == NOW + 1


@pytest.mark.parametrize("until", [NOW + 365 * DAY + 1, NOW + 10 * 365 * DAY, 2**62])
def test_a_grant_that_would_end_beyond_the_limit_of_the_bank_is_refused_and_told_the_limit(until: int) -> None:
    with pytest.raises(MalformedRequest) as raised:
        explicit(msgspec.structs.replace(YES, until=Instant(until)), policy=POLICY, now=NOW)
    assert raised.value.field == "until"
    assert "365 days" in str(raised.value)
    assert text_of(Instant(NOW + 365 * DAY)) in str(raised.value)


def test_a_grant_dated_back_ends_as_late_as_one_that_begins_now() -> None:
    back = explicit(msgspec.structs.replace(YES, since=Instant(NOW - 400 * DAY)), policy=POLICY, now=NOW)
    assert back.until == NOW + 365 * DAY


def test_nothing_is_said_for_a_moment_ahead() -> None:
    for change in ("grant", "withdraw"):
        with pytest.raises(MalformedRequest) as raised:
            explicit(msgspec.structs.replace(YES, change=change, since=Instant(NOW + 1)), policy=POLICY, now=NOW)
        assert raised.value.field == "since"


def test_a_no_that_names_a_past_date_holds_at_once_and_a_later_yes_with_an_earlier_date_wins() -> None:
    no = msgspec.structs.replace(YES, change="withdraw", since=Instant(NOW - 10 * DAY))
    assert {said(YES, no).state(scope, NOW) for scope in POLICY.scopes()} == {"withdrawn"}
    again = msgspec.structs.replace(YES, since=Instant(NOW - 20 * DAY))
    assert {said(YES, no, again).state(scope, NOW) for scope in POLICY.scopes()} == {"granted"}


def test_a_yes_to_everything_covers_nothing_that_the_bank_adds_later() -> None:
    consents = said(YES)
    wider = parse_policy(f'{TEXT}\n[channels.letter]\ntitle = "Letter"\n')
    letters = [scope for scope in wider.scopes() if scope.channel == "letter"]
    assert letters
    assert {consents.state(scope, NOW) for scope in letters} == {"never"}


def granted(consents: Consents) -> set[ConsentScope]:
    return {scope for scope in POLICY.scopes() if consents.state(scope, NOW) == "granted"}


def test_every_word_of_the_policy_may_be_said() -> None:
    words = msgspec.structs.replace(
        YES,
        purposes=tuple(name for name in POLICY.purposes if name != "protection"),
        sources=SWITCHABLE,
        channels=tuple(POLICY.channels),
    )
    assert granted(said(words)) == granted(said(YES)) == set(POLICY.scopes())


def test_whoever_was_never_asked_allowed_nothing() -> None:
    for purpose in POLICY.purposes:
        for channel in POLICY.channels:
            granted = permit(purpose, NEVER_ASKED, customer="c-1", channel=channel, policy=POLICY, now=NOW)
            duty = {"protection"} if purpose == "protection" else set()
            assert granted.sources == duty
            assert granted.refused == dict.fromkeys(set(POLICY.purposes[purpose].sources) - duty, WHY["never"])
            assert granted.epoch == 0
    assert {NEVER_ASKED.state(scope, NOW) for scope in POLICY.scopes()} == {"never"}


def test_a_purpose_or_channel_the_policy_does_not_have_opens_nothing() -> None:
    consents = said(YES)
    odd = permit("resale", consents, customer="c-1", channel="app", policy=POLICY, now=NOW)
    assert (odd.sources, odd.refused) == (frozenset(), {})
    far = permit("marketing", consents, customer="c-1", channel="pigeon", policy=POLICY, now=NOW)
    assert far.sources == frozenset()
    assert set(far.refused) == set(POLICY.purposes["marketing"].sources)
    assert set(far.refused.values()) == {WHY["never"]}


def test_a_grant_begins_and_ends_on_its_own_moments() -> None:
    consents = said(msgspec.structs.replace(YES, until=Instant(NOW + DAY)))
    scope = ConsentScope(purpose="care", source="messages", channel="phone")
    states = [consents.state(scope, Instant(NOW + later)) for later in (-1, 0, DAY - 1, DAY)]
    assert states == ["not_yet", "granted", "granted", "expired"]
    why = [
        permit("care", consents, customer="c-1", channel="phone", policy=POLICY, now=Instant(NOW + later)).refused
        for later in (-1, DAY)
    ]
    assert [reasons["messages"] for reasons in why] == [WHY["not_yet"], WHY["expired"]]


def test_one_purpose_says_nothing_about_another_nor_one_channel_about_another() -> None:
    narrow = msgspec.structs.replace(YES, purposes=("insights",), sources=("app",), channels=("push",))
    consents = said(narrow)
    assert granted(consents) == {ConsentScope(purpose="insights", source="app", channel="push")}


def test_the_same_no_said_twice_is_still_one_no_and_two_changes() -> None:
    no = msgspec.structs.replace(YES, change="withdraw")
    once, twice = said(YES, no), said(YES, no, no)
    assert once.said == twice.said
    assert (once.epoch, twice.epoch) == (2, 3)


def test_saying_something_leaves_what_was_said_before_untouched() -> None:
    before = said(YES)
    no = explicit(msgspec.structs.replace(YES, change="withdraw"), policy=POLICY, now=NOW)
    assert granted(apply(before, no)) == set()
    assert before == said(YES)


def test_a_grant_without_an_end_gets_the_days_the_policy_gives() -> None:
    assert latest_end(NOW, policy=POLICY) == NOW + 365 * DAY
    shorter = parse_policy(TEXT.replace("grant_days = 365", "grant_days = 30"))
    assert latest_end(NOW, policy=shorter) == NOW + 30 * DAY


def test_an_event_from_a_source_that_the_bank_does_not_know_is_a_gap() -> None:
    known = {source: about for source, about in POLICY.sources.items() if source != "app"}
    blind = msgspec.structs.replace(POLICY, sources=known)
    opened = Event(id="1", producer="/t", kind="app.opened", customer="c-1", at=NOW, data=AppOpened())
    (gap,) = admit([opened], said(YES, policy=blind), policy=blind, now=NOW)
    assert isinstance(gap, Gap)
    (refused,) = admit([opened], NEVER_ASKED, policy=POLICY, now=NOW)
    assert isinstance(refused, Refused)
    assert gap.why != refused.why


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('basis = "legal_duty"', 'basis = "legal_interest"', "purposes"),
        ('sources = ["protection"]', 'sources = ["transactions"]', "purposes.protection.sources"),
        ("grant_days = 365", 'grant_days = "long"', "grant_days"),
        ("[channels.phone]", "[channel.phone]", "channel"),
        ("kept = true", "kept = maybe", "consent.toml"),
        ("[sources.location]", "[sources.thoughts]", "sources"),
    ],
)
def test_a_policy_that_breaks_its_contract_says_where(old: str, new: str, field: str) -> None:
    assert old in TEXT
    with pytest.raises(MalformedDocument) as raised:
        parse_policy(TEXT.replace(old, new, 1))
    assert field in str(raised.value)
