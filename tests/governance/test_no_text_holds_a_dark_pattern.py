"""Texts that urge, shame, hide or trick are refused, with the reason; calm ones pass."""

from __future__ import annotations

from pathlib import Path

import pytest

import marketofone
from marketofone.domain.errors import MalformedDocument
from marketofone.governance.dark_patterns import check_short, found_in, kinds, rules
from marketofone.projection.bank_config import read_config
from marketofone.projection.wording import check_wording, texts_of
from renaming import TEMPLATE

BAD: dict[str, tuple[str, ...]] = {
    "urging": (
        "Only today: a better rate.",
        "This is your last chance to say yes.",
        "Don\N{RIGHT SINGLE QUOTATION MARK}t miss your savings plan!",
        "Hurry, and open it now.",
        "Be quick.",
        "Places are going fast.",
        "Decide now and keep your bonus.",
        "Act fast: the rate changes.",
        "Only 3 places left.",
        "While stocks last.",
        "Everyone is saving already.",
        "Most customers like you already have this card.",
        "Join the thousands who said yes.",
    ),
    "countdown": (
        "12 minutes left to answer.",
        "The offer expires in two hours.",
        "00:14:59 remaining",
        "The clock is ticking.",
    ),
    "confirm_shaming": (
        "No, I don't want to save money.",
        "No thanks, I prefer to pay more.",
        "No thank you, I'd rather lose my bonus.",
        "I do not care about my future.",
        "You would be foolish to refuse.",
        "Smart customers say yes.",
        "Smart savers never skip this.",
    ),
    "guilt": (
        "We will be sad to lose your trust.",
        "You'll regret this.",
        "Think of your children.",
        "Without this we cannot protect your family.",
        "Please don't leave us.",
        "You are free to refuse, but you'll be sorry.",
    ),
    "double_negative": (
        "Do not untick this box to receive offers.",
        "Untick the box if you do not want us to stop.",
        "Tick here if you would rather not hear from us.",
        "You will not be opted in unless you don't object.",
        "Don't opt out if you like good rates.",
    ),
    "hidden_cost": (
        "Free at first, and worth it.",
        "Additional fees may apply.",
        "It costs nothing today; charges may follow.",
        "Start your free trial.",
        "From as little as 3 a month, starting from 3.",
        "Terms and conditions apply.",
        "It renews automatically at the full price.",
    ),
    "preselected": (
        "We have already ticked everything for you.",
        "Offers are on by default.",
        "You agree unless you opt out.",
        "By continuing you agree.",
        "If you do nothing, you say yes.",
    ),
    "small_refusal": (
        "To refuse, go to the settings.",
        "To refuse, write us a letter.",
        "Ask me later",
        "You can decline later in your profile.",
        "If you want to say no, scroll to the end.",
    ),
    "obstruction": (
        "To withdraw, please call our hotline.",
        "If you want to stop, write a letter to your branch.",
        "Withdrawals only by post.",
        "Say yes and we will stop asking.",
        "Cancellation takes 30 days.",
        "Are you really sure you want to leave?",
        "You must give a reason.",
        "Before you go, tell us why.",
    ),
    "bundled": (
        "I agree to everything at once.",
        "By using the app you agree to profiling.",
        "I accept the terms and marketing by partners.",
        "You cannot open an account unless you also agree to offers.",
        "Accept all",
        "One click for everything.",
    ),
}  # fmt: skip
INNOCENT = (
    "There is time.",
    "Only your bank can see this.",
    "You have until 31 March to repay.",
    "Call us now if your card is stolen.",
    "Nothing is lost if you decline.",
    "No obligation.",
    "You see all costs before you decide.",
    "Free of charge while you study, with a card that works abroad.",
    "Covers doctors, luggage and delays from today until you are home.",
    "Nothing today: nothing here is worth your time.",
    "A colleague of ours has time for you, today if you like.",
    "Moving a small part to savings now is easier than at the end of the month.",
    "Your account may run short within the next 30 days.",
    "It is expected around 22 July.",
    "Your permission ends on 5 Jan 2027, and you can stop it before with one click.",
    "No, leave it as it is",
    "No to everything",
    "Yes, allow it",
    "You said no on 5 January, and it held from then on.",
    "What you leave open stays off.",
    "Nothing was chosen for you.",
    "After a no we do not ask again for 180 days.",
    "We do not sell your data.",
    "We never read your position.",
    "This can only stop offers, never make one.",
    "No offers at all when you leave this off.",
    "The fee is 4.90 a month, and nothing else.",
    "Its value can fall as well as rise.",
    "A broad fund, from 25 a month.",
    "Without interest when you settle in full.",
    "It lasts one year and does not renew by itself.",
    "There were several payments in the last minutes.",
    "If they were not yours, you can freeze your card here.",
    "Many payees take it in parts at no cost, if asked in time.",
    "Two hours ago you were at the airport.",
    "The last day of your contract is 31 May.",
    "Your last payment was on Monday.",
    "Only you see this page.",
    "Only payments of today are shown.",
    "Everybody in the control group is drawn by lot.",
    "We are sorry for your loss.",
    "I do not know this payment.",
    "You can take this back at any time, with one click.",
    "To stop it, press the button.",
    "Your children are not part of this.",
    "Nobody has to give a reason.",
    "Each purpose is switched by itself.",
    "Cash machines of this bank cost you nothing.",
    "We are sure that this payment is yours.",
    "It is not used for offers.",
    "It rests on something that is not used or not kept any more.",
)

