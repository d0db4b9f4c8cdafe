// The fields of SENTINEL MASTERS, REPLICAS and SENTINELS, in the order clients count on (spec/commands.md §4.1).
import { answerCounts, saysDown } from '../core/down.ts';
import { isDisconnected, linkOf, masterOf, nameOf, pendingRequests, shownHost } from '../core/query.ts';
import type { Failover, Instance, Link, Master, Ms, Peer, Replica, SentinelState } from '../core/state.ts';
import type { Reply } from '../protocol/reply.ts';

/** One instance as a map of texts. `now` is the time the ages are counted to. */
export function instanceReply(state: SentinelState, instance: Instance, now: Ms): Reply {
  const texts: string[] = [];
  addCommon(texts, state, instance, now);
  if (instance.kind === 'master') addMaster(texts, instance, now);
  else if (instance.kind === 'replica') addReplica(texts, instance, now);
  else addPeer(texts, state, instance, now);
  return { kind: 'fields', texts };
}

function addCommon(texts: string[], state: SentinelState, instance: Instance, now: Ms): void {
  const link = linkOf(state, instance);
  const age = (since: Ms | undefined) => (since === undefined ? '0' : String(Math.max(0, now - since)));
  texts.push('name', nameOf(state, instance));
  texts.push('ip', shownHost(state, instance.address));
  texts.push('port', String(instance.address.port));
  texts.push('runid', instance.runId);
  texts.push('flags', flagsOf(state, instance, now));
  texts.push('link-pending-commands', String(pendingRequests(link)));
  texts.push('link-refcount', String(link.users.size));
  if (instance.kind === 'master' && instance.failover !== undefined)
    texts.push('failover-state', FAILOVER_STATE[instance.failover.phase]);
  texts.push('last-ping-sent', age(link.silentSince));
  texts.push('last-ok-ping-reply', age(link.lastOkAt));
  texts.push('last-ping-reply', age(link.lastReplyAt));
  if (instance.sdownAt !== undefined) texts.push('s-down-time', age(instance.sdownAt));
  if (instance.kind === 'master' && instance.odownAt !== undefined) texts.push('o-down-time', age(instance.odownAt));
  texts.push('down-after-milliseconds', String(masterOf(state, instance).options.downAfterMs));
}

const FAILOVER_STATE: Readonly<Record<Failover['phase'], string>> = {
  'wait-start': 'wait_start',
  'select-replica': 'select_slave',
  'send-slaveof-noone': 'send_slaveof_noone',
  'wait-promotion': 'wait_promotion',
  'reconf-replicas': 'reconf_slaves',
};

function addInfo(texts: string[], node: Master | Replica, now: Ms): void {
  texts.push('info-refresh', node.infoAt === undefined ? '0' : String(now - node.infoAt));
  texts.push('role-reported', node.role ?? 'slave');
  texts.push('role-reported-time', String(now - node.roleSince));
}

function addMaster(texts: string[], master: Master, now: Ms): void {
  const { options } = master;
  addInfo(texts, master, now);
  texts.push('config-epoch', String(master.configEpoch));
  texts.push('num-slaves', String(master.replicas.size));
  texts.push('num-other-sentinels', String(master.peers.size));
  texts.push('quorum', String(options.quorum));
  texts.push('failover-timeout', String(options.failoverTimeoutMs));
  texts.push('parallel-syncs', String(options.parallelSyncs));
  if (options.notificationScript !== undefined) texts.push('notification-script', options.notificationScript);
  if (options.clientReconfigScript !== undefined) texts.push('client-reconfig-script', options.clientReconfigScript);
}

function addReplica(texts: string[], replica: Replica, now: Ms): void {
  addInfo(texts, replica, now);
  texts.push('master-link-down-time', String(replica.linkDownMs));
  texts.push('master-link-status', replica.linkStatus === 'up' ? 'ok' : 'err');
  texts.push('master-host', replica.reportedMaster?.host ?? '?');
  texts.push('master-port', String(replica.reportedMaster?.port ?? 0));
  texts.push('slave-priority', String(replica.priority));
  texts.push('slave-repl-offset', String(replica.offset));
  texts.push('replica-announced', replica.announced ? '1' : '0');
}

function addPeer(texts: string[], state: SentinelState, peer: Peer, now: Ms): void {
  texts.push('last-hello-message', String(now - peer.lastHelloAt));
  // A vote is shown as long as the answer that brought it counts; its epoch stays.
  const leader = answerCounts(state, peer, now) ? peer.vote?.leader : undefined;
  texts.push('voted-leader', leader ?? '?');
  texts.push('voted-leader-epoch', String(peer.vote?.epoch ?? 0n));
}

/** All flags there are, in the order they are shown; what each of them means stands beside it. */
const FLAGS: readonly [string, (state: SentinelState, instance: Instance, now: Ms) => boolean][] = Object.entries({
  s_down: (_, instance) => instance.sdownAt !== undefined,
  o_down: (_, instance) => instance.kind === 'master' && instance.odownAt !== undefined,
  master: (_, { kind }) => kind === 'master',
  slave: (_, { kind }) => kind === 'replica',
  sentinel: (_, { kind }) => kind === 'peer',
  disconnected: (state, instance) => showsDisconnected(linkOf(state, instance)),
  master_down: (state, instance, now) => instance.kind === 'peer' && saysDown(state, instance, now),
  failover_in_progress: (_, instance) => instance.kind === 'master' && instance.failover !== undefined,
  promoted: (state, instance) => instance.kind === 'replica' && isPromoted(state, instance),
  reconf_sent: (_, instance) => instance.kind === 'replica' && instance.reconf?.phase === 'sent',
  reconf_inprog: (_, instance) => instance.kind === 'replica' && instance.reconf?.phase === 'in-progress',
  reconf_done: (_, instance) => instance.kind === 'replica' && instance.reconf?.phase === 'done',
  force_failover: (_, instance) => instance.kind === 'master' && instance.failover?.forced === true,
  script_kill_sent: (_, instance) => instance.scriptKillSent,
} satisfies Record<string, (state: SentinelState, instance: Instance, now: Ms) => boolean>);

function flagsOf(state: SentinelState, instance: Instance, now: Ms): string {
  let shown = '';
  for (const [name, holds] of FLAGS) if (holds(state, instance, now)) shown += shown === '' ? name : `,${name}`;
  return shown;
}

/**
 * Differs: to the genuine server a connection that is being made counts as one. A dead node then shows no flag at each
 * attempt until it is sdown; a client that asks at such an instant (node-redis) clings to that node for as long as it
 * is dead.
 */
function showsDisconnected(link: Link): boolean {
  return isDisconnected(link) || link.command?.status !== 'open';
}

function isPromoted(state: SentinelState, replica: Replica): boolean {
  const { failover } = masterOf(state, replica);
  return failover !== undefined && 'promoted' in failover && failover.promoted === replica.id;
}
