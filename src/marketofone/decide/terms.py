"""What a score is made of, in words: the terms beside those of the bank's own features."""

from __future__ import annotations

from msgspec import Struct

from marketofone.domain.languages import message
from marketofone.features.declare import Feature


class Term(Struct, frozen=True, kw_only=True):
    """One entry of the context vector, in words."""

    name: str
    title: str
    source: str | None = None
    feature: Feature | None = None


START = Term(name="start", title=message("what such an action is worth to anybody"))
GOES_WITH = Term(name="affinity", title=message("people with your products often have it"), source="transactions")
FITS = (Term(name="match", title=message("it fits what occupies you")), GOES_WITH)
BEGUN = Term(name="begun_by_customer", title=message("you began this contact"))
SHORTFALL = Term(
    name="shortfall_risk", title=message("your account may run short within 30 days"), source="transactions"
)
