"""The last step of the launcher, inside .venv: Caretaker's command line, or one clear sentence why there is none."""

import sys


def main() -> int:
    sys.dont_write_bytecode = False  # the launcher asked for none only for itself
    sys.argv[0] = "caretaker"
    try:
        from caretaker import cli
    except ImportError as error:
        from tooling.words import TroubleError, pick

        TroubleError(
            "caretaker.cli",
            "%s (%s)" % (error, error.name or "?"),
            pick(
                "缺的若是第三方包，删除 .venv 后重试；否则代码不完整（git status）。",
                "if a library is missing, remove .venv and start again; else the checkout is not whole (git status).",
            ),
        ).tell()
        return 1
    (getattr(cli, "main", None) or cli.app)()
    return 0


if __name__ == "__main__":
    sys.exit(main())
