// What operators and clients may change: the core's side of SENTINEL MONITOR, REMOVE, RESET, SET, CONFIG SET, FAILOVER.
// Arguments are checked by the commands; a call here cannot fail but for the reasons its result names.
import type { Effect } from './effects.ts';
import { beginAttempt } from './election.ts';
import { addMaster, dropDependents, dropMaster } from './instances.ts';
import { settle } from './judge.ts';
import { dropConnections } from './links.ts';
import { judgeHost, locate } from './names.ts';
import { currentAddress, linkOf, peersOf, refTo, replicasOf } from './query.ts';
import { eligibleReplicas } from './selection.ts';
import type { CrashPoint, Master, MasterOptions, Ms, Rand, SentinelState, Settings, Tunables } from './state.ts';
import { switchMaster } from './switch.ts';
import { announce, beginTurn, log, persist, type Turn, touch, touchGroup } from './turn.ts';

/** No chance is needed where an operator starts things one by one. */
const noDraw: Rand = () => 0;

function turnAt(state: SentinelState, now: Ms, rand: Rand = noDraw): Turn {
  return beginTurn(state, now, state.lastWallMs + (now - state.lastInputAt), rand);
}

/** May a client name this host? `later`: ask again when `isSettled` of names.ts says so. */
export function checkHost(
  state: SentinelState,
  host: string,
  now: Ms,
): { readonly allowed: 'yes' | 'no' | 'later'; readonly effects: Effect[] } {
  const turn = turnAt(state, now);
  const allowed = judgeHost(turn, host);
  return { allowed, effects: settle(turn) };
}

/** Start monitoring a master whose name is unused and whose address is valid. */
export function monitorMaster(
  state: SentinelState,
  { name, host, port, quorum }: { name: string; host: string; port: number; quorum: number },
  now: Ms,
): Effect[] {
  const turn = turnAt(state, now);
  const options: MasterOptions = {
    quorum,
    downAfterMs: state.tunables.defaultDownAfterMs,
    failoverTimeoutMs: state.tunables.defaultFailoverTimeoutMs,
    parallelSyncs: 1,
    rebootDownAfterMs: 0,
    notificationScript: undefined,
    clientReconfigScript: undefined,
    authPass: undefined,
    authUser: undefined,
    renamedCommands: new Map(),
  };
  // Differs: the genuine server forgets its votes with a master that is removed, and monitored again votes twice in one
  // epoch; here whatever was voted before, under this name, counts as given.
  const epochs = { configEpoch: 0n, leaderEpoch: state.currentEpoch };
  const master = addMaster(turn, name, locate(turn, host, port), options, epochs);
  persist(turn);
  announce(turn, { name: '+monitor', about: refTo(state, master), quorum });
  return settle(turn);
}

/** Stop monitoring; all timers and links of the master, its replicas and peers end here. */
export function removeMaster(state: SentinelState, master: Master, now: Ms): Effect[] {
  const turn = turnAt(state, now);
  announce(turn, { name: '-monitor', about: refTo(state, master) });
  dropMaster(turn, master);
  persist(turn);
  return settle(turn);
}

/** Forget replicas, peers and everything observed; keep epochs, address and options. The file is not rewritten. */
export function resetMaster(state: SentinelState, master: Master, now: Ms): Effect[] {
  const turn = turnAt(state, now);
  const { tunables } = state;
  // Differs: the genuine server goes back to the old address here, and one config epoch then names two masters, which
  // no hello ever settles. What was announced stays.
  if (master.failover?.phase === 'reconf-replicas') switchMaster(turn, master, currentAddress(state, master));
  dropDependents(turn, master);
  const link = linkOf(state, master);
  dropConnections(turn, link);
  Object.assign(link, {
    silentSince: now,
    lastReplyAt: now,
    lastOkAt: now,
    lastPingAt: undefined,
    busySince: undefined,
  });
  Object.assign(master, {
    runId: '',
    sdownAt: undefined,
    upSince: undefined,
    scriptKillSent: false,
    odownAt: undefined,
    rebootAt: undefined,
    infoAt: undefined,
    infoAskedAt: undefined,
    infoText: undefined,
    role: 'master',
    roleSince: now,
    infoWantedAt: undefined,
    leader: undefined,
    failover: undefined,
    holdOff: undefined,
    candidateAt: undefined,
    helloAt: now - tunables.publishPeriodMs,
  } satisfies Partial<Master>);
  announce(turn, { name: '+reset-master', about: refTo(state, master) });
  touch(turn, master);
  return settle(turn);
}

