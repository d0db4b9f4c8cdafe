// What survives a restart: the part of the state that sentinel.conf holds, in the file's own terms.
// `config` turns it into text and back; the core makes it from its state and starts from it.
import { isName } from './query.ts';
import type { Address, Epoch, Master, RunId, SentinelState } from './state.ts';

export interface DurableState {
  /** `undefined` before the first start: a new id is drawn and saved. */
  readonly myId: RunId | undefined;
  readonly currentEpoch: Epoch;
  readonly denyScriptsReconfig: boolean;
  readonly resolveHostnames: boolean;
  readonly announceHostnames: boolean;
  readonly announceIp: string | undefined;
  /** 0 = unset. */
  readonly announcePort: number;
  readonly sentinelUser: string | undefined;
  readonly sentinelPass: string | undefined;
  readonly masters: readonly DurableMaster[];
}

/** One monitored master. Hosts are texts as they stand in the file. */
export interface DurableMaster {
  name: string;
  host: string;
  port: number;
  quorum: number;
  downAfterMs: number;
  failoverTimeoutMs: number;
  parallelSyncs: number;
  notificationScript: string | undefined;
  clientReconfigScript: string | undefined;
  authPass: string | undefined;
  authUser: string | undefined;
  /** 0 = off. */
  rebootDownAfterMs: number;
  configEpoch: Epoch;
  leaderEpoch: Epoch;
  replicas: readonly { readonly host: string; readonly port: number }[];
  peers: readonly { readonly host: string; readonly port: number; readonly runId: RunId }[];
  /** Command as it was given to its new name; an empty new name removes the command. Looked up by lower-cased key. */
  renamedCommands: Map<string, { readonly command: string; readonly renamed: string }>;
}

/** The host names among the addresses of a file, each once. */
export function hostNames(durable: DurableState): Set<string> {
  const hosts = durable.masters.flatMap(({ host, replicas, peers }) => [{ host }, ...replicas, ...peers]);
  return new Set(hosts.map(({ host }) => host).filter(isName));
}

/** The durable part of `state`, to be written: during a failover, from the promotion on, with the new master's address. */
export function durableState(state: SentinelState): DurableState {
  const { settings } = state;
  return {
    myId: state.myId,
    currentEpoch: state.currentEpoch,
    denyScriptsReconfig: settings.denyScriptsReconfig,
    resolveHostnames: settings.resolveHostnames,
    announceHostnames: settings.announceHostnames,
    announceIp: settings.announceIp,
    announcePort: settings.announcePort,
    sentinelUser: settings.sentinelUser,
    sentinelPass: settings.sentinelPass,
    masters: [...state.masters.values()].map((master) => durableMaster(state, master)),
  };
}

/**
 * The host as the file gets it. Differs: while names are not allowed the genuine server still writes them with
 * announce-hostnames, and an empty text for a name it could not resolve; neither file starts again (TS-D11).
 */
function writtenHost({ settings }: SentinelState, { host, ip }: Address): string {
  const keepsText = settings.announceHostnames && (settings.resolveHostnames || !isName(host));
  return keepsText ? host : (ip ?? host);
}

function durableMaster(state: SentinelState, master: Master): DurableMaster {
  const written = (address: Address) => ({
    host: writtenHost(state, address),
    port: address.port,
  });
  const promotedId = master.failover?.phase === 'reconf-replicas' ? master.failover.promoted : undefined;
  const promoted = promotedId === undefined ? undefined : state.instances.get(promotedId);
  const replicas = [];
  for (const id of master.replicas.values()) {
    const replica = state.instances.get(id);
    // From the promotion on the old master stands in the promoted replica's place (spec/behavior.md §7.4).
    if (replica !== undefined) replicas.push(written(id === promotedId ? master.address : replica.address));
  }
  const peers = [];
  for (const id of master.peers.values()) {
    const peer = state.instances.get(id);
    if (peer !== undefined) peers.push({ ...written(peer.address), runId: peer.runId });
  }
  return {
    name: master.name,
    ...written((promoted ?? master).address),
    ...master.options,
    configEpoch: master.configEpoch,
    leaderEpoch: master.leaderEpoch,
    replicas,
    peers,
  };
}
