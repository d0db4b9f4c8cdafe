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
    const world = await startWorld(setup, nodes, extra, () => false, server);
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
    return { replies: replies.map((reply) => mask(reply, requests, names[side])), end };
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
