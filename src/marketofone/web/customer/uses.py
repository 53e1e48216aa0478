"""How it was used: seven days at a glance, one month at a time with a filter, who asked, and all of it as a file."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import date
from io import StringIO
from typing import NamedTuple

import msgspec
from starlette.responses import Response

from marketofone.domain.errors import MalformedRequest
from marketofone.domain.languages import message
from marketofone.domain.moment import Day, Instant, date_of, day_in_month, day_number, month_of, text_of
from marketofone.services.rights import use_log
from marketofone.services.rights.proof_file import proof_bytes
from marketofone.services.rights.use_log import RecordedUse, SourceUse
from marketofone.web import charts, formatting
from marketofone.web.page_renderer import PageRenderer, attachment
from marketofone.web.request_data import JSON, TABLE, RequestData

DAYS = 7
MONTHS = 36  # that can be chosen
_NO = message("no %(name)s")
_BEGINNING = Instant(0)
_DATE = re.compile(r"(?:19|20|21)\d\d-\d\d-\d\d", re.ASCII)
COLUMNS = ("at", "purpose", "source", "occasion", "actor")
OCCASIONS = {
    "decided": message("Choosing what to show you"),
    "decision": message("Showing a decision that was made"),
    "decisions": message("Showing your latest decisions"),
    "forecast": message("Looking ahead"),
    "screened": message("Looking whether to look ahead again"),
    "outcome": message("Learning from your answer"),
    "signs": message("Learning from what followed"),
    "message": message("Reading what you wrote"),
    "question": message("A question of what would be shown"),
    "standing": message("Showing what you allow"),
    "profile": message("Showing what is known of you"),
    "insights": message("Showing what your spending says"),
    "spending": message("Showing what your spending says"),
    "merchants": message("Showing whom you paid"),
    "inferences": message("Showing what we conclude about you"),
    "export": message("Giving you all of your data"),
    "contents": message("Showing what you may take along"),
    "receipt": message("Showing what a no of yours changes"),
    "funnel": message("Looking why nothing was found for you"),
    "intervene": message("Looking whether you need to hear something"),
    "delegate": message("Somebody who acts for you opened a page"),
    "train": message("Learning from everybody together"),
}
"""What is read for, by the words of the log; what has no words here stands as the log has it."""


class Asked(NamedTuple):
    """Which part of the log is asked for: a day or a month as it is written, or all of it; and what is kept of it."""

    day: str
    month: str
    since: Instant
    until: Instant
    purpose: str
    source: str

    @property
    def filter(self) -> Mapping[str, str]:
        """What narrows it, as the address has it."""
        when = {"day": self.day} if self.day else {"month": self.month}
        return {**when, "purpose": self.purpose, "source": self.source}


def uses(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show seven days by source, and one month by source and day, or one day. Only these days are read."""
    bank, customer, now = renderer.bank, request_data.path["customer"], renderer.bank.now()
    as_of = request_data.as_of(bank.calendar, now=now)
    moment = now if as_of is None else as_of
    asked = _asked(renderer, request_data, moment=moment, month=_month_of(bank.calendar.day_of(moment)))
    week = use_log.uses_of_period(
        bank.context,
        customer,
        since=bank.calendar.start_of(Day(bank.calendar.day_of(moment) - DAYS + 1)),
        until=Instant(moment + 1),
    )
    month = use_log.uses_of_period(
        bank.context, customer, since=asked.since, until=asked.until, purpose=asked.purpose, source=asked.source
    )
    return renderer.page(
        "customer/uses.html",
        request_data,
        customer=customer,
        week=week.sources,
        chart=_chart(renderer, week.sources),
        asked=asked,
        as_of_text=request_data.query.get("as_of", ""),
        month=month,
        months=_months(month.began, moment, renderer=renderer),
        occasions=OCCASIONS,
    )


