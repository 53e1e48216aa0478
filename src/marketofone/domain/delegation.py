"""Delegates: who acts for a customer in what is said about consent, on whose word, how far, and until when."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from marketofone.domain.languages import message
from marketofone.domain.moment import Instant
from marketofone.domain.texts import ONE_LINE

DelegateAuthority = Literal["named", "power_of_attorney", "guardian"]
"""Whether the customer named them, gave them a power of attorney, or is in their care."""
May = Literal["view", "change"]
"""Whether they only see the customer's pages, or say yes and no there, too."""
DelegateName = Annotated[str, Meta(min_length=1, max_length=80, pattern=rf"(?=.*\w){ONE_LINE}")]
"""What a delegate is called: the customer reads it wherever they acted."""
Evidence = Annotated[str, Meta(max_length=200, pattern=ONE_LINE)]

AUTHORITIES: dict[DelegateAuthority, str] = {
    "named": message("named by yourself"),
    "power_of_attorney": message("by a power of attorney"),
    "guardian": message("as your guardian"),
}
_ACTS = message("acting for you: %(name)s, %(text_authority)s")


class Delegation(Struct, frozen=True, kw_only=True):
    """One delegate of a customer: the name, the authority and what the bank saw of it, how far it goes, and its end."""

    name: str
    authority: DelegateAuthority
    may: May
    until: Instant
    evidence: str = ""

    @property
    def actor(self) -> str:
        """Who acts, as the customer reads it in their log.

        Examples
        --------
        >>> Delegation(name="Ann", authority="guardian", may="view", until=Instant(0)).actor
        'acting for you: Ann, as your guardian'
        """
        return _ACTS % {"name": self.name, "text_authority": AUTHORITIES[self.authority]}

    def ends(self, *, recorded: Instant, of_age: Instant | None) -> Instant:
        """Give when it ends by itself.

        That of a guardian ends with the age of the child for whom it was recorded. Somebody whom the child named never
        stood, also where the age was not known then.
        """
        if of_age is None or of_age <= recorded:
            return self.until
        match self.authority:
            case "guardian":
                return min(self.until, of_age)
            case "named":
                return recorded
            case "power_of_attorney":
                return self.until
