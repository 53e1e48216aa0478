# ruff: noqa: E501 - lines of files as they are
"""Invented statements in the styles of many banks and programs: what each prints, and what it means.

Each holds the same four movements, with names and words of its own: a salary of 2,345.60, a rent of 870.00, groceries of
45.05 and a refund of 9.90, in June 2026.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

SALARY, RENT, FOOD, BACK = Decimal("2345.60"), Decimal("-870.00"), Decimal("-45.05"), Decimal("9.90")
DATES = tuple(date(2026, 6, day) for day in (1, 2, 16, 30))
AMOUNTS = (SALARY, RENT, FOOD, BACK)


class Style(NamedTuple):
    """A statement as bytes, the currency it is in, and facts that each of its movements must have, by key."""

    content: bytes
    currency: str = "EUR"
    account: str = "main"
    facts: tuple[tuple[str, tuple[str | None, ...]], ...] = ()


def text(*lines: str, encoding: str = "utf-8", end: str = "\n") -> bytes:
    return (end.join(lines) + end).encode(encoding)


_ARABIC = str.maketrans({str(n): chr(0x660 + n) for n in range(10)} | {".": "\u066b", "'": "\u066c"})
_WIDE = str.maketrans({one: chr(ord(one) + 0xFEE0) for one in "0123456789./"} | {"_": "\uff0c"})


STYLES: dict[str, Style] = {
    "German savings bank, decimal commas, letters of Windows": Style(
        text(
            '"Auftragskonto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";"Mandatsreferenz";'
            '"Beguenstigter/Zahlungspflichtiger";"Kontonummer/IBAN";"Betrag";"Waehrung";"Info"',
            '"DE02100100100006820101";"30.06.26";"30.06.26";"GUTSCHRIFT";"Rückgabe Schal";"";"Müller & Söhne";"DE02300209000106531065";"9,90";"EUR";"Umsatz gebucht"',
            '"DE02100100100006820101";"16.06.26";"16.06.26";"KARTENZAHLUNG";"Einkauf Nr. 7";"";"Grünkohl Markt";"DE02500105170137075030";"-45,05";"EUR";"Umsatz gebucht"',
            '"DE02100100100006820101";"02.06.26";"03.06.26";"DAUERAUFTRAG";"Miete Juni";"";"Hausverwaltung Öhler";"DE02200505501015871393";"-870,00";"EUR";"Umsatz gebucht"',
            '"DE02100100100006820101";"01.06.26";"01.06.26";"GEHALT";"Gehalt Mai";"";"Tischlerei Groß";"DE02700100800030876808";"2.345,60";"EUR";"Umsatz gebucht"',
            encoding="cp1252",
            end="\r\n",
        ),
        account="DE02100100100006820101",
        facts=(("counterparty", ("Tischlerei Groß", "Hausverwaltung Öhler", "Grünkohl Markt", "Müller & Söhne")),),
    ),
    "German direct bank, lines above, payer and payee": Style(
        text(
            '"Girokonto";"DE02120300000000202051"',
            '"Kontostand vom 30.06.2026:";"1.440,45 €"',
            '""',
            '"Buchungsdatum";"Wertstellung";"Status";"Zahlungspflichtige*r";"Zahlungsempfänger*in";"Verwendungszweck";"Umsatztyp";"IBAN";"Betrag (€)"',
            '"30.06.26";"30.06.26";"Gebucht";"Strick und Faden";"Ida Ostermann";"Erstattung";"Eingang";"DE02300209000106531065";"9,90"',
            '"16.06.26";"16.06.26";"Gebucht";"Ida Ostermann";"Kaufladen Ost";"Einkauf";"Ausgang";"DE02500105170137075030";"-45,05"',
            '"02.06.26";"02.06.26";"Gebucht";"Ida Ostermann";"Wohnen am Deich";"Miete";"Ausgang";"DE02200505501015871393";"-870"',
            '"01.06.26";"01.06.26";"Gebucht";"Werft Nord";"Ida Ostermann";"Lohn";"Eingang";"DE02700100800030876808";"2.345,6"',
        ),
        account="DE02120300000000202051",
        facts=(("counterparty", ("Werft Nord", "Wohnen am Deich", "Kaufladen Ost", "Strick und Faden")),),
    ),
    "Dutch bank, a word for the direction, dates without signs": Style(
        text(
            '"Datum";"Naam / Omschrijving";"Rekening";"Tegenrekening";"Code";"Af Bij";"Bedrag (EUR)";"Mutatiesoort";"Mededelingen";"Saldo na mutatie"',
            '"20260630";"Fietsenmaker";"NL13TEST0123456789";"NL40TEST0111111111";"OV";"Bij";"9,90";"Overschrijving";"terug";"1440,45"',
            '"20260616";"Kaasboer";"NL13TEST0123456789";"";"BA";"Af";"45,05";"Betaalautomaat";"pas 001";"1430,55"',
            '"20260602";"Woningcorporatie";"NL13TEST0123456789";"NL40TEST0222222222";"IC";"Af";"870,00";"Incasso";"huur";"1475,60"',
            '"20260601";"Drukkerij";"NL13TEST0123456789";"NL40TEST0333333333";"OV";"Bij";"2345,60";"Overschrijving";"salaris";"2345,60"',
        ),
        account="NL13TEST0123456789",
        facts=(
            ("counterparty", ("Drukkerij", "Woningcorporatie", "Kaasboer", "Fietsenmaker")),
            ("bank_code", ("OV", "IC", "BA", "OV")),
        ),
    ),
    "Dutch bank, signs before the amounts": Style(
        text(
            '"IBAN/BBAN","Munt","BIC","Volgnr","Datum","Rentedatum","Bedrag","Saldo na trn","Tegenrekening IBAN/BBAN","Naam tegenpartij","Omschrijving-1"',
            '"NL13TEST0123456789","EUR","TESTNL2A","000000000000007213","2026-06-01","2026-06-01","+2345,60","+2345,60","NL40TEST0333333333","Drukkerij","salaris mei"',
            '"NL13TEST0123456789","EUR","TESTNL2A","000000000000007214","2026-06-02","2026-06-02","-870,00","+1475,60","NL40TEST0222222222","Woningcorporatie","huur"',
            '"NL13TEST0123456789","EUR","TESTNL2A","000000000000007215","2026-06-16","2026-06-16","-45,05","+1430,55","","Kaasboer","pas 001"',
            '"NL13TEST0123456789","EUR","TESTNL2A","000000000000007216","2026-06-30","2026-06-30","+9,90","+1440,45","NL40TEST0111111111","Fietsenmaker","terug"',
        ),
        account="NL13TEST0123456789",
    ),
    "application bank, times and states": Style(
        text(
            "Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance",
            "TOPUP,Current,2026-06-01 07:58:11,2026-06-01 08:00:02,Payroll of Lantern Ltd,2345.60,0.00,GBP,COMPLETED,2345.60",
            "TRANSFER,Current,2026-06-02 09:10:00,2026-06-02 09:10:01,To Harbour Lettings,-870.00,0.00,GBP,COMPLETED,1475.60",
            "CARD_PAYMENT,Current,2026-06-15 18:20:00,2026-06-16 03:00:00,The Pantry,-45.05,0.00,GBP,COMPLETED,1430.55",
            "CARD_REFUND,Current,2026-06-29 11:00:00,2026-06-30 04:00:00,Wool & Co,9.90,0.00,GBP,COMPLETED,1440.45",
        ),
        currency="GBP",
        facts=(("text", (None, None, "CARD_PAYMENT The Pantry", None)),),
    ),
    "American bank, a word for what the sign says already": Style(
        text(
            "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #",
            "CREDIT,06/30/2026,WOOL AND CO RETURN,9.90,MISC_CREDIT,1440.45,,",
            'DEBIT,06/16/2026,"PANTRY, THE",-45.05,DEBIT_CARD,1430.55,,',
            "DEBIT,06/02/2026,HARBOR LETTINGS,-870.00,ACH_DEBIT,1475.60,,",
            "CREDIT,06/01/2026,LANTERN PAYROLL,2345.60,ACH_CREDIT,2345.60,,",
        ),
        currency="USD",
    ),
    "American bank, a summary above": Style(
        text(
            "Description,,Summary Amt.",
            'Beginning balance as of 06/01/2026,,"0.00"',
            'Total credits,,"2,355.50"',
            'Total debits,,"-915.05"',
            'Ending balance as of 06/30/2026,,"1,440.45"',
            "",
            "Date,Description,Amount,Running Bal.",
            '06/01/2026,Beginning balance as of 06/01/2026,,"0.00"',
            '06/01/2026,"LANTERN PAYROLL","2,345.60","2,345.60"',
            '06/02/2026,"HARBOR LETTINGS","-870.00","1,475.60"',
            '06/16/2026,"PANTRY, THE","-45.05","1,430.55"',
            '06/30/2026,"WOOL AND CO","9.90","1,440.45"',
        ),
        currency="USD",
    ),
    "British bank, debit and credit in columns of their own": Style(
        text(
            "Transaction Date,Transaction Type,Sort Code,Account Number,Transaction Description,Debit Amount,Credit Amount,Balance",
            "30/06/2026,FPI,'01-02-03,12345678,WOOL & CO,,9.90,1440.45",
            "16/06/2026,DEB,'01-02-03,12345678,THE PANTRY,45.05,,1430.55",
            "02/06/2026,SO,'01-02-03,12345678,HARBOUR LETTINGS,870.00,,1475.60",
            "01/06/2026,BGC,'01-02-03,12345678,LANTERN LTD,,2345.60,2345.60",
        ),
        account="12345678",
        currency="GBP",
    ),
    "British bank without a header": Style(
        text(
            '30/06/2026,WOOL & CO,"9.90"',
            '16/06/2026,THE PANTRY,"-45.05"',
            '02/06/2026,HARBOUR LETTINGS,"-870.00"',
            '01/06/2026,LANTERN LTD,"2,345.60"',
        ),
        facts=(("text", ("LANTERN LTD", "HARBOUR LETTINGS", "THE PANTRY", "WOOL & CO")),),
    ),
    "Indian bank, groups of two, words of book-keeping, tabs": Style(
        text(
            "Account Name\tMs. A. Iyer",
            "Account Number\t00000012345678901",
            "IFS Code\tTEST0000001",
            "",
            "Txn Date\tValue Date\tDescription\tRef No./Cheque No.\t        Debit\tCredit\tBalance",
            "1 Jun 2026\t1 Jun 2026\tBY SALARY LANTERN\t\t \t2,345.60\t1,02,345.60 CR",
            "2 Jun 2026\t2 Jun 2026\tTO TRANSFER RENT\t\t870.00\t \t1,01,475.60 CR",
            "16 Jun 2026\t16 Jun 2026\tUPI/KIRANA\t\t45.05\t \t1,01,430.55 CR",
            "30 Jun 2026\t30 Jun 2026\tUPI/REFUND\t\t \t9.90\t1,01,440.45 CR",
            "**This is a computer generated statement and does not require a signature",
        ),
        account="00000012345678901",
        currency="INR",
    ),
    "Indian card, CR beside what came back": Style(
        text(
            "Date,Transaction Details,Amount (INR)",
            '01/06/2026,PAYMENT RECEIVED,"2,345.60 CR"',
            "02/06/2026,HARBOUR LETTINGS,870.00",
            "16/06/2026,KIRANA STORE,45.05",
            "30/06/2026,WOOL REFUND,9.90 Cr.",
            *(f"{day}/06/2026,TEA STALL {day},0.00" for day in range(17, 27)),
        ),
        currency="INR",
    ),
    "Czech bank with ids and symbols": Style(
        text(
            '"číslo účtu";"2000000001/2010"',
            '"měna";"CZK"',
            '"ID operace";"Datum";"Objem";"Měna";"Protiúčet";"Název protiúčtu";"Kód banky";"KS";"VS";"Zpráva pro příjemce";"Typ"',
            '"26001";"01.06.2026";"2345,60";"CZK";"1000000007";"Lucerna s.r.o.";"0100";"";"26";"výplata";"Příjem převodem"',
            '"26002";"02.06.2026";"-870,00";"CZK";"1000000015";"Bydlení u řeky";"0300";"0308";"77";"nájem";"Odchozí platba"',
            '"26005";"16.06.2026";"-45,05";"CZK";"";"";"";"";"";"";"Platba kartou"',
            '"26009";"30.06.2026";"9,90";"CZK";"1000000023";"Vlna";"0800";"";"";"vráceno";"Příjem převodem"',
            encoding="utf-8-sig",
        ),
        currency="CZK",
        account="2000000001/2010",
        facts=(
            ("counterparty", ("Lucerna s.r.o.", "Bydlení u řeky", None, "Vlna")),
            ("reference", ("26", "77", None, None)),
        ),
    ),
    "Polish bank, many lines above, letters of Central Europe": Style(
        text(
            "mTest Bank S.A.;",
            "#Klient;",
            "ŁUCJA ŻÓŁĆ;",
            "#Za okres:;",
            "01.06.2026;30.06.2026;",
            "#Waluta;#Wpływy;#Wydatki;",
            "PLN;2355,50;-915,05;",
            "",
            "#Data operacji;#Data księgowania;#Opis operacji;#Tytuł;#Nadawca/Odbiorca;#Numer konta;#Kwota;#Saldo po operacji;",
            '2026-06-01;2026-06-01;PRZELEW PRZYCHODZĄCY;"WYNAGRODZENIE";"LATARNIA SP. Z O.O.";\'00000000000000000000000001\';2 345,60;2 345,60;',
            '2026-06-02;2026-06-02;PRZELEW WYCHODZĄCY;"CZYNSZ";"SPÓŁDZIELNIA ŻURAW";\'00000000000000000000000002\';-870,00;1 475,60;',
            '2026-06-16;2026-06-16;ZAKUP PRZY UŻYCIU KARTY;"SPIŻARNIA";"";\'\';-45,05;1 430,55;',
            '2026-06-30;2026-06-30;PRZELEW PRZYCHODZĄCY;"ZWROT";"WEŁNA";\'00000000000000000000000003\';9,90;1 440,45;',
            ";;;;;;#Saldo końcowe;1 440,45 PLN;",
            encoding="cp1250",
        ),
        currency="PLN",
        facts=(("counterparty", ("LATARNIA SP. Z O.O.", "SPÓŁDZIELNIA ŻURAW", None, "WEŁNA")),),
    ),
    "French bank, blanks between thousands": Style(
        text(
            "Téléchargement du 30/06/2026",
            "Compte n° 00012345678",
            "",
            "Date;Libellé;Débit euros;Crédit euros;",
            '30/06/2026;"VIREMENT RECU\nLAINE ET CIE";;9,90;',
            '16/06/2026;"PAIEMENT PAR CARTE\nL\'ÉPICERIE";45,05;;',
            '02/06/2026;"PRELEVEMENT\nLOYER";870,00;;',
            '01/06/2026;"VIREMENT RECU\nSALAIRE";;2\xa0345,60;',
            encoding="iso8859-15",
        ),
        facts=(("text", ("VIREMENT RECU SALAIRE", None, "PAIEMENT PAR CARTE L'ÉPICERIE", None)),),
    ),
    "Italian bank, debits with a minus": Style(
        text(
            "Data contabile;Data valuta;Addebiti;Accrediti;Divisa;Descrizione operazioni;Causale ABI",
            "30/06/2026;30/06/2026;;9,90;EUR;RIMBORSO LANA;48",
            "16/06/2026;16/06/2026;-45,05;;EUR;PAGAMENTO POS DISPENSA;43",
            "02/06/2026;02/06/2026;-870,00;;EUR;AFFITTO;26",
            "01/06/2026;01/06/2026;;2.345,60;EUR;STIPENDIO;27",
        ),
    ),
    "Spanish bank": Style(
        text(
            "F. Operación;F. Valor;Concepto;Importe;Saldo",
            "30/06/2026;30/06/2026;DEVOLUCION LANA;9,90 €;1.440,45 €",
            "16/06/2026;16/06/2026;COMPRA DESPENSA;-45,05 €;1.430,55 €",
            "02/06/2026;02/06/2026;ALQUILER;-870,00 €;1.475,60 €",
            "01/06/2026;01/06/2026;NOMINA;2.345,60 €;2.345,60 €",
            encoding="utf-16",
        ),
    ),
    "Brazilian bank with an id for each row": Style(
        text(
            "Data,Valor,Identificador,Descrição",
            "01/06/2026,2345.60,68a1-01,Salário Lanterna",
            "02/06/2026,-870.00,68a1-02,Aluguel",
            "16/06/2026,-45.05,68a1-03,Mercearia",
            "30/06/2026,9.90,68a1-04,Estorno",
        ),
    ),
    "Swiss post, apostrophes between thousands": Style(
        text(
            "Datum von:;2026-06-01",
            "Konto:;CH0009000000100000000",
            "Währung:;CHF",
            "",
            "Buchungsdatum;Avisierungstext;Gutschrift in CHF;Lastschrift in CHF;Valuta;Saldo in CHF",
            '2026-06-30;"GUTSCHRIFT WOLLE";9.90;;2026-06-30;1440.45',
            '2026-06-16;"KAUF LADEN";;-45.05;2026-06-16;1430.55',
            '2026-06-02;"MIETE";;-870;2026-06-02;1475.60',
            "2026-06-01;\"LOHN\";2'345.60;;2026-06-01;2'345.60",
            "",
            "Disclaimer:",
            "Dies ist kein durch die Bank erstelltes Dokument.",
        ),
        currency="CHF",
        account="CH0009000000100000000",
    ),
    "bank in Japanese, letters of Shift-JIS": Style(
        text(
            '"日付","お取引内容","お引出し","お預入れ","残高"',
            '"2026年6月1日","給与","","2,345.60","2,345.60"',
            '"2026年6月2日","家賃","870","","1,475.60"',
            '"2026年6月16日","食料品店","45.05","","1,430.55"',
            '"2026年6月30日","返金","","9.90","1,440.45"',
            encoding="shift_jis",
        ),
    ),
    "Swedish bank": Style(
        text(
            "Bokföringsdag;Belopp;Avsändare;Mottagare;Namn;Rubrik;Saldo;Valuta",
            "2026/06/30;9,90;;;Ull AB;Återbetalning;1440,45;SEK",
            "2026/06/16;-45,05;;;Skafferiet;Kortköp;1430,55;SEK",
            "2026/06/02;-870,00;;;Hyresvärden;Hyra;1475,60;SEK",
            "2026/06/01;2345,60;;;Lyktan AB;Lön;2345,60;SEK",
        ),
        currency="SEK",
        facts=(("counterparty", ("Lyktan AB", "Hyresvärden", "Skafferiet", "Ull AB")),),
    ),
    "a program for budgets, outflow and inflow with a sign of currency": Style(
        text(
            '"Account","Flag","Date","Payee","Category Group/Category","Memo","Outflow","Inflow","Cleared"',
            '"Checking","","06/30/2026","Wool & Co","Fun: Hobby","",$0.00,$9.90,"Cleared"',
            '"Checking","","06/16/2026","The Pantry","Needs: Food","",$45.05,$0.00,"Cleared"',
            '"Checking","","06/02/2026","Landlord","Needs: Rent","",$870.00,$0.00,"Cleared"',
            '"Checking","","06/01/2026","Lantern","Inflow: Ready","",$0.00,"$2,345.60","Cleared"',
        ),
        currency="USD",
        account="Checking",
        facts=(("counterparty", ("Lantern", "Landlord", "The Pantry", "Wool & Co")),),
    ),
    "a program for budgets, words for the direction": Style(
        text(
            '"Date","Description","Original Description","Amount","Transaction Type","Category","Account Name","Labels","Notes"',
            '"6/30/2026","Wool & Co","WOOL CO 1","9.90","credit","Hobbies","Checking","",""',
            '"6/16/2026","Pantry","PANTRY 22","45.05","debit","Groceries","Checking","",""',
            '"6/02/2026","Landlord","LANDLORD","870.00","debit","Rent","Checking","",""',
            '"6/01/2026","Lantern","LANTERN PAY","2345.60","credit","Paycheck","Checking","",""',
        ),
        account="Checking",
        facts=(("category", ("Paycheck", "Rent", "Groceries", "Hobbies")),),
    ),
    "a wallet that keeps fees apart": Style(
        text(
            '"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","Transaction ID","Balance"',
            '"01/06/2026","08:00:00","CEST","Lantern","Payment","Completed","EUR","2.355,60","-10,00","2.345,60","1AB","2.345,60"',
            '"02/06/2026","08:00:00","CEST","Landlord","Payment","Completed","EUR","-870,00","0,00","-870,00","2AB","1.475,60"',
            '"16/06/2026","08:00:00","CEST","Pantry","Payment","Completed","EUR","-45,05","0,00","-45,05","3AB","1.430,55"',
            '"30/06/2026","08:00:00","CEST","Wool","Refund","Completed","EUR","9,90","0,00","9,90","4AB","1.440,45"',
        ),
    ),
    "brackets for money out, minus signs behind": Style(
        text(
            "Posted|Narrative|Amount GBP",
            "2026-06-01|LANTERN|2,345.60",
            "2026-06-02|LETTINGS|(870.00)",
            "2026-06-16|PANTRY|45.05-",
            "2026-06-30|WOOL|9.90",
        ),
        currency="GBP",
    ),
    "Indian bank, zeros on the other side, years of two digits": Style(
        text(
            "Date,Narration,Chq./Ref.No.,Value Dt,Withdrawal Amt.,Deposit Amt.,Closing Balance",
            "01/06/26,SALARY,0000001,01/06/26,0.00,2345.60,2345.60",
            "02/06/26,RENT,0000002,02/06/26,870.00,0.00,1475.60",
            "16/06/26,SHOP,0000003,16/06/26,45.05,0.00,1430.55",
            "30/06/26,BACK,0000004,30/06/26,0.00,9.90,1440.45",
        ),
        currency="INR",
    ),
    "Indian bank, numbered rows, currencies in the header": Style(
        text(
            '"S No.","Value Date","Transaction Date","Cheque Number","Transaction Remarks","Withdrawal Amount(INR)","Deposit Amount(INR)","Balance(INR)"',
            '"1","01/06/2026","01/06/2026","-","SALARY","0","2345.6","2345.6"',
            '"2","02/06/2026","02/06/2026","-","RENT","870","0","1475.6"',
            '"3","16/06/2026","16/06/2026","-","SHOP","45.05","0","1430.55"',
            '"4","30/06/2026","30/06/2026","-","BACK","0","9.9","1440.45"',
        ),
        currency="INR",
    ),
    "British application, amounts twice": Style(
        text(
            "Transaction ID,Date,Time,Type,Name,Emoji,Category,Amount,Currency,Local amount,Local currency,Notes and #tags,Address,Receipt,Description,Category split,Money Out,Money In",
            "tx_1,01/06/2026,08:00:00,Faster payment,Lantern,,Income,2345.60,GBP,2345.60,GBP,,,,LANTERN,,,2345.60",
            "tx_2,02/06/2026,08:00:00,Faster payment,Landlord,,Bills,-870.00,GBP,-870.00,GBP,,,,LANDLORD,,-870.00,",
            "tx_3,16/06/2026,08:00:00,Card payment,Pantry,,Groceries,-45.05,GBP,-52.00,EUR,,,,PANTRY,,-45.05,",
            "tx_4,30/06/2026,08:00:00,Card payment,Wool,,Shopping,9.90,GBP,9.90,GBP,,,,WOOL,,,9.90",
        ),
        currency="GBP",
    ),
    "British application, categories and notes": Style(
        text(
            '"Date","Counter Party","Reference","Type","Amount (GBP)","Balance (GBP)","Spending Category","Notes"',
            "01/06/2026,Lantern,PAY,FASTER PAYMENT,2345.60,2345.60,INCOME,",
            "02/06/2026,Landlord,RENT,FASTER PAYMENT,-870.00,1475.60,HOME,",
            "16/06/2026,Pantry,PANTRY,CONTACTLESS,-45.05,1430.55,GROCERIES,",
            "30/06/2026,Wool,WOOL,ONLINE PAYMENT,9.90,1440.45,SHOPPING,",
        ),
        currency="GBP",
    ),
    "German bank, the own account in a column": Style(
        text(
            "Buchungstag;Wertstellung;Umsatzart;Buchungstext;Betrag;Währung;IBAN Auftraggeberkonto;Kategorie",
            "30.06.2026;30.06.2026;Gutschrift;Wolle;9,90;EUR;DE02100100100006820101;Unkategorisierte Einnahmen",
            "16.06.2026;16.06.2026;Lastschrift;Laden;-45,05;EUR;DE02100100100006820101;Lebensmittel",
            "02.06.2026;02.06.2026;Überweisung;Miete;-870,00;EUR;DE02100100100006820101;Miete",
            "01.06.2026;01.06.2026;Gutschrift;Lohn;2345,60;EUR;DE02100100100006820101;Gehalt",
        ),
        account="DE02100100100006820101",
    ),
    "German broker, totals below": Style(
        text(
            ";",
            '"Umsätze Girokonto";"Zeitraum: 30 Tage";',
            '"Neuer Kontostand";"1.440,45 EUR";',
            "",
            '"Buchungstag";"Wertstellung (Valuta)";"Vorgang";"Buchungstext";"Umsatz in EUR";',
            '"30.06.2026";"30.06.2026";"Übertrag / Überweisung";"Auftraggeber: Wolle Buchungstext: zurück";"9,90";',
            '"16.06.2026";"16.06.2026";"Kartenverfügung";" Buchungstext: Laden";"-45,05";',
            '"02.06.2026";"02.06.2026";"Übertrag / Überweisung";"Empfänger: Haus Buchungstext: Miete";"-870,00";',
            '"01.06.2026";"01.06.2026";"Übertrag / Überweisung";"Auftraggeber: Werk Buchungstext: Lohn";"2.345,60";',
            "",
            '"Alter Kontostand";"0,00 EUR";',
            encoding="iso8859-15",
        ),
    ),
    "German bank, eleven lines above, one header twice": Style(
        text(
            "Umsatzanzeige;Datei erstellt am: 30.06.2026 12:00",
            "",
            "IBAN;DE02 5001 0517 0000 0000 01",
            "Kontoname;Girokonto",
            "Bank;Testbank",
            "Kunde;Ida Ostermann",
            "Zeitraum;01.06.2026 - 30.06.2026",
            "Saldo;1.440,45;EUR",
            "",
            "Sortierung;Datum absteigend",
            "",
            "In der CSV-Datei finden Sie alle bereits gebuchten Umsätze.",
            "",
            "Buchung;Wertstellungsdatum;Auftraggeber/Empfänger;Buchungstext;Verwendungszweck;Saldo;Währung;Betrag;Währung",
            "30.06.2026;30.06.2026;Wolle;Gutschrift;zurück;1.440,45;EUR;9,90;EUR",
            "16.06.2026;16.06.2026;Laden;Lastschrift;Einkauf;1.430,55;EUR;-45,05;EUR",
            "02.06.2026;02.06.2026;Haus;Dauerauftrag;Miete;1.475,60;EUR;-870,00;EUR",
            "01.06.2026;01.06.2026;Werk;Gehalt/Rente;Lohn;2.345,60;EUR;2.345,60;EUR",
            encoding="cp1252",
        ),
        account="DE02500105170000000001",
    ),
    "French bank, headers run together": Style(
        text(
            "dateOp;dateVal;label;category;categoryParent;supplierFound;amount;comment;accountNum;accountLabel;accountbalance",
            '2026-06-30;2026-06-30;"CARTE LAINE";"Remboursements";"Mouvements internes";"laine";9,90;;00040123456;"BoursoBank";1440.45',
            '2026-06-16;2026-06-16;"CARTE EPICERIE";"Alimentation";"Vie quotidienne";"epicerie";-45,05;;00040123456;"BoursoBank";1440.45',
            '2026-06-02;2026-06-02;"PRLV LOYER";"Loyer";"Logement";"loyer";-870,00;;00040123456;"BoursoBank";1440.45',
            '2026-06-01;2026-06-01;"VIR SALAIRE";"Salaire";"Revenus";"atelier";"2 345,60";;00040123456;"BoursoBank";1440.45',
            encoding="utf-8-sig",
        ),
        account="00040123456",
    ),
    "Czech savings bank, UTF-16": Style(
        text(
            '"Datum zaúčtování","Název protiúčtu","Protiúčet","Kód banky","Částka","Měna","Zpráva pro příjemce","Vlastní poznámka","Variabilní symbol"',
            '"30.06.2026","Vlna","1000000023","0800","9,90","CZK","vráceno","",""',
            '"16.06.2026","Obchod","","","-45,05","CZK","","",""',
            '"02.06.2026","Byt","1000000015","0300","-870,00","CZK","nájem","","77"',
            '"01.06.2026","Lucerna","1000000007","0100","2 345,60","CZK","výplata","","26"',
            encoding="utf-16",
        ),
        currency="CZK",
    ),
    "Australian bank without a header": Style(
        text(
            '30/06/2026,"9.90","WOOL"',
            '16/06/2026,"-45.05","EFTPOS PANTRY"',
            '02/06/2026,"-870.00","RENT"',
            '01/06/2026,"2345.60","SALARY"',
        ),
    ),
    "Australian bank without a header, with balances": Style(
        text(
            '30/06/2026,"+9.90","WOOL","+1440.45"',
            '16/06/2026,"-45.05","EFTPOS PANTRY","+1430.55"',
            '02/06/2026,"-870.00","RENT","+1475.60"',
            '01/06/2026,"+2345.60","SALARY","+2345.60"',
        ),
    ),
    "Australian bank, account numbers": Style(
        text(
            "Bank Account,Date,Narrative,Debit Amount,Credit Amount,Balance,Categories,Serial",
            "032001123456,30/06/2026,WOOL,,9.90,1440.45,DEP,",
            "032001123456,16/06/2026,PANTRY,45.05,,1430.55,PAYMENT,",
            "032001123456,02/06/2026,RENT,870.00,,1475.60,PAYMENT,",
            "032001123456,01/06/2026,SALARY,,2345.60,2345.60,DEP,",
        ),
        account="032001123456",
    ),
    "Canadian bank, a currency for a header": Style(
        text(
            '"Account Type","Account Number","Transaction Date","Cheque Number","Description 1","Description 2","CAD$","USD$"',
            "Chequing,01234-5678901,6/1/2026,,PAYROLL,LANTERN,2345.60,",
            "Chequing,01234-5678901,6/2/2026,,RENT,HARBOUR,-870.00,",
            "Chequing,01234-5678901,6/16/2026,,PANTRY,,-45.05,",
            "Chequing,01234-5678901,6/30/2026,,WOOL,,9.90,",
        ),
        currency="CAD",
        account="01234-5678901",
    ),
    "Canadian bank without a header, debit and credit take turns": Style(
        text(
            "06/30/2026,WOOL,,9.90,1440.45",
            "06/16/2026,PANTRY,45.05,,1430.55",
            "06/02/2026,RENT,870.00,,1475.60",
            "06/01/2026,PAYROLL,,2345.60,2345.60",
        ),
    ),
    "American card, debit and credit": Style(
        text(
            "Transaction Date,Posted Date,Card No.,Description,Category,Debit,Credit",
            "2026-06-01,2026-06-01,1234,PAYMENT,Payment/Credit,,2345.60",
            "2026-06-02,2026-06-02,1234,HARBOR,Other,870.00,",
            "2026-06-15,2026-06-16,1234,PANTRY,Grocery,45.05,",
            "2026-06-30,2026-06-30,1234,WOOL,Merchandise,,9.90",
        ),
        account="1234",
    ),
    "Brazilian bank, totals below": Style(
        text(
            "Data;Histórico;Docto.;Crédito (R$);Débito (R$);Saldo (R$)",
            "01/06/2026;SALARIO;0000001;2.345,60;;2.345,60",
            "02/06/2026;ALUGUEL;0000002;;-870,00;1.475,60",
            "16/06/2026;MERCEARIA;0000003;;-45,05;1.430,55",
            "30/06/2026;ESTORNO;0000004;9,90;;1.440,45",
            "Total;;;2.355,50;-915,05;1.440,45",
            encoding="cp1252",
        ),
        currency="BRL",
    ),
    "Mexican bank in capitals": Style(
        text(
            "FECHA,DESCRIPCION,CARGO,ABONO,SALDO",
            '01/06/2026,NOMINA,,"2,345.60","2,345.60"',
            '02/06/2026,RENTA,870.00,,"1,475.60"',
            '16/06/2026,TIENDA,45.05,,"1,430.55"',
            '30/06/2026,DEVOLUCION,,9.90,"1,440.45"',
        ),
    ),
    "Danish bank with states": Style(
        text(
            '"Dato";"Tekst";"Beløb";"Saldo";"Status";"Afstemt"',
            '"01.06.2026";"Løn";"2.345,60";"2.345,60";"Udført";"Nej"',
            '"02.06.2026";"Husleje";"-870,00";"1.475,60";"Udført";"Nej"',
            '"16.06.2026";"Købmand";"-45,05";"1.430,55";"Udført";"Nej"',
            '"30.06.2026";"Garn";"9,90";"1.440,45";"Udført";"Nej"',
            encoding="cp1252",
        ),
        currency="DKK",
    ),
    "Finnish bank": Style(
        text(
            '"Kirjauspäivä";"Arvopäivä";"Määrä EUROA";"Laji";"Selitys";"Saaja/Maksaja";"Saajan tilinumero";"Viite";"Viesti";"Arkistointitunnus"',
            "2026-06-01;2026-06-01;2345,60;512;TILISIIRTO;LYHTY OY;;ref=;palkka;20260601/5AB/1",
            "2026-06-02;2026-06-02;-870,00;106;TILISIIRTO;VUOKRA OY;FI0000000000000001;ref=;vuokra;20260602/5AB/2",
            "2026-06-16;2026-06-16;-45,05;162;PKORTTIMAKSU;RUOKAKAUPPA;;ref=;;20260616/5AB/3",
            "2026-06-30;2026-06-30;9,90;512;TILISIIRTO;LANKA;;ref=;;20260630/5AB/4",
        ),
    ),
    "Russian bank, letters of Windows, dates with times": Style(
        text(
            '"Дата операции";"Дата платежа";"Номер карты";"Статус";"Сумма операции";"Валюта операции";"Сумма платежа";"Валюта платежа";"Кэшбэк";"Категория";"MCC";"Описание"',
            '"30.06.2026 11:00:00";"30.06.2026";"*1234";"OK";"9,90";"RUB";"9,90";"RUB";"";"Возвраты";"5949";"Шерсть"',
            '"16.06.2026 12:00:00";"16.06.2026";"*1234";"OK";"-45,05";"RUB";"-45,05";"RUB";"1";"Супермаркеты";"5411";"Лавка"',
            '"02.06.2026 09:00:00";"02.06.2026";"*1234";"OK";"-870,00";"RUB";"-870,00";"RUB";"";"Переводы";"";"Аренда"',
            '"01.06.2026 09:00:00";"01.06.2026";"*1234";"OK";"2345,60";"RUB";"2345,60";"RUB";"";"Зарплата";"";"Фонарь"',
            encoding="cp1251",
        ),
        currency="RUB",
        account="*1234",
    ),
    "a program that splits amounts": Style(
        text(
            "Account,Date,Payee,Notes,Category,Amount,Split_Amount,Cleared",
            "Checking,2026-06-30,Wool,,Hobby,9.9,0,Cleared",
            "Checking,2026-06-16,Pantry,,Food,-45.05,0,Cleared",
            "Checking,2026-06-02,Landlord,,Rent,-870,0,Cleared",
            "Checking,2026-06-01,Lantern,,Income,2345.6,0,Cleared",
        ),
        account="Checking",
    ),
    "an application for the telephone, headers twice": Style(
        text(
            "Date\tAccount\tCategory\tSubcategory\tNote\tINR\tIncome/Expense\tNote\tAmount\tCurrency\tAccount",
            "06/30/2026 10:00:00\tBank\tHobby\t\twool\t9.90\tIncome\t\t9.90\tINR\t9.90",
            "06/16/2026 10:00:00\tBank\tFood\t\tpantry\t45.05\tExpense\t\t45.05\tINR\t45.05",
            "06/02/2026 10:00:00\tBank\tRent\t\trent\t870\tExpense\t\t870\tINR\t870",
            "06/01/2026 10:00:00\tBank\tSalary\t\tpay\t2345.6\tIncome\t\t2345.6\tINR\t2345.6",
        ),
        currency="INR",
        account="Bank",
    ),
    "Swedish bank, two dates": Style(
        text(
            "Reskontradatum;Transaktionsdatum;Text;Belopp;Saldo",
            "2026-06-01;2026-06-01;Lön;2 345,60;2 345,60",
            "2026-06-02;2026-06-02;Hyra;-870,00;1 475,60",
            "2026-06-16;2026-06-16;Mat;-45,05;1 430,55",
            "2026-06-30;2026-06-30;Garn;9,90;1 440,45",
        ),
        currency="SEK",
    ),
    "Chinese wallet": Style(
        text(
            "交易时间,交易类型,交易对方,商品,收/支,金额(元),支付方式,当前状态,交易单号,商户单号,备注",
            "2026-06-01 08:00:00,转账,灯笼,工资,收入,¥2345.60,零钱,已存入零钱,100001,1,/",
            "2026-06-02 08:00:00,转账,房东,房租,支出,¥870.00,零钱,支付成功,100002,2,/",
            "2026-06-16 08:00:00,商户消费,超市,食品,支出,¥45.05,零钱,支付成功,100003,3,/",
            "2026-06-30 08:00:00,退款,毛线,退款,收入,¥9.90,零钱,已存入零钱,100004,4,/",
        ),
        currency="CNY",
    ),
    "American card, credits with a minus": Style(
        text(
            "Status,Date,Description,Debit,Credit,Member Name",
            "Cleared,06/30/2026,WOOL RETURN,,-9.90,PERSON",
            "Cleared,06/16/2026,PANTRY,45.05,,PERSON",
            "Cleared,06/02/2026,HARBOR HOTEL,870.00,,PERSON",
            'Cleared,06/01/2026,"ONLINE PAYMENT, THANK YOU",,"-2,345.60",PERSON',
        ),
    ),
    "fees beside the amounts, of which one stands alone": Style(
        text(
            "Type,Product,Started Date,Completed Date,Description,Amount,Fee,Currency,State,Balance",
            "TOPUP,Current,2026-06-01 10:00:00,2026-06-01 10:00:05,Lantern,2350.00,4.40,EUR,COMPLETED,2345.60",
            "ATM,Current,2026-06-02 10:00:00,2026-06-02 10:00:05,Cash,-868.00,2.00,EUR,COMPLETED,1475.60",
            "FEE,Current,2026-06-16 10:00:00,2026-06-16 10:00:05,Plan,0.00,45.05,EUR,COMPLETED,1430.55",
            "REFUND,Current,2026-06-30 10:00:00,2026-06-30 10:00:05,Wool,9.90,0.00,EUR,COMPLETED,1440.45",
        ),
    ),
    "bank in Arabic, digits of its own": Style(
        text(
            "التاريخ,الوصف,مدين,دائن,الرصيد",
            "2026/06/01,راتب,,2'345.60,2'345.60".translate(_ARABIC),
            "2026/06/02,إيجار,870.00,,1'475.60".translate(_ARABIC),
            "2026/06/16,بقالة,45.05,,1'430.55".translate(_ARABIC),
            "2026/06/30,استرداد,,9.90,1'440.45".translate(_ARABIC),
        ),
    ),
    "Japanese letters as wide as words, years of the emperor, triangles for money out": Style(
        text(
            "日付,内容,金額,残高",
            "令和8年6月1日,給与,2_345.60,2_345.60".translate(_WIDE),
            "令和8年6月2日,家賃,▲870.00,1_475.60".translate(_WIDE),
            "R8.6.16,食料品,△45.05,1430.55",
            "2026/06/30,返金,9.90,1_440.45".translate(_WIDE),
        ),
    ),
    "Thai bank, years of the Buddha": Style(
        text(
            "วันที่,รายการ,ถอน,ฝาก,คงเหลือ",
            "01/06/2569,เงินเดือน,,2345.60,2345.60",
            "02/06/2569,ค่าเช่า,870.00,,1475.60",
            "16/06/2569,อาหาร,45.05,,1430.55",
            "30/06/2569,คืนเงิน,,9.90,1440.45",
        ),
    ),
    "Brazilian bank, balances of days on lines of their own": Style(
        text(
            "Data;Lançamento;Ag./Origem;Valor (R$);Saldos (R$)",
            "lançamentos;;;;",
            "31/05/2026;SALDO ANTERIOR;;;0,00",
            "01/06/2026;REMUNERACAO/SALARIO;;2.345,60;",
            "02/06/2026;PIX ALUGUEL;;-870,00;",
            "02/06/2026;SALDO DO DIA;;;1.475,60",
            "16/06/2026;MERCADO;;-45,05;",
            "16/06/2026;SALDO DO DIA;;;1.430,55",
            "30/06/2026;ESTORNO;;9,90;",
            "30/06/2026;SALDO DO DIA;;;1.440,45",
        ),
        currency="BRL",
    ),
    "Swiss bank, a balance for each day only": Style(
        text(
            "Konto:;CH9300762011623852957",
            "",
            "Buchungsdatum;Avisierungstext;Gutschrift;Lastschrift;Saldo",
            "30.06.2026;WOLLE;9.90;;1440.45",
            "16.06.2026;LADEN;;-45.05;",
            "02.06.2026;MIETE;;-870.00;1475.60",
            "01.06.2026;LOHN;2345.60;;",
        ),
        currency="CHF",
        account="CH9300762011623852957",
    ),
    "British bank, numbers marked as text, two accounts under one name": Style(
        text(
            " Date, Type, Description, Value, Balance, Account Name, Account Number",
            "",
            '01 Jun 2026,BAC,"\'LANTERN , SALARY",2345.60,2345.60,"\'MS PERSON","\'010203-12345678",',
            '02 Jun 2026,S/O,"\'LETTINGS",-870.00,1475.60,"\'MS PERSON","\'010203-12345678",',
            '16 Jun 2026,POS,"\'PANTRY",-45.05,1430.55,"\'MS PERSON","\'010203-12345678",',
            '30 Jun 2026,POS,"\'WOOL",9.90,1440.45,"\'MS PERSON","\'010203-12345678",',
        ),
        account="010203-12345678",
        facts=(("text", ("LANTERN , SALARY", "LETTINGS", "PANTRY", "WOOL")),),
    ),
}
