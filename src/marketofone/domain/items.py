"""Items: what people have and what happened to them, in one vocabulary: products, life events, venues, app features.

A product is called by its name. Of the others the data source stands before it, behind a blank that no name has: so no
two of them are mixed up, and the item tells which consent it needs.
"""

from __future__ import annotations

from typing import Literal, get_args

ItemSource = Literal["transactions", "life_events", "location", "app"]
ITEM_SOURCES: tuple[ItemSource, ...] = get_args(ItemSource)
_HELD: ItemSource = "transactions"


def item_of(source: ItemSource, name: str) -> str:
    """Name an item by the data source that tells of it.

    Examples
    --------
    >>> item_of("transactions", "credit_card"), item_of("life_events", "move")
    ('credit_card', 'life_events move')
    """
    return name if source == _HELD else f"{source} {name}"


def parted_item(item: str) -> tuple[ItemSource, str]:
    """Give the data source that tells of an item, and what it is called there.

    Examples
    --------
    >>> parted_item("credit_card"), parted_item("life_events move")
    (('transactions', 'credit_card'), ('life_events', 'move'))
    """
    before, _, name = item.rpartition(" ")
    source = next((source for source in ITEM_SOURCES if source == before), _HELD)
    return source, name
