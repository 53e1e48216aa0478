"""What a message, a search or a review is read as."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketofone.domain.reading import Emotion, Reading, Sentiment
from marketofone.models.language import LanguageModel


def intents(reading: Reading) -> set[str]:
    return {intent.intent for intent in reading.intents}


def test_a_furious_customer_is_heard_as_upset(language: LanguageModel) -> None:
    reading = language.read("I am furious, third time my card is declined, nobody helps me!")

    assert reading.route == "local"
    assert (reading.sentiment, reading.emotion) == ("negative", "upset")
    assert intents(reading) == {"payment_failed", "complaint"}
    assert reading.needs == ("a failed payment put right", "an answer to a complaint")
    assert reading.urgency > 0.5


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("baby crib", "child"),
        ("cribs for newborns", "child"),
        ("foldable pram", "child"),
        ("nursery furniture set", "child"),
        ("twin stroller second hand", "child"),
        ("small flat to rent", "home"),
        ("hire a removal van", "home"),
        ("cheap flights to lisbon", "travel"),
        ("pension advice near me", "retirement"),
        ("university scholarship", "study"),
        ("funeral costs", "bereavement"),
    ],
)
def test_a_search_tells_what_is_on_a_mind(language: LanguageModel, text: str, topic: str) -> None:
    reading = language.read(text)

    assert topic in reading.topics
    assert reading.sentiment == "neutral"


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("I am happy with your service", "positive"),
        ("I am not happy with your service", "negative"),
        ("I'm not at all happy with the app", "negative"),
        ("This was not a good experience", "negative"),
        ("I would never recommend this bank", "negative"),
        ("thanks for nothing", "negative"),
        ("not bad at all, thank you", "positive"),
        ("no problems so far, great service", "positive"),
    ],
)
def test_a_negation_turns_the_sentiment(language: LanguageModel, text: str, sentiment: str) -> None:
    assert language.read(text).sentiment == sentiment


@pytest.mark.parametrize(
    ("text", "intent", "emotion"),
    [
        ("My father died in March, what happens to his account?", "bereavement", "sad"),
        ("They made me redundant and I am scared about the mortgage", "job_loss", "worried"),
        ("I cannot afford my rent and I am so worried", "need_help_money", "worried"),
        ("Somebody stole my card, please block it", "card_lost", "worried"),
        ("We are having a baby, we are so happy!", "child_coming", "happy"),
        ("Sometimes I just want to end my life", "crisis", "sad"),
    ],
)
def test_life_is_heard_with_its_feeling(language: LanguageModel, text: str, intent: str, emotion: str) -> None:
    reading = language.read(text)

    assert intent in intents(reading)
    assert reading.emotion == emotion


def test_a_crisis_is_urgent(language: LanguageModel) -> None:
    assert language.read("I don't want to live any longer").urgency > 0.7


@pytest.mark.parametrize(
    "text",
    [
        "Ich habe gestern meine Karte verloren",
        "Où est passé mon virement ?",
        "¿Por qué fue rechazado mi pago?",
        "Kde jsou moje peníze?",
        "我的钱在哪里",
        "أين أموالي",
        "wqx zkjr pfft ghhj",
        "what is the tallest mountain in africa",
        "grilled aubergine recipe",
        "4929 1234 1234 1234",
        "",
        "   \n\t ",
    ],
)
def test_what_it_does_not_know_it_leaves_alone(language: LanguageModel, text: str) -> None:
    reading = language.read(text)

    assert reading.route == "abstain"
    assert (reading.intents, reading.topics, reading.needs) == ((), (), ())
    assert (reading.sentiment, reading.emotion, reading.urgency) == ("neutral", "none", 0.0)
    assert reading.confidence < 0.5


def test_thanks_ask_for_nothing(language: LanguageModel) -> None:
    assert language.read("Thank you so much, that was very kind").needs == ()


def test_numbers_of_a_person_change_nothing(language: LanguageModel) -> None:
    assert language.read("card 4929123412341234 was stolen") == language.read("card 4000111122223333 was stolen")


def test_only_the_first_4000_characters_count(language: LanguageModel) -> None:
    start = ("my card was stolen. " * 200)[:4000]

    assert language.read(start + " I love this great app, thank you" * 10_000) == language.read(start)


PIECES = st.sampled_from(["not", "happy", "card", "LOST", "my", "!", "😡", "12-34", "a@b.cd", "ﷺ", "\u0000", "¬", "~_"])


@given(text=st.text(max_size=300) | st.lists(PIECES, max_size=40).map(" ".join))
def test_any_text_gets_a_reading_in_its_bounds(language: LanguageModel, text: str) -> None:
    reading = language.read(text)

    shares = [reading.urgency, reading.confidence, *(intent.probability for intent in reading.intents)]
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert reading.sentiment in get_args(Sentiment)
    assert reading.emotion in get_args(Emotion)
    assert (reading.route == "abstain") == (reading.intents == ())
    probabilities = [intent.probability for intent in reading.intents]
    assert probabilities == sorted(probabilities, reverse=True)


@given(text=st.lists(PIECES, max_size=40).map(" ".join))
def test_no_text_is_glad_and_angry_at_once(language: LanguageModel, text: str) -> None:
    reading = language.read(text)

    assert (reading.sentiment == "positive") <= (reading.emotion in {"happy", "none"})
    assert (reading.emotion in {"upset", "worried"}) <= (reading.sentiment == "negative")
