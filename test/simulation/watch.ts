// What must hold after every step of every sentinel (spec/behavior.md §14). The watch sees what a sentinel was told, what
// it does and what is on its disk, and keeps a record of its own: it does not take the core's word for anything.

import type { DurableState } from '../../src/core/durable.ts';
import type { Input, NodeReply } from '../../src/core/effects.ts';
import { type InstanceRef, payload, type SentinelEvent } from '../../src/core/events.ts';
import { currentAddress, isName, masterOf, peersOf, replicasOf } from '../../src/core/query.ts';
import type { Address, ConnectionId, Epoch, Failover, Instance, Master, Ms, RunId } from '../../src/core/state.ts';
import type { Reply } from '../../src/protocol/reply.ts';
import type { OuterEffect } from '../../src/shell/engine.ts';
import { type DataNode, isNode } from './data-node.ts';
import type { Socket } from './network.ts';
import type { Life, Sentinel } from './sentinel.ts';
import { type Heard, heardNothing, type Info, noteInfo, unasked, wrongChoice } from './watch-choice.ts';
import { noScripts, type ScriptsSeen, wrongInScript } from './watch-scripts.ts';
import { noteTold, type Told, toldAtStart } from './watch-told.ts';

/** What one process was seen to hold of one master. */
interface Held {
  master: Master;
  configEpoch: Epoch;
  leaderEpoch: Epoch;
  address: Address;
  peers: number;
  /** Of which vote and which lead the watch knows already. */
  votedIn: Epoch | undefined;
  votedFor: RunId | undefined;
  ledIn: Epoch | undefined;
}

interface Answer {
  readonly at: Ms;
  readonly down: boolean;
  readonly about: string;
  /** The answer before this one, which came during a save: what was decided until then leaves only now. */
  readonly before: Answer | undefined;
}

interface Ok {
  last: Ms;
  before: Ms;
  /** The connection over which it came, if it came during a save. */
  held: ConnectionId | undefined;
}

/** What one process was told since its start. */
export interface Record extends Heard {
  readonly startedAt: Ms;
  currentEpoch: Epoch;
  readonly held: Map<string, Held>;
  /** By address, of peers by link: when PING was last answered acceptably, and the time before. */
  readonly okAt: Map<string, Ok>;
  /** By master and peer: the last answer to is-master-down-by-addr. */
  readonly answers: Map<string, Answer>;
  /** By master: since when it is odown, as was told. */
  readonly odowns: Map<string, Ms | undefined>;
  /** By master: the replica that was last chosen. */
  readonly choices: Map<
    string,
    { readonly info: Info | undefined; readonly place: string; readonly odownAt: Ms | undefined }
  >;
  /** By connection: the node that was meant, where nodes are known by their names. */
  readonly meant: Map<number, string>;
  /** The masters whose failover it leads, by its events: the state is ahead of what is done. */
  readonly leads: Set<string>;
  readonly told: Told;
  readonly scripts: ScriptsSeen;
  tilt: boolean;
  second: number;
  connects: number;
  /** The most links it had in this second. */
  links: number;
  tries: number;
}

export interface Watch {
  readonly byName: boolean;
  /** `voter master epoch` → the candidate; told to somebody, or counted by the voter itself. */
  readonly votes: Map<string, string>;
  /** `master epoch` → the sentinels that were elected, or took the lead by order. */
  readonly leaders: Map<string, Set<string>>;
  /** Those `master epoch` in which somebody led by order. */
  readonly ordered: Set<string>;
  /** `master epoch` → the address of that configuration. */
  readonly places: Map<string, string>;
  /** Configurations of failovers that were ordered, and by two at a time: nothing but another order settles them. */
  readonly contested: Set<string>;
  /** `sentinel master address epoch` of each configuration that was ever on a disk. */
  readonly stored: Set<string>;
  failovers: number;
  /** The first thing that did not hold. */
  violation: Violation | undefined;
}

export interface Violation {
  readonly rule: string;
  readonly why: string;
}

/** A connection attempt per 100 ms is allowed, for either kind of connection, and as many again after breaks. */
const CONNECTS_PER_SECOND_MAX = 45;
const DEADLINES_MAX = 3000;
const PENDING_MAX = 110;
const TRIES_PER_SECOND_MAX = 12;

/** `byName`: everybody knows the nodes by their names, whatever IPs they have. */
export function createWatch(byName: boolean): Watch {
  return {
    byName,
    votes: new Map(),
    leaders: new Map(),
    places: new Map(),
    ordered: new Set(),
    contested: new Set(),
    stored: new Set(),
    failovers: 0,
    violation: undefined,
  };
}

