"""An example for each body of the API's description that has none of its own, made from its schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
BY_FORMAT = {
    "uuid": "0199a6f2-7c1e-7d30-9b51-3f1f6a0c2a11",
    "date-time": "2025-10-04T12:00:00Z",
    "date": "2025-10-04",
    "uri": "https://copy.example.org/api/v1/orders/?cursor=cD0xMg%3D%3D",
    "email": "ana@example.org",
}
BY_TYPE: dict[str, Any] = {"string": "text", "integer": 1, "number": 1, "boolean": False}


def add_examples(result: Json, generator: Any, request: Any, public: bool) -> Json:
    """The hook of drf-spectacular that runs over the finished description."""
    components = result.get("components", {}).get("schemas", {})
    for media in _json_bodies(result):
        if "examples" not in media and "example" not in media and "schema" in media:
            media["examples"] = {"Example": {"value": example_of(media["schema"], components)}}
    return result


def example_of(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """A value that the schema allows."""
    if "$ref" in schema:
        return example_of(components[schema["$ref"].rpartition("/")[2]], components)
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return example_of(schema[word][0], components)
    if "allOf" in schema:
        return example_of(schema["allOf"][0], components)
    if schema.get("examples"):
        return schema["examples"][0]
    for word in ("example", "default", "const"):
        if word in schema:
            return schema[word]
    if "enum" in schema:
        return next(value for value in schema["enum"] if value not in ("", None))
    return _by_type(schema, components)


def _by_type(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    kind = schema.get("type", "object")
    if isinstance(kind, list):  # OpenAPI 3.1 writes what may be null as two types.
        kind = kind[0]
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: example_of(one, components) for name, one in properties.items()}
    if kind == "array":
        return [example_of(schema.get("items", {}), components)]
    if kind == "integer":
        return schema.get("minimum", 1)
    return BY_FORMAT.get(schema.get("format", ""), BY_TYPE.get(kind))


def _json_bodies(result: Json) -> Iterator[Json]:
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            if isinstance(operation, dict):
                bodies = [operation.get("requestBody", {}), *operation.get("responses", {}).values()]
                for body in bodies:
                    yield from (
                        m for kind, m in body.get("content", {}).items() if kind == "application/json"
                    )
