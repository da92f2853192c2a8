"""Drives mini-swe-agent as the agent of a build loop: its model says what was written down, and each of its actions goes through guard."""

import json
import os
import subprocess
import sys

# Its own settings belong to no project: they go into the fence's home.
os.environ["MSWEA_SILENT_STARTUP"] = "1"
os.environ["MSWEA_GLOBAL_CONFIG_DIR"] = "/tmp/mini"

from minisweagent.agents.default import DefaultAgent  # noqa: E402
from minisweagent.environments.local import LocalEnvironment  # noqa: E402
from minisweagent.models.test_models import DeterministicModel, make_output  # noqa: E402


class Guarded(LocalEnvironment):
    """Runs each action of the agent by `guard exec -c`."""

    def execute(self, action, cwd="", *, timeout=None):
        ran = subprocess.run(
            ["guard", "exec", "-c", action["command"]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        output = {"output": ran.stdout, "returncode": ran.returncode, "exception_info": ""}
        print(f"{ran.returncode} {action['command'].splitlines()[0]}", flush=True)
        self._check_finished(output)
        return output


def main():
    brief = json.load(sys.stdin)
    phase, attempt = brief["phase"]["id"], brief["attempt"]
    with open(sys.argv[1], encoding="utf-8") as file:
        said = json.load(file).get(f"{phase} {attempt}", [])
    submit = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
    outputs = [make_output(f"step {n}", [{"command": command}], 0.01) for n, command in enumerate([*said, submit])]
    agent = DefaultAgent(
        DeterministicModel(outputs=outputs, cost_per_call=0.01),
        Guarded(),
        system_template="You implement a phase of a plan. {{ task }}",
        instance_template="{{ task }}",
    )
    result = agent.run(json.dumps(brief))
    print(
        json.dumps(
            {"say": result["exit_status"], "turns": agent.n_calls, "cost_usd": round(agent.cost, 2)}
        )
    )


main()
