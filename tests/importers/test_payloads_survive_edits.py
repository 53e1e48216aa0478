"""However a payload is edited, reading it ends, and each transaction in it is one row or one bad row."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.rows import BadRow, events_of
from payload_forms import HARD, SAMPLES, places, within
from payload_samples import ORIGIN, file_of

pytestmark = pytest.mark.fuzz


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(HARD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("name", SAMPLES)
def test_each_transaction_is_one_row_or_one_bad_row_whatever_stands_in_it(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    sample, folder = SAMPLES[name], tmp_path_factory.mktemp(name)
    beside = len(list(sample.read(file_of(folder, *sample.beside))))

    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        answer = copy.deepcopy(sample.answer)
        transactions = [
            (within(answer, at), number) for at in sample.lists for number in range(len(within(answer, at)))
        ]
        for _ in range(data.draw(st.integers(1, 3))):
            parts, number = data.draw(st.sampled_from(transactions))
            at = data.draw(st.sampled_from(list(places(parts[number]))))
            value = data.draw(ANYTHING)
            if not at:
                parts[number] = value
            else:
                within(parts[number], at[:-1])[at[-1]] = value
        found = list(sample.read(file_of(folder, *sample.beside, answer)))
        assert len(found) == beside + len(transactions)
        made = list(events_of(found, origin=ORIGIN))
        assert len(made) == len(found)
        assert all(row.line in (1, 2) and row.fix and row.field for row in made if isinstance(row, BadRow))

    law()


@pytest.mark.parametrize("name", SAMPLES)
def test_whatever_stands_anywhere_in_an_answer_reading_ends(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    sample, folder = SAMPLES[name], tmp_path_factory.mktemp(name)
    whole = [*sample.beside, sample.answer]
    paths = [at for at in places(whole) if at]

    @given(at=st.sampled_from(paths), value=ANYTHING)
    def law(at: tuple[str | int, ...], value: object) -> None:
        documents = copy.deepcopy(whole)
        within(documents, at[:-1])[at[-1]] = value
        list(events_of(sample.read(file_of(folder, *documents)), origin=ORIGIN))

    law()


@pytest.mark.parametrize("name", SAMPLES)
def test_however_its_bytes_are_damaged_a_file_is_read_to_its_end(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    sample = SAMPLES[name]
    path = tmp_path_factory.mktemp(name) / "answers.json"
    written = json.dumps([*sample.beside, sample.answer], indent=1).encode()

    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        content = written
        for _ in range(data.draw(st.integers(1, 4))):
            start = data.draw(st.integers(0, len(content)))
            end = data.draw(st.integers(start, min(len(content), start + 40)))
            content = content[:start] + data.draw(st.binary(max_size=6)) + content[end:]
        path.write_bytes(content)
        with suppress(MalformedDocument):  # a consent that cannot be read stops the import before any row
            list(events_of(sample.read(path), origin=ORIGIN))

    law()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_valid_file_has_no_bad_row(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    made = events_of(sample.read(file_of(tmp_path, *sample.beside, sample.answer)), origin=ORIGIN)
    assert [str(row) for row in made if isinstance(row, BadRow)] == []
