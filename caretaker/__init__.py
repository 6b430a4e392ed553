"""The shared house of Caretaker: domain, ports, services, adapters. No process of its own."""

__version__ = "0.1.0"
