// The program's arguments, as a shell or a service manager gives them: the same outcome as redis-sentinel's, and ours.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { freePorts } from '../../src/demo/ports.ts';
import { until } from '../../src/demo/until.ts';
import { type Run, type RunOptions, workplace } from './run.ts';

const place = workplace();
const genuineIs70 = (spawnSync('redis-sentinel', ['--version'], { encoding: 'latin1' }).stdout ?? '').includes(
  'v=7.0.',
);
const MASTER = 'sentinel monitor m 127.0.0.1 1 1\n';
const aPort = async () => (await freePorts(1))[0] ?? 0;

/** Run until it ends; `log` without its prefixes. */
async function ended(args: readonly string[], options: RunOptions = {}) {
  const run = place.run(args, options);
  const status = await run.ended;
  const log = run.out.stdout.replaceAll(/^\d+:X .{24} /gm, '');
  return { status, log, stderr: run.out.stderr };
}

async function started(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const run = place.run(args, options);
  await until('the start', () => run.out.stdout.includes('+monitor'), { describe: () => run.out.stderr });
  return run;
}

async function stop(run: Run): Promise<void> {
  run.child.kill('SIGTERM');
  expect(await run.ended).toBe(0);
}

// The texts are those of 7.0; without it there is nothing to compare with.
describe.runIf(genuineIs70)('refused as by redis-sentinel, in the same words', () => {
  test.each([
    { args: [] },
    { args: ['missing.conf'] },
    { args: ['--sentinel', 's.conf'] },
    { args: ['--port', '5'] },
    { args: ['-', 's.conf'] },
    { args: ['-'] },
    { args: ['s.conf', '--port'] },
    { args: ['s.conf', '--port', '5', '6'] },
    { args: ['s.conf', '--port x'] },
    { args: ['s.conf', '--logfile', '--port', '5'] },
    { args: ['s.conf', '--sentinel', 'yes'] },
    { args: ['s.conf', '--sentinel', 'monitor', 'x y', '127.0.0.1', '6379', '0'] },
    { args: ['s.conf', '-x', 'y'] },
    { args: ['s.conf', '-v'] },
    { args: ['s.conf', 'port', 'x'] },
    { args: ['s.conf', '--save', '--port', 'x'] },
    { args: ['s.conf', '--requirepass', 'a "b"', 'c'] },
    { args: ['s.conf', '-'], stdin: 'hz 10\nfoo bar\n' },
    { args: ['s.conf', '--port', '5', '-'], stdin: 'foo bar' },
    { args: ['s.conf', '-', '--port', '5'], stdin: 'foo bar' },
  ])('$args', async ({ args, stdin }) => {
    place.write(`# two\nbind 127.0.0.1\n${MASTER}`, 's.conf');
    const options = stdin === undefined ? {} : { stdin };
    const genuine = await ended(args, { ...options, command: ['redis-sentinel'] });
    expect(genuine.status).toBe(1);
    expect(await ended(args, options)).toEqual(genuine);
  });
});

test('a version, a help, and what only redis-server can do', async () => {
  expect(await ended(['-v', 'x'])).toMatchObject({ status: 0, stderr: '' });
  expect((await ended(['--version'])).log).toMatch(/^Redis server v=7\.0\.15 sha=\S+ malloc=\S+ bits=64 build=\S+\n$/);
  for (const help of ['-h', '--help']) {
    const { status, stderr } = await ended([help]);
    expect([status, stderr.split('\n')[0]]).toEqual([1, 'Usage: ts-sentinel /path/to/sentinel.conf [options] [-]']);
  }
  const memory = await ended(['--test-memory', '5']);
  expect(memory).toEqual({ status: 1, log: '', stderr: '--test-memory is not supported\n' });
});

test('options and standard input count more than the file, and are not written into it', async () => {
  const port = await aPort();
  const file = place.write(`port 1\nbind 127.0.0.1\nmaxclients 77\n${MASTER}`);
  const args = [
    file,
    '--sentinel',
    '--port',
    String(port),
    '--sentinel',
    'monitor',
    'other',
    '127.0.0.1',
    '1',
    '2',
    '-',
  ];
  const run = await started(args, { stdin: 'sentinel parallel-syncs other 5\nloglevel verbose' });
  await until('both masters', () => run.out.stdout.includes('+monitor master other 127.0.0.1 1 quorum 2'));
  await stop(run);
  expect(run.out.stdout).toContain(`Running mode=sentinel, port=${port}.`);
  expect(run.out.stdout).toContain('# Reading config from stdin\n');
  const saved = readFileSync(file, 'latin1');
  expect(saved).toContain('port 1\nbind 127.0.0.1\nmaxclients 77\n');
  // A second start with the same arguments finds the master in the file, and says so.
  const again = await started(args, { stdin: '' });
  await stop(again);
  expect(readFileSync(file, 'latin1')).toContain('port 1\n');
});

