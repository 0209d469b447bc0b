"""Which templates the engine's fuel keeps small, and which it does not.

Fuel pays for instructions and for the bytes of strings. It does not see that a list holds itself
many times over: ``{% set a = [a, a] %}`` thirty times is thirty instructions and a billion items,
and whatever prints, compares or joins it neither ends nor can be interrupted. A template is tame
when nothing in it can hold one value twice in what it hands on; every other one is rendered where
it can be killed (:mod:`control_plane.command.isolation`).
"""

from __future__ import annotations

_STATEMENTS = frozenset((
    "", "break", "continue", "elif", "else", "endfor", "endif", "endset", "for", "if", "set",
))  # fmt: skip
_FUNCTIONS = frozenset(("dict", "range"))
_METHODS = frozenset((
    "capitalize", "count", "endswith", "find", "get", "isalnum", "isalpha", "isascii", "isdigit",
    "islower", "isnumeric", "isspace", "isupper", "items", "join", "keys", "lower", "lstrip",
    "replace", "rfind", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
    "values",
))  # fmt: skip
_FILTERS = frozenset((
    "abs", "attr", "b64decode", "b64encode", "bool", "capitalize", "count", "d", "default",
    "dictsort", "e", "escape", "first", "float", "fromjson", "get", "int", "items", "join",
    "keys", "last", "length", "lines", "list", "lower", "map", "max", "min", "reject",
    "rejectattr", "replace", "reverse", "round", "safe", "select", "selectattr", "sort", "split",
    "string", "title", "tojson", "trim", "unique", "upper", "urlencode", "values",
))  # fmt: skip
_MOST_SUMS = 4
"""``+`` in one block: it may be lists that are chained, and then walked as one."""
_MOST_ASSIGNMENTS = 50
"""Each may take a slice of the one before, and the engine recurses through them."""
_OPERAND_ENDS = frozenset((")", "]", "}"))
_WORDS = frozenset(("and", "elif", "else", "for", "if", "in", "is", "not", "or"))


class Tameness:
    """Sees the code of a template block by block and says whether it is tame."""

    def __init__(self) -> None:
        self._is_wild = False
        self._has_loop = False
        self._has_container = False
        self._has_sum = False
        self._assignments = 0

    @property
    def is_tame(self) -> bool:
        """Whether fuel bounds what the template builds.

        What has a name can be used twice: so no container may be given one, nor a sum, which may
        be of lists. A loop gives names to what is in a container.
        """
        if self._is_wild or self._assignments > _MOST_ASSIGNMENTS:
            return False
        if self._assignments and self._has_sum:
            return False
        return not (self._has_container and (self._assignments or self._has_loop))

    def see(self, keyword: str, tokens: list[tuple[str, str]]) -> None:
        """Take in one ``{{ … }}`` (the keyword is empty) or ``{% … %}``."""
        self._is_wild |= keyword not in _STATEMENTS
        self._has_loop |= keyword == "for"
        self._assignments += keyword == "set"
        sums = tokens.count(("op", "+"))
        self._has_sum |= sums > 0
        self._is_wild |= sums > _MOST_SUMS
        for index, (kind, text) in enumerate(tokens):
            if kind == "op":
                self._see_operator(text, tokens[max(index - 2, 0) : index], tokens[index + 1 :][:1])
            elif text == "recursive":
                self._is_wild = True
            elif kind == "name" and index and tokens[index - 1][1] == "|":
                self._see_filter(text, tokens[index + 1 : index + 6])

    def _see_operator(
        self, text: str, left: list[tuple[str, str]], right: list[tuple[str, str]]
    ) -> None:
        kind, previous = left[-1] if left else ("", "")
        before = left[0][1] if len(left) == 2 else ""
        is_behind_operand = (
            kind in ("number", "string")
            or (kind == "name" and previous not in _WORDS)
            or previous in _OPERAND_ENDS
        )
        if text == "*":
            # A list times a number is that list many times over; two plain numbers are none.
            is_left_number = kind == "number" and before != "."
            self._is_wild |= not (is_left_number and [k for k, _ in right] == ["number"])
        elif text == "**":
            self._is_wild = True
        elif text == "(" and is_behind_operand:
            self._see_call(before, kind, previous)
        elif text == "{" or (text in ("[", "(") and not is_behind_operand):
            self._has_container = True

    def _see_call(self, before: str, kind: str, name: str) -> None:
        if kind != "name":
            self._is_wild = True
        elif before == ".":
            self._is_wild |= name not in _METHODS
        elif before not in ("|", "is", "not"):
            self._is_wild |= name not in _FUNCTIONS
            self._has_container |= name == "dict"

    def _see_filter(self, name: str, following: list[tuple[str, str]]) -> None:
        self._is_wild |= name not in _FILTERS
        if name == "map":
            # With a default it repeats that for every item.
            texts = [text for _, text in following]
            kinds = [kind for kind, _ in following]
            by_filter = kinds[:2] == ["op", "string"] and texts[2:3] == [")"]
            by_attribute = texts[:3] + texts[4:] == ["(", "attribute", "=", ")"] and (
                kinds[3] == "string"
            )
            self._is_wild |= not (by_filter or by_attribute)