/** The host by which a node is known; a name that was never looked up stands for itself. */
const hostOf = ({ byName }: Watch, { host, ip }: Address) => (byName ? host : (ip ?? host));
const placeOf = (watch: Watch, address: Address) => `${hostOf(watch, address)}:${address.port}`;

/** The node at the other end of a connection: by its name the one that the sentinel took it for. */
function placeBehind({ byName }: Watch, { meant }: Record, connection: ConnectionId, { place }: Socket): string {
  return byName ? (meant.get(connection) ?? 'nowhere') : place;
}

/** `rule` names the invariant, `why` what was seen instead. Only the first violation counts. */
function check(watch: Watch, holds: boolean, rule: string, why: () => string): void {
  if (!holds) watch.violation ??= { rule, why: why() };
}

/** A process starts: what it told in former lives binds it. */
export function watchStart(watch: Watch, sentinel: Sentinel, { state, loaded }: Life): Record {
  const record: Record = {
    startedAt: state.lastInputAt,
    currentEpoch: state.currentEpoch,
    held: new Map(),
    okAt: new Map(),
    ...heardNothing(),
    answers: new Map(),
    odowns: new Map(),
    choices: new Map(),
    meant: new Map(),
    leads: new Set(),
    told: toldAtStart(state),
    scripts: noScripts(),
    tilt: false,
    second: 0,
    connects: 0,
    links: 1,
    tries: 0,
  };
  const { saved } = sentinel.disk;
  const same = sameContent(loaded.durable, saved);
  check(watch, same, 'file', () => `${sentinel.name} reads ${contentOf(loaded.durable)}, not ${contentOf(saved)}`);
  watchStored(watch, sentinel);
  for (const key of watch.votes.keys()) {
    const [voter, name = '', epoch = '0'] = key.split(' ');
    const master = state.masters.get(name);
    if (voter === sentinel.name && master !== undefined)
      check(
        watch,
        master.leaderEpoch >= BigInt(epoch),
        'vote-kept',
        () => `${voter} starts with leader epoch ${master.leaderEpoch} and has voted in ${epoch}`,
      );
  }
  return record;
}

/** A file was saved. */
export function watchStored(watch: Watch, { name, disk }: Sentinel): void {
  for (const { name: group, host, port, configEpoch } of disk.saved.masters)
    watch.stored.add(`${name} ${group} ${host}:${port} ${configEpoch}`);
}

/** The file of a sentinel is lost: it votes again under another run id, as a voter that is not the former one. */
export function forgetPast(watch: Watch, name: string): void {
  for (const [key, candidate] of [...watch.votes]) {
    if (!key.startsWith(`${name} `)) continue;
    watch.votes.delete(key);
    watch.votes.set(`former-${key}`, candidate);
  }
  for (const key of [...watch.stored]) if (key.startsWith(`${name} `)) watch.stored.delete(key);
}

/** Two states are one whatever the order in which they list things. */
function sameContent(a: DurableState, b: DurableState): boolean {
  return a === b || contentOf(a) === contentOf(b);
}

function contentOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(contentOf).sort().join()}]`;
  if (value instanceof Map) return contentOf([...value]);
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${entries
    .map(([key, each]) => `${key}:${contentOf(each)}`)
    .sort()
    .join()}}`;
}

/** After every step. */
export function watchState(watch: Watch, sentinel: Sentinel, life: Life, record: Record): void {
  const { state } = life;
  if (state.currentEpoch !== record.currentEpoch) watchEpoch(watch, sentinel, record, state.currentEpoch);
  for (const master of state.masters.values()) watchMaster(watch, sentinel, life, record, master);
  if (state.deadlines.length >= DEADLINES_MAX) tooMany(watch, sentinel, state.deadlines.length, 'deadlines');
}

function watchEpoch(watch: Watch, { name }: Sentinel, record: Record, epoch: Epoch): void {
  const before = record.currentEpoch;
  check(watch, epoch > before, 'epoch', () => `${name} goes back from ${before} to ${epoch}`);
  record.currentEpoch = epoch;
}

function tooMany(watch: Watch, { name }: Sentinel, count: number, what: string): void {
  check(watch, false, 'bounds', () => `${name}: ${count} ${what}`);
}

