"""Child processes: they are started again when they end, and do not outlive us."""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from entrepot.kit.log import log

PR_SET_PDEATHSIG = 1
AGAIN_AFTER_S = 1.0
STOP_MAX_S = 20.0
GARBAGE = 50_000
"""New objects after which garbage is collected, some ten MB of them: little of ours is in circles."""


def die_with_parent(number: int = signal.SIGTERM) -> None:
    """Asks the kernel, where it is Linux, to send us this signal when the thread that started us ends, in any way."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


@contextmanager
def kept(
    module: str, arguments: Sequence[str] = (), env: Mapping[str, str] | None = None, *, mute: bool = False
) -> Iterator[None]:
    """A process that runs `python -m module` while this is entered. When it ends by itself, or is killed, it is started
    again AGAIN_AFTER_S later. `env` is added to our environment; a `mute` one has no part in our stdout."""
    stop = threading.Event()
    command = [sys.executable, "-m", __name__, module, *arguments]

    def keep() -> None:
        while True:
            stdout = subprocess.DEVNULL if mute else None
            child = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdout=stdout)
            code = _wait(child, stop)
            if code is None:
                _end(child)
                return
            log("process_ended", module=module, code=code)
            if stop.wait(AGAIN_AFTER_S):
                return

    keeper = threading.Thread(target=keep, name=f"keeps {module}")
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _wait(child: subprocess.Popen[bytes], stop: threading.Event) -> int | None:
    """The exit code of a child that ended; None when we are to stop before it has."""
    while child.poll() is None:
        if stop.wait(0.1):
            return None
    return child.returncode


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_MAX_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


if __name__ == "__main__":
    die_with_parent()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
