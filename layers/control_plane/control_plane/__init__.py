"""The control plane's one shared package: what every function of this project stands on.

Read in this order: :mod:`~control_plane.executions` (what a start is), then
:mod:`~control_plane.playbook` and :mod:`~control_plane.command` (what it works with), then
:mod:`~control_plane.ports` and the adapters behind them, :mod:`~control_plane.postgres` and
:mod:`~control_plane.jetstream`.
"""
