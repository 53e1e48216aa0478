"""The page of the data: what arrived, how fresh it is, what was kept aside, and what nothing told of movements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from marketofone.models.movement.taxonomy import CATEGORIES
from marketofone.services.intake.data_overview import SAMPLE, WEEKS, DataOverview
from marketofone.web import charts
from marketofone.web.page_renderer import PageRenderer
from marketofone.web.request_data import RequestData

DRAWN = 10  # bars that a chart shows; the table shows more
LISTED = 100  # rows of a table


def data(renderer: PageRenderer, request_data: RequestData) -> Response:
    """Show the four parts, each as a plot and a table. Nothing about a person is read."""
    seen = renderer.bank.data()
    titles: dict[str, str] = {name: of.title for name, of in renderer.bank.config.policy.sources.items()}
    return renderer.page(
        "console/data.html",
        request_data,
        seen=seen,
        weeks_asked=WEEKS,
        sample=SAMPLE,
        arrived_chart=_arrived_chart(seen, titles),
        about_chart=_about_chart(seen, titles),
        fresh_chart=_fresh_chart(seen, titles),
        letters_chart=_bars([(f"{one.field}: {one.shape}", one.rows) for one in seen.letters]),
        letters=seen.letters[:LISTED],
        share_chart=_share_chart(seen),
        untold=seen.untold[:LISTED],
        categories=CATEGORIES,
        words=[(word, n) for word, n in seen.words if word not in CATEGORIES][:LISTED],
    )


def _arrived_chart(seen: DataOverview, titles: Mapping[str, str]) -> charts.Columns:
    series = []
    for source, weeks in seen.arrived.items():
        most = max(week.all for week in weeks)
        value = f"peak {most:,}" if most else "none"
        parts = [(week.admitted, week.refused + week.gap) for week in weeks]
        series.append(charts.Series(titles.get(source, source), value, ("for", "against"), parts))
    return charts.columns(series)


def _about_chart(seen: DataOverview, titles: Mapping[str, str]) -> charts.Columns:
    return charts.columns(
        [
            charts.Series(titles.get(source, source), f"{sum(numbers):,}", ("for",), [(n,) for n in numbers])
            for source, numbers in seen.about.items()
        ]
    )


def _fresh_chart(seen: DataOverview, titles: Mapping[str, str]) -> charts.Rows:
    known = [(one, one.silent_days) for one in seen.freshness if one.silent_days is not None]
    return charts.bars(
        [charts.Mark(titles.get(one.source, one.source), days, _ago(days), "for") for one, days in known]
    )


def _ago(days: int) -> str:
    return {0: "today", 1: "1 day ago"}.get(days, f"{days:,} days ago")


def _share_chart(seen: DataOverview) -> charts.Columns:
    missing = sum(of.uncategorised + of.unknown for of in seen.movements)
    every = sum(of.movements for of in seen.movements)
    parts = [
        (of.uncategorised / of.movements, of.unknown / of.movements) if of.movements else (0.0, 0.0)
        for of in seen.movements
    ]
    value = f"{100 * missing / every:.1f} %" if every else "no movements"
    return charts.columns([charts.Series("No category told", value, ("calm", "against"), parts)], top=1.0)


def _bars(counted: Sequence[tuple[str, int]]) -> charts.Rows:
    return charts.bars([charts.Mark(label, n, f"{n:,}", "against") for label, n in counted[:DRAWN]])
