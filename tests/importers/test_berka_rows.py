"""The Czech bank's files, by hand: every row is an event or is kept aside with its reason."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from marketofone.domain.cloudevents import cloudevent, parse_event
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import DistrictDescribed, Event, IdentityLinked, PersonDescribed
from marketofone.domain.moment import HOUR, SECOND, Calendar, Instant, text_of
from marketofone.domain.money_events import AccountOpened, OrderPlaced, ProductOpened, TransactionBooked
from marketofone.importers import berka

FILES = {
    "account.asc": '"account_id";"district_id";"frequency";"date"\n5;18;"POPLATEK MESICNE";930301\n',
    "client.asc": '"client_id";"birth_number";"district_id"\n1;"706213";18\n2;"450204";18\n',
    "disp.asc": '"disp_id";"client_id";"account_id";"type"\n1;1;5;"OWNER"\n2;2;5;"DISPONENT"\n',
    "order.asc": '"order_id";"account_id";"bank_to";"account_to";"amount";"k_symbol"\n9;5;"YZ";"87";2452.00;"SIPO"\n',
    "loan.asc": (
        '"loan_id";"account_id";"date";"amount";"duration";"payments";"status"\n7;5;930705;96396;12;8033.00;"B"\n'
    ),
    "card.asc": '"card_id";"disp_id";"type";"issued"\n3;1;"classic";931107 00:00:00\n',
    "district.asc": (
        "A1;A2;A3;A4;A5;A6;A7;A8;A9;A10;A11;A12;A13;A14;A15;A16\n"
        '18;"Pisek";"south Bohemia";70699;60;13;2;1;4;65.3;8968;?;3.35;131;1740;1910\n'
    ),
    "trans_a.asc": (
        '"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"\n'
        '10;5;930301;"PRIJEM";"VKLAD";700.00;700.00;"";;\n'
        '11;5;930309;"VYDAJ";"VYBER";100.10;599.80;" ";;\n'
        '12;5;930309;"PRIJEM";"";14.6;714.6;"UROK";;\n'  # booked before the row above: see its balance
        '13;5;930309;"VYDAJ";"PREVOD NA UCET";14.70;699.90;"SIPO";"YZ";"87"\n'
    ),
    "trans_b.csv": (
        "trans_id;account_id;date;type;operation;amount;balance;k_symbol;bank;account\n"
        "20;5;930401;withdrawal in cash;withdrawal in cash;600.00;-0.20;;;\n"
        "21;5;930402;withdrawal;credit card withdrawal;600.00;-600.20;;;0\n"
        "22;5;930430;withdrawal;withdrawal in cash;0.10;-600.30;sanction interest if negative balance;;\n"
    ),
}


def laid_out(folder: Path, **changed: str) -> Path:
    for name, text in {**FILES, **{key.replace("_asc", ".asc"): text for key, text in changed.items()}}.items():
        (folder / name).write_text(text, encoding="ascii")
    return folder


def events(dump: berka.Dump) -> dict[str, Event]:
    return {row.id: row for row in dump.rows if isinstance(row, Event)}


def dead(dump: berka.Dump) -> list[tuple[str, str, bytes]]:
    return [(row.field, row.shape, row.raw) for row in dump.rows if isinstance(row, berka.MalformedRow)]


def test_every_row_of_every_table_becomes_an_event_of_its_kind(tmp_path: Path) -> None:
    kinds = {name: event.kind for name, event in events(berka.read(laid_out(tmp_path))).items()}
    assert kinds == {
        "berka:district:18": "district.described",
        "berka:disp:1": "account.opened",
        "berka:disp:2": "account.opened",
        "berka:client:1": "person.described",
        "berka:client:2": "person.described",
        "berka:account:5": "identity.linked",
        "berka:loan:7": "product.opened",
        "berka:card:3": "product.opened",
        "berka:order:9": "order.placed",
        **{f"berka:trans:{number}": "transaction.booked" for number in (10, 11, 12, 13, 20, 21, 22)},
    }


def test_events_survive_the_wire_unchanged(tmp_path: Path) -> None:
    for event in events(berka.read(laid_out(tmp_path))).values():
        assert parse_event(msgspec.json.encode(cloudevent(event))) == event


def test_people_are_described_with_sex_and_year_from_the_birth_number(tmp_path: Path) -> None:
    found = events(berka.read(laid_out(tmp_path)))
    assert found["berka:client:1"].data == PersonDescribed(birth_year=1970, sex="female", region="berka:district:18")
    assert found["berka:client:2"].data == PersonDescribed(birth_year=1945, sex="male", region="berka:district:18")


def test_only_the_owner_is_linked_to_the_account(tmp_path: Path) -> None:
    found = events(berka.read(laid_out(tmp_path)))
    links = [event for event in found.values() if isinstance(event.data, IdentityLinked)]
    assert [(link.customer, link.data) for link in links] == [
        ("berka:client:1", IdentityLinked(key_kind="account", key="berka:account:5"))
    ]
    roles = {event.customer: event.data.role for event in found.values() if isinstance(event.data, AccountOpened)}
    assert roles == {"berka:client:1": "owner", "berka:client:2": "second_user"}


def test_a_loan_does_not_know_on_its_first_day_how_it_will_end(tmp_path: Path) -> None:
    loan = events(berka.read(laid_out(tmp_path)))["berka:loan:7"]
    assert loan.data == ProductOpened(
        product="loan", account="berka:account:5", principal_minor=9_639_600, payment_minor=803_300, months=12
    )


def test_signs_categories_and_counterparties_are_read_from_both_languages(tmp_path: Path) -> None:
    booked = {
        event.id.rpartition(":")[2]: (data.amount_minor, data.category, data.operation, data.counterparty)
        for event in events(berka.read(laid_out(tmp_path))).values()
        if isinstance(data := event.data, TransactionBooked)
    }
    assert booked == {
        "10": (70_000, "cash", "cash_in", None),
        "11": (-10_010, "cash", "cash_out", None),
        "12": (1_460, "interest", None, None),
        "13": (-1_470, "household", "transfer_out", "YZ:87"),
        "20": (-60_000, "cash", "cash_out", None),
        "21": (-60_000, "cash", "card_out", None),
        "22": (-10, "penalty_interest", "cash_out", None),
    }


def test_the_rows_of_a_day_are_put_in_the_order_in_which_their_balances_chain(tmp_path: Path) -> None:
    found = events(berka.read(laid_out(tmp_path)))
    morning = Calendar("Europe/Prague").start_of(Calendar("Europe/Prague").day_of(found["berka:trans:11"].at))
    seconds = {name: (found[f"berka:trans:{name}"].at - morning - 6 * HOUR) // SECOND for name in (11, 12, 13)}
    assert seconds == {12: 0, 13: 1, 11: 2}


def test_an_account_opens_before_its_first_transaction_and_time_never_runs_back(tmp_path: Path) -> None:
    dump = berka.read(laid_out(tmp_path))
    times = [row.at for row in dump.rows if isinstance(row, Event)]
    assert times == sorted(times)
    assert text_of(dump.earliest) == "1993-02-28T23:00:00Z"
    assert events(dump)["berka:disp:1"].at == dump.earliest < events(dump)["berka:trans:10"].at


def test_what_has_no_date_is_known_from_the_first_or_only_since_the_last_day(tmp_path: Path) -> None:
    found = events(berka.read(laid_out(tmp_path)))
    assert isinstance(found["berka:district:18"].data, DistrictDescribed)
    assert text_of(found["berka:district:18"].at) == "1993-02-28T23:00:00Z"
    assert isinstance(found["berka:order:9"].data, OrderPlaced)
    assert text_of(found["berka:order:9"].at) == "1993-11-06T23:00:00Z"


def test_a_question_mark_is_a_figure_nobody_knows(tmp_path: Path) -> None:
    district = events(berka.read(laid_out(tmp_path)))["berka:district:18"].data
    assert isinstance(district, DistrictDescribed)
    assert district.figures["unemployment_1995_percent"] is None
    assert district.figures["urban_percent"] == 65.3


def test_reading_again_gives_the_same_events_and_packed_files_do_too(tmp_path: Path) -> None:
    first = berka.read(laid_out(tmp_path))
    again = berka.read(tmp_path)
    for name in FILES:
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
        (tmp_path / name).unlink()
    assert events(first) == events(again) == events(berka.read(tmp_path))
    assert first.people == ("berka:client:1", "berka:client:2")


TRANS = FILES["trans_a.asc"].splitlines()[0]


@pytest.mark.parametrize(
    ("row", "field", "shape"),
    [
        ('10;5;930231;"PRIJEM";"VKLAD";1;1;"";;', "trans.date", "text of 6 characters"),
        ('10;5;9303;"PRIJEM";"VKLAD";1;1;"";;', "trans.date", "text of 4 characters"),
        ('10;5;930301;"ODLIV";"VKLAD";1;1;"";;', "trans.type", "text of 5 characters"),
        ('10;5;930301;"PRIJEM";"POSTOU";1;1;"";;', "trans.operation", "text of 6 characters"),
        ('10;5;930301;"PRIJEM";"VKLAD";1;1;"XYZ";;', "trans.k_symbol", "text of 3 characters"),
        ('10;5;930301;"PRIJEM";"VKLAD";-1;1;"";;', "trans.amount", "text of 2 characters"),
        ('10;5;930301;"PRIJEM";"VKLAD";1,5;1;"";;', "trans.amount", "text of 3 characters"),
        ('10;5;930301;"PRIJEM";"VKLAD";1.005;1;"";;', "trans.amount", "text of 5 characters"),
        ('10;5;930301;"PRIJEM";"VKLAD";1;;"";;', "trans.balance", "text of 0 characters"),
        ('ten;5;930301;"PRIJEM";"VKLAD";1;1;"";;', "trans.trans_id", "text of 3 characters"),
        ('10;6;930301;"PRIJEM";"VKLAD";1;1;"";;', "trans.account_id", "no such account"),
        ('10;5;930301;"PRIJEM";"VKLAD";1;1', "trans.row", "7 columns"),
        ('10;5;930301;"PRIJ"EM;"VKLAD";1;1;"";;', "trans.row", "not readable as text"),
    ],
)
def test_a_broken_row_is_kept_aside_with_field_shape_and_itself(
    tmp_path: Path, row: str, field: str, shape: str
) -> None:
    dump = berka.read(laid_out(tmp_path, trans_a_asc=f"{TRANS}\n{row}\n"))
    assert (field, shape, row.encode()) in dead(dump)
    assert "berka:trans:10" not in events(dump)


def test_rows_that_hang_on_a_broken_row_are_kept_aside_too(tmp_path: Path) -> None:
    broken = FILES["account.asc"].replace("930301", "931301")
    dump = berka.read(laid_out(tmp_path, account_asc=broken))
    rows = sum(len(text.splitlines()) - 1 for text in FILES.values())
    assert list(events(dump)) == ["berka:district:18"]
    assert len(dead(dump)) == rows - 1
    assert dump.people == ()


def test_two_owners_of_one_account_are_one_too_many(tmp_path: Path) -> None:
    dump = berka.read(laid_out(tmp_path, disp_asc=FILES["disp.asc"].replace("DISPONENT", "OWNER")))
    assert ("disp.type", "a second owner", b'2;2;5;"OWNER"') in dead(dump)


@pytest.mark.parametrize("missing", ["account.asc", "client.asc", "disp.asc"])
def test_a_folder_without_the_tables_everything_hangs_on_is_refused(tmp_path: Path, missing: str) -> None:
    (laid_out(tmp_path) / missing).unlink()
    with pytest.raises(MalformedDocument) as error:
        berka.read(tmp_path)
    assert error.value.field == missing.removesuffix(".asc")


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b broken", b'1;1;5;"OWNER"\n', b"disp_id;client_id\n"])
def test_a_file_that_is_no_table_is_refused_as_a_whole(tmp_path: Path, content: bytes) -> None:
    packed = gzip.compress(content) if b";" in content else content
    (laid_out(tmp_path) / "disp.asc").unlink()
    (tmp_path / "disp.asc.gz").write_bytes(packed)
    with pytest.raises(MalformedDocument):
        berka.read(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedDocument):
        berka.read(tmp_path / "nowhere")


def test_an_importer_gives_no_instant_before_the_bank_began(tmp_path: Path) -> None:
    dump = berka.read(laid_out(tmp_path))
    assert dump.earliest > Instant(0)
    assert all(row.at >= dump.earliest for row in dump.rows if isinstance(row, Event))
