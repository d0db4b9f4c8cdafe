// The rewritten file: recorded examples of redis-sentinel 7.0.15, our deviations, and that nothing is ever lost.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { rewriteConfig } from '../../src/config/rewrite.ts';
import type { DurableMaster, DurableState } from '../../src/core/durable.ts';
import { fakeEnvironment, sha256Hex } from './fake-environment.ts';
import { generateState, seededDraw, sorted } from './generate-state.ts';
import { comparable } from './recorded.ts';

type World = Parameters<typeof fakeEnvironment>[0];
const load = (text: string, world?: World) => loadConfig(text, fakeEnvironment(world));
const recorded = (name: string) => readFileSync(new URL(`corpus/recorded/${name}.conf`, import.meta.url), 'latin1');

/** What a running sentinel that started from `text` and then came to `change` leaves in the file. */
function rewritten(
  text: string,
  change: (state: DurableState) => Partial<DurableState> = () => ({}),
  from = text,
): string {
  const loaded = load(text);
  const state = { ...loaded.durable, myId: loaded.durable.myId ?? 'f'.repeat(40) };
  return rewriteConfig(from, { ...state, ...change(state) }, loaded.inEffect);
}

const onMaster = (change: Partial<DurableMaster>) => (state: DurableState) => ({
  masters: state.masters.map((master, at) => (at === 0 ? { ...master, ...change } : master)),
});

describe('recorded examples (spec/config.md §4.5)', () => {
  const myId = 'b1f6b0f987fed490cee1ec5a041b528dea314690';
  const peers = [
    { host: '10.20.0.23', port: 26379, runId: '627d9b569526723277f7a1ac9955018ecf0582da' },
    { host: '10.20.0.22', port: 26379, runId: '7ac01c2b7fb5c53d0f5203448322bb57bfbc89cc' },
  ];
  const replicas = (...hosts: string[]) => hosts.map((host) => ({ host, port: 6379 }));
  const second = { name: 'second', host: '10.20.0.99', port: 6379, quorum: 2 };

  test('distribution file; the options of its command line stay out of it (TS-D5)', () => {
    const loaded = load(recorded('distribution-before'), { commandLine: ['supervised systemd', 'daemonize no'] });
    const durable = { ...loaded.durable, myId: '9a3580b8e50173605661c3477bdeb6045d6dd1b3' };
    const expected = recorded('distribution-after')
      .replace('daemonize no', 'daemonize yes')
      .replace('supervised systemd\n', '');
    expect(comparable(rewriteConfig(recorded('distribution-before'), durable, loaded.inEffect))).toEqual(
      comparable(expected),
    );
  });

  // One sentinel's life: each step starts from the file that the genuine server left at the step before.
  const base = load(recorded('failover-before')).durable.masters[0];
  if (base === undefined) throw new Error('no master');
  const discovered = { ...base, replicas: replicas('10.20.0.13', '10.20.0.12'), peers };
  const failedOver = {
    ...discovered,
    host: '10.20.0.13',
    configEpoch: 1n,
    leaderEpoch: 1n,
    replicas: replicas('10.20.0.12', '10.20.0.11'),
  };
  const changed = {
    ...failedOver,
    quorum: 3,
    downAfterMs: 30_000,
    parallelSyncs: 2,
    authUser: 'watcher',
    authPass: 'n3w#pass',
    renamedCommands: new Map([['config', { command: 'CONFIG', renamed: 'hidden-config' }]]),
  };
  const undone = { ...changed, authUser: undefined, authPass: undefined, renamedCommands: new Map() };
  const user = /\nuser ops .*\n/; // users come with a later version
  test.each([
    { why: 'discovery', before: 'failover-before', after: 'failover-discovered', state: { masters: [discovered] } },
    {
      why: 'failover: the old master takes the place of the promoted replica',
      before: 'failover-discovered',
      after: 'failover-after',
      state: { masters: [failedOver], currentEpoch: 1n },
    },
    {
      why: 'changes at run time',
      before: 'failover-after',
      after: 'changes-made',
      state: {
        masters: [changed, { ...base, ...second, downAfterMs: 30_000, failoverTimeoutMs: 180_000 }],
        currentEpoch: 1n,
        announcePort: 36379,
      },
    },
    {
      why: 'undoing them',
      before: 'changes-made',
      after: 'changes-undone',
      state: { masters: [undone], currentEpoch: 1n },
    },
  ])('$why', ({ before, after, state }) => {
    const text = recorded(before).replace(user, '\n');
    const { durable, inEffect } = load(recorded('failover-before'));
    const result = rewriteConfig(text, { ...durable, myId, ...state }, inEffect);
    expect(comparable(result)).toEqual(comparable(recorded(after).replace(user, '\n')));
  });

  test('where nothing is appended, the whole text is the same, line for line', () => {
    const { durable, inEffect } = load(recorded('failover-before'));
    const state = { ...durable, myId, masters: [failedOver], currentEpoch: 1n };
    const swapped = { ...failedOver, replicas: replicas('10.20.0.11', '10.20.0.12') };
    for (const one of [failedOver, swapped]) {
      const result = rewriteConfig(recorded('failover-discovered'), { ...state, masters: [one] }, inEffect);
      expect(result.trimEnd()).toBe(recorded('failover-after').trimEnd());
    }
  });
});

