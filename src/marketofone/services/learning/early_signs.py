"""Early signs: what a person's information shows some days after they accepted something.

1. Looked at are acceptances that versions learned from so many days ago, of people who still allow learning from them.
2. Each sign is a feature, seen behind the permit to learn, or that the person gave up again what they accepted.
   What may not be seen counts as not seen.
3. The signs become an entry of the person's own journal: a use of what was read, and a lesson that waits. It teaches
   what the value of the acceptance will be, until that is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from marketofone.consent.gate import Permit
from marketofone.domain.decision import Decision
from marketofone.domain.errors import UnknownCustomer
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.domain.outcome import Outcome, Signs
from marketofone.features.vector import Seen
from marketofone.learn.join import Example
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig, EarlySigns
from marketofone.projection.bank_state import BankState
from marketofone.projection.person import Person
from marketofone.projection.records import SignsRecord
from marketofone.projection.snapshot import Snapshot
from marketofone.services.decisions.feedback import learning_permit, outcomes_between, same_features, taught
from marketofone.services.learning.lesson_facts import facts_of, signs_before
from marketofone.services.runtime.app_context import AppContext
from marketofone.services.runtime.runs import Computed, Written, in_runs, one_by_one
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, Entry, Lesson, Reader

EVERY = HOUR
"""How often is looked whether acceptances came of age."""
_LATE = 2  # times the days after which signs are read: a process that slept longer does not catch up


def read_signs(context: AppContext, *, now: Instant) -> int:
    """Read the early signs of acceptances that are old enough; gives of how many."""
    early = context.config.settings.early_signs
    if early is None or context.signs_looked + EVERY > now:
        return 0
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
        bank = snapshot.bank
        due = list(_due(context, reader, snapshot, early, now=now))
    read = in_runs(context, due, compute=one_by_one(partial(_read, context, now)), now=now)
    context.signs_looked = now
    context.signs_until = max((n for n in bank.versions if _is_old_enough(bank, n, early, now=now)), default=0)
    return sum(one.answer for one in read)


def _is_old_enough(bank: BankState, version: int, early: EarlySigns, *, now: Instant) -> bool:
    return bank.versions[version].recorded <= now - early.after_days * DAY


def _due(
    context: AppContext, reader: Reader, snapshot: Snapshot, early: EarlySigns, *, now: Instant
) -> Iterator[tuple[Customer, int]]:
    """Give the acceptances that versions learned from so many days ago: whose, and which entry."""
    oldest, bank = now - _LATE * early.after_days * DAY, snapshot.bank
    aged = [
        n
        for n, info in sorted(bank.versions.items())
        if n > context.signs_until and info.lessons and info.recorded > oldest
        if _is_old_enough(bank, n, early, now=now)
    ]
    for version in aged:
        record = codec.read(next(iter(reader.entries(BANK, after=version - 1, upto=version))), box=context.keys.bank)
        for subject, n in record.lessons:
            owner = context.keys.customer(subject)
            entry = next(iter(reader.entries(subject, kinds=("outcome",), after=n - 1, upto=n)), None)
            if owner is not None and entry is not None and _is_accepted(snapshot, owner, entry):
                yield owner, n


def _is_accepted(snapshot: Snapshot, owner: Customer, entry: Entry) -> bool:
    """Say whether an outcome is an acceptance, of somebody who is not being forgotten."""
    with suppress(UnknownCustomer):
        snapshot.person_of(owner)
        return bool(codec.read(entry, box=owner.box).outcome.verdict == "accepted")
    return False


def _read(
    context: AppContext, now: Instant, reader: Reader, snapshot: Snapshot, person: Person, n: int
) -> Computed[bool]:
    """Read the signs of the acceptance that is entry ``n`` of the journal that was asked for."""
    config, owner, judged = snapshot.config, person.asked, person.judged(now)
    facts = facts_of(context, reader, owner, Lesson(0, owner.subject, n))
    outdated = not same_features(reader, context.configs, snapshot.bank, facts.decision, config)
    task = taught(person, facts, config=config, outdated=outdated, now=judged)
    early, nothing = config.settings.early_signs, Computed(person, False, None)
    if early is None or not isinstance(task, Example):
        return nothing
    heard = _heard_since(reader, owner, facts.decision, facts.outcome, after=n)
    if any(one.verdict == "valued" for one in heard):
        return nothing
    if signs_before(reader, owner, facts.outcome, after=n) is not None:
        return nothing
    leave = learning_permit(person, facts, config=config, now=judged)
    sources = _opened(early, leave, config=config)
    if not sources:
        return nothing
    seen = snapshot.seen(person, permits=[leave], now=judged, judged=judged)[leave.purpose]
    taken_back = any(one.verdict == "taken_back" for one in heard)
    signs = Signs(early.label, (float(taken_back), *_sizes(early, seen)), tuple(sorted(sources)))
    uses = tuple((leave.purpose, source) for source in signs.sources)
    record = SignsRecord(context.actor, n, signs, uses)
    draft = codec.draft("signs", record, subject=owner.subject, box=owner.box, at=judged)
    return Computed(person, True, Written(draft, record, lesson=True))


def _heard_since(reader: Reader, owner: Customer, decision: Decision, outcome: Outcome, *, after: int) -> list[Outcome]:
    said = outcomes_between(reader, owner, decision, after=after)
    return [one for one in said if one.place == outcome.place]


def _opened(early: EarlySigns, leave: Permit, *, config: BankConfig) -> set[str]:
    """Give the sources of the features that a permit opens."""
    features = config.features.features
    lineages = [feature.lineage for feature in features if feature.name in early.features]
    return {source for lineage in lineages if lineage <= leave.sources for source in lineage}


def _sizes(early: EarlySigns, seen: Seen) -> Iterator[float]:
    """Give how large each sign is, from 0 to 1."""
    for name, sign in sorted(early.features.items()):
        yield min(max((seen.get(name) or 0.0) / sign.size, 0.0), 1.0)
