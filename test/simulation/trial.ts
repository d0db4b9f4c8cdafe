// What one seed stands for: a group of sentinels and nodes, their settings, and a list of faults with their times.
// A trial is plain data, so that it can be made smaller, written down and run again.
import type { EventName } from '../../src/core/events.ts';
import type { Ms } from '../../src/core/state.ts';
import { type Draw, seededDraw } from '../config/generate-state.ts';
import { drawHello, drawPhantom, MUMBLES, type Mumble } from './odd-peers.ts';
import type { Scripts } from './scripts.ts';

export interface SentinelFacts {
  readonly downAfterMs: Ms;
  readonly failoverTimeoutMs: Ms;
  readonly saveMs: Ms;
  readonly clockRate: number;
  /** It acts on ticks, as the genuine server does. */
  readonly ticks: boolean;
}

export interface Trial {
  readonly seed: number;
  readonly sentinels: readonly SentinelFacts[];
  readonly masters: number;
  /** Of each master. */
  readonly replicas: number;
  readonly quorum: number;
  readonly parallelSyncs: number;
  /** The replica with this number has priority 0; `undefined`: none has. */
  readonly unwanted: number | undefined;
  /** The replica with this number has a better priority than the others; `undefined`: none has. */
  readonly preferred?: number | undefined;
  readonly syncMs: Ms;
  readonly tiltPeriodMs: Ms;
  readonly latencyMs: Ms;
  /** One packet in so many is late, by up to so much; 0: none is. */
  readonly lateOneIn: number;
  readonly lateMs: Ms;
  /** The files name the masters' hosts instead of their addresses. */
  readonly names: boolean;
  /** Nodes are known by their names to everybody; the files name hosts then as well. */
  readonly announces: boolean;
  readonly scripts: Scripts;
  /** Their files know each other from the beginning. */
  readonly acquainted: boolean;
  /** Files are rendered and read at every save, not only at every start. */
  readonly wholeFiles: boolean;
  /** `calm`: in the end all faults are undone. `repair`: they stay, and who is left must do without. */
  readonly ending: 'calm' | 'repair';
  /** When the last fault has come. */
  readonly endMs: Ms;
  readonly faults: readonly Fault[];
}

/** `for`: it is undone so much later, or at the end. Sentinels, nodes and groups are named by their numbers. */
export type Fault = { readonly at: Ms; readonly for: Ms } & (
  | { readonly kind: 'crash' | 'power' | 'pause' | 'isolate'; readonly who: string }
  | { readonly kind: 'wipe'; readonly who: string }
  | { readonly kind: 'cut'; readonly who: string; readonly to: string }
  | { readonly kind: 'break'; readonly who: string }
  | { readonly kind: 'disk'; readonly who: string; readonly mode: 'fails' | 'slow' }
  | { readonly kind: 'dns'; readonly who: string }
  | { readonly kind: 'clock'; readonly who: string; readonly by: Ms }
  | { readonly kind: 'busy' | 'locked' | 'stubborn' | 'cannot-save'; readonly who: string }
  | { readonly kind: 'priority'; readonly who: string; readonly priority: number }
  | { readonly kind: 'repoint'; readonly who: string; readonly to: string }
  | { readonly kind: 'order'; readonly who: string; readonly args: readonly string[] }
  | { readonly kind: 'remove'; readonly who: string; readonly master: string }
  | { readonly kind: 'save'; readonly fate: 'dies-before' | 'dies-torn' | 'dies-after' }
  | { readonly kind: 'simulate'; readonly who: string; readonly points: readonly string[] }
  | { readonly kind: 'hello' | 'phantom'; readonly who: string; readonly text: string }
  | { readonly kind: 'echo' | 'mute' | 'lost'; readonly who: string }
  /** The DNS knows of the new IP so much later. */
  | { readonly kind: 'move'; readonly who: string; readonly lagMs: Ms }
  | { readonly kind: 'swap'; readonly who: string; readonly to: string; readonly lagsMs: readonly [Ms, Ms] }
  | { readonly kind: 'mumble'; readonly who: string; readonly how: Mumble }
  | { readonly kind: 'when'; readonly event: EventName; readonly what: 'crash' | 'pause' | 'isolate' | 'crash-node' }
);

