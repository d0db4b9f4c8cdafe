// The connections of clients, as plain data: who they are, what they chose, what they listen to.
import type { Ms } from '../core/state.ts';
import type { RespVersion } from '../protocol/resp-writer.ts';

export type SessionId = number;

export interface Session {
  /** Rises with each accepted connection. */
  readonly id: SessionId;
  /** `ip:port` of the client, and ours. */
  readonly address: string;
  readonly localAddress: string;
  readonly createdAt: Ms;
  /** When its last request came. */
  lastAt: Ms;
  /** Empty: none. */
  name: string;
  libName: string;
  libVersion: string;
  protocol: RespVersion;
  /** Logged in, or never asked to. */
  authenticated: boolean;
  /** Whose rights it has; `undefined`: the user is gone, and the connection about to be closed. */
  user: string | undefined;
  /** The full name of its last command; `NULL` before the first, and behind one that does not exist. */
  lastCommand: string;
  /** CLIENT REPLY. `skip-next`: the reply to the next request is left out. */
  replies: 'on' | 'off' | 'skip-next';
  noEvict: boolean;
  /** CLIENT TRACKING; `undefined`: off. */
  tracking: Tracking | undefined;
  readonly channels: Set<string>;
  readonly patterns: Set<string>;
}

/** What CLIENT TRACKING chose. */
export interface Tracking {
  /** The session that is to be told; 0: this one. */
  readonly redirect: SessionId;
  readonly broadcasts: boolean;
  readonly optIn: boolean;
  readonly optOut: boolean;
  readonly noLoop: boolean;
  readonly prefixes: ReadonlySet<string>;
  /** CLIENT CACHING was said, and no other command since. */
  caching: boolean;
}

/** All sessions, and who listens to what: an event must find its listeners without asking everybody. */
export interface Sessions {
  readonly byId: Map<SessionId, Session>;
  readonly byChannel: Map<string, Set<SessionId>>;
  readonly byPattern: Map<string, Set<SessionId>>;
  nextId: SessionId;
  /** CLIENT PAUSE: until when, and whether for every command or for PUBLISH only. */
  pause: { readonly until: Ms; readonly everything: boolean } | undefined;
}

export function createSessions(): Sessions {
  return { byId: new Map(), byChannel: new Map(), byPattern: new Map(), nextId: 1, pause: undefined };
}

/** A client connected. `authenticated`: no password is asked for. */
export function openSession(
  sessions: Sessions,
  { address, localAddress, authenticated }: { address: string; localAddress: string; authenticated: boolean },
  now: Ms,
): Session {
  const session: Session = {
    id: sessions.nextId++,
    address,
    localAddress,
    createdAt: now,
    lastAt: now,
    name: '',
    libName: '',
    libVersion: '',
    protocol: 2,
    authenticated,
    user: 'default',
    lastCommand: 'NULL',
    replies: 'on',
    noEvict: false,
    tracking: undefined,
    channels: new Set(),
    patterns: new Set(),
  };
  sessions.byId.set(session.id, session);
  return session;
}

/** A client is gone: its subscriptions end at once. */
export function closeSession(sessions: Sessions, session: Session): void {
  for (const channel of session.channels) leave(sessions.byChannel, channel, session.id);
  for (const pattern of session.patterns) leave(sessions.byPattern, pattern, session.id);
  session.channels.clear();
  session.patterns.clear();
  sessions.byId.delete(session.id);
}

export type SubscriptionKind = 'channels' | 'patterns';

/** Listen to a channel or a pattern; once more changes nothing. */
export function subscribe(sessions: Sessions, session: Session, kind: SubscriptionKind, name: string): void {
  session[kind].add(name);
  const index = indexOf(sessions, kind);
  const ids = index.get(name);
  if (ids === undefined) index.set(name, new Set([session.id]));
  else ids.add(session.id);
}

/** Listen no longer. */
export function unsubscribe(sessions: Sessions, session: Session, kind: SubscriptionKind, name: string): void {
  session[kind].delete(name);
  leave(indexOf(sessions, kind), name, session.id);
}

/** Subscriptions of both kinds; above 0 a RESP2 client may only talk about subscriptions. */
export function subscriptionCount(session: Session): number {
  return session.channels.size + session.patterns.size;
}

function indexOf(sessions: Sessions, kind: SubscriptionKind) {
  return kind === 'channels' ? sessions.byChannel : sessions.byPattern;
}

function leave(index: Map<string, Set<SessionId>>, name: string, id: SessionId): void {
  const ids = index.get(name);
  ids?.delete(id);
  if (ids?.size === 0) index.delete(name);
}