describe('lines', () => {
  const M = 'sentinel monitor m 10.0.0.1 6379 2';
  test.each([
    { why: 'comments, indentation and runs of empty lines', text: `  # a\n\n\n\n#b\n${M}`, head: ['# a', '', '#b', M] },
    {
      why: 'a value equal to the default is replaced in place',
      text: 'timeout 0\nlogfile ""',
      head: ['timeout 0', 'logfile ""'],
    },
    {
      why: 'the first of several lines of a scalar is kept, with the last value',
      text: 'timeout 1\n# x\ntimeout 2',
      head: ['timeout 2', '# x', ''],
    },
    { why: 'unset text removes its line', text: 'requirepass ""\npidfile ""', head: [''] },
    {
      why: 'words in lower case, one blank',
      text: 'SENTINEL  Monitor m   10.0.0.1 6379 2\nPORT 5',
      head: [M, 'port 5'],
    },
    {
      why: 'default options of a master go',
      text: `${M}\nsentinel down-after-milliseconds m 30000\n# x`,
      head: [M, '', '# x'],
    },
    {
      why: 'default yes/no stay where a line is',
      text: 'sentinel deny-scripts-reconfig YES\nsentinel resolve-hostnames no',
      head: ['sentinel deny-scripts-reconfig yes', 'sentinel resolve-hostnames no'],
    },
    {
      why: 'empty announce-ip, port 0 and a peer without id go',
      text: `sentinel announce-ip ""\n# x\nsentinel announce-port 0\n${M}\nsentinel known-sentinel m 10.0.0.2 3\n# y`,
      head: ['', '# x', '', M, '', '# y'],
    },
    {
      why: 'include, general rename-command and a lone sentinel stay',
      text: 'include /none*\nrename-command CONFIG ""\nsentinel\nsentinel # x'.split('\n').slice(0, 3).join('\n'),
      head: ['include /none*', 'rename-command CONFIG ""', 'sentinel'],
    },
    {
      why: 'lines that mean nothing to a sentinel stay as they are (§3.2)',
      text: 'save 900 1\nsave 300 10\nslave-priority 3\nmasterauth x\nfoo.bar 1\nlist-max-ziplist-entries 5\nloadmodule /x\nlocale-collate C',
      head: [
        'save 900 1',
        'save 300 10',
        'slave-priority 3',
        'masterauth x',
        'foo.bar 1',
        'list-max-ziplist-entries 5',
        'loadmodule /x',
        'locale-collate C',
      ],
    },
    {
      why: 'known-slave becomes known-replica in its place (TS-D2)',
      text: `${M}\nsentinel known-slave m 10.0.0.2 1\n# x`,
      head: [M, 'sentinel known-replica m 10.0.0.2 1', '# x'],
    },
    {
      why: "Valkey's name becomes the genuine one",
      text: `${M}\nsentinel primary-reboot-down-after-period m 5`,
      head: [M, 'sentinel master-reboot-down-after-period m 5'],
    },
    {
      why: 'one buffer limit line is reused for the first class',
      text: 'client-output-buffer-limit pubsub 32mb 8mb 60',
      head: ['client-output-buffer-limit normal 0 0 0'],
    },
    {
      why: 'what differs gets every class its line at once',
      text: '# x\nclient-output-buffer-limit pubsub 1gb 0 0',
      head: ['# x', 'client-output-buffer-limit pubsub 1gb 0 0'],
    },
    {
      why: 'the percentiles are not ours',
      text: 'latency-tracking-info-percentiles 99',
      head: ['latency-tracking-info-percentiles 99'],
    },
  ])('$why', ({ text, head }) => {
    const lines = rewritten(text).split('\n');
    expect(lines.slice(0, head.length)).toEqual(head);
    expect(rewritten(text, undefined, rewritten(text)), 'same text again').toBe(rewritten(text));
  });

  test('a first rewrite of an empty file has everything the genuine server writes', () => {
    expect(rewritten('').trimEnd().split('\n')).toEqual([
      '# Generated by CONFIG REWRITE',
      'dir "/"',
      'latency-tracking-info-percentiles 50 99 99.9',
      'protected-mode no',
      'port 26379',
      'user default on nopass ~* &* +@all',
      `sentinel myid ${'f'.repeat(40)}`,
      'sentinel current-epoch 0',
    ]);
  });

  test('requirepass brings the default user with its hash, and after a reload the longer form', () => {
    const once = rewritten('requirepass "a b"');
    expect(once).toContain(`requirepass "a b"\n`);
    expect(once).toContain(`\nuser default on #${sha256Hex('a b')} ~* &* +@all\n`);
    expect(rewritten(once)).toContain(`\nuser default on sanitize-payload #${sha256Hex('a b')} ~* &* +@all\n`);
  });

  test('edits made meanwhile are merged: comments and unknown lines stay, known ones are ours', () => {
    const edited = `# new\n${M}\nport 7\nsentinel frobnicate x\nbogus 1\nsentinel auth-pass m it's\nsentinel monitor other 10.0.0.9 1 1\n`;
    const lines = rewritten(M, undefined, edited).split('\n');
    expect(lines.slice(0, 6)).toEqual([
      '# new',
      M,
      'port 26379',
      'sentinel frobnicate x',
      '# ??? bogus 1',
      "# ??? sentinel auth-pass m it's",
    ]);
    expect(lines.join('\n')).not.toContain('other');
  });

  test('a file that was emptied or deleted is rebuilt from memory', () => {
    const text = `port 5\nrequirepass x\n${M}\nsentinel auth-pass m "a b"`;
    const rebuilt = load(rewritten(text, undefined, ''));
    expect(rebuilt.durable.masters).toEqual(load(text).durable.masters);
    expect(rebuilt.general).toEqual({ ...load(text).general, dir: '/' });
  });

  test('a removed master leaves no line, the others stay in their places (TS-D9)', () => {
    const two = `# one\nsentinel monitor a 10.0.0.1 1 1\nsentinel auth-pass a x\n# two\nsentinel monitor b 10.0.0.2 1 1\nsentinel auth-pass b y`;
    const reversed = rewritten(two, (state) => ({ masters: [...state.masters].reverse() })).split('\n');
    expect(reversed.slice(0, 6)).toEqual(two.split('\n'));
    const one = rewritten(two, (state) => ({ masters: state.masters.slice(1) }));
    expect(one.split('\n').slice(0, 5)).toEqual([
      '# one',
      '',
      '# two',
      'sentinel monitor b 10.0.0.2 1 1',
      'sentinel auth-pass b y',
    ]);
    expect(one).not.toMatch(/sentinel \S+ a /);
    expect(rewritten(two, () => ({ masters: [] }))).not.toContain('sentinel monitor');
  });

  test('new masters come in order of appearance', () => {
    const text = rewritten(M, (state) => ({
      masters: ['m', 'z', 'c', 'y'].map((name) => ({ ...masterIn(state), name })),
    }));
    expect(text.match(/^sentinel monitor \S+/gm)).toEqual(
      ['m', 'z', 'c', 'y'].map((name) => `sentinel monitor ${name}`),
    );
  });

  const masterIn = (state: DurableState): DurableMaster => {
    const [first] = state.masters;
    if (first === undefined) throw new Error('no master');
    return first;
  };

  test('a replica that stays keeps its line when another one goes', () => {
    const text = `${M}\nsentinel known-replica m 10.0.0.2 1\n# three\nsentinel known-replica m 10.0.0.3 1\nsentinel known-replica m 10.0.0.4 1`;
    const lines = rewritten(
      text,
      onMaster({ replicas: ['4', '3', '5'].map((last) => ({ host: `10.0.0.${last}`, port: 1 })) }),
    ).split('\n');
    expect(lines.slice(1, 5)).toEqual([
      'sentinel known-replica m 10.0.0.5 1',
      '# three',
      'sentinel known-replica m 10.0.0.3 1',
      'sentinel known-replica m 10.0.0.4 1',
    ]);
  });
});

