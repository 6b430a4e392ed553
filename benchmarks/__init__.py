"""What this machine can do with Caretaker: real broker, real product, real disk; nothing is counted that is not proven."""
