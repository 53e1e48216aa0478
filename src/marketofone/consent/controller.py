"""Who answers for what is done with a person's information: what a bank states of itself on every receipt."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from marketofone.domain.fields import Text

Jurisdiction = Annotated[str, Meta(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$(?!\n)")]
"""A country, or a part of one, by its code of ISO 3166; ``EU`` for the European Union."""
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$(?!\n)")]

NOT_STATED = "not stated by the bank"
"""Stands where a bank has not said what a receipt must name."""


class Controller(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who answers for what is done with a person's information: ``[controller]`` of bank.toml, as receipts name it.

    What is left out stands on a receipt as not stated; without a ``legal_name`` it is the bank's name, and without a
    ``registration`` its name in checkpoints. ``language`` is that of the notices, ``recipients`` are all who
    receive a person's information from the bank, ``withdraw`` says how a yes is taken back.
    """

    legal_name: Text | None = None
    registration: Text | None = None
    address: Text | None = None
    contact: Text | None = None
    jurisdiction: Jurisdiction | None = None
    authority: Text | None = None
    language: Language = "en"
    recipients: tuple[Text, ...] = ()
    withdraw: Text = "On your own pages: My data, the purpose, its button. It takes one click and costs nothing."
    rights: tuple[Text, ...] = (
        "to see everything",
        "to have it corrected",
        "to take it along",
        "to be forgotten",
        "to object to offers",
        "to pause",
        "to complain to the supervisory authority",
    )

    @property
    def not_stated(self) -> tuple[str, ...]:
        """The keys that a receipt must name and that the bank has left out."""
        must = ("address", "contact", "jurisdiction")
        return tuple(name for name in must if getattr(self, name) is None)
