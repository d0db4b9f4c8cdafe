// Loading a whole configuration: order, includes, the command line, users, and what this version refuses.
import { describe, expect, test } from 'vitest';
import { commandLineToLines } from '../../src/config/command-line.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadConfig } from '../../src/config/load.ts';
import { rewriteConfig } from '../../src/config/rewrite.ts';
import { fakeEnvironment, sha256Hex } from './fake-environment.ts';
import { refusedTexts } from './refused-texts.ts';

const M = 'sentinel monitor m 10.0.0.1 6379 2';
const H = 'a'.repeat(64);
const ID = 'b'.repeat(40);

type World = Parameters<typeof fakeEnvironment>[0];
const load = (text: string, world?: World) => loadConfig(text, fakeEnvironment(world));
const masterOf = (text: string, world?: World) => load(text, world).durable.masters[0];

function refusal(text: string, world?: World): ConfigError {
  try {
    load(text, world);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error(`was not refused: ${text}`);
}

test.each(refusedTexts)('refused: $why', ({ text, line, reason }) => {
  const error = refusal(text);
  expect({ line: error.line, reason: error.reason, text: error.text }).toEqual({
    line,
    reason,
    text: text.split('\n')[line - 1]?.trim(),
  });
});

describe('sentinel directives', () => {
  test('every directive, in reverse order and mixed case', () => {
    const lines = [
      `SENTINEL myid ${ID}`,
      'sentinel deny-scripts-reconfig NO',
      'sentinel Resolve-Hostnames yes',
      'sentinel announce-hostnames yes',
      'sentinel announce-ip host.example',
      'sentinel announce-port -5',
      'sentinel sentinel-user u',
      'sentinel sentinel-pass p',
      'sentinel current-epoch 3',
      'sentinel monitor m node.example 6379 2',
      'sentinel down-after-milliseconds m 5000ms',
      'sentinel failover-timeout m 4294972296',
      'sentinel parallel-syncs m abc',
      'sentinel notification-script m /n.sh',
      'sentinel client-reconfig-script m /r.sh',
      'sentinel auth-pass m #ab',
      'sentinel auth-user m sentinel',
      'sentinel master-reboot-down-after-period m 7',
      'sentinel config-epoch m 18446744073709551615',
      'sentinel leader-epoch m 12abc',
      'sentinel known-replica m r.example 1',
      'sentinel known-sentinel m s.example 2 someid',
      'sentinel known-sentinel nobody ignored 3',
      'sentinel rename-command m CONFIG ""',
      'sentinel',
    ];
    const { durable } = load(lines.reverse().join('\n'));
    expect(durable).toEqual({
      myId: ID,
      currentEpoch: 18446744073709551615n,
      denyScriptsReconfig: false,
      resolveHostnames: true,
      announceHostnames: true,
      announceIp: 'host.example',
      announcePort: -5,
      sentinelUser: 'u',
      sentinelPass: 'p',
      masters: [
        {
          name: 'm',
          host: 'node.example',
          port: 6379,
          quorum: 2,
          downAfterMs: 5000,
          failoverTimeoutMs: 5000,
          parallelSyncs: 0,
          notificationScript: '/n.sh',
          clientReconfigScript: '/r.sh',
          authPass: '#ab',
          authUser: 'sentinel',
          rebootDownAfterMs: 7,
          configEpoch: 18446744073709551615n,
          leaderEpoch: 12n,
          replicas: [{ host: 'r.example', port: 1 }],
          peers: [{ host: 's.example', port: 2, runId: 'someid' }],
          renamedCommands: new Map([['config', { command: 'CONFIG', renamed: '' }]]),
        },
      ],
    });
  });

  test('defaults', () => {
    expect(load('').durable).toEqual({
      myId: undefined,
      currentEpoch: 0n,
      denyScriptsReconfig: true,
      resolveHostnames: false,
      announceHostnames: false,
      announceIp: undefined,
      announcePort: 0,
      sentinelUser: undefined,
      sentinelPass: undefined,
      masters: [],
    });
    expect(masterOf(M)).toMatchObject({
      downAfterMs: 30000,
      failoverTimeoutMs: 180000,
      parallelSyncs: 1,
      authPass: undefined,
    });
  });

  test.each([
    {
      why: 'masters keep the order in which they appear',
      text: 'sentinel monitor z 10.0.0.1 1 1\nsentinel monitor a 10.0.0.1 2 1',
      names: ['z', 'a'],
    },
    {
      why: 'names are not checked',
      text: 'sentinel monitor "" 10.0.0.1 1 1\nsentinel monitor "a b#" 10.0.0.1 1 1\nsentinel monitor __proto__ 10.0.0.1 1 1',
      names: ['', 'a b#', '__proto__'],
    },
  ])('$why', ({ text, names }) => expect(load(text).durable.masters.map((master) => master.name)).toEqual(names));

  test('scalars: the last one wins; empty texts are ignored or mean unset', () => {
    const text = `${M}\nsentinel auth-pass m a\nsentinel auth-pass m b\nsentinel auth-user m x\nsentinel auth-user m ""\nsentinel announce-ip a\nsentinel announce-ip ""\nsentinel current-epoch 9\nsentinel current-epoch 3`;
    const { durable } = load(text);
    expect(durable.masters[0]).toMatchObject({ authPass: 'b', authUser: undefined });
    expect(durable).toMatchObject({ announceIp: 'a', currentEpoch: 9n });
  });

  test('addresses are brought to one spelling, unless announce-hostnames keeps texts as they are', () => {
    expect(masterOf('sentinel monitor m 2001:DB8::0:1 1 1')?.host).toBe('2001:db8::1');
    expect(masterOf('sentinel announce-hostnames yes\nsentinel monitor m 2001:DB8::0:1 1 1')?.host).toBe(
      '2001:DB8::0:1',
    );
  });

  test('the refused name is logged first, as the genuine server does', () => {
    expect(refusal('sentinel monitor m no.host 1 1').logLines).toEqual(["Failed to resolve hostname 'no.host'"]);
  });
});

describe('tolerated, with a warning', () => {
  test.each([
    {
      why: 'ignored characters',
      text: `${M}\nsentinel failover-timeout m 5s`,
      warning: "line 2: '5s' is not quite a number: it is read as 5",
    },
    {
      why: 'known-slave beside known-replica',
      text: `${M}\nsentinel known-slave m 10.0.0.2 1\nsentinel known-replica m 10.0.0.2 1`,
      warning: 'line 3: the replica is listed twice',
    },
    {
      why: 'the name Valkey writes',
      text: `${M}\nsentinel primary-reboot-down-after-period m 5`,
      warning:
        "line 2: 'primary-reboot-down-after-period' is what Valkey calls 'master-reboot-down-after-period', and it will be written as that",
    },
    {
      why: 'renaming a command a sentinel does not have',
      text: 'rename-command CONFIG ""',
      warning: "line 1: a sentinel has no command 'CONFIG': rename-command has no effect",
    },
    {
      why: 'a data-node option',
      text: 'appendonly yes',
      warning: "line 1: 'appendonly' means nothing to a sentinel: it has no effect",
    },
    {
      why: 'an option by its alias',
      text: 'slave-priority 3',
      warning: "line 1: 'replica-priority' means nothing to a sentinel: it has no effect",
    },
    {
      why: 'a name of a newer release',
      text: 'locale-collate C',
      warning: "line 1: 'locale-collate' means nothing to a sentinel: it has no effect",
    },
    {
      why: 'a module setting',
      text: 'foo.bar x',
      warning: "line 1: 'foo.bar' means nothing to a sentinel: it has no effect",
    },
    {
      why: 'loadmodule',
      text: 'loadmodule /x.so',
      warning: "line 1: 'loadmodule' means nothing to a sentinel: it has no effect",
    },
    {
      why: 'an option of a later version',
      text: 'maxmemory-clients 1mb',
      warning: "line 1: 'maxmemory-clients' is not supported by this version of ts-sentinel yet: it has no effect",
    },
  ])('$why', ({ text, warning }) => expect(load(text).warnings).toEqual([warning]));

  test.each([
    { why: 'an unsupported option that says the default', text: 'maxmemory-clients 0' },
    {
      why: 'what the genuine server writes into every file',
      text: 'latency-tracking-info-percentiles 50 99 99.9\nuser default on nopass ~* &* +@all\nprotected-mode no',
    },
  ])('no warning: $why', ({ text }) => expect(load(text).warnings).toEqual([]));

  test('known-slave is an old name that needs no warning', () => {
    const text = `${M}\nsentinel known-slave m 10.0.0.2 1\nsentinel known-slave m 10.0.0.3 1`;
    expect(load(text).warnings).toEqual([]);
    expect(load(text).durable.masters[0]?.replicas).toHaveLength(2);
  });
});

test.each([
  { why: 'nobody hears of it', text: 'port 0\ntls-port 5', warnings: 1 },
  { why: 'peers come over TLS, too', text: 'port 0\ntls-port 5\ntls-replication yes', warnings: 0 },
  { why: 'peers come by the plain port', text: 'port 4\ntls-port 5', warnings: 0 },
  { why: 'the file says what peers hear', text: 'port 0\ntls-port 5\nsentinel announce-port 5', warnings: 0 },
])('a port for TLS only, and $why', ({ text, warnings }) => {
  expect(load(text).warnings).toHaveLength(warnings);
});

test('the last aclfile counts: one that was taken back is not read', () => {
  expect(() => load('aclfile /x\naclfile ""')).not.toThrow();
});

describe('the default user', () => {
  test.each([
    { why: 'no line: requirepass decides', text: 'requirepass pw', hashes: [sha256Hex('pw')], warnings: 0 },
    { why: 'no line, no password', text: '', hashes: [], warnings: 0 },
    {
      why: 'nopass wins over requirepass, with a warning',
      text: 'user default on nopass ~* &* +@all\nrequirepass pw',
      hashes: [],
      warnings: 1,
    },
    {
      why: 'its passwords win over requirepass, with a warning',
      text: `requirepass pw\nuser default on #${H} ~* &* +@all`,
      hashes: [H],
      warnings: 1,
    },
    {
      why: 'the pair that the genuine server writes',
      text: `requirepass pw\nuser default on #${sha256Hex('pw')} ~* &* +@all`,
      hashes: [sha256Hex('pw')],
      warnings: 0,
    },
    {
      why: 'a clear password in the line',
      text: 'user default on sanitize-payload >pw ~* &* +@all',
      hashes: [sha256Hex('pw')],
      warnings: 0,
    },
    {
      why: 'no channels: with a warning, since nothing is heard of it otherwise',
      text: 'user default on nopass ~* +@all',
      hashes: [],
      warnings: 1,
    },
    {
      why: 'channels by acl-pubsub-default, wherever it stands',
      text: 'user default on nopass ~* +@all\nacl-pubsub-default allchannels',
      hashes: [],
      warnings: 0,
    },
  ])('$why', ({ text, hashes, warnings }) => {
    const loaded = load(text);
    expect(loaded.users.get('default')).toMatchObject({ passwords: hashes, nopass: hashes.length === 0 });
    expect(loaded.warnings).toHaveLength(warnings);
    expect(loaded.general.requirePass).toBe(text.includes('requirepass') ? 'pw' : undefined);
  });
});

describe('rename-command', () => {
  const names = (text: string) => Object.fromEntries(load(text).commandNames);

  test.each([
    { why: 'without it each has its own name', text: '', gone: [], added: {} },
    { why: 'another name', text: 'rename-command PING p2', gone: ['ping'], added: { p2: 'ping' } },
    { why: 'no name', text: 'rename-command SENTINEL ""', gone: ['sentinel'], added: {} },
    { why: 'twice', text: 'rename-command PING P2\nrename-command p2 p3', gone: ['ping'], added: { p3: 'ping' } },
    { why: 'names swapped', text: swap('ping', 'role'), gone: [], added: { ping: 'role', role: 'ping' } },
    { why: 'to itself', text: 'rename-command PING ping', gone: [], added: {} },
  ])('$why', ({ text, gone, added }) => {
    const expected: Record<string, string> = { ...names(''), ...added };
    for (const name of gone) delete expected[name];
    expect(names(text)).toEqual(expected);
  });

  test.each([
    { why: 'a name that is taken', text: 'rename-command PING role', reason: 'Target command name already exists' },
    {
      why: 'a command that is renamed already',
      text: 'rename-command PING x\nrename-command ping y',
      reason: 'No such command in rename-command',
    },
  ])('refused: $why', ({ text, reason }) => expect(refusal(text).reason).toBe(reason));
});

const swap = (a: string, b: string) => `rename-command ${a} x\nrename-command ${b} ${a}\nrename-command x ${b}`;

describe('text', () => {
  test('a NUL byte is refused, with its line', () => {
    expect(refusal('port 1\n# a\0b\n')).toMatchObject({ line: 2, reason: 'NUL byte in configuration line' });
  });

  test('CR, indentation and missing final line feed', () => {
    expect(load('\tport 5 \r\n   # x\r\ntimeout 3').general).toMatchObject({ port: 5, timeout: 3 });
  });

  test('standard input is read like the end of the file', () => {
    expect(load('port 5\n', { stdin: 'timeout 3' }).general).toMatchObject({ port: 5, timeout: 3 });
  });

  test('the log file is tried after each text; its error has no line', () => {
    expect(refusal('logfile /no-such/x')).toMatchObject({
      line: undefined,
      reason: "Can't open the log file: No such file or directory",
    });
  });

  test('dir takes effect at once and is the directory in effect', () => {
    expect(load('dir /a\ndir /b').inEffect.dir).toBe('/b');
    expect(load('dir /a').general.dir).toBe('/a');
  });
});

describe('include', () => {
  const files = {
    '/inc.conf': `loglevel verbose\n${M}\nsentinel known-replica m 10.0.0.2 1`,
    '/bad.conf': '\n\nport x',
    '/loop.conf': 'include /loop.conf',
  };

  test('its lines count like lines of the file', () => {
    const loaded = load('include /inc.conf\nsentinel parallel-syncs m 4', { files });
    expect(loaded.general.loglevel).toBe('verbose');
    expect(loaded.durable.masters[0]).toMatchObject({ name: 'm', parallelSyncs: 4 });
  });

  test('an error has the line within the included file', () => {
    const error = refusal('port 1\ninclude /bad.conf', { files });
    expect(error).toMatchObject({ line: 3, text: 'port x', file: '/bad.conf' });
  });

  test('a missing file is only logged', () => {
    expect(refusal('include /none.conf', { files })).toMatchObject({
      channel: 'log',
      logLines: ["Fatal error, can't open config file '/none.conf': No such file or directory"],
    });
  });

  test('a wildcard may find nothing, or several', () => {
    expect(load('include /none*', { files }).warnings).toEqual([]);
    expect(load('include /inc*', { files }).durable.masters).toHaveLength(1);
  });

  test('a cycle is refused', () => {
    expect(refusal('include /loop.conf', { files })).toMatchObject({
      file: '/loop.conf',
      reason: 'include cycle: /loop.conf is being read already',
    });
    const own = { files: { '/s.conf': '' }, configFile: '/s.conf' };
    expect(refusal('include /s.conf', own).reason).toContain('cycle');
  });

  test.each([
    { why: 'above', order: (main: string) => `include /inc.conf\n${main}` },
    { why: 'below', order: (main: string) => `${main}\ninclude /inc.conf` },
  ])(
    'a master that a rewrite copied into the main file is one master; the main file wins (include $why)',
    ({ order }) => {
      const world = {
        files: {
          '/inc.conf': `${M}\nsentinel parallel-syncs m 2\nsentinel known-replica m 10.0.0.2 1\nsentinel known-sentinel m 10.0.0.9 1 id\nsentinel rename-command m CONFIG a`,
        },
      };
      const main =
        '# Generated by CONFIG REWRITE\nsentinel monitor m 10.0.0.7 6380 3\nsentinel parallel-syncs m 5\nsentinel known-replica m 10.0.0.2 1\nsentinel known-sentinel m 10.0.0.8 1 id\nsentinel rename-command m CONFIG b\nsentinel known-replica m 10.0.0.3 1';
      const loaded = load(order(main), world);
      expect(loaded.durable.masters).toHaveLength(1);
      expect(loaded.durable.masters[0]).toMatchObject({
        host: '10.0.0.7',
        quorum: 3,
        parallelSyncs: 5,
        peers: [{ host: '10.0.0.8', port: 1, runId: 'id' }],
      });
      expect(loaded.durable.masters[0]?.replicas.map(({ host }) => host)).toEqual(['10.0.0.2', '10.0.0.3']);
      expect(loaded.durable.masters[0]?.renamedCommands.get('config')?.renamed).toBe('b');
      expect(loaded.warnings).toHaveLength(1);
    },
  );

  test('an included master repeated by hand is refused', () => {
    expect(refusal(`include /inc.conf\n${M}`, { files }).reason).toBe('Duplicate master name.');
  });
});

describe('a user of an included file or of the command line that a rewrite copied into the main file', () => {
  const SIGNATURE = '# Generated by CONFIG REWRITE';
  const files = { '/users.conf': 'user ops on >old ~* &* +@all' };
  const commandLine = ['user ops on >old ~* &* +@all'];
  const opsOf = (text: string, world: World) => {
    const { users, warnings } = load(text, world);
    return { passwords: users.get('ops')?.passwords, users: users.size, warnings };
  };
  const now = [sha256Hex('new')];

  test.each([
    { why: 'include above', text: `include /users.conf\n${SIGNATURE}\nuser ops on >new`, line: 3 },
    { why: 'include below', text: `${SIGNATURE}\nuser ops on >new\ninclude /users.conf`, line: 1 },
  ])('is the main file’s ($why)', ({ text, line }) => {
    const file = line === 1 ? '/users.conf ' : '';
    const warnings = [`${file}line ${line}: an included file defines user 'ops' as well: the main file wins`];
    expect(opsOf(text, { files })).toEqual({ passwords: now, users: 2, warnings });
  });

  test('is the main file’s (command line)', () => {
    const warnings = ["line 4: the command line defines user 'ops' as well: the main file wins"];
    expect(opsOf(`${SIGNATURE}\nuser ops on >new\n`, { commandLine })).toEqual({ passwords: now, users: 2, warnings });
  });

  test('is the main file’s (in all three)', () => {
    const loaded = opsOf(`include /users.conf\n${SIGNATURE}\nuser ops on >new`, { files, commandLine });
    expect(loaded).toMatchObject({ passwords: now, users: 2 });
    expect(loaded.warnings).toHaveLength(2);
  });

  test('the file that the first start has saved is the one that the second start reads and saves', () => {
    const text = `include /users.conf\n${M}\n`;
    const first = load(text, { files });
    const saved = rewriteConfig(text, first.durable, first.inEffect);
    expect(saved).toMatch(new RegExp(`^${SIGNATURE}\n(.*\n)*user ops on `, 'm'));
    const second = load(saved, { files });
    expect(second.users.get('ops')).toEqual(first.users.get('ops'));
    expect(second.warnings).toHaveLength(1);
    const again = rewriteConfig(saved, second.durable, second.inEffect);
    expect(again.match(/^user ops .*/gm)).toEqual(saved.match(/^user ops .*/gm));
  });

  test.each([
    { why: 'by hand above the signature', text: 'include /users.conf\nuser ops on >new', world: { files } },
    { why: 'by hand and on the command line', text: 'user ops on >new', world: { commandLine } },
    { why: 'in an included file and on the command line', text: 'include /users.conf', world: { files, commandLine } },
    { why: 'twice in the main file', text: `user ops on\n${SIGNATURE}\nuser ops on`, world: {} },
    { why: 'twice below the signature', text: `${SIGNATURE}\nuser ops on\nuser ops on`, world: {} },
    { why: 'in two included files', text: 'include /users.conf\ninclude /users.con?', world: { files } },
  ])('declared twice otherwise it is refused: $why', ({ text, world }) => {
    expect(refusal(text, world).reason).toMatch(/^Error in user declaration 'ops': Duplicate user found\./);
  });

  test('a line that loses may hold no nonsense', () => {
    const world = { files: { '/users.conf': 'user ops on blah' } };
    expect(refusal(`${SIGNATURE}\nuser ops on >new\ninclude /users.conf`, world).reason).toMatch(/Syntax error$/);
  });
});

describe('the command line', () => {
  const withArgs = (...args: string[]): World => ({ commandLine: commandLineToLines(args).lines });

  test('wins over the file; its lines follow two behind the complete ones', () => {
    expect(load('port 1\n', withArgs('--port', '2')).general.port).toBe(2);
    expect(refusal('port 1\n', withArgs('--timeout', '1', '--port', 'x')).line).toBe(4);
    expect(refusal('port 1', withArgs('--port', 'x')).line).toBe(2);
  });

  test('a bare --sentinel is ignored, with a value it is refused', () => {
    expect(load('', withArgs('--sentinel')).warnings).toEqual([]);
    expect(refusal('', withArgs('--sentinel', 'yes')).reason).toBe('Unrecognized sentinel configuration statement.');
  });

  const rewritten = (text: string, world: World, change: object = {}) => {
    const loaded = load(text, world);
    return rewriteConfig(text, { ...loaded.durable, ...change }, loaded.inEffect).split('\n');
  };

  test('scalars stay out of the file, and its own lines stay as they are', () => {
    const text = `port   1\n${M}\nsentinel parallel-syncs m 2`;
    const lines = rewritten(
      text,
      withArgs(
        '--port',
        '2',
        '--timeout',
        '9',
        '--sentinel',
        'announce-ip',
        'x',
        '--sentinel',
        'parallel-syncs',
        'm',
        '5',
      ),
    );
    expect(lines).toContain('port   1');
    expect(lines).toContain('sentinel parallel-syncs m 2');
    expect(lines.join('\n')).not.toMatch(/timeout 9|announce-ip/);
  });

  test('what SENTINEL SET changed later is written', () => {
    const lines = rewritten(M, withArgs('--sentinel', 'announce-ip', 'x'), { announceIp: 'y' });
    expect(lines).toContain('sentinel announce-ip "y"');
  });

  test('a password of the command line makes no user line: the next start would prefer it', () => {
    expect(rewritten(M, withArgs('--requirepass', 'pw')).join('\n')).not.toMatch(/user default|requirepass/);
  });

  test('a master is saved, and at the next start ignored with a warning', () => {
    const args = withArgs('--sentinel', 'monitor', 'c', '10.0.0.9', '1', '2', '--sentinel', 'auth-pass', 'c', 'pw');
    const saved = rewritten('', args).join('\n');
    expect(saved).toContain('sentinel monitor c 10.0.0.9 1 2');
    const moved = saved.replace('10.0.0.9', '10.0.0.8');
    const again = load(moved, args);
    expect(again.durable.masters).toMatchObject([{ name: 'c', host: '10.0.0.8', authPass: 'pw' }]);
    expect(again.warnings).toHaveLength(1);
  });
});
