// redis-cli against redis-sentinel and against us: the same commands typed, and the same seen on the screen.
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findOnPath } from '../../src/demo/programs.ts';
import { until } from '../../src/demo/until.ts';
import { genuineIsInstalled } from '../integration/support.ts';
import { nameOf } from './mask.ts';
import { type Pair, SIDES, type Side, startPair } from './pair.ts';

const cli = findOnPath(['redis-cli']);
/** Gives a program a terminal; util-linux brings it. */
const terminal = findOnPath(['script']);

const ENV = { ...process.env, TERM: 'xterm', REDISCLI_HISTFILE: '/dev/null', REDISCLI_RCFILE: '/dev/null' };

/** Ages, counters and addresses of single connections, on whatever line they stand. */
const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [
    /("?(?:link-pending-commands|last-ping-sent|last-ok-ping-reply|last-ping-reply|info-refresh|role-reported-time|slave-repl-offset|last-hello-message|master-link-down-time)"?(?:\r?\n *\d+\) | => |: ?|,|\r?\n)"?)\d+/g,
    '$1<number>',
  ],
  [/("id"(?: => |\r?\n *\d+\) )\(integer\) )\d+/g, '$1<number>'],
  // What help says of a command, everybody says in his own words.
  [/(summary:\S* )[^\r\n]*/g, '$1<text>'],
  [/\b(id|addr|fd|age|idle|qbuf|qbuf-free|argv-mem|multi-mem|rbs|rbp|oll|obl|omem|tot-mem)=[\w.:]+/g, '$1=<n>'],
];

const inOrder = (text: string) => VOLATILE.reduce((masked, [pattern, by]) => masked.replaceAll(pattern, by), text);

if (!genuineIsInstalled || cli === undefined)
  process.stdout.write('differential/redis-cli: skipped, redis-sentinel and redis-cli are not both installed\n');
if (terminal === undefined)
  process.stdout.write('differential/redis-cli: without a terminal, script (util-linux) is not installed\n');

