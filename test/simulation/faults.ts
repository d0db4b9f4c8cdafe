// The faults of a trial, carried out: what each kind does, and how it is undone.

import type { SentinelEvent } from '../../src/core/events.ts';
import { currentAddress, peersOf, sameAddress } from '../../src/core/query.ts';
import type { Ms } from '../../src/core/state.ts';
import { plan } from '../core/fake-time.ts';
import { confFile } from './conf-file.ts';
import { type DataNode, follow, hostOf, killNode, startNode } from './data-node.ts';
import { breakConnection, cut, heal, ipOf, moveParty, type Party, partyAt, pause, release, resume } from './network.ts';
import { echoHellos, runIdOf, tellHello } from './odd-peers.ts';
import { isKnown } from './order.ts';
import { note, type Run } from './run.ts';
import { boot, killSentinel, order, type Sentinel, writeFile } from './sentinel.ts';
import type { Fault } from './trial.ts';
import { forgetPast } from './watch.ts';

type Undo = () => void;
const nothing: Undo = () => undefined;

/** Loading a data set takes a node up to so long. */
const LOADING_MAX_MS: Ms = 1500;
const LOOK_AGAIN_MS: Ms = 1500;
/** Sentinels have so many looks of time to find each other by themselves. */
const PATIENT_LOOKS = 6;
/** A connection over which nothing comes is given up after 15 s (spec/behavior.md §1.5), and a new one takes its time. */
const RECONNECT_MAX_MS: Ms = 17_000;
/** Run ids of sentinels that lost theirs. */
const LOST_RUN_IDS_FROM = 10;

/** Plan all faults of the trial. What is still in force in the end, `undoAll` takes back. */
export function planFaults(run: Run): void {
  const { time } = run.net;
  for (const fault of run.trial.faults)
    plan(time, fault.at, () => {
      if (!run.calm) lasting(run, fault.for, apply(run, fault));
    });
}

/** Undo something after `forMs`, or at the end if that is earlier. */
function lasting(run: Run, forMs: Ms, undo: Undo): void {
  if (undo === nothing) return;
  const { time } = run.net;
  run.undos.add(undo);
  plan(time, time.now + forMs, () => {
    if (run.undos.delete(undo)) undo();
  });
}

/** The faults end: everything runs, and everybody can reach everybody. */
export function undoAll(run: Run): void {
  run.calm = true;
  run.armed.length = 0;
  run.fate = undefined;
  for (const undo of [...run.undos]) undo();
  run.undos.clear();
  for (const party of [...run.sentinels, ...run.nodes]) start(run, party, false);
  lookAgain(run);
}

/**
 * A crash may have swallowed an operator's order, a name could not be resolved, or a process died of an order that waited
 * for its save: the operator looks again.
 */
function lookAgain(run: Run, looks = 1): void {
  const { time } = run.net;
  plan(time, time.now + LOOK_AGAIN_MS, () => {
    for (const sentinel of run.sentinels) start(run, sentinel, false);
    for (const sentinel of run.sentinels)
      for (const { group } of run.clients)
        if (sentinel.life?.state.masters.has(group) === false) monitor(run, sentinel, group);
        else if (looks > PATIENT_LOOKS && isStranded(run, sentinel, group)) rescue(run, sentinel, group);
        else if (knowsPhantom(run, sentinel, group)) give(run, sentinel, ['SENTINEL', 'RESET', group]);
    for (const { group } of run.clients) {
      const rival = run.sentinels.find((sentinel) => hasRival(run, sentinel, group));
      if (rival !== undefined) give(run, rival, ['SENTINEL', 'FAILOVER', group]);
    }
    lookAgain(run, looks + 1);
  });
}

/** It is told to monitor the node that really is the master, or the one that the others know. */
function rescue(run: Run, sentinel: Sentinel, group: string): void {
  const real = run.nodes.filter((node) => node.group === group && node.condition === 'up' && node.role === 'master');
  give(run, sentinel, ['SENTINEL', 'REMOVE', group]);
  monitor(run, sentinel, group, real.length === 1 ? real[0] : undefined);
}

/**
 * Told to monitor a node that everybody else was made to forget since, or that is gone, it can meet nobody. Peers whose
 * machines lost their power may be met again as late as a connection that says nothing is given up.
 */
