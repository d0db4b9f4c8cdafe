// A fake data node: as much of Redis as a sentinel sees, without data.
import type { NodeReply } from '../../src/core/effects.ts';
import type { Ms, RunId } from '../../src/core/state.ts';
import {
  type Cluster,
  type Condition,
  closeByTarget,
  connectionsTo,
  endpointAt,
  type FakeConnection,
  nodesOf,
  reply,
} from './fake-cluster.ts';

export interface FakeNode {
  readonly kind: 'node';
  readonly name: string;
  ip: string;
  readonly port: number;
  /** `replica-announce-ip`: what it is called in its master's INFO. */
  announcedAs: string | undefined;
  condition: Condition;
  runId: RunId;
  role: 'master' | 'slave';
  follows: { host: string; port: number } | undefined;
  priority: number;
  offset: number;
  announced: boolean;
  /** What PING and INFO answer instead of the usual; `undefined`: the usual. */
  pingError: string | undefined;
  infoError: string | undefined;
  /** It takes orders and does not carry them out. */
  stubborn: boolean;
  /** How long a resynchronisation takes, and when the present one ends. */
  syncMs: Ms;
  inSyncAt: Ms;
  /** Since when its master is lost, as INFO tells; only set by hand. */
  linkDownSeconds: number | undefined;
}

type Answer = (reply: NodeReply) => void;
const text = (value: string): NodeReply => ({ kind: 'text', text: value });

/** Carry out one request that came over `connection`. */
export function serveNode(
  cluster: Cluster,
  node: FakeNode,
  connection: FakeConnection,
  args: readonly string[],
  answer: Answer,
): void {
  const [command] = args;
  if (connection.transaction !== undefined && command !== 'EXEC') {
    connection.transaction.push(args);
    return answer(text('QUEUED'));
  }
  switch (command) {
    case 'PING':
      return answer(node.pingError === undefined ? text('PONG') : { kind: 'error', text: node.pingError });
    case 'INFO':
      return answer(
        node.infoError === undefined ? text(infoOf(cluster, node)) : { kind: 'error', text: node.infoError },
      );
    case 'SUBSCRIBE':
      connection.subscribed = true;
      return answer({ kind: 'array', items: [text('subscribe'), text(args[1] ?? ''), { kind: 'integer', value: 1n }] });
    case 'PUBLISH':
      return publish(cluster, node, args[2] ?? '', answer);
    case 'MULTI':
      connection.transaction = [];
      return answer(text('OK'));
    case 'EXEC':
      return execute(cluster, node, connection, answer);
    default:
      return answer(text('OK'));
  }
}

function publish(cluster: Cluster, node: FakeNode, message: string, answer: Answer): void {
  const listeners = connectionsTo(cluster, node).filter(({ subscribed, gone }) => subscribed && !gone);
  for (const listener of listeners)
    reply(cluster, listener, { kind: 'message', connection: listener.id, text: message });
  answer({ kind: 'integer', value: BigInt(listeners.length) });
}

function execute(cluster: Cluster, node: FakeNode, connection: FakeConnection, answer: Answer): void {
  const orders = connection.transaction ?? [];
  connection.transaction = undefined;
  answer({ kind: 'array', items: orders.map(() => text('OK')) });
  if (node.stubborn) return;
  for (const [command = '', first = '', second = '', third = ''] of orders) {
    if (command === 'SLAVEOF') follow(cluster, node, first, second);
    if (command === 'CLIENT' && first === 'KILL' && second === 'TYPE') killClients(cluster, node, third, connection);
  }
}

function follow(cluster: Cluster, node: FakeNode, host: string, port: string): void {
  const alone = host.toUpperCase() === 'NO';
  if (alone) {
    node.role = 'master';
    node.follows = undefined;
  } else if (node.role !== 'slave' || node.follows?.host !== host || node.follows.port !== Number(port)) {
    node.role = 'slave';
    node.follows = { host, port: Number(port) };
    node.inSyncAt = cluster.time.now + node.syncMs;
  }
}

/** As Redis does: everybody but the one who asked. */
function killClients(cluster: Cluster, node: FakeNode, type: string, by: FakeConnection): void {
  for (const connection of connectionsTo(cluster, node))
    if (connection !== by && connection.subscribed === (type === 'pubsub'))
      closeByTarget(cluster, connection, 'Connection closed');
}

/** The node that `node` follows, if it can be followed. */
function masterOfNode(cluster: Cluster, node: FakeNode): FakeNode | undefined {
  if (node.role !== 'slave' || node.follows === undefined) return undefined;
  const master = endpointAt(cluster, node.follows.host, node.follows.port);
  return master?.kind === 'node' && master.condition !== 'crashed' ? master : undefined;
}

export function isInSync(cluster: Cluster, node: FakeNode): boolean {
  return masterOfNode(cluster, node) !== undefined && node.inSyncAt <= cluster.time.now;
}

/** The lines of INFO that sentinels read. */
export function infoOf(cluster: Cluster, node: FakeNode): string {
  const lines = ['# Server', `run_id:${node.runId}`, '# Replication', `role:${node.role}`];
  if (node.role === 'slave') {
    const up = isInSync(cluster, node) && node.linkDownSeconds === undefined;
    lines.push(`master_host:${node.follows?.host}`, `master_port:${node.follows?.port}`);
    lines.push(`master_link_status:${up ? 'up' : 'down'}`);
    if (!up) lines.push(`master_link_down_since_seconds:${node.linkDownSeconds ?? 0}`);
    lines.push(`slave_repl_offset:${node.offset}`, `slave_priority:${node.priority}`);
    lines.push(`replica_announced:${node.announced ? 1 : 0}`);
  }
  const followers = nodesOf(cluster).filter((other) => masterOfNode(cluster, other) === node);
  lines.push(`connected_slaves:${followers.length}`);
  for (const [index, other] of followers.entries())
    lines.push(
      `slave${index}:ip=${other.announcedAs ?? other.ip},port=${other.port},state=online,offset=${other.offset},lag=0`,
    );
  return `${lines.join('\r\n')}\r\n`;
}
