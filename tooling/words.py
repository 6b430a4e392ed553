"""Everything the launcher says, in Chinese or English, and the shape of what it says when it cannot go on."""

import os
import sys


def _chinese() -> bool:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
        value = os.environ.get(name, "")
        if value:
            return value.lower().startswith("zh")
    return False


CHINESE = _chinese()


def pick(zh: str, en: str) -> str:
    """One sentence, two languages; kept side by side so that neither is forgotten."""
    return zh if CHINESE else en


def say(text: str) -> None:
    """Print to standard error: standard output belongs to the command that was asked for."""
    try:
        print("caretaker: " + text, file=sys.stderr, flush=True)
    except UnicodeEncodeError:  # a terminal that cannot show Chinese still gets the rest
        print("caretaker: " + text.encode("ascii", "replace").decode(), file=sys.stderr, flush=True)


class TroubleError(Exception):
    """Why the launcher stops: the thing, the reason, the next step. A message without all three helps nobody."""

    def __init__(self, thing: str, reason: str, step: str) -> None:
        super().__init__(thing, reason, step)
        self.thing, self.reason, self.step = thing, reason, step

    def tell(self) -> None:
        say(pick("无法继续：", "cannot go on: ") + self.thing)
        say(pick("  原因：", "  reason: ") + self.reason)
        say(pick("  下一步：", "  next:   ") + self.step)
