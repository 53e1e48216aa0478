"""What this bank knows about a person: its features, declared once, computed alike live and in replay.

A series says which events count and what each is worth; a feature says what is made of a series over a window. Titles
are read by people as reasons for decisions, so they are noun phrases without jargon.

Windows: `30d` is today so far and the 29 days before, in the bank's timezone; `2h` is exactly the last two hours.
What comes by a rhythm, such as a salary, is counted once a month wherever its days fall (`regular_total`,
`regular_trend`). Amounts are in minor units of the bank's currency; while they come in others only, a feature is
unknown. See docs/features.md.
"""

from marketofone.features.declare import (
    active,
    age,
    count,
    days,
    distinct,
    habit_ratio,
    last,
    mean,
    regular_total,
    regular_trend,
    series,
    share,
    since,
    total,
    trend,
)

# ---------------------------------------------------------------------------------------------------- series

# What movements are: see docs/events.md. None is what too little is known of: money in is then no income.
INCOME = ("salary", "pension", "benefit", "interest", "other_income")
SPENT = ("spending", "loan_payment", "fee", "cash", "refund", "reversal", "returned_debit", None)  # refunds net it
OWN = ("own_transfer", "card_bill", "loan_paid_out")  # it makes the customer no richer and no poorer
NEEDED = ("rent", "utilities", "telecom", "groceries", "household", "insurance", "loan", "tax", "health", "transport")
CHILDREN = ("children", "childcare", "education")

income = series("income", kind="transaction.booked", where={"nature": INCOME}, value="inflow_minor")
salary = series(
    "salary",
    kind="transaction.booked",
    where={"nature": "salary"},
    unless={"category": "bonus"},
    value="inflow_minor",
)
spend = series("spend", kind="transaction.booked", where={"nature": SPENT}, value="spent_minor")
net = series("net", kind="transaction.booked", unless={"nature": OWN}, value="amount_minor")
debits = series("debits", kind="transaction.booked", value="debit")
dining = series("dining", kind="transaction.booked", where={"category": "dining"}, value="spent_minor")
groceries = series("groceries", kind="transaction.booked", where={"category": "groceries"}, value="spent_minor")
needed = series("needed", kind="transaction.booked", where={"category": NEEDED}, value="spent_minor")
children = series("children", kind="transaction.booked", where={"category": CHILDREN}, value="spent_minor")
cash = series("cash", kind="transaction.booked", where={"nature": "cash"}, value="outflow_minor")
travel = series("travel", kind="transaction.booked", where={"category": "travel"}, value="spent_minor")
fees = series("fees", kind="transaction.booked", where={"nature": "fee"}, value="spent_minor")
shops = series(
    "shops", kind="transaction.booked", where={"nature": ("spending", None)}, unless={"merchant": None}, per="merchant"
)
balances = series(
    "balances",
    kind=("transaction.booked", "balance.stated"),
    value="balance_minor",
    per="account",
    spendable=True,
)
accounts = series("accounts", kind="account.opened")
products = series("products", kind=("account.opened", "product.opened", "product.closed"), value="held", per="product")

visits = series("visits", kind="app.opened")
errors = series("errors", kind="app.failed")
functions = series("functions", kind="app.feature", per="feature")
searches = series("searches", kind="app.searched")
travel_searches = series("travel_searches", kind="app.searched", where={"topics": "travel"})
screens = series("screens", kind="app.screen", value="dwell_ms")

elsewhere = ("institution", "account")
other_accounts = series("other_accounts", kind=("openbanking.balance", "openbanking.transaction"), per=elsewhere)
other_balances = series(
    "other_balances",
    kind="openbanking.balance",
    where={"type": (None, "current", "savings")},
    value="balance_minor",
    per=elsewhere,
)
other_spend = series("other_spend", kind="openbanking.transaction", where={"nature": SPENT}, value="spent_minor")

airports = series("airports", kind="place.visited", where={"venue": "airport"})
abroad = series("abroad", kind="place.visited", where={"venue": "abroad"})

child_searches = series("child_searches", kind="partner.searched", where={"topics": "child"})
home_searches = series("home_searches", kind="partner.searched", where={"topics": "home"})
changes = series("changes", kind="life.declared")
child = series("child", kind="life.declared", where={"event": "child"})
move = series("move", kind="life.declared", where={"event": "move"})
job_loss = series("job_loss", kind="life.declared", where={"event": "job_loss"})
retirement = series("retirement", kind="life.declared", where={"event": "retirement"})
bereavement = series("bereavement", kind="life.declared", where={"event": "bereavement"})

