"""After each race: it has taken the locks that it is listed for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.races import interleave, locks


@pytest.fixture(autouse=True)
def takes_its_locks(request: pytest.FixtureRequest) -> Iterator[None]:
    interleave.taken.clear()
    yield
    wanted = set(locks.RACED.get(f"{request.path.stem}.{request.function.__name__}", "").split())
    queries = locks.queries() if wanted else {}
    taken = {name for name, text in queries.items() if text in interleave.taken} | locks.reached(interleave.taken)
    assert wanted <= taken, f"listed in tests/races/locks.py and not taken: {sorted(wanted - taken)}"
