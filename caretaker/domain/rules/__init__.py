"""Judging readings: a pure function of (state, batch, now).

types       Transition and Evidence: what an evaluation gives back
engine      RuleEngine: evaluate, advance, explain, snapshot, restore
program     the rules of an estate, bound to one table of points
terms       one comparison: its truth, and the band of values in which it cannot change
state       the engine's state as bytes
"""

from caretaker.domain.rules.types import Change, Evidence, RuleRef, Transition

__all__ = ["Change", "Evidence", "RuleRef", "Transition"]
