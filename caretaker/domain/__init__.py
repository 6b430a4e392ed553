"""Pure facts and decisions: standard library and numpy only, no I/O, no clock."""
