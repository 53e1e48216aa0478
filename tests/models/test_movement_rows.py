"""One payment alone: what its codes and words say, and when it says too little. All payments are invented."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.money_events import Movement
from marketofone.domain.reading import MovementReading
from marketofone.models.movement.row import THRESHOLD, read_movement
from marketofone.models.movement.taxonomy import CATEGORIES, INCOME, NATURES
from marketofone.models.movement.words import phrasebook, plain_words
from payment_lives import PAYMENTS, Labelled


def read(amount: int, text: str | None = None, **told: Any) -> MovementReading:
    return read_movement(Movement(account="a", amount_minor=amount, currency="EUR", text=text, **told))


@pytest.mark.parametrize("style", sorted({payment.style for payment in PAYMENTS}))
def test_nearly_all_payments_of_an_invented_life_are_what_they_are(style: str) -> None:
    """The development set, with which the words were chosen: it shows that they work, and not how well."""
    life = [payment for payment in PAYMENTS if payment.style == style]
    told = [(payment.nature, read_movement(payment.movement()).nature) for payment in life]
    spoken = [(is_, said) for is_, said in told if said is not None]
    assert len(spoken) / len(life) >= 0.97
    assert sum(is_ == said for is_, said in spoken) / len(spoken) >= 0.97


def test_nearly_all_categories_of_the_development_set_are_right() -> None:
    told = [(payment.category, read_movement(payment.movement()).category) for payment in PAYMENTS if payment.category]
    spoken = [(is_, said) for is_, said in told if said is not None]
    assert len(PAYMENTS) >= 500
    assert sum(is_ == said for is_, said in spoken) / len(spoken) >= 0.95


@pytest.mark.parametrize("payment", PAYMENTS, ids=lambda payment: f"{payment.style}-{payment.text}")
def test_income_is_money_in_and_spending_is_money_out_whatever_the_words_say(payment: Labelled) -> None:
    turned = read(
        -payment.amount_minor, payment.text, **({"counterparty": payment.counterparty} if payment.counterparty else {})
    )
    if payment.amount_minor > 0:
        assert turned.nature not in INCOME | {"refund", "loan_paid_out"}
    else:
        assert turned.nature not in ("spending", "fee", "loan_payment")


TOLD_ELSEWHERE = {
    "own_transfer": (
        "-定期預金振替|-ツミタテテイキ|-口座間振替 本人名義|+普通預金 自動積立|-ﾃｲｷﾖｷﾝ|"
        "-TRASPASO A CUENTA DE AHORRO|+TRANSFERENCIA ENTRE MIS CUENTAS|-APORTACION PLAN DE PENSIONES|"
        "-PRZELEW NA KONTO OSZCZĘDNOŚCIOWE|-ZAŁOŻENIE LOKATY"
    ),
    "refund": (
        "+返金 オンラインストア|+返品 ご返金|+払戻金|+ﾍﾝｷﾝ|+DEVOLUCIÓN COMPRA TIENDA|+ABONO DEVOL. TARJETA|"
        "+ZWROT ZA ZAKUPY"
    ),
    "card_bill": (
        "-クレジットカード ご利用代金|-カード引落|-ラクテンカ-ド|-LIQUIDACIÓN TARJETA CRÉDITO|"
        "-RECIBO TARJETA VISA|-EXTRACTO MENSUAL TARJETA|-SPŁATA KARTY KREDYTOWEJ"
    ),
    "salary": (
        "+給与振込 カ)アクメ|+賞与|+ﾎｰﾅｽ|+ｷﾕｳﾖ|+NÓMINA MAYO|+PAGA EXTRA JUNIO|+WYNAGRODZENIE ZA MAJ|+PREMIA ROCZNA"
    ),
    "pension": ("+国民年金|+ﾈﾝｷﾝ|+PENSIÓN MAYO|+EMERYTURA ZUS"),
    "benefit": ("+児童手当|+失業給付|+PRESTACIÓN DESEMPLEO|+ŚWIADCZENIE 800 PLUS"),
    "interest": ("+預金利息|+配当金|+ABONO INTERESES|+KAPITALIZACJA ODSETEK"),
    "fee": ("-振込手数料|-ATM手数料|-年会費|-COMISIÓN MANTENIMIENTO|-CUOTA ANUAL TARJETA|-OPŁATA ZA PROWADZENIE KONTA"),
    "loan_payment": (
        "-住宅ローン|-カードローン返済|-奨学金返還|-CUOTA PRÉSTAMO|-RECIBO HIPOTECARIO|-RATA KREDYTU|-SPŁATA POŻYCZKI"
    ),
    "loan_paid_out": ("+融資実行|+ABONO PRÉSTAMO PERSONAL|+URUCHOMIENIE KREDYTU"),
    "cash": (
        "-現金引出|-ＡＴＭ出金|+現金預入|-RETIRADA DE EFECTIVO|-DISPOSICIÓN EN CAJERO|+INGRESO EN CAJERO|"
        "-WYPŁATA GOTÓWKI|+WPŁATA"
    ),
}
"""What banks of Japan, Spain and Poland print, by nature: the sign, and the text."""


@pytest.mark.parametrize("nature", sorted(TOLD_ELSEWHERE))
def test_words_of_banks_in_three_more_languages_say_what_a_payment_is(nature: str) -> None:
    for told in TOLD_ELSEWHERE[nature].split("|"):
        said = read(100_00 if told[0] == "+" else -100_00, told[1:])
        assert said.nature == nature, (told, said)


BEYOND_EUROPE_AND_NORTH = {
    "own_transfer": (
        "-ÖVERFÖRING EGET KONTO|-Overføring mellom egne konti|-Aplicação RDB|+Resgate RDB|-HESAPLARIM ARASI VİRMAN"
    ),
    "card_bill": "-FATURA CARTAO|-Pagamento de fatura|-KREDİ KARTI ÖDEMESİ|-Kreditkortregning",
    "fee": "-ANUIDADE CARTAO|-IOF|-HESAP İŞLETİM ÜCRETİ|-Årsavgift kort|-Kortgebyr",
    "cash": "-SAQUE 24H|-Kontantuttag Bankomat|-NAKİT ÇEKİM|-Kontanthævning",
    "interest": "+Ränta|+RENDIMENTO POUPANCA|+MEVDUAT FAİZ GELİRİ",
    "refund": "+ESTORNO COMPRA|+İADE MARKET|+Tilbagebetaling",
    "spending": "-WITHHOLDING TAX ON INTEREST|-KESt AUF ZINSEN|-TDS ON INTEREST|-STOPAJ|-源泉所得税",
}


@pytest.mark.parametrize("nature", sorted(BEYOND_EUROPE_AND_NORTH))
def test_words_of_banks_in_brazil_turkey_and_the_north_say_what_a_payment_is(nature: str) -> None:
    for told in BEYOND_EUROPE_AND_NORTH[nature].split("|"):
        said = read(100_00 if told[0] == "+" else -100_00, told[1:])
        assert said.nature == nature, (told, said)
        assert said.category == ("tax" if nature == "spending" else said.category)  # what is kept back is no fee


PAID_BY_PEOPLE = (
    "INTERAC E-TRANSFER|e-Transfer sent|Bizum|TRF MB WAY 910000000|SINPE MOVIL|PIX RECEBIDO JOAO SILVA|"
    "PIX ENVIADO MARIANA COSTA|SPEI ANA LOPEZ|PAYNOW TRANSFER TO EVA TAN|FASTER PAYMENT RECEIVED ANNA SMITH"
)
OF_ANY_KIND = "PIX RECEBIDO|TED RECEBIDA|SPEI RECIBIDO|PAYNOW TRANSFER|Faster Payment received|PIX Empresa LTDA"


def test_only_ways_in_which_people_pay_one_another_and_names_of_people_say_that_a_person_paid() -> None:
    for text in PAID_BY_PEOPLE.split("|"):
        came, went = read(50_00, text), read(-50_00, text)
        assert (came.nature, went.nature, went.category) == ("other_income", "spending", "people"), text
    for text in OF_ANY_KIND.split("|"):
        came, went = read(50_00, text), read(-50_00, text)
        assert (came.nature, went.nature, went.category) == (None, "spending", None), text
    assert {read(-1_50, text).nature for text in ("INTERAC E-TRANSFER FEE", "TARIFA PIX")} == {"fee"}
    assert read(50_00, "PAYMENT RECEIVED - THANK YOU").nature == "card_bill"


def test_bills_in_three_more_languages_have_categories() -> None:
    told = {
        "rent": "家賃 ヤチン ALQUILER CZYNSZ",
        "utilities": "電気料金 水道料金 東京ガス LUZ PRĄD",
        "tax": "固定資産税 住民税 IMPUESTO PODATEK",
        "insurance": "生命保険料 SEGURO UBEZPIECZENIE",
        "childcare": "保育園 GUARDERÍA PRZEDSZKOLE",
    }
    for category, texts in told.items():
        assert {read(-50_00, text).category for text in texts.split()} == {category}


def test_a_code_counts_before_words() -> None:
    told = read(-20_00, "GEHALT", bank_code="PMNT-CCRD-CWDL")
    assert (told.nature, told.because) == ("cash", "the bank transaction code")


def test_a_purpose_counts_before_a_bank_code() -> None:
    assert read(900_00, purpose_code="PENS", bank_code="PMNT-RCDT-SALA").nature == "pension"


def test_a_bare_direction_leaves_the_word_to_the_text() -> None:
    assert read(2_000_00, "LOHN MAI", bank_code="PMNT-RCDT-ESCT").nature == "salary"


@pytest.mark.parametrize(("amount", "nature"), [(-30_00, "spending"), (30_00, "refund")])
def test_a_card_purchase_keeps_its_category_and_money_in_on_it_is_a_refund(amount: int, nature: str) -> None:
    told = read(amount, "CORNER SHOP 0412", mcc="5411")
    assert (told.nature, told.category) == (nature, "groceries")


def test_a_purchase_that_is_taken_back_by_the_bank_is_a_reversal() -> None:
    assert read(30_00, "STORNO KARTENZAHLUNG", mcc="5411").nature == "reversal"


def test_a_code_that_does_not_fit_the_sign_says_nothing() -> None:
    assert read(-2_000_00, purpose_code="SALA").nature is None


@pytest.mark.parametrize("text", ["MIETE MAI", "LOYER MAI", "RENT MAY FLAT 2", "NAJEM BYT"])
def test_rent_on_money_in_is_no_spending(text: str) -> None:
    assert read(-700_00, text).category == "rent"
    assert read(700_00, text).nature in ("refund", "other_income")


def test_a_merchant_is_paid_and_pays_back() -> None:
    out, back = read(-25_00, "REWE SAGT DANKE 4711"), read(25_00, "REWE SAGT DANKE 4711")
    assert (out.nature, out.category, out.merchant) == ("spending", "groceries", "Rewe")
    assert (back.nature, back.category, back.merchant) == ("refund", "groceries", "Rewe")
    assert back.confidence < out.confidence


@pytest.mark.parametrize("text", ["RÜCKLASTSCHRIFT STROM", "RUECKLASTSCHRIFT STROM", "Rücklastschrift Strom"])
def test_umlauts_and_capitals_change_nothing(text: str) -> None:
    assert read(80_00, text).nature == "returned_debit"


@pytest.mark.parametrize(
    ("told", "nature"),
    [
        ({"category": "loan"}, "loan_paid_out"),
        ({"text": "Darlehen Auszahlung"}, "loan_paid_out"),
        ({}, None),
        ({"category": "savings"}, "own_transfer"),
        ({"category": "tax"}, "refund"),
        ({"category": "cash"}, "cash"),
    ],
)
def test_a_loan_own_savings_a_tax_refund_and_cash_are_no_income(told: dict[str, str], nature: str | None) -> None:
    assert read(15_000_00, **told).nature == nature


@pytest.mark.parametrize(
    ("category", "text", "nature"),
    [
        ("Transfer", "GEHALT MAI", "salary"),
        ("Gutschrift", "GEHALT MAI", "salary"),
        ("Income", "RENTE MAI", "pension"),
        ("Transfer", None, "own_transfer"),
    ],
)
def test_a_category_for_payments_of_many_kinds_gives_way_to_words(category: str, text: str | None, nature: str) -> None:
    assert read(2_000_00, text, category=category).nature == nature


def test_a_chargeback_is_a_refund() -> None:
    assert read(900_00, counterparty="Lamp House", operation="chargeback").nature == "refund"


@pytest.mark.parametrize("told", [{}, {"text": "0012 3345"}, {"reference": "12345"}])
def test_a_payment_that_says_nothing_is_not_spoken_for(told: dict[str, str]) -> None:
    for amount in (-12_00, 12_00):
        told_of = read(amount, **told)
        assert (told_of.nature, told_of.category, told_of.confidence) == (None, None, 0.0)


def test_no_money_is_no_payment() -> None:
    assert read(0, "GEHALT").nature is None


def test_a_person_is_no_merchant() -> None:
    told = read(-40_00, counterparty="Olivia Grant")
    assert (told.category, told.merchant) == ("people", None)


def test_reasons_hold_nothing_of_what_is_printed() -> None:
    for payment in PAYMENTS:
        because = read_movement(payment.movement()).because
        assert because
        if payment.counterparty:
            assert payment.counterparty not in because


ANY_TEXT = st.one_of(st.text(min_size=1, max_size=80), st.sampled_from([p.text for p in PAYMENTS if p.text]))


@given(ANY_TEXT, st.integers(-(10**9), 10**9), st.none() | st.text(min_size=1, max_size=40))
def test_whatever_is_printed_is_answered_in_known_words(text: str, amount: int, counterparty: str | None) -> None:
    told = read_movement(
        Movement(account="a", amount_minor=amount, currency="EUR", text=text, counterparty=counterparty)
    )
    assert told.nature is None or told.nature in NATURES
    assert told.category is None or told.category in CATEGORIES
    assert (told.nature is None) == (told.confidence < THRESHOLD)
    assert told.category is None or told.nature in ("spending", "refund", "reversal", "returned_debit")
    assert amount > 0 or told.nature not in INCOME
    assert amount < 0 or told.nature != "spending"


@given(ANY_TEXT)
def test_capitals_do_not_change_the_words(text: str) -> None:
    if text.isascii():
        assert plain_words([text.upper()]) == plain_words([text.lower()])


def test_every_rule_has_its_own_place_and_only_the_confidence_of_its_tier() -> None:
    for incoming, word in product((True, False), ("storno", "rent", "cash")):
        for rule in phrasebook(incoming=incoming).find(["^", word]):
            assert (rule.tier in ("purpose", "subject")) == (rule.nature is None)
            assert rule.nature is None or rule.confidence >= THRESHOLD
