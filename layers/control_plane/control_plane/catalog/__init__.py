"""The catalog: playbooks are registered, one or many at a time, and looked at.

:mod:`~control_plane.catalog.registration` checks a playbook and gives it the next version of its
path; :mod:`~control_plane.catalog.batch` does so for many in one request;
:mod:`~control_plane.catalog.entries` lists and shows what is there.
"""