export type FaultKind = Fault['kind'];

const KINDS: readonly FaultKind[] = [
  'crash',
  'power',
  'pause',
  'isolate',
  'wipe',
  'cut',
  'break',
  'disk',
  'dns',
  'clock',
  'busy',
  'locked',
  'stubborn',
  'cannot-save',
  'priority',
  'repoint',
  'order',
  'remove',
  'save',
  'when',
  'simulate',
  'hello',
  'phantom',
  'echo',
  'mute',
  'mumble',
  'move',
  'lost',
];
/**
 * What more happens where nodes are known by their names. Ghosts do not: each is a voter, and where a failover is all that
 * can mend what the DNS has done, there must be a majority for it.
 */
const NAMED_KINDS: readonly FaultKind[] = ['swap', 'move'];

/** Moments at which a failover is most easily spoilt. */
const MOMENTS: readonly EventName[] = [
  '+sdown',
  '+odown',
  '+try-failover',
  '+vote-for-leader',
  '+elected-leader',
  '+selected-slave',
  '+failover-state-wait-promotion',
  '+promoted-slave',
  '+slave-reconf-sent',
  '+slave-reconf-done',
  '+failover-end',
  '+switch-master',
  '+config-update-from',
];

/** Sentinels that start without knowing each other meet in this time. */
const MEETING_MS: Ms = 5000;
const SETTLING_MS: Ms = 1500;

/** How many sentinels a group has: most have three; many of them cost as much time as several groups. */
const GROUP_SIZES: readonly number[] = [1, 1, 2, 2, ...Array<number>(33).fill(3), 4, 4, 4, 5, 5, 5, 5, 7];

/** The short form of the simulation, which `npm test` runs and which must catch every planted bug, is the first so many seeds. */
export const SHORT_FORM = 3000;

type Pick = <T>(choices: readonly T[]) => T;

/** The trial of a seed: everything is drawn from it, how harsh it is as well. */
export function drawTrial(seed: number): Trial {
  const rand = seededDraw(seed);
  const pick: Pick = (choices) => choices[rand(choices.length)] as (typeof choices)[number];
  if (rand(8) === 0) return drawRepair(seed, rand, pick);
  const always = drawKinds(rand);
  const count = pick(GROUP_SIZES);
  const acquainted = rand(4) !== 0;
  const settings = drawSettings(rand, pick, count);
  const { announces } = settings;
  const kinds = announces ? [...always.filter((kind) => kind !== 'phantom'), ...NAMED_KINDS] : always;
  // Who forgot its peers, or does not know them yet, is a majority of one: only a quorum keeps it from leading alone.
  const forgets = !acquainted || FORGETFUL.some((kind) => kinds.includes(kind));
  // Whose file was lost is a voter twice.
  const voters = kinds.includes('lost') ? count + 1 : count;
  const majority = Math.min(count, Math.floor(voters / 2) + 1);
  const quorum = forgets ? majority + rand(count - majority + 1) : 1 + rand(count);
  const begin = acquainted ? SETTLING_MS : MEETING_MS;
  // The DNS is slower than anything else.
  const endMs = begin + pick(announces ? [4000, 12_000, 40_000] : [1500, 3000, 6000, 10_000]);
  const everyMs = pick(announces ? [800, 2000, 8000] : [100, 300, 800, 2000]);
  const unwanted = kinds.includes('repoint') || kinds.includes('cannot-save') ? undefined : settings.unwanted;
  const shape = { ...settings, unwanted, quorum };
  const faults: Fault[] = [];
  for (let at = begin + rand(500); at < endMs; at += 1 + rand(2 * everyMs))
    faults.push(drawFault(rand, pick, pick(kinds), at, shape));
  const wholeFiles = rand(16) === 0;
  const preferred = rand(4) === 0 ? 1 + rand(settings.replicas) : undefined;
  return { seed, ...shape, acquainted, wholeFiles, preferred, ending: 'calm', endMs, faults };
}

/**
 * What was forgotten while it followed nobody cannot be found again, and what must not be promoted cannot replace a
 * master that was made a replica: nobody does both.
 */
