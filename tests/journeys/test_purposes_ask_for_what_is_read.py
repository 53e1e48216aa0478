"""A purpose asks only for what is read for it, and its notice names exactly that: else the bank does not open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import happened, ordinary_months

import marketofone
from allowing import everything
from asking import ask_for_all_that_is_read
from bank_projects import keep_nobody_for_control
from marketofone.consent.notice import named_in
from marketofone.consent.policy import parse_policy
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import SWITCHABLE, AppSearched, LifeDeclared, MessageReceived, PlaceVisited
from marketofone.domain.moment import HOUR, Instant
from marketofone.domain.money_events import OpenBankingBalance
from marketofone.projection.bank_config import read_config
from marketofone.projection.purpose_reads import check_purposes, reads_by_purpose
from renaming import TEMPLATE, in_german

CONSENT = TEMPLATE["consent.toml"]
POLICY = parse_policy(CONSENT)


def line(purpose: str, field: str, text: str) -> dict[str, str]:
    """Write one line of a purpose anew, or add it."""
    block = re.search(rf"(?ms)^\[purposes\.{purpose}\]\n.*?(?=^\[)", CONSENT)
    assert block is not None
    others = re.sub(rf"(?m)^{field} = .*\n", "", block[0]).rstrip("\n")
    return {**TEMPLATE, "consent.toml": CONSENT.replace(block[0], f"{others}\n{field} = {text}\n\n")}


def without(document: str, old: str, new: str = "") -> dict[str, str]:
    assert old in TEMPLATE[document]
    return {**TEMPLATE, document: TEMPLATE[document].replace(old, new)}


ALL = '["transactions", "app", "open_banking", "location", "life_events", "messages"]'
BAD: dict[str, tuple[Mapping[str, str], str, str, str]] = {
    "a notice that is silent about a source": (
        without("consent.toml", ", and at the kind of place you are at,"),
        "consent.toml purposes.personalisation.notice",
        "does not name the source 'location'",
        "by 'kind of place' or 'places'",
    ),
    "more switches than the notice has": (
        line("care", "sources", ALL),
        "consent.toml purposes.care.notice",
        "does not name the source 'open_banking'",
        "leave 'open_banking' out of sources",
    ),
    "a switch more than the notice has": (
        line("personalisation", "sources", '["app", "location", "messages"]'),
        "consent.toml purposes.personalisation.notice",
        "does not name the source 'messages'",
        "name it, by 'messages'",
    ),
    "a switch less than the notice has": (
        line("marketing", "sources", '["transactions", "app", "location", "life_events"]'),
        "consent.toml purposes.marketing.notice",
        "names the source 'open_banking' by 'accounts at other banks'",
        "add 'open_banking' to sources",
    ),
    "stress that is read in a source that is not asked for": (
        line("care", "sources", '["transactions", "app", "life_events"]')
        | {
            "actions.toml": re.sub(
                r"(?ms)^\[\[actions\]\]\nid = \"(?:care_outreach|money_talk)\".*?(?=^\[\[)",
                "",
                TEMPLATE["actions.toml"],
            )
        },
        "guardrails.toml stress.when",
        "the source 'messages', which the purpose 'care' does not ask for",
        "add 'messages' to consent.toml purposes.care.sources and name it in the notice",
    ),
    "an early sign in a source that learning does not ask for": (
        line("learning", "sources", '["transactions", "app", "open_banking", "location", "life_events"]'),
        "bank.toml early_signs.features.negative_messages_7d",
        "the source 'messages', which the purpose 'learning' does not ask for",
        "or do not read it there",
    ),
    "a purpose for which nothing is read": (
        without("consent.toml", 'serves = "learning"\n'),
        "consent.toml purposes.learning.sources",
        "the source 'transactions', which nothing reads for the purpose 'learning'",
        "what is read for it is nothing",
    ),
    "a source that no feature and no model reads for it": (
        {
            **line("personalisation", "sources", '["app", "location", "open_banking"]'),
            "features.py": re.sub(r'(?m)^    "other_bank_\w+": .*\n', "", TEMPLATE["features.py"]),
        },
        "consent.toml purposes.personalisation.sources",
        "the source 'open_banking', which nothing reads for the purpose 'personalisation'",
        "leave 'open_banking' out, there and in its notice",
    ),
    "an action that reads what its purpose does not ask for": (
        without("actions.toml", 'eligible = "app_opens_30d >= 4"', 'eligible = "other_bank_accounts < 1"'),
        "actions.toml actions.open_banking_connect",
        "the source 'open_banking', which does not stand in consent.toml purposes.personalisation.sources",
        "add 'open_banking' there",
    ),
    "words that name two sources": (
        without("consent.toml", 'named = ["messages"]', 'named = ["messages", "Places"]'),
        "consent.toml sources.messages.named",
        "words that name the source 'location' already",
        "let words name one source",
    ),
}


@pytest.mark.parametrize(("texts", "field", "shape", "fix"), BAD.values(), ids=BAD)
def test_a_project_whose_notice_switches_and_reads_differ_is_refused(
    texts: Mapping[str, str], field: str, shape: str, fix: str
) -> None:
    with pytest.raises(MalformedDocument) as refused:
        check_purposes(read_config(texts))
    assert refused.value.field == field
    assert shape in refused.value.shape
    assert fix in refused.value.fix


def test_it_does_not_open_and_what_is_there_already_stays_readable(project: Path) -> None:
    marketofone.open(project).close()
    (project / "consent.toml").write_text(BAD["a purpose for which nothing is read"][0]["consent.toml"], "utf-8")
    with pytest.raises(MalformedDocument) as refused:
        marketofone.open(project)
    assert refused.value.field == "consent.toml purposes.learning.sources"
    with marketofone.open(project, read_only=True) as bank:  # what is in force stands in the journal
        assert bank.verify().ok


def test_the_template_agrees_in_any_words_for_purposes() -> None:
    check_purposes(read_config(TEMPLATE))
    check_purposes(read_config(in_german()))


def test_the_template_asks_for_places_only_where_they_matter() -> None:
    asking = {name for name, spec in POLICY.purposes.items() if "location" in spec.sources}
    assert asking == {"insights", "personalisation", "marketing", "learning"}
    assert {name for name, spec in POLICY.purposes.items() if "messages" in spec.sources} == {
        "insights",
        "care",
        "learning",
    }


def test_asking_for_all_that_is_read_agrees(project: Path) -> None:
    ask_for_all_that_is_read(project)
    marketofone.open(project).close()


WORDS = {words: source for source, spec in POLICY.sources.items() for words in spec.words}


@settings(deadline=None, max_examples=60)
@given(named=st.lists(st.sampled_from(sorted(WORDS)), unique=True), upper=st.booleans())
def test_a_notice_names_what_stands_in_it_and_nothing_else(named: list[str], *, upper: bool) -> None:
    text = "We look at " + "; ".join(named) + "."
    assert set(named_in(text.upper() if upper else text, policy=POLICY)) == {WORDS[words] for words in named}


@pytest.mark.parametrize("text", ["repayments", "the messagesystem", "placeswap", "Payments_here"])
def test_a_word_within_a_word_names_nothing(text: str) -> None:
    assert named_in(text, policy=POLICY) == {}


def test_longer_words_are_found_first() -> None:
    assert set(named_in("Payments in arrears are looked at.", policy=POLICY)) == {"protection"}


def test_what_must_be_read_may_be_asked_for() -> None:
    for purpose, reads in reads_by_purpose(read_config(TEMPLATE)).items():
        assert set(reads.must) <= reads.all <= {*SWITCHABLE, "protection"}, purpose


def test_all_that_is_read_of_a_person_is_named_by_the_notice_of_its_purpose(project: Path, now: Instant) -> None:
    """Of somebody who allows everything and of whom everything is known, at every door that reads."""
    keep_nobody_for_control(project)
    with marketofone.open(project, now=now, clock=lambda: now) as bank:
        bank.consent(everything("c-1", since=now), now=now)
        lived = [
            MessageReceived(text="Why do I pay fees? I am worried."),
            PlaceVisited(venue="airport"),
            LifeDeclared(event="move"),
            AppSearched(query="travel"),
            OpenBankingBalance(institution="Other Bank", account="o-1", balance_minor=9_000, currency="EUR"),
        ]
        bank.ingest(ordinary_months("c-1", until=now, days=120), now=now)
        bank.ingest([happened("c-1", one, at=Instant(now - HOUR)) for one in lived], now=now)
        made = [
            bank.decide("c-1", occasion=occasion, now=Instant(now + step))
            for step, occasion in enumerate(sorted(bank.catalogue.occasions) * 2)
        ]
        said = next(one for one in made if one.action != "nothing")
        bank.outcome(said.id, "accepted", now=said.at)
        bank.learn()
        bank.train(now=now, tasks=("recommend",))
        made.append(bank.decide("c-1", occasion="app.opened", now=Instant(now + HOUR)))
        bank.profile("c-1", now=now), bank.insights("c-1", now=now), bank.spending("c-1", now=now)
        bank.forecast("c-1", now=now)

        policy = bank.config.policy
        notices = {name: set(named_in(spec.notice, policy=policy)) for name, spec in policy.purposes.items()}
        read = {(use.purpose, use.source) for use in bank.uses("c-1")}
        assert {purpose for purpose, _ in read} >= set(notices) - {"protection"}
        assert {(purpose, source) for purpose, source in read if source not in notices[purpose]} == set()
        # What a purpose does not ask for is nobody's refusal: it is not told as one.
        assert {item for one in made for item in one.not_used} == set()
        assert bank.replay().differences == 0
