"""What writes the pages: templates, formatting and static files, over one bank.

There is one renderer for each language of the customers' pages, made when the application is built. It holds everything
that its language needs: the words, and what the bank says in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from importlib.resources import files
from typing import Literal
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from starlette.responses import HTMLResponse, RedirectResponse, Response

from marketofone.consent.policy import ConsentPolicy
from marketofone.domain.action import Action
from marketofone.domain.delegation import Delegation
from marketofone.domain.languages import LANGUAGES, Language
from marketofone.domain.role import ROLES
from marketofone.projection.wording import BankTexts, texts_in
from marketofone.services.bank import Bank
from marketofone.web import formatting
from marketofone.web.problem import Problem
from marketofone.web.request_data import RequestData
from marketofone.web.wording import Wording, wording

_MEDIA = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
_FILES = {name: (files("marketofone") / "web" / "static" / name).read_bytes() for name in ("style.css", "icon.svg")}
STATIC = {name: (body, _MEDIA[name.rpartition(".")[2]]) for name, body in _FILES.items()}


@dataclass(frozen=True)
class PageRenderer:
    """Everything a page is written with, in one language; ``texts`` is what the bank says in it.

    ``acting`` is the delegate who looks at a customer's page, None where it is the customer.
    """

    bank: Bank
    words: Wording
    texts: BankTexts
    templates: Environment
    acting: Delegation | None = None

    @property
    def delegate(self) -> str | UnsetType:
        """Who says for the customer what is said on these pages."""
        return UNSET if self.acting is None else self.acting.name

    @property
    def policy(self) -> ConsentPolicy:
        """What people are asked about, in this language."""
        return self.texts.policy

    @property
    def language(self) -> Language:
        """The language."""
        return self.words.language

    @property
    def read_in(self) -> Language | UnsetType:
        """The language in which notices are read on these pages, where the bank says in which it has them."""
        return UNSET if self.bank.config.settings.pages is None else self.language

    def page(self, name: str, request_data: RequestData, **context: object) -> Response:
        """Write a page; links made with ``to`` stay in the moment the visitor is looking at."""
        as_of = request_data.query.get("as_of", "")
        own = {
            "to": partial(address, as_of=as_of),
            "token": request_data.token,
            "as_of": request_data.as_of(self.bank.calendar, now=self.bank.now()),
            "languages": self._languages(request_data),
            "acting": self.acting,
            "may_say": self.acting is None or self.acting.may == "change",
        }
        written = self.templates.get_template(name).render(context | own)
        return HTMLResponse(written, headers={"Content-Language": self.language})

    def _languages(self, request_data: RequestData) -> list[tuple[Language, str, str]]:
        """Give the languages in which a customer's page can be read, each with its name and its address."""
        customer, offered = request_data.path.get("customer"), self.bank.config.settings.languages
        if customer is None or len(offered) == 1:
            return []
        here = request_data.address or address("customer", customer)
        more = "&" if "?" in here else "?"
        return [(one, LANGUAGES[one], f"{here}{more}language={one}") for one in offered]

    def problem(self, problem: Problem) -> str:
        """Write a problem for people."""
        template = self.templates.get_template("problem.html")
        return template.render(problem=problem, to=partial(address, as_of=""), as_of=None, languages=[], acting=None)


@dataclass(frozen=True)
class Page:
    """One page, or the form of one: where it is and who writes it, in a worker thread.

    A customer's own is ``open_to`` them alone, or to delegates who view, or only to those who change something.
    """

    method: str
    path: str
    show: Callable[[PageRenderer, RequestData], Response]
    open_to: Literal["customer", "view", "change"] = "customer"

    @property
    def is_own(self) -> bool:
        """Whether it is a customer's own: only their link opens it."""
        return self.path.startswith("/customer/")

    @property
    def is_home(self) -> bool:
        """Whether it is the first of a customer's own."""
        return self.path == "/customer/{customer}"


def renderers_of(bank: Bank) -> dict[Language, PageRenderer]:
    """Make the renderers of a bank, by language. There is an English one always: staff read it."""
    return {
        language: renderer_of(bank, language) for language in dict.fromkeys(("en", *bank.config.settings.languages))
    }


