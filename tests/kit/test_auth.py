"""Sessions that nobody can forge, forms that no other site can post, secrets that need the secret."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kit import auth
from entrepot.kit.auth import SESSION_TTL, TOKEN_MAX, Keys, Role, hash_password, password_fits
from entrepot.kit.problem import Overloaded

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEYS = Keys(b"a secret of the tests, long enough")
OTHER = Keys(b"another secret of the tests, as long")
USER, SELLER = UUID(int=7), UUID(int=8)
TOKEN = KEYS.session(Role.SELLER, USER, NOW, cell=3, seller_id=SELLER)


def test_a_token_says_who_until_when() -> None:
    caller = KEYS.caller(TOKEN, NOW)
    assert caller is not None
    assert (caller.role, caller.user_id, caller.cell, caller.seller_id) == (Role.SELLER, USER, 3, SELLER)
    assert caller.expires == int((NOW + SESSION_TTL).timestamp())


def test_a_token_expires_to_the_second() -> None:
    assert KEYS.caller(TOKEN, NOW + SESSION_TTL - timedelta(seconds=1)) is not None
    assert KEYS.caller(TOKEN, NOW + SESSION_TTL) is None


def test_another_secret_does_not_know_the_token() -> None:
    assert OTHER.caller(TOKEN, NOW) is None
    assert KEYS.caller(OTHER.session(Role.OPERATOR, USER, NOW), NOW) is None


def test_no_beginning_of_a_token_is_a_token() -> None:
    assert [n for n in range(len(TOKEN)) if KEYS.caller(TOKEN[:n], NOW)] == []


def test_no_changed_character_leaves_another_caller() -> None:
    real = KEYS.caller(TOKEN, NOW)
    for place, old in enumerate(TOKEN):
        for new in "AQgz09-_.=":
            if new != old:
                # The last character of the signature has two bits that say nothing; what is signed is the same then.
                assert KEYS.caller(TOKEN[:place] + new + TOKEN[place + 1 :], NOW) in (None, real)


@given(st.text(max_size=60))
def test_no_text_is_a_token(text: str) -> None:
    assert KEYS.caller(text, NOW) is None
    assert KEYS.caller(f"{TOKEN}{text or '.'}", NOW) in (None, KEYS.caller(TOKEN, NOW))


def test_what_is_too_long_to_be_ours_is_not_remembered() -> None:
    """A process remembers thousands of tokens that it has looked at; strangers must not fill it with long ones."""
    keys = Keys(b"a secret of the tests, long enough")
    assert len(TOKEN) < TOKEN_MAX  # with a seller's id, the longest there is
    assert keys.caller(TOKEN, NOW) is not None
    assert [keys.caller(f"{n}{'A' * TOKEN_MAX}", NOW) for n in range(3)] == [None] * 3
    assert keys._verified.cache_info().currsize == 1


def test_what_is_signed_for_another_use_is_no_session() -> None:
    payload, _, _ = TOKEN.rpartition(".")
    form = KEYS.form_token(payload)
    assert KEYS.caller(f"{payload}.{form}", NOW) is None
    signed = base64.urlsafe_b64encode(bytes.fromhex(form)).decode().rstrip("=")
    assert KEYS.caller(f"{payload}.{signed}", NOW) is None


def test_a_form_token_fits_its_session_only() -> None:
    form = KEYS.form_token(TOKEN)
    assert KEYS.form_token_fits(TOKEN, form)
    for session, token in ((TOKEN + "x", form), (TOKEN, form[:-1]), (TOKEN, ""), (TOKEN, "ü" + form[1:])):
        assert not KEYS.form_token_fits(session, token)
    assert not OTHER.form_token_fits(TOKEN, form)


@given(st.binary(max_size=200))
def test_secrets_come_back_whole_and_look_like_nothing(plain: bytes) -> None:
    sealed = KEYS.encrypt(plain)
    assert KEYS.decrypt(sealed) == plain
    assert len(plain) < 8 or plain not in base64.urlsafe_b64decode(sealed)
    assert KEYS.encrypt(plain) != sealed


def test_a_spoiled_secret_is_refused() -> None:
    sealed = KEYS.encrypt(b"webhook key")
    spoiled = [sealed[:-4], b"", sealed[:30] + bytes([sealed[30] ^ 1]) + sealed[31:], b"\xff"]
    for keys, bad in [*((KEYS, bad) for bad in spoiled), (OTHER, sealed)]:
        with pytest.raises(ValueError, match="sealed with another"):
            keys.decrypt(bad)


async def test_passwords_wait_in_a_short_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "HASHING_MAX", 2)
    done = await asyncio.gather(*(hash_password("a password") for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in done] == [str, str, Overloaded]
    assert await password_fits(str(done[0]), "a password")


async def test_passwords() -> None:
    kept = await hash_password("correct horse")
    assert kept.startswith("$argon2id$")
    assert kept != await hash_password("correct horse")
    assert await password_fits(kept, "correct horse")
    assert not await password_fits(kept, "correct horsf")
    assert not await password_fits("no hash at all", "correct horse")