/** One option of SENTINEL SET as it is applied: `patch` holds the checked values, `values` the texts for the event. */
export interface OptionChange {
  readonly option: string;
  readonly values: readonly string[];
  readonly patch: Partial<MasterOptions>;
  /** New credentials: the links to the master and its replicas must log in again. */
  readonly dropLinks: boolean;
}

/** Apply one option, tell `+set`, save. */
export function setOption(state: SentinelState, master: Master, change: OptionChange, now: Ms): Effect[] {
  const turn = turnAt(state, now);
  Object.assign(master.options, change.patch);
  const { option, values } = change;
  announce(turn, { name: '+set', about: refTo(state, master), option, values });
  if (change.dropLinks)
    for (const node of [master, ...replicasOf(state, master)]) dropConnections(turn, linkOf(state, node));
  for (const instance of [master, ...replicasOf(state, master), ...peersOf(state, master)])
    linkOf(state, instance).downAfterMs = undefined;
  persist(turn);
  touchGroup(turn, master);
  return settle(turn);
}

/** Change process-wide settings (SENTINEL CONFIG SET) and save. */
export function setGlobal(
  state: SentinelState,
  patch: Partial<Settings>,
  { dropPeerLinks }: { dropPeerLinks: boolean },
  now: Ms,
): Effect[] {
  const turn = turnAt(state, now);
  Object.assign(state.settings, patch);
  // Names that nobody could look up until now are to be looked up.
  if (patch.resolveHostnames) for (const instance of state.instances.values()) touch(turn, instance);
  for (const link of state.links.values()) {
    if (!dropPeerLinks || link.kind !== 'peer') continue;
    dropConnections(turn, link);
    for (const id of link.users) touch(turn, { id });
  }
  persist(turn);
  return settle(turn);
}

/** Change periods and limits (SENTINEL DEBUG); they are not saved, and they count from now on. */
export function setTunable(state: SentinelState, patch: Partial<Tunables>, now: Ms): Effect[] {
  const turn = turnAt(state, now);
  Object.assign(state.tunables, patch);
  for (const instance of state.instances.values()) touch(turn, instance);
  return settle(turn);
}

/** What the log says of each point at which the process is to end. */
const CRASH_NOTES: Readonly<Record<CrashPoint, string>> = {
  'crash-after-election':
    'Failure simulation: this Sentinel will crash after being successfully elected as failover leader',
  'crash-after-promotion':
    'Failure simulation: this Sentinel will crash after promoting the selected replica to master',
};

/** End the process at these points, and at no other, when it next gets there (SENTINEL SIMULATE-FAILURE). */
export function simulateCrashes(state: SentinelState, points: ReadonlySet<CrashPoint>): Effect[] {
  state.simulatedCrashes = points;
  return [...points].map((point) => ({ kind: 'log', level: 'warning', text: CRASH_NOTES[point] }));
}

/** Save now (SENTINEL FLUSHCONFIG). */
export function flushConfig(state: SentinelState, now: Ms): Effect[] {
  const turn = turnAt(state, now);
  persist(turn);
  return turn.effects;
}

/** Fail over although nobody thinks the master is down (SENTINEL FAILOVER): no agreement of the peers is needed. */
export function forceFailover(
  state: SentinelState,
  master: Master,
  now: Ms,
  rand: Rand,
): Effect[] | 'in-progress' | 'no-good-replica' {
  if (master.failover !== undefined) return 'in-progress';
  if (eligibleReplicas(state, master, now).length === 0) return 'no-good-replica';
  const turn = turnAt(state, now, rand);
  log(turn, 'warning', `Executing user requested FAILOVER of '${master.name}'`);
  beginAttempt(turn, master, true);
  return settle(turn);
}
