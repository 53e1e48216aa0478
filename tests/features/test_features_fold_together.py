"""Many states folded and written at once are each what they would be alone, whoever stands beside them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from marketofone.domain.moment import Calendar
from marketofone.features.catalogue import Catalogue
from marketofone.features.state import AdmittedEvent, fold, fold_all
from marketofone.features.state_form import all_to_bytes, from_bytes, to_bytes

Streams = st.SearchStrategy[list[AdmittedEvent]]


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_neighbours_change_nothing(
    data: st.DataObject, streams: Streams, catalogue: Catalogue, calendar: Calendar
) -> None:
    drawn = data.draw(st.lists(streams.filter(bool), max_size=6))
    # Of every stream the events of its first one's source: some folded before, the others now.
    alike = [[heard for heard in each if heard[0].event.source == each[0][0].event.source] for each in drawn]
    cuts = [data.draw(st.integers(0, len(each) - 1)) for each in alike]
    before = [
        fold(None, each[:cut], catalogue=catalogue, calendar=calendar) if cut else None
        for each, cut in zip(alike, cuts, strict=True)
    ]
    batches = [(state, each[cut:]) for state, each, cut in zip(before, alike, cuts, strict=True)]

    together = fold_all(batches, catalogue=catalogue, calendar=calendar)

    alone = [fold(state, events, catalogue=catalogue, calendar=calendar) for state, events in batches]
    blobs = all_to_bytes(together)
    assert blobs == [to_bytes(state) for state in alone]
    assert blobs == [to_bytes(from_bytes(blob, catalogue=catalogue, calendar=calendar)) for blob in blobs]