messages = series("messages", kind="message.received")
negative = series("negative", kind="message.received", where={"sentiment": "negative"})
upset = series("upset", kind="message.received", where={"sentiment": "negative", "emotion": ("upset", "worried")})
fee_questions = series("fee_questions", kind="message.received", where={"topics": "fees"})

arrears = series("arrears", kind="arrears.changed", value="in_arrears")
care = series("care", kind="care.flagged", value="until", per="driver")

# -------------------------------------------------------------------------------------------------- features

FEATURES = (
    # Accounts and payments here
    regular_total("income_30d", income, unit="minor", owner="insights", title="income of a month"),
    total("income_90d", income, window="90d", unit="minor", owner="insights", title="income in the last 90 days"),
    total("income_365d", income, window="365d", unit="minor", owner="insights", title="income in the last year"),
    since("days_since_income", income, owner="insights", title="days since the last income"),
    regular_trend("salary_trend", salary, owner="insights", title="change of salary against the months before"),
    total("spend_1d", spend, window="1d", unit="minor", owner="insights", title="spending today"),
    total("spend_7d", spend, window="7d", unit="minor", owner="insights", title="spending in the last 7 days"),
    total("spend_30d", spend, window="30d", unit="minor", owner="insights", title="spending in the last 30 days"),
    total("spend_90d", spend, window="90d", unit="minor", owner="insights", title="spending in the last 90 days"),
    mean("mean_spend_90d", spend, window="90d", unit="minor", owner="insights", title="usual size of a payment"),
    total("net_30d", net, window="30d", unit="minor", owner="insights", title="money in less money out in 30 days"),
    share("savings_rate_90d", net, whole=income, window="90d", owner="insights", title="share of income left over"),
    share(
        "needed_share_90d", needed, whole=spend, window="90d", owner="insights", title="share of spending hard to cut"
    ),
    last("balance_last", balances, window="120d", unit="minor", owner="insights", title="balance of the accounts here"),
    total("dining_30d", dining, window="30d", unit="minor", owner="insights", title="dining out in the last 30 days"),
    habit_ratio(
        "dining_vs_habit",
        dining,
        recent="30d",
        habit="180d",
        owner="insights",
        title="dining out against your own habit",
    ),
    total(
        "groceries_30d", groceries, window="30d", unit="minor", owner="insights", title="groceries in the last 30 days"
    ),
    habit_ratio(
        "groceries_vs_habit",
        groceries,
        recent="30d",
        habit="180d",
        owner="insights",
        title="groceries against your own habit",
    ),
    total(
        "children_90d", children, window="90d", unit="minor", owner="marketing", title="spending on children in 90 days"
    ),
    total("cash_30d", cash, window="30d", unit="minor", owner="insights", title="cash taken out in the last 30 days"),
    total(
        "travel_spend_90d", travel, window="90d", unit="minor", owner="marketing", title="travel in the last 90 days"
    ),
    total("fees_90d", fees, window="90d", unit="minor", owner="insights", title="fees paid in the last 90 days"),
    count("fees_paid_7d", fees, window="7d", owner="insights", title="times a fee was paid in the last 7 days"),
    distinct("shops_30d", shops, window="30d", owner="insights", title="different shops paid in the last 30 days"),
    count("debits_15m", debits, window="15m", owner="care", title="payments in the last 15 minutes"),
    count("debits_2h", debits, window="2h", owner="care", title="payments in the last two hours"),
    habit_ratio(
        "debits_vs_habit",
        debits,
        recent="24h",
        habit="90d",
        owner="care",
        title="payments of 24 hours against your own habit",
    ),
    habit_ratio(
        "debits_3d_vs_habit",
        debits,
        recent="3d",
        habit="90d",
        owner="care",
        title="payments of three days against your own habit",
    ),
    age("account_age_days", accounts, owner="insights", title="days since your first account here"),
    last("products_held", products, unit="count", owner="marketing", title="products held here"),
    # The app
    count("app_opens_7d", visits, window="7d", owner="app", title="visits to the app in the last 7 days"),
    count("app_opens_30d", visits, window="30d", owner="app", title="visits to the app in the last 30 days"),
    trend(
        "app_opens_trend", visits, window="30d", owner="app", title="change of app visits against the 30 days before"
    ),
    since("days_since_app", visits, owner="app", title="days since the last visit to the app"),
    count("app_errors_7d", errors, window="7d", owner="app", title="errors in the app in the last 7 days"),
    count("searches_15m", searches, window="15m", owner="app", title="searches in the app in the last 15 minutes"),
    count("searches_7d", searches, window="7d", owner="app", title="searches in the app in the last 7 days"),
    count("travel_searches_30d", travel_searches, window="30d", owner="marketing", title="searches about travel"),
    distinct("distinct_features_30d", functions, window="30d", owner="app", title="different app functions used"),
    mean("mean_dwell_30d", screens, window="30d", unit="ms", owner="app", title="usual time on a screen"),
    # Accounts at other banks
    last(
        "other_bank_balance", other_balances, window="120d", unit="minor", owner="insights", title="balance elsewhere"
    ),
    total(
        "other_bank_spend_30d", other_spend, window="30d", unit="minor", owner="insights", title="spending elsewhere"
    ),
    distinct("other_bank_accounts", other_accounts, window="120d", owner="insights", title="accounts at other banks"),
    # Places
    count("airport_visit_2h", airports, window="2h", owner="marketing", title="an airport in the last two hours"),
    days("airport_visits_7d", airports, window="7d", owner="marketing", title="days at an airport in the last 7 days"),
    days("abroad_days_30d", abroad, window="30d", owner="marketing", title="days abroad in the last 30 days"),
    # Life events
    count("child_searches_2h", child_searches, window="2h", owner="marketing", title="searches about a child just now"),
    count("child_searches_30d", child_searches, window="30d", owner="marketing", title="searches about a child"),
    count("home_searches_30d", home_searches, window="30d", owner="marketing", title="searches about a home"),
    count("life_child_365d", child, window="365d", owner="marketing", title="a child in the last year"),
    count("life_changes_180d", changes, window="180d", owner="marketing", title="changes in your life in half a year"),
    since("life_child_days", child, owner="marketing", title="days since you told us about a child"),
    since("life_move_days", move, owner="marketing", title="days since you told us about a move"),
    since("life_job_loss_days", job_loss, owner="care", title="days since you told us about a lost job"),
    since("life_retirement_days", retirement, owner="marketing", title="days since you told us about retirement"),
    since("life_bereavement_days", bereavement, owner="care", title="days since you told us about a bereavement"),
    # Messages
    count("messages_30d", messages, window="30d", owner="care", title="messages to us in the last 30 days"),
    count("negative_messages_30d", negative, window="30d", owner="care", title="unhappy messages in the last 30 days"),
    count("negative_messages_7d", negative, window="7d", owner="care", title="unhappy messages in the last 7 days"),
    count("upset_messages_3d", upset, window="3d", owner="care", title="upset or worried messages in the last 3 days"),
    count("upset_2h", upset, window="2h", owner="care", title="upset or worried messages in the last two hours"),
    count("fee_questions_90d", fee_questions, window="90d", owner="care", title="messages about fees in 90 days"),
    # Protection: a legal duty. These only ever stop offers, and never enter the context.
    last("in_arrears", arrears, unit="flag", owner="protection", title="a payment in arrears"),
    active("vulnerable", care, owner="protection", title="a need for special care"),
)

