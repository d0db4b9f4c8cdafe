// What a seed stands for: which sentinels, which replica is unwanted, and one episode of faults after the other. Plain
// data, the same for every kind of sentinel, so that their figures stand side by side.
import type { SentinelKind } from '../../src/demo/programs.ts';
import { type Draw, seededDraw } from '../config/generate-state.ts';

export type Ms = number;

export const DATA_HOSTS = ['d1', 'd2', 'd3'] as const;
export const SENTINEL_HOSTS = ['s1', 's2', 's3'] as const;
/** Applications live here: two hosts, so that a split can leave some of them with either side. */
export const CLIENT_HOSTS = ['c1', 'c2'] as const;

export type DataHost = (typeof DATA_HOSTS)[number];
export type SentinelHost = (typeof SENTINEL_HOSTS)[number];
export type ClientHost = (typeof CLIENT_HOSTS)[number];
export type ServerHost = DataHost | SentinelHost;
export type Host = ServerHost | ClientHost;
export const HOSTS: readonly Host[] = [...DATA_HOSTS, ...SENTINEL_HOSTS, ...CLIENT_HOSTS];

/** The last part of a host's address tells who it is. */
export const addressOf = (host: Host): string => `10.0.0.${1 + HOSTS.indexOf(host)}`;
const NAMES: ReadonlyMap<string, Host> = new Map(HOSTS.map((host) => [addressOf(host), host]));

/** Who has this address; the address itself where nobody has. A port may follow it. */
export const nameOf = (address: string): string => NAMES.get(address.split(':')[0] ?? '') ?? address;

/** Whom a fault strikes. Data nodes go by the role that they have when the episode begins; d1 is the first master. */
export type ServerSlot = 'master' | 'replica1' | 'replica2' | SentinelHost;
export type Slot = ServerSlot | ClientHost;

/** It begins `at` so much after its episode, and is undone `for` so much later. */
export type Fault = { readonly at: Ms; readonly for: Ms } & (
  | { readonly kind: 'kill' | 'stop' | 'restart'; readonly who: ServerSlot }
  | { readonly kind: 'isolate' | 'flap'; readonly who: ServerSlot }
  | { readonly kind: 'slow-link' | 'full-disk'; readonly who: ServerSlot }
  /** Nothing that it sends arrives (`out`), or nothing arrives that is sent to it (`in`). */
  | { readonly kind: 'one-way'; readonly who: ServerSlot; readonly way: 'out' | 'in' }
  /** These on one side, everybody else on the other. */
  | { readonly kind: 'split'; readonly who: readonly Slot[] }
  | { readonly kind: 'slow-disk'; readonly who: SentinelHost; readonly fsyncMs: Ms }
  /** `SENTINEL FAILOVER` on that sentinel. */
  | { readonly kind: 'failover'; readonly who: SentinelHost }
  /** The master is killed, and then whoever is elected to replace it. */
  | { readonly kind: 'kill-leader'; readonly who: 'master' }
);

export interface Episode {
  readonly index: number;
  /** What it is counted under. */
  readonly label: string;
  /** Rest before it. */
  readonly calmMs: Ms;
  readonly faults: readonly Fault[];
}

export interface Settings {
  readonly quorum: number;
  readonly downAfterMs: Ms;
  readonly failoverTimeoutMs: Ms;
  readonly parallelSyncs: number;
  /** A replica with priority 0; `undefined`: none has. */
  readonly unwanted: DataHost | undefined;
}

export interface Plan {
  readonly seed: number;
  readonly settings: Settings;
  /** For `--mixed`. */
  readonly mixed: Readonly<Record<SentinelHost, SentinelKind>>;
}

type Pick = <T>(choices: readonly T[]) => T;

const pickBy =
  (draw: Draw): Pick =>
  (choices) =>
    choices[draw(choices.length)] as (typeof choices)[number];

/** The settings of a seed. */
export function drawPlan(seed: number): Plan {
  const draw = seededDraw(seed);
  const pick = pickBy(draw);
  const settings: Settings = {
    quorum: 2,
    downAfterMs: 1000,
    failoverTimeoutMs: 6000,
    parallelSyncs: pick([1, 2]),
    unwanted: pick([undefined, 'd2', 'd3']),
  };
  const [few, many] = pick<readonly [SentinelKind, SentinelKind]>([
    ['ts', 'genuine'],
    ['genuine', 'ts'],
  ]);
  const alone = pick(SENTINEL_HOSTS);
  const kindOf = (host: SentinelHost) => (host === alone ? few : many);
  return { seed, settings, mixed: { s1: kindOf('s1'), s2: kindOf('s2'), s3: kindOf('s3') } };
}

