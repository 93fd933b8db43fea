"""Builds the OpenAPI document: https://spec.openapis.org/oas/v3.1.0"""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from skinapi.base import errors
from skinapi.base.errors import SkinAPIError
from skinapi.base.problem import PROBLEM_TYPE, Problem
from skinapi.base.settings.settings import VERSION
from skinapi.platform.web.answers import plain_text
from skinapi.platform.web.declaration import (
    Access,
    Authenticated,
    MetricsReader,
    OpenedToClient,
    Public,
    Rate,
    Route,
)
from skinapi.platform.web.request_context import ACCEPTED_KEY, KEY_HEADER
from skinapi.platform.web.request_parsing import MULTIPART

REF = "#/components/schemas/{model}"
RESPONSE_REF = "#/components/responses/{}"
Spec = dict[str, Any]
IDEMPOTENCY_KEY: Spec = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": f"^{ACCEPTED_KEY.pattern}$"},
}


def build_spec(routes: Iterable[tuple[str, Route]]) -> Spec:
    """The tag of an operation is the area of the API."""
    routes = sorted(routes, key=lambda pair: (pair[1].path, pair[1].method))
    schemas = _Schemas(route for _, route in routes)
    paths: dict[str, Spec] = {}
    for area, route in routes:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.path)
        _add(paths.setdefault(path, {}), route.method.lower(), _operation(route, area, schemas))
    operations = [item for path in paths.values() for item in path.values()]
    for operation in operations:
        if "requestBody" in operation:
            _unite_forms(operation["requestBody"], schemas.components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SkinAPI",
            "version": VERSION,
            "description": "For information only. Not a medical diagnosis.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": _share_responses(operations, schemas),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def _add(operations: Spec, method: str, operation: Spec) -> None:
    """OpenAPI allows one operation per path and method, so that of a second client is merged into
    the first. `x-also` keeps its id for the page.
    """
    first = operations.get(method)
    if first is None:
        operations[method] = operation
        return
    first["x-also"] = [*first.get("x-also", []), operation["operationId"]]
    first["description"] = "\n\n".join(
        (first.get("description", ""), operation["summary"], operation.get("description", ""))
    ).strip()
    first["security"] = _any_of(first["security"] or [{}], operation["security"] or [{}])
    _merge_parameters(first["parameters"], operation["parameters"])
    if "requestBody" in operation:
        first["requestBody"]["required"] &= operation["requestBody"]["required"]
        _merge_content(first["requestBody"], operation["requestBody"])
    for status, response in operation["responses"].items():
        _merge_content(first["responses"].setdefault(status, response), response)


def _unite_forms(body: Spec, components: Spec) -> None:
    """Keep only one form of a path if it has the fields of all: client generators cannot choose
    between several. The others are described nowhere else.
    """
    for content in (item for kind, item in body["content"].items() if kind == MULTIPART):
        forms = {form["$ref"].rpartition("/")[2]: form for form in _branches(content["schema"])}
        fields = {name: components[name]["properties"].keys() for name in forms}
        whole = [name for name, has in fields.items() if all(has >= one for one in fields.values())]
        if len(forms) > 1 and whole:
            content["schema"] = forms.pop(whole[0])
            for name in forms:
                del components[name]


def _merge_parameters(into: list[Spec], others: list[Spec]) -> None:
    named = {(item["in"], item["name"]): item for item in into}
    for other in others:
        first = named.get((other["in"], other["name"]))
        if first is None:
            into.append(other)
        elif first["schema"] != other["schema"]:
            both = _any_of(_branches(first["schema"]), _branches(other["schema"]))
            first["schema"] = {"anyOf": both}


def _merge_content(into: Spec, other: Spec) -> None:
    for kind, content in other["content"].items():
        schemas = _any_of(
            _branches(into["content"].get(kind, content)["schema"]), _branches(content["schema"])
        )
        into["content"][kind] = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}


def _branches(schema: Spec) -> list[Spec]:
    return list(schema.get("anyOf", [schema]))


def _any_of(first: list[Spec], second: list[Spec]) -> list[Spec]:
    return [*first, *(other for other in second if other not in first)]


def _share_responses(operations: list[Spec], schemas: "_Schemas") -> Spec:
    problem = {PROBLEM_TYPE: {"schema": schemas.get_schema(Problem)}}
    shared: Spec = {}
    for responses in (operation["responses"] for operation in operations):
        for status, response in responses.items():
            name = schemas.common_errors.get(response["description"])
            if name and response["content"] == problem:
                shared[name] = response
                responses[status] = {"$ref": RESPONSE_REF.format(name)}
    return shared


