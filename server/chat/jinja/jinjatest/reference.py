"""Renders templates as transformers does, for the tests.

Reads a line of JSON {"template": …, "variables": …} at a time and writes a
line: {"text": …} or {"refused": …}.
"""
import datetime
import json
import sys

import jinja2.ext
import jinja2.nodes
import jinja2.sandbox


class Generation(jinja2.ext.Extension):
    """{% generation %}: marks what the model wrote; here, only a scope."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_pass")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _pass(self, caller):
        return caller()


def to_json(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def strftime_now(format):
    return datetime.datetime(2026, 2, 3, 4, 5, 6, 789).strftime(format)


environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
)
environment.filters["tojson"] = to_json
environment.globals["raise_exception"] = raise_exception
environment.globals["strftime_now"] = strftime_now


def render(line):
    case = json.loads(line)
    try:
        text = environment.from_string(case["template"]).render(**case["variables"])
        text.encode()
        return {"text": text}
    except Exception as e:
        return {"refused": f"{type(e).__name__}: {e}"}


for line in sys.stdin:
    print(json.dumps(render(line)), flush=True)
