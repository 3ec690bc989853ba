"""Accounts: people, how they sign in, and where they live.

A user is a pseudonym (an id, a role, a cell) that orders, events and the ledger may name for ever. What tells who it
is (log-in, person, addresses) lies in rows of its own and goes with `erase`. A buyer may have no log-in at all: those
that an import brought in.

Invariants:
  a buyer has a wallet in the ledger for each currency that a market had when it was registered; those of later markets
  are opened when money comes in (`open_wallets`);
  e-mails are kept in lower case, each once; a password is kept as its argon2 hash, which is never made or checked
  inside a transaction;
  a session is signed and lasts twelve hours; all of a user's are ended by counting its `generation` up, which every
  process knows within a second;
  log-ins fail at most EMAIL_FAILURES times for an e-mail and ADDRESS_FAILURES times from an address in WINDOW.

Events: buyer_registered, buyer_erased (key: the user's id; no data), sessions_ended (key: the user's id; data: by).
"""

from entrepot.accounts.actions import (
    add_address,
    add_staff,
    change_address,
    delete_address,
    end_sessions,
    import_buyers,
    make_default,
    open_wallets,
    register_buyer,
    sign_in,
)
from entrepot.accounts.postal import form as address_form
from entrepot.accounts.postal import latin as latin_address
from entrepot.accounts.postal import lines as address_lines
from entrepot.accounts.reads import (
    address,
    addresses,
    cell_of,
    countries_of,
    emails,
    me,
    member_since,
    names,
    operators,
    saved_address,
    staff,
)
from entrepot.accounts.sessions import Sessions
from entrepot.accounts.types import (
    Address,
    AddressForm,
    AddressNotValid,
    EmailTaken,
    Me,
    Member,
    NewAddress,
    SavedAddress,
    TooManyAddresses,
    WrongCredentials,
)

__all__ = [
    "Address", "AddressForm", "AddressNotValid", "EmailTaken", "Me", "Member", "NewAddress", "SavedAddress", "Sessions",
    "TooManyAddresses", "WrongCredentials", "add_address", "add_staff", "address", "address_form", "address_lines",
    "addresses", "cell_of", "change_address", "countries_of", "delete_address", "emails", "end_sessions",
    "import_buyers", "latin_address", "make_default", "me", "member_since", "names", "open_wallets", "operators",
    "register_buyer", "saved_address", "sign_in", "staff",
]  # fmt: skip