function isStranded(run: Run, { life }: Sentinel, group: string): boolean {
  const master = life?.state.masters.get(group);
  if (life === undefined || master === undefined || master.failover !== undefined) return false;
  const goneBefore = life.state.lastInputAt - RECONNECT_MAX_MS;
  if (peersOf(life.state, master).some(({ sdownAt = goneBefore }) => sdownAt >= goneBefore)) return false;
  if (run.sentinels.length > 1 && master.sdownAt !== undefined) return true;
  const newest = newestConfiguration(run.sentinels, group);
  return newest !== undefined && newest.epoch > master.configEpoch;
}

/**
 * Two failovers that were ordered on both sides of a cut may have shared an epoch, and whoever is told to monitor a master
 * knows of no epoch: nothing but another order settles that. It is given where the master is one.
 */
function hasRival(run: Run, { life }: Sentinel, group: string): boolean {
  const own = life?.state.masters.get(group);
  if (own === undefined || own.role !== 'master' || own.failover !== undefined) return false;
  return run.sentinels.some((sentinel) => {
    const other = sentinel.life?.state.masters.get(group);
    if (other === undefined || other.configEpoch !== own.configEpoch || other.failover !== undefined) return false;
    return !sameAddress(other.address, own.address);
  });
}

/**
 * While all agree on the master, it is one, and well, and the only one: who is reset without one cannot find its replicas
 * again, and nobody a former master that comes back.
 */
function knowsPhantom(run: Run, { life }: Sentinel, group: string): boolean {
  const master = life?.state.masters.get(group);
  if (master === undefined || master.sdownAt !== undefined || master.failover !== undefined) return false;
  const isNowhere = (runId: string) => !run.sentinels.some((sentinel) => sentinel.runId === runId);
  const node = run.nodes.find(({ ip }) => ip === master.address.ip);
  const known = run.nodes.filter((other) => other.group === group && isKnown(run.sentinels, other));
  const isOnlyOne = known.every((other) => (other.role === 'master') === (other === node));
  const knowsIt = (sentinel: Sentinel) => sentinel.life?.state.masters.get(group)?.address.ip === node?.ip;
  return isOnlyOne && run.sentinels.every(knowsIt) && [...master.peers.keys()].some(isNowhere);
}

function apply(run: Run, fault: Fault): Undo {
  note(run, `fault ${JSON.stringify(fault)}`);
  switch (fault.kind) {
    case 'crash':
      return crash(run, named(run, fault.who), 'down');
    case 'power':
      return crash(run, named(run, fault.who), 'off');
    case 'wipe':
      return crash(run, named(run, fault.who), 'down', true);
    case 'pause':
      return stop(run, named(run, fault.who));
    case 'isolate':
      return isolate(run, named(run, fault.who));
    case 'cut':
      return cutPath(run, named(run, fault.who), named(run, fault.to));
    case 'break':
      return breakOne(run, named(run, fault.who));
    case 'clock':
      sentinelNamed(run, fault.who).wallOffsetMs += fault.by;
      return nothing;
    case 'dns':
      return spoil(run, sentinelNamed(run, fault.who), 'nameless', true);
    case 'disk':
      return spoil(run, sentinelNamed(run, fault.who).disk, 'mode', fault.mode);
    case 'busy':
    case 'locked':
    case 'stubborn':
      return spoil(run, nodeNamed(run, fault.who), fault.kind, true);
    case 'cannot-save':
      return spoil(run, nodeNamed(run, fault.who), 'cannotSave', true);
    case 'priority':
      return spoil(run, nodeNamed(run, fault.who), 'priority', fault.priority);
    case 'repoint':
      return repoint(run, nodeNamed(run, fault.who), fault.to);
    case 'order':
      return give(run, sentinelNamed(run, fault.who), ['SENTINEL', ...fault.args]);
    case 'remove':
      return remove(run, sentinelNamed(run, fault.who), fault.master);
    case 'simulate':
      return simulate(run, sentinelNamed(run, fault.who), fault.points);
    case 'hello':
    case 'phantom':
      tellHello(run, fault.who, fault.text);
      return nothing;
    case 'echo':
      echoHellos(run, fault.who);
      return nothing;
    case 'mute':
      return spoil(run, nodeNamed(run, fault.who), 'mute', true);
    case 'move':
      return move(run, named(run, fault.who), fault.lagMs);
    case 'swap':
      return swap(run, nodeNamed(run, fault.who), nodeNamed(run, fault.to), fault.lagsMs);
    case 'lost':
      return lose(run, sentinelNamed(run, fault.who));
    case 'mumble':
      return spoil(run, sentinelNamed(run, fault.who), 'mumbles', fault.how);
    case 'save':
      run.fate = { fate: fault.fate, for: fault.for };
      return nothing;
    case 'when':
      run.armed.push(fault);
      return nothing;
  }
}