function watchMaster(watch: Watch, sentinel: Sentinel, life: Life, record: Record, master: Master): void {
  const { state } = life;
  const held = record.held.get(master.name);
  const address = currentAddress(state, master);
  const size = master.peers.size;
  if (held?.master !== master) {
    const { configEpoch, leaderEpoch } = master;
    const unknown = { votedIn: undefined, votedFor: undefined, ledIn: undefined };
    record.held.set(master.name, { master, configEpoch, leaderEpoch, address, peers: size, ...unknown });
    return;
  }
  const { failover } = master;
  if (master.leaderEpoch !== held.leaderEpoch) {
    watchVoteEpoch(watch, sentinel, life, held);
    held.leaderEpoch = master.leaderEpoch;
  }
  const { leader, leaderEpoch } = master;
  if (!master.voteUnsaved && leader !== undefined && (leader !== held.votedFor || leaderEpoch !== held.votedIn)) {
    noteVote(watch, sentinel, master.name, leaderEpoch, leader);
    held.votedFor = leader;
    held.votedIn = leaderEpoch;
  }
  if (failover !== undefined && failover.phase !== 'wait-start' && failover.failoverEpoch !== held.ledIn) {
    watchLeader(watch, sentinel, life, master, failover);
    held.ledIn = failover.failoverEpoch;
  }
  if (master.configEpoch !== held.configEpoch || address !== held.address) {
    watchPlace(watch, sentinel, record, master, held, address);
    held.configEpoch = master.configEpoch;
    held.address = address;
  }
  if (size !== held.peers) {
    watchPeers(watch, sentinel, life, master);
    held.peers = size;
  }
}

function watchVoteEpoch(watch: Watch, { name }: Sentinel, { state }: Life, { master, leaderEpoch }: Held): void {
  const now = master.leaderEpoch;
  check(watch, now > leaderEpoch, 'epoch', () => `${name} votes in ${now} after ${leaderEpoch}`);
  check(watch, now <= state.currentEpoch, 'epoch', () => `${name} voted in ${now}, its epoch is ${state.currentEpoch}`);
}

/** I1: over all time, one candidate per voter, master and epoch. */
function noteVote(watch: Watch, { name }: Sentinel, master: string, epoch: Epoch, candidate: string): void {
  const key = `${name} ${master} ${epoch}`;
  const former = watch.votes.get(key);
  if (former === undefined) watch.votes.set(key, candidate);
  else
    check(watch, former === candidate, 'one-vote', () => `${name} votes for ${candidate} in ${epoch} after ${former}`);
}

/** I4, I5: one leader per master and epoch, by votes of that epoch from a majority and a quorum of those it knows. */
function watchLeader(watch: Watch, sentinel: Sentinel, life: Life, master: Master, failover: Failover): void {
  const { name } = sentinel;
  const { failoverEpoch, forced } = failover;
  const key = `${master.name} ${failoverEpoch}`;
  const leaders = watch.leaders.get(key) ?? new Set();
  if (leaders.has(name)) return;
  watch.leaders.set(key, leaders.add(name));
  if (forced) watch.ordered.add(key);
  if (leaders.size > 1 && watch.ordered.has(key)) watch.contested.add(key);
  else
    check(watch, leaders.size === 1, 'one-leader', () => `${[...leaders].join(' and ')} lead epoch ${failoverEpoch}`);
  watch.failovers += 1;
  if (forced) return;
  const voters = [name, ...peersOf(life.state, master).map((peer) => peer.runId)];
  const needed = Math.max(Math.floor(voters.length / 2) + 1, master.options.quorum);
  const votes = votesFor(watch, sentinel, key);
  check(watch, votes >= needed, 'majority', () => `${name} leads epoch ${failoverEpoch}: ${votes} votes of ${needed}`);
  const saved = sentinel.disk.saved.masters.find((each) => each.name === master.name);
  check(
    watch,
    (saved?.leaderEpoch ?? 0n) >= failoverEpoch || votes > needed,
    'saved-first',
    () => `${name} leads epoch ${failoverEpoch}, its disk knows ${saved?.leaderEpoch}`,
  );
}

/** The votes of one epoch that name this sentinel, over all voters there are. */
function votesFor(watch: Watch, { runId }: Sentinel, key: string): number {
  let votes = 0;
  for (const [vote, candidate] of watch.votes) if (candidate === runId && vote.endsWith(` ${key}`)) votes += 1;
  return votes;
}

