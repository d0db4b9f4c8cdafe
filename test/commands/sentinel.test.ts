// SENTINEL: the order of checks, what is applied and saved, the fields of each kind of instance.
import { expect, test } from 'vitest';
import type { Effect } from '../../src/core/effects.ts';
import { linkOf } from '../../src/core/query.ts';
import type { Connection } from '../../src/core/state.ts';
import { step } from '../../src/core/step.ts';
import { createBench, fieldNames, NOW } from './bench.ts';

const kindsOf = (effects: readonly Effect[] = []) =>
  effects.map((effect) => (effect.kind === 'announce' ? effect.event.name : effect.kind));

test.each([
  { why: 'the quorum is looked at first', args: ['m', 'x', 'x', 'x'], says: 'Invalid quorum' },
  { why: 'a quorum beyond 32 bits', args: ['m', '10.0.0.3', '1', '4294967297'], says: 'Invalid quorum' },
  { why: 'then whether the port is a number', args: ['m', 'x', 'x', '0'], says: 'Invalid port' },
  { why: 'then the quorum’s value', args: ['m', 'x', '99999', '0'], says: 'Quorum must be 1 or greater.' },
  { why: 'then the address', args: ['m', 'nohost', '99999', '1'], says: 'Invalid IP address or hostname specified' },
  { why: 'an empty address', args: ['m', '', '1', '1'], says: 'Invalid IP address or hostname specified' },
  { why: 'then the port’s value', args: ['mymaster', '10.0.0.3', '65536', '1'], says: 'Invalid port number.' },
  { why: 'a negative port', args: ['m', '10.0.0.3', '-1', '1'], says: 'Invalid port number.' },
  { why: 'a port beyond 32 bits', args: ['m', '10.0.0.3', '4294973675', '1'], says: 'Invalid port number.' },
  { why: 'the name last', args: ['mymaster', '10.0.0.3', '1', '1'], says: 'Duplicate master name.' },
])('SENTINEL MONITOR $args: $why', ({ args, says }) => {
  const { say, state } = createBench();
  expect(say('SENTINEL', 'MONITOR', ...args)).toBe(`-ERR ${says}\r\n`);
  expect([...state.masters.keys()]).toEqual(['mymaster']);
});

test('a new master is saved and told behind the reply; where saving fails the client hears of it', () => {
  const { outcome, state } = createBench();
  const { replies, effects, after, ifUnsaved } = outcome('SENTINEL', 'MONITOR', 'm2', '::1', '6379', '1');
  expect(replies).toEqual([{ kind: 'simple', text: 'OK' }]);
  expect(effects).toBeUndefined();
  expect(kindsOf(after).slice(0, 2)).toEqual(['persist', '+monitor']);
  expect(ifUnsaved).toEqual({ kind: 'error', text: 'ERR Failed to save config file. Check server logs.' });
  expect(state.masters.get('m2')?.options).toMatchObject({ quorum: 1, downAfterMs: 30_000, parallelSyncs: 1 });
});

test('SENTINEL MONITOR of a name waits for its address, and is refused when there is none', () => {
  const { outcome, state } = createBench();
  state.settings.resolveHostnames = true;
  const ask = () => outcome('SENTINEL', 'MONITOR', 'm2', 'DB.test', '6379', '1');
  const first = ask();
  expect(first).toMatchObject({ replies: [], awaitsName: 'DB.test' });
  expect(first.effects).toEqual([{ kind: 'resolve', name: 'db.test' }]);
  expect(ask().effects).toEqual([]);
  step(state, { kind: 'resolve-failed', name: 'db.test', reason: 'ENOTFOUND' }, { now: NOW, wallMs: 0 }, () => 0);
  expect(ask().replies).toEqual([{ kind: 'error', text: 'ERR Invalid IP address or hostname specified' }]);
  step(state, { kind: 'resolved', name: 'db.test', ips: ['10.0.0.9'] }, { now: NOW, wallMs: 0 }, () => 0);
  expect(ask().replies).toEqual([{ kind: 'simple', text: 'OK' }]);
  expect(state.masters.get('m2')?.address).toEqual({ host: 'DB.test', ip: '10.0.0.9', port: 6379 });
});