function drawKinds(rand: Draw): readonly FaultKind[] {
  const kinds = KINDS.filter(() => rand(3) === 0);
  const spoilt = SPOILS.filter(({ by }) => kinds.includes(by)).flatMap(({ these }) => these);
  const left = kinds.filter((kind) => !spoilt.includes(kind));
  return left.length === 0 ? ['crash'] : left;
}

/** What makes sentinels forget each other, or take somebody else for a peer. */
const FORGETFUL: readonly FaultKind[] = ['order', 'remove', 'hello', 'phantom', 'echo', 'lost'];

const SPOILS: readonly { readonly by: FaultKind; readonly these: readonly FaultKind[] }[] = [
  { by: 'repoint', these: ['order', 'remove', 'priority', 'phantom', 'lost', 'move'] },
  { by: 'cannot-save', these: ['order', 'remove', 'priority', 'phantom', 'lost', 'move'] },
  // Of a configuration that one could not save, and that the others lost, nobody knows any more.
  { by: 'disk', these: ['lost'] },
];

function drawSettings(rand: Draw, pick: Pick, count: number) {
  // A short down-after means many PINGs, and each costs time.
  const downAfterMs = pick([300, 1000, 2000, 2000, 3000, 3000]);
  const failoverTimeoutMs = pick([1000, 2000, 5000, 10_000]);
  const mixed = rand(4) === 0;
  const ticking = pick([0, 0, 0, 2, 4]);
  const saveMs = pick([0, 1, 1, 5, 20]);
  const sentinels = Array.from({ length: count }, () => ({
    downAfterMs: mixed ? pick([500, 1000, 2000]) : downAfterMs,
    failoverTimeoutMs: mixed ? pick([1000, 2000, 5000]) : failoverTimeoutMs,
    saveMs,
    clockRate: 1 + (rand(101) - 50) / 10_000,
    ticks: ticking > 0 && rand(4) < ticking,
  }));
  const replicas = pick([1, 2, 2, 2, 3]);
  const announces = rand(16) === 0;
  return {
    sentinels,
    masters: rand(8) === 0 ? 2 : 1,
    replicas,
    parallelSyncs: pick([1, 1, 2]),
    unwanted: rand(5) === 0 ? 1 + rand(replicas) : undefined,
    syncMs: pick([0, 100, 1000]),
    tiltPeriodMs: pick([1000, 3000]),
    latencyMs: pick([0.5, 1, 2, 10]),
    names: announces || rand(8) === 0,
    announces,
    lateOneIn: pick([0, 0, 20, 200]),
    lateMs: pick([20, 200, 1000]),
    scripts: pick(['none', 'none', 'none', 'none', 'none', 'none', 'quick', 'slow'] as const),
  };
}

type Shape = ReturnType<typeof drawSettings> & { readonly quorum: number };

