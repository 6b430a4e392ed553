"""Many command lines in a row without starting Python each time: `python -m tests.badinput.forks < cases.json`.

Imports the command line once and forks for each case; each child is the real `main()` with arguments, environment and
exit code of its own. Prints [{code, out, err}] as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile

import caretaker.cli
import caretaker.cli.up

SECONDS = 20


def run(arguments: list[str], environment: dict[str, str]) -> dict[str, object]:
    """One command line in a child."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.environ.update(environment)
            sys.argv = ["caretaker", *arguments]
            code = 0
            try:
                caretaker.cli.main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        said = out.read().decode(), err.read().decode()
        return {"code": os.waitstatus_to_exitcode(status), "out": said[0], "err": said[1]}


if __name__ == "__main__":
    print(json.dumps([run(case["arguments"], case["environment"]) for case in json.load(sys.stdin)]))
