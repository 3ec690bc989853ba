"""The pages: storefront, seller's office and operator's desk, rendered on the server.

They use the rooms' front doors as the API does, and hold no SQL and no rules. Every page works without JavaScript.
Pages read; forms act and then send the browser on. A form carries its session's token (kit.auth), pages of members and
pages of others' things answer 404 alike.

render: languages, formats, templates; words: names of codes and refusals; visit: a request and the two kinds of routes;
pictures, chart: drawn on the server. `languages/*.po` are the translations, read when the process starts.
"""

from entrepot.web import (
    account,
    addresses,
    bank,
    bond,
    books,
    borders,
    campaigns,
    channels,
    chargebacks,
    checkout,
    credit,
    debts,
    discounts,
    disputes,
    fees,
    fraud,
    guests,
    holds,
    messages,
    metering,
    operator,
    parts,
    purchases,
    reviews,
    rules,
    seller,
    slots,
    statements,
    static_files,
    stock,
    storefront,
    switchboard,
    tax,
    taxes,
    texts,
    trust,
    webhooks,
)
from entrepot.web.visit import problem_page

routes = [
    *static_files.routes,
    *storefront.routes,
    *campaigns.routes,
    *account.routes,
    *addresses.routes,
    *checkout.routes,
    *guests.routes,
    *credit.routes,
    *purchases.routes,
    *parts.routes,
    *disputes.routes,
    *chargebacks.routes,
    *reviews.routes,
    *seller.routes,
    *statements.routes,
    *tax.routes,
    *stock.routes,
    *operator.routes,
    *slots.routes,
    *bank.routes,
    *debts.routes,
    *discounts.routes,
    *fees.routes,
    *metering.routes,
    *books.routes,
    *rules.routes,
    *borders.routes,
    *texts.routes,
    *taxes.routes,
    *bond.routes,
    *channels.routes,
    *holds.routes,
    *fraud.routes,
    *switchboard.routes,
    *trust.routes,
    *messages.routes,
    *webhooks.routes,
]

__all__ = ["problem_page", "routes"]
