// When to connect, what to say first, when to give a connection up: the core's half of the links.
// The other half, shell/links.ts, only carries bytes.
import type { NodeReply } from './effects.ts';
import { isDisconnected, linkOf, masterOf, refTo, sameAddress, shownHost } from './query.ts';
import type {
  Address,
  Connection,
  Instance,
  InstanceId,
  Link,
  LinkId,
  Master,
  MasterOptions,
  Ms,
  Pending,
  SentinelState,
} from './state.ts';
import { announce, type Turn, touch } from './turn.ts';

/**
 * Pause after a failed attempt, as the genuine server's (spec/behavior.md §1.4). Differs: never more than a tenth of
 * down-after, as often as PING is sent, or a node that was away for less would be taken for down when it was back
 * already. Once down-after is over there is nothing to be saved by haste: a quarter then, so that many dead nodes do not
 * keep us busy.
 */
const RETRY_MS: Ms = 1000;
/**
 * Pause after a connection that had worked. Differs: the genuine server waits out its second here too; a node that
 * cuts its clients on promotion would be out of sight for longer than a short down-after-milliseconds.
 */
const RETRY_PROVEN_MS: Ms = 100;
/** An attempt unanswered for so long is made anew; the kernel's own retries come further and further apart. */
const CONNECT_TIMEOUT_MS: Ms = 5000;
/** Requests awaiting a reply, per user of the link, at which periodic commands are withheld (spec/behavior.md §1.6). */
const PENDING_MAX = 100;
/** The channel on which sentinels tell each other what they know. */
export const HELLO_CHANNEL = '__sentinel__:hello';

/** Create a link. It counts as silent from now on, so a node that never answers goes down after down-after. */
export function createLink(state: SentinelState, kind: Link['kind'], address: Address, now: Ms): Link {
  const link: Link = {
    id: state.nextId++,
    kind,
    address,
    command: undefined,
    subscription: undefined,
    retryAt: now,
    silentSince: now,
    lastPingAt: undefined,
    lastReplyAt: now,
    lastOkAt: now,
    wasWell: false,
    busySince: undefined,
    heardAt: now,
    refusals: new Map(),
    users: new Set(),
    downAfterMs: undefined,
  };
  state.links.set(link.id, link);
  return link;
}

/** `instance` looks through `link` from now on. */
export function joinLink(link: Link, instance: InstanceId): void {
  link.users.add(instance);
  link.downAfterMs = undefined;
}

/** `instance` looks through `link` no longer; the link stays even without users. */
export function leaveLink(link: Link, instance: InstanceId): void {
  link.users.delete(instance);
  link.downAfterMs = undefined;
}

/** `instance` looks through the link no longer; a link without users is closed and forgotten. */
export function releaseLink(turn: Turn, linkId: LinkId, instance: InstanceId): void {
  const link = turn.state.links.get(linkId);
  if (link === undefined) return;
  leaveLink(link, instance);
  if (link.users.size > 0) return;
  dropConnections(turn, link);
  turn.state.links.delete(link.id);
}

/** Close both connections and make new ones as soon as the instance is judged. */
export function dropConnections(turn: Turn, link: Link): void {
  for (const connection of [link.command, link.subscription]) if (connection) dropConnection(turn, link, connection);
  link.retryAt = turn.now;
  // Other credentials or another address: what was refused there may be granted here.
  link.refusals.clear();
}

function dropConnection(turn: Turn, link: Link, connection: Connection): void {
  turn.effects.push({ kind: 'disconnect', connection: connection.id });
  forgetConnection(turn, link, connection);
}

/** Its pending requests go with it: their replies will not come, and none of them is owed any more. */
function forgetConnection(turn: Turn, link: Link, connection: Connection): void {
  turn.state.connections.delete(connection.id);
  if (connection.role === 'subscription') {
    link.subscription = undefined;
    return;
  }
  link.command = undefined;
  // The clock starts at the loss, not at the next PING: nothing is owed more certainly than by who left.
  link.silentSince ??= turn.now;
}

/** Open what is missing, where that is allowed now. Returns when to look again; `Infinity` when an input will tell. */
export function keepConnected(turn: Turn, link: Link): Ms {
  // Without an IP there is nowhere to go yet; the answer about the name brings us here again.
  if (link.address.port === 0 || link.address.ip === undefined) return Number.POSITIVE_INFINITY;
  if (isDisconnected(link) && turn.now >= link.retryAt) {
    if (link.command === undefined) open(turn, link, 'command');
    if (link.kind === 'data' && link.subscription === undefined) open(turn, link, 'subscription');
    link.retryAt = turn.now + retryPause(turn, link);
  }
  const next = isDisconnected(link) ? link.retryAt : Number.POSITIVE_INFINITY;
  return Math.min(next, awaitOpen(turn, link, link.command), awaitOpen(turn, link, link.subscription));
}

function retryPause({ state, now }: Turn, link: Link): Ms {
  const downAfterMs = shortestDownAfter(state, link);
  const isDown = link.silentSince !== undefined && now - link.silentSince > downAfterMs;
  return Math.max(RETRY_PROVEN_MS, Math.min(RETRY_MS, Math.trunc(downAfterMs / (isDown ? 4 : 10))));
}