BAD_IN_GERMAN: dict[str, tuple[str, ...]] = {
    "urging": (
        "Nur noch heute: ein besserer Zins.",
        "Das ist Ihre letzte Chance, Ja zu sagen.",
        "Verpassen Sie nicht Ihren Sparplan!",
        "Beeilen Sie sich und öffnen Sie es.",
        "Nur noch 3 Plätze.",
        "Solange der Vorrat reicht.",
        "Die meisten Kunden wie Sie haben schon diese Karte.",
        "Entscheiden Sie sich jetzt und behalten Sie Ihren Bonus.",
    ),
    "countdown": (
        "Noch 12 Minuten, um zu antworten.",
        "Das Angebot endet in zwei Stunden.",
        "00:14:59 übrig",
        "Die Uhr tickt.",
    ),
    "confirm_shaming": (
        "Nein, ich möchte lieber mehr bezahlen.",
        "Nein danke, ich will kein Geld sparen.",
        "Mir ist meine Zukunft egal.",
        "Kluge Kunden sagen Ja.",
        "Da wären Sie dumm.",
    ),
    "guilt": (
        "Wir wären traurig, Ihr Vertrauen zu verlieren.",
        "Das werden Sie bereuen.",
        "Denken Sie an Ihre Kinder.",
        "Ohne dies können wir Ihre Familie nicht schützen.",
        "Bitte verlassen Sie uns nicht.",
    ),
    "double_negative": (
        "Bitte nicht abwählen, um Angebote zu erhalten.",
        "Entfernen Sie das Häkchen, wenn Sie nicht möchten, dass wir aufhören.",
        "Klicken Sie hier, wenn Sie lieber nichts von uns hören möchten, oder wenn Sie keine Post wollen.",
        "Sie werden nicht aufgenommen, es sei denn, Sie widersprechen nicht.",
    ),
    "hidden_cost": (
        "Zunächst kostenlos und lohnend.",
        "Es können zusätzliche Gebühren anfallen.",
        "Heute kostenlos; Kosten können folgen.",
        "Starten Sie Ihre kostenlose Testphase.",
        "Schon ab 3 im Monat.",
        "Es gelten die allgemeinen Geschäftsbedingungen.",
        "Es verlängert sich automatisch.",
    ),
    "preselected": (
        "Wir haben alles für Sie angekreuzt.",
        "Angebote sind standardmäßig aktiviert.",
        "Sie stimmen zu, es sei denn, Sie widersprechen.",
        "Wenn Sie nichts tun, stimmen Sie zu.",
    ),
    "small_refusal": (
        "Zum Ablehnen gehen Sie in die Einstellungen.",
        "Um Nein zu sagen, schreiben Sie uns einen Brief.",
        "Später erinnern",
        "Sie können später ablehnen.",
    ),
    "obstruction": (
        "Zum Widerrufen rufen Sie bitte unsere Hotline an.",
        "Kündigung nur per Post.",
        "Sagen Sie Ja, und wir hören auf zu fragen.",
        "Sind Sie wirklich sicher, dass Sie gehen möchten?",
        "Sie müssen einen Grund nennen.",
        "Bevor Sie gehen, sagen Sie uns, warum.",
    ),
    "bundled": (
        "Allem auf einmal zustimmen.",
        "Durch die Nutzung der App stimmen Sie der Profilbildung zu.",
        "Ich akzeptiere die Bedingungen und Werbung von Partnern.",
        "Alle akzeptieren",
        "Ein Klick für alles.",
    ),
}  # fmt: skip
INNOCENT_IN_GERMAN = (
    "Es ist Zeit.",
    "Nur Sie sehen diese Seite.",
    "Ihre Karte ist gestohlen? Rufen Sie uns sofort an.",
    "Nichts geht verloren, wenn Sie Nein sagen.",
    "Sie sehen alle Kosten, bevor Sie entscheiden.",
    "Kostenlos, solange Sie studieren.",
    "Deckt Ärzte, Gepäck und Verspätungen von heute an, bis Sie zu Hause sind.",
    "Wir rufen Sie bis zum 6. Januar 2026 an.",
    "Es endet von selbst am 5. Januar 2027, und Sie können es vorher mit einem Klick stoppen.",
    "Nein, so lassen",
    "Nein zu allem",
    "Ja, erlauben",
    "Was Sie offen lassen, bleibt aus.",
    "Nach einem Nein fragen wir 180 Tage lang nicht wieder.",
    "Wir verkaufen Ihre Daten nie.",
    "Das kann Angebote nur verhindern, nie auslösen.",
    "Die Gebühr beträgt 4,90 im Monat und sonst nichts.",
    "Sein Wert kann fallen und steigen.",
    "Unser Beileid zu Ihrem Verlust.",
    "Ich kenne diese Zahlung nicht.",
    "Niemand muss einen Grund nennen.",
    "Es wird nicht für Angebote genutzt.",
    "Sie gehören zu den Menschen, für die wir das Los ziehen.",
    "In den letzten Minuten gab es mehrere Zahlungen.",
    "Alle wären gleich gewesen.",
)


