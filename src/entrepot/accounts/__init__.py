"""Accounts: people, how they sign in, and where they live.

A user is a pseudonym (an id, a role, a cell) that orders, events and the ledger may name for ever. What tells who it
is (log-in, person, addresses) lies in rows of its own and goes with `erase`. A buyer may have no log-in at all: those
that an import brought in, and guests, who buy with an e-mail and an address: whoever has their session is them,
until it becomes an account by registering, and the link in a letter opens one purchase (docs/adr/0040).

Invariants:
  a buyer has a wallet in the ledger for each currency that a market had when it was registered; those of later markets
  are opened when money comes in (`open_wallets`);
  e-mails are kept in lower case, each once; a password is kept as its argon2 hash, which is never made or checked
  inside a transaction;
  a session is signed and lasts twelve hours; all of a user's are ended by counting its `generation` up, which every
  process knows within a second;
  log-ins fail at most EMAIL_FAILURES times for an e-mail and ADDRESS_FAILURES times from an address in WINDOW.

Events: buyer_registered, buyer_erased (key: the user's id; no data), sessions_ended (key: the user's id; data: by),
email_to_prove (key: the user's id; no data).
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
from entrepot.accounts.guests import (
    add_guest,
    ask_proof,
    follow_link,
    guests_among,
    keep_link,
    link_token,
    open_own,
    proof_token,
    prove,
    register_guest,
    same_email,
    set_guest_email,
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
from entrepot.accounts.sessions import Session, Sessions, session_of
from entrepot.accounts.types import (
    Address,
    AddressForm,
    AddressNotValid,
    EmailNeeded,
    EmailTaken,
    Me,
    Member,
    NewAddress,
    NotAGuest,
    SavedAddress,
    TooManyAddresses,
    WrongCredentials,
)

__all__ = [
    "Address", "AddressForm", "AddressNotValid", "EmailNeeded", "EmailTaken", "Me", "Member", "NewAddress", "NotAGuest",
    "SavedAddress", "Session", "Sessions", "TooManyAddresses", "WrongCredentials", "add_address", "add_guest",
    "add_staff", "address", "address_form", "address_lines", "addresses", "ask_proof", "cell_of", "change_address",
    "countries_of", "delete_address", "emails", "end_sessions", "follow_link", "guests_among", "import_buyers",
    "keep_link", "latin_address", "link_token", "make_default", "me", "member_since", "names", "open_own",
    "open_wallets", "operators", "proof_token", "prove", "register_buyer", "register_guest", "same_email",
    "saved_address", "session_of", "set_guest_email", "sign_in", "staff",
]  # fmt: skip