test.each([
  {
    why: 'an unknown option',
    args: ['foo', 'bar'],
    says: "Unknown option or number of arguments for SENTINEL SET 'foo'",
  },
  {
    why: 'a value missing',
    args: ['rename-command', 'CONFIG'],
    says: "Unknown option or number of arguments for SENTINEL SET 'rename-command'",
  },
  { why: 'no number', args: ['Quorum', 'x'], says: "Invalid argument 'x' for SENTINEL SET 'Quorum'" },
  {
    why: 'a quorum beyond 32 bits',
    args: ['quorum', '4294967297'],
    says: "Invalid argument '4294967297' for SENTINEL SET 'quorum'",
  },
  {
    why: 'a period of zero',
    args: ['down-after-milliseconds', '0'],
    says: "Invalid argument '0' for SENTINEL SET 'down-after-milliseconds'",
  },
  {
    why: 'scripts may not be changed',
    args: ['notification-script', '/bin/true'],
    says: 'Reconfiguration of scripts path is denied for security reasons. Check the deny-scripts-reconfig configuration directive in your Sentinel configuration',
  },
])('SENTINEL SET mymaster $args: $why', ({ args, says }) => {
  const { outcome } = createBench();
  expect(outcome('SENTINEL', 'SET', 'mymaster', ...args)).toEqual({
    replies: [{ kind: 'error', text: `ERR ${says}` }],
    effects: [],
  });
});

test.each([
  'down-after-milliseconds',
  'failover-timeout',
  'master-reboot-down-after-period',
  'parallel-syncs',
  'quorum',
])('SENTINEL SET takes %s as far as the next start reads it: 32 bits', (option) => {
  const { outcome, say, state } = createBench();
  const before = structuredClone(state.masters.get('mymaster')?.options);
  for (const value of ['2147483648', '2592000000', '4294967297', '9223372036854775807'])
    expect(outcome('SENTINEL', 'SET', 'mymaster', option, value)).toEqual({
      replies: [{ kind: 'error', text: `ERR Invalid argument '${value}' for SENTINEL SET '${option}'` }],
      effects: [],
    });
  expect(state.masters.get('mymaster')?.options).toEqual(before);
  expect(say('SENTINEL', 'SET', 'mymaster', option, '2147483647')).toBe('+OK\r\n');
});

test('scripts that may be changed must be executable', () => {
  const { say, state } = createBench();
  state.settings.denyScriptsReconfig = false;
  expect(say('SENTINEL', 'SET', 'mymaster', 'client-reconfig-script', '/no/such')).toBe(
    '-ERR Client reconfiguration script seems non existing or non executable\r\n',
  );
  expect(say('SENTINEL', 'SET', 'mymaster', 'notification-script', '')).toBe('+OK\r\n');
});

test('PENDING-SCRIPTS and INFO show the calls that run and wait, oldest first, numbers as texts', () => {
  const { say, state } = createBench();
  const argv = ['/n.sh', '+sdown', 'master m'] as const;
  const shared = { argv: [...argv] as [string, ...string[]], awaitsSave: false };
  state.scripts.jobs = [
    { ...shared, id: 1, runs: 1, status: { kind: 'running', pid: 77, since: state.lastInputAt, killed: false } },
    { ...shared, id: 2, runs: 3, status: { kind: 'scheduled', at: state.lastInputAt + 1e9 } },
    { ...shared, id: 3, runs: 0, status: { kind: 'scheduled', at: Number.NEGATIVE_INFINITY } },
  ];
  const bulks = (...texts: string[]) => texts.map((text) => `$${text.length}\r\n${text}\r\n`).join('');
  const entry = (start: string, ...rest: string[]) =>
    `${start}${bulks('argv')}*3\r\n${bulks(...argv)}${bulks('flags', ...rest)}`;
  const masked = (text: string) => text.replace(/(run-(?:time|delay)\r\n)\$\d+\r\n\d+/g, '$1$1\r\n0');
  const entries = (start: string) =>
    [
      entry(start, 'running', 'pid', '77', 'run-time', '0', 'retry-num', '1'),
      entry(start, 'scheduled', 'pid', '0', 'run-delay', '0', 'retry-num', '3'),
      entry(start, 'scheduled', 'pid', '0', 'run-delay', '0', 'retry-num', '0'),
    ].join('');
  expect(masked(say('SENTINEL', 'PENDING-SCRIPTS'))).toBe(masked(`*3\r\n${entries('*10\r\n')}`));
  say('HELLO', '3');
  expect(masked(say('SENTINEL', 'PENDING-SCRIPTS'))).toBe(masked(`*3\r\n${entries('%5\r\n')}`));
  expect(say('INFO', 'sentinel')).toContain('sentinel_running_scripts:1\r\nsentinel_scripts_queue_length:3\r\n');
});

