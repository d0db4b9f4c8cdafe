// The genuine server and ours side by side: two worlds of the same shape, asked the same, and kept in the same state.
import { type Exchange, exchange } from './exchange.ts';
import { type DataNodes, type SetupName, startDataNodes, startWorld, type World } from './golden/setups.ts';
import { type Masked, mask, nameOf } from './mask.ts';

export type Side = 'genuine' | 'ours';
export const SIDES: readonly Side[] = ['genuine', 'ours'];

export interface Pair {
  readonly worlds: Readonly<Record<Side, World>>;
  /** Ask both sentinels the same; words may hold the variables of golden-commands.json. */
  ask(requests: readonly (readonly string[])[]): Promise<Record<Side, Said>>;
  stop(): Promise<void>;
}

/** What one server said, without what is chance. */
export interface Said {
  readonly replies: readonly Masked[];
  readonly end: Exchange['end'];
}

/** Start both worlds of a setup. `extra`: more lines for the files of both sentinels that are asked. */
export async function startPair(setup: SetupName, extra: readonly string[] = []): Promise<Pair> {
  const data: DataNodes[] = [];
  const started: World[] = [];
  const stop = async () => {
    await Promise.all(started.map((world) => world.stop()));
    await Promise.all(data.map((nodes) => nodes.stop()));
  };
  const startOne = async (server: string): Promise<World> => {
    const nodes = await startDataNodes(setup);
    data.push(nodes);
    const world = await startWorld(setup, nodes, extra, server);
    started.push(world);
    return world;
  };
  const [genuine, ours] = await Promise.allSettled([startOne('genuine'), startOne('ts')]);
  if (genuine.status === 'rejected' || ours.status === 'rejected') {
    await stop();
    throw genuine.status === 'rejected' ? genuine.reason : (ours as PromiseRejectedResult).reason;
  }
  const worlds = { genuine: genuine.value, ours: ours.value };
  const names = { genuine: nameOf(worlds.genuine), ours: nameOf(worlds.ours) };
  const askOne = async (side: Side, requests: readonly (readonly string[])[]): Promise<Said> => {
    const { target, fill } = worlds[side];
    const { replies, end } = await exchange(
      target.port,
      requests.map((words) => words.map(fill)),
    );
    const masked = replies.map((reply) => mask(reply, requests, names[side]));
    return { replies: withoutChance(masked), end };
  };
  return {
    worlds,
    async ask(requests) {
      const [genuineSaid, oursSaid] = await Promise.all([askOne('genuine', requests), askOne('ours', requests)]);
      return { genuine: genuineSaid, ours: oursSaid };
    },
    stop,
  };
}

/**
 * UNSUBSCRIBE without names confirms each of them, and an event reaches each matching pattern, in the order of a hash
 * table: of such replies in a row, the names are sorted among themselves, and the rest stays where it is.
 */
function withoutChance(replies: readonly Masked[]): Masked[] {
  const result: Masked[] = [];
  for (let at = 0; at < replies.length; ) {
    let end = at + 1;
    while (kindOf(replies[at]) !== undefined && kindOf(replies[end]) === kindOf(replies[at])) end += 1;
    const run = replies.slice(at, end);
    const names = run.map((reply) => String(reply[2])).sort();
    result.push(
      ...run.map((reply, index) =>
        kindOf(reply) === undefined || typeof reply === 'string'
          ? reply
          : [...reply.slice(0, 2), names[index] ?? '', ...reply.slice(3)],
      ),
    );
    at = end;
  }
  return result;
}

/** What replies that may change places have in common; `undefined`: this one may not. */
function kindOf(reply: Masked | undefined): string | undefined {
  if (typeof reply !== 'object') return undefined;
  const [, verb = '', , ...rest] = reply;
  if (/unsubscribe$/.test(String(verb))) return String(verb);
  return verb === '$pmessage' ? JSON.stringify(rest) : undefined;
}
