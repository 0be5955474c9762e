# SPDX-License-Identifier: Apache-2.0
"""Validates answers of the API against api/openapi.yaml, with Debian's jsonschema and nothing else."""
import json
import pathlib
import re

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class OpenApi:
    def __init__(self, path=ROOT / "api/openapi.yaml"):
        self.doc = yaml.safe_load(path.read_text())
        self.validators = {}
        self.seen = set()  # (method, path, status) of every answer that was validated

    def inline(self, node):
        """A copy without references; the schemas have no cycles."""
        if isinstance(node, list):
            return [self.inline(item) for item in node]
        if not isinstance(node, dict):
            return node
        copy = {key: self.inline(value) for key, value in node.items() if key != "$ref"}
        if "$ref" in node:
            target = self.doc
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            copy = {**self.inline(target), **copy}
        return copy

    def template(self, path):
        """"/v1/gpus/0" → "/v1/gpus/{gpu}"; None if no path of the API is like that."""
        for template in self.doc["paths"]:
            pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path):
                return template
        return None

    def validator(self, schema_key, schema):
        if schema_key not in self.validators:
            inlined = self.inline(schema)
            jsonschema.Draft202012Validator.check_schema(inlined)
            self.validators[schema_key] = jsonschema.Draft202012Validator(inlined)
        return self.validators[schema_key]

    def check(self, method, target, status, content_type, text):
        """Raises AssertionError if the answer is not what openapi.yaml promises."""
        path = target.split("?")[0]
        template = self.template(path)
        operation = self.doc["paths"].get(template, {}).get(method.lower())
        if operation is None:
            assert status in (404, 405, 400, 413), f"{method} {path}: {status}, but it is not described"
            answer = self.inline(self.doc["components"]["responses"]["Problem"])
            key = "Problem"
        else:
            responses = operation["responses"]
            key = str(status) if str(status) in responses else "default"
            assert status >= 400 or key != "default", f"{method} {template}: {status} is not described"
            answer = self.inline(responses[key])
            key = (method, template, key)
        assert content_type in answer["content"], f"{method} {path}: {content_type}"
        body = json.loads(text)
        errors = list(self.validator(key, answer["content"][content_type]["schema"])
                      .iter_errors(body))
        said = "\n".join(f"  {'/'.join(map(str, error.absolute_path))}: {error.message}"
                         for error in errors[:5])
        assert not errors, f"{method} {path} answered {status} with\n{said}\n{text[:2000]}"
        self.seen.add((method, template, status))
        return body

    def operations(self):
        """All but those whose answers go on (test_watch.py)."""
        return {(method.upper(), path) for path, item in self.doc["paths"].items()
                for method, operation in item.items()
                if "text/event-stream" not in operation["responses"].get("200", {}).get("content", {})}