/** I3, I6, I7, I8: a new address only with a higher epoch; one address per epoch; first shown by its proven leader. */
function watchPlace(
  watch: Watch,
  sentinel: Sentinel,
  record: Record,
  master: Master,
  held: Held,
  address: Address,
): void {
  const { name } = sentinel;
  const { configEpoch } = master;
  check(watch, configEpoch >= held.configEpoch, 'epoch', () => `${name} config ${held.configEpoch} to ${configEpoch}`);
  const place = placeOf(watch, address);
  const before = placeOf(watch, held.address);
  // A name that is looked up for the first time is no move.
  if (configEpoch === held.configEpoch && (place === before || held.address.ip === undefined)) return;
  check(watch, configEpoch > held.configEpoch, 'config', () => `${name} moves to ${place} in epoch ${configEpoch}`);
  const key = `${master.name} ${configEpoch}`;
  const known = watch.places.get(key);
  if (known !== undefined) {
    if (known !== place && watch.ordered.has(key)) watch.contested.add(key);
    if (!watch.contested.has(key))
      check(watch, known === place, 'one-config', () => `${name} has ${place} in ${configEpoch}, which is ${known}`);
    return;
  }
  watch.places.set(key, place);
  // A slow save may let a whole failover pass in one turn: then only the votes tell who led it.
  const leads = watch.leaders.get(key)?.has(name) === true || votesFor(watch, sentinel, key) > 0;
  check(watch, leads, 'config', () => `${name} shows ${place} first in epoch ${configEpoch}`);
  const role = record.infos.get(place)?.[0]?.role;
  check(watch, role === 'master', 'proven', () => `${name} announces ${place}, which said it is ${role}`);
}

/** I17: no two peers in one place, and never oneself. */
function watchPeers(watch: Watch, sentinel: Sentinel, { state }: Life, master: Master): void {
  const peers = peersOf(state, master);
  const places = new Set(peers.map(({ address }) => `${address.ip}:${address.port}`));
  check(watch, places.size === peers.length, 'peers', () => `${sentinel.name} knows two peers in one place`);
  check(watch, !master.peers.has(sentinel.runId), 'peers', () => `${sentinel.name} is its own peer`);
}

const judged = new Set([
  '+sdown',
  '-sdown',
  '+odown',
  '-odown',
  '+elected-leader',
  '+selected-slave',
  '+promoted-slave',
]);

/** An effect is about to be carried out. */
export function watchEffect(
  watch: Watch,
  sentinel: Sentinel,
  life: Life,
  record: Record,
  now: Ms,
  effect: OuterEffect,
): void {
  if (effect.kind === 'announce') return watchEvent(watch, sentinel, life, record, effect.event);
  if (effect.kind === 'connect') return watchConnect(watch, sentinel, life, record, effect.connection);
  if (effect.kind === 'disconnect') record.meant.delete(effect.connection);
  if (effect.kind === 'run-script') return watchScript(watch, sentinel, life, record, effect);
  if (effect.kind === 'disconnect') record.owed.delete(effect.connection);
  if (effect.kind !== 'send') return;
  const target = life.connections.get(effect.connection)?.other;
  let owed = record.owed.get(effect.connection);
  if (owed === undefined) {
    owed = [];
    record.owed.set(effect.connection, owed);
  }
  owed.push({ args: effect.args, at: now });
  if (owed.length >= PENDING_MAX * Math.max(1, life.state.masters.size))
    tooMany(watch, sentinel, owed.length, 'pending');
  const [command] = effect.args;
  if (command === 'SLAVEOF') watchRoleOrder(watch, sentinel, life, record, target, effect);
  if (command === 'PUBLISH') watchHello(watch, sentinel, life, effect.args[2] ?? '');
  if (command === 'SENTINEL') watchAsk(watch, sentinel, life, record, effect.args);
}

/** Few scripts at a time, in their order; what clients are told of a new address is on disk. */
function watchScript(
  watch: Watch,
  { name, disk }: Sentinel,
  life: Life,
  { scripts }: Record,
  { job, argv }: Extract<OuterEffect, { kind: 'run-script' }>,
): void {
  const wrong = wrongInScript(life, scripts, job);
  check(watch, wrong === undefined, 'scripts', () => `${name}: ${wrong}`);
  const [, group, , start, , , host, port] = argv;
  if (life.state.saveFailure !== undefined) scripts.unsaved.add(job);
  if (start !== 'start' || scripts.unsaved.has(job)) return;
  const told = `${name} ${group} ${host}:${port} `;
  const stored =
    [...watch.stored].some((key) => key.startsWith(told)) ||
    // It was removed since.
    !disk.saved.masters.some((master) => master.name === group) ||
    disk.saved.masters.some((master) => master.name === group && !watch.byName && isName(master.host)) ||
    // Two new addresses in one turn: what is on disk is newer than the first of them.
    disk.saved.masters.some(
      (master) => master.name === group && master.configEpoch === life.state.masters.get(group)?.configEpoch,
    );
  check(watch, stored, 'saved-first', () => `${name} has a script told of ${host}:${port} unsaved`);
}

