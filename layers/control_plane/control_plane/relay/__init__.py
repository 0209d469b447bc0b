"""Never stranded: what a start could not tell the workers at once is told them later.

:mod:`~control_plane.relay.relay` is one run, from what is due to what is over;
:mod:`~control_plane.relay.outbox` says what it needs from the database;
:mod:`~control_plane.relay.orders` is what it is invoked with, orders of a person on call included.
"""
