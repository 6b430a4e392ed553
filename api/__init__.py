"""The HTTP door: endpoints, live events, sign-in; serves the built page."""