describe.skipIf(!genuineIsInstalled || cli === undefined)('redis-cli', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair('one-master');
  });
  afterAll(() => pair?.stop());

  /** Run redis-cli to its end; what it printed and its exit code, without what is chance. */
  async function run(side: Side, args: readonly string[]): Promise<string> {
    const { target } = pair.worlds[side];
    const child = spawn(cli ?? '', ['-p', String(target.port), ...args], {
      env: ENV,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const text = collect(child);
    const code = await new Promise((resolve) => child.once('close', resolve));
    return `${inOrder(nameOf(pair.worlds[side])(text()))}exit ${code}`;
  }

  const runs: readonly (readonly string[])[] = [
    ['ping'],
    ['sentinel', 'masters'],
    ['--no-raw', 'sentinel', 'masters'],
    ['-3', '--no-raw', 'sentinel', 'masters'],
    ['-3', '--json', 'sentinel', 'master', 'mymaster'],
    ['--csv', 'sentinel', 'get-master-addr-by-name', 'mymaster'],
    ['--no-raw', 'sentinel', 'get-master-addr-by-name', 'nobody'],
    ['-3', '--no-raw', 'sentinel', 'get-master-addr-by-name', 'nobody'],
    ['-e', 'sentinel', 'master', 'nobody'],
    ['sentinel', 'master', 'nobody'],
    ['-e', '--no-raw', 'get', 'x'],
    ['--no-raw', 'sentinel', 'ckquorum', 'mymaster'],
    ['--no-raw', 'sentinel', 'sentinels', 'mymaster'],
    ['--no-raw', 'role'],
    ['-3', '--no-raw', 'hello', '3', 'setname', 'cli'],
    ['--no-raw', 'info', 'sentinel'],
    ['-3', '--no-raw', 'client', 'info'],
    ['-r', '3', '-i', '0', '--no-raw', 'ping', 'x'],
    ['-n', '3', 'ping'],
    ['-a', 'secret', '--no-auth-warning', 'ping'],
    ['--user', 'nobody', '--pass', 'x', '--no-auth-warning', 'ping'],
    ['--no-raw', 'sentinel', 'config', 'get', '*'],
    ['--no-raw', 'sentinel', 'debug'],
    ['--no-raw', 'command', 'info', 'ping', 'nosuch'],
    ['--no-raw', '-X', 'tag', 'ping', 'tag'],
    ['shutdown', 'abort'],
  ];

  test.each(runs.map((args) => ({ args, line: args.join(' ') })))('$line', async ({ args }) => {
    const [genuine, ours] = await Promise.all([run('genuine', args), run('ours', args)]);
    expect(ours).toBe(genuine);
  });

  /** Run it on a terminal, typing each line when the prompt stands; what was seen until it ended. */
  async function typed(side: Side, options: string, lines: readonly string[]): Promise<string> {
    const { port } = pair.worlds[side].target;
    const child = spawn(
      terminal ?? '',
      ['-qec', `stty rows 50 cols 100 && ${cli} -p ${port} ${options}`, '/dev/null'],
      { env: ENV },
    );
    const text = collect(child);
    const ended = new Promise((resolve) => child.once('close', resolve));
    // Drawn again for each key and for ENTER, a prompt stands behind \r and in front of the line; the one that waits for
    // keys begins a line and is the last that was printed. What is typed earlier, redis-cli throws away.
    const prompt = new RegExp(`(?:^|\\n)127\\.0\\.0\\.1:${port}> $`);
    for (const line of lines) {
      await until('a prompt', () => prompt.test(text()), { everyMs: 10, withinMs: 10_000, describe: text });
      for (const key of line) {
        const before = text().length;
        child.stdin?.write(key);
        await until('the key to be taken', () => text().length > before, {
          everyMs: 1,
          withinMs: 10_000,
          describe: text,
        });
      }
      child.stdin?.write('\r');
    }
    await ended;
    return inOrder(nameOf(pair.worlds[side])(text()));
  }

  test.skipIf(terminal === undefined).each([
    {
      what: 'answers, errors and nulls as people see them',
      options: '',
      lines: [
        'ping',
        'sentinel master nobody',
        'sentinel get-master-addr-by-name nobody',
        'nosuch x',
        '"open',
        'role',
        'quit',
      ],
    },
    {
      what: 'RESP3: maps and sets',
      options: '-3',
      lines: ['sentinel master mymaster', 'command info ping', 'client trackinginfo', 'sentinel config get *', 'exit'],
    },
    {
      what: 'help',
      options: '',
      lines: ['help', 'help sentinel', 'help @sentinel', 'help ping', 'help nosuch', '?', 'quit'],
    },
    {
      what: 'completion',
      options: '',
      lines: ['sent\t myid', 'sentinel ma\t', 'sentinel get\t mymaster', 'subs\t', 'quit'],
    },
    { what: 'hints', options: '', lines: ['sentinel master ', 'client kill ', 'hello ', 'quit'] },
  ])('on a terminal: $what', async ({ options, lines }) => {
    const [genuine, ours] = await Promise.all([typed('genuine', options, lines), typed('ours', options, lines)]);
    expect(ours).toBe(genuine);
  });

  /** Start it, let something happen, and read on until `isEnough`. */
  async function watched(side: Side, args: readonly string[], isEnough: (text: string) => boolean): Promise<string> {
    const { port } = pair.worlds[side].target;
    const child = spawn(cli ?? '', ['-p', String(port), ...args], { env: ENV, stdio: ['ignore', 'pipe', 'pipe'] });
    const text = collect(child);
    try {
      await until(args.join(' '), () => isEnough(text()), { describe: text });
    } finally {
      child.kill('SIGKILL');
    }
    return nameOf(pair.worlds[side])(text());
  }

  test.each([[[]], [['-3']], [['--no-raw']], [['-3', '--no-raw']]])('subscribe mode %j', async (options) => {
    const seen = SIDES.map((side) =>
      watched(side, [...options, 'psubscribe', '+set'], (text) => text.includes('quorum 2')),
    );
    // Said again and again, since nobody knows when redis-cli begins to listen.
    const events = setInterval(() => void pair.ask([['SENTINEL', 'SET', 'mymaster', 'quorum', '2']]), 100);
    const [genuine = '', ours] = await Promise.all(seen).finally(() => clearInterval(events));
    const first = (text = '') => text.slice(0, text.indexOf('quorum 2'));
    expect(first(ours)).toBe(first(genuine));
    expect(genuine).toContain('psubscribe');
  });

  test('--latency and --stat', async () => {
    for (const side of SIDES) {
      expect(await run(side, ['--latency', '-i', '1'])).toMatch(/^\d+ \d+ \d+\.\d+ \d+\nexit 0$/);
      const lines = (text: string) => text.split('\n').length;
      const shape = (text: string) =>
        text
          .split('\n')
          .slice(0, 3)
          .join('\n')
          .replaceAll(/-?[\d.]+[BKMG]?/g, '<n>');
      const stat = await watched(side, ['--stat', '-i', '0.1'], (text) => lines(text) > 3);
      expect(shape(stat)).toMatch(/keys +mem +clients +blocked +requests/);
    }
  });
});

/** All that a process writes, while it writes; complaints last, since they come by another way. */
function collect(child: ChildProcess): () => string {
  const chunks: Buffer[] = [];
  const complaints: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => complaints.push(chunk));
  return () => Buffer.concat([...chunks, ...complaints]).toString('utf8');
}
