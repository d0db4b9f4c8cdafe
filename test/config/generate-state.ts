// Durable states made from a seed, with the texts that break careless writers.
import type { DurableMaster, DurableState } from '../../src/core/durable.ts';

export type Draw = (below: number) => number;

/** mulberry32: small, seeded, good enough to choose test data. */
export function seededDraw(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const PIECES = [
  ' ',
  '"',
  "'",
  '\\',
  '\n',
  '\r',
  '\t',
  '#',
  '\x07',
  '\b',
  '\v',
  '\f',
  '\xe9',
  '\xa0',
  '\xff',
  '\x7f',
  'a',
  'Z',
  '0',
  '\\x41',
  '\\n',
  '""',
  '\nsentinel notification-script m /bin/sh',
];
const TAME = 'abcXYZ019-_.#@:/'.split('');

export interface Kind {
  /** Only texts that redis-sentinel 7.0.15 can write itself without breaking its file. */
  readonly tame: boolean;
  /** Host names instead of addresses only. */
  readonly names: boolean;
}

/** A state that a file can hold. Equal seeds and kinds give equal states. */
export function generateState(seed: number, kind: Kind): DurableState {
  const draw = seededDraw(seed);
  const masters: DurableMaster[] = [];
  for (let n = draw(5); n > 0; n--) masters.push(generateMaster(draw, kind, `${text(draw, kind)}${n}`));
  // A file's current epoch is never below a config epoch of it.
  const epochs = [epoch(draw), ...masters.map((master) => master.configEpoch)].sort((a, b) => (a < b ? -1 : 1));
  return {
    myId: hex(draw, 40),
    currentEpoch: epochs.at(-1) ?? 0n,
    denyScriptsReconfig: draw(2) === 0,
    resolveHostnames: kind.names,
    announceHostnames: kind.names,
    announceIp: maybe(draw, () => text(draw, kind)),
    announcePort: draw(2) * draw(65536),
    sentinelUser: maybe(draw, () => text(draw, kind)),
    sentinelPass: maybe(draw, () => text(draw, kind)),
    masters,
  };
}

function generateMaster(draw: Draw, kind: Kind, name: string): DurableMaster {
  const several = <T>(make: (at: number) => T) => Array.from({ length: draw(4) }, (_, at) => make(at));
  return {
    name,
    host: host(draw, kind),
    port: draw(65536),
    quorum: 1 + draw(5),
    downAfterMs: draw(2) === 0 ? 30_000 : 1 + draw(2 ** 31 - 1),
    failoverTimeoutMs: draw(2) === 0 ? 180_000 : 1 + draw(2 ** 31 - 1),
    parallelSyncs: 1 + draw(3),
    notificationScript: maybe(draw, () => '/bin/true'),
    clientReconfigScript: maybe(draw, () => '/bin/true'),
    authPass: maybe(draw, () => text(draw, kind)),
    authUser: maybe(draw, () => text(draw, kind)),
    rebootDownAfterMs: draw(2) * draw(100_000),
    configEpoch: epoch(draw),
    leaderEpoch: epoch(draw),
    replicas: several((at) => ({ host: host(draw, kind), port: at * 10_000 + draw(10_000) })),
    peers: several(() => ({ host: host(draw, kind), port: draw(65536), runId: hex(draw, 40) })),
    renamedCommands: new Map(
      several((at) => [`cmd${at}`, { command: `Cmd${at}`, renamed: text(draw, kind) }] as const),
    ),
  };
}

const maybe = <T>(draw: Draw, make: () => T): T | undefined => (draw(2) === 0 ? make() : undefined);

function text(draw: Draw, { tame }: Kind): string {
  const pieces = tame ? TAME : PIECES;
  return Array.from({ length: 1 + draw(8) }, () => pieces[draw(pieces.length)]).join('');
}

function host(draw: Draw, { names }: Kind): string {
  if (names && draw(2) === 0) return `node-${draw(100)}.example`;
  return draw(4) === 0 ? `2001:db8::${(1 + draw(65535)).toString(16)}` : `10.${draw(256)}.${draw(256)}.${draw(256)}`;
}

function epoch(draw: Draw): bigint {
  if (draw(4) === 0) return 2n ** 64n - 1n - BigInt(draw(3));
  return BigInt(draw(10_000));
}

const hex = (draw: Draw, length: number) => Array.from({ length }, () => draw(16).toString(16)).join('');

/** The same state with everything that has no order of its own sorted: the genuine server writes it in hash order. */
export function sorted(state: DurableState): DurableState {
  const by =
    <T>(key: (one: T) => string) =>
    (a: T, b: T) =>
      key(a) < key(b) ? -1 : 1;
  const masters = state.masters.map((master) => ({
    ...master,
    replicas: [...master.replicas].sort(by(({ host, port }) => `${host} ${port}`)),
    peers: [...master.peers].sort(by(({ runId }) => runId)),
    renamedCommands: new Map([...master.renamedCommands].sort(by(([key]) => key))),
  }));
  return { ...state, masters: masters.sort(by(({ name }) => name)) };
}
