"""Ways to tell people: the log, a webhook."""

from caretaker.adapters.notify.log import LogNotifier
from caretaker.adapters.notify.webhook import WebhookNotifier

__all__ = ["LogNotifier", "WebhookNotifier"]
