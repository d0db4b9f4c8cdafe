// How each kind of fault is done, and undone.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Network, Way } from './network.ts';
import {
  DATA_HOSTS,
  type DataHost,
  describeFault,
  type Fault,
  HOSTS,
  type Host,
  type Ms,
  SENTINEL_HOSTS,
  type SentinelHost,
  type ServerHost,
  type ServerSlot,
  type Slot,
} from './plan.ts';
import type { Recorder } from './recorder.ts';
import type { Servers } from './servers.ts';

export interface Field {
  readonly servers: Servers;
  readonly network: Network;
  readonly recorder: Recorder;
  /** The ways that each fault under way keeps closed. */
  readonly closed: Map<Fault, ReadonlySet<Way>>;
  readonly moments: Moments;
}

/** Settles at the next such event of any sentinel, with its name; never, if none comes. */
export interface Moments {
  next(channel: string, within: Ms): Promise<SentinelHost | undefined>;
}

type Undo = () => Promise<void> | void;

/** A flapping link is closed and open in turn. */
const FLAP_CLOSED_MS: Ms = 600;
const FLAP_OPEN_MS: Ms = 300;
/** Where nothing but the bandwidth can be made small: half of what a master with our applications needs, or a sentinel. */
const NARROW_KBIT = { data: 300, sentinel: 40 };

/** Do a fault at its time, and undo it at its time; settles when it is over. `master`: who is it as the episode begins. */
export async function suffer(field: Field, index: number, fault: Fault, master: DataHost): Promise<void> {
  const { recorder } = field;
  const tell = (step: 'begins' | 'ends') =>
    recorder.write({ at: recorder.now(), kind: 'fault', index, step, text: describeFault(fault) });
  await sleep(fault.at);
  tell('begins');
  const at = ((slot: Slot) => hostOf(slot, master)) as At;
  const undo = await strike(field, fault, at);
  await sleep(fault.for);
  await undo();
  tell('ends');
}

/** Who a slot is, with this master. */
export function hostOf(slot: ServerSlot, master: DataHost): ServerHost;
export function hostOf(slot: Slot, master: DataHost): Host;
export function hostOf(slot: Slot, master: DataHost): Host {
  if (slot === 'master') return master;
  const replicas = DATA_HOSTS.filter((host) => host !== master);
  if (slot === 'replica1') return replicas[0] as DataHost;
  return slot === 'replica2' ? (replicas[1] as DataHost) : slot;
}

async function strike(field: Field, fault: Fault, at: At): Promise<Undo> {
  const { servers } = field;
  switch (fault.kind) {
    case 'kill':
    case 'restart':
      return end(field, at(fault.who), fault.kind);
    case 'stop': {
      const server = servers.of(at(fault.who));
      server.pause();
      return () => server.resume();
    }
    case 'kill-leader':
      return killLeader(field, at(fault.who));
    case 'isolate':
    case 'split':
    case 'one-way':
      return close(field, fault, waysOf(fault, at));
    case 'flap':
      return flap(field, fault, waysOf(fault, at));
    case 'slow-link': {
      const host = at(fault.who);
      await field.network.slow(host, isSentinel(host) ? NARROW_KBIT.sentinel : NARROW_KBIT.data);
      return () => field.network.unslow(host);
    }
    case 'full-disk':
      servers.fillDisk(at(fault.who));
      return () => servers.emptyDisk(at(fault.who));
    case 'slow-disk':
      servers.slowDisk(fault.who, fault.fsyncMs);
      return () => servers.slowDisk(fault.who, 0);
    case 'failover':
      return order(field, fault.who);
  }
}

type At = { (slot: ServerSlot): ServerHost; (slot: Slot): Host };

/** End a process, one way or the other; undone by starting it. */
async function end({ servers }: Field, host: ServerHost, how: 'kill' | 'restart'): Promise<Undo> {
  const server = servers.of(host);
  await (how === 'kill' ? server.kill() : server.stop());
  if (isSentinel(host)) await servers.checkFile(host);
  return () => server.start();
}

/** The master, and at once whoever is elected to replace it. */
async function killLeader(field: Field, master: ServerHost): Promise<Undo> {
  const elected = field.moments.next('+elected-leader', 30_000);
  const undoMaster = await end(field, master, 'kill');
  const dead = elected.then((host) => (host === undefined ? undefined : end(field, host, 'kill')));
  return async () => {
    await undoMaster();
    await (await dead)?.();
  };
}

type Cut = Exclude<
  Fault,
  { kind: 'kill' | 'stop' | 'restart' | 'kill-leader' | 'slow-link' | 'full-disk' | 'slow-disk' | 'failover' }
>;

/** Which ways a fault closes. */
function waysOf(fault: Cut, at: At): Set<Way> {
  const aside = new Set(fault.kind === 'split' ? fault.who.map((slot) => at(slot)) : [at(fault.who)]);
  const ways = new Set<Way>();
  for (const from of HOSTS)
    for (const to of HOSTS) {
      const leaves = aside.has(from) && !aside.has(to);
      const enters = !aside.has(from) && aside.has(to);
      const isClosed = fault.kind === 'one-way' ? (fault.way === 'out' ? leaves : enters) : leaves || enters;
      if (isClosed) ways.add(`${from}>${to}`);
    }
  return ways;
}

async function close(field: Field, fault: Fault, ways: ReadonlySet<Way>): Promise<Undo> {
  field.closed.set(fault, ways);
  await cutAll(field);
  return async () => {
    field.closed.delete(fault);
    await cutAll(field);
  };
}

/** A way is told to be closed no longer than it is: after it was closed, and before it is opened. */
async function cutAll({ network, recorder, closed }: Field): Promise<void> {
  const ways = new Set([...closed.values()].flatMap((each) => [...each]));
  const tell = (cut: readonly Way[]) => recorder.write({ at: recorder.now(), kind: 'network', cut });
  tell([...ways].filter((way) => network.isCut(way)));
  await network.cut(ways);
  tell([...ways]);
}

async function flap(field: Field, fault: Fault, ways: ReadonlySet<Way>): Promise<Undo> {
  let over = false;
  const flapping = (async () => {
    while (!over) {
      const open = await close(field, fault, ways);
      await sleep(FLAP_CLOSED_MS);
      await open();
      await sleep(FLAP_OPEN_MS);
    }
  })();
  return () => {
    over = true;
    return flapping;
  };
}

async function order({ servers, recorder }: Field, by: SentinelHost): Promise<Undo> {
  const answer = await servers
    .of(by)
    .client.command('SENTINEL', 'FAILOVER', 'mymaster')
    .then(String, (error: unknown) => String(error));
  recorder.write({ at: recorder.now(), kind: 'order', by, answer });
  return () => undefined;
}

function isSentinel(host: Host): host is SentinelHost {
  return SENTINEL_HOSTS.some((each) => each === host);
}