function named(run: Run, name: string): Party {
  return run.sentinels.find((sentinel) => sentinel.name === name) ?? nodeNamed(run, name);
}

function sentinelNamed(run: Run, name: string): Sentinel {
  const found = run.sentinels.find((sentinel) => sentinel.name === name);
  if (found === undefined) throw new Error(`no sentinel ${name}`);
  return found;
}

function nodeNamed(run: Run, name: string): DataNode {
  const found = run.nodes.find((node) => node.name === name);
  if (found === undefined) throw new Error(`no node ${name}`);
  return found;
}

/**
 * A process comes back on another address. A node that is not known by its name does so only as a replica, and its
 * operator tells it whom to follow: by its address nobody could find a master again.
 */
function move(run: Run, party: Party, lagMs: Ms): Undo {
  const node = isSentinel(party) ? undefined : (party as DataNode);
  if (party.condition !== 'up') return nothing;
  if (node?.announcedAs !== undefined) return moveNamed(run, node, lagMs);
  if (node !== undefined && (node.role === 'master' || node.saved.role === 'master' || isMasterOf(run, node)))
    return nothing;
  crash(run, party, 'off');
  moveParty(run.net, party, newIp(run, party));
  if (node !== undefined) run.net.dns.set(node.name, node.ip);
  return () => {
    const place = node === undefined ? undefined : newestConfiguration(run.sentinels, node.group);
    if (node !== undefined && place !== undefined)
      node.saved = { role: 'slave', follows: { host: ipOf(run.net, place.host), port: place.port } };
    start(run, party, false);
  };
}

function newIp(run: Run, { ip }: Party): string {
  run.moves += 1;
  return ip.replace(/\d+$/, String(100 + (run.moves % 100)));
}

function moveNamed(run: Run, node: DataNode, lagMs: Ms): Undo {
  crash(run, node, 'off');
  moveParty(run.net, node, newIp(run, node));
  knowIpAfter(run, node, lagMs);
  return () => start(run, node, false);
}

/** The DNS tells where a node is now after a while, or at the end. */
function knowIpAfter(run: Run, node: DataNode, lagMs: Ms): void {
  lasting(run, lagMs, () => {
    note(run, `the DNS knows that ${node.name} is at ${node.ip}`);
    run.net.dns.set(node.name, node.ip);
  });
}

/** Two nodes start anew, and each gets the other's IP. They find each other by their names only. */
function swap(run: Run, one: DataNode, other: DataNode, [lagMs, otherLagMs]: readonly [Ms, Ms]): Undo {
  if (one === other || one.announcedAs === undefined) return nothing;
  crash(run, one, 'off');
  crash(run, other, 'off');
  const { ip } = one;
  const { ip: otherIp } = other;
  moveParty(run.net, one, newIp(run, one));
  moveParty(run.net, other, ip);
  moveParty(run.net, one, otherIp);
  knowIpAfter(run, one, lagMs);
  knowIpAfter(run, other, otherLagMs);
  return () => {
    start(run, one, false);
    start(run, other, false);
  };
}

function isMasterOf(run: Run, node: DataNode): boolean {
  const places = run.sentinels.map((sentinel) => newestConfiguration([sentinel], node.group)?.host);
  return places.some((host) => host === node.ip || host === node.name);
}

