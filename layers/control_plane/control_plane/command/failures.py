"""What can go wrong while a template renders, before it is known which field it stands in."""

from __future__ import annotations

import re

import minijinja

LONGEST_REASON = 200
"""Characters of a reason: it may quote the template, never more than a line of it."""

_HUMP = r"(?<=[a-z])(?=[A-Z])"


class RenderingFailed(Exception):
    """The template does not render; ``reason`` is for the caller and repeats no payload."""

    def __init__(self, reason: str) -> None:
        one_line = " ".join(reason.split())
        if len(one_line) > LONGEST_REASON:
            one_line = one_line[: LONGEST_REASON - 1] + "…"
        self.reason = one_line
        super().__init__(one_line)


class OutOfFuel(RenderingFailed):
    """The template does more work than it may."""

    def __init__(self) -> None:
        super().__init__("the template ran out of fuel: it loops too long or builds too much")


class OutOfMemory(RenderingFailed):
    """The template builds more, or nests deeper, than it may."""

    def __init__(self) -> None:
        super().__init__("the template needs more memory than it may have")


class TakesLong(Exception):
    """The template needs more time than may be spent ahead; nothing is wrong with it."""


class OutputTooLong(Exception):
    """The template renders to more than one string may hold; ``size`` in bytes."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(size)


def explained(error: BaseException) -> RenderingFailed:
    """Return what is told of an error that came out of the engine."""
    if isinstance(error, RenderingFailed):
        return error
    if isinstance(error, minijinja.TemplateError):
        return _explained(error)
    if isinstance(error, MemoryError | RecursionError):
        return OutOfMemory()
    if isinstance(error, AttributeError):
        return RenderingFailed("unknown method of an object or a list")
    if isinstance(error, TypeError):
        return RenderingFailed("a filter, function or method does not take these arguments")
    return RenderingFailed(f"the template engine failed: {type(error).__name__}")


def _explained(error: minijinja.TemplateError) -> RenderingFailed:
    if error.kind == "OutOfFuel":
        return OutOfFuel()
    kind = re.sub(_HUMP, " ", error.kind).lower()
    detail = error.detail or ""
    if detail.startswith("unable to calculate"):
        # What follows are the operands, which may come from the payload.
        detail = "unable to calculate with these operands"
    where = f" (line {error.line})" if error.line else ""
    return RenderingFailed(f"{kind}: {detail}{where}" if detail else f"{kind}{where}")
