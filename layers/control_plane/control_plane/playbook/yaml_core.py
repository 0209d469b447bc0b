"""YAML by the 1.2 core schema: strict, bounded, with line and column in every error.

PyYAML's schema is that of YAML 1.1, where ``no`` is false, ``12:30:00`` is 45,000 and ``<<``
merges. So only its parser is used, the one in C. One pass over the parser's events counts first
and builds after: nothing deeper or larger than the limits ever exists, aliases are counted as what
they stand for, and no recursion follows the document down.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any, Final

import yaml
from yaml import events

from control_plane.errors import LimitExceeded, PlaybookSyntaxError
from control_plane.limits import Limits
from control_plane.playbook.faults import quoted
from control_plane.playbook.scalars import resolve
from control_plane.playbook.yaml_errors import (
    LINE_BREAKS,
    cannot_store,
    parser_error,
    position,
    refuse,
    start_of,
)

_BYTE_ORDER_MARK: Final = "\ufeff"
# What YAML's character set leaves out; NUL and surrogates cannot be stored either. All but the
# first are texts, which `re` compiles when a playbook gives reason to look: hardly one does.
_NOT_A_CHARACTER_OF_ASCII = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NOT_A_CHARACTER = "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]"
_TAG_DIRECTIVE = f"(?:^|[{LINE_BREAKS}])%TAG"
# `! 12`: the parser takes this tag for none, and tells of it by where the scalar begins.
_BARE_TAG = r"(?:&\S+\s+)?!(?:\s|$)"
# The key of a list; no document holds it, for NUL is refused.
_IN_A_LIST: Final = "\0"
_NO_TAGS: Final = "a tag is not part of the language"
_NO_COLLECTION_AS_KEY: Final = (
    "a key must be a scalar, not a list or an object; a template needs quotes around its braces"
)


def read_yaml(text: str, limits: Limits) -> Any:
    """Parse one YAML document into a JSON value.

    Keys are the text as written. A collection that an alias repeats is the same object each
    time, so treat the result as immutable.

    :raises PlaybookSyntaxError: not YAML, or an alias of nothing
    :raises InvalidPlaybook: YAML that is no JSON (a duplicate key, a tag, a key that is not a
        scalar, an alias inside itself), or other than one document
    :raises UnstorableValue: NUL, a lone surrogate, ``.inf``, ``.nan``
    :raises LimitExceeded: bytes, nesting, values or text, the last three with aliases expanded
    """
    text = text.removeprefix(_BYTE_ORDER_MARK)
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded) > limits.document_bytes:
        raise LimitExceeded("playbook in bytes", limits.document_bytes, len(encoded))
    _check_text(text)
    reader = _Reader(text, limits)
    loader = yaml.CSafeLoader(encoded)
    try:
        return reader.read(loader)
    except yaml.MarkedYAMLError as error:
        refusal = parser_error(error)
    finally:
        loader.dispose()
    raise refusal


class _Anchor:
    """What an alias may stand for; ``text`` of a scalar, as written."""

    __slots__ = ("characters", "height", "is_open", "text", "value", "values")

    def __init__(self, value: Any, text: str | None) -> None:
        self.value = value
        self.text = text
        self.is_open = text is None
        self.values = 1
        self.characters = len(text or "")
        self.height = 0


class _Collection:
    """A list or an object that is being filled; ``key`` is None where an object awaits one."""

    __slots__ = ("anchor", "characters_before", "height", "key", "value", "values_before")

    def __init__(self, value: Any, key: str | None, values: int = 0, characters: int = 0) -> None:
        self.value = value
        self.key = key
        self.anchor: _Anchor | None = None
        self.height = 1
        self.values_before = values
        self.characters_before = characters


class _Reader:
    """Builds one document from the parser's events."""

    def __init__(self, text: str, limits: Limits) -> None:
        self._text = text
        self._limits = limits
        self._may_have_tags = "!" in text
        self._documents: list[Any] = []
        self._values = 0
        self._characters = 0
        self._open = [_Collection(self._documents, _IN_A_LIST)]
        self._anchors: dict[str, _Anchor] = {}
        self._keys: dict[str, str] = {}
        self._handlers = {
            events.ScalarEvent: self._scalar,
            events.MappingStartEvent: self._start_object,
            events.SequenceStartEvent: self._start_list,
            events.MappingEndEvent: self._end,
            events.SequenceEndEvent: self._end,
            events.AliasEvent: self._alias,
            events.DocumentStartEvent: self._start_document,
            events.DocumentEndEvent: self._ignore,
            events.StreamStartEvent: self._ignore,
        }

    def read(self, loader: yaml.CSafeLoader) -> Any:
        get_event, handlers = loader.get_event, self._handlers
        while (kind := type(event := get_event())) is not events.StreamEndEvent:
            handlers[kind](event)
        if not self._documents:
            refuse("it is empty", *start_of(event))
        return self._documents[0]

    def _ignore(self, event: Any) -> None:
        pass

    def _start_document(self, event: Any) -> None:
        if self._documents:
            refuse("there is more than one document", *start_of(event))

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        style = event.style
        if event.tag is not None or self._may_have_tags:
            self._refuse_tag(event)
        if style == '"' and "\0" in text:
            cannot_store("a NUL character", *start_of(event))
        self._characters += len(text)
        value = text if style else resolve(text)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(value, text)
        if self._open[-1].key is None:
            self._set_key(text, event)
            return
        self._count(1)
        self._add_finite(value, event)

    def _alias(self, event: Any) -> None:
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            raise PlaybookSyntaxError("found an undefined alias", *start_of(event))
        if anchor.is_open:
            refuse("an alias stands inside what it stands for", *start_of(event))
        self._characters += anchor.characters
        if self._open[-1].key is None:
            if anchor.text is None:
                refuse(_NO_COLLECTION_AS_KEY, *start_of(event))
            self._set_key(anchor.text, event)
            return
        self._count(anchor.values)
        if anchor.text is not None:
            self._add_finite(anchor.value, event)
            return
        self._check_depth(len(self._open) - 1 + anchor.height)
        self._add(anchor.value, anchor.height)

    def _start_object(self, event: Any) -> None:
        self._start({}, None, event)

    def _start_list(self, event: Any) -> None:
        self._start([], _IN_A_LIST, event)

    def _start(self, value: Any, key: str | None, event: Any) -> None:
        if event.tag is not None or self._may_have_tags:
            self._refuse_tag(event)
        if self._open[-1].key is None:
            refuse(_NO_COLLECTION_AS_KEY, *start_of(event))
        self._check_depth(len(self._open))
        collection = _Collection(value, key, self._values, self._characters)
        if event.anchor is not None:
            collection.anchor = self._anchors[event.anchor] = _Anchor(value, None)
        self._count(1)
        self._open.append(collection)

    def _end(self, _: Any) -> None:
        collection = self._open.pop()
        if (anchor := collection.anchor) is not None:
            anchor.is_open = False
            anchor.height = collection.height
            anchor.values = self._values - collection.values_before
            anchor.characters = self._characters - collection.characters_before
        self._add(collection.value, collection.height)

    def _set_key(self, key: str, event: Any) -> None:
        parent = self._open[-1]
        if key in parent.value:
            refuse(f"duplicate key {quoted(key)}", *start_of(event))
        # Keys repeat: one text for each saves a quarter of the memory.
        parent.key = self._keys.setdefault(key, key)

    def _add_finite(self, value: Any, event: Any) -> None:
        if type(value) is float and not isfinite(value):
            cannot_store("a number that is not finite", *start_of(event))
        self._add(value, 0)

    def _add(self, value: Any, height: int) -> None:
        parent = self._open[-1]
        if height >= parent.height:
            parent.height = height + 1
        if parent.key is _IN_A_LIST:
            parent.value.append(value)
        else:
            parent.value[parent.key] = value
            parent.key = None

    def _count(self, values: int) -> None:
        self._values += values
        if self._values > self._limits.nodes:
            raise LimitExceeded("values in the playbook", self._limits.nodes)
        if self._characters > self._limits.document_bytes:
            raise LimitExceeded(
                "characters in the playbook with its aliases expanded", self._limits.document_bytes
            )

    def _check_depth(self, depth: int) -> None:
        if depth > self._limits.depth:
            raise LimitExceeded("nesting of the playbook", self._limits.depth)

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None or re.compile(_BARE_TAG).match(self._text, event.start_mark.index):
            refuse(_NO_TAGS, *start_of(event))


def _check_text(text: str) -> None:
    """Refuse what the parser would not take, or not take quickly."""
    unwanted = _NOT_A_CHARACTER_OF_ASCII if text.isascii() else re.compile(_NOT_A_CHARACTER)
    if found := unwanted.search(text):
        line, column = position(text, found.start())
        if found[0] == "\0":
            cannot_store("a NUL character", line, column)
        if "\ud800" <= found[0] <= "\udfff":
            cannot_store("a lone surrogate", line, column)
        raise PlaybookSyntaxError("found a character that YAML does not allow", line, column)
    # The parser compares each %TAG directive with all before it.
    if "%TAG" in text and (found := re.search(_TAG_DIRECTIVE, text)):
        refuse(_NO_TAGS, *position(text, found.end() - len("%TAG")))
