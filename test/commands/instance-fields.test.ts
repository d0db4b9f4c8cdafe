// The fields of instances, some of which are written once and shown again: never what they were before a change.
import { expect, test } from 'vitest';
import { instanceReply } from '../../src/commands/instance-fields.ts';
import type { Instance, Link, SentinelState } from '../../src/core/state.ts';
import { encode, type RespVersion } from '../../src/protocol/resp-writer.ts';
import { createBench, NOW } from './bench.ts';

function instanceOf(state: SentinelState, kind: Instance['kind']): Instance {
  for (const instance of state.instances.values()) if (instance.kind === kind) return instance;
  throw new Error(`no ${kind}`);
}

function fieldsOf(state: SentinelState, kind: Instance['kind'], now = NOW, version: RespVersion = 2): string[] {
  const lines = encode(instanceReply(state, instanceOf(state, kind), now), version)
    .toString('latin1')
    .split('\r\n');
  const words = lines.filter((_, at) => at > 0 && at % 2 === 0);
  expect(lines[0]).toBe(version === 2 ? `*${words.length}` : `%${words.length / 2}`);
  return Array.from({ length: words.length / 2 }, (_, at) => `${words[2 * at]}=${words[2 * at + 1]}`);
}

type Change = { kind: Instance['kind']; why: string; change: object; shows: string[] };
const change = (kind: Instance['kind'], why: string, changed: object, ...shows: string[]): Change => ({
  kind,
  why,
  change: changed,
  shows,
});
const failover = (forced: boolean) => ({
  phase: 'wait-start',
  forced,
  failoverEpoch: 1n,
  startedAt: 1,
  phaseAt: 1,
  again: undefined,
});
const address = { host: '::1', ip: '::1', port: 7 };

test.each([
  change('master', 'it moved', { address }, 'name=mymaster', 'ip=::1', 'port=7'),
  change('replica', 'its name is its address', { address }, 'name=[::1]:7', 'ip=::1', 'port=7'),
  change('peer', 'its name is its id', { runId: 'x' }, 'name=x', 'runid=x'),
  change('master', 'another process', { runId: 'x' }, 'runid=x'),
  change('master', 'it is down', { sdownAt: NOW - 5 }, 'flags=s_down,master,disconnected', 's-down-time=5'),
  change(
    'master',
    'others say so as well',
    { sdownAt: NOW - 5, odownAt: NOW - 3 },
    'flags=s_down,o_down,master,disconnected',
    'o-down-time=3',
  ),
  change(
    'master',
    'a failover that was ordered',
    { failover: failover(true) },
    'flags=master,disconnected,failover_in_progress,force_failover',
    'failover-state=wait_start',
  ),
  change('master', 'one of its own', { failover: failover(false) }, 'flags=master,disconnected,failover_in_progress'),
  change('master', 'its script hangs', { scriptKillSent: true }, 'flags=master,disconnected,script_kill_sent'),
  change('master', 'a new configuration', { configEpoch: 9n }, 'config-epoch=9'),
  change('master', 'replicas and peers', { replicas: new Map(), peers: new Map() }, 'num-slaves=0'),
  change('master', 'INFO came', { infoAt: NOW - 7, role: 'slave', roleSince: NOW - 9 }, 'info-refresh=7'),
  change('master', 'its role', { role: 'slave', roleSince: NOW - 9 }, 'role-reported=slave', 'role-reported-time=9'),
  change(
    'replica',
    'its link',
    { linkDownMs: 3, linkStatus: 'up' },
    'master-link-down-time=3',
    'master-link-status=ok',
  ),
  change('replica', 'its master', { reportedMaster: { host: 'h', port: 1 } }, 'master-host=h', 'master-port=1'),
  change('replica', 'what it has read', { priority: 1, offset: 12n }, 'slave-priority=1', 'slave-repl-offset=12'),
  change('replica', 'it hides', { announced: false }, 'replica-announced=0'),
  change(
    'replica',
    'it is pointed elsewhere',
    { reconf: { phase: 'sent', sentAt: 1 } },
    'flags=slave,disconnected,reconf_sent',
  ),
  change(
    'replica',
    'it follows',
    { reconf: { phase: 'in-progress', sentAt: 1 } },
    'flags=slave,disconnected,reconf_inprog',
  ),
  change('replica', 'it has arrived', { reconf: { phase: 'done', sentAt: 1 } }, 'flags=slave,disconnected,reconf_done'),
  change(
    'peer',
    'it says the master is down',
    { answer: { at: NOW, down: true } },
    'flags=sentinel,disconnected,master_down',
  ),
  change(
    'peer',
    'its vote',
    { answer: { at: NOW, down: false }, vote: { leader: 'l', epoch: 4n } },
    'voted-leader=l',
    'voted-leader-epoch=4',
  ),
  change('peer', 'its hello', { lastHelloAt: NOW - 11 }, 'last-hello-message=11'),
])('$kind: what was shown before is not shown again: $why', ({ kind, change, shows }) => {
  const { state } = createBench();
  fieldsOf(state, kind);
  Object.assign(instanceOf(state, kind), change);
  const shown = fieldsOf(state, kind);
  expect(shown).toEqual(expect.arrayContaining(shows));
  // Of a copy nothing was written before.
  expect(shown).toEqual(fieldsOf(structuredClone(state), kind));
});