class _UntitledFields(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


class _Schemas:
    def __init__(self, routes: Iterable[Route]) -> None:
        wanted: list[tuple[Any, Any, TypeAdapter[Any]]] = [
            (Problem, "serialization", TypeAdapter(Problem))
        ]
        for route in routes:
            if body := route.body or route.form or route.parts:
                wanted.append((body, "validation", TypeAdapter(body)))
            if route.is_json:
                wanted.append((route, "serialization", route.answer))
        found, shared = TypeAdapter.json_schemas(
            [(_key(owner), mode, adapter) for owner, mode, adapter in wanted],
            ref_template=REF,
            schema_generator=_UntitledFields,
        )
        self.components: Spec = shared.get("$defs", {})
        self.common_errors: dict[str, str] = {}  # names, by the description of the response
        self._found = {key: schema for (key, _), schema in found.items()}

    def get_schema(self, owner: Any) -> Spec:
        return self._found[_key(owner)]


def _key(owner: Any) -> str:
    return owner.function.__name__ if isinstance(owner, Route) else owner.__name__


def _operation(route: Route, area: str, schemas: _Schemas) -> Spec:
    summary, _, rest = route.says.partition("\n")
    operation: Spec = {
        "operationId": route.function.__name__,
        "tags": [area],
        "summary": summary,
        "parameters": [
            *_path_parameters(route),
            *_query_parameters(route),
            *([IDEMPOTENCY_KEY] if "idempotency_key" in route.parameters else []),
        ],
        "responses": _responses(route, schemas),
        "security": _security(route.access),
    }
    if described := "\n\n".join(filter(None, [rest.strip(), _say_scopes(route.access)])):
        operation["description"] = described
    if body := route.body or route.form or route.parts:
        kind = "application/json" if route.body else MULTIPART
        operation["requestBody"] = {
            "required": route.needs_body,
            "content": {kind: {"schema": schemas.get_schema(body)}},
        }
    if "stream" in route.parameters:
        json = route.consumes.endswith("json")
        schema = {"type": "object"} if json else {"type": "string", "format": "binary"}
        operation["requestBody"] = {
            "required": True,
            "content": {route.consumes: {"schema": schema}},
        }
    return operation


def _security(access: Access) -> list[Spec]:
    if isinstance(access, Public):
        return []
    return [{"bearer": []}, {}] if isinstance(access, OpenedToClient) else [{"bearer": []}]


def _say_scopes(access: Access) -> str:
    scopes = () if isinstance(access, Public | MetricsReader) else access.scopes
    return f"A program's key opens it with the scope `{'` or `'.join(scopes)}`." if scopes else ""


def _path_parameters(route: Route) -> list[Spec]:
    names = re.findall(r"<(?:\w+:)?(\w+)>", route.path)
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]


def _query_parameters(route: Route) -> list[Spec]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema(ref_template=REF, schema_generator=_UntitledFields)
    needed = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": part}
        for name, part in schema["properties"].items()
    ]


def _responses(route: Route, schemas: _Schemas) -> Spec:
    own = {"schema": schemas.get_schema(route)} if route.is_json else _undescribed(route.produces)
    others = {kind: _undescribed(kind) for kind in route.or_produces}
    responses: Spec = {
        str(status): {"description": "Done", "content": {route.produces: own, **others}}
        for status in (route.status, *route.or_statuses)
    }
    special = {error.sentence for error in route.raises}
    names: dict[str, dict[str, str]] = {}  # of the errors of each status, by their sentences
    for error in _possible_errors(route):
        names.setdefault(str(error.status), {}).setdefault(error.sentence, error.__name__)
    for status, name_by_sentence in names.items():
        done = [responses[status]["description"]] if status in responses else []
        description = " · ".join([*done, *name_by_sentence])
        responses[status] = {"description": description, "content": _error_content(route, schemas)}
        if len(name_by_sentence) == 1 or name_by_sentence.keys().isdisjoint(special):
            schemas.common_errors[description] = "Or".join(name_by_sentence.values())
    if isinstance(route.access, OpenedToClient):
        responses["401"]["description"] += f" · {route.access.closed}"
    return dict(sorted(responses.items()))


def _undescribed(kind: str) -> Spec:
    return {"schema": {} if kind.endswith("+json") else {"type": "string"}}


def _error_content(route: Route, schemas: _Schemas) -> Spec:
    if route.renderer is plain_text:
        return {"text/plain": {"schema": {"type": "string"}}}
    if route.errors_in:
        return {route.errors_in: {"schema": {"type": "object"}}}
    return {PROBLEM_TYPE: {"schema": schemas.get_schema(Problem)}}


def _possible_errors(route: Route) -> list[type[SkinAPIError]]:
    possible: list[type[SkinAPIError]] = [*route.raises, errors.BadRequest, SkinAPIError]
    if not isinstance(route.access, Public):
        possible += [errors.Unauthenticated, errors.InvalidToken, errors.ExpiredToken]
        possible += [errors.Forbidden]
    strict = isinstance(route.access, Authenticated) and not route.access.even_waiting
    if strict or isinstance(route.access, OpenedToClient):
        possible += [errors.AccountNotApproved]
    if route.body or route.form or route.parts:
        possible += [errors.InvalidBody, errors.UnsupportedMediaType]
    if route.rate is not Rate.UNLIMITED:
        possible += [errors.TooManyRequests]
    return [*possible, errors.PayloadTooLarge, errors.Unavailable, errors.DiskFull]
