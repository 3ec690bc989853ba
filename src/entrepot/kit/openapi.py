"""The API's description, OpenAPI 3.1, made from the routes: what is not listed there is not answered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, get_args, get_origin
from uuid import UUID

import msgspec
from starlette.responses import Response

from entrepot.kit.http import Route
from entrepot.kit.problem import Problem

_TEMPLATE = "#/components/schemas/{name}"


def describe(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """The document as plain data."""
    listed = [route for route in routes if route.path.startswith("/v1/")]
    types = [t for route in listed for t in (route.body, route.query, route.answer) if _is_schema(t)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_TEMPLATE)
    of = dict(zip(map(id, types), schemas, strict=True))
    paths: dict[str, Any] = {}
    for route in listed:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, of, components)
    problem = {
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Entrepot",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": problem},
            "securitySchemes": {"session": {"type": "http", "scheme": "bearer"}},
        },
    }


def _is_schema(type_: Any) -> bool:
    plain = get_args(type_)[0] if get_origin(type_) is Annotated else type_
    return (
        plain is not None and plain is not type(None) and not (isinstance(plain, type) and issubclass(plain, Response))
    )


def _may_be_nothing(answer: Any) -> bool:
    return type(None) in get_args(answer)


def _operation(route: Route, of: dict[int, Any], components: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(hint)}
        for name, hint in route.params.items()
    ]
    if route.query is not None:
        schema = components[route.query.__name__]
        parameters += [
            {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": field}
            for name, field in schema["properties"].items()
        ]
    if route.key != "no":
        key = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"}
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": route.key == "needed", "schema": key})
    answers: dict[str, Any] = {}
    if _may_be_nothing(route.answer):
        answers["204"] = {"description": "Done; nothing to say."}
    if _is_schema(route.answer):
        answers[str(route.status)] = {
            "description": "Done.", "content": {"application/json": {"schema": of[id(route.answer)]}},
        }  # fmt: skip
    elif get_origin(route.answer) is Annotated:  # a file: Annotated[Response, "application/pdf"]
        answers["200"] = {"description": "Done.", "content": {get_args(route.answer)[1]: {"schema": {}}}}
    else:
        answers["204"] = {"description": "Done; nothing to say."}
    if route.method == "GET" and _is_schema(route.answer):
        answers["304"] = {"description": "As it was when it had the ETag that If-None-Match gives."}
    for status, problems in _by_status(route.problems()):
        answers[str(status)] = {
            "description": " ".join(f"{p.code()}: {p.title()}" for p in problems),
            "content": {"application/problem+json": {"schema": {"$ref": _TEMPLATE.format(name="Problem")}}},
        }
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": (route.handler.__doc__ or route.handler.__name__).strip().splitlines()[0],
        "tags": [route.handler.__module__.split(".")[1]],
        "parameters": parameters,
        "responses": answers,
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": True, "content": {"application/json": {"schema": of[id(route.body)]}},
        }  # fmt: skip
    if route.access:
        operation["security"] = [{"session": sorted(route.access)}]
    return operation


def _path_schema(hint: Any) -> dict[str, Any]:
    if get_origin(hint) is Annotated and get_args(hint)[0] is UUID:
        return {"type": "string", "pattern": f"^{re.escape(get_args(hint)[1])}_[0-9a-f]{{32}}$"}
    if hint is int:
        return {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
    return {"type": "string", "minLength": 1, "maxLength": 200}


def _by_status(problems: Iterable[type[Problem]]) -> list[tuple[int, list[type[Problem]]]]:
    grouped: dict[int, list[type[Problem]]] = {}
    for problem in problems:
        grouped.setdefault(problem.status, []).append(problem)
    return sorted(grouped.items())