/** I9, I10, I16: what an event claims must be so. */
function watchEvent(watch: Watch, sentinel: Sentinel, life: Life, record: Record, event: SentinelEvent): void {
  const { name } = event;
  if (name === '+tilt') record.tilt = true;
  if (name === '-tilt') record.tilt = false;
  check(watch, !(record.tilt && judged.has(name)), 'tilt', () => `${sentinel.name} tells ${name} in TILT`);
  noteTold(record.told, event, life.state);
  // Another vote may follow it in the same turn.
  if (name === '+vote-for-leader') noteVote(watch, sentinel, event.about.name, event.epoch, event.runId);
  if (name === '+elected-leader') record.leads.add(event.about.name);
  const isOver = name === '+switch-master' || name.startsWith('-failover-abort');
  const isDropped = name === '-monitor' || name === '+reset-master';
  if ((isOver || isDropped) && 'about' in event) record.leads.delete(event.about.name);
  if (name === '+selected-slave') watchChoice(watch, sentinel, life, record, event.about);
  if (name === '+failover-state-select-slave') watchSelection(watch, sentinel, life, record, event.about.name);
  if (name === '+sdown') watchSdown(watch, sentinel, life, record, event);
  if (name === '+odown') record.odowns.set(event.about.name, life.state.masters.get(event.about.name)?.odownAt);
  if (name === '-odown') record.odowns.delete(event.about.name);
  if (name === '+odown') watchOdown(watch, sentinel, life, record, event.about.name);
  if (name === '+try-failover') {
    beginSecond(record, life.state.lastInputAt);
    record.tries += 1;
    check(
      watch,
      record.tries <= TRIES_PER_SECOND_MAX,
      'bounds',
      () => `${sentinel.name}: ${record.tries} tries a second`,
    );
  }
  if (name === '+slave-reconf-sent') watchReconf(watch, sentinel, life, event.about.master?.name);
}

/** Who is chosen is the best one. */
function watchChoice(watch: Watch, sentinel: Sentinel, life: Life, record: Record, about: InstanceRef): void {
  noteChoice(life, record, about);
  const group = about.master?.name ?? '';
  const master = life.state.masters.get(group);
  if (master === undefined || !isOnTime(watch, sentinel)) return;
  const wrong = wrongChoice(life, record, master, record.odowns.get(group), placesIn(watch, record));
  check(watch, wrong === undefined, 'choice', () => `${sentinel.name} chooses ${about.host}, and ${wrong}`);
}

/** All who could be chosen are asked what they are. */
function watchSelection(watch: Watch, sentinel: Sentinel, life: Life, record: Record, group: string): void {
  const master = life.state.masters.get(group);
  if (master === undefined || !isOnTime(watch, sentinel)) return;
  const wrong = unasked(life, record, master, record.odowns.get(group), placesIn(watch, record));
  check(watch, wrong === undefined, 'choice', () => `${sentinel.name} chooses, and ${wrong}`);
}

/** Names may lead elsewhere, and what reaches one that acts on ticks is heard later. */
const isOnTime = ({ byName }: Watch, { ticks }: Sentinel): boolean => !byName && !ticks;

const placesIn = (watch: Watch, { okAt }: Record) => ({
  okAt: (place: string) => okAt.get(place)?.last,
  placeOf: ({ address }: { readonly address: Address }) => placeOf(watch, address),
});

function noteChoice({ state }: Life, record: Record, { host, port, master }: InstanceRef): void {
  const group = master?.name ?? '';
  // The phase of the failover tells when it was made, unless the turn went on.
  const at = state.masters.get(group)?.failover?.phaseAt ?? state.lastInputAt;
  const place = `${host}:${port}`;
  const odownAt = record.odowns.get(group);
  const known = record.infos.get(place)?.filter((each) => each.at <= at) ?? [];
  // One that came in this very millisecond may have come behind the choice, and the one before it counted.
  const [last, before] = known;
  const isLate = last?.at === at && last.priority === 0 && before !== undefined && before.at >= (odownAt ?? at);
  record.choices.set(group, { place, info: isLate ? before : last, odownAt });
}

function findInstance(
  watch: Watch,
  { state }: Life,
  place: { host: string; port: number },
  master: string | undefined,
): Instance | undefined {
  for (const instance of state.instances.values()) {
    const { address } = instance;
    if (hostOf(watch, address) !== place.host || address.port !== place.port) continue;
    if (masterOf(state, instance).name === master) return instance;
  }
  return undefined;
}

