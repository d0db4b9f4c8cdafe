// What a sentinel knows, as plain data: no sockets, timers, promises or closures.
// Everything the core decides is a function of this state, the input and the time that comes with it.
import type { DeadlineHeap } from './deadlines.ts';
import type { DurableMaster } from './durable.ts';
import type { ScriptQueue } from './script-queue.ts';

/** An instant or a duration in whole milliseconds; instants are monotonic and only mean something within one process. */
export type Ms = number;
/** Epochs are unsigned 64 bit on the wire and in the file. */
export type Epoch = bigint;
/** 40 hex characters for a real server; any text in a hello is taken as it is. */
export type RunId = string;
export type InstanceId = number;
export type LinkId = number;
export type ConnectionId = number;
/** A whole number from 0 up to, not including, `below`. The only source of chance in the core. */
export type Rand = (below: number) => number;

/** `host` is the text as it was given; `ip` is what it stands for, `undefined` while a name is unresolved. */
export interface Address {
  readonly host: string;
  readonly ip: string | undefined;
  readonly port: number;
}

/** One host name as far as it was looked up. */
export interface HostName {
  /** The last answer, in the resolver's order. It stays when a later lookup fails; empty until there was one. */
  ips: readonly string[];
  /** `asked`: a lookup is under way. */
  status: 'asked' | 'known' | 'failed';
  /** When it came to this status. */
  since: Ms;
  /** When the IPs last became others. */
  changedAt: Ms;
  /** The log was told that it cannot be looked up. */
  failureTold: boolean;
  /** Who is to be judged again when the answer comes. */
  readonly waiting: Set<InstanceId>;
  /** Hellos that name it, to be read again when the answer comes: the last one of each sender. */
  readonly hellos: Map<string, string>;
  /** Masters whose INFO names it. */
  readonly masters: Set<InstanceId>;
}

/** The periods and limits that `SENTINEL DEBUG` can change, in its order (spec/commands.md §4.10). */
export interface Tunables {
  infoPeriodMs: Ms;
  pingPeriodMs: Ms;
  askPeriodMs: Ms;
  publishPeriodMs: Ms;
  defaultDownAfterMs: Ms;
  defaultFailoverTimeoutMs: Ms;
  tiltTriggerMs: Ms;
  tiltPeriodMs: Ms;
  replicaReconfTimeoutMs: Ms;
  minLinkReconnectPeriodMs: Ms;
  electionTimeoutMs: Ms;
  scriptMaxRuntimeMs: Ms;
  scriptRetryDelayMs: Ms;
}

export const defaultTunables: Readonly<Tunables> = {
  infoPeriodMs: 10_000,
  pingPeriodMs: 1000,
  askPeriodMs: 1000,
  publishPeriodMs: 2000,
  defaultDownAfterMs: 30_000,
  defaultFailoverTimeoutMs: 180_000,
  tiltTriggerMs: 2000,
  tiltPeriodMs: 30_000,
  replicaReconfTimeoutMs: 10_000,
  minLinkReconnectPeriodMs: 15_000,
  electionTimeoutMs: 10_000,
  scriptMaxRuntimeMs: 60_000,
  scriptRetryDelayMs: 30_000,
};

/** A request that was sent and not yet answered; replies come in order, so the oldest is answered first. */
export type Pending =
  | { readonly kind: 'ignored' } // CLIENT SETNAME, the transactions: the reply tells us nothing we act on
  | { readonly kind: 'auth' }
  | { readonly kind: 'ping'; readonly sentAt: Ms }
  | { readonly kind: 'subscribe' }
  | { readonly kind: 'info'; readonly instance: InstanceId; readonly sentAt: Ms }
  | { readonly kind: 'hello'; readonly instance: InstanceId; readonly version: number; readonly sentAt: Ms }
  | {
      readonly kind: 'ask';
      readonly instance: InstanceId;
      readonly sentAt: Ms;
      /** The master's address at that time: an answer about a former one says nothing of the present one. */
      readonly about: Address;
      /** The attempt whose vote was asked for; `undefined`: none was. */
      readonly failoverEpoch: Epoch | undefined;
    };

