"""From a step and the execution's input to the command that a worker runs.

:mod:`~control_plane.command.templating` renders, :mod:`~control_plane.command.context` says what
templates see, :mod:`~control_plane.command.builder` puts the command together.
"""
