// Odd and lying peers: what strangers publish as hellos, and what a peer answers that has lost its way. Only what a
// sentinel can be asked to survive: who believes hellos cannot survive a forged later configuration (spec/behavior.md §13.1 w12).
import type { NodeReply } from '../../src/core/effects.ts';
import { HELLO_CHANNEL } from '../../src/core/links.ts';
import type { Draw } from '../config/generate-state.ts';
import { publish } from './data-node.ts';
import type { Run } from './run.ts';
import { order, type Sentinel } from './sentinel.ts';

/** Who the group is, as a stranger may know it. */
interface Group {
  readonly sentinels: number;
  readonly masters: number;
  readonly replicas: number;
}

/** Where a sentinel is at the beginning, and its run id. */
export const sentinelIp = (index: number): string => `10.0.0.${index + 1}`;
export const runIdOf = (index: number): string => String.fromCharCode(97 + index).repeat(40);

/** Some run id that no sentinel has. */
const strangersId = (rand: Draw): string => `5${rand(10)}`.repeat(20);

/**
 * A hello that is wrong, and that the next true ones put right: of an unknown process at a sentinel's address, of a
 * sentinel from nowhere, about an unknown master, with an old configuration, or one that cannot be read.
 */
export function drawHello(rand: Draw, group: Group): string {
  const sentinel = rand(group.sentinels);
  const master = 1 + rand(group.masters);
  const right = {
    ip: sentinelIp(sentinel),
    port: '26379',
    runId: runIdOf(sentinel),
    epoch: '0',
    name: `m${master}`,
    masterIp: `10.0.${master}.1`,
    masterPort: '6379',
    configEpoch: '0',
  };
  const replica = `10.0.${master}.${2 + rand(group.replicas)}`;
  const odd: readonly Partial<typeof right>[] = [
    { runId: strangersId(rand) },
    { ip: `10.0.0.${201 + sentinel}` },
    { port: '0' },
    { name: 'm7' },
    { epoch: String(1 + rand(20)) },
    { masterIp: replica },
    { masterIp: replica, masterPort: '0' },
    { port: '26380', ip: 'no-such-host' },
    { masterIp: 'no-such-host', configEpoch: '1000' },
    { port: '70000' },
    { port: '-1' },
    { port: 'port' },
    { ip: '' },
    { runId: '' },
    { runId: `${right.runId},1` },
    { epoch: '-1', configEpoch: '-1' },
    { epoch: '99999999999999999999', configEpoch: '1000', masterIp: replica },
    { configEpoch: '1000', masterIp: replica, masterPort: '70000' },
    { configEpoch: '9223372036854775808', masterIp: replica },
  ];
  const hello = Object.values({ ...right, ...odd[rand(odd.length)] }).join(',');
  return rand(16) === 0 ? hello.slice(0, rand(hello.length)).replace(/,[^,]*$/, '') : hello;
}

/** A hello of a sentinel that is nowhere: it counts as a voter until an operator resets the master. */
export function drawPhantom(rand: Draw, group: Group): string {
  const master = 1 + rand(group.masters);
  return `10.0.0.${220 + rand(3)},26379,${strangersId(rand)},0,m${master},10.0.${master}.1,6379,0`;
}

/** A stranger publishes `text` through a node, or tells it to a sentinel directly. */
export function tellHello(run: Run, who: string, text: string): void {
  const node = run.nodes.find(({ name }) => name === who);
  const sentinel = run.sentinels.find(({ name }) => name === who);
  if (sentinel !== undefined) order(run, sentinel, ['PUBLISH', HELLO_CHANNEL, text], () => undefined);
  else if (node?.condition === 'up' && !node.paused) publish(run, node, text);
}

/** Old hellos, true when they were said, come once more through a node of their group, in any order. */
export function echoHellos(run: Run, who: string): void {
  const node = run.nodes.find(({ name }) => name === who);
  if (node === undefined) return;
  const heard = run.nodes.filter(({ group }) => group === node.group).flatMap(({ hellos }) => hellos);
  for (let count = 1 + run.rand(5); count > 0; count -= 1) {
    const text = heard[run.rand(Math.max(1, heard.length))];
    if (text !== undefined) tellHello(run, who, text);
  }
}

export const MUMBLES = ['error', 'nothing', 'text', 'short', 'types', 'down', 'up', 'no-id', 'other-epoch'] as const;
/** How a peer's answers to is-master-down-by-addr are wrong. */
export type Mumble = (typeof MUMBLES)[number];

/** What a sentinel answers a peer's question instead of `reply`. Of its vote it may be silent; it never invents one. */
export function mumbled({ mumbles }: Sentinel, args: readonly string[], reply: NodeReply): NodeReply {
  if (mumbles === undefined || args[1]?.toLowerCase() !== 'is-master-down-by-addr') return reply;
  const text = (value: string): NodeReply => ({ kind: 'text', text: value });
  const number = (value: bigint): NodeReply => ({ kind: 'integer', value });
  switch (mumbles) {
    case 'error':
      return { kind: 'error', text: 'ERR unknown command' };
    case 'nothing':
      return { kind: 'null' };
    case 'text':
      return text('1');
    case 'short':
      return { kind: 'array', items: [number(1n)] };
    case 'types':
      return { kind: 'array', items: [text('1'), number(1n), text('*')] };
    case 'down':
      return { kind: 'array', items: [number(1n), text('*'), number(0n)] };
    case 'up':
      return { kind: 'array', items: [number(0n), text('*'), number(0n)] };
    case 'no-id':
      return { kind: 'array', items: [number(1n), text('nobody'), number(BigInt(args[4] ?? 0))] };
    case 'other-epoch':
      return { kind: 'array', items: [number(1n), text(args[5] ?? '*'), number(2n ** 62n)] };
  }
}
