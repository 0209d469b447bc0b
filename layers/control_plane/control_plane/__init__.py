"""The control plane's one shared package: what every function of this project stands on.

Read in this order: :mod:`~control_plane.executions` (what a start is), then
:mod:`~control_plane.playbook` and :mod:`~control_plane.command` (what it works with), then
:mod:`~control_plane.ports` and the adapters behind them, :mod:`~control_plane.postgres` and
:mod:`~control_plane.jetstream`.
"""

import gc
import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # While a sandbox initialises, next to nothing becomes garbage, and looking for it takes a
    # twenty-fifth of that time; `observability.observed`, which every handler file ends with, lets
    # the collector work again. And the layer holds no plugin of pydantic, which would look for one
    # in the metadata of every package there is.
    gc.disable()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
