// A state with one master, its replicas and its peers, at time 0, for tables that need no time.
import { createState } from '../../src/core/create.ts';
import type { DurableMaster, DurableState } from '../../src/core/durable.ts';
import type { Effect } from '../../src/core/effects.ts';
import type { Master, SentinelState } from '../../src/core/state.ts';

export const MY_ID = 'a'.repeat(40);
export const PEER_ID = 'b'.repeat(40);

/** What a file with one master says; `over` replaces parts of the master. */
export function fileWith(over: Partial<DurableMaster> = {}, whole: Partial<DurableState> = {}): DurableState {
  return {
    myId: MY_ID,
    currentEpoch: 0n,
    denyScriptsReconfig: true,
    resolveHostnames: false,
    announceHostnames: false,
    announceIp: undefined,
    announcePort: 0,
    sentinelUser: undefined,
    sentinelPass: undefined,
    masters: [
      {
        name: 'm',
        host: '10.0.0.1',
        port: 6379,
        quorum: 2,
        downAfterMs: 1000,
        failoverTimeoutMs: 60_000,
        parallelSyncs: 1,
        notificationScript: undefined,
        clientReconfigScript: undefined,
        authPass: undefined,
        authUser: undefined,
        rebootDownAfterMs: 0,
        configEpoch: 0n,
        leaderEpoch: 0n,
        replicas: [{ host: '10.0.0.2', port: 6379 }],
        peers: [{ host: '10.0.1.2', port: 26379, runId: PEER_ID }],
        renamedCommands: new Map(),
        ...over,
      },
    ],
    ...whole,
  };
}

export function startFrom(file: DurableState): { state: SentinelState; master: Master; effects: readonly Effect[] } {
  const facts = { myId: MY_ID, requirePass: undefined, port: 26379 };
  const { state, effects } = createState(file, facts, { now: 0, wallMs: 0 }, () => 0);
  const master = state.masters.get('m');
  if (master === undefined) throw new Error('no master m in the file');
  return { state, master, effects };
}