function watchSdown(watch: Watch, { name }: Sentinel, life: Life, record: Record, event: SentinelEvent): void {
  if (!('about' in event)) return;
  const { about } = event;
  const group = about.master?.name ?? about.name;
  const instance = findInstance(watch, life, about, group);
  const master = life.state.masters.get(group);
  const link = instance?.kind === 'peer' ? instance.linkId : undefined;
  const ok = record.okAt.get(okKey(`${about.host}:${about.port}`, link));
  if (instance?.sdownAt === undefined || master === undefined || ok === undefined) return;
  // Two more reasons to be sdown: the node says it is a replica, or it restarted (§2.4).
  if (instance.kind === 'master' && (instance.role === 'slave' || instance.rebootAt !== undefined)) return;
  // In the very same millisecond the answer may have come behind the judgement. What comes during a save over a connection
  // that had been given up by then counts for nothing.
  const isLate = ok.held !== undefined && !life.state.connections.has(ok.held);
  const okAt = ok.last < instance.sdownAt && !isLate ? ok.last : ok.before;
  const silentMs = instance.sdownAt - okAt;
  const downAfterMs = Math.min(master.options.downAfterMs, record.told.downAfterMs.get(group) ?? Infinity);
  check(
    watch,
    silentMs > downAfterMs,
    'sdown',
    () => `${name}: ${about.name} is sdown after ${silentMs} of ${downAfterMs}`,
  );
}

/** Where PINGs of an instance are noted: two ids of a peer may be at one place, and each has a connection of its own. */
const okKey = (place: string, linkId: number | undefined) => (linkId === undefined ? place : `link ${linkId}`);

/** A quorum of distinct sentinels, by answers that are not older than five ask-periods and about this very address. */
function watchOdown(watch: Watch, { name }: Sentinel, { state }: Life, record: Record, group: string): void {
  const master = state.masters.get(group);
  if (master?.odownAt === undefined) return;
  const { odownAt, address } = master;
  const about = placeOf(watch, address);
  let votes = 1;
  for (const runId of new Set([...master.peers.keys(), ...(record.told.peers.get(group) ?? [])])) {
    const answer = record.answers.get(`${group} ${runId}`);
    const says = (given: Answer | undefined) =>
      given?.down === true && given.about === about && given.at >= odownAt - 5 * state.tunables.askPeriodMs;
    if (says(answer) || says(answer?.before)) votes += 1;
  }
  const quorum = Math.min(master.options.quorum, record.told.quorum.get(group) ?? Infinity);
  check(watch, votes >= quorum, 'odown', () => `${name} tells +odown of ${about}, ${votes} of ${quorum} say so`);
}

/** I15. */
function watchReconf(watch: Watch, { name }: Sentinel, { state }: Life, group: string | undefined): void {
  const master = state.masters.get(group ?? '');
  if (master === undefined) return;
  const busy = replicasOf(state, master).filter(
    ({ reconf }) => reconf?.phase === 'sent' || reconf?.phase === 'in-progress',
  );
  const { parallelSyncs } = master.options;
  check(watch, busy.length <= parallelSyncs, 'parallel-syncs', () => `${name} reconfigures ${busy.length} at once`);
}

/** I13, I14: who may be told to be what. */
function watchRoleOrder(
  watch: Watch,
  sentinel: Sentinel,
  life: Life,
  record: Record,
  target: Socket | undefined,
  { args: [, host = '', port = ''], connection }: Extract<OuterEffect, { kind: 'send' }>,
): void {
  const { name } = sentinel;
  if (target === undefined) return;
  const { owner: node, ip } = target;
  check(watch, isNode(node), 'orders', () => `${name} orders ${node.name} to follow ${host}`);
  check(watch, !record.tilt, 'tilt', () => `${name} orders ${node.name} to follow ${host} in TILT`);
  if (!isNode(node)) return;
  const master = life.state.masters.get(node.group);
  if (master === undefined) return;
  const place = placeBehind(watch, record, connection, target);
  if (host === 'NO') return watchPromotion(watch, sentinel, life, record, master, node, place);
  // Who is known by a name may be taken for another one while the DNS is behind; a second failover mends that, unless the
  // only master with its data is demoted.
  const demoted = node.role === 'master' && !record.leads.has(master.name);
  const own = host === (watch.byName ? demoted && node.name : ip) && Number(port) === node.port;
  check(watch, !own, 'orders', () => `${name} orders ${node.name} to follow itself`);
  // What comes later in this turn took the lead from it: an operator's command that came during a save.
  if (record.leads.has(master.name) && master.failover === undefined) return;
  // A hello that came in the same turn, behind the order, may have told of another master.
  if (!record.leads.has(master.name) && record.told.places.get(master.name) === `${host}:${port}`) return;
  const current = currentAddress(life.state, master);
  const right = host === hostOf(watch, current) && Number(port) === current.port;
  check(
    watch,
    right,
    'orders',
    () => `${name} orders ${node.name} to follow ${host}:${port}, not ${placeOf(watch, current)}`,
  );
}