# What the bandit learns from, each with a typical magnitude in its unit: a value of this size counts one half.
CONTEXT = {
    "income_30d": 200_000,
    "salary_trend": 0.2,
    "net_30d": 100_000,
    "savings_rate_90d": 0.2,
    "balance_last": 300_000,
    "dining_vs_habit": 1,
    "groceries_vs_habit": 1,
    "cash_30d": 20_000,
    "travel_spend_90d": 50_000,
    "fees_90d": 2_000,
    "debits_vs_habit": 2,
    "account_age_days": 730,
    "products_held": 3,
    "app_opens_7d": 5,
    "app_opens_trend": 0.5,
    "app_errors_7d": 1,
    "distinct_features_30d": 3,
    "travel_searches_30d": 2,
    "other_bank_balance": 300_000,
    "other_bank_spend_30d": 100_000,
    "airport_visits_7d": 1,
    "abroad_days_30d": 3,
    "child_searches_30d": 2,
    "home_searches_30d": 2,
    "life_child_365d": 1,
    "life_changes_180d": 1,
    "messages_30d": 2,
    "upset_messages_3d": 1,
}

# The same titles in German, for bank.toml [pages].
TITLES = {
    "de": {
        "income_30d": "Einkommen eines Monats",
        "income_90d": "Einkommen der letzten 90 Tage",
        "income_365d": "Einkommen des letzten Jahres",
        "days_since_income": "Tage seit dem letzten Einkommen",
        "salary_trend": "Änderung des Gehalts gegenüber den Monaten davor",
        "spend_1d": "Ausgaben heute",
        "spend_7d": "Ausgaben der letzten 7 Tage",
        "spend_30d": "Ausgaben der letzten 30 Tage",
        "spend_90d": "Ausgaben der letzten 90 Tage",
        "mean_spend_90d": "übliche Höhe einer Zahlung",
        "net_30d": "Eingänge weniger Ausgänge in 30 Tagen",
        "savings_rate_90d": "Anteil des Einkommens, der übrig blieb",
        "needed_share_90d": "Anteil der Ausgaben, der schwer zu kürzen ist",
        "balance_last": "Stand der Konten hier",
        "dining_30d": "Essengehen in den letzten 30 Tagen",
        "dining_vs_habit": "Essengehen gegenüber Ihrer eigenen Gewohnheit",
        "groceries_30d": "Lebensmittel in den letzten 30 Tagen",
        "groceries_vs_habit": "Lebensmittel gegenüber Ihrer eigenen Gewohnheit",
        "children_90d": "Ausgaben für Kinder in 90 Tagen",
        "cash_30d": "abgehobenes Bargeld in den letzten 30 Tagen",
        "travel_spend_90d": "Reisen in den letzten 90 Tagen",
        "fees_90d": "Gebühren in den letzten 90 Tagen",
        "fees_paid_7d": "wie oft in den letzten 7 Tagen eine Gebühr bezahlt wurde",
        "shops_30d": "verschiedene Geschäfte in den letzten 30 Tagen",
        "debits_15m": "Zahlungen in den letzten 15 Minuten",
        "debits_2h": "Zahlungen in den letzten zwei Stunden",
        "debits_vs_habit": "Zahlungen von 24 Stunden gegenüber Ihrer eigenen Gewohnheit",
        "debits_3d_vs_habit": "Zahlungen von drei Tagen gegenüber Ihrer eigenen Gewohnheit",
        "account_age_days": "Tage seit Ihrem ersten Konto hier",
        "products_held": "Produkte, die Sie hier haben",
        "app_opens_7d": "Besuche der App in den letzten 7 Tagen",
        "app_opens_30d": "Besuche der App in den letzten 30 Tagen",
        "app_opens_trend": "Änderung der App-Besuche gegenüber den 30 Tagen davor",
        "days_since_app": "Tage seit dem letzten Besuch der App",
        "app_errors_7d": "Fehler in der App in den letzten 7 Tagen",
        "searches_15m": "Suchen in der App in den letzten 15 Minuten",
        "searches_7d": "Suchen in der App in den letzten 7 Tagen",
        "travel_searches_30d": "Suchen nach Reisen",
        "distinct_features_30d": "verschiedene genutzte Funktionen der App",
        "mean_dwell_30d": "übliche Zeit auf einem Bildschirm",
        "other_bank_balance": "Kontostand bei anderen Banken",
        "other_bank_spend_30d": "Ausgaben bei anderen Banken",
        "other_bank_accounts": "Konten bei anderen Banken",
        "airport_visit_2h": "ein Flughafen in den letzten zwei Stunden",
        "airport_visits_7d": "Tage an einem Flughafen in den letzten 7 Tagen",
        "abroad_days_30d": "Tage im Ausland in den letzten 30 Tagen",
        "child_searches_2h": "Suchen rund um ein Kind, gerade eben",
        "child_searches_30d": "Suchen rund um ein Kind",
        "home_searches_30d": "Suchen rund um ein Zuhause",
        "life_child_365d": "ein Kind im letzten Jahr",
        "life_changes_180d": "Änderungen in Ihrem Leben im letzten halben Jahr",
        "life_child_days": "Tage, seit Sie uns von einem Kind erzählt haben",
        "life_move_days": "Tage, seit Sie uns von einem Umzug erzählt haben",
        "life_job_loss_days": "Tage, seit Sie uns vom Verlust Ihrer Stelle erzählt haben",
        "life_retirement_days": "Tage, seit Sie uns von der Rente erzählt haben",
        "life_bereavement_days": "Tage, seit Sie uns von einem Trauerfall erzählt haben",
        "messages_30d": "Nachrichten an uns in den letzten 30 Tagen",
        "negative_messages_30d": "unzufriedene Nachrichten in den letzten 30 Tagen",
        "negative_messages_7d": "unzufriedene Nachrichten in den letzten 7 Tagen",
        "upset_messages_3d": "aufgebrachte oder besorgte Nachrichten in den letzten 3 Tagen",
        "upset_2h": "aufgebrachte oder besorgte Nachrichten in den letzten zwei Stunden",
        "fee_questions_90d": "Nachrichten über Gebühren in 90 Tagen",
        "in_arrears": "eine Zahlung im Rückstand",
        "vulnerable": "ein besonderer Schutzbedarf",
    },
}
