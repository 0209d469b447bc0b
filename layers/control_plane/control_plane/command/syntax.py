"""What the text of a template tells before it is rendered: its names, its paths, its dangers.

The engine's own parser recurses without a bound on chains such as ``not not not …`` and takes the
process with it, and its binding offers no syntax tree. So templates are first read here, token by
token as the engine's lexer has them; where that lexer would give up, reading stops as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from control_plane.command.tameness import Tameness

LONGEST_CHAIN = 500
"""Operators and brackets in one ``{{ … }}``; the engine recurses on each of them."""
MOST_TOKENS = 20_000
"""Names, literals, operators and brackets in one template."""
MOST_BRANCHES = 200
"""``{% elif %}`` in one template; the engine recurses on each of them."""

LONGEST_INDEX = 9
"""Digits of an index that is looked up."""

PathKey = str | int
Path = tuple[PathKey, ...]
Token = tuple[str, str]
"""Kind (``name``, ``number``, ``string``, ``op``) and text."""

_OPENING = re.compile(r"\{([{%#])[-+]?")
_RAW = re.compile(r"[ \t\n\r\f]*raw[ \t\n\r\f]*[-+]?%\}")
_END_RAW = re.compile(r"\{%[-+]?[ \t\n\r\f]*endraw[ \t\n\r\f]*[-+]?%\}")
_CLOSING = {"{": re.compile(r"[-+]?\}\}"), "%": re.compile(r"[-+]?%\}")}
# Whatever is not ASCII is taken as part of a name: the engine does so too, or refuses it. Written
# as all but the rest of ASCII: a range up to the last character takes 300 times as long to compile.
_TOKEN = re.compile(
    r"(?P<name>[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*)"  # [A-Za-z_…][0-9A-Za-z_…]*
    r"|(?P<number>0[xX][0-9a-fA-F_]*|0[bBoO][0-9_]*|[0-9][0-9_]*(?:[eE][-+]?[0-9_]+)?)"
    r"|(?P<string>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<op>//|\*\*|==|!=|<=|>=|[-+*/%.,:~|=<>()\[\]{}])",
    re.DOTALL,
)
_SPACE = re.compile(r"[ \t\n\r\f]+")
_BALANCE = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_FLAT = frozenset((",", ":", "=", ")", "]", "}"))
_CHAINED_WORDS = frozenset(("and", "else", "if", "in", "is", "not", "or"))
_LITERALS = frozenset(("true", "false", "none", "True", "False", "None"))
_FOREIGN = frozenset(("extends", "from", "import", "include"))
# Names that are the engine's own and therefore no variables.
_ENGINE_NAMES = frozenset(("cycler", "dict", "joiner", "loop", "namespace", "range"))


class Syntax(NamedTuple):
    """What is known of a template.

    :ivar names: every name that may be a variable; more than there are, never fewer
    :ivar paths: the variable paths as written: ``a.b['c'][0]`` is ``("a", "b", "c", 0)``
    :ivar macros: the macros that it defines
    :ivar is_tame: it cannot build more than the engine's fuel pays for
    :ivar problem: why it is not to be given to the engine
    """

    names: frozenset[str]
    paths: tuple[Path, ...]
    macros: frozenset[str]
    is_tame: bool
    problem: str | None


def is_template(text: str) -> bool:
    """Tell whether the text is to be rendered at all."""
    return ("{{" in text and "}}" in text) or ("{%" in text and "%}" in text)


def read_syntax(source: str) -> Syntax:
    """Read a template; never fails, whatever the text is."""
    names: set[str] = set()
    paths: dict[Path, None] = {}
    macros: set[str] = set()
    bound: set[str] = set()
    tameness = Tameness()
    branches = 0
    token_count = 0
    problem = None
    for is_statement, tokens in _code(source):
        keyword = tokens[0][1] if is_statement and tokens else ""
        token_count += len(tokens)
        if token_count > MOST_TOKENS:
            problem = f"the template has more than {MOST_TOKENS} tokens"
            break
        if keyword in _FOREIGN:
            problem = problem or f"{keyword} is not available here"
        branches += keyword == "elif"
        if keyword == "macro":
            macros.update(text for _, text in tokens[1:2])
        if _chain_length(tokens) > LONGEST_CHAIN:
            problem = problem or f"an expression has more than {LONGEST_CHAIN} operators"
        tameness.see(keyword, tokens)
        expression = tokens[1:] if is_statement else tokens
        names.update(_names(expression))
        targets, rest = _assignment(keyword, expression)
        for path in _paths(rest):
            if path[0] not in bound and path[0] not in _ENGINE_NAMES:
                paths[path] = None
        bound |= targets
    if branches > MOST_BRANCHES:
        problem = problem or f"more than {MOST_BRANCHES} elif"
    return Syntax(frozenset(names), tuple(paths), frozenset(macros), tameness.is_tame, problem)


def _code(source: str) -> Iterator[tuple[bool, list[Token]]]:
    """Yield whether it is a statement, and the tokens, of each ``{{ … }}`` and ``{% … %}``."""
    position = 0
    balance = 0
    while opening := _OPENING.search(source, position):
        marker, position = opening[1], opening.end()
        if marker == "#":
            # The engine looks for the end of a comment behind its whitespace control.
            end = source.find("#}", position)
            if end < 0:
                return
            position = end + 2
        elif marker == "%" and (raw := _RAW.match(source, position)):
            end_raw = _END_RAW.search(source, raw.end())
            if end_raw is None:
                return
            position = end_raw.end()
        else:
            tokens: list[Token] = []
            position, balance, is_closed = _tokens(source, position, marker, balance, tokens)
            yield marker == "%", tokens
            if not is_closed:
                return


def _tokens(
    source: str, position: int, marker: str, balance: int, tokens: list[Token]
) -> tuple[int, int, bool]:
    """Append the tokens up to the closing mark; return position, balance, and if it was found."""
    while True:
        if space := _SPACE.match(source, position):
            position = space.end()
        if balance == 0 and (closing := _CLOSING[marker].match(source, position)):
            return closing.end(), balance, True
        token = _TOKEN.match(source, position)
        if token is None or token.lastgroup is None or len(tokens) > MOST_TOKENS:
            return position, balance, False
        balance += _BALANCE.get(token[0], 0)
        tokens.append((token.lastgroup, token[0]))
        position = token.end()


def _chain_length(tokens: list[Token]) -> int:
    return sum(
        text in _CHAINED_WORDS if kind == "name" else kind == "op" and text not in _FLAT
        for kind, text in tokens
    )


def _names(tokens: list[Token]) -> Iterator[str]:
    """Yield each name but those of attributes and filters."""
    before = ""
    for kind, text in tokens:
        if kind == "name" and before not in (".", "|"):
            yield text
        before = text


def _assignment(keyword: str, tokens: list[Token]) -> tuple[set[str], list[Token]]:
    """Split a statement into the names that it gives values to and the tokens it reads."""
    if keyword in ("for", "set"):
        sign = "in" if keyword == "for" else "="
        texts = [text for _, text in tokens]
        end = texts.index(sign) if sign in texts else len(tokens)
        return set(_names(tokens[:end])), tokens[end + 1 :]
    if keyword in ("macro", "with"):
        at = {index for index in range(len(tokens)) if _is_parameter(tokens, index)}
        return {tokens[index][1] for index in at}, [
            token for index, token in enumerate(tokens) if index not in at
        ]
    return set(), tokens


def _is_parameter(tokens: list[Token], index: int) -> bool:
    kind, _ = tokens[index]
    before = tokens[index - 1][1] if index else ""
    after = tokens[index + 1][1] if index + 1 < len(tokens) else ""
    return kind == "name" and before in ("", ",", "(") and after in ("=", ",", ")", "(")


def _paths(tokens: list[Token]) -> Iterator[Path]:
    """Yield the path that starts at each name which is a variable."""
    for index, (kind, text) in enumerate(tokens):
        if kind != "name" or text in _CHAINED_WORDS or text in _LITERALS:
            continue
        before = tokens[index - 1][1] if index else ""
        if before not in (".", "|") and not (_is_test(tokens, index) or _is_keyword(tokens, index)):
            yield _path(tokens, index)


def _path(tokens: list[Token], index: int) -> Path:
    path: list[PathKey] = [tokens[index][1]]
    index += 1
    while True:
        following = tokens[index : index + 3]
        texts = [text for _, text in following]
        if texts[:1] == ["."] and len(following) > 1 and texts[2:] != ["("]:  # a method is no key
            key, width = _key(following[1], "name"), 2
        elif texts[:1] == ["["] and texts[2:] == ["]"]:
            key, width = _key(following[1], "string"), 3
        else:
            key = None
        if key is None:
            return tuple(path)
        path.append(key)
        index += width


def _key(token: Token, kind_of_text: str) -> PathKey | None:
    """Return the key that a token spells; None where it takes the engine to tell."""
    kind, text = token
    if kind == "number" and text.isdecimal() and len(text) <= LONGEST_INDEX:
        return int(text)
    if kind != kind_of_text or "\\" in text:
        return None
    return text[1:-1] if kind == "string" else text


def _is_test(tokens: list[Token], index: int) -> bool:
    before = [text for _, text in tokens[max(index - 2, 0) : index]]
    return before[-1:] == ["is"] or before == ["is", "not"]


def _is_keyword(tokens: list[Token], index: int) -> bool:
    """Tell whether it is the name of an argument: ``f(name=1)``."""
    before = tokens[index - 1][1] if index else ""
    return before in ("(", ",") and tokens[index + 1 : index + 2] == [("op", "=")]
