"""Ports made real. Only `caretaker.bootstrap` chooses among them."""