describe('values that need quotes (TS-D1)', () => {
  test.each([
    { why: 'blank', value: 'foo bar', line: 'sentinel auth-pass m "foo bar"' },
    { why: 'apostrophe', value: "it's", line: `sentinel auth-pass m "it's"` },
    {
      why: 'line feed: never a new line',
      value: 'x\nsentinel notification-script m /evil.sh',
      line: String.raw`sentinel auth-pass m "x\nsentinel notification-script m /evil.sh"`,
    },
    { why: 'carriage return', value: 'x\ry', line: String.raw`sentinel auth-pass m "x\ry"` },
    { why: 'NUL', value: 'x\0y', line: String.raw`sentinel auth-pass m "x\x00y"` },
    { why: 'bytes above ASCII', value: '\xc3\xa9', line: String.raw`sentinel auth-pass m "\xc3\xa9"` },
  ])('$why', ({ value, line }) => {
    const text = rewritten('sentinel monitor m 10.0.0.1 1 1', onMaster({ authPass: value }));
    expect(text.split('\n')).toContain(line);
    expect(load(text).durable.masters[0]).toMatchObject({ authPass: value, notificationScript: undefined });
  });

  test('empty authentication means unset, nothing is written (TS-D10)', () => {
    const text = rewritten('sentinel monitor m 10.0.0.1 1 1', onMaster({ authPass: '', authUser: '' }));
    expect(text).not.toContain('auth-');
  });
});

