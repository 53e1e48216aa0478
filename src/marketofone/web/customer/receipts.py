"""After a switch: what one entry of the journal changed, what of the last decisions it would have changed, and undo."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from starlette.responses import Response

from marketofone.consent.policy import ConsentScope
from marketofone.domain.errors import UnknownEntry
from marketofone.services.rights.consent_history import consent_receipt
from marketofone.services.rights.consequence import Consequence, consequence
from marketofone.services.rights.signed_receipts import receipt_bytes
from marketofone.web.page_renderer import PageRenderer, address, attachment, redirect
from marketofone.web.request_data import JSON, RequestData


class ScopesOfPurpose(NamedTuple):
    """Scopes of one purpose: sources that have the same channels, in one line each."""

    purpose: str
    lines: list[tuple[list[str], tuple[str, ...]]]


def receipt(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show what a consent entry changed, read from the journal by its number."""
    bank, customer, now = renderer.bank, request_data.path["customer"], renderer.bank.now()
    found = consent_receipt(bank.context, customer, request_data.entry, now=now)
    as_of = request_data.as_of(bank.calendar, now=now)
    if as_of is not None and found.said.recorded > as_of:
        raise UnknownEntry
    looks = found.closed and renderer.acting is None  # what was decided for a person is no delegate's to see
    changed = consequence(bank.context, customer, found.said.n, now=now) if looks else Consequence()
    on = {scope.purpose for scope in found.on}
    return renderer.page(
        "customer/receipt.html",
        request_data,
        customer=customer,
        said=found.said,
        parts=found.parts,
        closed=_by_purpose(found.closed),
        opened=_by_purpose(found.opened),
        ended=[name for name in dict.fromkeys(scope.purpose for scope in found.closed) if name not in on],
        stopped=found.stopped,
        left=len({(scope.purpose, scope.source) for scope in found.on}),
        changed=changed,
        undone_by=found.undone_by,
    )


def in_json(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Give the signed receipt of an entry as a file: the same bytes as the command and the interface give."""
    made = renderer.bank.rights.receipt(request_data.path["customer"], request_data.entry)
    return attachment(receipt_bytes(made), media=JSON, name=f"receipt-{made.record.entries[0].n}.json")


def undo(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Bring back what an entry changed, as far as nothing was said of it since; it leads to the receipt of that."""
    customer = request_data.path["customer"]
    n = renderer.bank.rights.undo(customer, request_data.entry, language=renderer.read_in, delegate=renderer.delegate)
    return redirect(address("customer", customer, "consents", str(n)))


def _by_purpose(scopes: Iterable[ConsentScope]) -> list[ScopesOfPurpose]:
    """Put scopes together for reading: by purpose, sources that have the same channels in one line."""
    found = []
    for purpose, own in groupby(scopes, key=lambda scope: scope.purpose):
        channels: dict[str, tuple[str, ...]] = {}
        for scope in own:
            channels[scope.source] = (*channels.get(scope.source, ()), scope.channel)
        lines: dict[tuple[str, ...], list[str]] = {}
        for source, ways in channels.items():
            lines.setdefault(ways, []).append(source)
        found.append(ScopesOfPurpose(purpose, [(sources, ways) for ways, sources in lines.items()]))
    return found