test('SIMULATE-FAILURE: each call starts anew, words in any case, what stands before a bad one is in force', () => {
  const { say, outcome, state } = createBench();
  const flags = () => /sentinel_simulate_failure_flags:(\d+)/.exec(say('INFO', 'sentinel'))?.[1];
  const simulate = (...words: string[]) => say('SENTINEL', 'SIMULATE-FAILURE', ...words);
  expect(flags()).toBe('0');
  expect(simulate('Crash-After-Election', 'crash-after-promotion')).toBe('+OK\r\n');
  expect(flags()).toBe('3');
  expect(simulate('crash-after-promotion', 'help', 'crash-after-election')).toBe(
    '*2\r\n$20\r\ncrash-after-election\r\n$21\r\ncrash-after-promotion\r\n',
  );
  expect(flags()).toBe('2');
  expect(simulate('crash-after-election', 'foo')).toBe('-ERR Unknown failure simulation specified\r\n');
  expect(flags()).toBe('1');
  expect(simulate('foo')).toMatch(/^-ERR/);
  expect(state.simulatedCrashes.size).toBe(0);
  expect(outcome('SENTINEL', 'SIMULATE-FAILURE', 'crash-after-promotion').effects).toEqual([
    {
      kind: 'log',
      level: 'warning',
      text: 'Failure simulation: this Sentinel will crash after promoting the selected replica to master',
    },
  ]);
});

test('a renamed command is found whatever its case, and gets its own name back', () => {
  const { say, state } = createBench();
  const renamed = () => [...(state.masters.get('mymaster')?.options.renamedCommands ?? [])];
  say('SENTINEL', 'SET', 'mymaster', 'rename-command', 'CONFIG', 'guarded');
  expect(renamed()).toEqual([['config', { command: 'CONFIG', renamed: 'guarded' }]]);
  say('SENTINEL', 'SET', 'mymaster', 'rename-command', 'config', 'Config');
  expect(renamed()).toEqual([]);
});

const USAGE = '-ERR Only SENTINEL CONFIG GET <option> / SET <option> <value> are supported.\r\n';

test.each([
  {
    args: ['GET', 'ANNOUNCE-[ip]*'],
    says: '*4\r\n$11\r\nannounce-ip\r\n$0\r\n\r\n$13\r\nannounce-port\r\n$1\r\n0\r\n',
  },
  { args: ['GET', 'nosuch'], says: '*0\r\n' },
  { args: ['GET'], says: USAGE },
  { args: ['GET', 'a', 'b'], says: USAGE },
  { args: ['SET', 'announce-port'], says: USAGE },
  { args: ['FOO', 'x'], says: USAGE },
  { args: ['SET', 'foo', 'x'], says: "-ERR Invalid argument 'foo' to SENTINEL CONFIG SET\r\n" },
  {
    args: ['SET', 'announce-port', '65536'],
    says: "-ERR Invalid value '65536' to SENTINEL CONFIG SET 'announce-port'\r\n",
  },
  { args: ['SET', 'Resolve-Hostnames', 'YES'], says: '+OK\r\n' },
])('SENTINEL CONFIG $args', ({ args, says }) => {
  expect(createBench().say('SENTINEL', 'CONFIG', ...args)).toBe(says);
});

