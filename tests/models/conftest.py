"""The language model as the package fits it: fitted once, asked by many."""

from __future__ import annotations

import pytest

from marketofone.models.language import LanguageModel, load_phrases, phrases_text


@pytest.fixture(scope="session")
def language() -> LanguageModel:
    return LanguageModel.fit(load_phrases(phrases_text()), seed=0)
