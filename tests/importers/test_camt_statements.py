"""camt.052, 053 and 054: entries and their details become rows, whatever the version and the prefix."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import Event
from marketofone.domain.money_events import AccountOpened, TransactionBooked
from marketofone.importers.numbered import NumberedRows
from marketofone.importers.rows import BadRow, Origin, Row, events_of
from marketofone.importers.statements import camt
from marketofone.importers.statements.statement import Difference
from statement_files import (
    COFFEE,
    IBAN,
    OPENING,
    OTHER_IBAN,
    SALARY,
    Moved,
    camt_around,
    camt_balance,
    camt_entry,
    camt_statement,
)
from statement_files import camt as written

ORIGIN = Origin(customer="c-1", producer="camt")
VERSIONS = [f"camt.05{kind}.001.{number:02}" for kind in (2, 3, 4) for number in range(2, 14)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "statement.xml"


def read(path: Path, text: str, *, encoding: str = "utf-8") -> list[Row | BadRow]:
    path.write_bytes(text.encode(encoding))
    return list(camt.read(path))


def given(rows: Sequence[Row | BadRow], what: str = "movement") -> list[Row]:
    return [row for row in rows if isinstance(row, Row) and row.what == what]


def bad(rows: Sequence[Row | BadRow]) -> list[BadRow]:
    return [row for row in rows if isinstance(row, BadRow)]


def of_entries(path: Path, *entries: str) -> list[Row]:
    return given(read(path, camt_around(camt_statement("".join(entries)))))


def part(amount: str, *, more: str = "", currency: str = "EUR") -> str:
    return f'<TxDtls>{more}<Amt Ccy="{currency}">{amount}</Amt></TxDtls>'


def test_a_statement_gives_its_account_its_movements_and_its_balances(path: Path) -> None:
    rows = read(path, written())
    (account,) = given(rows, "account")
    assert (account.facts["account"], account.facts["number"], account.facts["currency"]) == (IBAN, IBAN, "EUR")
    coffee, salary = given(rows)
    assert (coffee.facts["amount"], coffee.facts["currency"]) == (Decimal("-3.50"), "EUR")
    assert (coffee.facts["booked"], coffee.facts["status"]) == (date(2026, 6, 1), "booked")
    assert (coffee.facts["counterparty"], coffee.facts["counterparty_account"]) == ("Café Rio", OTHER_IBAN)
    assert coffee.facts["text"] == "Card 1234 Lisbon"
    assert (salary.facts["counterparty"], salary.facts["amount"]) == ("Oak & Sons Ltd", Decimal("2500.00"))
    told = [(row.on, row.facts["balance"]) for row in given(rows, "balance")]
    # The opening balance stood before the first day of the statement, on which this bank dates it.
    assert told == [(date(2026, 5, 31), OPENING), (date(2026, 6, 30), Decimal("3496.50"))]


def test_rows_know_their_line_and_their_bytes(path: Path) -> None:
    text = written()
    coffee, salary = given(read(path, text))
    lines = text.split("\n")
    assert lines[coffee.line - 1].startswith("<Ntry>")
    assert text[text.index("<Ntry>") :].encode().startswith(coffee.raw)
    assert salary.raw.endswith(b"</Ntry>")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("prefix", ["", "ns2:"])
def test_all_versions_and_kinds_are_read_with_any_prefix(path: Path, version: str, prefix: str) -> None:
    number = int(version[-2:])
    status = "BOOK" if number < 8 else "<Cd>BOOK</Cd>"
    side = "<Nm>Ann</Nm>" if number < 8 else "<Pty><Nm>Ann</Nm></Pty>"
    details = f"<TxDtls><RltdPties><Dbtr>{side}</Dbtr></RltdPties></TxDtls>"
    text = camt_around(
        camt_statement(camt_entry(SALARY, status=status, details=details), version=version), version=version
    )
    if prefix:
        text = text.replace("</", "</\0").replace("<", f"<{prefix}").replace(f"<{prefix}/\0", f"</{prefix}")
        text = text.replace(f"<{prefix}?xml", "<?xml").replace("xmlns=", f"xmlns:{prefix[:-1]}=")
    (row,) = given(read(path, text))
    assert (row.facts["amount"], row.facts["counterparty"]) == (Decimal("2500.00"), "Ann")


@pytest.mark.parametrize(
    "dated", ["<Dt>2026-06-01</Dt>", "<DtTm>2026-06-01T23:30:00-05:00</DtTm>", "<Dt>2026-06-01+02:00</Dt>"]
)
def test_the_date_that_is_printed_counts(path: Path, dated: str) -> None:
    entry = camt_entry(COFFEE, more=f"<ValDt>{dated}</ValDt>").replace(
        "<Dt>2026-06-01</Dt></BookgDt>", f"{dated}</BookgDt>"
    )
    (row,) = of_entries(path, entry)
    assert row.on == row.facts["booked"] == row.facts["value_date"] == date(2026, 6, 1)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("BOOK", "booked"),
        ("<Cd>BOOK</Cd>", "booked"),
        ("PDNG", "pending"),
        ("<Cd>PDNG</Cd>", "pending"),
    ],
)
def test_the_status_is_read_in_both_forms(path: Path, status: str, told: str) -> None:
    (row,) = of_entries(path, camt_entry(COFFEE, status=status))
    assert row.facts["status"] == told


def test_an_entry_that_is_going_to_be_booked_is_an_order_of_its_day(path: Path) -> None:
    rent = camt_entry(COFFEE, status="<Cd>FUTR</Cd>", more="<AcctSvcrRef>R-1</AcctSvcrRef>")
    (row,) = given(read(path, camt_around(camt_statement(rent))), "order")
    said = {name: row.facts[name] for name in ("amount", "direction", "next_on", "order", "counterparty")}
    day, amount = COFFEE.booked, abs(COFFEE.amount)
    assert said == {
        "amount": amount, "direction": "out", "next_on": day, "order": "R-1", "counterparty": COFFEE.party
    }  # fmt: skip


@pytest.mark.parametrize("status", ["<Cd>INFO</Cd>", "INFO"])
@pytest.mark.parametrize("version", ["camt.052.001.02", "camt.053.001.08", "camt.054.001.12"])
def test_an_entry_for_information_only_is_no_bad_row_and_moves_no_money(path: Path, version: str, status: str) -> None:
    entries = camt_entry(COFFEE, status=status) + camt_entry(SALARY)
    rows = read(path, camt_around(camt_statement(entries, version=version), version=version))
    numbered = NumberedRows(rows, elsewhere=False)
    told = [one.data for one in events_of(numbered, origin=ORIGIN) if isinstance(one, Event)]
    assert [data.counterparty for data in told if isinstance(data, TransactionBooked)] == [SALARY.party]
    assert (numbered.found["notices"], bad(rows)) == (1, [])


def test_balances_agree_beside_an_entry_for_information_only(path: Path) -> None:
    found: list[Difference] = []
    balances = camt_balance("OPBD", OPENING, on="2026-06-01") + camt_balance(
        "CLBD", OPENING + SALARY.amount, on="2026-06-30"
    )
    entries = camt_entry(COFFEE, status="<Cd>INFO</Cd>") + camt_entry(SALARY)
    path.write_text(camt_around(camt_statement(balances + entries)))
    list(camt.read(path, report=found.append))
    assert found == []


def test_a_bank_s_own_status_is_booked_in_a_statement_and_unclear_in_a_report(path: Path) -> None:
    own = camt_entry(COFFEE, status="<Prtry>ACCOUNTED</Prtry>")
    (row,) = of_entries(path, own)
    assert row.facts["status"] == "booked"
    version = "camt.052.001.08"
    rows = read(path, camt_around(camt_statement(own, version=version), version=version))
    assert [why.field for why in bad(rows)] == ["Sts"]


def test_a_booked_entry_replaces_the_pending_one_of_the_same_file(path: Path) -> None:
    reference = "<AcctSvcrRef>R-1</AcctSvcrRef>"
    pending = camt_entry(COFFEE, status="PDNG", more=reference)
    pending = pending.replace("<BookgDt><Dt>2026-06-01</Dt></BookgDt>", "")
    one, two = of_entries(path, pending, camt_entry(COFFEE, more=reference))
    assert (one.facts["status"], one.facts["booked"], one.on) == ("pending", None, date(2026, 7, 1))
    assert two.facts["replaces"] == one.id
    assert one.id != two.id


def test_the_same_entry_in_a_report_and_in_a_statement_is_one(path: Path) -> None:
    entry = camt_entry(COFFEE, more="<AcctSvcrRef>R-1</AcctSvcrRef>")
    (one,) = of_entries(path, entry)
    version = "camt.052.001.08"
    (two,) = given(read(path, camt_around(camt_statement(entry, version=version), version=version)))
    assert one.id == two.id == "R-1:20260601:-3.5"


def test_a_reversal_has_the_sign_of_its_mark_and_is_told(path: Path) -> None:
    back = Moved(amount=Decimal("3.50"), booked=date(2026, 6, 2), party="Café Rio", text="x")
    details = (
        "<TxDtls><RltdPties><Dbtr><Pty><Nm>Ann Roe</Nm></Pty></Dbtr>"
        "<Cdtr><Pty><Nm>Café Rio</Nm></Pty></Cdtr></RltdPties><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls>"
    )
    (row,) = of_entries(path, camt_entry(back, details=details, more="<RvslInd>true</RvslInd>"))
    assert (row.facts["amount"], row.facts["operation"]) == (Decimal("3.50"), "reversal")
    assert row.facts["counterparty"] == "Café Rio"  # who was paid, not the owner who paid


def test_a_batch_is_a_movement_for_each_transaction_where_their_amounts_add_up(path: Path) -> None:
    batch = Moved(amount=Decimal("-30.00"), booked=date(2026, 6, 2), party="", text="")
    refs = "<AcctSvcrRef>B-1</AcctSvcrRef>"
    details = part("10.00", more="<RmtInf><Ustrd>one</Ustrd></RmtInf>") + part("20.00")
    rows = of_entries(path, camt_entry(batch, details=details, more=refs))
    assert [(row.facts["amount"], row.facts["text"]) for row in rows] == [
        (Decimal("-10.00"), "one"),
        (Decimal("-20.00"), None),
    ]
    assert len({row.id for row in rows}) == 2


@pytest.mark.parametrize(
    "details",
    [
        part("10.00") + part("19.00"),
        part("10.00") + part("20.00", currency="USD"),
        part("10.00") + "<TxDtls></TxDtls>",
        "<Btch><NbOfTxs>2</NbOfTxs></Btch>",
        part("ten") + part("20.00"),
    ],
)
def test_a_batch_whose_amounts_do_not_add_up_is_its_entry(path: Path, details: str) -> None:
    batch = Moved(amount=Decimal("-30.00"), booked=date(2026, 6, 2), party="", text="")
    (row,) = of_entries(path, camt_entry(batch, details=details))
    assert row.facts["amount"] == Decimal("-30.00")


def test_the_parts_of_a_batch_have_signs_of_their_own_and_amounts_in_the_form_of_old(path: Path) -> None:
    batch = Moved(amount=Decimal("-5.00"), booked=date(2026, 6, 2), party="", text="")
    old = '<TxDtls><AmtDtls><TxAmt><Amt Ccy="EUR">{}</Amt></TxAmt></AmtDtls>{}</TxDtls>'
    details = old.format("15.00", "") + old.format("10.00", "<CdtDbtInd>CRDT</CdtDbtInd>")
    rows = of_entries(path, camt_entry(batch, details=details))
    assert [row.facts["amount"] for row in rows] == [Decimal("-15.00"), Decimal("10.00")]


@pytest.mark.parametrize("reference", ["", "<AcctSvcrRef>B-1</AcctSvcrRef>"])
@pytest.mark.parametrize("inside", ["", "<Refs><AcctSvcrRef>B-1</AcctSvcrRef></Refs>"])
def test_equal_rows_stay_apart_whatever_references_a_bank_repeats(path: Path, reference: str, inside: str) -> None:
    batch = Moved(amount=Decimal("-20.00"), booked=date(2026, 6, 2), party="", text="")
    entry = camt_entry(batch, details=part("10.00", more=inside) * 2, more=reference)
    rows = read(path, camt_around(camt_statement(entry + camt_entry(COFFEE, more=reference) * 2)))
    events = list(events_of(rows, origin=ORIGIN))
    assert len({event.id for event in events if not isinstance(event, BadRow)}) == 5
    assert list(events_of(camt.read(path), origin=ORIGIN)) == events


def test_codes_references_mandate_and_purpose_are_kept(path: Path) -> None:
    domain = "<Domn><Cd>PMNT</Cd><Fmly><Cd>RDDT</Cd><SubFmlyCd>ESDD</SubFmlyCd></Fmly></Domn>"
    code = f"<BkTxCd>{domain}<Prtry><Cd>NDDT+105</Cd></Prtry></BkTxCd>"
    details = "<TxDtls><Refs><EndToEndId>E-1</EndToEndId><MndtId>M-1</MndtId></Refs><Purp><Cd>ELEC</Cd></Purp></TxDtls>"
    (row,) = of_entries(path, camt_entry(COFFEE, details=details, more=code))
    told = [row.facts[name] for name in ("bank_code", "reference", "mandate", "purpose_code")]
    assert told == ["PMNT-RDDT-ESDD", "E-1", "M-1", "ELEC"]


def test_the_code_of_the_bank_itself_stands_in_and_no_reference_is_none(path: Path) -> None:
    details = "<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs></TxDtls>"
    code = "<BkTxCd><Prtry><Cd>NDDT+105</Cd></Prtry></BkTxCd>"
    (row,) = of_entries(path, camt_entry(COFFEE, details=details, more=code))
    assert (row.facts["bank_code"], row.facts["reference"]) == ("NDDT+105", None)


@pytest.mark.parametrize(
    ("told", "text", "reference"),
    [
        ("<RmtInf><Ustrd>Invoice 7</Ustrd><Ustrd>of May</Ustrd></RmtInf>", "Invoice 7 of May", None),
        (
            "<RmtInf><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf>",
            "RF18539007547034",
            "RF18539007547034",
        ),
        (
            "<RmtInf><Strd><CdtrRefInf><Ref>RF1</Ref></CdtrRefInf><AddtlRmtInf>Dues</AddtlRmtInf></Strd></RmtInf>",
            "Dues",
            "RF1",
        ),
        ("<AddtlTxInf>Card fee</AddtlTxInf>", "Card fee", None),
        ("", "Booking text", None),
    ],
)
def test_the_text_is_the_remittance_or_else_what_the_bank_adds(
    path: Path, told: str, text: str, reference: str | None
) -> None:
    entry = camt_entry(COFFEE, details=f"<TxDtls>{told}</TxDtls>")
    (row,) = of_entries(path, entry.replace("</Ntry>", "<AddtlNtryInf>Booking text</AddtlNtryInf></Ntry>"))
    assert (row.facts["text"], row.facts["reference"]) == (text, reference)


def test_what_was_paid_in_another_currency_comes_with_its_rate(path: Path) -> None:
    details = (
        '<TxDtls><AmtDtls><InstdAmt><Amt Ccy="USD">3.85</Amt></InstdAmt><TxAmt><Amt Ccy="EUR">3.50</Amt><CcyXchg>'
        "<SrcCcy>USD</SrcCcy><TrgtCcy>EUR</TrgtCcy><XchgRate>1.1</XchgRate></CcyXchg></TxAmt></AmtDtls></TxDtls>"
    )
    (row,) = of_entries(path, camt_entry(COFFEE, details=details))
    told = [row.facts[name] for name in ("amount", "original", "original_currency", "rate")]
    assert told == [Decimal("-3.50"), Decimal("-3.85"), "USD", 1.1]


def test_accounts_without_an_iban_are_bank_and_number_and_tell_type_and_limit(path: Path) -> None:
    line = '<CdtLine><Incl>false</Incl><Amt Ccy="EUR">500</Amt></CdtLine>'
    more = "<Tp><Cd>SVGS</Cd></Tp><Svcr><FinInstnId><BICFI>BANKDEFF</BICFI></FinInstnId></Svcr>"
    body = camt_balance("CLBD", "1.00", on="2026-06-30", more=line) + camt_entry(COFFEE)
    text = camt_around(camt_statement(body, account="<Othr><Id>4711</Id></Othr>", more=more))
    account, *_ = [event.data for event in events_of(read(path, text), origin=ORIGIN) if isinstance(event, Event)]
    assert isinstance(account, AccountOpened)
    assert (account.account, account.product, account.type) == ("BANKDEFF/4711", "savings_account", "savings")
    assert account.limit_minor == 50_000


def test_a_credit_line_in_another_currency_is_a_bad_row_and_the_balance_stays(path: Path) -> None:
    line = '<CdtLine><Incl>false</Incl><Amt Ccy="USD">500</Amt></CdtLine>'
    body = camt_balance("CLBD", "1.00", on="2026-06-30", more=line) + camt_entry(COFFEE)
    rows = read(path, camt_around(camt_statement(body)))
    assert [row.field for row in rows if isinstance(row, BadRow)] == ["CdtLine.Amt@Ccy"]
    assert [row.facts["balance"] for row in given(rows, "balance")] == [Decimal("1.00")]
    assert [row.facts.get("limit") for row in given(rows, "account")] == [None]


def test_an_available_balance_stands_in_only_where_no_booked_one_closes(path: Path) -> None:
    available = camt_balance("CLAV", "7.00", on="2026-06-30")
    rows = read(path, camt_around(camt_statement(available)))
    assert [row.facts["balance"] for row in given(rows, "balance")] == [Decimal("7.00")]
    rows = read(path, camt_around(camt_statement(available + camt_balance("CLBD", "-8.00", on="2026-06-30"))))
    assert [row.facts["balance"] for row in given(rows, "balance")] == [Decimal("-8.00")]


def test_balances_between_the_pages_of_a_statement_check_its_rows_and_are_told_nowhere(path: Path) -> None:
    within = "</Cd></CdOrPrtry><SubTp><Cd>INTM</Cd></SubTp></Tp>"
    page = camt_balance("OPBD", "7.00", on="2026-06-01").replace("</Cd></CdOrPrtry></Tp>", within)
    page += camt_balance("CLBD", "4.50", on="2026-06-01").replace("</Cd></CdOrPrtry></Tp>", within)
    path.write_text(camt_around(camt_statement(page + camt_entry(COFFEE))))
    found: list[Difference] = []
    assert given(list(camt.read(path, report=found.append)), "balance") == []
    assert [(one.expected, one.found) for one in found] == [(Decimal("3.50"), Decimal("4.50"))]


def test_what_stood_within_a_day_is_told_where_nothing_closes_it_and_counts_before_its_end(path: Path) -> None:
    within = camt_balance("ITBD", "7.00", on="2026-06-30") + camt_balance("ITBD", "6.00", on="2026-06-30")
    (row,) = given(
        read(path, camt_around(camt_statement(within + camt_balance("CLAV", "9.00", on="2026-06-30")))), "balance"
    )
    (end,) = given(
        read(path, camt_around(camt_statement(within + camt_balance("CLBD", "5.00", on="2026-06-30")))), "balance"
    )
    assert (row.facts["balance"], end.facts["balance"]) == (Decimal("6.00"), Decimal("5.00"))
    assert 0 < row.place < end.place


def test_a_statement_whose_balances_do_not_agree_is_reported_and_pending_entries_do_not_count(path: Path) -> None:
    pending = camt_entry(SALARY, status="PDNG")
    path.write_text(written().replace("</Stmt>", f"{pending}</Stmt>"))
    found: list[Difference] = []
    list(camt.read(path, report=found.append))
    assert found == []
    path.write_text(written().replace("3.50</Amt>", "4.50</Amt>"))
    list(camt.read(path, report=found.append))
    assert [(one.account, one.line, one.expected, one.found) for one in found] == [
        (IBAN, 6, Decimal("3495.50"), Decimal("3496.50"))
    ]


def test_several_statements_keep_their_accounts_apart(path: Path) -> None:
    one = camt_statement(camt_entry(COFFEE))
    two = camt_statement(camt_entry(SALARY), account=f"<IBAN>{OTHER_IBAN}</IBAN>")
    assert [row.facts["account"] for row in given(read(path, camt_around(one, two)))] == [IBAN, OTHER_IBAN]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("3.50</Amt>", "three</Amt>", "Amt"),
        ("3.50</Amt>", "-3.50</Amt>", "Amt"),
        ("DBIT", "OUT", "CdtDbtInd"),
        ("<Dt>2026-06-01</Dt></BookgDt>", "<Dt>June</Dt></BookgDt>", "BookgDt"),
        ("<BookgDt><Dt>2026-06-01</Dt></BookgDt>", "", "BookgDt"),
    ],
)
def test_an_entry_that_is_wrong_takes_no_other_with_it(path: Path, old: str, new: str, field: str) -> None:
    text = camt_around(camt_statement(camt_entry(COFFEE).replace(old, new) + camt_entry(SALARY)))
    rows = read(path, text)
    (why,) = bad(rows)
    assert (why.field, why.line) == (field, 5)
    assert why.raw.startswith(b"<Ntry>")
    assert len(given(rows)) == 1


def test_a_file_that_breaks_off_says_where_and_gives_what_came_before(path: Path) -> None:
    text = written()
    cut = text[: text.rindex("<Ustrd>")]
    *rows, why = read(path, cut)
    assert isinstance(why, BadRow)
    assert (why.shape, why.line) == (f"a file that breaks off in line {cut.count(chr(10)) + 1}", 9)
    assert why.raw.startswith(b"<Ntry>")
    assert [row.facts["amount"] for row in given(rows)] == [Decimal("-3.50")]
    assert [row.what for row in rows if isinstance(row, Row)].count("balance") == 2


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "windows-1252", "utf-16"])
def test_letters_are_read_as_the_declaration_says(path: Path, encoding: str) -> None:
    rows = read(path, written().replace('encoding="UTF-8"', f'encoding="{encoding}"'), encoding=encoding)
    assert given(rows)[0].facts["counterparty"] == "Café Rio"


@pytest.mark.parametrize("encoding", ["klingon", "utf-7", "big5"])
def test_an_encoding_that_no_parser_knows_is_one_bad_row(path: Path, encoding: str) -> None:
    (why,) = read(path, written().replace("UTF-8", encoding))
    assert isinstance(why, BadRow)


@pytest.mark.parametrize(
    "declared",
    ["<!DOCTYPE Document>", '<!DOCTYPE x [<!ENTITY a "b">]>', '<!DOCTYPE x SYSTEM "file:///etc/hostname">'],
)
def test_a_document_type_is_refused_in_words(path: Path, declared: str) -> None:
    with pytest.raises(MalformedDocument, match="a document type or entities; take the declaration out"):
        read(path, written().replace("?>\n", f"?>\n{declared}\n", 1))


def test_xml_without_statements_is_refused(path: Path) -> None:
    with pytest.raises(MalformedDocument, match="without statements"):
        read(path, "<Document><CstmrCdtTrfInitn></CstmrCdtTrfInitn></Document>")


def test_an_entry_of_no_statement_is_a_bad_row(path: Path) -> None:
    assert [why.field for why in bad(read(path, f"<Document>{camt_entry(COFFEE)}</Document>"))] == ["Ntry"]


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(MalformedDocument, match="not to be read"):
        list(camt.read(path))


@pytest.mark.parametrize("endless", ["<a>" * 30_000, "".join(f"<b{place}/>" for place in range(30_000))])
def test_an_endless_tree_is_refused_before_it_fills_the_memory(path: Path, endless: str) -> None:
    (why,) = bad(read(path, written().replace("</Stmt>", f"{endless}</Stmt>")))
    assert why.shape == "more or deeper elements than camt has"


def test_the_memory_does_not_grow_with_the_file(path: Path) -> None:
    def peak(entries: int) -> int:
        path.write_text(written((COFFEE,) * entries))
        tracemalloc.start()
        assert sum(1 for _ in camt.read(path)) == entries + 3
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(3_000) < 1.2 * peak(1_000)


def test_amounts_of_a_balance_have_signs(path: Path) -> None:
    rows = read(path, camt_around(camt_statement(camt_balance("PRCD", "-1.00", on="2026-05-31"))))
    assert [(row.facts["balance"], row.on) for row in given(rows, "balance")] == [(Decimal("-1.00"), date(2026, 5, 31))]
