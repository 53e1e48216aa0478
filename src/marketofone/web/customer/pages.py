"""The pages and forms of the customer, each with its address."""

from __future__ import annotations

from marketofone.web.customer import receipts
from marketofone.web.customer.ahead import forecast
from marketofone.web.customer.cases import ask as ask_a_person
from marketofone.web.customer.cases import cases
from marketofone.web.customer.delegates import delegates
from marketofone.web.customer.delegates import say as name_delegate
from marketofone.web.customer.first import first, or_first, say_it
from marketofone.web.customer.merchants import correct, merchants
from marketofone.web.customer.my_data import my_data
from marketofone.web.customer.purposes import ask, purpose, switch
from marketofone.web.customer.receipts import receipt, undo
from marketofone.web.customer.spending import insights
from marketofone.web.customer.taking import file, forget, forgotten, take
from marketofone.web.customer.uses import in_csv, in_json, proof, uses
from marketofone.web.customer.why import say, why
from marketofone.web.customer.wrong import say as say_of_it
from marketofone.web.customer.wrong import wrong
from marketofone.web.page_renderer import Page

PAGES = (
    Page("GET", "/customer/{customer}", or_first(my_data), "view"),
    Page("GET", "/customer/{customer}/first", first, "change"),
    Page("POST", "/customer/{customer}/first", say_it, "change"),
    Page("GET", "/customer/{customer}/purposes/{purpose}", or_first(purpose), "view"),
    Page("GET", "/customer/{customer}/purposes/{purpose}/allow", or_first(ask), "view"),
    Page("POST", "/customer/{customer}/consents", switch, "change"),
    Page("GET", "/customer/{customer}/consents/{entry}", receipt, "view"),
    Page("POST", "/customer/{customer}/consents/{entry}", undo, "change"),
    Page("GET", "/customer/{customer}/consents/{entry}/receipt.json", receipts.in_json, "view"),
    Page("GET", "/customer/{customer}/uses", or_first(uses), "view"),
    Page("GET", "/customer/{customer}/uses.csv", in_csv, "view"),
    Page("GET", "/customer/{customer}/uses.json", in_json, "view"),
    Page("GET", "/customer/{customer}/uses/proof.json", proof),
    Page("GET", "/customer/{customer}/delegates", delegates, "view"),
    Page("POST", "/customer/{customer}/delegates", name_delegate),
    Page("GET", "/customer/{customer}/forecast", or_first(forecast)),
    Page("GET", "/customer/{customer}/insights", or_first(insights)),
    Page("GET", "/customer/{customer}/merchants", or_first(merchants)),
    Page("POST", "/customer/{customer}/merchants", correct),
    Page("GET", "/customer/{customer}/wrong", or_first(wrong)),
    Page("POST", "/customer/{customer}/wrong", say_of_it),
    Page("GET", "/customer/{customer}/cases", cases),
    Page("POST", "/customer/{customer}/cases", ask_a_person),
    Page("GET", "/customer/{customer}/take", take),
    Page("GET", "/customer/{customer}/take/file", file),
    Page("GET", "/customer/{customer}/forget", forget),
    Page("POST", "/customer/{customer}/forget", forgotten),
    Page("GET", "/customer/{customer}/decisions/{decision}", why),
    Page("POST", "/customer/{customer}/decisions/{decision}/answer", say),
)