describe('whatever the state, the file holds it', () => {
  const files = ['', '# a\n\nport 5\n', 'port 5\n# Generated by CONFIG REWRITE\nsentinel current-epoch 1'];
  const seeds = Array.from({ length: 300 }, (_, seed) => seed);

  test.each(['tame', 'nasty'] as const)('parse(render(state)) is the state: %s texts', (kind) => {
    for (const seed of seeds) {
      const state = generateState(seed, { tame: kind === 'tame', names: seed % 2 === 0 });
      const world = { isExecutable: () => true };
      const start = load('port 5', world).inEffect;
      let text = files[seed % files.length] ?? '';
      for (const next of [state, generateState(seed + 1000, { tame: false, names: true }), state]) {
        text = rewriteConfig(text, next, start);
        expect(sorted(load(text, world).durable), `seed ${seed}`).toEqual(sorted(next));
        expect(rewriteConfig(text, next, start), `seed ${seed}: same text again`).toBe(text);
      }
      expect(
        text
          .split('\n')
          .every((line) =>
            /^(|#.*|(port|dir|latency-tracking-info-percentiles|protected-mode|user|sentinel) [\x20-\x7e]+)$/.test(
              line,
            ),
          ),
        `seed ${seed}: only known lines`,
      ).toBe(true);
    }
  });

  test('masters come back in the same order', () => {
    for (const seed of seeds) {
      const state = generateState(seed, { tame: false, names: false });
      const world = { isExecutable: () => true };
      expect(load(rewriteConfig('', state, load('', world).inEffect), world).durable).toEqual(state);
    }
  });

  test('garbage in the file neither stops a rewrite nor makes it grow', () => {
    const pieces = [
      'sentinel',
      ' ',
      'monitor',
      'm',
      '"',
      "'",
      '\n',
      '#',
      'user',
      'port',
      '5',
      '\\',
      'known-replica',
      '\0',
      '\t',
      'include',
    ];
    const { inEffect } = load('');
    for (const seed of seeds) {
      const draw = seededDraw(seed);
      const garbage = Array.from({ length: 60 }, () => pieces[draw(pieces.length)]).join('');
      const state = generateState(seed, { tame: false, names: true });
      const once = rewriteConfig(garbage, state, inEffect);
      expect(rewriteConfig(once, state, inEffect), `seed ${seed}`).toBe(once);
    }
  });

  test('a thousand masters take milliseconds: no work grows with the square', () => {
    const names = Array.from({ length: 1000 }, (_, at) => `m${at}`);
    const text = names
      .map((name) => `sentinel monitor ${name} 10.0.0.1 6379 2\nsentinel down-after-milliseconds ${name} 5000\n`)
      .join('');
    const loaded = load(text);
    let latest = rewriteConfig(text, loaded.durable, loaded.inEffect);
    const before = performance.now();
    for (let round = 0; round < 5; round++) latest = rewriteConfig(latest, loaded.durable, loaded.inEffect);
    // Measured 5-15 ms each; a quadratic search took seconds. The limit leaves room for a loaded machine.
    expect((performance.now() - before) / 5).toBeLessThan(150);
  });
});
