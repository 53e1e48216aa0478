"""What may be said about consent, drawn at random, and what a gate lets through of it."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from marketofone.consent.gate import admissible_sources, permit
from marketofone.consent.ledger import ConsentChange, Consents, What, fold
from marketofone.consent.policy import parse_policy
from marketofone.consent.saying import explicit
from marketofone.domain.moment import Instant

# Marketing shares a source with insights and has one of its own; protection rests on a duty.
POLICY = parse_policy("""
[purposes.insights]
title = "Insights"
notice = "We look."
gives = "Numbers."
sources = ["transactions", "app"]
serves = ["insights", "forecast"]

[purposes.offers]
title = "Offers"
notice = "We choose."
gives = "Offers."
sources = ["app", "life_events"]
serves = "marketing"

[purposes.protection]
title = "Protection"
notice = "The law asks it."
gives = "Peace."
basis = "legal_duty"
sources = ["protection"]
serves = "protection"

[sources]
transactions = { title = "Payments", notice = "Kept.", kept = true }
app = { title = "App", notice = "Used." }
life_events = { title = "Life", notice = "Told." }
protection = { title = "Arrears", notice = "Kept.", kept = true }

[channels]
app = { title = "App" }
phone = { title = "Phone" }
""")
MARKETING = "offers"
SOURCES = {name: set(spec.sources) for name, spec in POLICY.purposes.items()}
LATEST = 12  # moments are small numbers, so that beginnings, ends and questions meet
MOMENTS = st.integers(0, LATEST).map(Instant)
EVERY = ("*",)


def words(*allowed: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(["*", *allowed]), min_size=1, max_size=2).map(tuple)


@st.composite
def changes(draw: st.DrawFn, *whats: What) -> ConsentChange:
    change, since = draw(st.sampled_from(whats)), draw(MOMENTS)
    named = change in ("grant", "withdraw")
    ends = draw(st.none() | st.integers(1, 6)) if change == "grant" else None
    ends = draw(st.integers(1, 6)) if change == "pause" else ends
    said = ConsentChange(
        customer="c-1",
        change=change,
        purposes=draw(words("insights", MARKETING)) if named or change in ("pause", "resume") else EVERY,
        sources=draw(words("transactions", "app", "life_events")) if named else EVERY,
        channels=draw(words("app", "phone")) if named else EVERY,
        since=since,
        until=None if ends is None else Instant(since + ends),
    )
    return explicit(said, policy=POLICY, now=since)


CHANGES = changes("grant", "grant", "withdraw", "object", "lift", "pause", "resume")
GRANTS = {
    "everything": explicit(
        ConsentChange(customer="c-1", change="grant", purposes=EVERY, sources=EVERY, channels=EVERY, since=Instant(0)),
        policy=POLICY,
        now=Instant(0),
    )
}


def says(history: Sequence[ConsentChange]) -> Consents:
    return fold(history)


def opened(consents: Consents, now: Instant) -> set[tuple[str, str, str]]:
    """Give every (purpose, channel, source) resting on consent that some permit opens at a moment."""
    return {
        (purpose, channel, source)
        for purpose, spec in POLICY.purposes.items()
        if spec.basis == "consent"
        for channel in POLICY.channels
        for source in permit(purpose, consents, customer="c-1", channel=channel, policy=POLICY, now=now).sources
    }


def usable(consents: Consents, now: Instant) -> set[str]:
    """Give the sources that the gate lets in, but for those that need no consent."""
    return set(admissible_sources(consents, policy=POLICY, now=now)) - {"reference", "protection"}
