"""Takes secrets out of log lines: by the names of their fields, and by what they look like.

Nothing of ours logs a secret. This is for what others put into a message: a driver's text, a URL
in a traceback, a caller's payload that an error repeats.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

REDACTED: Final = "***"

_NAMES = (
    r"(?<!page_)(?<!next_)"  # those of a list are none
    r"(?:passw(?:or)?d|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key"
    r"|authorization|credentials|creds|nkey|seed|signature)"
)

# Text, which `re` compiles at its first use and keeps: hardly any cold start comes to it.
_LOOKS_SECRET: Final = "|".join(
    (
        # postgresql://user:password@host; of a single word only NATS makes a token
        r"(?P<user>://[^\s/:@]*:)[^\s/@]+(?=@)",
        r"(?P<broker>\b(?:nats|tls)://)[^\s/:@]+(?=@)",
        r"(?P<scheme>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}",
        r"(?P<signed>X-Amz-(?:Signature|Security-Token|Credential)=)[^\s&\"']+",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|$)",
        r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",  # a token of JWT
        r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        r"\bS[UAOCN][A-Z2-7]{56}\b",  # a seed of NATS
        # password=…, "token": "…" and 'secret': '…', with escaped quotes as well
        rf"(?P<name>{_NAMES}(?:=|\\?[\"']\s*[:=]\s*)\\?[\"']?)[^\s\"'\\&,;)}}]+",
    )
)

# Hardly a line holds one of these, and looking for them takes a twentieth of the time.
_HINTS: Final = (
    *("://", "bearer", "basic", "x-amz", "-----begin", "eyj", "akia", "asia", "passw", "pwd"),
    *("secret", "token", "key", "authorization", "cred", "seed", "signature"),
)
_SEED: Final = re.compile(r"S[UAOCN][A-Z2-7]{56}")


# json.dumps would make one anew for every line.
_LINE: Final = json.JSONEncoder(default=str, separators=(",", ":"), ensure_ascii=False)


def redacted_line(record: Any) -> str:
    """Return the record as one line of JSON, without secrets; 10 µs where there is none."""
    line = _LINE.encode(record)
    lower = line.lower()
    if any(hint in lower for hint in _HINTS) or _SEED.search(line):
        # Through JSON once more, for what it makes of an object may be what tells a secret.
        return _LINE.encode(redacted(json.loads(line)))
    return line


def redacted(value: Any, name: str = "") -> Any:
    """Return the value without secrets: objects, lists and texts; anything else as it is.

    :param name: the name of the field that holds it
    """
    if isinstance(value, str):
        return (
            REDACTED
            if value and re.search(rf"{_NAMES}$", name, re.IGNORECASE)
            else redacted_text(value)
        )
    if isinstance(value, dict):
        return {key: redacted(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item, name) for item in value]
    return value


def redacted_text(text: str) -> str:
    """Return the text with ``***`` in place of what looks like a secret."""
    return re.sub(_LOOKS_SECRET, _without_secret, text, flags=re.IGNORECASE)


def _without_secret(found: re.Match[str]) -> str:
    return (found[found.lastgroup] if found.lastgroup else "") + REDACTED
