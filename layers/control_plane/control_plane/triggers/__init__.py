"""Starts by what happens in an account: messages of a queue, and the events behind them.

:mod:`~control_plane.triggers.events` knows the shapes in which AWS delivers, and what identifies an
event in each; :mod:`~control_plane.triggers.messages` makes starts of them;
:mod:`~control_plane.triggers.dispatcher` has them started and sorts what failed;
:mod:`~control_plane.triggers.dead_letters` says what becomes of what can never start.
"""
