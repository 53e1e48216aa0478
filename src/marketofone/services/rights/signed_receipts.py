"""Signed receipts of consent: what a person said, of which notice, to whom, and what it opens or closes.

A receipt has the fields of ISO/IEC TS 27560:2023 as the Data Privacy Vocabulary of W3C asks for them: a header, the
processing of each purpose, the parties, and what happened to the consent. It is made of the entries of the journal that
recorded the change, and of the bank's documents of that day, and of nothing else: made again it has the same bytes,
whatever was said or changed since. It is of one id, and tells nothing of another.

The parts stand in the order in which they are signed (``audit/signed_document.py``), so they are written as they are.

Source
------
ISO/IEC TS 27560:2023, and "Guide for implementing ISO/IEC TS 27560 using DPV" (W3C DPVCG, version 2.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from msgspec import UNSET, Struct, to_builtins

from marketofone.audit.signed_document import Signature, canonical
from marketofone.consent.controller import NOT_STATED, Controller
from marketofone.consent.ledger import ConsentChange, What
from marketofone.consent.policy import ConsentPolicy
from marketofone.domain.decoding import convert
from marketofone.domain.event import Source
from marketofone.domain.moment import SECOND, text_of
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig, read_config
from marketofone.projection.person import Person
from marketofone.projection.records import ConsentRecord
from marketofone.services.proof.checkpoint import origin_of, signed_by_bank
from marketofone.services.rights.consent_history import change_entries
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, Entry, Reader

SCHEMA = "ISO/IEC TS 27560:2023, marketofone receipt 1"
HOW = {
    "customer": "by the person, on their own page",
    "http": "through the bank's interface, as its app uses it",
    "cli": "by the bank's staff, on the command line",
}
"""How it was said, by the actor that the journal names."""
_STATES: dict[What, str] = {
    "grant": "given",
    "withdraw": "withdrawn",
    "object": "objected",
    "lift": "objection lifted",
    "pause": "paused",
    "resume": "resumed",
}
_KEPT = "The bank must keep it, whatever is allowed; it is destroyed when the person is forgotten."
_NOT_KEPT = "It is destroyed when the person is forgotten; what arrives while nothing of it is allowed is not kept."


class EntryOfJournal(Struct, frozen=True, kw_only=True):
    """An entry that the receipt is made of: its number in the person's journal, and its hash in the chain."""

    hash: str
    n: int


class ConsentEvent(Struct, frozen=True, kw_only=True):
    """What happened to a consent: what was said, by whom, when it was said and recorded, and how long it holds.

    ``validity_duration`` is in seconds, as ISO 8601 writes it; None where it holds until something else is said.
    """

    authority: str
    channels: tuple[str, ...]
    entity_id: str
    event_state: str
    event_time: str
    event_type: str
    expressed_by: str
    purposes: tuple[str, ...]
    recorded_time: str
    sources: tuple[str, ...]
    valid_until: str | None
    validity_duration: str | None


class Party(Struct, frozen=True, kw_only=True):
    """Who answers for it."""

    party_address: str
    party_contact: str
    party_id: str
    party_name: str
    party_role: str


class PersonalData(Struct, frozen=True, kw_only=True):
    """A source of information that the change is about."""

    notice: str
    pii_attribute_id: str
    pii_type: str
    retention_period: str


class NoticeInForce(Struct, frozen=True, kw_only=True):
    """The notice of a purpose when it was recorded; the hash is that of the text in UTF-8."""

    gives: str
    sha256: str
    text: str
    version: int


class ProcessingOfPurpose(Struct, frozen=True, kw_only=True):
    """What one purpose does, with which information, through which channels, on which basis."""

    collection_method: str
    jurisdiction: str
    language: str
    lawful_basis: str
    pii_controllers: tuple[str, ...]
    pii_information: tuple[PersonalData, ...]
    privacy_notice: NoticeInForce
    privacy_rights: tuple[str, ...]
    purpose: str
    purpose_title: str
    recipient_third_parties: tuple[str, ...]
    services: tuple[str, ...]
    withdrawal_method: str


class ReceiptHeader(Struct, frozen=True, kw_only=True):
    """Which receipt it is; ``not_stated`` are the keys of ``[controller]`` that the bank had left out."""

    creation_time: str
    not_stated: tuple[str, ...]
    receipt_id: str
    record_id: str
    schema_version: str


class RecordHeader(Struct, frozen=True, kw_only=True):
    """Of whom, and what it is made of: entries of a journal, and the bank's documents by their digest."""

    documents: str
    entries: tuple[EntryOfJournal, ...]
    journal: str
    pii_principal_id: str
    record_id: str
    schema_version: str


class SignedReceipt(Struct, frozen=True, kw_only=True):
    """A receipt of consent."""

    events: tuple[ConsentEvent, ...]
    parties: tuple[Party, ...]
    pii_processing: tuple[ProcessingOfPurpose, ...]
    receipt: ReceiptHeader
    record: RecordHeader
    signature: Signature


class _Made(NamedTuple):
    """What a receipt is made of."""

    customer: Customer
    entries: Sequence[Entry]
    records: Sequence[ConsentRecord]
    config: BankConfig
    bank: str

    @property
    def controller(self) -> Controller:
        return self.config.settings.controller