/** A sentinel's file is lost, and its operator writes another one, by what the others know. At most once in a trial. */
function lose(run: Run, sentinel: Sentinel): Undo {
  const index = run.sentinels.indexOf(sentinel);
  const others = run.sentinels.filter((other) => other !== sentinel);
  const isLost = run.sentinels.some(({ runId }, at) => runId !== runIdOf(at));
  const isKnown = run.clients.every(({ group }) => isNewestKnown(run, others, group));
  if (sentinel.condition !== 'up' || isLost || !isKnown) return nothing;
  killSentinel(run, sentinel, 'down');
  sentinel.runId = runIdOf(index + LOST_RUN_IDS_FROM);
  forgetPast(run.watch, sentinel.name);
  writeFile(
    sentinel,
    confFile(
      run.trial,
      index,
      sentinel.runId,
      (group) => newestConfiguration(others, group) as { host: string; port: number },
    ),
  );
  return () => start(run, sentinel, false);
}

/** Set something to a wrong value for a while. */
function spoil<T, K extends keyof T>(run: Run, what: T, key: K, value: T[K]): Undo {
  const right = run.originals.get(what as object) ?? {};
  run.originals.set(what as object, right);
  if (!Object.hasOwn(right, key)) right[key as string] = what[key];
  what[key] = value;
  return () => {
    what[key] = right[key as string] as T[K];
  };
}

export function crash(run: Run, party: Party, condition: 'down' | 'off', empty = false): Undo {
  if (party.condition !== 'up') return nothing;
  if (isSentinel(party)) killSentinel(run, party, condition);
  else killNode(run, party as DataNode, condition);
  return () => start(run, party, empty);
}

function start(run: Run, party: Party, empty: boolean): void {
  if (party.condition === 'up') return;
  note(run, `${party.name} starts`);
  if (isSentinel(party)) boot(run, party);
  else startNode(run, party as DataNode, { empty, loadingMs: run.rand(LOADING_MAX_MS) });
  release(run.net, party);
}

function isSentinel(party: Party): party is Sentinel {
  return 'kind' in party && party.kind === 'sentinel';
}

function stop(run: Run, party: Party): Undo {
  if (party.condition !== 'up' || party.paused) return nothing;
  pause(party);
  return () => {
    note(run, `${party.name} goes on`);
    resume(party);
  };
}

function isolate(run: Run, party: Party): Undo {
  const others = [...run.sentinels, ...run.nodes].filter((other) => other !== party);
  const undos = others.flatMap((other) => [cutPath(run, party, other), cutPath(run, other, party)]);
  return () => {
    for (const undo of undos) undo();
  };
}

function cutPath(run: Run, from: Party, to: Party): Undo {
  if (from === to || from.cutTo.has(to)) return nothing;
  cut(from, to);
  return () => {
    note(run, `${from.name} reaches ${to.name} again`);
    heal(run.net, from, to);
  };
}

function breakOne(run: Run, party: Party): Undo {
  const sockets = [...party.sockets];
  const socket = sockets[run.rand(Math.max(1, sockets.length))];
  if (socket !== undefined) breakConnection(run.net, socket);
  return nothing;
}

/** An operator or a script changes a node's role by hand, and sees to it later that the group has a master at all. */
function repoint(run: Run, node: DataNode, to: string): Undo {
  const target = to === 'nobody' ? undefined : nodeNamed(run, to);
  if (node.condition !== 'up' || target === node || (target !== undefined && target.group !== node.group))
    return nothing;
  if (target === undefined) follow(run, node, 'NO', 'ONE', undefined);
  else follow(run, node, hostOf(target), String(target.port), undefined);
  return () => {
    const isMaster = (each: DataNode) =>
      each.group === node.group && (each.condition === 'up' ? each : each.saved).role === 'master';
    if (!run.nodes.some(isMaster)) follow(run, node, 'NO', 'ONE', undefined);
  };
}

function give(run: Run, sentinel: Sentinel, args: readonly string[]): Undo {
  order(run, sentinel, args, ([reply]) => {
    const text = reply !== undefined && 'text' in reply ? reply.text : reply?.kind;
    note(run, `${sentinel.name} answers ${args.join(' ')}: ${text}`);
  });
  return nothing;
}

/**
 * An operator removes a master and monitors it again later. Where nobody else holds the newest configuration it would be
 * lost for good, and no sentinel could know better: operators are told not to do that.
 */