def in_csv(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Give readings as a table, one line for each source that was read for a purpose."""
    table = StringIO()
    writer = csv.writer(table, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in _recorded(renderer, request_data):
        writer.writerows((text_of(one.at), *scope, one.what, one.actor) for scope in one.scopes)
    return attachment(table.getvalue().encode(), media=TABLE, name="uses.csv")


def in_json(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Give readings as JSON, one object for each entry of the journal."""
    found = [
        {
            "at": text_of(one.at),
            "occasion": one.what,
            "actor": one.actor,
            "read": [{"purpose": purpose, "source": source} for purpose, source in one.scopes],
        }
        for one in _recorded(renderer, request_data)
        if one.scopes
    ]
    return attachment(msgspec.json.encode(found), media=JSON, name="uses.json")


def proof(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Give the proof that this log is whole as a file: the same bytes as the command and the interface give."""
    made = renderer.bank.rights.prove(request_data.path["customer"])
    return attachment(proof_bytes(made), media=JSON, name="proof.json")


def _recorded(renderer: PageRenderer, request_data: RequestData) -> list[RecordedUse]:
    bank, now = renderer.bank, renderer.bank.now()
    as_of = request_data.as_of(bank.calendar, now=now)
    asked = _asked(renderer, request_data, moment=now if as_of is None else as_of, month="")
    return use_log.recorded_uses(
        bank.context,
        request_data.path["customer"],
        since=asked.since,
        until=asked.until,
        purpose=asked.purpose,
        source=asked.source,
    )


def _asked(renderer: PageRenderer, request_data: RequestData, *, moment: Instant, month: str) -> Asked:
    """Read what is asked for: nothing after the moment, and ``month`` where no month is named."""
    query, policy, calendar = request_data.query, renderer.bank.config.policy, renderer.bank.calendar
    purpose, source = query.get("purpose", ""), query.get("source", "")
    for field, named, known in (("purpose", purpose, policy.purposes), ("source", source, policy.sources)):
        if named and named not in known:
            raise MalformedRequest(
                field=field, shape=message("a word consent.toml does not have"), fix=message("choose one of the list")
            )
    day, named = query.get("day", ""), query.get("month", "") or month
    if day:
        first = _date(day, field="day")
        since, end, named = calendar.start_of(first), calendar.start_of(Day(first + 1)), day[:7]
    elif named:
        number = month_of(date_of(_date(f"{named}-01", field="month")))
        since, end = (calendar.start_of(day_in_month(of, 1)) for of in (number, number + 1))
    else:
        since, end = _BEGINNING, Instant(moment + 1)
    return Asked(day, named, since, min(end, Instant(moment + 1)), purpose, source)


def _date(text: str, *, field: str) -> Day:
    if not _DATE.fullmatch(text):
        raise MalformedRequest(field=field, shape=_NO % {"name": field}, fix=message("choose one of the list"))
    try:
        return day_number(date.fromisoformat(text))
    except ValueError as error:
        raise MalformedRequest(
            field=field, shape=_NO % {"name": field}, fix=message("choose one of the list")
        ) from error


def _chart(renderer: PageRenderer, week: Sequence[SourceUse]) -> charts.Rows:
    calendar, words = renderer.bank.calendar, renderer.words
    titles: dict[str, str] = {name: of.title for name, of in renderer.policy.sources.items()}
    marks = [
        charts.Mark(
            titles.get(of.source, of.source),
            of.count,
            f"{formatting.number(of.count, words=words)} \N{MULTIPLICATION SIGN}, "
            f"{formatting.short_day(of.last, calendar=calendar, words=words)}",
            "for",
        )
        for of in week
    ]
    return charts.bars(marks, letters=charts.LETTERS_BESIDE)


def _months(began: Instant, moment: Instant, *, renderer: PageRenderer) -> list[tuple[str, str]]:
    """Give the months that can be chosen, newest first: as they are written, and in words."""
    calendar = renderer.bank.calendar
    first, last = (month_of(date_of(calendar.day_of(at))) for at in (began, moment))
    days = [day_in_month(number, 1) for number in range(last, max(first, last - MONTHS + 1) - 1, -1)]
    return [(_month_of(day), renderer.words.month(date_of(day))) for day in days]


def _month_of(day: Day) -> str:
    return f"{date_of(day):%Y-%m}"
