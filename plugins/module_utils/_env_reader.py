# Copyright (c) 2026, the mainstay.backend authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the checks of a configuration ask, and where they report: every source read once, the values that win, where each came from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from ansible_collections.mainstay.backend.plugins.module_utils._env_loaders import (
    EXPANDED,
    Loaded,
    LoaderRefuses,
    load_all,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_readings import (
    PROCESS_ENV,
    Place,
    Reading,
    View,
    process,
    secret_file,
)
from ansible_collections.mainstay.backend.plugins.module_utils._env_rules import RELAXED, RELAXED_IN, RULES
from ansible_collections.mainstay.backend.plugins.module_utils._env_schema_values import is_secret, with_defaults
from ansible_collections.mainstay.backend.plugins.module_utils._env_secrecy import (
    known_token,
    nothing,
    printable,
    secret_name,
)
from ansible_collections.mainstay.backend.plugins.module_utils._findings import Finding

if TYPE_CHECKING:
    from ansible_collections.mainstay.backend.plugins.plugin_utils.types import Options, Schema, Source, Variable


#: What stands before a separator at the beginning of a line.
_ASSIGNED = re.compile(r"\s*(?:export\s+)?['\"]?([^\s'\"=:]+)['\"]?\s*[=:]")


#: Findings of one rule and severity in one file that are told one by one.
MOST_OF_A_KIND = 200


