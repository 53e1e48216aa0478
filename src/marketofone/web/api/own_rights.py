"""What a customer has a right to, for programs: their data, and receipts of what they said."""

from __future__ import annotations

from msgspec.structs import asdict

from marketofone.domain.delegation import Delegation
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import text_of
from marketofone.services.bank import Bank
from marketofone.services.rights.delegates import StandingDelegate
from marketofone.services.rights.inferences import InferenceSaid, InferenceView
from marketofone.services.rights.portable import Portable
from marketofone.services.rights.proof_file import JournalProof
from marketofone.services.rights.signed_receipts import SignedReceipt
from marketofone.web.api import schemas
from marketofone.web.request_data import RequestData, moment


def export(bank: Bank, request_data: RequestData) -> Portable:
    """Give everything that is held about a customer id and is theirs: the same bytes as `marketofone rights export`.

    It is one id's own, and nothing of another's. Parts and fields stand in docs/rights.md.
    """
    return bank.rights.export(request_data.path["customer"])


def receipt(bank: Bank, request_data: RequestData) -> SignedReceipt:
    """Give the signed receipt of what a person said: the same bytes as `marketofone rights receipt`.

    ``entry`` is the number of the entry, as ``entry.n`` of a change. How it is verified stands in docs/rights.md.
    """
    return bank.rights.receipt(request_data.path["customer"], request_data.entry)


def prove(bank: Bank, request_data: RequestData) -> JournalProof:
    """Prove that a person's log of uses and consent history are whole: the same bytes as `marketofone rights prove`.

    It is held against a checkpoint of the last day; where there is none, one is made. How it is checked stands in
    docs/rights.md.
    """
    return bank.rights.prove(request_data.path["customer"])


def inferences(bank: Bank, request_data: RequestData) -> list[InferenceView]:
    """Show what is concluded about a person and may be used: what for, from what, and what they say is wrong.

    An inference is named by its family and its word: ``life.child``, ``interest.travel``, ``stress``. What is closed to
    every purpose is concluded for none.
    """
    now = bank.now()
    return bank.rights.inferences(
        request_data.path["customer"], now=now, as_of=request_data.as_of(bank.calendar, now=now)
    )


def correct_inference(bank: Bank, request_data: RequestData) -> list[InferenceView]:
    """Record that something concluded about a person is wrong, or was right after all.

    It holds from the next decision on, for every reader. What protects a person (``stress``, ``care``, ``arrears``)
    opens no offer by that: see docs/rights.md.
    """
    said, customer, now = request_data.read(schemas.InferenceRequest), request_data.path["customer"], bank.now()
    bank.rights.correct(customer, InferenceSaid(**asdict(said)), now=now)
    return bank.rights.inferences(customer, now=now)


def delegates(bank: Bank, request_data: RequestData) -> list[schemas.DelegateTold]:
    """Show who may act for a person now. A guardian's end is the day on which the child comes of age, at the latest."""
    return [_told(one) for one in bank.rights.delegates(request_data.path["customer"])]


def change_delegates(bank: Bank, request_data: RequestData) -> list[schemas.DelegateTold]:
    """Record that somebody may act for a person, or may no more. Effective when answered; gives who may then.

    A link with their name opens the person's pages for them (`POST .../links`), and consents name them (`PUT
    .../consents`).
    """
    said, customer = request_data.read(schemas.DelegateRequest), request_data.path["customer"]
    if said.ended:
        bank.rights.end_delegate(customer, said.name)
        return delegates(bank, request_data)
    until = moment(said.until, calendar=bank.calendar, field="until")
    if until is None:
        raise MalformedRequest(field="until", shape="missing", fix="give the last day, or an instant")
    told = Delegation(name=said.name, authority=said.authority, may=said.may, until=until, evidence=said.evidence)
    bank.rights.appoint(customer, told)
    return delegates(bank, request_data)


def _told(one: StandingDelegate) -> schemas.DelegateTold:
    said = one.delegation
    return schemas.DelegateTold(
        name=said.name,
        authority=said.authority,
        evidence=said.evidence,
        may=said.may,
        since=text_of(one.recorded),
        until=text_of(one.ends),
    )
