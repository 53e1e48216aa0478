"""When identities change hands: people are folded again from the log, so that merging and splitting lose nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from marketofone.consent.ledger import ConsentChange, Consents, common, fold
from marketofone.domain.decision import Decision
from marketofone.domain.moment import Instant
from marketofone.domain.outcome import Outcome
from marketofone.features.state import to_bytes
from marketofone.services.app_context import AppContext
from marketofone.services.bank_config import BankConfig
from marketofone.services.contacts import Contacts, contacts_to, note_outcome, remember
from marketofone.services.live_snapshot import CONTACTS, FORECAST, events_of, fold_events
from marketofone.store.ports import Entry, Writer

_CHANGE = msgspec.json.Decoder(ConsentChange)
_DECISION = msgspec.json.Decoder(Decision)
_OUTCOME = msgspec.json.Decoder(Outcome)


def relink(
    context: AppContext, writer: Writer, *, key_kind: str, key: str, customer: str, linked: bool, now: Instant
) -> None:
    """Link a customer to a strong key, or take the link back, and fold everybody concerned again."""
    before = set(writer.members(writer.person(customer)))
    change = writer.link if linked else writer.unlink
    change(key_kind=key_kind, key=key, customer=customer)
    after = set(writer.members(writer.person(customer)))
    if before == after:
        return
    concerned = sorted(before | after)
    for person in concerned:
        for source in writer.states(person):
            writer.drop_state(person, source)
    for person in sorted({writer.person(customer) for customer in concerned}):
        rebuild(context, writer, person, now=now)


def rebuild(context: AppContext, writer: Writer, person: str, *, now: Instant) -> None:
    """Fold everything about a person again from the journal: consents, live state, contacts."""
    members = writer.members(person)
    said = [list(changes_in(writer.entries(kinds=("consent",), customers=(member,)))) for member in members]
    consents = merged_consents(said, epochs=(writer.epoch(member) for member in members), config=context.config)
    put_consents(writer, person, consents)
    fold_again(writer, person, consents, config=context.config, now=now)
    contacts = contacts_in(writer.entries(kinds=("decision", "outcome"), customers=members), config=context.config)
    if contacts:
        writer.put_state(person, CONTACTS, contacts_to(contacts))


def merged_consents(said: Iterable[list[ConsentChange]], *, epochs: Iterable[int], config: BankConfig) -> Consents:
    """Fold what each member said, under an epoch that none of them had before.

    A member who never said anything neither opens nor shuts. Several who did are taken at what they all allow.
    """
    folded = [fold(changes, policy=config.policy) for changes in said if changes]
    scopes = folded[0].scopes if len(folded) == 1 else common(folded)
    return Consents(epoch=max(epochs) + 1, scopes=scopes)


def put_consents(writer: Writer, person: str, consents: Consents) -> None:
    """Put a person's consents as they stand."""
    writer.put_consents(person, epoch=consents.epoch, body=msgspec.msgpack.encode(consents))


def fold_again(writer: Writer, person: str, consents: Consents, *, config: BankConfig, now: Instant) -> None:
    """Fold a person's live state again: what no purpose may use any more is gone, what may be used again is back."""
    states = fold_events(events_of(writer, person), consents=consents, config=config, now=now)
    for source in writer.states(person):
        if source not in states and source not in (CONTACTS, FORECAST):
            writer.drop_state(person, source)
    for source, state in states.items():
        writer.put_state(person, source, to_bytes(state))


def changes_in(entries: Iterable[Entry]) -> Iterator[ConsentChange]:
    """Read the consent changes of some entries."""
    return (_CHANGE.decode(entry.body) for entry in entries if entry.body is not None)


def contacts_in(entries: Iterable[Entry], *, config: BankConfig) -> Contacts:
    """Fold the contacts out of decisions and outcomes, in the order of the journal."""
    contacts: Contacts = ()
    for entry in entries:
        if entry.body is None:
            continue
        if entry.kind == "outcome":
            contacts = note_outcome(contacts, _OUTCOME.decode(entry.body))
        else:
            contacts = remember(contacts, _DECISION.decode(entry.body), actions=config.actions)
    return contacts
