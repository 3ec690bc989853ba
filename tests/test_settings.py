"""The environment is read once, and a value that cannot be used is named in one line."""

import os
from pathlib import Path

import pytest

from entrepot import cli, settings
from entrepot.world import sandbox


def test_defaults_and_where_home_is(tmp_path: Path) -> None:
    found = settings.load({"HOME": str(tmp_path)})
    assert found.home == tmp_path / ".local" / "share" / "entrepot"
    assert (found.database_url, found.data, found.host, found.port) == ("", None, "127.0.0.1", 8000)
    assert settings.load({"XDG_DATA_HOME": str(tmp_path), "HOME": "/"}).home == tmp_path / "entrepot"
    assert settings.load({"ENTREPOT_HOME": str(tmp_path), "HOME": "/"}).home == tmp_path


def test_the_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    environ = {"ENTREPOT_HOME": str(tmp_path / "home")}
    first = settings.load(environ)
    assert len(first.secret) >= settings.SECRET_MIN
    assert settings.load(environ).secret == first.secret
    assert (tmp_path / "home" / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["secret"]
    assert first.secret not in repr(first)
    given = settings.load(environ | {"ENTREPOT_SECRET": "s" * 32})
    assert given.secret == "s" * 32


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ENTREPOT_PORT", "0", "ENTREPOT_PORT must be a whole number from 1 to 65535, not '0'"),
        ("ENTREPOT_PORT", "65536", "ENTREPOT_PORT must be a whole number from 1 to 65535, not '65536'"),
        ("ENTREPOT_PORT", "٨٠", "ENTREPOT_PORT must be a whole number from 1 to 65535, not '٨٠'"),
        ("ENTREPOT_WORKERS", "two", "ENTREPOT_WORKERS must be a whole number from 1 to 64, not 'two'"),
        ("ENTREPOT_RATE_PER_S", "-1", "ENTREPOT_RATE_PER_S must be a whole number from 0 to 1000000, not '-1'"),
        ("ENTREPOT_PROXIES", "*", "ENTREPOT_PROXIES must be addresses or networks with commas between, not '*'"),
        ("ENTREPOT_DATABASE_URL", "mysql://x", "ENTREPOT_DATABASE_URL must begin with postgresql://"),
        (
            "ENTREPOT_SMTP_URL",
            "ftp://ada:secret@mail.example",
            "ENTREPOT_SMTP_URL must begin with smtp:// or smtps:// and name a host",
        ),
        (
            "ENTREPOT_SMTP_URL",
            "smtps://ada:secret@mail.example",
            "with ENTREPOT_SMTP_URL goes ENTREPOT_MAIL_FROM, the address that mail is sent from",
        ),
        ("ENTREPOT_MAIL_FROM", "a@b.example\nBcc: c@d.example", "ENTREPOT_MAIL_FROM must be an e-mail address"),
        ("ENTREPOT_SECRET", "short", "ENTREPOT_SECRET must have at least 32 characters"),
        ("ENTREPOT_HOME", "/dev/null", "/dev/null: File exists: set ENTREPOT_HOME to a folder of yours"),
    ],
)
def test_a_bad_value_is_one_line_and_exit_code_2(
    name: str,
    value: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for known in [known for known in os.environ if known.startswith("ENTREPOT_")]:
        monkeypatch.delenv(known)
    monkeypatch.setenv("ENTREPOT_HOME", str(tmp_path))
    monkeypatch.setenv(name, value)
    assert cli.main(["migrate"]) == 2
    assert capsys.readouterr().err == f"entrepot: {message}\n"
    assert list(tmp_path.iterdir()) == []


STRIPE = {"KEY": "sk_test_1", "PUBLISHABLE_KEY": "pk_test_1", "WEBHOOK_SECRET": "whsec_1"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"KEY": "pk_test_1"}, "ENTREPOT_STRIPE_KEY must begin with sk_ or rk_"),
        ({"WEBHOOK_SECRET": "sk_test_1"}, "ENTREPOT_STRIPE_WEBHOOK_SECRET must begin with whsec_"),
        ({"PUBLISHABLE_KEY": "pk test"}, "ENTREPOT_STRIPE_PUBLISHABLE_KEY must begin with pk_"),
        ({"WEBHOOK_SECRET": ""}, "payment through Stripe needs ENTREPOT_STRIPE_WEBHOOK_SECRET, too"),
        ({"KEY": "sk_live_1"}, "one is live, the other a test's"),
        ({"URL": "http://stripe.example"}, "ENTREPOT_STRIPE_URL must begin with https:// unless it is on this machine"),
        ({"URL": "ftp://x"}, "ENTREPOT_STRIPE_URL must begin with http"),
    ],
)
def test_stripes_keys_are_all_there_of_one_kind_and_never_repeated(
    change: dict[str, str], message: str, tmp_path: Path
) -> None:
    def load(change: dict[str, str]) -> settings.Settings:
        given = {f"ENTREPOT_STRIPE_{name}": value for name, value in (STRIPE | change).items()}
        return settings.load({"ENTREPOT_HOME": str(tmp_path), **given})

    found = load({})
    assert found.stripe == settings.Stripe("sk_test_1", "pk_test_1", "whsec_1", "https://api.stripe.com")
    assert all(secret not in repr(found) for secret in ("sk_test_1", "whsec_1"))
    with sandbox.beside(found) as unchanged:  # nobody pays with play money beside it
        assert unchanged is found
    with pytest.raises(settings.SettingsError, match=message) as refused:
        load(change)
    assert all(value not in str(refused.value) for name, value in change.items() if name != "URL" and value)


def test_without_any_home_it_says_so() -> None:
    with pytest.raises(settings.SettingsError, match="there is no HOME to keep data in: set ENTREPOT_HOME"):
        settings.load({})


def test_a_database_that_is_down_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENTREPOT_HOME", str(tmp_path))
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", "postgresql://entrepot@127.0.0.1:1/shop")
    assert cli.main(["migrate"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("entrepot: no database answers (")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("audit --watch --share 0", "--share must be above 0 and at most 1, not 0"),
        ("audit --watch --share nan", "--share must be above 0 and at most 1, not nan"),
        ("audit --watch --metrics 99999", "--metrics must be a port from 1 to 65535, not 99999"),
        ("up --port 0", "--port must be a whole number from 1 to 65535, not 0"),
        ("sim --seed 7 --steps 0", "--steps must be 1 or more, not 0"),
        ("sim --seed x", "--seed is 7, or several, up to 100,000, as in 1-200,5000; not 'x'"),
    ],
)
def test_a_bad_option_is_one_line_and_exit_code_2(
    command: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENTREPOT_HOME", str(tmp_path))
    monkeypatch.setenv("ENTREPOT_DATABASE_URL", "postgresql://entrepot@127.0.0.1:1/shop")
    assert cli.main(command.split()) == 2
    assert capsys.readouterr().err == f"entrepot: {message}\n"
