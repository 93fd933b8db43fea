import json
from typing import Any

from flask import render_template_string

from skinapi.platform.web.openapi import Spec

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{ spec.info.title }} · API</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1.5rem;
         color: #1a2430; background: #fff }
  h1 { margin: 0 } h2 { margin-top: 2.5rem; border-bottom: 2px solid #dde4ea }
  details { border: 1px solid #dde4ea; border-radius: .4rem; margin: .5rem 0; padding: .5rem .8rem }
  summary { cursor: pointer }
  code, pre { font: 14px/1.45 ui-monospace, monospace }
  pre { background: #f4f7f9; padding: .8rem; overflow-x: auto }
  .method { display: inline-block; min-width: 4.5rem; font-weight: 700; color: #0b5c8a }
  .who { color: #5a6875 } .notice { background: #fff6df; padding: .6rem .8rem }
  td, th { text-align: left; padding: .15rem .8rem .15rem 0; vertical-align: top }
</style>
</head>
<body>
<h1>{{ spec.info.title }} <small class="who">{{ spec.info.version }}</small></h1>
<p class="notice">{{ spec.info.description }}</p>
<p>Send the token of <code>POST /login</code> as <code>Authorization: Bearer …</code>.
For programs, as OpenAPI: <a href="openapi.json">openapi.json</a>.</p>
{% for tag, operations in groups %}
<h2>{{ tag }}</h2>
{% for method, path, op in operations %}
<details id="{{ op.operationId }}">
<summary><span class="method">{{ method }}</span> <code>{{ path }}</code>
— {{ op.summary }}
<span class="who">{{ "token" if op.security else "open to all" }}</span></summary>
{% if op.description %}<p>{{ op.description }}</p>{% endif %}
{% if op.parameters %}
<table><tr><th>Parameter</th><th>In</th><th>Type</th></tr>
{% for p in op.parameters %}
<tr><td><code>{{ p.name }}</code></td><td>{{ p.in }}</td>
<td><code>{{ kind(p.schema) }}</code></td></tr>
{% endfor %}</table>
{% endif %}
{% for id in op["x-also"] %}<a id="{{ id }}"></a>{% endfor %}
{% if op.requestBody %}{% for kind, body in op.requestBody.content.items() %}
<p>Body, as {{ kind }}</p>
<pre>{{ shape(body.schema) }}</pre>{% endfor %}{% endif %}
<table><tr><th>Status</th><th>Means</th></tr>
{% for status, response in op.responses.items() %}
<tr><td>{{ status }}</td><td>{{ resolve(response).description }}</td></tr>
{% endfor %}</table>
{% set good = op.responses.values() | list | first %}
{% if good.content["application/json"] %}
<pre>{{ shape(good.content["application/json"].schema) }}</pre>{% endif %}
</details>
{% endfor %}{% endfor %}
</body>
</html>
"""


def docs_page(spec: Spec) -> str:
    groups: dict[str, list[tuple[str, str, Spec]]] = {}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            row = (method.upper(), path, operation)
            groups.setdefault(operation["tags"][0], []).append(row)
    shapes = _Shapes(spec["components"]["schemas"])

    def resolve(response: Spec) -> Spec:
        return _resolve(response, spec["components"]["responses"])

    return render_template_string(
        PAGE, spec=spec, groups=groups.items(), kind=shapes.kind, shape=shapes.text, resolve=resolve
    )


def _resolve(part: Spec, components: Spec) -> Spec:
    return components[part["$ref"].rpartition("/")[2]] if "$ref" in part else part


class _Shapes:
    def __init__(self, components: Spec) -> None:
        self._components = components

    def text(self, schema: Spec) -> str:
        return json.dumps(self._shape(schema), indent=2, ensure_ascii=False)

    def kind(self, schema: Spec) -> str:
        shape = self._shape(schema)
        return shape if isinstance(shape, str) else json.dumps(shape)

    def _shape(self, schema: Spec) -> Any:
        schema = _resolve(schema, self._components)
        if "anyOf" in schema:
            return " or ".join(self.kind(part) for part in schema["anyOf"])
        if "enum" in schema:
            return " | ".join(map(str, schema["enum"]))
        if schema.get("type") == "array":
            return [
                self._shape(part) for part in schema.get("prefixItems", [schema.get("items", {})])
            ]
        if "properties" in schema:
            return {name: self._shape(part) for name, part in schema["properties"].items()}
        return str(schema.get("const", schema.get("format", schema.get("type", "anything"))))