/** One TCP connection. A torn-down connection's id is never used again, so a late reply finds nothing. */
export interface Connection {
  readonly id: ConnectionId;
  readonly role: 'command' | 'subscription';
  status: 'connecting' | 'open';
  /** When it began to connect. */
  readonly since: Ms;
  readonly pending: Pending[];
  /** Our own address on this connection; known once it is open. It is what a hello announces without announce-ip. */
  localIp: string | undefined;
  /** An acceptable PONG came over this very connection. */
  proven: boolean;
  /** Our password was refused here: nothing but a new connection tries it again. */
  loginRefused: boolean;
}

/** The connections to one process: a data node has a command and a subscription connection, a peer only the first. */
export interface Link {
  readonly id: LinkId;
  readonly kind: 'data' | 'peer';
  address: Address;
  command: Connection | undefined;
  subscription: Connection | undefined;
  /** The next attempt to connect may not be made before this. */
  retryAt: Ms;
  /** Since when an acceptable PING reply has been owed to us; `undefined` while nothing is owed. */
  silentSince: Ms | undefined;
  lastPingAt: Ms | undefined;
  /** When a PING was last answered, however. */
  lastReplyAt: Ms;
  /** When a PING was last answered acceptably (spec/behavior.md §2.3). */
  lastOkAt: Ms;
  /** Was a PING ever answered by PONG, since we know the node? */
  wasWell: boolean;
  /** Since when PING is answered by LOADING or MASTERDOWN instead of PONG; `undefined`: it is not. */
  busySince: Ms | undefined;
  /** When something last came over the subscription. */
  heardAt: Ms;
  /** What the other side refuses us, and when that was told. */
  readonly refusals: Map<string, Ms>;
  /** The instances that look through this link: one, or the same peer under several masters. */
  readonly users: Set<InstanceId>;
  /** The shortest down-after of the users; `undefined` until somebody asks for it again. */
  downAfterMs: Ms | undefined;
}

export type Role = 'master' | 'slave';

/** What all three kinds of instance have. Kept objects outlive resets: between steps, refer to an instance by its id. */
interface InstanceBase {
  readonly id: InstanceId;
  address: Address;
  /** Empty until known. */
  runId: RunId;
  linkId: LinkId;
  sdownAt: Ms | undefined;
  /** When the last time of being sdown or odown ended. */
  upSince: Ms | undefined;
  /** SCRIPT KILL was sent during this sdown. */
  scriptKillSent: boolean;
  /** When a hello of ours was last acknowledged. */
  helloAt: Ms;
  /** The newest `Master.configVersion` this instance acknowledged. */
  helloVersion: number;
  /** A hello that failed or found no connection may not be repeated before this. */
  helloRetryAt: Ms;
  /** The deadline that is in the heap for this instance. */
  wakeAt: Ms;
}

/** A process of a data node, as far as its INFOs told of it. */
export interface Process {
  readonly runId: RunId;
  readonly ip: string | undefined;
  /** Since when it is this process. */
  readonly since: Ms;
  /** What it said last; `undefined`: a role we do not know. */
  readonly role: Role | undefined;
  /** When it was first a master, after it had said that it was a replica; `undefined`: it never was seen to become one. */
  readonly promotedAt: Ms | undefined;
}

/** What INFO of a data node told. */
interface DataNode extends InstanceBase {
  infoAt: Ms | undefined;
  /** When the INFO that came last was asked for. */
  infoAskedAt: Ms | undefined;
  infoText: string | undefined;
  /** `undefined`: its INFO named a role we do not know. */
  role: Role | undefined;
  roleSince: Ms;
  /** INFO sent before this instant is not fresh enough: ask again now (spec/behavior.md §13.2). */
  infoWantedAt: Ms | undefined;
  /** The process that answered last. */
  seen: Process | undefined;
  /** Since when it is another process than before: started anew, or another node. */
  strangeSince: Ms | undefined;
  /** … and answers at the very IP of the one before, where the DNS did not lead us anew. */
  surprises: boolean;
}

