"""The notifier: tells the workers over NATS JetStream that a command waits."""

from control_plane.jetstream.notifier import JetStreamNotifier

__all__ = ["JetStreamNotifier"]
