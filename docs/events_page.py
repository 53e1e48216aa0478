"""The page of all kinds of events."""

from __future__ import annotations

from docs.tables import NOTE, fields_of, page_of, purpose_of
from marketofone.domain.cloudevents import MAX_EVENT_BYTES
from marketofone.domain.event import KINDS
from marketofone.models.movement.retold import DAYS as WAITS_DAYS
from marketofone.profile.coverage import EDGE_DAYS, GAP_DAYS
from marketofone.profile.same_accounts import STALE_DAYS
from marketofone.services.intake.joint_accounts import MOST_HOLDERS

_BYTES = 1024

_ACCOUNTS = (
    "## Whose an account is",
    "",
    "`account.opened` says who holds an account, in what role, since when (`time`) and with what `share`. Where several customers",
    f"hold one (at most {MOST_HOLDERS}), what is booked on it (`transaction.booked`, `balance.stated`, `order.placed`) is sent once. Its `subject`",
    "is any one of them, or the account itself while no customer has that name. It becomes an event in the journal of each holder, judged",
    "by what that customer allows: the yes or no of one neither opens nor closes anything of another, and an account that one customer",
    "holds alone is seen by that customer only. A holder sees what counts on or after the day they became one, as far as it arrives",
    "once they are known as a holder. A removal, a correction and a replacement reach each holder who keeps what they are about; when",
    "`account.opened` itself is removed, that customer sees nothing more of what is booked later. A row counts once, as what became of it",
    "for its subject (of an account, for the holder of the longest standing); `events.admitted` counts journals. A copy for each holder",
    "under one id may be sent as well. With more holders each sees only what is sent about them. What stands on a shared account counts by",
    "the `share` where money is summed, today and in the sum ahead, whole without one; what moves on it, and its own forecast, are of the",
    "whole account. Several ids of one person hold together what each of them holds. A movement that is sent again under its id goes to the",
    "holders of the account that was told last. Once every holder was forgotten, what is booked on the account is a dead letter; a removal",
    "about a customer who was forgotten goes to the holders who are left and keep what it is about. Sent about the account it reaches each holder, also before what it takes back; sent about one holder, before, it is known to that one, for it may be about an account of their own.",
    "",
    "The same account may be told under several names: in one source (two files, two other banks), or here and by open banking. It is",
    "recognised by its number: the `number` that was told, or its name where that is an IBAN, what Germany, Austria, Poland and the Czech",
    "Republic write for one at home, or a British sort code with a number; a number that only one bank knows counts within that bank, and",
    "the name of a bank is the same however it is written. It counts once, under the name that was given to it rather than its number.",
    "Of names in one source the one that tells balances wins, then the given one; between sources, where both are allowed, what is told",
    f"here. It wins from the first to the last day of its movements, but for gaps of more than {GAP_DAYS} days; before and after, and in such",
    f"gaps, what the other one tells counts. A movement within {EDGE_DAYS} days of these ends is the same as one of its amount there, unless the other",
    "name tells that one, too. Of what stands on it the later day counts; here and by open banking it counts as told here, unless that is",
    f"{STALE_DAYS} days older. Where one source is refused, the other counts.\n",
)


def events() -> str:
    """Every kind of event with its fields."""
    lines = [
        "# Events",
        NOTE,
        "An event is a [CloudEvents 1.0](https://cloudevents.io) JSON document: `id` and `source` (the producer) make it unique,",
        "`type` is its kind, `subject` the customer, `time` when it happened, `data` the fields below.\n",
        "| what arrives | its answer |",
        "| --- | --- |",
        "| a well-formed event | an event; refused when no granted purpose may use its source, and counted as such |",
        "| the same producer and id of the customer again, once it was kept | a duplicate: counted, not used, whatever it says |",
        (
            "| a payment that was pending, booked under another id by the same producer, whichever comes first | counts once: by what "
            f"`replaces` says, else by account, amount and words, within {WAITS_DAYS} days; a tip may have been added |"
        ),
        (
            "| a pending payment told again as pending, under another id | counts once, where account, amount, day, text, `reference` and, where "
            "it is told, the instant agree. What one request tells is a purchase each: two equal ones stay two when they stand in one request, "
            "the second one beside the first that is sent again. Told one by one, by a date only, they count once until they are booked |"
        ),
        (
            f"| a booking on an account, or its balance, of a day more than {WAITS_DAYS} days after a payment that pends there by the same producer | "
            "the pending one lapsed: it counts no more, and an `event.removed` of the journal says so. Booked after all, it counts then |"
        ),
        "| late, even by a year | an event: windows that still hold its day count it, older ones do not |",
        "| more than `future_seconds` ([bank.toml](settings.md)) ahead | a dead letter: check the producer's clock |",
        (
            "| an unknown kind; a missing, unknown or ill-typed field of `data` | a dead letter naming the field (the name of an "
            "unknown one is not repeated), the shape of what stands there, and what to do |"
        ),
        f"| more than {MAX_EVENT_BYTES // _BYTES} KiB | a dead letter |",
        "",
        "A dead letter keeps where, what shape and what to do, and no word of what was sent. The row itself is kept only where the bank",
        "may keep it, sealed under its customer's key: after an erasure it opens nowhere, and after a no it is not shown any more.",
        "A batch is never refused for one bad event; one of more than 10,000 is refused whole. Content that was not kept burns no id:",
        "the same event may be sent again.\n",
        *_ACCOUNTS,
    ]
    for kind, (structure, source) in KINDS.items():
        lines += [f"## {kind}", "", f"{purpose_of(structure)} Source: `{source}`.", "", *fields_of(structure)]
    return page_of(lines)
