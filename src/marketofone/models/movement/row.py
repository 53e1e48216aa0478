"""What one payment is, told by that payment alone.

The evidence counts in this order: the purpose code, the bank transaction code, the merchant category code, the category
that came with the payment, and last its sign and what is printed. What it says must fit the sign: a salary is money
in, and a purchase on money in is a refund.

===========================================  ==========
what says so                                 confidence
===========================================  ==========
a purpose code                               0.97
a bank transaction code                      0.95
a merchant category code                     0.95
the category that came with the payment      0.92
such a category that says only "transfer"    0.70
strong words (``words.toml``)                0.75 to 0.93
ways in which people pay one another         0.80, 0.78
a known merchant, money out                  0.90
words for what is paid for, money out        0.85
a known merchant, money in                   0.72
words for what is paid for, money in         0.62
weak words                                   0.58 to 0.80
a name of a person on the other side         0.72
money out, and some name on the other side   0.60
===========================================  ==========

What is told with less than ``THRESHOLD`` is not told: the nature is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from marketofone.domain.fields import Category, Nature
from marketofone.domain.money_events import Movement
from marketofone.domain.reading import MovementReading
from marketofone.domain.remembered import remembered
from marketofone.models.movement.codes import category_of_mcc, meaning_of_bank_code, meaning_of_purpose, meaning_of_word
from marketofone.models.movement.merchants import Merchant, clean_name, recognise
from marketofone.models.movement.taxonomy import INCOME, Meaning
from marketofone.models.movement.words import Rule, names_person, phrasebook, plain_words

THRESHOLD = 0.55
PURPOSE_CODE = 0.97
BANK_CODE = 0.95
MERCHANT_CODE = 0.95
CATEGORY_WORD = 0.92
VAGUE_WORD = 0.7
MERCHANT = 0.9
SUBJECT = 0.85
ANSWERED = 0.72
SUBJECT_ANSWERED = 0.62
PERSON = 0.72
SOME_NAME = 0.6

_OPPOSITE: dict[Nature, Nature] = {"spending": "refund", "fee": "refund", "loan_payment": "loan_paid_out"}
"""What the nature of money out becomes on money in."""
_VAGUE: frozenset[Nature | None] = frozenset({"own_transfer", "other_income", "refund"})
"""What categories of other systems say of payments of many kinds: "Transfer", "Income", "Gutschrift"."""
_NAMED: frozenset[Nature | None] = frozenset({"spending", "refund", "reversal", "returned_debit"})
_WITH_CATEGORY = _NAMED
_GOES_BACK: frozenset[Nature | None] = frozenset({"reversal", "returned_debit"})


class _Printed(NamedTuple):
    operation: str | None
    merchant: str | None
    counterparty: str | None
    text: str | None


class _Codes(NamedTuple):
    purpose: str | None
    bank: str | None
    merchant: str | None
    category: str | None


class _Rules(NamedTuple):
    """The first rule of each tier that the words meet."""

    strong: Rule | None
    purpose: Rule | None
    person: Rule | None
    subject: Rule | None
    weak: Rule | None


class _Evidence(NamedTuple):
    """What an evidence says, once it fits the sign."""

    nature: Nature | None = None
    category: Category | None = None
    confidence: float = 0.0
    because: str = ""


def read_movement(movement: Movement) -> MovementReading:
    """Say what a payment is, from nothing but itself.

    Examples
    --------
    >>> pay = Movement(account="a", amount_minor=250_000, currency="EUR", text="GEHALT 03/2026")
    >>> read_movement(pay).nature, read_movement(pay).because
    ('salary', 'words for a salary')
    >>> read_movement(Movement(account="a", amount_minor=250_000, currency="EUR")).nature is None
    True
    """
    if movement.amount_minor == 0:
        return MovementReading(because="no money moved")
    return _read(
        _Codes(movement.purpose_code, movement.bank_code, movement.mcc, movement.category),
        _Printed(movement.operation, movement.merchant, movement.counterparty, movement.text),
        incoming=movement.amount_minor > 0,
    )


@remembered(room=50_000)
def _read(codes: _Codes, printed: _Printed, *, incoming: bool) -> MovementReading:
    coded = _of_codes(codes, incoming=incoming)
    words = plain_words(printed)
    rules = _first_of_each(phrasebook(incoming=incoming).find(words))
    # Who was paid matters to spending and to what answers it; it is the slowest question.
    asks = rules.strong is None or rules.strong.nature in _NAMED or coded.nature in _NAMED
    shop = _shop(printed) if asks else None
    worded = _of_words(rules, words, printed, shop, incoming=incoming)
    chosen = _chosen(coded, worded)
    if chosen.confidence < THRESHOLD:
        return MovementReading(because="too little says what it is")
    return MovementReading(
        nature=chosen.nature,
        category=_category(chosen, coded, worded, shop, rules),
        merchant=_merchant(chosen, printed, shop),
        confidence=chosen.confidence,
        because=chosen.because,
    )


def _of_codes(codes: _Codes, *, incoming: bool) -> _Evidence:
    """Give the first code that says what the payment is, and fits its sign; a later one may add the category."""
    told = [
        (meaning_of_purpose(codes.purpose), PURPOSE_CODE, "the purpose code") if codes.purpose else None,
        (meaning_of_bank_code(codes.bank), BANK_CODE, "the bank transaction code") if codes.bank else None,
        (category_of_mcc(codes.merchant), MERCHANT_CODE, "the merchant category code") if codes.merchant else None,
        (meaning_of_word(codes.category), CATEGORY_WORD, "the category that came with it") if codes.category else None,
    ]
    first = _Evidence()
    for meaning, confidence, because in filter(None, told):
        nature = _fitting(meaning, incoming=incoming)
        if nature is None:
            continue
        if first.nature is None:
            vague = confidence == CATEGORY_WORD and meaning.nature in _VAGUE
            first = _Evidence(nature, meaning.category, VAGUE_WORD if vague else confidence, because)
        elif first.nature == nature and first.category is None:
            first = first._replace(category=meaning.category)
    return first


def _fitting(meaning: Meaning, *, incoming: bool) -> Nature | None:
    """Give the nature as the sign of the payment allows it."""
    nature = meaning.nature or ("spending" if meaning.category else None)
    if incoming and nature is not None:
        return "other_income" if meaning.category == "people" else _OPPOSITE.get(nature, nature)
    if nature == "loan_paid_out":
        return "loan_payment"
    if nature == "interest":
        return "fee"
    return None if nature in INCOME or nature == "refund" else nature


def _of_words(
    rules: _Rules, words: Sequence[str], printed: _Printed, shop: Merchant | None, *, incoming: bool
) -> _Evidence:
    """Give what is printed: strong words, what is paid for, people, the merchant, and weak words."""
    if rules.strong is None and rules.purpose is not None:
        return _of_subject(rules.purpose, incoming=incoming)
    told = rules.strong or rules.person
    if told is not None:
        return _of_rule(told)
    person = names_person(printed.counterparty or printed.merchant, text=words)
    # A person who pays in is no merchant, whatever the payment is for.
    bought = None if incoming and person else _of_purchase(rules, shop, incoming=incoming)
    # Beside a person's name, "card" or "to" says less than the name.
    bare = rules.weak is None or (rules.weak.nature == "spending" and rules.weak.category is None)
    if bought is None and rules.weak is not None and not (person and bare):
        return _of_rule(rules.weak)
    return bought or _of_name(printed, person=person, incoming=incoming)


def _of_rule(rule: Rule) -> _Evidence:
    return _Evidence(rule.nature, rule.category, rule.confidence, rule.because)


def _of_purchase(rules: _Rules, shop: Merchant | None, *, incoming: bool) -> _Evidence | None:
    if shop is not None:
        nature: Nature = "refund" if incoming else "spending"
        return _Evidence(nature, shop.category, ANSWERED if incoming else MERCHANT, "a known merchant")
    return _of_subject(rules.subject, incoming=incoming) if rules.subject is not None else None


def _of_subject(rule: Rule, *, incoming: bool) -> _Evidence:
    """Give what is paid for; on money in it is what a refund answers, but rent is what a tenant pays."""
    if not incoming:
        return _Evidence("spending", rule.category, SUBJECT, rule.because)
    if rule.category == "rent":
        return _Evidence("other_income", None, SUBJECT_ANSWERED, rule.because)
    return _Evidence("refund", rule.category, SUBJECT_ANSWERED, rule.because)


def _first_of_each(rules: Sequence[Rule]) -> _Rules:
    return _Rules(*(next((rule for rule in rules if rule.tier == tier), None) for tier in _Rules._fields))


def _of_name(printed: _Printed, *, person: bool, incoming: bool) -> _Evidence:
    if person and incoming:
        return _Evidence("other_income", None, PERSON, "a person on the other side")
    if person:
        return _Evidence("spending", "people", PERSON, "a person on the other side")
    if not incoming and any(character.isalpha() for name in printed[1:] if name for character in name):
        return _Evidence("spending", None, SOME_NAME, "money out to some name")
    return _Evidence()


def _chosen(coded: _Evidence, worded: _Evidence) -> _Evidence:
    """Take what the codes say, unless the words say more of the same payment: what a plain purchase really is."""
    if coded.nature is None:
        return worded
    if coded.nature == "refund" and worded.nature in _GOES_BACK:
        return worded
    plain = coded.nature == "spending" and coded.category in (None, "other")
    if plain and worded.nature not in (None, "spending") and worded.confidence >= MERCHANT:
        return worded
    if coded.confidence == VAGUE_WORD and worded.nature is not None and worded.confidence > coded.confidence:
        return worded
    return coded


def _category(
    chosen: _Evidence, coded: _Evidence, worded: _Evidence, shop: Merchant | None, rules: _Rules
) -> Category | None:
    """Give the category of spending, or of the spending that is answered."""
    if chosen.nature not in _WITH_CATEGORY:
        return None
    said = [evidence.category for evidence in (chosen, coded, worded)]
    said += [clue.category for clue in (rules.purpose, shop, rules.subject) if clue is not None]
    return next((one for one in said if one not in (None, "other")), chosen.category or coded.category)


def _shop(printed: _Printed) -> Merchant | None:
    """Give the first merchant of whom more is known than a name."""
    found = (recognise(name) for name in (printed.merchant, printed.counterparty, printed.text) if name)
    return next((one for one in found if one is not None and one.category is not None), None)


def _merchant(chosen: _Evidence, printed: _Printed, shop: Merchant | None) -> str | None:
    if chosen.nature not in _NAMED or chosen.category == "people":
        return None
    if shop is not None:
        return shop.name
    name = printed.merchant or printed.counterparty
    return (clean_name(name) or None) if name else None
