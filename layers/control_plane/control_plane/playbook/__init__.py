"""The playbook language: a YAML document in, a validated model out.

:mod:`~control_plane.playbook.loader` reads text within the limits,
:mod:`~control_plane.playbook.rules` checks the rules of the language,
:mod:`~control_plane.playbook.model` is what the rest of the project works with.
"""
