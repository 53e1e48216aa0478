"""What a person has a right to: to take along what is theirs, to bring it, and to be forgotten."""

from __future__ import annotations

from collections.abc import Callable, Collection

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from marketofone.consent.ledger import TAKING_BACK
from marketofone.domain.delegation import Delegation
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.languages import Language, message
from marketofone.domain.moment import Instant
from marketofone.projection.records import Hold
from marketofone.services.learning.learner import Learning
from marketofone.services.rights import (
    ask_answers,
    consent_history,
    consent_service,
    contents,
    delegates,
    erase,
    export,
    import_customer,
    legal_holds,
    proof_file,
    signed_receipts,
)
from marketofone.services.rights.delegates import StandingDelegate
from marketofone.services.rights.inferences import InferenceSaid, InferenceView, correct_inference, list_inferences
from marketofone.services.rights.portable import Portable
from marketofone.services.runtime.app_context import AppContext


class OwnRights:
    """The rights of a person, over one bank; ``now`` is when it is recorded, the clock's instant where left out."""

    def __init__(self, context: AppContext, *, learning: Learning, at: Callable[[Instant | None], Instant]) -> None:
        self._context, self._learning, self._at = context, learning, at

    def export(self, customer: str, *, now: Instant | None = None) -> Portable:
        """Give everything that is held about a customer id and is theirs; the reading is a use.

        Raises
        ------
        UnknownCustomer
        """
        return export.export_customer(self._context, customer, now=self._at(now))

    def contents(self, customer: str, *, now: Instant | None = None) -> contents.Contents:
        """Count what :meth:`export` gives, which is a use as well. Raises as it does."""
        return contents.contents(self._context, customer, now=self._at(now))

    def receipt(self, customer: str, n: int | None = None) -> signed_receipts.SignedReceipt:
        """Give the signed receipt of what a customer said about consent in an entry of their journal, or last.

        Raises
        ------
        UnknownCustomer
        UnknownEntry
        """
        return signed_receipts.signed_receipt(self._context, customer, n)

    def inferences(
        self, customer: str, *, now: Instant | None = None, as_of: Instant | None = None
    ) -> list[InferenceView]:
        """Give what is concluded about a customer, and what they say is wrong; the reading is a use.

        Raises
        ------
        UnknownCustomer
        MalformedRequest
            When the moment that is asked about lies ahead.
        """
        return list_inferences(self._context, customer, now=self._at(now), as_of=as_of)

    def correct(self, customer: str, said: InferenceSaid, *, now: Instant | None = None) -> None:
        """Record that an inference is wrong, or was right after all. Raises as :func:`.correct_inference`."""
        correct_inference(self._context, customer, said, now=self._at(now))

    def undo(
        self,
        customer: str,
        n: int,
        *,
        now: Instant | None = None,
        language: Language | UnsetType = UNSET,
        delegate: str | UnsetType = UNSET,
    ) -> int:
        """Bring back what a consent entry changed, as far as nothing was said of it since.

        It is one unit of work, and has one receipt, however many things it takes; gives its first entry.
        ``language`` is the one in which the person reads it, ``delegate`` who does it for them.

        Raises
        ------
        UnknownCustomer
        UnknownEntry
        MalformedRequest
            When there is nothing to undo.
        """
        moment = self._at(now)
        changes = consent_history.consent_receipt(self._context, customer, n, now=moment).undone_by
        if not changes:
            raise MalformedRequest(
                field="entry", shape=message("nothing to undo"), fix=message("use the switches of the purpose")
            )
        read = [replace(change, language=language, delegate=delegate) for change in changes]
        head = consent_service.change_at_once(self._context, read, now=moment)
        if not TAKING_BACK.isdisjoint(change.change for change in changes):
            self._learning.owe([head.subject], now=moment)
        self._context.left_open.add(head.subject)
        ask_answers.answer_asks(self._context, read, now=moment, heard=self._learning.soon)
        return head.n

    def prove(
        self, customer: str, *, now: Instant | None = None, against: str | None = None
    ) -> proof_file.JournalProof:
        """Prove that a customer's log of uses and consent history are whole, against a checkpoint, given or made.

        Raises
        ------
        UnknownCustomer
        MalformedRequest
            When ``against`` is no checkpoint that can be held against the customer's journal.
        """
        return proof_file.prove(self._context, customer, now=self._at(now), against=against)

    def bring(
        self, raw: bytes, *, customer: str | None = None, sharing: Collection[str] = (), now: Instant | None = None
    ) -> import_customer.Imported:
        """Take in what :meth:`export` gave elsewhere, as JSON, under the name of the file or another one.

        ``sharing`` are customers of this bank who may hold an account or a key of theirs, too.

        Raises
        ------
        MalformedDocument
            When the file breaks its contract, or the customer is known here already; nothing was taken in.
        """
        moment = self._at(now)
        taken = import_customer.import_customer(self._context, raw, customer=customer, sharing=sharing, now=moment)
        self._learning.follow_links(now=moment)
        self._learning.understand(now=moment)
        return taken

    def delegates(self, customer: str, *, now: Instant | None = None) -> list[StandingDelegate]:
        """Give the delegates who may act for a customer now.

        Raises
        ------
        UnknownCustomer
        """
        return delegates.delegates(self._context, customer, now=self._at(now))

    def appoint(self, customer: str, delegation: Delegation, *, now: Instant | None = None) -> StandingDelegate:
        """Let somebody act for a customer. Raises as :func:`.delegates.appoint`."""
        return delegates.appoint(self._context, customer, delegation, now=self._at(now))

    def end_delegate(
        self, customer: str, name: str, *, now: Instant | None = None, by_customer: bool = False
    ) -> StandingDelegate:
        """End what a delegate may; effective when this returns. Raises as :func:`.delegates.end`."""
        return delegates.end(self._context, customer, name, now=self._at(now), by_customer=by_customer)

    def holds(self, customer: str, *, now: Instant | None = None) -> list[legal_holds.StandingHold]:
        """Give the legal holds on a customer that stand: while there is one, they cannot be forgotten.

        Raises
        ------
        UnknownCustomer
        """
        return legal_holds.holds(self._context, customer, now=self._at(now))

    def set_hold(self, customer: str, hold: Hold, *, now: Instant | None = None) -> legal_holds.StandingHold:
        """Set a legal hold on what is kept of a customer. Raises as :func:`.legal_holds.set_hold`."""
        return legal_holds.set_hold(self._context, customer, hold, now=self._at(now))

    def lift_hold(self, customer: str, name: str, *, by: str, now: Instant | None = None) -> legal_holds.StandingHold:
        """Lift a legal hold before its end. Raises as :func:`.legal_holds.lift_hold`."""
        return legal_holds.lift_hold(self._context, customer, name, by=by, now=self._at(now))

    def erase(self, customer: str, *, ground: str, now: Instant | None = None) -> erase.Erasure:
        """Forget a customer: their key and name are destroyed. What others' decisions rest on them cannot be replayed.

        Raises
        ------
        UnknownCustomer
        Refused
            While a legal hold stands; then nothing was done.
        """
        erased = erase.erase(self._context, customer, ground=ground, now=(moment := self._at(now)))
        self._learning.understand(now=moment)
        return erased
