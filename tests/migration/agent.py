"""A scripted agent that needs a column: it writes a revision, proposes it, waits for a person, and runs it."""

import json
import subprocess
import sys
from pathlib import Path

GUARD, REVISION, TOLD = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
NAME = "alembic/versions/one.py"


def guard(*words, given=None):
    """Calls guard, writes down what came of it, and gives exit code and answer."""
    done = subprocess.run([GUARD, *words], input=given, capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout) if "--json" in words else None
    with TOLD.open("a", encoding="utf-8") as file:
        told = {"words": words, "code": done.returncode, "answer": answer, "stderr": done.stderr}
        file.write(json.dumps(told) + "\n")
    return done.returncode, answer


guard("file", "write", NAME, "--reason", "orders get a size", "--json", given=REVISION.read_text(encoding="utf-8"))
guard("exec", "--json", "--", "alembic", "upgrade", "head")
_, proposed = guard("migration", "propose", NAME, "--db", "trades", "--description", "orders get a size", "--json")
migration = proposed["name"]
guard("migration", "run", migration, "--json")
code, _ = guard("wait", migration, "--json")
if code == 0:
    guard("migration", "run", migration, "--json")
    guard("db", "columns", "trades", "orders", "--json")