test('redis-server FILE --sentinel, as the image and the charts call it', async () => {
  const run = await started([place.write(`port ${await aPort()}\nbind 127.0.0.1\n${MASTER}`), '--sentinel']);
  await stop(run);
});

test('folders and passwords with letters beyond ASCII are the same folders and passwords', async () => {
  mkdirSync(place.path('données'));
  const port = await aPort();
  const text = Buffer.from(`port ${port}\nbind 127.0.0.1\ndir données\nlogfile lög\n${MASTER}`, 'utf8');
  const file = place.write(text.toString('latin1'));
  const run = place.run([file, '--requirepass', 'pässword€']);
  await until('the start', () => existsSync(place.path('données/lög')));
  const log = () => readFileSync(place.path('données/lög'), 'utf8');
  await until('+monitor', () => log().includes('+monitor'));
  const reply = spawnSync('redis-cli', ['-p', String(port), '-a', 'pässword€', '--no-auth-warning', 'PING']);
  if (reply.error === undefined) expect(reply.stdout.toString()).toBe('PONG\n');
  await stop(run);
  expect(readFileSync(file, 'utf8')).toMatch(/^dir ".*\/donn\\xc3\\xa9es"$/m);
});

describe('--check-config', () => {
  test('a usable file: 0, and nothing is made or changed', async () => {
    const text = `port 0\nunixsocket x.sock\npidfile x.pid\nlogfile x.log\ndaemonize yes\nhz 20\n${MASTER}`;
    const file = place.write(text);
    for (const args of [
      [file, '--check-config'],
      ['--check-config', file],
    ])
      expect(await ended(args)).toEqual({
        status: 0,
        log: `${file}: warning: line 6: 'hz' means nothing to a sentinel: it has no effect\n${file}: OK, 1 master, 1 warning\n`,
        stderr: '',
      });
    expect(['x.sock', 'x.pid', 'x.log'].filter((name) => existsSync(place.path(name)))).toEqual([]);
    expect(readFileSync(file, 'latin1')).toBe(text);
  });

  test('all that is wrong, the options included: 1', async () => {
    const file = place.write(`port x\n${MASTER}sentinel auth-pass m don't\nlogfile /nowhere/at.log\n`);
    const { status, log } = await ended([file, '--check-config', '--loglevel', 'loud']);
    expect(status).toBe(1);
    expect(log).toBe(`${file}:1: argument couldn't be parsed into an integer
    port x
${file}:3: Unbalanced quotes in configuration line
    sentinel auth-pass m ***
command line: argument(s) must be one of the following: debug, verbose, notice, warning
    loglevel "loud"
${file}: Can't open the log file: No such file or directory
${file}: 4 problems, 0 warnings
`);
  });

  test('no such file, a folder, none at all: 1', async () => {
    expect((await ended(['none.conf', '--check-config'])).log).toContain('none.conf: not writable: No such file');
    expect((await ended(['.', '--check-config'])).log).toBe('.: not writable: Is a directory\n');
    expect(await ended(['--check-config'])).toMatchObject({ status: 1 });
  });
});

describe('--log-format', () => {
  test.each([
    { why: 'by the option', args: ['--log-format', 'json'], env: {} },
    { why: 'by the variable', args: [], env: { TS_SENTINEL_LOG_FORMAT: 'json' } },
  ])('json: every line is an object, $why', async ({ args, env }) => {
    const text = `port ${await aPort()}\nbind 127.0.0.1\nalways-show-logo yes\nsentinel monitor mä 127.0.0.1 1 1\n`;
    const file = place.write(Buffer.from(text, 'utf8').toString('latin1'));
    const run = await started([file, ...args], { env });
    await stop(run);
    const lines = run.out.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.find(({ msg }) => String(msg).startsWith('+monitor'))).toEqual({
      level: 'warning',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/),
      pid: run.child.pid,
      msg: '+monitor master mä 127.0.0.1 1 quorum 1',
    });
    expect(lines.map(({ msg }) => msg)).toContain('Received SIGTERM scheduling shutdown...');
    expect(readFileSync(file, 'latin1')).not.toContain('json');
  });

  test('the option counts more than the variable; Valkey’s values are the directive of that name', async () => {
    const file = place.write(`port ${await aPort()}\nbind 127.0.0.1\n${MASTER}`);
    const run = await started([file, '--log-format', 'text'], { env: { TS_SENTINEL_LOG_FORMAT: 'json' } });
    await stop(run);
    expect(run.out.stdout).toMatch(/^\d+:X /);
    const valkey = await started([file, '--log-format', 'legacy']);
    await stop(valkey);
    expect(valkey.out.stdout).toContain("'log-format' means nothing to a sentinel");
  });

  test('another value is refused', async () => {
    const wrong = { status: 1, log: '', stderr: "The log format must be text or json, and not 'xml'\n" };
    expect(await ended(['s.conf', '--log-format', 'xml'])).toEqual(wrong);
    expect(await ended(['s.conf'], { env: { TS_SENTINEL_LOG_FORMAT: 'xml' } })).toEqual(wrong);
  });
});
