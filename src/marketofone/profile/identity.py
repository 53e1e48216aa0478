"""Identity: customers that share a strong key are one person, for as long as they share it.

1. ``fold_links``: admitted link and unlink events -> the links that stand; the last by (instant, event key) decides.
2. ``resolve``: links that stand -> the person each customer is, by union-find.

A person is named by the smallest customer id among them. Nothing is merged for good: take a link back, resolve again,
and what it held together falls apart exactly as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from marketofone.consent.gate import Admitted
from marketofone.domain.event import IdentityLinked, IdentityUnlinked


class Link(NamedTuple):
    """A customer was recognised by a strong key."""

    key_kind: str
    key: str
    customer: str


def fold_links(events: Iterable[Admitted]) -> frozenset[Link]:
    """Give the links that stand after some events, whatever order they come in."""
    last: dict[Link, tuple[int, bytes, bool]] = {}
    for admitted in events:
        event = admitted.event
        match event.data:
            case IdentityLinked(key_kind=kind, key=key):
                linked = True
            case IdentityUnlinked(key_kind=kind, key=key):
                linked = False
            case _:
                continue
        link = Link(key_kind=kind, key=key, customer=event.customer)
        last[link] = max(last.get(link, (event.at, b"", linked)), (event.at, event.key, linked))
    return frozenset(link for link, (_, _, linked) in last.items() if linked)


def resolve(links: Iterable[Link]) -> dict[str, str]:
    """Give the person each linked customer is: the smallest customer id reachable over shared keys.

    Returns
    -------
    dict of str to str
        In the order of the customer ids. A customer without any link is not in it and is a person of their own.

    Examples
    --------
    >>> resolve([Link("device", "d", "c-2"), Link("device", "d", "c-1"), Link("device", "e", "c-3")])
    {'c-1': 'c-1', 'c-2': 'c-1', 'c-3': 'c-3'}
    """
    parent: dict[str, str] = {}
    holder: dict[tuple[str, str], str] = {}

    def root(customer: str) -> str:
        while parent[customer] != customer:
            parent[customer] = parent[parent[customer]]
            customer = parent[customer]
        return customer

    for link in links:
        parent.setdefault(link.customer, link.customer)
        first = holder.setdefault((link.key_kind, link.key), link.customer)
        smaller, larger = sorted((root(first), root(link.customer)))
        parent[larger] = smaller
    return {customer: root(customer) for customer in sorted(parent)}
