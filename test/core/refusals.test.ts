// What the log says when a node or peer refuses us: the remedy, once, and never a secret.
import { expect, test } from 'vitest';
import { setOption } from '../../src/core/admin.ts';
import type { DurableMaster, DurableState } from '../../src/core/durable.ts';
import type { Effect, NodeReply } from '../../src/core/effects.ts';
import { linkOf } from '../../src/core/query.ts';
import type { Link, Master, SentinelState } from '../../src/core/state.ts';
import { step } from '../../src/core/step.ts';
import { fileWith, startFrom } from './small-state.ts';

const SECRET = 'hunter2';
const error = (text: string): NodeReply => ({ kind: 'error', text });
const logged = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.kind === 'log' && effect.level === 'warning' ? [effect.text] : []));

interface Bench {
  readonly state: SentinelState;
  readonly master: Master;
  /** To the master, or to the peer. */
  readonly link: Link;
}

function open(over: Partial<DurableMaster> = {}, whole: Partial<DurableState> = {}, to: 'master' | 'peer' = 'master') {
  const { state, master } = startFrom(fileWith(over, whole));
  const peer = state.instances.get([...master.peers.values()][0] ?? -1) ?? master;
  return { state, master, link: linkOf(state, to === 'master' ? master : peer) };
}

/** Connect at `now`, and return what the replies to the first requests lead to. */
function connected({ state, link }: Bench, now: number, ...replies: readonly NodeReply[]): string[] {
  const connection = link.command?.id ?? -1;
  const clock = { now, wallMs: now };
  step(state, { kind: 'connected', connection, localIp: '10.0.1.1' }, clock, () => 0);
  return replies.flatMap((reply) => logged(step(state, { kind: 'reply', connection, reply }, clock, () => 0)));
}

const MASTER = 'master m 10.0.0.1 6379';
const OK: NodeReply = { kind: 'text', text: 'OK' };
const WRONGPASS = error('WRONGPASS invalid username-password pair or user is disabled.');
const NOAUTH = error('NOAUTH Authentication required.');
const AUTH_OF_M = "'sentinel auth-pass m' and 'sentinel auth-user m'";

test.each([
  {
    why: 'a wrong password, once: that PING is refused as well follows from it',
    file: { authPass: SECRET, authUser: 'watcher' },
    replies: [WRONGPASS, NOAUTH, NOAUTH],
    told: [`${MASTER} refuses our password for user 'watcher' (WRONGPASS): check ${AUTH_OF_M}`],
  },
  {
    why: 'a wrong password, before Redis 6',
    file: { authPass: SECRET },
    replies: [error('ERR invalid password'), NOAUTH, NOAUTH],
    told: [`${MASTER} refuses our password for user 'default' (WRONGPASS): check ${AUTH_OF_M}`],
  },
  {
    why: 'no password',
    file: {},
    replies: [NOAUTH, NOAUTH],
    told: [`${MASTER} wants us to log in (NOAUTH): set ${AUTH_OF_M}`],
  },
  {
    why: 'auth-user alone logs nobody in',
    file: { authUser: 'watcher' },
    replies: [error("NOPERM this user has no permissions to run the 'client|setname' command")],
    told: [
      `${MASTER} does not let user 'default' run client|setname (NOPERM): say there ACL SETUSER default +client|setname`,
    ],
  },
  {
    why: 'each missing right by itself, in the words of 7.0, 7.2 and 6.2',
    file: { authPass: SECRET, authUser: 'w' },
    replies: [
      OK,
      error("NOPERM this user has no permissions to run the 'client|setname' command"),
      error("NOPERM User w has no permissions to run the 'ping' command"),
    ],
    told: [
      `${MASTER} does not let user 'w' run client|setname (NOPERM): say there ACL SETUSER w +client|setname`,
      `${MASTER} does not let user 'w' run ping (NOPERM): say there ACL SETUSER w +ping`,
    ],
  },
  {
    why: 'the channel, in the words of 7.0',
    file: { authPass: SECRET },
    replies: [OK, error('NOPERM this user has no permissions to access one of the channels used as arguments')],
    told: [
      `${MASTER} does not let user 'default' use the channel of hellos (NOPERM): say there ACL SETUSER default &__sentinel__:hello`,
    ],
  },
  {
    why: 'protected mode',
    file: {},
    replies: [error('DENIED Redis is running in protected mode because protected mode is enabled and no password …')],
    told: [`${MASTER} is in protected mode and lets nobody in from other machines: give it a password`],
  },
  {
    why: 'no room',
    file: {},
    replies: [error('ERR max number of clients reached')],
    told: [`${MASTER} has as many clients as its maxclients allows, and no place for us`],
  },
  { why: 'other errors are no refusals', file: {}, replies: [error("ERR unknown command 'CLIENT'")], told: [] },
  { why: 'nor is a node that is loading', file: {}, replies: [OK, error('LOADING Redis is loading …')], told: [] },
])('$why', ({ file, replies, told }) => {
  const lines = connected(open(file), 0, ...replies);
  expect(lines).toEqual(told);
  expect(lines.join()).not.toContain(SECRET);
});

