"""Histories of consent through the gate and through the simplest model of it: both open the same, after every word.

*Every* history of a few sayings of a small alphabet, so nothing of that size is left to chance; and longer random ones
of one or two ids. After each saying, which makes a history of its own, whatever the gate answers is compared: permits
through each channel and through any, single scopes, sources that may arrive, and what opens them.

``python tests/model/gate_histories.py --length 6 --random 860000 --record docs/campaign`` runs some ten million.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import cast

from campaign_record import add, commit
from gate_model import Bank, Purpose, Saying, Scope, may_use
from msgspec import UNSET

from marketofone.consent.gate import admissible_sources, opened_by, permit, permits, scope_state
from marketofone.consent.ledger import NEVER_ASKED, ConsentChange, Consents, What, apply, together
from marketofone.consent.minors import Minors
from marketofone.consent.narrowing import with_facts
from marketofone.consent.policy import Channel, ConsentPolicy, ConsentScope, DataSource
from marketofone.consent.policy import Purpose as Asked
from marketofone.domain.event import BORN, CustomerBorn, Event, Source
from marketofone.domain.moment import DAY, Instant
from marketofone.domain.role import Role

CHANNELS = ("app", "mail")
BANK: Bank = {
    "care": Purpose(1, ("transactions",)),
    "learning": Purpose(1, ("app",), barred=True),
    "offers": Purpose(2, ("transactions", "app"), sells=True),
    "protection": Purpose(1, ("protection",), duty=True),
}
SOURCES = ("transactions", "app", "protection")
SCOPES = [
    Scope(name, source, channel) for name, asks in BANK.items() for source in asks.sources for channel in CHANNELS
]
MOMENTS = (2, 4)
BOTH = ("transactions", "app")
BIRTH = date(1952, 1, 1)
"""Who was born on it comes of age on the first day of 1970, at the moment 0."""
EVERYTHING = ("care", "learning", "offers")
ALPHABET = (
    Saying("grant", ("care", "offers"), BOTH, CHANNELS, 1, 5, version=1),
    Saying("grant", ("offers",), BOTH, CHANNELS, 1, 3, version=2),
    Saying("grant", ("offers",), ("transactions",), ("app",), 3, 5, version=2),
    Saying("grant", ("care",), ("transactions",), ("mail",), 1, 4),
    Saying("withdraw", ("offers",), ("transactions",), CHANNELS, version=2),
    Saying("withdraw", ("care", "offers"), BOTH, ("app",)),
    Saying("object"),
    Saying("lift"),
    Saying("pause", ("offers",), until=3),
    Saying("pause", ("care", "offers"), until=5),
    Saying("resume", ("offers",)),
    Saying("born", since=3),
    Saying("grant", ("care", "offers"), BOTH, CHANNELS, 1, 5, version=2, lent=True),
    Saying("lift", lent=True),
)
LENT = 0.3
"""The share of what a delegate says in random histories."""
Differs = tuple[tuple[tuple[Saying, ...], ...], int, str]
"""What each id said, the moment, and what was asked of whom."""


def policy_of(bank: Bank) -> ConsentPolicy:
    """Give a bank of the model as the product's policy."""
    return ConsentPolicy(
        purposes={
            name: Asked(
                title="T",
                notice="N",
                gives="G",
                basis="legal_duty" if asks.duty else "consent",
                sources=cast("tuple[Source, ...]", asks.sources),
                serves="protection"
                if asks.duty
                else "marketing"
                if asks.sells
                else "learning"
                if asks.barred
                else "care",
                version=asks.version,
            )
            for name, asks in bank.items()
        },
        sources={cast("Source", source): DataSource(title="T", notice="N") for source in SOURCES},
        channels={channel: Channel(title="T") for channel in CHANNELS},
        minors=Minors(barred=tuple(name for name, asks in bank.items() if asks.barred)),
    )


def _role(asks: Purpose) -> Role:
    if asks.duty:
        return "protection"
    return "marketing" if asks.sells else "learning" if asks.barred else "care"