test.each([
  {
    why: 'applied from left to right up to the first error',
    args: ['PING-period', '500', 'info-period', '0'],
    says: "-ERR Invalid argument '0' for SENTINEL DEBUG 'info-period'\r\n",
    ping: 500,
  },
  {
    why: 'a value missing',
    args: ['ping-period'],
    says: "-ERR Unknown option or number of arguments for SENTINEL DEBUG 'ping-period'\r\n",
    ping: 1000,
  },
  {
    why: 'an unknown name',
    args: ['foo', '1'],
    says: "-ERR Unknown option or number of arguments for SENTINEL DEBUG 'foo'\r\n",
    ping: 1000,
  },
])('SENTINEL DEBUG $args: $why', ({ args, says, ping }) => {
  const { say, state } = createBench();
  expect(say('SENTINEL', 'DEBUG', ...args)).toBe(says);
  expect(state.tunables.pingPeriodMs).toBe(ping);
});

test('a master of another case or behind a NUL byte: two commands end names there, the others do not', () => {
  const { say } = createBench();
  expect(say('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster\0x')).toContain('10.0.0.1');
  expect(say('SENTINEL', 'CKQUORUM', 'mymaster\0x')).toBe('-ERR No such master with that name\r\n');
  expect(say('SENTINEL', 'CKQUORUM', 'MyMaster')).toBe('-ERR No such master with that name\r\n');
});

test('CKQUORUM: what is missing is named, both where both are', () => {
  const { say, state } = createBench();
  const master = state.masters.get('mymaster');
  if (master === undefined) throw new Error('no master');
  expect(say('SENTINEL', 'CKQUORUM', 'mymaster')).toMatch(/^\+OK 2 usable Sentinels\. Quorum and failover/);
  for (const id of master.peers.values()) {
    const peer = state.instances.get(id);
    if (peer !== undefined) peer.sdownAt = 1;
  }
  expect(say('SENTINEL', 'CKQUORUM', 'mymaster')).toBe(
    '-NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the specified quorum for this master. ' +
      'Not enough available Sentinels to reach the majority and authorize a failover\r\n',
  );
});

const COMMON = ['name', 'ip', 'port', 'runid', 'flags', 'link-pending-commands', 'link-refcount', 'last-ping-sent'];
const PINGS = ['last-ok-ping-reply', 'last-ping-reply'];

test.each([
  {
    what: 'REPLICAS',
    names: [
      ...[...COMMON, ...PINGS, 'down-after-milliseconds', 'info-refresh', 'role-reported', 'role-reported-time'],
      ...['master-link-down-time', 'master-link-status', 'master-host', 'master-port', 'slave-priority'],
      ...['slave-repl-offset', 'replica-announced'],
    ],
  },
  {
    what: 'SENTINELS',
    names: [...COMMON, ...PINGS, 'down-after-milliseconds', 'last-hello-message', 'voted-leader', 'voted-leader-epoch'],
  },
])('SENTINEL $what: the fields in the order that clients count on', ({ what, names }) => {
  const [reply] = createBench().outcome('SENTINEL', what, 'mymaster').replies;
  const [item] = reply?.kind === 'array' ? reply.items : [];
  expect(fieldNames(item)).toEqual(names);
});

test('a replica that is not announced is hidden, but counted', () => {
  const { say, state } = createBench();
  for (const instance of state.instances.values()) if (instance.kind === 'replica') instance.announced = false;
  expect(say('SENTINEL', 'SLAVES', 'mymaster')).toBe('*0\r\n');
  expect(say('SENTINEL', 'MASTER', 'mymaster')).toContain('num-slaves\r\n$1\r\n1\r\n');
});

test('PUBLISH takes hellos only, and answers 1 whatever they say', () => {
  const { say } = createBench();
  expect(say('PUBLISH', '__sentinel__:hello', 'nonsense')).toBe(':1\r\n');
  expect(say('PUBLISH', '__SENTINEL__:hello', 'x')).toBe(
    '-ERR Only HELLO messages are accepted by Sentinel instances.\r\n',
  );
});

