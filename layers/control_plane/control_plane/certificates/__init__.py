"""Whom the control plane trusts when it speaks TLS; ``platform/ca_bundle.py`` makes the file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

AWS: Final = Path(__file__).with_name("aws.pem")
"""Roots of Amazon RDS (database instances) and of Amazon Trust Services (RDS Proxy)."""