type DrawFault = (draw: Draw) => Fault;

const SENTINEL: DrawSlot = (draw) => pickBy(draw)(SENTINEL_HOSTS);
const REPLICA: DrawSlot = (draw) => pickBy(draw)(['replica1', 'replica2'] as const);
const MASTER: DrawSlot = () => 'master';
type DrawSlot = (draw: Draw) => ServerSlot;

const lasting = (draw: Draw, choices: readonly Ms[]) => ({ at: 0, for: pickBy(draw)(choices) + draw(200) });
/** Shorter than down-after, a little longer, and long enough for a whole failover. */
const OUTAGES: readonly Ms[] = [600, 1500, 4000, 8000];
/** Beyond tilt-trigger as well. */
const STOPS: readonly Ms[] = [700, 1500, 3500, 7000];
/** Until a supervisor starts it again. */
const RESTARTS: readonly Ms[] = [0, 300, 2500];
const CUTS: readonly Ms[] = [700, 2500, 6000, 10_000];

/** Every kind of fault; each comes once before any comes again. The order is that of the table. */
const DECK: readonly (readonly [label: string, fault: DrawFault])[] = [
  ['kill -9 master', (draw) => ({ kind: 'kill', who: 'master', ...lasting(draw, OUTAGES) })],
  ['kill -9 replica', (draw) => ({ kind: 'kill', who: REPLICA(draw), ...lasting(draw, OUTAGES) })],
  ['kill -9 sentinel', (draw) => ({ kind: 'kill', who: SENTINEL(draw), ...lasting(draw, OUTAGES) })],
  ['kill -9 master, then the leader', (draw) => ({ kind: 'kill-leader', who: 'master', ...lasting(draw, [8000]) })],
  ['SIGSTOP master', (draw) => ({ kind: 'stop', who: 'master', ...lasting(draw, STOPS) })],
  ['SIGSTOP replica', (draw) => ({ kind: 'stop', who: REPLICA(draw), ...lasting(draw, STOPS) })],
  ['SIGSTOP sentinel', (draw) => ({ kind: 'stop', who: SENTINEL(draw), ...lasting(draw, STOPS) })],
  ['restart master', (draw) => ({ kind: 'restart', who: 'master', ...lasting(draw, RESTARTS) })],
  ['restart replica', (draw) => ({ kind: 'restart', who: REPLICA(draw), ...lasting(draw, RESTARTS) })],
  ['restart sentinel', (draw) => ({ kind: 'restart', who: SENTINEL(draw), ...lasting(draw, RESTARTS) })],
  ['SENTINEL FAILOVER', (draw) => ({ kind: 'failover', who: pickBy(draw)(SENTINEL_HOSTS), at: 0, for: 0 })],
  ['master isolated', (draw) => ({ kind: 'isolate', who: 'master', ...lasting(draw, CUTS) })],
  ['replica isolated', (draw) => ({ kind: 'isolate', who: REPLICA(draw), ...lasting(draw, CUTS) })],
  ['sentinel isolated', (draw) => ({ kind: 'isolate', who: SENTINEL(draw), ...lasting(draw, CUTS) })],
  ['two groups, master in a minority', (draw) => drawSplit(draw, true)],
  ['two groups, master in a majority', (draw) => drawSplit(draw, false)],
  ['one way, master', (draw) => drawOneWay(draw, MASTER)],
  ['one way, sentinel', (draw) => drawOneWay(draw, SENTINEL)],
  ['flapping link, master', (draw) => ({ kind: 'flap', who: 'master', ...lasting(draw, [3000, 6000]) })],
  ['flapping link, sentinel', (draw) => ({ kind: 'flap', who: SENTINEL(draw), ...lasting(draw, [3000, 6000]) })],
  ['slow link, master', (draw) => ({ kind: 'slow-link', who: 'master', ...lasting(draw, [4000, 8000]) })],
  ['slow link, sentinel', (draw) => ({ kind: 'slow-link', who: SENTINEL(draw), ...lasting(draw, [4000, 8000]) })],
  ['full disk, master', (draw) => ({ kind: 'full-disk', who: 'master', ...lasting(draw, [2000, 6000]) })],
  ['full disk, replica', (draw) => ({ kind: 'full-disk', who: REPLICA(draw), ...lasting(draw, [2000, 6000]) })],
  ['full disk, sentinel; master killed', (draw) => ({ kind: 'full-disk', who: SENTINEL(draw), at: 0, for: 6000 })],
  ['slow disk, sentinel; master killed', drawSlowDisk],
];

