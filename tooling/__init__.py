"""What starts, checks and tests Caretaker. Standard library of Python 3.8 only: it runs first."""
