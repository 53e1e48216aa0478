"""Identity: customers that share a strong key are one person, for as long as they share it.

A person is named by the smallest customer id among them. Nothing is merged for good: take a link back, and what it held
together falls apart exactly as it was.
"""

from __future__ import annotations

from typing import NamedTuple


class Link(NamedTuple):
    """A customer was recognised by a strong key."""

    key_kind: str
    key: str
    customer: str


class Links:
    """The links that stand, and who is who by them. Order does not matter, only which links stand.

    Examples
    --------
    >>> links = Links()
    >>> links.add(Link("device", "d", "c-2"))
    >>> links.add(Link("device", "d", "c-1"))
    >>> links.members("c-2")
    ('c-1', 'c-2')
    >>> links.remove(Link("device", "d", "c-1"))
    >>> links.members("c-2")
    ('c-2',)
    """

    def __init__(self) -> None:
        self._keys: dict[str, set[tuple[str, str]]] = {}
        self._holders: dict[tuple[str, str], set[str]] = {}
        self._together: dict[str, tuple[str, ...]] = {}  # only people of more than one customer

    def add(self, link: Link) -> None:
        """Add a link; adding it again changes nothing."""
        self._keys.setdefault(link.customer, set()).add(link[:2])
        self._holders.setdefault(link[:2], set()).add(link.customer)
        self._resolve(self.members(link.customer))

    def remove(self, link: Link) -> None:
        """Take a link back; one that does not stand changes nothing."""
        self._keys.get(link.customer, set()).discard(link[:2])
        self._holders.get(link[:2], set()).discard(link.customer)
        self._resolve(self.members(link.customer))

    def members(self, customer: str) -> tuple[str, ...]:
        """Give every customer id of the person a customer is, sorted."""
        return self._together.get(customer, (customer,))

    def person(self, customer: str) -> str:
        """Give the person a customer is."""
        return self.members(customer)[0]

    def _resolve(self, concerned: tuple[str, ...]) -> None:
        for customer in concerned:
            reached = self._reach(customer)
            for member in reached:
                self._together[member] = reached
            if len(reached) == 1:
                del self._together[customer]

    def _reach(self, customer: str) -> tuple[str, ...]:
        reached, waiting = {customer}, [customer]
        while waiting:
            for key in self._keys.get(waiting.pop(), ()):
                waiting += self._holders[key] - reached
                reached |= self._holders[key]
        return tuple(sorted(reached))
