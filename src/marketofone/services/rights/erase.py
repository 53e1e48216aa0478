"""Forget a customer: the key and the name go, so what is sealed under the key opens nowhere, in no copy of the data.

Before anything is done it is refused while a legal hold stands (``legal_holds.py``). Then:

1. The key store bars the customer, and the accounts that no other customer holds: from here on no process takes
   anything in about them.
2. One unit of work ends their journal with an erasure, and drops everything beside it: snapshots, links, names, event
   keys and waiting lessons. Counts lose what only their entries explain.
3. What was fitted from them and others together is destroyed (``fits``), while their journal still tells which it was.
4. The key store destroys key and name; a keyed mark stays, with its ground and its end. What memory holds of texts is
   emptied, here and in every other process as soon as it asks the key store.
5. What was learned from them is learned again without them (``debts``, ``train``).

An erasure that was interrupted is finished by the same call, or by whichever process learns a minute later: each step
may be done twice. From the second step on nothing is known of the customer, and nothing can be appended to the journal.
What is left after the fourth, when no process can name the customer any more, is done by whichever learns next.

The journal stays and verifies without a key. It tells a random number, kinds and instants, and nobody whose they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from marketofone.domain.errors import MalformedRequest, Refused, UnknownCustomer
from marketofone.domain.moment import DAY, MINUTE, Instant
from marketofone.domain.remembered import forget_texts
from marketofone.projection import codec
from marketofone.projection.records import ErasureRecord, IdentityRecord
from marketofone.services.intake.identity import ever_members, parted
from marketofone.services.learning.debts import pay
from marketofone.services.learning.fits import destroy, readings
from marketofone.services.learning.train import train_again
from marketofone.services.proof.verify_journal import name_of
from marketofone.services.rights.legal_holds import refuse_held
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.directory import HOLDER
from marketofone.services.runtime.recount import counts_of_customer
from marketofone.store.keystore import Customer
from marketofone.store.ports import Draft, Expectation, Head, Reader, Unit

BARRED_DAYS = 3_650
"""How long late arrivals about somebody who was forgotten are turned away, where no other end is named."""


class Erasure(Struct, frozen=True, kw_only=True):
    """What was done: the journal that ended, its last entry and hash, and until when late arrivals are turned away.

    ``learned_again`` names what was active, had been fitted from them among others, and was learned again.
    """

    journal: str
    n: int
    head: str
    until: Instant
    learned_again: tuple[str, ...]


def erase(context: AppContext, customer: str, *, ground: str, now: Instant, until: Instant | None = None) -> Erasure:
    """Forget a customer.

    Raises
    ------
    MalformedRequest
        When the ground is no text, or an empty one; then nothing was done.
    Refused
        While a legal hold stands; then nothing was done, and it names each.
    UnknownCustomer
        When the bank does not know them, or has forgotten them already.
    """
    known = context.keys.find((customer,)).get(customer)
    if known is None:
        raise UnknownCustomer
    # A ground that cannot be written is refused before anything is done.
    codec.draft("erasure", ErasureRecord(context.actor, ground), subject=known.subject, box=known.box, at=now)
    if not ground.strip():
        raise MalformedRequest(field="ground", shape="an empty text", fix="state on what ground")
    end = Instant(now + BARRED_DAYS * DAY) if until is None else until
    with context.store.read() as reader:
        _refuse_held(reader, known, now=now)
        held = [key for key in reader.keys_of(known.subject) if key[0] == HOLDER]
        alone = _held_by_none(reader, held, but=known)
    context.keys.bar(customer, ground=ground, at=now, until=end, accounts=alone)
    with context.store.read() as reader:  # no hold is acknowledged any more; one that was meanwhile stands
        _refuse_held(reader, known, now=now)
    head = _end_journal(context, known, ground=ground, now=now)
    with context.store.read() as reader:  # whose lessons may contain them: their journal is still readable
        concerned = ever_members(reader, known)
        read_at = readings(context, reader, concerned)
        alone = _held_by_none(reader, held, but=known)  # also where the other holders were forgotten meanwhile
    context.keys.bar(customer, ground=ground, at=now, until=end, accounts=alone)
    destroy(context, read_at, now=now)
    context.keys.destroy(customer, ground=ground, at=now, until=end)
    context.projection.forget(known.subject)
    context.told_numbers.drop(known.subject)
    context.none_pending.drop(known.subject)
    context.lessons.clear()
    context.left_open.update(concerned - {known.subject})  # what moved between the two does no more
    forget_texts()
    pay(context, now=now, subjects=concerned)
    learned_again = train_again(context, now=now)
    journal = name_of(known.subject)
    return Erasure(journal=journal, n=head.n, head=head.hash.hex(), until=end, learned_again=learned_again)


def finish_erasures(context: AppContext, *, now: Instant) -> int:
    """Finish what was begun and broke off, on its own ground and with its own end; gives how many.

    What began less than a minute ago may still be under way. A customer who must be kept stays barred.
    """
    finished = 0
    for customer in context.keys.unfinished():
        begun = context.keys.erased(customer.name)
        if begun is None or now - begun.at < MINUTE:
            continue
        with suppress(Refused, UnknownCustomer):  # a legal hold stands; or another process was faster
            erase(context, customer.name, ground=begun.ground, now=now, until=begun.until)
            finished += 1
    return finished


def _refuse_held(reader: Reader, customer: Customer, *, now: Instant) -> None:
    """Refuse while a hold stands, unless the journal has ended: nothing stops that any more."""
    if not _has_ended(reader, reader.head(customer.subject)):
        refuse_held(reader, customer, now=now)


def _held_by_none(reader: Reader, marks: Sequence[bytes], *, but: Customer) -> list[bytes]:
    """Give the accounts, as the key store marks them, that no other customer holds."""
    return [key[1:] for key in marks if not {*reader.holders(key, limit=2)} - {but.subject}]


@repeated
def _end_journal(context: AppContext, customer: Customer, *, ground: str, now: Instant) -> Head:
    with context.store.read() as reader:
        head = reader.head(customer.subject)
        if _has_ended(reader, head):
            return head
        unit = _unit(context, reader, customer, ground=ground, now=now)
    return context.store.commit(unit)[-1]


def _has_ended(reader: Reader, head: Head) -> bool:
    last = reader.entries(head.subject, after=head.n - 1, upto=head.n) if head.n else ()
    return any(entry.kind == "erasure" for entry in last)


def _unit(context: AppContext, reader: Reader, customer: Customer, *, ground: str, now: Instant) -> Unit:
    head = reader.head(customer.subject)
    parting = parted(reader, customer.subject)
    drafts = _partings(context, parting, now=now)
    record = ErasureRecord(context.actor, ground)
    drafts.append(codec.draft("erasure", record, subject=customer.subject, box=customer.box, at=now))
    others = reader.heads([draft.subject for draft in drafts if draft.subject != customer.subject])
    return Unit(
        now=now,
        expects={
            customer.subject: Expectation(head.guard, head.n),
            **{of: Expectation(other.guard) for of, other in others.items()},
        },
        drafts=drafts,
        together={of: tuple(sorted({*members, customer.subject})) for of, members in parting.items()},
        forgotten=[customer.subject],
        tallies={name: -count for name, count in sorted(counts_of_customer(reader, customer).items())},
    )


def _partings(context: AppContext, parting: Mapping[int, tuple[int, ...]], *, now: Instant) -> list[Draft]:
    """Give the entries of others who were one person with the customer, or become one without them."""
    drafts: list[Draft] = []
    for of, members in sorted(parting.items()):
        other = context.keys.customer(of)
        if other is not None:
            record = IdentityRecord(context.actor, b"", linked=False, own=False, members=members)
            drafts.append(codec.draft("identity", record, subject=of, box=other.box, at=now))
    return drafts
