"""Threadline's connector, where Haystack's integrations have theirs."""

from haystack_integrations.components.connectors.threadline.threadline_connector import (
    ThreadlineConnector,
)

__all__ = ["ThreadlineConnector"]