def signed_receipt(context: AppContext, customer: str, n: int | None = None) -> SignedReceipt:
    """Give the signed receipt of a consent entry, the last one where none is named.

    What was said at once has one receipt, whichever of its entries is named.

    Raises
    ------
    UnknownCustomer
    UnknownEntry
        When no entry of this number, or none at all, says something about consent.
    """
    with context.store.read() as reader:
        person = context.snapshot(reader).person(customer)
        entries = change_entries(reader, person, _last(reader, person) if n is None else n)
        records = [codec.read(entry, box=person.asked.box) for entry in entries]
        config = _documents(context, reader, entries[0], records[0])
    made = _Made(person.asked, entries, records, config, origin_of(context.keys))
    return convert(signed_by_bank(context.keys, to_builtins(_unsigned(made))), of=SignedReceipt)


def _last(reader: Reader, person: Person) -> int:
    newest = reader.entries(person.asked.subject, kinds=("consent",), upto=person.own.n, newest_first=True)
    return next((entry.n for entry in newest), 0)


def receipt_bytes(receipt: SignedReceipt) -> bytes:
    """Write a receipt in its canonical form."""
    return canonical(to_builtins(receipt))


def _documents(context: AppContext, reader: Reader, entry: Entry, record: ConsentRecord) -> BankConfig:
    """Give the documents by which an entry was read; of an older entry, those that were recorded last before it."""
    newest = list(reader.entries(BANK, kinds=("document",), upto=record.bank or None, newest_first=True))
    by_then = newest if record.bank else [one for one in newest if one.recorded <= entry.recorded]
    last = by_then[0] if by_then else newest[-1]
    return read_config(codec.read(last, box=context.keys.bank).texts)


def _unsigned(made: _Made) -> dict[str, object]:
    journal, first = str(made.customer.subject), made.entries[0]
    record_id = f"urn:marketofone:consent:{journal}:{first.n}"
    return {
        "events": [_event(made, entry, of) for entry, of in zip(made.entries, made.records, strict=True)],
        "parties": list(_parties(made)),
        "pii_processing": list(_processing(made)),
        "receipt": ReceiptHeader(
            creation_time=text_of(first.recorded),
            not_stated=made.controller.not_stated,
            receipt_id=f"urn:marketofone:receipt:{journal}:{first.n}",
            record_id=record_id,
            schema_version=SCHEMA,
        ),
        "record": RecordHeader(
            documents=made.config.digest,
            entries=tuple(EntryOfJournal(hash=entry.hash.hex(), n=entry.n) for entry in made.entries),
            journal=journal,
            pii_principal_id=made.customer.name,
            record_id=record_id,
            schema_version=SCHEMA,
        ),
    }


def _event(made: _Made, entry: Entry, record: ConsentRecord) -> ConsentEvent:
    said = record.change
    until = said.until
    return ConsentEvent(
        authority=said.authority,
        channels=said.channels,
        entity_id=made.customer.name,
        event_state=_STATES[said.change],
        event_time=text_of(said.since),
        event_type="explicit",
        expressed_by=_how(said),
        purposes=said.purposes,
        recorded_time=text_of(entry.recorded),
        sources=said.sources,
        valid_until=None if until is None else text_of(until),
        validity_duration=None if until is None else f"PT{max(until - said.since, 0) // SECOND}S",
    )


def _how(said: ConsentChange) -> str:
    return f"by {said.delegate}, for the person" if said.lent else HOW.get(said.actor, f"recorded by {said.actor}")


def _parties(made: _Made) -> Iterator[Party]:
    stated, settings = made.controller, made.config.settings
    yield Party(
        party_address=stated.address or NOT_STATED,
        party_contact=stated.contact or NOT_STATED,
        party_id=stated.registration or made.bank,
        party_name=stated.legal_name or settings.name,
        party_role="controller",
    )
    if stated.authority is not None:
        yield Party(
            party_address=NOT_STATED,
            party_contact=NOT_STATED,
            party_id=stated.authority,
            party_name=stated.authority,
            party_role="supervisory authority",
        )


def _processing(made: _Made) -> Iterator[ProcessingOfPurpose]:
    stated, said = made.controller, [record.change for record in made.records]
    read_in = said[0].language  # what is said at once is said on one page
    policy = made.config.policy if read_in is UNSET else made.config.policy.said_in(read_in)
    for name, purpose in policy.purposes.items():
        of = [change for change in said if name in change.purposes]
        if not of:
            continue
        sources = {source for source in purpose.sources if any(source in change.sources for change in of)}
        channels = {channel for change in of for channel in change.channels}
        yield ProcessingOfPurpose(
            collection_method=_how(of[0]),
            jurisdiction=stated.jurisdiction or NOT_STATED,
            language=stated.language if read_in is UNSET else read_in,
            lawful_basis=purpose.basis,
            pii_controllers=(stated.registration or made.bank,),
            pii_information=tuple(_personal_data(policy, sources)),
            privacy_notice=NoticeInForce(
                gives=purpose.gives,
                sha256=sha256(purpose.notice.encode()).hexdigest(),
                text=purpose.notice,
                version=purpose.version,
            ),
            privacy_rights=stated.rights,
            purpose=name,
            purpose_title=purpose.title,
            recipient_third_parties=stated.recipients,
            services=tuple(spec.title for channel, spec in policy.channels.items() if channel in channels),
            withdrawal_method=stated.withdraw,
        )


def _personal_data(policy: ConsentPolicy, sources: set[Source]) -> Iterator[PersonalData]:
    for name, source in policy.sources.items():
        if name in sources:
            yield PersonalData(
                notice=source.notice,
                pii_attribute_id=name,
                pii_type=source.title,
                retention_period=_KEPT if source.kept else _NOT_KEPT,
            )
