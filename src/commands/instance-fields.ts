// The fields of SENTINEL MASTERS, REPLICAS and SENTINELS, in the order clients count on (spec/commands.md §4.1).
import { isDisconnected, linkOf, masterOf, nameOf, pendingRequests, shownHost } from '../core/query.ts';
import type { Failover, Instance, Master, Ms, Peer, Replica, SentinelState } from '../core/state.ts';
import { fields, type Reply } from '../protocol/reply.ts';

type Field = readonly [string, string];

/** One instance as a map of texts. `now` is the time the ages are counted to. */
export function instanceReply(state: SentinelState, instance: Instance, now: Ms): Reply {
  const common = commonFields(state, instance, now);
  if (instance.kind === 'master') return fields([...common, ...masterFields(instance, now)]);
  if (instance.kind === 'replica') return fields([...common, ...replicaFields(instance, now)]);
  return fields([...common, ...peerFields(instance, now)]);
}

function commonFields(state: SentinelState, instance: Instance, now: Ms): Field[] {
  const link = linkOf(state, instance);
  const age = (since: Ms | undefined) => (since === undefined ? '0' : String(Math.max(0, now - since)));
  const list: Field[] = [
    ['name', nameOf(state, instance)],
    ['ip', shownHost(state, instance.address)],
    ['port', String(instance.address.port)],
    ['runid', instance.runId],
    ['flags', flagsOf(state, instance)],
    ['link-pending-commands', String(pendingRequests(link))],
    ['link-refcount', String(link.users.size)],
  ];
  if (instance.kind === 'master' && instance.failover !== undefined)
    list.push(['failover-state', FAILOVER_STATE[instance.failover.phase]]);
  list.push(
    ['last-ping-sent', age(link.silentSince)],
    ['last-ok-ping-reply', age(link.lastOkAt)],
    ['last-ping-reply', age(link.lastReplyAt)],
  );
  if (instance.sdownAt !== undefined) list.push(['s-down-time', age(instance.sdownAt)]);
  if (instance.kind === 'master' && instance.odownAt !== undefined) list.push(['o-down-time', age(instance.odownAt)]);
  list.push(['down-after-milliseconds', String(masterOf(state, instance).options.downAfterMs)]);
  return list;
}

const FAILOVER_STATE: Readonly<Record<Failover['phase'], string>> = {
  'wait-start': 'wait_start',
  'select-replica': 'select_slave',
  'send-slaveof-noone': 'send_slaveof_noone',
  'wait-promotion': 'wait_promotion',
  'reconf-replicas': 'reconf_slaves',
};

function infoFields(node: Master | Replica, now: Ms): Field[] {
  const role = node.role ?? 'slave';
  return [
    ['info-refresh', node.infoAt === undefined ? '0' : String(now - node.infoAt)],
    ['role-reported', role],
    ['role-reported-time', String(now - node.roleSince)],
  ];
}

function masterFields(master: Master, now: Ms): Field[] {
  const { options } = master;
  const list: Field[] = [
    ...infoFields(master, now),
    ['config-epoch', String(master.configEpoch)],
    ['num-slaves', String(master.replicas.size)],
    ['num-other-sentinels', String(master.peers.size)],
    ['quorum', String(options.quorum)],
    ['failover-timeout', String(options.failoverTimeoutMs)],
    ['parallel-syncs', String(options.parallelSyncs)],
  ];
  if (options.notificationScript !== undefined) list.push(['notification-script', options.notificationScript]);
  if (options.clientReconfigScript !== undefined) list.push(['client-reconfig-script', options.clientReconfigScript]);
  return list;
}

function replicaFields(replica: Replica, now: Ms): Field[] {
  return [
    ...infoFields(replica, now),
    ['master-link-down-time', String(replica.linkDownMs)],
    ['master-link-status', replica.linkStatus === 'up' ? 'ok' : 'err'],
    ['master-host', replica.reportedMaster?.host ?? '?'],
    ['master-port', String(replica.reportedMaster?.port ?? 0)],
    ['slave-priority', String(replica.priority)],
    ['slave-repl-offset', String(replica.offset)],
    ['replica-announced', replica.announced ? '1' : '0'],
  ];
}

function peerFields(peer: Peer, now: Ms): Field[] {
  return [
    ['last-hello-message', String(now - peer.lastHelloAt)],
    ['voted-leader', peer.vote?.leader ?? '?'],
    ['voted-leader-epoch', String(peer.vote?.epoch ?? 0n)],
  ];
}

/** All flags there are, in the order they are shown; what each of them means stands beside it. */
const FLAGS: Readonly<Record<string, (state: SentinelState, instance: Instance) => boolean>> = {
  s_down: (_, instance) => instance.sdownAt !== undefined,
  o_down: (_, instance) => instance.kind === 'master' && instance.odownAt !== undefined,
  master: (_, { kind }) => kind === 'master',
  slave: (_, { kind }) => kind === 'replica',
  sentinel: (_, { kind }) => kind === 'peer',
  disconnected: (state, instance) => isDisconnected(linkOf(state, instance)),
  master_down: (_, instance) => instance.kind === 'peer' && instance.answer?.down === true,
  failover_in_progress: (_, instance) => instance.kind === 'master' && instance.failover !== undefined,
  promoted: (state, instance) => instance.kind === 'replica' && isPromoted(state, instance),
  reconf_sent: (_, instance) => instance.kind === 'replica' && instance.reconf?.phase === 'sent',
  reconf_inprog: (_, instance) => instance.kind === 'replica' && instance.reconf?.phase === 'in-progress',
  reconf_done: (_, instance) => instance.kind === 'replica' && instance.reconf?.phase === 'done',
  force_failover: (_, instance) => instance.kind === 'master' && instance.failover?.forced === true,
  script_kill_sent: (_, instance) => instance.scriptKillSent,
};

function flagsOf(state: SentinelState, instance: Instance): string {
  return Object.entries(FLAGS)
    .filter(([, holds]) => holds(state, instance))
    .map(([name]) => name)
    .join(',');
}

function isPromoted(state: SentinelState, replica: Replica): boolean {
  const { failover } = masterOf(state, replica);
  return failover !== undefined && 'promoted' in failover && failover.promoted === replica.id;
}