function watchPromotion(
  watch: Watch,
  { name }: Sentinel,
  { state }: Life,
  record: Record,
  master: Master,
  node: DataNode,
  place: string,
): void {
  const choice = record.choices.get(master.name);
  check(watch, choice?.place === place, 'promotion', () => `${name} promotes ${node.name}, which it has not chosen`);
  const info = choice?.info;
  check(
    watch,
    info !== undefined && info.priority !== 0,
    'promotion',
    () => `${name} promotes ${node.name}: priority 0`,
  );
  // Whoever was not heard of since the start is silent since then.
  const okAt = record.okAt.get(place)?.last ?? record.startedAt;
  const silentMs = state.lastInputAt - okAt;
  check(
    watch,
    silentMs <= 5 * state.tunables.pingPeriodMs,
    'promotion',
    () => `${name} promotes ${node.name}: ${silentMs} ms silent`,
  );
  const odownAt = choice?.odownAt;
  const fresh = info !== undefined && (odownAt === undefined || info.at >= odownAt);
  check(watch, fresh, 'promotion', () => `${name} promotes ${node.name} by an INFO from before +odown`);
}

/** A hello that moves clients elsewhere is on disk before it leaves (§14 I7). */
function watchHello(watch: Watch, { name, disk }: Sentinel, { state }: Life, hello: string): void {
  const [, , , epoch = '0', group, host, port, configEpoch = '0'] = hello.split(',');
  if (state.saveFailure !== undefined) return;
  const { saved } = disk;
  // The master was removed and monitored anew in this very turn.
  const present = state.masters.get(group ?? '');
  if (present !== undefined && present.configEpoch < BigInt(configEpoch)) return;
  check(watch, saved.currentEpoch >= BigInt(epoch), 'saved-first', () => `${name} tells of epoch ${epoch} unsaved`);
  const stored =
    watch.stored.has(`${name} ${group} ${host}:${port} ${configEpoch}`) ||
    // A later epoch of the same place moves nobody, and may follow; a name may stand for the place. A configuration that
    // was replaced within the turn is stale already.
    // Nor does it matter what was said of a master that was removed since.
    !saved.masters.some((each) => each.name === group) ||
    saved.masters.some(
      (each) =>
        each.name === group &&
        ((!watch.byName && isName(each.host)) ||
          each.configEpoch > BigInt(configEpoch) ||
          (each.host === host && each.port === Number(port))),
    );
  check(watch, stored, 'saved-first', () => `${name} tells of ${host} in ${configEpoch} unsaved`);
}

/** I16, and an epoch that is told is on disk; votes are asked for by candidates only, in their attempt's own epoch. */
function watchAsk(
  watch: Watch,
  { name, disk, runId }: Sentinel,
  { state }: Life,
  record: Record,
  args: readonly string[],
) {
  const [, question, host, port, epoch = '0', candidate] = args;
  check(watch, question === 'is-master-down-by-addr', 'ask', () => `${name} asks ${question}`);
  check(watch, !record.tilt, 'tilt', () => `${name} asks in TILT`);
  if (state.saveFailure === undefined)
    check(
      watch,
      disk.saved.currentEpoch >= BigInt(epoch),
      'saved-first',
      () => `${name} asks in epoch ${epoch} unsaved`,
    );
  if (candidate === '*') return;
  check(watch, candidate === runId, 'ask', () => `${name} asks for votes for ${candidate}`);
  for (const master of state.masters.values()) {
    if (hostOf(watch, master.address) !== host || master.address.port !== Number(port)) continue;
    const own = watch.votes.get(`${name} ${master.name} ${epoch}`);
    check(watch, own === runId, 'ask', () => `${name} asks for votes in ${epoch} and voted for ${own}`);
  }
}

function beginSecond(record: Record, now: Ms): void {
  const second = Math.floor(now / 1000);
  if (second !== record.second) Object.assign(record, { second, connects: 0, links: 1, tries: 0 });
}

/** I22: nobody is flooded with connections. */
function watchConnect(
  watch: Watch,
  { name }: Sentinel,
  { state }: Life,
  record: Record,
  connection: ConnectionId,
): void {
  const link = state.links.get(state.connections.get(connection) ?? -1);
  if (watch.byName && link !== undefined) record.meant.set(connection, placeOf(watch, link.address));
  beginSecond(record, state.lastInputAt);
  record.connects += 1;
  // Those to whom it was connected in this second may be removed by now.
  record.links = Math.max(record.links, state.links.size);
  const most = CONNECTS_PER_SECOND_MAX * record.links;
  check(watch, record.connects <= most, 'bounds', () => `${name} connects ${record.connects} times a second`);
}

