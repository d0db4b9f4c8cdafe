// The demo's story: steady writes, the master struck down, the failover, the old master's return, the reckoning.
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataNode } from './nodes.ts';
import { type Observer, observe } from './observer.ts';
import type { View } from './picture.ts';
import type { Screen } from './screen.ts';
import { milestonesOf, type Outcome, whyChosen } from './summary.ts';
import type { Topology } from './topology.ts';
import { nowMs, textOf, until } from './until.ts';
import { missingWrites, startWriter, type Writer, writesPerSpan } from './writer.ts';

export interface StoryOptions {
  title: string;
  how: 'killed' | 'hung';
  downAfterMs: number;
  /** How long the audience looks at a healthy cluster, before and after. */
  calmMs: number;
}

/** A hung server answers nothing: after this a client gives up and asks the sentinels again. */
const WRITE_TIMEOUT_MS = 200;
/** Genuine sentinels may elect several times, each time waiting for up to twice the failover timeout. */
const FAILOVER_MS = 60_000;
/** Genuine sentinels take up to 18 s. */
const RETURN_MS = 40_000;

/** Play the story on a running topology and tell how it ended. Throws only what is wrong with the stage itself. */
export async function playStory(topology: Topology, screen: Screen, options: StoryOptions): Promise<Outcome> {
  const begunAt = nowMs();
  const frame = { title: options.title, step: '', begunAt, zeroAt: begunAt };
  const observer = await observe(topology, (line, place) => screen.event(line, place, nowMs(), frame.zeroAt));
  const writer = startWriter({
    sentinelPorts: topology.sentinels.map(({ port }) => port),
    masterName: topology.name,
    timeoutMs: WRITE_TIMEOUT_MS,
  });
  const enter = (text: string) => {
    frame.step = text;
    screen.step(text);
  };
  screen.open(() => viewOf(observer, writer, frame));
  try {
    enter(`A client writes to ${topology.master.name}, the master that the sentinels name`);
    await sleep(options.calmMs);
    frame.zeroAt = nowMs();
    const ending = await strikeAndMend({ topology, writer, enter }, options);
    await sleep(options.calmMs);
    await writer.stop();
    ending.problems.push(...(await whatIsWrong(topology)));
    return await reckon(topology, observer, writer, ending);
  } finally {
    await writer.stop();
    observer.stop();
    screen.close();
  }
}

interface Stage {
  topology: Topology;
  writer: Writer;
  /** Begin a new step of the story. */
  enter(text: string): void;
}

interface Ending {
  how: StoryOptions['how'];
  struckAt: number;
  returnedAt: number | undefined;
  problems: string[];
}

/** Lose the master, see another take over, get the old one back; what cannot be had becomes a problem. */
async function strikeAndMend({ topology, writer, enter }: Stage, { how, downAfterMs }: StoryOptions): Promise<Ending> {
  const { master: old } = topology;
  const struckAt = nowMs();
  const ending: Ending = { how, struckAt, returnedAt: undefined, problems: [] };
  await strike(old, how);
  const lost = how === 'hung' ? 'hangs (SIGSTOP)' : 'was killed';
  enter(`${old.name} ${lost}: the sentinels notice, agree, elect a leader and promote a replica`);
  try {
    await writesGoOn(topology, writer, { old, struckAt, withinMs: FAILOVER_MS + downAfterMs });
    enter(`${old.name} ${how === 'hung' ? 'wakes up' : 'is started again'}: it takes itself for the master still`);
    await revive(old, how);
    await becomesReplica(topology, old);
    ending.returnedAt = nowMs();
    enter('Everything is back: the old master follows the new one');
  } catch (error) {
    ending.problems.push(textOf(error).split('\n')[0] ?? '');
    enter('Something went wrong');
  }
  return ending;
}

async function strike(node: DataNode, how: 'killed' | 'hung'): Promise<void> {
  if (how === 'hung') node.pause();
  else await node.kill();
}

async function revive(node: DataNode, how: 'killed' | 'hung'): Promise<void> {
  if (how === 'hung') node.resume();
  else await node.start();
}

/** Until the sentinels agree on another master and it has acknowledged writes. */
async function writesGoOn(
  topology: Topology,
  writer: Writer,
  { old, struckAt, withinMs }: { old: DataNode; struckAt: number; withinMs: number },
): Promise<void> {
  const promoted = await topology.agreedMaster({ not: old, withinMs });
  // Not necessarily at that one: genuine sentinels sometimes fail over twice.
  const wroteAgain = () => writer.writes.findLast(({ at, port }) => at > struckAt && port !== old.port) !== undefined;
  await until(`writes go on at ${promoted.name}`, wroteAgain);
}

