"""One rehearsal from beginning to end."""

from __future__ import annotations

import asyncio
import math
import secrets
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from entrepot import __version__
from entrepot.kit import process
from entrepot.kit.auth import Keys
from entrepot.kit.clock import RealClock, monotonic
from entrepot.kit.db import Database
from entrepot.kit.ids import show
from entrepot.kit.migrate import migrate
from entrepot.kit.secrets import put_secret
from entrepot.settings import Settings
from entrepot.world import market
from entrepot.world.auditor import audit
from entrepot.world.gateway import HOST, SECRET_VARIABLE, free_port
from entrepot.world.rehearse import judge, plan, stage, store
from entrepot.world.rehearse.found import Asked, Evidence, Kind, Point, Result, Size
from entrepot.world.rehearse.ground import Crowd, ground, scaled, strayed
from entrepot.world.rehearse.judge import Span
from entrepot.world.rehearse.latency import merged, quantile_ms
from entrepot.world.rehearse.load import LENGTH_BYTES, Plan, Second
from entrepot.world.rehearse.plan import PlanError, Step
from entrepot.world.rehearse.target import knock
from entrepot.world.rehearse.watch import Usage, Watch, usage
from entrepot.world.sandbox import WEBHOOK_PATH
from entrepot.world.wire import Purchase

TAG_TTL = timedelta(hours=1)
SETTLE_S = 2.0
LEAVE_MAX_S = 15.0
"""For a load generator that was told to stop: it waits for its last answers."""
LINE_MAX = 1 << 20
GATEWAY_MS = (100, 300)
"""How long the sandbox gateway takes to answer, and its buyers to say yes."""
PAYING_MAX_S = 20.0
"""In the end payments are waited for that are under way."""
NOBODY = dict.fromkeys(
    (
        "ENTREPOT_SANDBOX_URL", "ENTREPOT_STRIPE_KEY", "ENTREPOT_STRIPE_PUBLISHABLE_KEY",
        "ENTREPOT_STRIPE_WEBHOOK_SECRET", "ENTREPOT_CUSTOMS_URL", "ENTREPOT_SMTP_URL", "ENTREPOT_SMS_URL",
    ),
    "",
)  # fmt: skip
"""Whom the deployment calls and its rehearsal does not."""
EPOCH = datetime.fromtimestamp(0, UTC)

Tell = Callable[[str], None]


async def rehearse(settings: Settings, asked: Asked, tell: Tell) -> Result:
    """The whole rehearsal. Raises PlanError when it cannot be, and leaves nothing behind unless it is asked to."""
    real = await Database.open(settings.database_url, size=1)
    try:
        async with ground(settings.database_url, keep=asked.keep) as name:
            return await _on_ground(settings, asked, real, name, tell)
    finally:
        await real.close()


async def _on_ground(settings: Settings, asked: Asked, real: Database, name: str, tell: Tell) -> Result:
    clock, began = RealClock(), monotonic()
    keys, url = Keys(settings.secret.encode()), stage.sibling(settings.database_url, name)
    prefix = stage.prefix(keys, name, clock.now() + TAG_TTL)
    await migrate(url)
    secret = await _agree_on_secret(url, keys) if asked.through_gateway else ""
    await asyncio.to_thread(knock, asked.target, prefix)
    async with real.read() as tx:
        sizes, version = await tx.one(store.SIZES), str(await tx.conn.fetchval("show server_version"))
    made = scaled(sizes)
    tell(f"filling {name}: {made.sellers:,} sellers, {made.offers:,} offers, {made.buyers:,} buyers")
    await market.open_market(url, made)
    # The rehearsal's orders are followed up as real ones are, by a worker that knows nobody outside but, perhaps, a
    # gateway of the rehearsal's own.
    own = {"ENTREPOT_DATABASE_URL": url, "ENTREPOT_HOME": str(settings.home), "ENTREPOT_SECRET": settings.secret}
    db = await Database.open(url, size=2)
    try:
        with ExitStack() as beside:
            if secret:
                own["ENTREPOT_SANDBOX_URL"] = beside.enter_context(_gateway(asked.target.url + prefix, secret))
            beside.enter_context(process.kept("entrepot.worker", env=NOBODY | own))
            crowd = await Crowd.gather(db, stage.apart(keys, name), prefix)
            scene = Scene(asked, db, crowd, prefix, await crowd.wishes(), await crowd.campaign(), tell)
            acts = await _acts(scene)
            paid = await _paid(scene) if secret else None
        tell("counting what was written, and auditing it")
        evidence = await _evidence(real, db, acts, made.history, paid)
    finally:
        await db.close()
    listed = [
        Size("sellers", sizes.sellers, made.sellers), Size("offers", sizes.offers, made.offers),
        Size("buyers", sizes.buyers, made.buyers), Size("earlier orders", sizes.groups, made.history),
    ]  # fmt: skip
    return _result(asked, acts, evidence, listed, clock.now(), monotonic() - began, version)