def renderer_of(bank: Bank, language: Language) -> PageRenderer:
    """Make the renderer of a bank for one language."""
    texts = texts_in(bank.config, language)
    words = wording(language).of_bank(
        titles=texts.titles,
        sources={name: of.title for name, of in texts.policy.sources.items()},
        purposes={name: of.title for name, of in texts.policy.purposes.items()},
    )
    templates = Environment(
        loader=PackageLoader("marketofone.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    templates.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    templates.globals |= {
        "bank_name": bank.config.settings.name,
        "static": {name: f"/static/{name}?v={_digest(body)}" for name, body in _FILES.items()},
        "policy": texts.policy,
        "contact": texts.contact,
        "language": language,
    }
    templates.filters |= _formats(bank, words) | _titles(texts, words)
    return PageRenderer(bank=bank, words=words, texts=texts, templates=templates)


def _formats(bank: Bank, words: Wording) -> dict[str, Callable[..., object]]:
    """Give what writes days, numbers, chances and sentences."""
    dated: dict[str, Callable[..., str]] = {
        "around": formatting.around,
        "day": formatting.day_of,
        "moment": formatting.moment_of,
        "short_day": formatting.short_day,
        "short_moment": formatting.short_moment,
    }
    plain: dict[str, Callable[..., str]] = {
        "chances": formatting.chances,
        "likelihood": formatting.likelihood,
        "number": formatting.number,
        "one_in": formatting.one_in,
        "percent": formatting.percent,
        "points": formatting.points,
        "rounded": formatting.rounded,
    }
    return {
        **{name: partial(write, calendar=bank.calendar, words=words) for name, write in dated.items()},
        **{name: partial(write, words=words) for name, write in plain.items()},
        "amount": partial(formatting.amount, currency=bank.config.settings.currency, words=words),
        "time": partial(formatting.time_of, calendar=bank.calendar),
        "sentence": formatting.sentence,
        "inside": words.inside,
        "listed": words.listed,
        "known": words.plainly_told,
        "told": words.told,
        "plainly_told": words.plainly_told,
    }


def _titles(texts: BankTexts, words: Wording) -> dict[str, Callable[..., object]]:
    """Give what writes the names of the bank's documents by their titles."""
    policy = texts.policy
    purposes = {name: of.title for name, of in policy.purposes.items()}
    served = {str(role): policy.purposes[name].title for role in ROLES if (name := policy.serving(role))}
    actors = {name: words.gettext(title) for name, title in formatting.ACTORS.items()}
    titles: dict[str, Mapping[str, str]] = {
        "source_title": {name: of.title for name, of in policy.sources.items()},
        "purpose_title": purposes,
        "channel_title": {name: of.title for name, of in policy.channels.items()},
        "role_title": served,
    }
    return {
        **{name: partial(_title, titles=known) for name, known in titles.items()},
        "actor_title": lambda actor: actors.get(actor) or words.told(actor),
        "action": lambda name: _marked(name, texts=texts, words=words),
        "purposes_in": partial(formatting.purposes_in, titles=purposes),
    }


def _marked(name: str, *, texts: BankTexts, words: Wording) -> Action:
    """Give the words of an action; those in another language than the page say so."""
    action = formatting.action_of(name, catalogue=texts.actions, words=words)
    if name not in texts.foreign:
        return action
    mark = Markup('<span lang="{}">{}</span>').format
    said = {part: mark(texts.own_language, getattr(action, part) or "") for part in ("title", "text")}
    return replace(action, **said, next=None if action.next is None else mark(texts.own_language, action.next))


def address(*segments: str, as_of: str = "", **query: str) -> str:
    """Give the address of a page from its segments; each is encoded, slashes too.

    Examples
    --------
    >>> address("customer", "a/b", "forecast", as_of="1993-12-31")
    '/customer/a%2Fb/forecast?as_of=1993-12-31'
    """
    query = {name: value for name, value in {**query, "as_of": as_of}.items() if value}
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return "/" + "/".join(quote(segment, safe="") for segment in segments) + (f"?{asked}" if asked else "")


def redirect(to: str) -> Response:
    """Send the visitor on after a form, so that reloading sends nothing twice."""
    return RedirectResponse(to, status_code=303)


def attachment(body: bytes, *, media: str, name: str) -> Response:
    """Give a file to keep."""
    return Response(body, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _title(name: str, *, titles: Mapping[str, str]) -> str:
    return titles.get(name, name)


def _digest(body: bytes) -> str:
    return blake2b(body, digest_size=6).hexdigest()
