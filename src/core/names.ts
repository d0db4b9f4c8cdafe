// Host names: what each of them stands for, when it is looked up, and who waits for the answer.
// The core asks by an effect and goes on; an answer comes as an input, or not at all.
import { addressOf, isName } from './query.ts';
import type { Address, HostName, InstanceId, Ms, SentinelState } from './state.ts';
import { log, type Turn, touch } from './turn.ts';

/** A lookup without an answer for so long has failed, for those who wait; an answer that comes later is still taken. */
const LOOKUP_TIMEOUT_MS: Ms = 5000;
/** How old the answer may be for a name that somebody mentions. The genuine server looks it up each time. */
const MENTIONED_MAX_AGE_MS: Ms = 10_000;
/** Pause between two lookups of a name that fails, or whose node does not answer; the genuine server's as well. */
export const LOOKUP_PAUSE_MS: Ms = 1000;
/** What nobody asked about for so long is forgotten; instances keep the IP they have. */
const KEEP_MS: Ms = 60_000;
/** Whoever can publish hellos can name any host: no more than this many are remembered at a time. */
const NAMES_MAX = 20_000;
/** No name in the DNS is longer. */
const LENGTH_MAX = 255;
const HELLOS_MAX = 64;

/** What waited for a name and may be read again now. */
export interface Settled {
  readonly hellos: readonly string[];
  /** Masters whose INFO names it. */
  readonly masters: readonly InstanceId[];
}

/**
 * The address of a text that somebody mentioned. Differs: the genuine server stands still for each lookup. A name is looked up when its answer is older than
 * `MENTIONED_MAX_AGE_MS`; `ip` is `undefined` while there is no answer, or when names are not allowed.
 */
export function locate(turn: Turn, host: string, port: number): Address {
  const address = addressOf(host, port);
  if (address.ip !== undefined || !turn.state.settings.resolveHostnames) return address;
  return { host, ip: lookUp(turn, host, MENTIONED_MAX_AGE_MS)?.ips[0], port };
}

/**
 * What is known of a name; it is looked up if the answer is older than `maxAgeMs`.
 * `undefined`: it can be no name, or there are too many.
 */
export function lookUp(turn: Turn, host: string, maxAgeMs: Ms): HostName | undefined {
  const { state, now } = turn;
  const key = host.toLowerCase();
  const name = state.names.get(key) ?? addName(state, key);
  if (name === undefined) return undefined;
  const age = now - name.since;
  if (name.status === 'known' ? age > maxAgeMs : name.status === 'failed' && age >= LOOKUP_PAUSE_MS) {
    name.status = 'asked';
    name.since = now;
    turn.effects.push({ kind: 'resolve', name: key });
  }
  return name;
}

function addName(state: SentinelState, key: string): HostName | undefined {
  if (key === '' || key.length > LENGTH_MAX || state.names.size >= NAMES_MAX) return undefined;
  const name: HostName = {
    ips: [],
    status: 'failed',
    since: Number.NEGATIVE_INFINITY,
    changedAt: Number.NEGATIVE_INFINITY,
    failureTold: false,
    waiting: new Set(),
    hellos: new Map(),
    masters: new Set(),
  };
  state.names.set(key, name);
  return name;
}

/** A lookup of this text is under way, and it has no answer at all yet. */
export function isAwaited(state: SentinelState, host: string): boolean {
  const name = state.names.get(host.toLowerCase());
  return name?.status === 'asked' && name.ips.length === 0;
}

/** No lookup of this text is under way: whoever waited for it can go on. */
export function isSettled(state: SentinelState, host: string): boolean {
  return state.names.get(host.toLowerCase())?.status !== 'asked';
}

/** Read this hello again when the name is settled; one of each sender is kept. */
export function keepHello(state: SentinelState, host: string, sender: string, text: string): void {
  const name = state.names.get(host.toLowerCase());
  if (name?.status === 'asked' && (name.hellos.size < HELLOS_MAX || name.hellos.has(sender)))
    name.hellos.set(sender, text);
}

/** Somebody mentioned a name, and names are not allowed: the log says so, once for as long as it is remembered. */
export function refuseName(turn: Turn, host: string): void {
  const key = host.toLowerCase();
  const name = turn.state.names.get(key) ?? addName(turn.state, key);
  if (name?.status === 'failed') onResolveFailed(turn, key, 'resolve-hostnames is off');
}

/** An answer came. An answer that nobody waits for any more is as good as any other. */
export function onResolved(turn: Turn, key: string, ips: readonly string[]): Settled {
  const name = turn.state.names.get(key);
  if (name === undefined) return { hellos: [], masters: [] };
  if (name.failureTold) log(turn, 'notice', `Hostname '${key}' can be resolved again: ${ips[0]}`);
  name.failureTold = false;
  if (ips.length !== name.ips.length || !ips.every((ip) => name.ips.includes(ip))) name.changedAt = turn.now;
  name.ips = ips;
  return settleName(turn, name, 'known');
}

/** An answer that came before anybody asked. */
export function rememberName(turn: Turn, host: string, ips: readonly string[]): void {
  const key = host.toLowerCase();
  if (addName(turn.state, key) !== undefined) onResolved(turn, key, ips);
}

/** No answer. What is known of the name stays; the log says it once. */
export function onResolveFailed(turn: Turn, key: string, reason: string): Settled {
  const name = turn.state.names.get(key);
  if (name === undefined) return { hellos: [], masters: [] };
  if (!name.failureTold) {
    log(turn, 'warning', `Failed to resolve hostname '${key}'`);
    log(turn, 'notice', `Hostname '${key}': ${reason}`);
  }
  name.failureTold = true;
  return settleName(turn, name, 'failed');
}

function settleName(turn: Turn, name: HostName, status: 'known' | 'failed'): Settled {
  name.status = status;
  name.since = turn.now;
  for (const id of name.waiting) touch(turn, { id });
  const settled = { hellos: [...name.hellos.values()], masters: [...name.masters] };
  name.waiting.clear();
  name.hellos.clear();
  name.masters.clear();
  return settled;
}

/** Give up lookups that take too long, and forget names that nobody asks about. Returns what waited for the former. */
export function sweepNames(turn: Turn): Settled {
  const hellos: string[] = [];
  const masters: InstanceId[] = [];
  for (const [key, name] of turn.state.names) {
    const age = turn.now - name.since;
    if (name.status === 'asked' && age >= LOOKUP_TIMEOUT_MS) {
      const settled = onResolveFailed(turn, key, 'no answer in time');
      hellos.push(...settled.hellos);
      masters.push(...settled.masters);
    } else if (name.status !== 'asked' && age > KEEP_MS) turn.state.names.delete(key);
  }
  return { hellos, masters };
}

/**
 * May a client name this host? `later`: it is being looked up; `isSettled` tells when to ask again.
 * A fresh answer is wanted, as the genuine server looks it up on the spot.
 */
export function judgeHost(turn: Turn, host: string): 'yes' | 'no' | 'later' {
  if (!isName(host)) return 'yes';
  if (!turn.state.settings.resolveHostnames) return 'no';
  const name = lookUp(turn, host, MENTIONED_MAX_AGE_MS);
  if (name?.status === 'asked') return 'later';
  return name?.status === 'known' ? 'yes' : 'no';
}