async def _agree_on_secret(url: str, keys: Keys) -> str:
    """What the rehearsal's gateway signs its webhooks with: the web processes and the worker read it there."""
    secret = secrets.token_urlsafe(32)
    db = await Database.open(url, size=1)
    try:
        async with db.write() as tx:
            await put_secret(tx, keys, stage.GATEWAY_SECRET, secret.encode())
    finally:
        await db.close()
    return secret


@contextmanager
def _gateway(shop: str, secret: str) -> Iterator[str]:
    """The address of a sandbox gateway of the rehearsal's own, whose buyers approve what they are asked."""
    port = free_port(0)
    faults = msgspec.json.encode({"delay_ms": GATEWAY_MS, "auto_approve": True}).decode()
    arguments = ["--port", str(port), "--webhook-url", shop + WEBHOOK_PATH, "--faults", faults]
    with process.kept("entrepot.world.gateway", arguments, {SECRET_VARIABLE: secret}, mute=True):
        yield f"http://{HOST}:{port}"


async def _paid(scene: Scene) -> store.Payments:
    """What was paid through the gateway, when all of it is or has had its time."""
    until = monotonic() + PAYING_MAX_S
    while True:
        async with scene.db.read() as tx:
            unpaid, found = await tx.one(store.UNPAID), await tx.one(store.PAYMENTS)
        if not unpaid or monotonic() > until:
            return found
        await asyncio.sleep(0.2)


