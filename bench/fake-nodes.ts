// Thousands of data nodes and two peers in one process, as far as a sentinel looks at them: real ones by the thousand do
// not fit a small machine, and would share its processor with the sentinel that is measured. Run by fake-cluster.ts.
import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';

export type Order =
  | { kind: 'start'; groups: number }
  /** The masters of the first so many groups die. */
  | { kind: 'kill'; groups: number }
  /** Gaps between PINGs are kept from now on. */
  | { kind: 'record' }
  | { kind: 'report' };

export type Answer =
  | { kind: 'started'; masters: number[] }
  | { kind: 'done' }
  | {
      kind: 'report';
      /** How many data nodes have been PINGed and listened to, and how many of the dead masters' replicas were promoted. */
      seen: number;
      promoted: number;
      pingGaps: number[];
    };

interface Node {
  readonly server: Server;
  readonly sockets: Set<Socket>;
  readonly subscribers: Set<Socket>;
  readonly runId: string;
  port: number;
  role: 'master' | 'slave';
  peer: Node | undefined;
  pinged: boolean;
  lastPingAt: number;
}

interface Group {
  readonly name: string;
  readonly master: Node;
  readonly replica: Node;
}

const HELLO = '__sentinel__:hello';
const groups: Group[] = [];
const byPort = new Map<number, Node>();
const peers: Node[] = [];
let epoch = 0n;
let recording = false;
let pingGaps: number[] = [];

process.on('message', (order: Order) => void obey(order).then((answer) => process.send?.(answer)));
// Whoever asked is gone.
process.on('disconnect', () => process.exit(0));

async function obey(order: Order): Promise<Answer> {
  switch (order.kind) {
    case 'start': {
      for (let number = 0; number < order.groups; number++) {
        const [master, replica] = await Promise.all([listen('master'), listen('slave')]);
        master.peer = replica;
        replica.peer = master;
        groups.push({ name: `m${number}`, master, replica });
      }
      for (let number = 0; number < 2; number++) peers.push(await listen('master'));
      let turn = 0;
      // Each peer tells each group every 2 s, spread over that time.
      setInterval(() => {
        for (let at = turn % 20; at < groups.length; at += 20)
          for (const peer of peers) sayHello(peer, groups[at] as Group);
        turn += 1;
      }, 100);
      return { kind: 'started', masters: groups.map(({ master }) => master.port) };
    }
    case 'kill':
      for (const { master } of groups.slice(0, order.groups)) {
        master.server.close();
        byPort.delete(master.port);
        for (const socket of master.sockets) socket.destroy();
      }
      return { kind: 'done' };
    case 'record':
      recording = true;
      pingGaps = [];
      return { kind: 'done' };
    case 'report': {
      const nodes = groups.flatMap(({ master, replica }) => [master, replica]);
      const seen = nodes.filter(({ pinged, subscribers }) => pinged && subscribers.size > 0).length;
      const promoted = groups.filter(({ replica }) => replica.role === 'master').length;
      return { kind: 'report', seen, promoted, pingGaps };
    }
  }
}

