"""The playbook language: a YAML document in, a validated model out.

:mod:`~control_plane.playbook.loader` is the way in. It reads text with
:mod:`~control_plane.playbook.yaml_core`, asks :mod:`~control_plane.playbook.rules`, and builds
:mod:`~control_plane.playbook.model`, which is what the rest of the project works with. The language
itself is three lists: the types in :mod:`~control_plane.playbook.shapes`, the rules in
:mod:`~control_plane.playbook.step_rules`, the doubts in :mod:`~control_plane.playbook.warnings`.
"""