function remove(run: Run, sentinel: Sentinel, master: string): Undo {
  const others = run.sentinels.filter((other) => other !== sentinel);
  if (!isNewestKnown(run, others, master)) return nothing;
  give(run, sentinel, ['SENTINEL', 'REMOVE', master]);
  return () => monitor(run, sentinel, master);
}

/** An operator asks for a crash at a point of a failover, and some time later no more. */
function simulate(run: Run, sentinel: Sentinel, points: readonly string[]): Undo {
  give(run, sentinel, ['SENTINEL', 'SIMULATE-FAILURE', ...points]);
  return () => {
    // Without a point it is an error; with `help` no point is left.
    if (sentinel.condition === 'up') give(run, sentinel, ['SENTINEL', 'SIMULATE-FAILURE', 'help']);
    else start(run, sentinel, false);
  };
}

/** Would nothing be lost if only these remembered it? */
function isNewestKnown(run: Run, sentinels: readonly Sentinel[], master: string): boolean {
  const known = newestConfiguration(sentinels, master);
  const newest = newestConfiguration(run.sentinels, master);
  return known !== undefined && newest !== undefined && known.epoch >= newest.epoch;
}

/** Monitor a master where it is `known` to be, or another sentinel says; where it was at the beginning if none can be asked. */
export function monitor(run: Run, sentinel: Sentinel, master: string, known?: DataNode): void {
  const facts = run.trial.sentinels[run.sentinels.indexOf(sentinel)];
  const first = { host: hostOf(nodeNamed(run, `${master}n0`)), port: 6379 };
  const told = known === undefined ? undefined : { host: hostOf(known), port: known.port };
  const { host, port } = told ?? newestConfiguration(run.sentinels, master) ?? first;
  give(run, sentinel, ['SENTINEL', 'MONITOR', master, host, String(port), String(run.trial.quorum)]);
  const set = ['down-after-milliseconds', facts?.downAfterMs, 'failover-timeout', facts?.failoverTimeoutMs].map(String);
  give(run, sentinel, ['SENTINEL', 'SET', master, ...set]);
}

export function newestConfiguration(sentinels: readonly Sentinel[], master: string) {
  let newest: { host: string; port: number; epoch: bigint } | undefined;
  for (const { life, disk } of sentinels) {
    // Who is not running will come back with what its file says, and who saves tells of nothing else yet.
    const found = life?.saving === true ? undefined : life?.state.masters.get(master);
    const saved = disk.saved.masters.find(({ name }) => name === master);
    const epoch = found?.configEpoch ?? (life === undefined || life.saving ? saved?.configEpoch : undefined);
    if (epoch === undefined || (newest !== undefined && newest.epoch >= epoch)) continue;
    const place = found !== undefined && life !== undefined ? currentAddress(life.state, found) : saved;
    if (place !== undefined) newest = { host: place.host, port: place.port, epoch };
  }
  return newest;
}

/** A sentinel tells an event: is this the moment that a fault has been waiting for? False: the sentinel died of it. */
export function onMoment(run: Run, sentinel: Sentinel, event: SentinelEvent): boolean {
  const index = run.armed.findIndex((fault) => fault.event === event.name);
  const fault = run.armed[index];
  if (fault === undefined) return true;
  run.armed.splice(index, 1);
  note(run, `at ${event.name} of ${sentinel.name}: ${fault.what}`);
  const about = 'about' in event ? partyAt(run.net, event.about.host, event.about.port) : undefined;
  const node = run.nodes.find((each) => each === about);
  if (fault.what === 'crash-node') lasting(run, fault.for, node === undefined ? nothing : crash(run, node, 'down'));
  else if (fault.what === 'isolate') lasting(run, fault.for, isolate(run, sentinel));
  else if (fault.what === 'pause') lasting(run, fault.for, stop(run, sentinel));
  else lasting(run, fault.for, crash(run, sentinel, 'down'));
  return sentinel.condition === 'up';
}

/** A save is about to be done: does its process outlive it? */
export function onSave(run: Run, sentinel: Sentinel): 'goes-on' | 'dies-before' | 'dies-torn' | 'dies-after' {
  const { fate } = run;
  if (fate === undefined) return 'goes-on';
  run.fate = undefined;
  note(run, `${sentinel.name} saves and ${fate.fate}`);
  lasting(run, fate.for, () => start(run, sentinel, false));
  return fate.fate;
}