def moment(of: int) -> Instant:
    """Give a moment of the model: a day, for somebody comes of age when one begins."""
    return Instant(of * DAY)


def heard(consents: Consents, saying: Saying) -> Consents:
    """Give consents after one more saying of the model."""
    if saying.what != "born":
        return apply(consents, change_of(saying))
    data = CustomerBorn(born=BIRTH + timedelta(days=saying.since))
    told = Event(id="1", producer="/model", kind=BORN, customer="c-1", at=Instant(0), data=data)
    return with_facts(consents, [told], recorded=Instant(0))


def change_of(saying: Saying) -> ConsentChange:
    """Give a saying of the model as the product records it."""
    versioned = saying.version != 1 and saying.purposes
    return ConsentChange(
        customer="c-1",
        change=cast("What", saying.what),
        purposes=saying.purposes,
        sources=saying.sources,
        channels=saying.channels,
        since=moment(saying.since),
        until=moment(saying.until) if saying.what in {"grant", "pause"} else None,
        versions=(saying.version,) * len(saying.purposes) if versioned else UNSET,
        delegate="Ann" if saying.lent else UNSET,
    )


POLICY = policy_of(BANK)


def compared(journals: Sequence[Sequence[Saying]], consents: Consents, *, moments: Sequence[int] = MOMENTS) -> str:
    """Ask the gate and the model the same; gives what differs, empty where nothing does."""
    for at in moments:
        open_to = {scope for scope in SCOPES if may_use(BANK, journals, scope, now=at)}
        wrong = _wrong(consents, open_to, now=moment(at))
        if wrong:
            return f"at {at}: {wrong}"
    return ""


def _wrong(consents: Consents, open_to: set[Scope], *, now: Instant) -> str:
    return _wrong_permits(consents, open_to, now=now) or _wrong_scopes(consents, open_to, now=now)


def _wrong_permits(consents: Consents, open_to: set[Scope], *, now: Instant) -> str:
    names = tuple(BANK)
    for channel in CHANNELS:
        given = permits(names, consents, customer="c-1", channel=channel, policy=POLICY, now=now)
        for name in names:
            if given[name].sources != {of.source for of in open_to if of.purpose == name and of.channel == channel}:
                return f"a permit for {name} through {channel}"
    for name in names:
        through_any = permit(name, consents, customer="c-1", channel=None, policy=POLICY, now=now)
        if through_any.sources != {of.source for of in open_to if of.purpose == name}:
            return f"a permit for {name} through any channel"
    return ""


def _wrong_scopes(consents: Consents, open_to: set[Scope], *, now: Instant) -> str:
    for source in SOURCES:
        opening = {of.purpose for of in open_to if of.source == source}
        if set(opened_by(source, consents, policy=POLICY, now=now)) != opening:
            return f"what opens {source}"
    for scope in SCOPES:
        asked = ConsentScope(purpose=scope.purpose, source=scope.source, channel=scope.channel)
        of_duty = BANK[scope.purpose].duty  # nobody can switch it, so nothing was said of it
        if not of_duty and (scope_state(asked, consents, policy=POLICY, now=now) == "granted") != (scope in open_to):
            return f"the state of {scope}"
    if admissible_sources(consents, policy=POLICY, now=now) != {"reference"} | {of.source for of in open_to}:
        return "what may arrive"
    return ""


def every(first: int, length: int) -> tuple[int, list[Differs]]:
    """Compare after every history of up to so many sayings that begins with one of the alphabet; counts them."""
    found: list[Differs] = []
    done = 0
    stack: list[tuple[tuple[Saying, ...], Consents]] = [((ALPHABET[first],), heard(NEVER_ASKED, ALPHABET[first]))]
    while stack:
        journal, consents = stack.pop()
        wrong = compared((journal,), consents)
        done += 1
        if wrong:
            found.append(((journal,), 0, wrong))
        if len(journal) < length:
            stack += [((*journal, saying), heard(consents, saying)) for saying in ALPHABET]
    return done, found