async function listen(role: Node['role']): Promise<Node> {
  const server = createServer({ noDelay: true }, (socket) => serve(node, socket));
  const node: Node = {
    server,
    sockets: new Set(),
    subscribers: new Set(),
    runId: randomBytes(20).toString('hex'),
    port: 0,
    role,
    peer: undefined,
    pinged: false,
    lastPingAt: 0,
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  node.port = typeof address === 'object' && address !== null ? address.port : 0;
  byPort.set(node.port, node);
  return node;
}

function serve(node: Node, socket: Socket): void {
  let unread = '';
  node.sockets.add(socket);
  socket.setEncoding('latin1');
  socket.on('error', () => undefined);
  socket.on('close', () => {
    node.sockets.delete(socket);
    node.subscribers.delete(socket);
  });
  socket.on('data', (text: string) => {
    unread += text;
    let replies = '';
    for (let request = take(); request !== undefined; request = take()) replies += reply(node, socket, request);
    if (replies !== '') socket.write(replies, 'latin1');
  });

  /** The next request as its words, once it is there whole. */
  function take(): string[] | undefined {
    const end = unread.indexOf('\r\n');
    if (end < 0) return undefined;
    const words: string[] = [];
    let at = end + 2;
    for (let left = Number(unread.slice(1, end)); left > 0; left--) {
      const lengthEnd = unread.indexOf('\r\n', at);
      if (lengthEnd < 0) return undefined;
      const from = lengthEnd + 2;
      const to = from + Number(unread.slice(at + 1, lengthEnd));
      if (unread.length < to + 2) return undefined;
      words.push(unread.slice(from, to));
      at = to + 2;
    }
    unread = unread.slice(at);
    return words;
  }
}

function reply(node: Node, socket: Socket, words: string[]): string {
  switch (words[0]?.toUpperCase()) {
    case 'PING':
      notePing(node);
      return node.subscribers.has(socket) ? '*2\r\n$4\r\npong\r\n$0\r\n\r\n' : '+PONG\r\n';
    case 'INFO':
      return bulk(info(node));
    case 'SUBSCRIBE':
      node.subscribers.add(socket);
      return `*3\r\n$9\r\nsubscribe\r\n${bulk(HELLO)}:1\r\n`;
    case 'PUBLISH': {
      const told = /^[^,]*,[^,]*,[^,]*,(\d+),/.exec(words[2] ?? '')?.[1];
      if (told !== undefined && BigInt(told) > epoch) epoch = BigInt(told);
      deliver(node, words[2] ?? '');
      return `:${node.subscribers.size}\r\n`;
    }
    case 'SENTINEL':
      return voteFor(words);
    case 'SLAVEOF':
    case 'REPLICAOF':
      node.role = words[1]?.toUpperCase() === 'NO' ? 'master' : 'slave';
      return '+OK\r\n';
    case 'EXEC':
      return '*4\r\n+OK\r\n+OK\r\n:0\r\n:0\r\n';
    default:
      return '+OK\r\n';
  }
}

function notePing(node: Node): void {
  const now = performance.now();
  if (recording && node.lastPingAt > 0) pingGaps.push(now - node.lastPingAt);
  node.lastPingAt = now;
  node.pinged = true;
}

/** What a sentinel reads of INFO, and some of what else there is: parsing costs something, too. */
function info({ runId, role, peer, port }: Node): string {
  const filler = Array.from({ length: 60 }, (_, number) => `some_field_${number}:${number * 1000}`);
  const replication =
    role === 'master'
      ? [`role:master`, `connected_slaves:1`, `slave0:ip=127.0.0.1,port=${peer?.port ?? 0},state=online,offset=1,lag=0`]
      : [`role:slave`, `master_host:127.0.0.1`, `master_port:${peer?.port ?? 0}`, 'master_link_status:up'];
  const replica = role === 'slave' ? ['slave_repl_offset:1', 'slave_priority:100', 'replica_announced:1'] : [];
  return [
    '# Server',
    `run_id:${runId}`,
    `tcp_port:${port}`,
    ...filler,
    '# Replication',
    ...replication,
    ...replica,
    '',
  ].join('\r\n');
}

/** A peer that agrees with everybody: the master is down when it is, and the vote is the asker's. */
function voteFor([, , , port = '', asked = '0', candidate = '*']: string[]): string {
  const down = byPort.has(Number(port)) ? 0 : 1;
  if (BigInt(asked) > epoch) epoch = BigInt(asked);
  return candidate === '*'
    ? `*3\r\n:${down}\r\n$1\r\n*\r\n:0\r\n`
    : `*3\r\n:${down}\r\n${bulk(candidate)}:${asked}\r\n`;
}

function sayHello(peer: Node, { name, master, replica }: Group): void {
  const text = `127.0.0.1,${peer.port},${peer.runId},${epoch},${name},127.0.0.1,${master.port},0`;
  deliver(master, text);
  deliver(replica, text);
}

function deliver({ subscribers }: Node, text: string): void {
  if (subscribers.size === 0) return;
  const message = `*3\r\n$7\r\nmessage\r\n${bulk(HELLO)}${bulk(text)}`;
  for (const socket of subscribers) socket.write(message, 'latin1');
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}
