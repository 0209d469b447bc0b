"""From a step and the execution's input to the command that a worker runs.

:mod:`~control_plane.command.builder` puts the command together,
:mod:`~control_plane.command.context` says what templates see,
:mod:`~control_plane.command.templating` renders a string.

Behind it, :mod:`~control_plane.command.syntax` reads a template before the engine does,
:mod:`~control_plane.command.views` and :mod:`~control_plane.command.filters` are what the engine
sees of Python, :mod:`~control_plane.command.engine` bounds what it may spend, and
:mod:`~control_plane.command.isolation` ends what cannot be bounded.
"""