def at_random(seed: int, many: int, *, longest: int = 24) -> tuple[int, list[Differs]]:
    """Compare along so many random histories of one or two ids, whose words and moments are drawn; counts sayings."""
    rng = random.Random(seed)
    done, found = 0, list[Differs]()
    for _ in range(many):
        ids = rng.choice((1, 1, 2))
        journals: list[list[Saying]] = [[] for _ in range(ids)]
        folded = [NEVER_ASKED] * ids
        for _ in range(rng.randint(1, longest)):
            of, saying = rng.randrange(ids), drawn(rng)
            journals[of].append(saying)
            folded[of] = heard(folded[of], saying)
            wrong = compared(journals, together(folded), moments=(rng.randrange(8),))
            done += 1
            if wrong:
                found.append((tuple(tuple(journal) for journal in journals), seed, wrong))
                break
    return done, found


def drawn(rng: random.Random) -> Saying:
    """Draw a saying; a yes may be for a version that the bank does not have any more."""
    what = rng.choice(("grant", "grant", "grant", "grant", "withdraw", "object", "lift", "pause", "resume", "born"))
    since, lent = rng.randrange(6), rng.random() < LENT
    if what == "born":
        return Saying(what, since=since)
    if what in {"object", "lift"}:
        return Saying(what, since=since, lent=lent)
    purposes = _some(rng, EVERYTHING)
    until = since + rng.randint(1, 4)
    if what in {"pause", "resume"}:
        return Saying(what, purposes, since=since, until=until, lent=lent)
    version = rng.choice((1, 2, 2, 3))
    return Saying(what, purposes, _some(rng, BOTH), _some(rng, CHANNELS), since, until, version=version, lent=lent)


def _some(rng: random.Random, words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(rng.sample(words, rng.randint(1, len(words))))


def campaign(length: int, many: int, *, seed: int, at_once: int) -> Iterator[tuple[str, int, list[Differs]]]:
    """Run both in some processes."""
    with ProcessPoolExecutor(at_once) as pool:
        pieces = 16
        of_all = [pool.submit(every, first, length) for first in range(len(ALPHABET))]
        of_some = [pool.submit(at_random, seed + piece, many // pieces) for piece in range(pieces)]
        for name, running in (("every", of_all), ("random", of_some)):
            for one in running:
                done, found = one.result()
                yield name, done, found


def main() -> None:
    """Run a campaign of histories of consent; fails when anything differed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=int, default=6, help="every history of up to so many sayings")
    parser.add_argument("--random", type=int, default=860_000, help="random histories of up to 24 sayings")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--record", type=Path, help="the folder of the records")
    asked = parser.parse_args()
    began, counts, wrong, runs_on = time.monotonic(), {"every": 0, "random": 0}, list[Differs](), commit()
    for name, done, found in campaign(asked.length, asked.random, seed=asked.seed, at_once=asked.at_once):
        counts[name] += done
        wrong += found
    took = f"{time.monotonic() - began:,.0f} s in {asked.at_once} processes"
    told = _told(counts, wrong, length=asked.length, seed=asked.seed, took=took)
    print(told)  # noqa: T201
    if asked.record is not None:
        add(asked.record, title=f"histories of consent, commit {runs_on}", text=told)
    sys.exit(bool(wrong))


def _told(counts: dict[str, int], wrong: list[Differs], *, length: int, seed: int, took: str) -> str:
    found = "\n".join(f"- {' | '.join(map(str, journals))}: {what}" for journals, _, what in wrong[:10])
    return f"""Each history went through the gate and through the simplest model of it, which folds nothing.

| | |
| --- | --- |
| every history of up to {length} sayings out of {len(ALPHABET)} | {counts["every"]:,} |
| random histories of up to 24 sayings, one or two ids, each beginning of one counted | {counts["random"]:,} |
| compared after each | {len(SCOPES)} scopes, permits through each channel and any, what may arrive, what opens it |
| seeds | from {seed} on |
| took | {took}, Python {sys.version.split()[0]} |

{found or "Nothing differed."}
"""


if __name__ == "__main__":
    main()