@dataclass
class Scene:
    """Where the load is played, and what is seen meanwhile."""

    asked: Asked
    db: Database
    crowd: Crowd
    prefix: str
    wishes: list[Purchase]
    campaign: tuple[UUID, int]
    tell: Tell
    watch: Watch = field(init=False)
    samples: list[store.Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = Watch(self.db)

    async def refresh(self) -> None:
        """Reads what the web processes have said since the last time."""
        after = self.samples[-1].at if self.samples else EPOCH
        async with self.db.read() as tx:
            self.samples += await tx.all(store.SAMPLES, after=after)

    def usage(self, seconds: Sequence[Second], during: Sequence[Second]) -> Usage:
        """What was used `during` some of an act's seconds."""
        load = [(second.at, second.cpu_s) for second in seconds]
        begin, end = during[0].at - 1, during[-1].at
        return usage(self.watch.seen, self.samples, load, begin, end, self.watch.max_connections)


@dataclass
class Acts:
    """The ramp up to the first limit, and the peak as it is forecast; what each second of them was like."""

    ramp: list[Second]
    judged: list[tuple[Span, list[str]]]
    peak: list[Second]
    peak_steps: list[Step]
    peak_per_s: float
    top: Span | None
    timeline: list[Point]
    kinds: list[Kind]

    @property
    def held(self) -> Span | None:
        return judge.capacity(self.judged)


async def _acts(scene: Scene) -> Acts:
    """Raises PlanError when the load generator fails."""
    watching = asyncio.create_task(scene.watch.run())
    asked = scene.asked
    try:
        seconds, judged = await _ramp(scene)
        acts = Acts(seconds, judged, [], [], 0.0, None, [], [])
        capacity = judge.held_per_s(acts.held)
        acts.peak_per_s = asked.forecast_per_s or float(judge.admit_per_s(capacity))
        if acts.peak_per_s:
            await asyncio.sleep(SETTLE_S)
            acts.peak_steps = plan.peak(asked.shape, acts.peak_per_s, asked.speed)
            await scene.crowd.admit(scene.campaign[0], max(judge.admit_per_s(capacity), 1))
            scene.tell(f"the peak: {asked.shape_name}, up to {acts.peak_per_s:,.1f} orders/s")
            acts.peak = await _play(scene, acts.peak_steps, _go_on)
        await asyncio.sleep(1)  # for the web processes' last words
        await scene.refresh()
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    during = judge.busiest(acts.peak_steps, acts.peak) if acts.peak else []
    if during:
        step = Step("peak", acts.peak_per_s, float(len(during)))
        acts.top = judge.span(step, during, scene.usage(acts.peak, during))
    acts.timeline = [*_timeline(scene, asked.ramp, acts.ramp, 0.0)]
    behind = acts.timeline[-1].since_s + SETTLE_S if acts.timeline else 0.0
    acts.timeline += _timeline(scene, acts.peak_steps, acts.peak, behind)
    acts.kinds = _kinds(asked.ramp, acts.ramp, acts.held)
    return acts


async def _ramp(scene: Scene) -> tuple[list[Second], list[tuple[Span, list[str]]]]:
    """Plays the ramp until a step reaches a limit, and judges each when it is over."""
    steps, seconds, judged = scene.asked.ramp, list[Second](), list[tuple[Span, list[str]]]()

    async def on_second(second: Second) -> bool:
        now = seconds[-1].step if seconds else 0
        seconds.append(second)
        return second.step == now or await judge_step(now)

    async def judge_step(number: int) -> bool:
        during = [second for second in seconds if second.step == number]
        await scene.refresh()
        found = judge.span(steps[number], during, scene.usage(seconds, during))
        if found.phase == "warm":
            return True
        reached = judge.limits(found, scene.asked.p99_ms)
        judged.append((found, reached))
        scene.tell(_line(found, reached))
        return not reached

    # What was answered after the ramp was stopped is in the list that is returned only.
    return await _play(scene, steps, on_second), judged


def _line(found: Span, reached: Sequence[str]) -> str:
    p99 = "no answer" if found.p99_ms is None else f"p99 {found.p99_ms:,.0f} ms"
    text = f"{found.planned_per_s:,.1f} orders/s: {found.accepted_per_s:,.1f} accepted, {p99}"
    text += f", processors {found.usage.machine:.0%}"
    return text + "".join(f"; limit: {judge.LIMITS[code]}" for code in reached[:1])


async def _go_on(_: Second) -> bool:
    return True


async def _play(scene: Scene, steps: list[Step], on_second: Callable[[Second], Awaitable[bool]]) -> list[Second]:
    """Plays steps with a load generator of its own, until they are over or `on_second` says no. Raises PlanError."""
    asked, crowd = scene.asked, scene.crowd
    count = math.ceil(plan.orders(steps) * asked.mix.placed_per_order)
    wanted = count if asked.mix.weights["place"] else 0
    places = await crowd.places(wanted, asked.through_gateway) if wanted else []
    campaign, offer = scene.campaign
    told = Plan(
        asked.target.host, asked.target.port, steps, asked.mix.weights, scene.prefix,
        crowd.listings(), crowd.details(), scene.wishes, places, show("cmp", campaign), offer, asked.through_gateway,
    )  # fmt: skip
    seconds: list[Second] = []
    command = [sys.executable, "-m", "entrepot.world.rehearse.load"]
    child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=LINE_MAX)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        data = msgspec.msgpack.encode(told)
        child.stdin.write(len(data).to_bytes(LENGTH_BYTES) + data)
        async for line in child.stdout:
            second = msgspec.json.decode(line, type=Second)
            seconds.append(second)
            if not await on_second(second):
                child.stdin.close()
                on_second = _go_on
        code = await asyncio.wait_for(child.wait(), LEAVE_MAX_S)
    finally:
        child.stdin.close()
        if child.returncode is None:
            child.kill()
            await child.wait()
    if code:
        raise PlanError(f"the load generator ended with code {code}: is the server gone?")
    return seconds