/** Something reached the core over one of its connections. */
export function watchInput(
  watch: Watch,
  life: Life,
  record: Record,
  now: Ms,
  from: Socket | undefined,
  input: Input,
): void {
  if (input.kind === 'closed') {
    record.owed.delete(input.connection);
    record.meant.delete(input.connection);
  }
  // Of a connection that was given up in this very turn nothing counts any more.
  if (input.kind !== 'reply' || from === undefined || !life.state.connections.has(input.connection)) return;
  const { args, at: askedAt = now } = record.owed.get(input.connection)?.shift() ?? {};
  const command = args?.[0];
  const place = placeBehind(watch, record, input.connection, from);
  const { reply } = input;
  if (command === 'PING' && isAcceptable(reply)) {
    const link = isNode(from.owner) ? undefined : life.state.connections.get(input.connection);
    noteOk(record, okKey(place, link), now, life.saving ? input.connection : undefined);
  }
  if (command === 'INFO' && reply.kind === 'error') record.refused.add(place);
  // A master says nothing of its priority. By its name a node answers whoever has its place.
  if (command === 'INFO' && reply.kind === 'text')
    noteInfo(record, place, { at: now, askedAt, text: reply.text }, (last, runId) =>
      watch.byName && last?.runId !== runId ? undefined : last?.priority,
    );
  if (command === 'SENTINEL' && args !== undefined && reply.kind === 'array' && 'runId' in from.owner)
    noteAnswer(watch, life, record, now, from, args, reply);
}

function noteOk({ okAt }: Record, place: string, now: Ms, held: ConnectionId | undefined): void {
  const ok = okAt.get(place);
  if (ok === undefined) okAt.set(place, { last: now, before: Number.NEGATIVE_INFINITY, held });
  else {
    ok.before = ok.last;
    ok.last = now;
    ok.held = held;
  }
}

function noteAnswer(
  watch: Watch,
  life: Life,
  record: Record,
  at: Ms,
  from: Socket,
  [, , host, port]: readonly string[],
  { items: [down, leader, epoch] }: Extract<NodeReply, { kind: 'array' }>,
): void {
  // Anything else is no answer, and the one before it stands.
  if (down?.kind !== 'integer' || leader?.kind !== 'text' || epoch?.kind !== 'integer') return;
  const about = `${host}:${port}`;
  const { state } = life;
  for (const master of state.masters.values())
    for (const peer of peersOf(state, master)) {
      if (peer.address.ip !== from.ip || placeOf(watch, master.address) !== about) continue;
      const key = `${master.name} ${peer.runId}`;
      const last = record.answers.get(key);
      const before = life.saving ? (last?.before ?? last) : undefined;
      record.answers.set(key, { at, down: down.value === 1n, about, before });
    }
}

const isAcceptable = (reply: NodeReply) =>
  reply.kind === 'text' ? reply.text === 'PONG' : reply.kind === 'error' && /^(LOADING|MASTERDOWN)/.test(reply.text);

/** I1, I2: a vote that is told is the only one, and on disk. */
export function watchAnswer(
  watch: Watch,
  sentinel: Sentinel,
  { state }: Life,
  args: readonly string[],
  replies: readonly Reply[],
): void {
  const [, question, host, port, , candidate] = args;
  const [reply] = replies;
  if (question !== 'is-master-down-by-addr' || candidate === '*' || reply?.kind !== 'array') return;
  const [, leader, epochReply] = reply.items;
  if (leader?.kind !== 'bulk' || leader.text === '*' || epochReply?.kind !== 'integer') return;
  const epoch = BigInt(epochReply.value);
  for (const master of state.masters.values()) {
    if (hostOf(watch, master.address) !== host || master.address.port !== Number(port)) continue;
    noteVote(watch, sentinel, master.name, epoch, leader.text);
    const saved = sentinel.disk.saved.masters.find(({ name }) => name === master.name);
    const onDisk = (saved?.leaderEpoch ?? 0n) >= epoch && sentinel.disk.saved.currentEpoch >= epoch;
    check(
      watch,
      onDisk,
      'saved-first',
      () => `${sentinel.name} tells a vote of ${epoch}, its disk knows ${saved?.leaderEpoch}`,
    );
  }
}

/** One line of the transcript. */
export function describeEffect(effect: OuterEffect): string | undefined {
  if (effect.kind === 'announce')
    return effect.event.name.endsWith('reconnection') ? undefined : `${effect.event.name} ${payload(effect.event)}`;
  if (effect.kind === 'log') return effect.level === 'warning' ? effect.text : undefined;
  if (effect.kind !== 'send') return undefined;
  const [command, , , , , candidate] = effect.args;
  if (command === 'SLAVEOF') return `sends ${effect.args.join(' ')}`;
  return command === 'SENTINEL' && candidate !== '*' ? `asks ${effect.args.slice(2).join(' ')}` : undefined;
}
