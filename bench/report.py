"""Results beside what they are to reach, as a table or as one JSON object."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec


@dataclass(frozen=True)
class Target:
    """`name` is to be at least `reach` times `vs`, which is another result's name or a fixed figure; with `at_most` it
    is to be no more than that."""

    name: str
    vs: str | float
    reach: float = 1.0
    at_most: bool = False

    def met(self, ratio: float) -> bool:
        return ratio <= self.reach if self.at_most else ratio >= self.reach


@dataclass
class Outcome:
    """`values` are (figure, unit) by name; `void` says why nothing of it counts, if that is so."""

    bench: str
    targets: tuple[Target, ...]
    values: dict[str, tuple[float, str]] = field(default_factory=dict)
    void: str = ""

    def compared(self) -> Iterator[tuple[str, Target | None, float | None]]:
        """Each result with each of its targets whose other side was measured too, and the ratio; or with none."""
        for name, (value, _) in self.values.items():
            mine = [target for target in self.targets if target.name == name]
            pairs = [(target, self.other_side(target)) for target in mine]
            known = [(target, other) for target, other in pairs if other]
            for target, other in known:
                yield name, target, value / other
            if not known:
                yield name, None, None

    def other_side(self, target: Target) -> float | None:
        if isinstance(target.vs, str):
            return self.values[target.vs][0] if target.vs in self.values else None
        return target.vs


def as_json(outcome: Outcome) -> str:
    results = [
        {
            "name": name,
            "value": round(outcome.values[name][0], 3),
            "unit": outcome.values[name][1],
            "vs": None if target is None else str(target.vs),
            "ratio": None if ratio is None else round(ratio, 3),
        }
        for name, target, ratio in outcome.compared()
    ]
    found = {"bench": outcome.bench, "commit": commit(), "results": results}
    return msgspec.json.encode(found | ({"void": True} if outcome.void else {})).decode()


def as_table(outcome: Outcome) -> str:
    lines = [f"{outcome.bench} at {commit()}", ""]
    for name, target, ratio in outcome.compared():
        value, unit = outcome.values[name]
        line = f"{name:<22}{value:>12,.1f} {unit:<12}"
        if target is not None and ratio is not None:
            bound = "at most" if target.at_most else "at least"
            verdict = "yes" if target.met(ratio) else "NO"
            line += f"{ratio:>7.2f} x {target.vs!s:<12} {bound} {target.reach:<5g} {verdict}"
        lines.append(line.rstrip())
    if outcome.void:
        lines += ["", f"VOID: {outcome.void}"]
    return "\n".join(lines)


def commit() -> str:
    """The commit that was measured, with a + when the tree had changes; empty outside a repository."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--abbrev=12"],
        cwd=Path(__file__).parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip()


def tell(text: str) -> None:
    """Progress, for whoever waits."""
    print(text, file=sys.stderr, flush=True)
