"""Keeps what a run measured as a result of the project.

python benchmarks/record_run.py runs/latest
"""

import argparse
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

from residency.files import write_json

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Writes `results/<recipe>-<data>_cpu_<date>.json` from a run folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--name", help="Data in words; else the name of its folder.")
    parser.add_argument("--note", default="", help="What a reader must know of it.")
    arguments = parser.parse_args()
    run = arguments.run
    recipe, plan = read(run / "recipe.json"), read(run / "plan.json")
    environment = read(run / "environment.json")
    name = arguments.name or Path(plan["source"]).name
    # Folders are those of one machine; a result names the data, not the place.
    recipe["values"]["data"]["source"] = plan["source"] = name
    environment.pop("command")
    result = {
        "what": f"{recipe['name']} on {name}",
        "date": date.today().isoformat(),
        "note": arguments.note,
        "environment": environment,
        "plan": {k: v for k, v in plan.items() if k not in ("decayed", "exempt")},
        "changes": [p for p, who in recipe["origin"].items() if who == "user"],
        "recipe": recipe["values"],
        "evaluation": [
            {k: e[k] for k in ("part", "used_for_choosing", "accuracy", "loss")}
            for e in read(run / "evaluation.json")
        ],
        "epochs": [json.loads(line) for line in (run / "metrics.jsonl").open()],
    }
    slug = re.sub(r"[^a-z0-9]+", "-", f"{recipe['name']} {name}".lower()).strip("-")
    device = "gpu" if environment["gpu"] else "cpu"
    path = RESULTS / f"{slug}_{device}_{date.today()}.json"
    write_json(path, result)
    print(path)


def read(path: Path) -> Any:
    """Returns what a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