export const SEVERAL = 'several at once';
/** All that an episode can be counted under. */
export const LABELS: readonly string[] = [...DECK.map(([label]) => label), SEVERAL];

/** One client host with either side, so that somebody goes on writing to a master that was left behind. */
function drawSplit(draw: Draw, minority: boolean): Fault {
  const pick = pickBy(draw);
  const alone = pick(SENTINEL_HOSTS);
  const sentinels: readonly Slot[] = minority ? [alone] : SENTINEL_HOSTS.filter((host) => host !== alone);
  const replicas = pick<readonly Slot[]>([[], ['replica1'], ['replica2']]);
  return { kind: 'split', who: ['master', ...replicas, ...sentinels, pick(CLIENT_HOSTS)], ...lasting(draw, CUTS) };
}

function drawOneWay(draw: Draw, slot: DrawSlot): Fault {
  return { kind: 'one-way', who: slot(draw), way: pickBy(draw)(['out', 'in'] as const), ...lasting(draw, CUTS) };
}

function drawSlowDisk(draw: Draw): Fault {
  const pick = pickBy(draw);
  return { kind: 'slow-disk', who: pick(SENTINEL_HOSTS), fsyncMs: pick([200, 1000, 3000]), at: 0, for: 6000 };
}

/** One episode in so many has two or three faults. */
const SEVERAL_ONE_IN = 4;

/** The episode with this number, from 0 on; it does not depend on how many are wanted. */
export function drawEpisode({ seed }: Plan, index: number): Episode {
  const [label, drawFault] = shuffled(seed, Math.floor(index / DECK.length))[index % DECK.length] as (typeof DECK)[0];
  const draw = seededDraw(seed * 100_003 + index + 1);
  const calmMs = 500 + draw(1500);
  const first = drawFault(draw);
  // With the master and a leader dead there is trouble enough.
  const several = draw(SEVERAL_ONE_IN) === 0 && first.kind !== 'kill-leader';
  const faults = [first, ...companions(draw, first, label, several)];
  return { index, label: several ? SEVERAL : label, calmMs, faults };
}

/** A disk that troubles a sentinel shows only when there is something to save; and some troubles are worse together. */
function companions(draw: Draw, first: Fault, label: string, several: boolean): Fault[] {
  const faults: Fault[] = [];
  if (label.endsWith('; master killed')) faults.push({ kind: 'kill', who: 'master', at: 500, for: 4000 });
  if (!several) return faults;
  for (let wanted = 1 + draw(2); wanted > 0; ) {
    const fault = pickBy(draw)(DECK)[1](draw);
    if (fault.kind === 'kill-leader' || [first, ...faults].some((other) => atOdds(fault, other))) continue;
    faults.push({ ...fault, at: draw(2500) });
    wanted--;
  }
  return faults;
}

const CUTTING: readonly Fault['kind'][] = ['isolate', 'split', 'one-way', 'flap'];

/** One host has one trouble at a time, but it may be cut off besides. */
function atOdds(a: Fault, b: Fault): boolean {
  if (CUTTING.includes(a.kind) !== CUTTING.includes(b.kind)) return false;
  if (a.kind === 'split' || b.kind === 'split') return a.kind === b.kind;
  return a.who === b.who;
}

function shuffled(seed: number, round: number): (typeof DECK)[number][] {
  const draw = seededDraw(seed * 7919 + round);
  const cards = [...DECK];
  for (let left = cards.length - 1; left > 0; left--) {
    const other = draw(left + 1);
    [cards[left], cards[other]] = [cards[other] as (typeof DECK)[0], cards[left] as (typeof DECK)[0]];
  }
  return cards;
}

/** A fault in one short phrase. */
export function describeFault(fault: Fault): string {
  const who = typeof fault.who === 'string' ? fault.who : fault.who.join('+');
  const how =
    fault.kind === 'one-way' ? ` (${fault.way})` : fault.kind === 'slow-disk' ? ` (fsync ${fault.fsyncMs} ms)` : '';
  const at = fault.at === 0 ? '' : `+${fault.at} ms `;
  return `${at}${fault.kind} ${who}${how}${fault.for === 0 ? '' : ` for ${fault.for} ms`}`;
}
