"""Simulated people who walk rounds with phones of their own: most of them honestly.

They know nothing the house does not tell a phone: each has a key, a PIN and a queue of its own and speaks HTTP. What an
honest one does is noticed by the machines nearby (`presence`); who scans photographs of codes in the booth leaves no
trace, and that is what the physical alibi is about.
"""

from simulators.guards.guards import Guards, Letter
from simulators.guards.itinerary import Deed, Part, Step, itinerary

__all__ = ["Deed", "Guards", "Letter", "Part", "Step", "itinerary"]
