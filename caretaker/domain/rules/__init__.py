"""Judging readings: a pure function of (state, batch, now).

types       Transition and Evidence: what an evaluation gives back
engine      RuleEngine: evaluate, advance, snapshot, restore
"""

from caretaker.domain.rules.types import Change, Evidence, RuleRef, Transition

__all__ = ["Change", "Evidence", "RuleRef", "Transition"]