test('INFO: sections in their own order, whatever is asked for; strange ones add nothing', () => {
  const { say } = createBench();
  const titles = (text: string) => [...text.matchAll(/# (\w+)\r\n/g)].map(([, title]) => title);
  expect(titles(say('INFO'))).toEqual(['Server', 'Clients', 'Stats', 'CPU', 'Sentinel']);
  expect(titles(say('INFO', 'sentinel', 'SERVER', 'keyspace'))).toEqual(['Server', 'Sentinel']);
  expect(titles(say('INFO', 'Everything'))).toHaveLength(5);
  expect(say('INFO', 'keyspace')).toBe('$0\r\n\r\n');
  expect(say('INFO', 'sentinel')).toContain(
    'master0:name=mymaster,status=ok,address=10.0.0.1:6379,slaves=1,sentinels=2\r\n',
  );
});

test.each([
  { args: ['NOSAVE', 'SAVE'], says: '-ERR syntax error\r\n' },
  { args: ['ABORT', 'NOW'], says: '-ERR syntax error\r\n' },
  { args: ['abort'], says: '-ERR No shutdown in progress.\r\n' },
  { args: ['soon'], says: '-ERR syntax error\r\n' },
])('SHUTDOWN $args is refused', ({ args, says }) => {
  expect(createBench().say('SHUTDOWN', ...args)).toBe(says);
});

test.each([[], ['NOSAVE'], ['save', 'now', 'FORCE']])('SHUTDOWN %j ends the process without a word', (...args) => {
  expect(createBench().outcome('SHUTDOWN', ...args)).toEqual({ replies: [], shutdown: true });
});

test.each([
  { why: 'none', command: undefined, flags: 'master,disconnected' },
  { why: 'one that is being made', command: 'connecting', flags: 'master,disconnected' },
  { why: 'one that stands', command: 'open', flags: 'master' },
] as const)('the flags of a master with connections: $why', ({ command, flags }) => {
  const { say, state } = createBench();
  const master = state.masters.get('mymaster');
  if (master === undefined) throw new Error('no master');
  const link = linkOf(state, master);
  const connection = (role: Connection['role']): Connection | undefined =>
    command && {
      id: 1,
      role,
      status: command,
      since: 0,
      pending: [],
      localIp: undefined,
      proven: true,
      loginRefused: false,
    };
  link.command = connection('command');
  link.subscription = connection('subscription');
  expect(say('SENTINEL', 'MASTER', 'mymaster')).toContain(`$5\r\nflags\r\n$${flags.length}\r\n${flags}\r\n`);
});

test.each([
  { why: 'while its answer counts', age: 5000, flags: 'sentinel,master_down', leader: 'a-leader' },
  { why: 'not when it is older than five ask periods', age: 5001, flags: 'sentinel', leader: '?' },
])('what a peer answered about the master is shown: $why', ({ age, flags, leader }) => {
  const { say, state } = createBench();
  for (const instance of state.instances.values())
    if (instance.kind === 'peer') {
      instance.answer = { at: NOW - age, down: true };
      instance.vote = { leader: 'a-leader', epoch: 7n };
    }
  const reply = say('SENTINEL', 'SENTINELS', 'mymaster');
  expect(/flags\r\n\$\d+\r\n(\S+)\r\n/.exec(reply)?.[1]?.replace(',disconnected', '')).toBe(flags);
  expect(/voted-leader\r\n\$\d+\r\n(\S+)\r\n/.exec(reply)?.[1]).toBe(leader);
  expect(reply).toContain('voted-leader-epoch\r\n$1\r\n7\r\n');
});

test.each([
  ['SENTINEL', 'MONITOR', 'x'.repeat(65_537), '127.0.0.1', '6379', '2'],
  ['SENTINEL', 'SET', 'mymaster', 'auth-pass', 'x'.repeat(65_537)],
  ['SENTINEL', 'CONFIG', 'SET', 'sentinel-pass', 'x'.repeat(65_537)],
])('what would make the file too long is refused: %s %s', (...words) => {
  const { say } = createBench();
  expect(say(...words)).toBe('-ERR Arguments cannot be longer than 65536 bytes.\r\n');
  expect(say(...words.map((word) => word.slice(0, 65_536)))).toBe('+OK\r\n');
});