test('a peer is logged in to with sentinel-user and sentinel-pass', () => {
  const bench = open({}, { sentinelUser: 'us', sentinelPass: SECRET }, 'peer');
  const [line = ''] = connected(bench, 0, WRONGPASS);
  expect(line).toBe(
    "sentinel bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 10.0.1.2 26379 @ m 10.0.0.1 6379 refuses our password for user 'us' (WRONGPASS): " +
      "check 'sentinel sentinel-pass' and 'sentinel sentinel-user', or requirepass where all sentinels have the same",
  );
  const right = error("NOPERM this user has no permissions to run the 'sentinel|is-master-down-by-addr' command");
  expect(connected(bench, 0, right)[0]).toMatch(/ACL SETUSER us \+sentinel\|is-master-down-by-addr$/);
});

/** The connection breaks, and the core opens another one. */
function reconnect({ state, link }: Bench, now: number, reason: string): string[] {
  const connection = link.command?.id ?? -1;
  const told = logged(step(state, { kind: 'closed', connection, reason }, { now, wallMs: now }, () => 0));
  step(state, { kind: 'tick' }, { now: now + 1000, wallMs: now + 1000 }, () => 0);
  return told;
}

test('what lasts is told once an hour; what was over in between is told anew', () => {
  const bench = open({ authPass: SECRET });
  expect(connected(bench, 0, WRONGPASS)).toHaveLength(1);
  reconnect(bench, 1000, 'Connection reset');
  expect(connected(bench, 2000, WRONGPASS)).toEqual([]);
  reconnect(bench, 3_600_000, 'Connection reset');
  expect(connected(bench, 3_601_000, WRONGPASS)).toHaveLength(1);
  reconnect(bench, 3_602_000, 'Connection reset');
  expect(connected(bench, 3_603_000, OK)).toEqual([]);
  reconnect(bench, 3_604_000, 'Connection reset');
  expect(connected(bench, 3_605_000, WRONGPASS)).toHaveLength(1);
});

test('other credentials that are refused as well are told at once', () => {
  const bench = open({ authPass: SECRET });
  const { state, master } = bench;
  expect(connected(bench, 0, WRONGPASS)).toHaveLength(1);
  setOption(state, master, { option: 'auth-pass', values: ['y'], patch: { authPass: 'y' }, dropLinks: true }, 10);
  step(state, { kind: 'tick' }, { now: 1500, wallMs: 1500 }, () => 0);
  expect(connected(bench, 1500, WRONGPASS)).toHaveLength(1);
});

test.each([
  { why: 'a foreign certificate', reason: 'self-signed certificate in certificate chain', told: true },
  { why: 'an alert', reason: 'error:0A000418:SSL routines::tlsv1 alert unknown ca', told: true },
  { why: 'plain text', reason: 'error:0A00010B:SSL routines::wrong version number', told: true },
  { why: 'a dead node', reason: 'connect ECONNREFUSED 10.0.0.1:6379', told: false },
])('TLS that fails is told once, an ordinary loss is not: $why', ({ reason, told }) => {
  const bench = open();
  const line = `${MASTER} can't be spoken to over TLS: ${reason}`;
  expect(reconnect(bench, 1000, reason)).toEqual(told ? [line] : []);
  expect(reconnect(bench, 3000, reason)).toEqual([]);
});
