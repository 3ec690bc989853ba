"""What this process was told by its environment. Read once, at the edge."""

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

SECRET_MIN = 32  # characters
PORT_MAX = 65535
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}")


class SettingsError(Exception):
    """An environment variable has a value that cannot be used; the message is one line that names it."""


@dataclass(frozen=True)
class Stripe:
    key: str = field(repr=False)  # for our calls: sk_... or, with less rights, rk_...
    publishable_key: str  # for Stripe's script in browsers: pk_...
    webhook_secret: str = field(repr=False)  # whsec_...
    url: str


@dataclass(frozen=True)
class Settings:
    database_url: str = field(repr=False)  # empty: the embedded PostgreSQL under `home`, which the command starts
    home: Path  # what this installation keeps: embedded data, secret, log
    data: Path | None  # the folder of real data sets, where there is one
    secret: str = field(repr=False)  # signs sessions and derives the keys of what is encrypted at rest
    host: str
    port: int
    workers: int  # processes that serve HTTP
    rate_per_s: int  # requests of one caller that each of them answers in a second, in the long run; 0: any number
    proxies: tuple[str, ...]  # addresses or networks whose X-Forwarded-For and -Proto headers are believed
    public_url: str  # what buyers' browsers call us, without a slash at its end
    smtp_url: str = field(repr=False)  # smtp:// or smtps:// with who signs in; empty: mail is kept and shown, not sent
    mail_from: str  # what mail is sent from
    sms_url: str = field(repr=False)  # where text messages are asked for, with the key that signs; empty: none are
    customs_url: str = field(repr=False)  # where declarations go, with the key that signs; empty: they wait
    sandbox_url: str  # the sandbox gateway; empty: there is none
    stripe: Stripe | None = None
    webhooks_private: bool = False  # whether webhooks may go to private addresses, and without TLS: for tests and demos
    fraud_private: bool = False  # whether the service that orders are judged by may be in a private network


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. Makes `home` and a secret in it if none is given. Raises SettingsError."""
    home = _home(environ)
    data = environ.get("ENTREPOT_DATA")
    host = environ.get("ENTREPOT_HOST") or "127.0.0.1"
    port = _whole(environ, "ENTREPOT_PORT", 8000, 1, PORT_MAX)
    return Settings(
        database_url=_database_url(environ),
        home=home,
        data=Path(data).absolute() if data else None,
        host=host,
        port=port,
        proxies=_networks(environ, "ENTREPOT_PROXIES"),
        public_url=_http_url(environ, "ENTREPOT_PUBLIC_URL", f"http://{host}:{port}"),
        sandbox_url=_http_url(environ, "ENTREPOT_SANDBOX_URL", ""),
        smtp_url=_outside_url(environ, "ENTREPOT_SMTP_URL", ("smtp", "smtps")),
        mail_from=_mail_from(environ),
        sms_url=_outside_url(environ, "ENTREPOT_SMS_URL", ("http", "https")),
        customs_url=_outside_url(environ, "ENTREPOT_CUSTOMS_URL", ("http", "https")),
        stripe=_stripe(environ),
        webhooks_private=bool(_whole(environ, "ENTREPOT_WEBHOOKS_PRIVATE", 0, 0, 1)),
        fraud_private=bool(_whole(environ, "ENTREPOT_FRAUD_PRIVATE", 0, 0, 1)),
        workers=_whole(environ, "ENTREPOT_WORKERS", 2, 1, 64),
        rate_per_s=_whole(environ, "ENTREPOT_RATE_PER_S", 100, 0, 1_000_000),
        secret=_secret(environ, home),  # last, because it may write
    )


def _home(environ: Mapping[str, str]) -> Path:
    if given := environ.get("ENTREPOT_HOME"):
        return Path(given).absolute()
    if given := environ.get("XDG_DATA_HOME"):
        return Path(given).absolute() / "entrepot"
    if given := environ.get("HOME"):
        return Path(given).absolute() / ".local" / "share" / "entrepot"
    raise SettingsError("there is no HOME to keep data in: set ENTREPOT_HOME to a folder")


def _database_url(environ: Mapping[str, str]) -> str:
    url = environ.get("ENTREPOT_DATABASE_URL", "")
    if url and not url.startswith(("postgresql://", "postgres://")):
        raise SettingsError("ENTREPOT_DATABASE_URL must begin with postgresql://")
    return url


def _http_url(environ: Mapping[str, str], name: str, default: str) -> str:
    url = (environ.get(name) or default).rstrip("/")
    if url and not url.startswith(("http://", "https://")):
        raise SettingsError(f"{name} must begin with http:// or https://")
    return url


def _stripe(environ: Mapping[str, str]) -> Stripe | None:
    given = {}
    for name, kinds in (("KEY", "sk|rk"), ("PUBLISHABLE_KEY", "pk"), ("WEBHOOK_SECRET", "whsec")):
        given[name] = environ.get(f"ENTREPOT_STRIPE_{name}", "").strip()
        if given[name] and not re.fullmatch(f"({kinds})_[A-Za-z0-9_+/=]+", given[name]):
            raise SettingsError(f"ENTREPOT_STRIPE_{name} must begin with {'_ or '.join(kinds.split('|'))}_")
    missing = [f"ENTREPOT_STRIPE_{name}" for name, value in given.items() if not value]
    if len(missing) == len(given):
        return None
    if missing:
        raise SettingsError(f"payment through Stripe needs {' and '.join(missing)}, too")
    if ("_live_" in given["KEY"]) != ("_live_" in given["PUBLISHABLE_KEY"]):
        raise SettingsError(
            "of ENTREPOT_STRIPE_KEY and ENTREPOT_STRIPE_PUBLISHABLE_KEY one is live, the other a test's"
        )
    url = _http_url(environ, "ENTREPOT_STRIPE_URL", "https://api.stripe.com")
    if url.startswith("http://") and urlsplit(url).hostname not in ("127.0.0.1", "localhost"):
        raise SettingsError("ENTREPOT_STRIPE_URL must begin with https:// unless it is on this machine")
    return Stripe(given["KEY"], given["PUBLISHABLE_KEY"], given["WEBHOOK_SECRET"], url)


def _outside_url(environ: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str:
    """It may have a password in it, so that no message repeats it."""
    url = environ.get(name, "")
    try:
        parts = urlsplit(url)
        fits = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if url and not fits:
        raise SettingsError(
            f"{name} must begin with {' or '.join(f'{scheme}://' for scheme in schemes)} and name a host"
        )
    return url


def _mail_from(environ: Mapping[str, str]) -> str:
    sender = environ.get("ENTREPOT_MAIL_FROM", "")
    if sender and not _ADDRESS.fullmatch(sender):
        raise SettingsError("ENTREPOT_MAIL_FROM must be an e-mail address")
    if not sender and environ.get("ENTREPOT_SMTP_URL"):
        raise SettingsError("with ENTREPOT_SMTP_URL goes ENTREPOT_MAIL_FROM, the address that mail is sent from")
    return sender


def _whole(environ: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise SettingsError(f"{name} must be a whole number from {low} to {high}, not {text!r}")
    return int(text)


def _networks(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    given = tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())
    for part in given:
        try:
            ip_network(part)
        except ValueError:
            raise SettingsError(f"{name} must be addresses or networks with commas between, not {part!r}") from None
    return given


def _secret(environ: Mapping[str, str], home: Path) -> str:
    if given := environ.get("ENTREPOT_SECRET"):
        if len(given) < SECRET_MIN:
            raise SettingsError(f"ENTREPOT_SECRET must have at least {SECRET_MIN} characters")
        return given
    path = home / "secret"
    try:
        if not path.exists():
            # Root's embedded server runs as another user, who must be able to pass through home.
            home.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
            _write_once(path, secrets.token_urlsafe(48))
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise SettingsError(f"{error.filename}: {error.strerror}: set ENTREPOT_HOME to a folder of yours") from None


def _write_once(path: Path, text: str) -> None:
    # The link appears complete or not at all, and of two processes that try at once the first wins.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