class Reader:
    """Reads the sources once; the checks ask it, and report to it."""

    def __init__(self, sources: list[Source], schema: Schema | None, options: Options) -> None:
        self.schema = schema
        self.options = options
        self._found: dict[tuple[str, str, str], dict[Finding, None]] = {}
        self._more: dict[tuple[str, str, str], set[int]] = {}
        self._said: set[tuple[object, ...]] = set()
        self._cache: dict[str, dict[str, dict[str, str]]] = {}
        self.relaxed = options.environment in RELAXED_IN
        here = [item for item in sources if item.environment in ("", options.environment)]
        self.sources = here
        self.elsewhere = [item for item in sources if item.environment not in ("", options.environment)]
        self.env = self.read(self.of_kind("env"))
        self.examples = self.read(self.of_kind("example"))
        self.process = [(item, process(item.data)) for item in self.of_kind("process")]
        self.secrets = {item.path: secret_file(item, schema) for item in self.of_kind("secret")}
        self.views = self._views()

    def first(self, *key: object) -> bool:
        """Whether KEY was not asked for before."""
        known = key in self._said
        self._said.add(key)
        return not known

    def cached(self, key: str, make: Callable[[], dict[str, dict[str, str]]]) -> dict[str, dict[str, str]]:
        """What MAKE gives, made once."""
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def of_kind(self, kind: str) -> list[Source]:
        return [item for item in self.sources if item.kind == kind]

    def looked_at(self, kind: str) -> bool:
        return kind in self.options.looked_at or any(item.kind == kind for item in self.sources)

    def variable(self, name: str) -> Variable | None:
        return self.schema.variables.get(name) if self.schema else None

    def report(
        self, rule: str, place: Place, variable: str, message: str, remedy: str = "", severity: str = ""
    ) -> None:
        """One finding, unless its rule is off. SEVERITY, where given, lowers the catalogue's; the options' beats both."""
        standard = severity or RULES[rule].severity
        if self.relaxed and rule in RELAXED:
            standard = "warning"
        wanted = self.options.severities.get(rule, standard)
        if wanted == "off":
            return
        text = f"{variable} {message}" if variable else message
        item = Finding(rule, wanted, place.file, place.line, variable, text, remedy or RULES[rule].remedy)
        kind = rule, wanted, place.file
        alike = self._found.setdefault(kind, {})
        if item in alike or len(alike) < MOST_OF_A_KIND:
            alike[item] = None
        else:
            self._more.setdefault(kind, set()).add(hash(item))

    def findings(self) -> list[Finding]:
        """All that were reported; of one kind in one file no more than people read, and how many there are beyond."""
        found = [item for alike in self._found.values() for item in alike]
        for (rule, severity, file), more in self._more.items():
            found.append(
                Finding(rule, severity, file, 0, "", f"{len(more)} more of these in the file", RULES[rule].remedy)
            )
        return found

    def named(self, name: str, reading: Reading | None = None, line: int = 0) -> str:
        """NAME as a message may show it: '' where it may be a part of a value."""
        if self.schema and name in self.schema.variables:
            return name
        if not printable(name) or (reading and line in reading.inner_lines):
            return ""
        if reading and line:
            match = _ASSIGNED.match(reading.raw(line).lstrip("\ufeff"))
            if match is None or match[1] != name:
                return ""
        return name

    def secret(self, name: str, value: str) -> bool:
        """Whether VALUE of the variable NAME is to be kept secret: by its form, by the name, or as the schema says."""
        if nothing(value):
            return False
        variable = self.variable(name)
        if variable is None:
            return secret_name(name) or known_token(value)
        if not is_secret(variable):
            return False
        return (
            variable.source == "secret" or variable.type in ("base64", "hex") or secret_name(name) or known_token(value)
        )

    def read(self, sources: Iterable[Source]) -> list[Reading]:
        """SOURCES in their order. What one sets is known to the expansions of the next; ruby goes the other way, from the highest."""
        found = [Reading(item, self._load(item, self.options.process_env)) for item in sources]
        if len(found) > 1:
            self._expand_across(found)
        return found

    def _load(self, source: Source, environment: Mapping[str, str]) -> dict[str, Loaded | LoaderRefuses]:
        return dict(load_all(source.data, source.loaders or self.options.loaders, environment))

    def _expand_across(self, readings: list[Reading]) -> None:
        """Reads those files again whose loaders expand variables, now with the other files' variables."""
        for loader in dict.fromkeys(loader for reading in readings for loader in reading.loaded):
            known = dict(self.options.process_env)
            for reading in reversed(readings) if loader == "ruby" else readings:
                item = reading.accepted.get(loader)
                if item is None:
                    continue
                if any(EXPANDED in one.notes for one in item.assignments):
                    again = load_all(reading.source.data, (loader,), known)[loader]
                    reading.loaded[loader] = again
                    for known_of_old in ("accepted", "distinct", "key_lines", "inner_lines"):
                        reading.__dict__.pop(known_of_old, None)
                    item = again if isinstance(again, Loaded) else item
                new = {key: value for key, value in item.variables.items() if value is not None}
                known = {**new, **known} if loader == "ruby" else {**known, **new, **self.options.process_env}

    def _views(self) -> list[View]:
        """One view for each group of loaders that read all files alike."""
        groups: dict[tuple[int, ...], list[str]] = {}
        results: list[list[Loaded | None]] = [[] for reading in self.env]
        for loader in self.options.loaders:
            key = []
            for index, reading in enumerate(self.env):
                known = reading.loaded.get(loader) or reading.loaded[next(iter(reading.loaded))]
                key.append(_number(results[index], known if isinstance(known, Loaded) else None))
            groups.setdefault(tuple(key), []).append(loader)
        views = [
            self._view(tuple(loaders), [results[index][number] for index, number in enumerate(key)])
            for key, loaders in groups.items()
        ]
        for view in views:
            one = views[0]
            view.news = {
                name: value
                for name, value in view.values.items()
                if view is one or one.values.get(name) != value or one.places[name] != view.places[name]
            }
        return views

    def _view(self, loaders: tuple[str, ...], layers: list[Loaded | None]) -> View:
        values: dict[str, str] = {}
        places: dict[str, Place] = {}
        for reading, layer in zip(self.env, layers, strict=True):
            if layer is None:
                continue
            path = reading.source.path
            for one in layer.assignments:
                if layer.variables.get(one.key) is not None:
                    places[one.key] = Place(path, one.line)
            values.update({key: value for key, value in layer.variables.items() if value is not None})
        view = View(loaders, values, places, None not in layers, dict(values))
        over = [(PROCESS_ENV, self.options.process_env), *[(item.path, found) for item, found in self.process]]
        for path, found in over:
            values.update(found)
            places.update(dict.fromkeys(found, Place(path)))
        return view

    def given(self, view: View) -> dict[str, str]:
        """What is set: VIEW's values and the secrets folder's."""
        return {**self.secret_values(), **view.values}

    def working(self, view: View) -> dict[str, str]:
        """What the application works with: what is given, and the schema's defaults."""
        if view.working is None:
            values = self.given(view)
            view.working = with_defaults(self.schema, values, self.options.environment) if self.schema else values
        return view.working

    def secret_values(self) -> dict[str, str]:
        return {name: value for name, value in self.secrets.values() if name}


def _number(known: list[Loaded | None], item: Loaded | None) -> int:
    """Index in KNOWN of what reads as ITEM does; added where there is none."""
    for index, other in enumerate(known):
        if item is other or (item and other and item.variables == other.variables):
            return index
    known.append(item)
    return len(known) - 1
