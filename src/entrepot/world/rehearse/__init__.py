"""Rehearsals: a peak against the real deployment that leaves no row in a real table.

A rehearsal has a database of its own beside the real one, on the same server: same disks, log, memory and processors.
The deployment's own web processes serve it: a request whose path begins with /rehearsal/ and a signed tag is answered
by a second application over that database, with keys of its own and no gateway but a sandbox of its own (stage.py).

plan.py      what is asked for: the mix, the shape of the peak, the steps of the load
ground.py    the database of a rehearsal: made, filled, dropped; what a killed run left behind
stage.py     the web processes' side: the switch by tag, and what each process says of itself
load.py      the open-loop load, a process of its own
watch.py     PostgreSQL and the machine meanwhile
judge.py     limits, links, the bottleneck, go or no-go: pure
run.py       one rehearsal from beginning to end
report.py    what it found, as one HTML file, as JSON and as lines
command.py   `entrepot rehearse`
"""

from entrepot.world.rehearse.stage import PREFIX, Stage

__all__ = ["PREFIX", "Stage"]
