// What befalls a cluster in a long life, one thing at a time. Each ends with everything running again; whether all is
// well by then is for the caller to wait for.
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Group } from '../../src/demo/cluster.ts';
import type { DataNode, SentinelNode } from '../../src/demo/nodes.ts';
import type { Topology } from '../../src/demo/topology.ts';
import { until } from '../../src/demo/until.ts';
import type { Chance } from './chance.ts';

export interface Stage {
  readonly topology: Topology;
  /** A master with a replica that nobody watches between two happenings. */
  readonly spare: Group;
  readonly chance: Chance;
  /** The number of the round, for names that never come again. */
  readonly round: number;
}

export interface Happening {
  readonly name: string;
  run(stage: Stage): Promise<void>;
}

/** The one sentinel that may be restarted and stopped: the others are to grow old. */
const mortal = ({ sentinels }: Topology) => sentinels[2] as SentinelNode;
const master = ({ topology }: Stage) => topology.agreedMaster({ withinMs: 60_000 });
const replica = async (stage: Stage) => {
  const present = await master(stage);
  return stage.chance.of(stage.topology.nodes.filter((node) => node !== present && !inSpare(stage, node)));
};
const inSpare = ({ spare }: Stage, node: DataNode) => node === spare.master || spare.replicas.includes(node);

/**
 * Wait until every node follows the master by its own account, and not only by what sentinels last heard: whom all of them
 * forget while it follows nobody, none of them can find again.
 */
export async function allFollow(
  { topology, spare }: Pick<Stage, 'topology' | 'spare'>,
  withinMs: number,
): Promise<void> {
  const master = await topology.agreedMaster({ withinMs });
  for (const node of topology.nodes) {
    if (node === master || node === spare.master || spare.replicas.includes(node)) continue;
    const follows = async () => {
      const { role, master_port: port, master_link_status: link } = await node.info('replication');
      return role === 'slave' && port === String(master.port) && link === 'up';
    };
    await until(`${node.name} to follow ${master.name}`, follows, { withinMs, describe: topology.report });
  }
}

/** A node that a sentinel gives another role throws us out with all its clients. */
async function insist(node: DataNode, ...words: string[]): Promise<void> {
  await until(`${node.name} to take ${words.join(' ')}`, async () => (await node.command(...words)) !== undefined);
}

