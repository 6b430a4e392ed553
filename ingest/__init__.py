"""From the journal into the reading store: write, try again, set aside what the store refuses, forget what is old."""