/** The strictest down-after of a link's users, kept until one of them comes, goes or changes. */
export function shortestDownAfter(state: SentinelState, link: Link): Ms {
  link.downAfterMs ??= Math.min(
    ...Array.from(link.users, (id) => {
      const instance = state.instances.get(id);
      return instance === undefined ? Number.POSITIVE_INFINITY : masterOf(state, instance).options.downAfterMs;
    }),
  );
  return link.downAfterMs;
}

function open(turn: Turn, link: Link, role: Connection['role']): void {
  const { state, now } = turn;
  const connection: Connection = {
    id: state.nextId++,
    role,
    status: 'connecting',
    since: now,
    pending: [],
    localIp: undefined,
    proven: false,
    loginRefused: false,
  };
  link[role] = connection;
  state.connections.set(connection.id, link.id);
  if (role === 'command') link.silentSince ??= now;
  const { ip, host, port } = link.address;
  turn.effects.push({ kind: 'connect', connection: connection.id, host: ip ?? host, port });
}

/** Give up an attempt that takes too long. Returns when to look again; `Infinity` where nothing is being opened. */
function awaitOpen(turn: Turn, link: Link, connection: Connection | undefined): Ms {
  if (connection?.status !== 'connecting') return Number.POSITIVE_INFINITY;
  const until = connection.since + CONNECT_TIMEOUT_MS;
  if (turn.now < until) return until;
  dropConnection(turn, link, connection);
  link.retryAt = turn.now;
  return turn.now;
}

/** The connection stands: log in, say who we are, then the first PING or the subscription, without waiting between. */
export function onConnected(turn: Turn, link: Link, connection: Connection, localIp: string): void {
  connection.status = 'open';
  connection.localIp = localIp;
  const user = someUser(turn.state, link);
  if (user === undefined) return;
  const auth = credentials(turn.state, masterOf(turn.state, user), link.kind);
  if (auth.length > 0) request(turn, user, connection, ['AUTH', ...auth], { kind: 'auth' });
  const suffix = connection.role === 'command' ? 'cmd' : 'pubsub';
  const name = `sentinel-${turn.state.myId.slice(0, 8)}-${suffix}`;
  request(turn, user, connection, ['CLIENT', 'SETNAME', name], { kind: 'ignored' });
  if (connection.role === 'command') sendPing(turn, user, link, connection);
  else {
    link.heardAt = turn.now;
    request(turn, user, connection, ['SUBSCRIBE', HELLO_CHANNEL], { kind: 'subscribe' });
  }
  touchUsers(turn, link);
}

/** What follows AUTH, nothing when none is configured (spec/behavior.md §1.2). */
function credentials(state: SentinelState, master: Master, kind: Link['kind']): string[] {
  const { settings } = state;
  const pick = (pass: string | undefined, user: string | undefined) =>
    pass === undefined ? [] : user === undefined ? [pass] : [user, pass];
  if (kind === 'data') return pick(master.options.authPass, master.options.authUser);
  if (settings.sentinelPass !== undefined) return pick(settings.sentinelPass, settings.sentinelUser);
  return pick(settings.requirePass, undefined);
}

/** The attempt failed or the connection is gone. */
export function onClosed(turn: Turn, link: Link, connection: Connection, reason: string): void {
  forgetConnection(turn, link, connection);
  const pause = connection.proven ? RETRY_PROVEN_MS : retryPause(turn, link);
  link.retryAt = Math.max(turn.now, connection.since + pause);
  const user = someUser(turn.state, link);
  if (user !== undefined) {
    const name = connection.role === 'command' ? '-cmd-link-reconnection' : '-pubsub-link-reconnection';
    announce(turn, { name, about: refTo(turn.state, user), reason });
  }
  touchUsers(turn, link);
}

/** Our password was taken or refused. A node without one refuses any, and lets us in all the same. */
export function onLogin(turn: Turn, link: Link, connection: Connection, reply: NodeReply): void {
  if (reply.kind !== 'error' || /no password is set|without any password/.test(reply.text)) return;
  connection.loginRefused = true;
  touchUsers(turn, link);
}

/** A subscription without rights is no subscription: close it, so that the instance shows as disconnected. */
export function onSubscribed(turn: Turn, link: Link, connection: Connection, reply: NodeReply): void {
  link.heardAt = turn.now;
  if (reply.kind !== 'error') {
    connection.proven = true;
    return;
  }
  dropConnection(turn, link, connection);
  link.retryAt = connection.since + RETRY_MS;
  touchUsers(turn, link);
}

/**
 * Tear down connections that are old and silent (spec/behavior.md §1.5), or not let in. Returns when to look again.
 * Differs: to the genuine server any answer to PING is one, and a connection whose password was refused is kept with a
 * long down-after: the node stays down although it takes the password by now.
 */
