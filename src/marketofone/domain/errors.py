"""Everything that can go wrong, as one tree. Each leaf means one thing for the caller to do.

::

    MarketOfOneError
    ├── BadInput                 mend the input and send it again
    │   ├── MalformedEvent       one event breaks its contract
    │   ├── MalformedDocument    a file of the bank project (or a mapping) breaks its contract
    │   ├── MalformedRequest     a request (decision, outcome, consent) breaks its contract
    │   └── BadExpression        an eligibility or guardrail expression cannot be read
    ├── NotFound                 ask for something that exists
    │   ├── UnknownCustomer
    │   ├── UnknownDecision
    │   ├── UnknownAction
    │   ├── UnknownEntry         no entry of a person's journal has this number, or it is of another kind
    │   └── UnknownVersion       no version of what was learned has this number
    ├── Refused                  the system said no, for a reason that stands
    │   └── ConsentRefused       the person did not allow it
    ├── Conflict                 read again, then decide
    │   ├── DecisionExists       the same decision id was used for another request
    │   ├── Moved                what a unit of work rests on does not stand any more
    │   ├── SchemaChanged        a state was folded under other feature declarations: fold it again from the log
    │   └── StateAhead           a state holds events later than the moment asked about: fold the visible ones again
    └── StoreError               the operator must look
        ├── BankNotFound         there is no bank project at this path
        ├── StoreBusy            another process holds the store for too long
        └── ChainBroken          the audit chain does not verify

Errors carry attributes, never prose about people, and know nothing of HTTP: ``web/problem.py`` holds the one
table that maps them to answers.
"""

from __future__ import annotations

import msgspec

from marketofone.domain.languages import message


class MarketOfOneError(Exception):
    """The root: catch it to catch everything this package raises on purpose. It comes whole from another process."""

    def __reduce__(self) -> tuple[object, ...]:
        """Say how it is made again: the words of a subclass are named, where an exception's are only in order."""
        return _again, (type(self), self.args, dict(vars(self)))


def _again(kind: type[MarketOfOneError], args: tuple[object, ...], attributes: dict[str, object]) -> MarketOfOneError:
    error = kind.__new__(kind, *args)
    vars(error).update(attributes)
    return error


class BadInput(MarketOfOneError):
    """Input breaks its contract.

    Parameters
    ----------
    field
        Where, as a path such as ``data.amount_minor``.
    shape
        What stands there, described without its value: ``text of 12 characters``.
    fix
        What to do about it.
    """

    def __init__(self, *, field: str, shape: str, fix: str) -> None:
        self.field = field
        self.shape = shape
        self.fix = fix
        super().__init__(f"{field}: {shape}; {fix}")


class MalformedEvent(BadInput):
    """One event breaks its contract; it is kept aside as a dead letter."""


class MalformedDocument(BadInput):
    """A file of the bank project or an imported file breaks its contract."""


class MalformedRequest(BadInput):
    """A request breaks its contract."""


class BadExpression(BadInput):
    """An eligibility or guardrail expression cannot be read."""


_NO_SUCH = message("there is no such %(text_what)s")


class NotFound(MarketOfOneError):
    """What was asked for does not exist.

    Parameters
    ----------
    what
        The kind of thing, for example ``decision``.
    """

    def __init__(self, *, what: str) -> None:
        self.what = what
        super().__init__(_NO_SUCH % {"text_what": what})


class UnknownCustomer(NotFound):
    """No event, consent or decision names this customer."""

    def __init__(self) -> None:
        super().__init__(what=message("customer"))


class UnknownDecision(NotFound):
    """No decision has this id."""

    def __init__(self) -> None:
        super().__init__(what=message("decision"))


class UnknownAction(NotFound):
    """The catalogue has no action with this id."""

    def __init__(self) -> None:
        super().__init__(what=message("action"))


class UnknownEntry(NotFound):
    """No entry of a person's journal has this number, or it is of another kind."""

    def __init__(self) -> None:
        super().__init__(what=message("entry"))


class UnknownVersion(NotFound):
    """No version of what was learned has this number."""

    def __init__(self) -> None:
        super().__init__(what=message("version"))


class Refused(MarketOfOneError):
    """The system said no, for a reason that stands.

    Parameters
    ----------
    why
        The reason in plain words, without personal data.
    """

    def __init__(self, *, why: str) -> None:
        self.why = why
        super().__init__(why)


class ConsentRefused(Refused):
    """The person did not allow it."""


class Conflict(MarketOfOneError):
    """The world changed meanwhile: read again, then decide."""


class DecisionExists(Conflict):
    """The same decision id was used for another request."""


class Moved(Conflict):
    """What a unit of work rests on does not stand any more; nothing of it is kept.

    Parameters
    ----------
    subjects
        The journals that moved, by subject number; 0 is the bank's.
    """

    def __init__(self, *, subjects: frozenset[int]) -> None:
        self.subjects = subjects
        super().__init__(f"{len(subjects)} journals moved")


class SchemaChanged(Conflict):
    """A state was folded under other feature declarations: fold it again from the log."""


class StateAhead(Conflict):
    """A state holds events later than the moment asked about: fold the visible events again from the log."""


class StoreError(MarketOfOneError):
    """Something an operator must look at."""


class BankNotFound(StoreError):
    """There is no bank project at this path."""


class StoreBusy(StoreError):
    """Another process holds the store for too long."""


class ChainBroken(StoreError):
    """The audit chain does not verify.

    Parameters
    ----------
    seq
        The first entry that does not agree with what is stored.
    """

    def __init__(self, *, seq: int) -> None:
        self.seq = seq
        super().__init__(f"entry {seq} does not verify")


def malformed(error: Exception, *, within: str, names_unknown: bool = False) -> MalformedEvent:
    """Turn a decoder's complaint into our error: the path names the field, and no value is repeated.

    The name of an unknown field is sent as well, and may hold what a person wrote. It is repeated (``names_unknown``)
    only where a program is answered, and never of an event.
    """
    what, path = (*str(error).rsplit(" - at ", 1), "")[:2]  # from the end: a value that is repeated may hold the words
    field = path.strip("`").removeprefix("$").removeprefix(".")
    if what.startswith("Object missing required field"):
        field = _joined(field, what.split("`")[1])
        what = "missing"
    elif what.startswith("Object contains unknown field"):  # without a path its name could pass for one
        field = _joined(field, what.split("`")[1][:64]) if names_unknown else ""
        what = "a field this kind does not have"
    elif what.startswith("Invalid enum value"):
        what = "none of the allowed words"
    elif what.startswith("Expected `datetime` with a timezone"):
        what = "an instant without timezone"
    elif not isinstance(error, msgspec.ValidationError):
        what = "not readable as JSON"
    whole = within.removesuffix(".") or "event"
    return MalformedEvent(
        field=within + field if field else whole, shape=what, fix="see the catalogue of events in docs/events.md"
    )


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
