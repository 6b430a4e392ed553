"""`python -m api`: the HTTP door as a process of its own."""

from caretaker import bootstrap

if __name__ == "__main__":
    bootstrap.run_alone("api")