/** Until the old master follows whoever is master now. */
async function becomesReplica(topology: Topology, old: DataNode): Promise<void> {
  const follows = async () => {
    const { port } = await topology.agreedMaster({ not: old });
    const info = await old.info('replication');
    return info.role === 'slave' && info.master_port === String(port) && info.master_link_status === 'up';
  };
  await until(`${old.name} follows the new master`, follows, { withinMs: RETURN_MS });
}

/** What sentinels and nodes disagree about at the end, a sentence each. */
async function whatIsWrong(topology: Topology): Promise<string[]> {
  const wrong: string[] = [];
  const ports = await Promise.all(topology.sentinels.map((sentinel) => topology.masterPort(sentinel)));
  const master = topology.nodeAt(ports[0] ?? 0);
  if (new Set(ports).size > 1 || master === undefined) return ['the sentinels name different masters'];
  for (const node of topology.nodes.filter(({ running, paused }) => running && !paused)) {
    const info = await node.info('replication');
    if (node === master && info.role !== 'master')
      wrong.push(`${node.name} should be master, but says it is ${info.role}`);
    if (node === master) continue;
    if (info.role !== 'slave' || info.master_port !== String(master.port))
      wrong.push(`${node.name} should follow ${master.name}, but does not`);
    else if (info.master_link_status !== 'up') wrong.push(`${node.name} has no link to ${master.name}`);
  }
  return wrong;
}

/** Everything the summary needs. */
async function reckon(topology: Topology, observer: Observer, writer: Writer, ending: Ending): Promise<Outcome> {
  const { master: old } = topology;
  const { how, struckAt, returnedAt } = ending;
  const problems = [...ending.problems];
  const promoted = await topology.agreedMaster({ withinMs: 5_000 }).catch(() => undefined);
  const missing = promoted === undefined ? [] : await missingWrites(promoted, writer.writes.length);
  const byOld = missing.filter((number) => writer.writes[number]?.port === old.port);
  const oldest = writer.writes[byOld[0] ?? -1]?.at ?? struckAt;
  if (missing.length > byOld.length)
    problems.push(`${missing.length - byOld.length} writes that the new master had acknowledged are missing`);
  if (promoted === old) problems.push(`${old.name} is master again: there was no failover that lasted`);
  const streams = topology.sentinels.map((sentinel) => ({ who: sentinel.name, events: sentinel.events() }));
  const candidates = observer.choiceOf(promoted?.port ?? 0) ?? [];
  const chosen = candidates.find(({ port }) => port === promoted?.port);
  return {
    how,
    struckAt,
    oldMaster: `${old.name} (${old.address})`,
    newMaster: promoted === undefined || promoted === old ? undefined : `${promoted.name} (${promoted.address})`,
    milestones: milestonesOf(streams, struckAt),
    why:
      chosen &&
      whyChosen(
        chosen,
        candidates.filter((other) => other !== chosen),
      ),
    refusals: writer.refusals,
    acknowledged: writer.writes.length,
    lost: byOld.length,
    lostWithinMs: struckAt - oldest,
    returnedAt,
    problems,
  };
}

const SPAN_MS = 100;
/** More than any terminal is wide. */
const SPANS = 300;

function viewOf(
  observer: Observer,
  writer: Writer,
  frame: { title: string; step: string; begunAt: number; zeroAt: number },
): View {
  const now = nowMs();
  const history = writesPerSpan(writer.writes, now, SPAN_MS, SPANS);
  const refusal = writer.refusal();
  // The newest span is not over yet; those before our first write are not worth a look.
  const lived = Math.ceil((now - frame.begunAt) / SPAN_MS);
  return {
    ...frame,
    runningMs: now - frame.begunAt,
    nodes: observer.nodes,
    sentinels: observer.sentinels,
    events: observer.events,
    perSecond: history.slice(-11, -1).reduce((sum, count) => sum + count, 0),
    history: history.slice(-Math.max(2, lived), -1),
    acknowledged: writer.writes.length,
    refusedAttempts: writer.refusals.reduce((sum, { attempts }) => sum + attempts, 0),
    refusedForMs: refusal === undefined ? undefined : now - refusal.beganAt,
  };
}
