"""`python -m caretaker.cli`: what `bin/caretaker` starts."""

from caretaker.cli import main

if __name__ == "__main__":
    main()
