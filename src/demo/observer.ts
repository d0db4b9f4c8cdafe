// Looks at a running topology all the time, as an operator would, and keeps what it saw last: the nodes' INFO, the
// sentinels' opinions, their events, and how the replicas looked when one of them was chosen.
import { setTimeout as sleep } from 'node:timers/promises';
import { addEvent, type EventLine, type Names } from './event-lines.ts';
import { type DataNode, parseFields, type SentinelNode } from './nodes.ts';
import type { NodeView, SentinelView } from './picture.ts';
import type { Candidate } from './summary.ts';
import type { Topology } from './topology.ts';

export interface Observer {
  readonly nodes: readonly NodeView[];
  readonly sentinels: readonly SentinelView[];
  readonly events: readonly EventLine[];
  /** The replicas as they looked when the one on that port was last chosen. */
  choiceOf(port: number): readonly (Candidate & { port: number })[] | undefined;
  stop(): void;
}

/** Often enough to see each step of a failover, seldom enough to leave the machine to those who work. */
const NODE_EVERY_MS = 200;
const SENTINEL_EVERY_MS = 100;

/** Begin to look. `onEvent` is told of every event, with the line it became or joined. */
export async function observe(
  topology: Topology,
  onEvent: (line: EventLine, place: number) => void,
): Promise<Observer> {
  const names = await namesOf(topology);
  const nodes = topology.nodes.map(unseenNode);
  const sentinels = topology.sentinels.map(unseenSentinel);
  const events: EventLine[] = [];
  const lastLooks = new Map<number, (Candidate & { port: number })[]>();
  const choices = new Map<number, (Candidate & { port: number })[]>();
  let stopped = false;
  const again = async (everyMs: number, look: () => Promise<void>) => {
    // What cannot be asked shows what was seen last; the node's own state tells why.
    for (; !stopped; await sleep(everyMs, undefined, { ref: false })) await look().catch(() => undefined);
  };

  // The sentinels ask anew before they choose; what the node says of itself is as new as that.
  const withNewerOffset = <C extends Candidate>(candidate: C): C => {
    const own = Number(nodes.find(({ name }) => name === candidate.name)?.offset);
    return own > candidate.offset ? { ...candidate, offset: own } : candidate;
  };

  topology.nodes.forEach((node, place) => {
    const view = nodes[place];
    if (view !== undefined) void again(NODE_EVERY_MS, () => lookAtNode(node, view, names));
  });
  topology.sentinels.forEach((sentinel, place) => {
    const view = sentinels[place];
    if (view === undefined) return;
    void again(SENTINEL_EVERY_MS, async () => {
      lastLooks.set(place, await lookAtSentinel(sentinel, topology.name, view, names));
    });
    sentinel.onEvent((event) => {
      const line = addEvent(events, place, event, names);
      view.epoch = Math.max(view.epoch, epochIn(event.channel, event.payload));
      const port = Number(event.payload.split(' ')[3]);
      const seen = lastLooks.get(place);
      if (event.channel === '+selected-slave' && seen !== undefined) choices.set(port, seen.map(withNewerOffset));
      onEvent(line, place);
    });
  });
  const stop = () => {
    stopped = true;
  };
  return { nodes, sentinels, events, choiceOf: (port) => choices.get(port), stop };
}

async function namesOf(topology: Topology): Promise<Names> {
  const ids = new Map<string, string>();
  for (const sentinel of topology.sentinels) ids.set(String(await sentinel.command('SENTINEL', 'MYID')), sentinel.name);
  return {
    node: (port) => topology.nodeAt(Number(port))?.name ?? port,
    sentinel: (id) => ids.get(id) ?? `${id.slice(0, 7)}…`,
  };
}

function unseenNode({ name, address }: DataNode): NodeView {
  return { name, address, state: 'starting', offset: '0', follows: '', linkUp: false };
}

function unseenSentinel({ name, address }: SentinelNode): SentinelView {
  return { name, address, master: '', flags: '', failoverState: '', epoch: 0, configEpoch: '' };
}

async function lookAtNode(node: DataNode, view: NodeView, names: Names): Promise<void> {
  view.state = node.paused ? 'hung' : node.running ? view.state : 'killed';
  if (node.paused || !node.running) return;
  if (view.state === 'killed' || view.state === 'hung') view.state = 'starting';
  const info = await node.info('replication');
  view.state = info.role === 'master' ? 'master' : 'replica';
  view.offset = (info.role === 'master' ? info.master_repl_offset : info.slave_repl_offset) ?? '?';
  view.follows = names.node(info.master_port ?? '');
  view.linkUp = info.master_link_status === 'up';
}

async function lookAtSentinel(sentinel: SentinelNode, master: string, view: SentinelView, names: Names) {
  const fields = parseFields(await sentinel.command('SENTINEL', 'MASTER', master));
  view.master = names.node(fields.port ?? '');
  view.flags = fields.flags ?? '';
  view.failoverState = fields['failover-state'] ?? '';
  view.configEpoch = fields['config-epoch'] ?? '';
  const replicas = (await sentinel.command('SENTINEL', 'REPLICAS', master)) as unknown[];
  return replicas.map(parseFields).map(({ port = '', runid = '', flags = '', ...more }) => ({
    name: names.node(port),
    port: Number(port),
    priority: Number(more['slave-priority']),
    offset: Number(more['slave-repl-offset']),
    runId: runid,
    flags,
  }));
}

/** The epoch that an event speaks of, 0 when it speaks of none. */
function epochIn(channel: string, payload: string): number {
  if (channel === '+new-epoch') return Number(payload);
  return channel === '+vote-for-leader' ? Number(payload.split(' ')[1]) : 0;
}