SEEDED, SEEDED_IN_GERMAN = (
    [(kind, text) for kind, texts in every.items() for text in texts] for every in (BAD, BAD_IN_GERMAN)
)


@pytest.mark.parametrize(("kind", "text"), [*SEEDED, *SEEDED_IN_GERMAN])
def test_a_seeded_dark_pattern_is_caught_as_what_it_is(kind: str, text: str) -> None:
    assert kind in {one.rule.kind for one in found_in(text)}
    assert kind in {one.rule.kind for one in found_in(f"We are your bank. {text.upper()}")}


@pytest.mark.parametrize("text", [*INNOCENT, *INNOCENT_IN_GERMAN])
def test_a_calm_sentence_passes(text: str) -> None:
    assert found_in(text) == []


def test_there_are_several_of_each_kind_and_as_many_calm_ones() -> None:
    assert set(BAD) == set(kinds())
    assert min(map(len, BAD.values())) >= 4
    assert sum(map(len, BAD.values())) >= 40 <= len(INNOCENT)
    assert set(BAD_IN_GERMAN) == set(kinds())
    assert min(map(len, BAD_IN_GERMAN.values())) >= 4
    assert len(SEEDED_IN_GERMAN) >= 40
    assert len(INNOCENT_IN_GERMAN) >= 20


def test_every_rule_catches_something_seeded_and_says_why_and_where_that_is_said() -> None:
    caught = {one.rule.pattern for _, text in (*SEEDED, *SEEDED_IN_GERMAN) for one in found_in(text)}
    assert {rule.pattern for rule, _ in rules()} == caught
    assert all(rule.reason and rule.source for rule, _ in rules())


def test_the_template_holds_none() -> None:
    config = read_config(TEMPLATE)
    check_wording(config)
    assert len(list(texts_of(config))) > 200


@pytest.mark.parametrize(
    ("document", "old", "new", "field", "kind"),
    [
        ("consent.toml", "Fewer, better offers.", "Only today.", "consent.toml purposes.marketing.gives", "urging"),
        ("consent.toml", 'title = "Places"', 'title = "On by default"', "consent.toml sources.location.title", "pre"),
        ("actions.toml", "Free of charge while", "Free at first while", "actions.toml actions.student_account", "hid"),
        ("features.py", 'title="spending today"', 'title="few left"', "features.py spend_1d", "urging"),
        ("consent.toml", 'title = "E-mail"', 'title = "Accept all"', "consent.toml channels.email.title", "bundled"),
    ],
    ids=["purpose", "source", "action", "feature", "channel"],
)  # fmt: skip
def test_a_bank_whose_texts_hold_one_does_not_open(
    project: Path, document: str, old: str, new: str, field: str, kind: str
) -> None:
    path = project / document
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(MalformedDocument) as refused:
        marketofone.open(project)
    assert refused.value.field.startswith(field)
    assert kind in refused.value.shape


def test_a_notice_is_two_sentences_at_most() -> None:
    check_short([("notice", "One. Two.")])
    with pytest.raises(MalformedDocument) as refused:
        check_short([("notice", "One. Two. Three.")])
    assert "overloading" in refused.value.shape
