"""Disputes of cardholders at the sandbox gateway, as pure halves: see types.DisputeConnector."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from entrepot.payments.gateways.sandbox import OutRequest, decode, path_part, refusal_of
from entrepot.payments.gateways.types import (
    AnswerError,
    DisputeAsked,
    DisputeHint,
    DisputesTold,
    DisputeTold,
    Evidence,
    GatewayRefused,
    Mismatch,
    Step,
    dispute_mismatch,
)


class _Page(msgspec.Struct, frozen=True):
    disputes: Annotated[list[DisputeHint], Meta(max_length=100)]
    after: str | None = None


def look(asked: DisputeAsked) -> list[Step]:
    return [Step(build_look(asked), partial(parse_looked, asked))]


def answer(asked: DisputeAsked, evidence: Evidence) -> list[Step]:
    return [Step(build_answer(asked, evidence), partial(parse_answered, asked))]


def latest(since: datetime, after: str | None) -> list[Step]:
    return [Step(build_latest(since, after), parse_latest)]


def build_look(asked: DisputeAsked) -> OutRequest:
    return OutRequest("GET", f"/disputes/{path_part(asked.id)}", b"", asked.id)


def parse_looked(asked: DisputeAsked, status: int, body: bytes) -> DisputeTold | Mismatch:
    """Also raises AnswerError for a refusal: what was known there once is not forgotten."""
    if status != 200:
        raise AnswerError(f"refused: {refusal_of(status, body).code}")
    told = decode(body, DisputeTold)
    return dispute_mismatch(asked, told) or told


def build_answer(asked: DisputeAsked, evidence: Evidence) -> OutRequest:
    body = msgspec.json.encode({"text": evidence.text})
    return OutRequest("POST", f"/disputes/{path_part(asked.id)}/evidence", body, evidence.reference)


def parse_answered(asked: DisputeAsked, status: int, body: bytes) -> DisputeTold | GatewayRefused | Mismatch:
    return refusal_of(status, body) if status != 200 else parse_looked(asked, status, body)


def build_latest(since: datetime, after: str | None) -> OutRequest:
    rest = f"&after={path_part(after)}" if after else ""
    return OutRequest("GET", f"/disputes?since={int(since.timestamp())}{rest}", b"", "disputes")


def parse_latest(status: int, body: bytes) -> DisputesTold:
    if status != 200:
        raise AnswerError(f"refused: {refusal_of(status, body).code}")
    page = decode(body, _Page)
    return DisputesTold(page.disputes, page.after)