function drawFault(rand: Draw, pick: Pick, kind: FaultKind, at: Ms, shape: Shape): Fault {
  const lasts = 1 + rand(pick([100, 1000, 3000, 8000]));
  const group = () => 1 + rand(shape.masters);
  const sentinel = () => `s${1 + rand(shape.sentinels.length)}`;
  const node = () => `m${group()}n${rand(shape.replicas + 1)}`;
  const anybody = () => (rand(2) === 0 ? sentinel() : node());
  const lag = () => rand(pick([1, 1000, 5000, 20_000]));
  const strangers = { sentinels: shape.sentinels.length, masters: shape.masters, replicas: shape.replicas };
  const common = { at, for: lasts };
  switch (kind) {
    case 'crash':
    case 'power':
    case 'pause':
    case 'isolate':
      return { ...common, kind, who: anybody() };
    case 'wipe':
    case 'busy':
    case 'locked':
    case 'stubborn':
    case 'cannot-save':
      return { ...common, kind, who: node() };
    case 'break':
      return { ...common, kind, who: anybody() };
    case 'cut':
      return { ...common, kind, who: anybody(), to: anybody() };
    case 'dns':
      return { ...common, kind, who: sentinel() };
    case 'disk':
      return { ...common, kind, who: sentinel(), mode: pick(['fails', 'slow']) };
    case 'clock':
      return { ...common, kind, who: sentinel(), by: rand(20_000) - 10_000 };
    case 'priority':
      return { ...common, kind, who: node(), priority: pick([0, 0, 10]) };
    case 'repoint':
      return { ...common, kind, who: node(), to: pick(['nobody', node()]) };
    case 'remove':
      return { ...common, kind, who: sentinel(), master: `m${group()}` };
    case 'save':
      return { ...common, kind, fate: pick(['dies-before', 'dies-torn', 'dies-after']) };
    case 'when':
      return {
        ...common,
        kind,
        event: pick(MOMENTS),
        what: pick(['crash', 'crash', 'pause', 'isolate', 'crash-node']),
      };
    case 'simulate':
      return {
        ...common,
        kind,
        who: sentinel(),
        points: pick([
          ['crash-after-election'],
          ['crash-after-promotion'],
          ['crash-after-promotion', 'crash-after-election'],
        ]),
      };
    case 'hello':
      return { ...common, kind, who: anybody(), text: drawHello(rand, strangers) };
    case 'phantom':
      return { ...common, kind, who: anybody(), text: drawPhantom(rand, strangers) };
    case 'move':
      return { ...common, kind, who: anybody(), lagMs: lag() };
    case 'swap': {
      const name = `m${group()}`;
      const one = () => `${name}n${rand(shape.replicas + 1)}`;
      return { ...common, kind, who: one(), to: one(), lagsMs: [lag(), lag()] };
    }
    case 'lost':
      return { ...common, kind, who: sentinel() };
    case 'echo':
    case 'mute':
      return { ...common, kind, who: node() };
    case 'mumble':
      return { ...common, kind, who: sentinel(), how: pick(MUMBLES) };
    case 'order':
      return { ...common, kind, who: sentinel(), args: drawOrder(rand, pick, `m${group()}`, shape) };
  }
}

function drawOrder(rand: Draw, pick: Pick, master: string, { sentinels, quorum }: Shape): readonly string[] {
  const set = (option: string, value: number) => ['SET', master, option, String(value)];
  return pick([
    ['FAILOVER', master],
    ['FAILOVER', master],
    ['RESET', pick([master, '*'])],
    set('down-after-milliseconds', pick([500, 1000, 2000])),
    set('failover-timeout', pick([1000, 5000])),
    set('quorum', quorum + rand(sentinels.length - quorum + 1)),
    ['FLUSHCONFIG'],
  ]);
}

/** Each phase of a failover at which its leader may be lost. */
const LEADER_MOMENTS: readonly EventName[] = [
  '+odown',
  '+try-failover',
  '+elected-leader',
  '+selected-slave',
  '+failover-state-wait-promotion',
  '+promoted-slave',
  '+slave-reconf-sent',
];

/** The master dies for good, and so does whoever leads its failover: the rest must see to it, and soon. */
function drawRepair(seed: number, rand: Draw, pick: Pick): Trial {
  const count = pick([3, 3, 4, 5]);
  const settings = drawSettings(rand, pick, count);
  const downAfterMs = pick([500, 1000, 2000]);
  const at = SETTLING_MS + rand(2000);
  const forever = 1_000_000;
  const what = pick(['crash', 'pause', 'isolate'] as const);
  return {
    seed,
    ...settings,
    // The genuine server's default: who waits for it is seen at once.
    sentinels: settings.sentinels.map((facts) => ({ ...facts, downAfterMs, failoverTimeoutMs: 180_000, ticks: false })),
    masters: 1,
    replicas: 2 + rand(2),
    // One sentinel is lost: the others are to be enough, whether they are a majority or only just.
    quorum: 1 + rand(count - 1),
    unwanted: undefined,
    lateOneIn: 0,
    acquainted: true,
    wholeFiles: false,
    ending: 'repair',
    endMs: at + 2.5 * downAfterMs + 4000,
    faults: [
      { at, for: forever, kind: pick(['crash', 'power', 'pause'] as const), who: 'm1n0' },
      ...(rand(8) === 0 ? [] : [{ at, for: forever, kind: 'when', event: pick(LEADER_MOMENTS), what } as const]),
    ],
  };
}