def _timeline(scene: Scene, steps: Sequence[Step], seconds: Sequence[Second], offset_s: float) -> list[Point]:
    points = []
    for second in seconds:
        if second.step < 0:
            continue
        counts = merged(second.latencies.values())
        step = steps[min(second.step, len(steps) - 1)]
        points.append(
            Point(
                offset_s + second.since_s, step.phase, judge.planned(steps, second), second.ordering, second.orders,
                quantile_ms(counts, 0.5), quantile_ms(counts, 0.99), second.refused, second.failed + second.unsent,
                scene.usage(seconds, [second]), second.in_line,
            )
        )  # fmt: skip
    return points


def _kinds(steps: Sequence[Step], seconds: Sequence[Second], held: Span | None) -> list[Kind]:
    """Each kind of visitor in the step that held."""
    if held is None:
        return []
    during = [s for s in seconds if s.step >= 0 and steps[s.step].orders_per_s == held.planned_per_s]
    found = []
    for name in (*plan.KINDS, plan.PAYING):
        counts = merged(second.latencies.get(name, {}) for second in during)
        half, most = quantile_ms(counts, 0.5), quantile_ms(counts, 0.99)
        if half is not None and most is not None:
            found.append(Kind(name, sum(counts.values()) / len(during), half, most))
    return found


async def _evidence(
    real: Database, db: Database, acts: Acts, history: int, paid: store.Payments | None
) -> Evidence:  # fmt: skip
    async with db.read() as tx:
        groups = [row[0] for row in await tx.conn.fetch("select id from orders.order_group")]
        buyers = [row[0] for row in await tx.conn.fetch("select id from accounts.user where role = 'buyer'")]
    report = await audit(db, market.CELL)
    return Evidence(
        acknowledged=sum(second.orders for second in [*acts.ramp, *acts.peak]),
        placed=len(groups) - history,
        checked=sum(report.checked.values()),
        findings=report.total,
        strayed=await strayed(real, groups, buyers),
        payments=paid,
    )


def _result(
    asked: Asked, acts: Acts, evidence: Evidence, sizes: list[Size], at: datetime, took_s: float, postgres: str
) -> Result:  # fmt: skip
    held, limit = acts.held, next((found for found, reached in acts.judged if reached), None)
    capacity = judge.held_per_s(held)
    peak_limits = judge.limits(acts.top, asked.p99_ms) if acts.top else []
    full = limit or held
    verdict = judge.verdict(asked.forecast_per_s, asked.headroom, capacity, acts.top, peak_limits)
    if not evidence.sound:
        wrong = "Orders were lost, the books differ, or something of it is in real tables: see what proves it."
        verdict = judge.Verdict("no_go", [wrong, *verdict.reasons])
    return Result(
        at=at, took_s=took_s, version=__version__, postgres=postgres, sizes=sizes, asked=asked, ramp=acts.judged,
        held=held, peak=acts.top, peak_limits=peak_limits, peak_per_s=acts.peak_per_s, kinds=acts.kinds,
        capacity_per_s=capacity, admit_per_s=judge.admit_per_s(capacity),
        links=judge.links(full.usage, capacity, held.usage if held else full.usage) if full else [],
        bottleneck=judge.bottleneck(full.usage) if full else "none",
        verdict=verdict, evidence=evidence, timeline=acts.timeline,
    )  # fmt: skip
