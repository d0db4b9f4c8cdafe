// A sentinel at its start: the state made from what the file holds. Nothing of a former failover is resumed.
import { pushDeadline } from './deadlines.ts';
import type { DurableMaster, DurableState } from './durable.ts';
import type { Clock, Effect } from './effects.ts';
import { meetReplica } from './follow.ts';
import { addMaster, addPeer } from './instances.ts';
import { settle } from './judge.ts';
import { locate, rememberName } from './names.ts';
import { refTo, sameAddress } from './query.ts';
import { createScriptQueue } from './script-queue.ts';
import type { Master, MasterOptions, Rand, RunId, SentinelState, Settings } from './state.ts';
import { defaultTunables } from './state.ts';
import { HEARTBEAT_MS } from './step.ts';
import { announce, beginTurn, persist, type Turn } from './turn.ts';

/** What a start needs beside the file: its own id (drawn and to be saved when the file has none) and where it listens. */
export interface StartFacts {
  readonly myId: RunId;
  readonly requirePass: string | undefined;
  readonly port: number;
  /** What the names of the file stand for, as far as that is known already. */
  readonly names?: ReadonlyMap<string, readonly string[]>;
}

/**
 * Build the state and the first effects: a save if there was no id yet, `+monitor` for each master, the connections.
 * The current epoch is the largest of all epochs in the file (spec/behavior.md §10.4).
 */
export function createState(
  durable: DurableState,
  facts: StartFacts,
  clock: Clock,
  rand: Rand,
): { state: SentinelState; effects: Effect[] } {
  const state = emptyState(durable, facts, clock);
  const turn = beginTurn(state, clock.now, clock.wallMs, rand);
  pushDeadline(state.deadlines, { at: state.heartbeatAt, target: 0 });
  if (durable.myId === undefined) persist(turn);
  for (const [name, ips] of facts.names ?? []) rememberName(turn, name, ips);
  for (const entry of durable.masters) {
    const master = restoreMaster(turn, entry);
    announce(turn, { name: '+monitor', about: refTo(state, master), quorum: entry.quorum });
  }
  return { state, effects: settle(turn) };
}

function emptyState(durable: DurableState, facts: StartFacts, clock: Clock): SentinelState {
  const { denyScriptsReconfig, resolveHostnames, announceHostnames } = durable;
  const { announceIp, announcePort, sentinelUser, sentinelPass } = durable;
  const { requirePass, port } = facts;
  const names = { denyScriptsReconfig, resolveHostnames, announceHostnames };
  const settings: Settings = { ...names, announceIp, announcePort, sentinelUser, sentinelPass, requirePass, port };
  return {
    myId: facts.myId,
    currentEpoch: durable.currentEpoch,
    tunables: { ...defaultTunables },
    settings,
    masters: new Map(),
    instances: new Map(),
    links: new Map(),
    connections: new Map(),
    mastersByAddress: new Map(),
    peerLinks: new Map(),
    names: new Map(),
    deadlines: [],
    scripts: createScriptQueue(),
    simulatedCrashes: new Set(),
    heartbeatAt: clock.now + HEARTBEAT_MS,
    nextId: 1,
    tiltAt: undefined,
    lastInputAt: clock.now,
    lastWallMs: clock.wallMs,
    unsaved: false,
    saveAt: undefined,
    saveFailure: undefined,
    heldBackSince: undefined,
    unsavedVotes: new Set(),
    withheldVotes: new Set(),
    attemptEpoch: undefined,
  };
}

function restoreMaster(turn: Turn, entry: DurableMaster): Master {
  const { state } = turn;
  const { configEpoch, leaderEpoch } = entry;
  const address = locate(turn, entry.host, entry.port);
  const master = addMaster(turn, entry.name, address, optionsOf(entry), { configEpoch, leaderEpoch });
  for (const epoch of [configEpoch, leaderEpoch]) if (epoch > state.currentEpoch) state.currentEpoch = epoch;
  for (const { host, port } of entry.replicas) {
    const replica = locate(turn, host, port);
    // A master is not its own replica, whatever a file that was edited by hand says.
    if (!sameAddress(replica, address)) meetReplica(turn, master, replica);
  }
  for (const { host, port, runId } of entry.peers)
    if (runId !== state.myId && !master.peers.has(runId)) addPeer(turn, master, locate(turn, host, port), runId);
  return master;
}

function optionsOf(entry: DurableMaster): MasterOptions {
  const { quorum, downAfterMs, failoverTimeoutMs, parallelSyncs, rebootDownAfterMs } = entry;
  const { notificationScript, clientReconfigScript, authPass, authUser } = entry;
  return {
    quorum,
    downAfterMs,
    failoverTimeoutMs,
    parallelSyncs,
    rebootDownAfterMs,
    notificationScript,
    clientReconfigScript,
    authPass,
    authUser,
    renamedCommands: new Map(entry.renamedCommands),
  };
}