export function recycleStuck(turn: Turn, link: Link, downAfterMs: Ms): Ms {
  const { command, subscription, silentSince } = link;
  const lastSign = Math.max(silentSince ?? 0, link.lastReplyAt) + Math.trunc(downAfterMs / 2);
  const owedUntil = silentSince === undefined ? Number.POSITIVE_INFINITY : lastSign;
  const quietUntil = link.heardAt + 3 * turn.state.tunables.publishPeriodMs;
  return Math.min(recycleAfter(turn, link, command, owedUntil), recycleAfter(turn, link, subscription, quietUntil));
}

/** Tear one connection down when it is old and `until` is over. */
function recycleAfter(turn: Turn, link: Link, connection: Connection | undefined, until: Ms): Ms {
  if (connection?.status !== 'open') return Number.POSITIVE_INFINITY;
  const oldAt = connection.since + turn.state.tunables.minLinkReconnectPeriodMs;
  const due = (connection.loginRefused && !connection.proven ? oldAt : Math.max(oldAt, until)) + 1;
  if (turn.now < due) return due;
  recycle(turn, link, connection);
  return Number.POSITIVE_INFINITY;
}

function recycle(turn: Turn, link: Link, connection: Connection): void {
  dropConnection(turn, link, connection);
  link.retryAt = turn.now;
  touchUsers(turn, link);
}

/** Send PING; from the first one that is not answered well, the silence is measured. */
export function sendPing(turn: Turn, instance: Instance, link: Link, connection: Connection): void {
  link.lastPingAt = turn.now;
  link.silentSince ??= turn.now;
  request(turn, instance, connection, ['PING'], { kind: 'ping', sentAt: turn.now });
}

/**
 * Send one request on behalf of `instance`, under the command names of its master: the renaming holds for peers too
 * (redis-sentinel 7.0.15 sends them `KLIENT SETNAME` where CLIENT is renamed).
 */
export function request(
  turn: Turn,
  instance: Instance,
  connection: Connection,
  args: readonly [string, ...string[]],
  pending: Pending,
): void {
  const { renamedCommands } = masterOf(turn.state, instance).options;
  connection.pending.push(pending);
  turn.effects.push({ kind: 'send', connection: connection.id, args: underItsName(renamedCommands, args) });
}

function underItsName(
  renamedCommands: MasterOptions['renamedCommands'],
  args: readonly [string, ...string[]],
): readonly string[] {
  if (renamedCommands.size === 0) return args;
  const [command, ...rest] = args;
  return [renamedCommands.get(command.toLowerCase())?.renamed ?? command, ...rest];
}

/** The open command connection of an instance; `undefined` while there is none. */
export function commandConnection(state: SentinelState, instance: Instance): Connection | undefined {
  const { command } = linkOf(state, instance);
  return command?.status === 'open' ? command : undefined;
}

/** The same for periodic commands, which stop while too many requests are unanswered. */
export function unhurriedConnection(state: SentinelState, instance: Instance): Connection | undefined {
  const link = linkOf(state, instance);
  const { command } = link;
  return command?.status === 'open' && command.pending.length < PENDING_MAX * link.users.size ? command : undefined;
}

/** The newest unanswered request of one kind that was made for `instance`. */
export function outstanding<K extends 'info' | 'hello' | 'ask'>(
  connection: Connection,
  kind: K,
  instance: Instance,
): Extract<Pending, { kind: K }> | undefined {
  return connection.pending.findLast(
    (pending): pending is Extract<Pending, { kind: K }> => pending.kind === kind && pending.instance === instance.id,
  );
}

/**
 * The transaction that makes a node a replica of `target`, or with `undefined` a master (spec/behavior.md §7.3, §7.5).
 * It is sent as one: a node that takes the role without saving it or without cutting its clients would be half done.
 * Returns whether it was sent: not without a connection, and never to the target itself.
 */
export function orderRole(turn: Turn, instance: Instance, target: Address | undefined): boolean {
  const connection = commandConnection(turn.state, instance);
  if (connection === undefined) return false;
  // A node that follows itself is lost to everybody. Two names may stand for one node while one of them is out of date.
  if (target !== undefined && sameAddress(target, linkOf(turn.state, instance).address)) return false;
  const slaveof = target === undefined ? ['NO', 'ONE'] : [shownHost(turn.state, target), String(target.port)];
  const transaction: readonly [string, ...string[]][] = [
    ['MULTI'],
    ['SLAVEOF', ...slaveof],
    ['CONFIG', 'REWRITE'],
    ['CLIENT', 'KILL', 'TYPE', 'normal'],
    ['CLIENT', 'KILL', 'TYPE', 'pubsub'],
    ['EXEC'],
  ];
  for (const args of transaction) request(turn, instance, connection, args, { kind: 'ignored' });
  return true;
}

/** Let the rules of all users of a link run. */
export function touchUsers(turn: Turn, link: Link): void {
  for (const id of link.users) touch(turn, { id });
}

function someUser(state: SentinelState, link: Link): Instance | undefined {
  for (const id of link.users) {
    const instance = state.instances.get(id);
    if (instance !== undefined) return instance;
  }
  return undefined;
}
