"""What a product is by the name that its bank gives it, in the languages of banks.

A name is brought to plain words: "Prêt immobilier" and "PRET_IMMOBILIER" are "pret immobilier". The first line that
says something of it counts, so an account to pay with, whatever credit it comes with, stands before cards, and cards
before loans. A phrase counts where its words begin words of the name, one behind the other; one that ends with a dot
only where they are whole words, and one that begins with a hyphen also inside a longer word, as in "Ratenkredit".
"""

from __future__ import annotations

import re
import unicodedata

from marketofone.domain.fields import AccountType
from marketofone.domain.remembered import remembered

_NAMES: tuple[tuple[AccountType, str], ...] = (
    ("current", "giro, checking, current, courant, corrente, corriente, betaalrekening, osobni ucet, bezny, debit"),
    (
        "card",
        (
            "-kreditkarte, -creditcard, credit card, charge card, carte de credit, carte credit, carta di credito,"
            "tarjeta de credito, tarjeta credito, cartao de credito, karta kredytowa, kreditni karta, kreditkort,"
            "visa., mastercard, amex., american express, diners, кредитная карта, кредитна карт, πιστωτικη καρτα,"
            "-クレジットカード, -信用卡"
        ),
    ),
    (
        "mortgage",
        (
            "mortgage, -hypothek, -hypotek, -hypoteek, hypotheek, hypothecaire, hipotec, hipotek, hipotecz, mutuo,"
            "pret immobilier, credit immobilier, -bausparkredit, -bauspardarlehen, -baufinanzierung, -baukredit,"
            "-baudarlehen, -immobilienkredit, -immobiliendarlehen, -immobilienfinanzierung,"
            "home loan, housing loan, house loan, bolan.,"
            "ипотек, στεγαστικ, -住宅ローン, -房贷, -房貸"
        ),
    ),
    ("savings", "-bauspar"),
    (
        "loan",
        (
            "loan, line of credit, credit line, consumer credit, revolving, instalment, installment, leasing, -kredit,"
            "-darlehen, -finanzierung, pret., credit auto, credit conso, credit a la consommation, credit renouvelable,"
            "prestito, finanziamento, prestamo, credito, emprestimo, lening, krediet, kredyt, pozyczka, uver, pujcka,"
            "billan., privatlan., кредит, δανειο, -ローン, -贷款, -貸款"
        ),
    ),
    (
        "investment",
        (
            "invest, securities, brokerage, -wertpapier, -depot., pension., retirement, -altersvorsorge,"
            "assurance vie, compte titres, deposito titoli"
        ),
    ),
    (
        "savings",
        (
            "saving, sparen, sparkonto, sparbuch, -sparplan, spaarrekening, -tagesgeld, -festgeld, fixed deposit,"
            "term deposit, time deposit, money market, epargne, livret, ahorro, risparmio, poupanca, oszczed, sporici,"
            "sporeni, вклад, депозит, -定期預金, -定期存款"
        ),
    ),
)


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l").replace("ø", "o"))
    plain = "".join(sign if sign.isalnum() else " " for sign in letters if not unicodedata.combining(sign))
    return " ".join(plain.split())


def _pattern(phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(_like(phrase.strip()) for phrase in phrases.split(",")))


def _like(phrase: str) -> str:
    start = "" if phrase.startswith("-") else r"\b"
    end = r"\b" if phrase.endswith(".") else ""
    return start + re.escape(_plain(phrase)) + end


_PATTERNS = [(of, _pattern(phrases)) for of, phrases in _NAMES]


@remembered(room=10_000)
def type_in_name(product: str) -> AccountType | None:
    """Give the type of account that a product's name tells; None where it tells none.

    Examples
    --------
    >>> [type_in_name(name) for name in ("Baufinanzierung 2021", "Prêt immobilier", "CREDIT-CARD gold", "Ratenkredit")]
    ['mortgage', 'mortgage', 'card', 'loan']
    >>> type_in_name("Girokonto mit Dispokredit"), type_in_name("Gold")
    ('current', None)
    """
    words = _plain(product)
    return next((of for of, pattern in _PATTERNS if pattern.search(words)), None)