test.each(['master', 'replica', 'peer'] as const)('%s: ages and links are those of now', (kind) => {
  const { state } = createBench();
  fieldsOf(state, kind);
  const link = state.links.get(instanceOf(state, kind).linkId) as Link;
  Object.assign(link, { silentSince: NOW - 1, lastOkAt: NOW - 2, lastReplyAt: NOW + 3 });
  const shown = fieldsOf(state, kind, NOW, 3);
  expect(shown).toEqual(
    expect.arrayContaining(['last-ping-sent=1', 'last-ok-ping-reply=2', 'last-ping-reply=0', 'link-refcount=1']),
  );
  expect(fieldsOf(state, kind, NOW + 1)).toContain('last-ping-sent=2');
  expect(fieldsOf(state, kind, NOW + 1)).toEqual(fieldsOf(structuredClone(state), kind, NOW + 1));
});

test('what a peer said is not shown for ever, although nothing changes', () => {
  const { state } = createBench();
  Object.assign(instanceOf(state, 'peer'), { answer: { at: NOW, down: true }, vote: { leader: 'l', epoch: 4n } });
  expect(fieldsOf(state, 'peer')).toEqual(
    expect.arrayContaining(['flags=sentinel,disconnected,master_down', 'voted-leader=l']),
  );
  expect(fieldsOf(state, 'peer', NOW + 60_000)).toEqual(
    expect.arrayContaining(['flags=sentinel,disconnected', 'voted-leader=?', 'voted-leader-epoch=4']),
  );
});

test('options and settings that were changed are shown, scripts only where there are some', () => {
  const { state } = createBench();
  expect(fieldsOf(state, 'master').join()).not.toContain('script');
  const { options } = state.masters.get('mymaster') ?? {};
  Object.assign(options ?? {}, { quorum: 7, downAfterMs: 8, parallelSyncs: 9, notificationScript: '/n' });
  expect(fieldsOf(state, 'master').slice(-4)).toEqual([
    'quorum=7',
    'failover-timeout=20000',
    'parallel-syncs=9',
    'notification-script=/n',
  ]);
  expect(fieldsOf(state, 'replica')).toContain('down-after-milliseconds=8');
  Object.assign(instanceOf(state, 'master'), { address: { host: 'db.example', ip: '10.0.0.1', port: 1 } });
  expect(fieldsOf(state, 'master')).toContain('ip=10.0.0.1');
  state.settings.announceHostnames = true;
  expect(fieldsOf(state, 'master')).toContain('ip=db.example');
});

test('a value longer than a block stands as it is', () => {
  const { state } = createBench();
  const long = 'x'.repeat(70_000);
  Object.assign(instanceOf(state, 'peer'), { runId: long });
  const shown = fieldsOf(state, 'peer');
  expect(shown[0]).toBe(`name=${long}`);
  expect(shown[3]).toBe(`runid=${long}`);
  expect(shown).toHaveLength(14);
});
