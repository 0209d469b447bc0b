"""The template engine: set up once, fed one template at a time, bounded in time and memory."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import minijinja

from control_plane.command.failures import (
    OutOfFuel,
    OutputTooLong,
    RenderingFailed,
    TakesLong,
    explained,
)
from control_plane.command.filters import Filters
from control_plane.command.isolation import run_isolated
from control_plane.command.syntax import Syntax, read_syntax
from control_plane.command.views import Allowance, shown

LOCAL_FUEL = (64, 16_384)
"""What a tame template gets in this process: at first, and at most."""
ISOLATED_FUEL = 32_768
"""What a template gets in a process of its own: at first, then twice as much, and so on."""
MOST_TEMPLATES = 2048
MOST_SOURCE = 4 * 1024 * 1024
"""Templates, and characters of their sources, that are kept compiled."""

# The engine looks names up on the context itself, a Python dict: where the context has no `items`
# it finds the method. A variable that is set to something undefined hides the method.
_DICT_METHODS = frozenset(name for name in dir(dict) if not name.startswith("_"))
_UNDEFINED = "undefined__"


class Budget:
    """What one command may still spend on its templates.

    :ivar fuel: of the engine
    :ivar seconds: of processes that templates have of their own
    :ivar is_brief: whether whatever loops for long, or needs such a process, is left for later
    """

    __slots__ = ("fuel", "is_brief", "seconds")

    def __init__(self, fuel: int, seconds: float, *, is_brief: bool = False) -> None:
        self.fuel = fuel
        self.seconds = seconds
        self.is_brief = is_brief


class _Template:
    """A template that was read.

    :ivar methods: names in it that are methods of the context, which hide unless they are variables
    :ivar compiled: its names in the engine, by the methods that are hidden
    """

    __slots__ = ("compiled", "methods", "source", "syntax")

    def __init__(self, source: str, syntax: Syntax) -> None:
        self.source = source
        self.syntax = syntax
        self.methods = tuple(sorted(syntax.names & _DICT_METHODS))
        self.compiled: dict[tuple[str, ...], str] = {}


class _Rendering(NamedTuple):
    """A compiled template and what it is rendered against."""

    name: str
    macros: frozenset[str]
    found: Mapping[str, Any]
    longest: int


class Engine:
    """Renders templates against JSON within a budget; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filters = Filters()
        self._environment = _new_environment(self._filters)
        self._templates: OrderedDict[str, _Template] = OrderedDict()
        self._source_size = 0
        # Were the names known, one template could include another.
        self._prefix = secrets.token_hex(8)
        self._compiled_count = 0

    def syntax(self, source: str) -> Syntax:
        """Return what the template's text tells."""
        with self._lock:
            return self._read(source).syntax

    def check(self, source: str) -> str | None:
        """Return why the template does not parse, or None."""
        with self._lock:
            try:
                self._compile(self._read(source), {})
            except RenderingFailed as failure:
                return failure.reason
        return None

    def render(self, source: str, names: Mapping[str, Any], budget: Budget, longest: int) -> str:
        """Render a template.

        :param names: JSON values by name; none but those that the template names is looked at
        :param budget: what may be spent; what was is taken off
        :param longest: bytes of the result
        :raises RenderingFailed: it does not parse, does not render, or exceeds the budget
        :raises OutputTooLong: the result is longer than ``longest``
        :raises TakesLong: more than a brief budget has
        """
        with self._lock:
            template = self._read(source)
            # Null is left out: to the engine it is undefined.
            found = {
                name: value
                for name in template.syntax.names
                if (value := names.get(name)) is not None
            }
            name = self._compile(template, found)
            rendering = _Rendering(name, template.syntax.macros, found, longest)
            if template.syntax.is_tame:
                for fuel in LOCAL_FUEL[:1] if budget.is_brief else LOCAL_FUEL:
                    granted = min(fuel, budget.fuel)
                    try:
                        text = self._run(rendering, granted)
                    except OutOfFuel:
                        if granted == budget.fuel:
                            raise
                    else:
                        budget.fuel -= granted
                        return text
            if budget.is_brief:
                raise TakesLong
            return self._run_isolated(rendering, budget)

    def _read(self, source: str) -> _Template:
        template = self._templates.get(source)
        if template is not None:
            self._templates.move_to_end(source)
            return template
        template = _Template(source, read_syntax(source))
        self._templates[source] = template
        self._source_size += len(source)
        while len(self._templates) > MOST_TEMPLATES or (
            self._source_size > MOST_SOURCE and len(self._templates) > 1
        ):
            _, oldest = self._templates.popitem(last=False)
            self._source_size -= len(oldest.source)
            for name in oldest.compiled.values():
                self._environment.remove_template(name)
        return template

    def _compile(self, template: _Template, found: Mapping[str, Any]) -> str:
        hidden = template.methods
        if hidden:
            hidden = tuple(name for name in hidden if name not in found)
        if hidden not in template.compiled:
            if template.syntax.problem:
                raise RenderingFailed(template.syntax.problem)
            self._compiled_count += 1
            name = f"{self._prefix}{self._compiled_count}"
            prelude = "".join(f"{{% set {method} = {_UNDEFINED} %}}" for method in hidden)
            try:
                self._environment.add_template(name, prelude + template.source)
            except Exception as error:
                raise explained(error) from None
            template.compiled[hidden] = name
        return template.compiled[hidden]

    def _run(self, rendering: _Rendering, fuel: int) -> str:
        allowance = Allowance(fuel)
        self._filters.allowance = allowance
        self._filters.macros = rendering.macros
        self._environment.fuel = fuel
        roots = {name: shown(value, allowance) for name, value in rendering.found.items()}
        try:
            text = self._environment.render_template(rendering.name, **roots)
        except BaseException as error:
            # The engine's panics are no Exception, lest anyone take them lightly.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise (OutOfFuel() if allowance.left < 0 else explained(error)) from None
        if allowance.left < 0:
            raise OutOfFuel
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if size > rendering.longest:
            raise OutputTooLong(size)
        return text

    def _run_isolated(self, rendering: _Rendering, budget: Budget) -> str:
        def job() -> bytes:
            return json.dumps(self._climb(rendering, budget.fuel)).encode()

        started = time.monotonic()
        try:
            outcome = json.loads(run_isolated(job, budget.seconds))
        finally:
            budget.seconds -= time.monotonic() - started
        if "size" in outcome:
            raise OutputTooLong(outcome["size"])
        if "reason" in outcome:
            raise RenderingFailed(outcome["reason"])
        budget.fuel -= outcome["fuel"]
        return str(outcome["text"])

    def _climb(self, rendering: _Rendering, most: int) -> dict[str, Any]:
        """Render with ever more fuel: the engine does not tell how much it took."""
        fuel = min(ISOLATED_FUEL, most)
        while True:
            try:
                return {"text": self._run(rendering, fuel), "fuel": fuel}
            except OutOfFuel as failure:
                if fuel == most:
                    return {"reason": failure.reason}
            except RenderingFailed as failure:
                return {"reason": failure.reason}
            except OutputTooLong as failure:
                return {"size": failure.size}
            fuel = min(2 * fuel, most)


def _new_environment(filters: Filters) -> minijinja.Environment:
    environment = minijinja.Environment(debug=False, undefined_behavior="chainable")
    environment.remove_global("debug")
    environment.add_global("range", filters.range)
    # Printed, a function of the engine's is the name of its Rust code.
    filters.function_texts = frozenset(
        environment.render_str(f"{{{{ {name} }}}}") for name in environment.globals
    )
    for name, function in filters.filters().items():
        environment.add_filter(name, function)
    for name, test in filters.tests().items():
        environment.add_test(name, test)
    environment.finalizer = filters.printed
    return environment
