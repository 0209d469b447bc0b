"""What executions came to, whichever NoETL server started them.

:mod:`~control_plane.monitor.monitor` lists and shows them;
:mod:`~control_plane.monitor.execution_status` decides a status from events, here and nowhere else;
:mod:`~control_plane.monitor.execution_log` says what this needs from the database;
:mod:`~control_plane.monitor.queries` is what callers ask for in a query string.
"""