export interface Master extends DataNode {
  readonly kind: 'master';
  readonly name: string;
  /** The options of the file and of SENTINEL SET, by reference: changing one is changing what is saved. */
  readonly options: MasterOptions;
  configEpoch: Epoch;
  /** My own last vote. The id is not persisted, the epoch is. */
  leader: RunId | undefined;
  leaderEpoch: Epoch;
  /** The vote in `leader` and `leaderEpoch` is not on disk yet: nobody may hear of it, and it does not count. */
  voteUnsaved: boolean;
  odownAt: Ms | undefined;
  /** The node restarted (its run id changed) and has not answered PONG since. */
  rebootAt: Ms | undefined;
  failover: Failover | undefined;
  holdOff: HoldOff | undefined;
  /** When we stand for election, unless somebody asks for our vote first. */
  candidateAt: Ms | undefined;
  /** Raised with every new configuration: each instance is told until it acknowledges this version. */
  configVersion: number;
  /** Ask the peers quickly until this instant, then once per ask-period. */
  askFastUntil: Ms;
  readonly replicas: Map<string, InstanceId>;
  readonly peers: Map<RunId, InstanceId>;
}

export type MasterOptions = Pick<
  DurableMaster,
  | 'quorum'
  | 'downAfterMs'
  | 'failoverTimeoutMs'
  | 'parallelSyncs'
  | 'notificationScript'
  | 'clientReconfigScript'
  | 'authPass'
  | 'authUser'
  | 'rebootDownAfterMs'
  | 'renamedCommands'
>;

export interface Replica extends DataNode {
  readonly kind: 'replica';
  readonly masterId: InstanceId;
  priority: number;
  offset: bigint;
  /** `master_link_down_since_seconds` in ms; 0 when absent, negative when it was never up. */
  linkDownMs: Ms;
  linkStatus: 'up' | 'down';
  reportedMaster: { host: string; port: number } | undefined;
  /** When the reported master last changed. */
  confChangeAt: Ms;
  /** `replica_announced:0` hides it from SENTINEL REPLICAS. */
  announced: boolean;
  reconf: { phase: 'sent' | 'in-progress' | 'done'; sentAt: Ms } | undefined;
  /** The last order to follow another master was sent then; it is not repeated at every INFO. */
  orderedAt: Ms | undefined;
}

export interface Peer extends InstanceBase {
  readonly kind: 'peer';
  readonly masterId: InstanceId;
  lastHelloAt: Ms;
  /** Its last valid answer to is-master-down-by-addr, about this master's current address. */
  answer: { at: Ms; down: boolean } | undefined;
  vote: { leader: RunId; epoch: Epoch } | undefined;
  /** The last attempt of ours in which it was asked for its vote and answered; without a vote of that epoch it refused. */
  answeredEpoch: Epoch | undefined;
  /** When it was last asked. */
  askedAt: Ms | undefined;
}

export type Instance = Master | Replica | Peer;

/** One attempt to promote a replica. Wrong states are unwritable: there is no `promoted` before one was chosen. */
export type Failover = {
  readonly failoverEpoch: Epoch;
  /** Ordered by SENTINEL FAILOVER: no election. */
  readonly forced: boolean;
  /** When the attempt began; the election may last until `electionTimeoutMs` after it. */
  readonly startedAt: Ms;
  phaseAt: Ms;
} /**
 * `again`: the epoch turned out to be contested, and a failover that was ordered begins anew at that instant; `rounds`: how
 * often it did so before.
 */ & (
  | { readonly phase: 'wait-start'; again: Ms | undefined; readonly rounds: number }
  /** `excluded`: chosen before in this attempt, and lost before they were announced. */
  | { readonly phase: 'select-replica'; readonly excluded: readonly InstanceId[] }
  | { readonly phase: 'send-slaveof-noone'; readonly promoted: InstanceId; readonly excluded: readonly InstanceId[] }
  | { readonly phase: 'wait-promotion'; readonly promoted: InstanceId; readonly excluded: readonly InstanceId[] }
  | { readonly phase: 'reconf-replicas'; readonly promoted: InstanceId }
);