export const HAPPENINGS: readonly Happening[] = [
  { name: 'nothing', run: () => sleep(3000) },
  {
    name: 'master killed, back by itself',
    async run(stage) {
      const dead = await master(stage);
      await dead.kill();
      await stage.topology.agreedMaster({ not: dead, withinMs: 60_000 });
      await dead.start();
    },
  },
  {
    name: 'master killed, back as a replica',
    async run(stage) {
      const dead = await master(stage);
      await dead.kill();
      const next = await stage.topology.agreedMaster({ not: dead, withinMs: 60_000 });
      await dead.start();
      await insist(dead, 'REPLICAOF', '127.0.0.1', String(next.port));
    },
  },
  {
    name: 'master hangs',
    async run(stage) {
      const hung = await master(stage);
      hung.pause();
      try {
        await stage.topology.agreedMaster({ not: hung, withinMs: 60_000 });
      } finally {
        hung.resume();
      }
    },
  },
  {
    name: 'manual failover',
    async run(stage) {
      const old = await master(stage);
      await stage.chance.of(stage.topology.sentinels).command('SENTINEL', 'FAILOVER', 'mymaster');
      await stage.topology.agreedMaster({ not: old, withinMs: 60_000 });
    },
  },
  {
    name: 'replica restarted',
    async run(stage) {
      const node = await replica(stage);
      await node.kill();
      await sleep(stage.chance.below(5000));
      await node.start();
    },
  },
  {
    name: 'replica made a master by hand',
    run: async (stage) => insist(await replica(stage), 'REPLICAOF', 'NO', 'ONE'),
  },
  {
    name: 'links of all nodes broken, again and again',
    async run({ topology }) {
      for (let times = 0; times < 5; times++) {
        for (const node of topology.nodes)
          for (const type of ['normal', 'pubsub', 'replica']) await insist(node, 'CLIENT', 'KILL', 'TYPE', type);
        await sleep(500);
      }
    },
  },
  {
    name: 'everybody thrown out, peers as well',
    async run({ topology }) {
      for (let times = 0; times < 5; times++) {
        for (const sentinel of topology.sentinels)
          for (const type of ['normal', 'pubsub'])
            await sentinel.command('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
        await sleep(500);
      }
    },
  },
  {
    name: 'a sentinel restarted',
    run: ({ topology }) => mortal(topology).restart(),
  },
  {
    name: 'a sentinel killed',
    async run({ topology }) {
      await mortal(topology).kill();
      await mortal(topology).start();
    },
  },
  {
    name: 'a sentinel stands still',
    async run({ topology, chance }) {
      mortal(topology).pause();
      await sleep(1000 + chance.below(5000));
      mortal(topology).resume();
    },
  },
  {
    name: 'RESET',
    async run({ topology }) {
      for (const sentinel of topology.sentinels) await sentinel.command('SENTINEL', 'RESET', '*');
    },
  },
  {
    name: 'RESET in a failover',
    async run(stage) {
      const dead = await master(stage);
      await dead.kill();
      await sleep(3000 + stage.chance.below(600));
      await stage.chance.of(stage.topology.sentinels).command('SENTINEL', 'RESET', 'mymaster');
      await dead.start();
    },
  },
  {
    name: 'FLUSHCONFIG over a lost file',
    async run({ topology }) {
      for (const sentinel of topology.sentinels) {
        rmSync(sentinel.confFile);
        await sentinel.command('SENTINEL', 'FLUSHCONFIG');
      }
    },
  },
  {
    name: 'sentinels that nobody knows say hello',
    async run(stage) {
      const { chance, topology } = stage;
      const { port } = await master(stage);
      const hex = () => Array.from({ length: 40 }, () => chance.below(16).toString(16)).join('');
      for (let number = 0; number < 20; number++)
        for (const sentinel of topology.sentinels) {
          const hello = `127.0.0.1,${1 + chance.below(19_000)},${hex()},0,mymaster,127.0.0.1,${port},0`;
          await sentinel.command('PUBLISH', '__sentinel__:hello', hello);
        }
      await sleep(3000);
      for (const sentinel of topology.sentinels) await sentinel.command('SENTINEL', 'RESET', 'mymaster');
    },
  },
  {
    name: 'another master comes and goes',
    async run({ topology, spare, round }) {
      // Visitors RESET what begins with another letter: in a failover, that ends it.
      const name = `m-spare-${round}`;
      const group = { ...spare, name };
      const port = await spareMasterPort(spare);
      for (const sentinel of topology.sentinels) {
        await sentinel.command('SENTINEL', 'MONITOR', name, '127.0.0.1', String(port), '2');
        await sentinel.command('SENTINEL', 'SET', name, 'down-after-milliseconds', '2000');
      }
      await topology.settled({ group, withinMs: 60_000 });
      const old = await topology.agreedMaster({ group });
      await topology.sentinels[0]?.command('SENTINEL', 'FAILOVER', name);
      await topology.agreedMaster({ group, not: old, withinMs: 60_000 });
      for (const sentinel of topology.sentinels) await sentinel.command('SENTINEL', 'REMOVE', name);
    },
  },
  {
    name: 'many masters come and go',
    async run({ topology, spare, round }) {
      const port = String(await spareMasterPort(spare));
      const names = Array.from({ length: 20 }, (_, number) => `m-many-${round}-${number}`);
      for (const sentinel of topology.sentinels)
        for (const name of names) await sentinel.command('SENTINEL', 'MONITOR', name, '127.0.0.1', port, '2');
      await sleep(3000);
      for (const sentinel of topology.sentinels)
        for (const name of names) await sentinel.command('SENTINEL', 'REMOVE', name);
    },
  },
];

/** Whoever of the spare group is its master just now. */
function spareMasterPort(spare: Group): Promise<number> {
  return until('a master in the spare group', async () => {
    for (const node of [spare.master, ...spare.replicas])
      if ((await node.info('replication')).role === 'master') return node.port;
    return undefined;
  });
}
