// What a sentinel's events have told so far. What it does is carried out behind its saves, when its state may be ahead:
// commands and hellos that came meanwhile are in the state, and their events are yet to come.
import type { SentinelEvent } from '../../src/core/events.ts';
import { refTo } from '../../src/core/query.ts';
import type { Master, Ms, RunId, SentinelState } from '../../src/core/state.ts';

export interface Told {
  readonly downAfterMs: Map<string, Ms>;
  readonly quorum: Map<string, number>;
  /** Where the masters are, `host:port`. */
  readonly places: Map<string, string>;
  /** By master. */
  readonly peers: Map<string, Set<RunId>>;
}

/** What is known at a start, before anything is told. */
export function toldAtStart(state: SentinelState): Told {
  const told: Told = { downAfterMs: new Map(), quorum: new Map(), places: new Map(), peers: new Map() };
  for (const master of state.masters.values()) {
    noteOptions(told, master);
    told.peers.set(master.name, new Set(master.peers.keys()));
    const { host, port } = refTo(state, master);
    told.places.set(master.name, `${host}:${port}`);
  }
  return told;
}

function noteOptions({ downAfterMs, quorum }: Told, { name, options }: Master): void {
  downAfterMs.set(name, options.downAfterMs);
  quorum.set(name, options.quorum);
}

/** An event is told. */
export function noteTold(told: Told, event: SentinelEvent, { masters }: SentinelState): void {
  if (event.name === '+switch-master') told.places.set(event.about.name, `${event.to.host}:${event.to.port}`);
  if (event.name === '+monitor') {
    told.places.set(event.about.name, `${event.about.host}:${event.about.port}`);
    const master = masters.get(event.about.name);
    if (master !== undefined) noteOptions(told, master);
  }
  if (event.name === '+set') {
    const value = Number(event.values[0]);
    if (event.option === 'down-after-milliseconds') told.downAfterMs.set(event.about.name, value);
    if (event.option === 'quorum') told.quorum.set(event.about.name, value);
  }
  if (event.name === '+sentinel') peersOf(told, event.about.master?.name ?? '').add(event.about.name);
  if (event.name === '+sentinel-invalid-addr') for (const peers of told.peers.values()) peers.delete(event.about.name);
  if (event.name === '+reset-master' || event.name === '-monitor') told.peers.delete(event.about.name);
}

function peersOf({ peers }: Told, master: string): Set<RunId> {
  const known = peers.get(master) ?? new Set();
  peers.set(master, known);
  return known;
}