/**
 * Why no failover is started before `until` has passed.
 * `attempt`: ours began and may have failed. `voted`: somebody else leads. `split`, `no-good-replica`: retried earlier.
 */
export type HoldOff = {
  readonly since: Ms;
  /** The `Next failover delay` line was logged for this value. */
  told: boolean;
} /** `splits`: how many attempts before this one were split, without a success between. */ & (
  | { readonly why: 'attempt'; readonly splits: number }
  | { readonly why: 'voted'; readonly leader: RunId; readonly epoch: Epoch; readonly votedAt: Ms }
  | { readonly why: 'split'; readonly splits: number; readonly until: Ms }
  | { readonly why: 'no-good-replica'; readonly until: Ms }
);

export interface SentinelState {
  readonly myId: RunId;
  currentEpoch: Epoch;
  readonly tunables: Tunables;
  /** What the other settings of the file say; commands change them in place. */
  readonly settings: Settings;
  readonly masters: Map<string, Master>;
  readonly instances: Map<InstanceId, Instance>;
  readonly links: Map<LinkId, Link>;
  readonly connections: Map<ConnectionId, LinkId>;
  /** Masters by `addressKey` and by `spelledKey`, for questions that name only an address. */
  readonly mastersByAddress: Map<string, Set<InstanceId>>;
  /** The one link to each peer process, by run id. */
  readonly peerLinks: Map<RunId, LinkId>;
  /** Host names by their lower-case text. */
  readonly names: Map<string, HostName>;
  readonly deadlines: DeadlineHeap;
  /** The operator's scripts that wait or run; a restart forgets them. */
  readonly scripts: ScriptQueue;
  /** Where this process is to end by itself (SENTINEL SIMULATE-FAILURE). */
  simulatedCrashes: ReadonlySet<CrashPoint>;
  /** When the process itself next looks at its clocks. */
  heartbeatAt: Ms;
  nextId: number;
  tiltAt: Ms | undefined;
  /** The clocks as the last input brought them: a jump between two inputs is a reason for TILT. */
  lastInputAt: Ms;
  lastWallMs: Ms;
  /** Something durable changed and is not on disk. */
  unsaved: boolean;
  /** A save that nothing waits for is made at this instant at the latest. */
  saveAt: Ms | undefined;
  /** Since when, and why, saving fails. */
  saveFailure: { since: Ms; toldAt: Ms; reason: string; count: number } | undefined;
  /** The inputs of a save that took its time are judged now, and what they lead to has not left since this instant. */
  heldBackSince: Ms | undefined;
  /** Masters whose `voteUnsaved` is set. */
  readonly unsavedVotes: Set<InstanceId>;
  /** Those of them whose save has failed: their event is told when it is done at last. */
  readonly withheldVotes: Set<InstanceId>;
  /** The epoch of the attempts begun at this instant: attempts of one turn share one epoch (design.md §6). */
  attemptEpoch: { epoch: Epoch; at: Ms } | undefined;
}

/** As a leader, at the moment of `+elected-leader`, or of `+promoted-slave`. */
export type CrashPoint = 'crash-after-election' | 'crash-after-promotion';

/** Process-wide settings. `undefined` and port 0 mean unset. */
export interface Settings {
  denyScriptsReconfig: boolean;
  resolveHostnames: boolean;
  announceHostnames: boolean;
  announceIp: string | undefined;
  announcePort: number;
  sentinelUser: string | undefined;
  sentinelPass: string | undefined;
  /** `requirepass`: what peers are greeted with when sentinel-pass is unset. */
  requirePass: string | undefined;
  /** The port we listen on, announced to peers unless announce-port is set. */
  port: number;
}
