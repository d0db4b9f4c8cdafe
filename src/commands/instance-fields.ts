// The fields of SENTINEL MASTERS, REPLICAS and SENTINELS, in the order clients count on (spec/commands.md §4.1).
// What seldom changes is written once; ages are written each time.
import { answerCounts, saysDown } from '../core/down.ts';
import { isDisconnected, linkOf, masterOf, nameOf, pendingRequests, shownHost } from '../core/query.ts';
import type { Failover, Instance, Link, Ms, Replica, SentinelState } from '../core/state.ts';
import type { Reply } from '../protocol/reply.ts';
import { bulkText, type FieldValue, mapOf, type RememberedFields, writeAgain } from '../protocol/written-fields.ts';

/** The first and the last fields of an instance, as they were written last. */
interface Remembered {
  head: RememberedFields;
  tail: RememberedFields;
}
const remembered = new WeakMap<Instance, Remembered>();

/** One instance as a map of texts. `now` is the time the ages are counted to. */
export function instanceReply(state: SentinelState, instance: Instance, now: Ms): Reply {
  const link = linkOf(state, instance);
  const before = remembered.get(instance);
  const head = writeAgain(before?.head, HEAD, headOf(state, instance, link, now));
  const tail = writeAgain(before?.tail, TAIL[instance.kind], tailOf(state, instance, now));
  if (before === undefined) remembered.set(instance, { head, tail });
  else {
    before.head = head;
    before.tail = tail;
  }
  const { count, text } = middleOf(state, instance, link, now);
  return mapOf(head.written, count, text, tail.written);
}

const HEAD = ['name', 'ip', 'port', 'runid', 'flags'];

function headOf(state: SentinelState, instance: Instance, link: Link, now: Ms): FieldValue[] {
  const { address, runId } = instance;
  const name = nameOf(state, instance);
  return [name, shownHost(state, address), address.port, runId, flagsOf(state, instance, link, now)];
}

/** Between head and tail: what is counted in milliseconds, and what stands between such fields. */
function middleOf(state: SentinelState, instance: Instance, link: Link, now: Ms): { count: number; text: string } {
  const { sdownAt } = instance;
  let count = 6;
  let text = PENDING + bulkText(String(pendingRequests(link))) + REFCOUNT + bulkText(String(link.users.size));
  if (instance.kind === 'master' && instance.failover !== undefined) {
    text += FAILOVER + bulkText(FAILOVER_STATE[instance.failover.phase]);
    count += 1;
  }
  text += PING_SENT + age(link.silentSince, now) + OK_REPLY + age(link.lastOkAt, now);
  text += PING_REPLY + age(link.lastReplyAt, now);
  if (sdownAt !== undefined) {
    text += SDOWN + age(sdownAt, now);
    count += 1;
  }
  if (instance.kind === 'master' && instance.odownAt !== undefined) {
    text += ODOWN + age(instance.odownAt, now);
    count += 1;
  }
  text += DOWN_AFTER + bulkText(String(masterOf(state, instance).options.downAfterMs));
  if (instance.kind === 'peer') {
    text += LAST_HELLO + bulkText(String(now - instance.lastHelloAt));
    return { count: count + 1, text };
  }
  text += INFO_REFRESH + bulkText(instance.infoAt === undefined ? '0' : String(now - instance.infoAt));
  text += ROLE + bulkText(instance.role ?? 'slave') + ROLE_TIME + bulkText(String(now - instance.roleSince));
  return { count: count + 3, text };
}

/** Milliseconds since then; 0 where there is no such instant. */
const age = (since: Ms | undefined, now: Ms) => bulkText(since === undefined ? '0' : String(Math.max(0, now - since)));

const PENDING = bulkText('link-pending-commands');
const REFCOUNT = bulkText('link-refcount');
const FAILOVER = bulkText('failover-state');
const PING_SENT = bulkText('last-ping-sent');
const OK_REPLY = bulkText('last-ok-ping-reply');
const PING_REPLY = bulkText('last-ping-reply');
const SDOWN = bulkText('s-down-time');
const ODOWN = bulkText('o-down-time');
const DOWN_AFTER = bulkText('down-after-milliseconds');
const LAST_HELLO = bulkText('last-hello-message');
const INFO_REFRESH = bulkText('info-refresh');
const ROLE = bulkText('role-reported');
const ROLE_TIME = bulkText('role-reported-time');

const FAILOVER_STATE: Readonly<Record<Failover['phase'], string>> = {
  'wait-start': 'wait_start',
  'select-replica': 'select_slave',
  'send-slaveof-noone': 'send_slaveof_noone',
  'wait-promotion': 'wait_promotion',
  'reconf-replicas': 'reconf_slaves',
};

const TAIL: Readonly<Record<Instance['kind'], readonly string[]>> = {
  master: [
    ...['config-epoch', 'num-slaves', 'num-other-sentinels', 'quorum', 'failover-timeout', 'parallel-syncs'],
    ...['notification-script', 'client-reconfig-script'],
  ],
  replica: [
    ...['master-link-down-time', 'master-link-status', 'master-host', 'master-port', 'slave-priority'],
    ...['slave-repl-offset', 'replica-announced'],
  ],
  peer: ['voted-leader', 'voted-leader-epoch'],
};

function tailOf(state: SentinelState, instance: Instance, now: Ms): FieldValue[] {
  if (instance.kind === 'peer') {
    // A vote is shown as long as the answer that brought it counts; its epoch stays.
    const leader = answerCounts(state, instance, now) ? instance.vote?.leader : undefined;
    return [leader ?? '?', instance.vote?.epoch ?? 0n];
  }
  if (instance.kind === 'master') {
    const { quorum, failoverTimeoutMs, parallelSyncs, notificationScript, clientReconfigScript } = instance.options;
    const counts = [instance.configEpoch, instance.replicas.size, instance.peers.size];
    return [...counts, quorum, failoverTimeoutMs, parallelSyncs, notificationScript, clientReconfigScript];
  }
  const { linkDownMs, linkStatus, reportedMaster, priority, offset, announced } = instance;
  const { host, port } = reportedMaster ?? { host: '?', port: 0 };
  return [linkDownMs, linkStatus === 'up' ? 'ok' : 'err', host, port, priority, offset, announced ? 1 : 0];
}

/** All flags there are, in the order they are shown. */
function flagsOf(state: SentinelState, instance: Instance, link: Link, now: Ms): string {
  const flags: string[] = [];
  if (instance.sdownAt !== undefined) flags.push('s_down');
  if (instance.kind === 'master') {
    if (instance.odownAt !== undefined) flags.push('o_down');
    flags.push('master');
  } else flags.push(instance.kind === 'replica' ? 'slave' : 'sentinel');
  if (showsDisconnected(link)) flags.push('disconnected');
  if (instance.kind === 'peer') {
    if (saysDown(state, instance, now)) flags.push('master_down');
  } else if (instance.kind === 'replica') {
    if (isPromoted(state, instance)) flags.push('promoted');
    if (instance.reconf !== undefined) flags.push(RECONF[instance.reconf.phase]);
  } else if (instance.failover !== undefined) {
    flags.push('failover_in_progress');
    if (instance.failover.forced) flags.push('force_failover');
  }
  if (instance.scriptKillSent) flags.push('script_kill_sent');
  return flags.join(',');
}

const RECONF: Readonly<Record<NonNullable<Replica['reconf']>['phase'], string>> = {
  sent: 'reconf_sent',
  'in-progress': 'reconf_inprog',
  done: 'reconf_done',
};

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
