// The process: what it prints when it cannot start, how it ends, what it does to clients that talk nonsense.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { freePorts } from '../../src/demo/ports.ts';
import { until } from '../../src/demo/until.ts';
import { workplace } from './run.ts';
import { start } from './support.ts';

const place = workplace();
const conf = (text: string) => place.write(text);
const run = (...args: string[]) => place.run(args);

test.each([
  {
    why: 'an unknown sentinel statement',
    text: 'port 0\n\nsentinel foo bar\n'.replace('port 0\n', 'bind 127.0.0.1\n'),
    line: 3,
    quoted: 'sentinel foo bar',
    reason: 'Unrecognized sentinel configuration statement.',
  },
  {
    why: 'a quorum of nobody',
    text: 'sentinel monitor m 127.0.0.1 6379 0\n',
    line: 1,
    quoted: 'sentinel monitor m 127.0.0.1 6379 0',
    reason: 'Quorum must be 1 or greater.',
  },
  {
    why: 'an option of a master that is not there',
    text: 'sentinel monitor m 127.0.0.1 6379 2\nsentinel parallel-syncs n 1\n',
    line: 2,
    quoted: 'sentinel parallel-syncs n 1',
    reason: 'No such master with specified name.',
  },
  {
    why: 'a comment behind a value',
    text: 'port 26379 # the usual one\n',
    line: 1,
    quoted: 'port 26379 # the usual one',
    reason: 'wrong number of arguments',
  },
])('a wrong configuration is refused with the genuine block: $why', async ({ text, line, quoted, reason }) => {
  const { out, ended } = run(conf(text));
  expect(await ended).toBe(1);
  expect(out.stderr).toBe(
    `\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line ${line}\n>>> '${quoted}'\n${reason}\n`,
  );
});

test('a missing file, no file, and a directory are refused with exit status 1', async () => {
  const missing = run('nowhere.conf');
  expect(await missing.ended).toBe(1);
  expect(missing.out.stdout).toContain(
    `# Fatal error, can't open config file '${place.path('nowhere.conf')}': No such file or directory`,
  );
  const none = run();
  expect(await none.ended).toBe(1);
  expect(none.out.stdout).toContain('# Sentinel needs config file on disk to save state. Exiting...');
  const folder = run(place.path('.'));
  expect(await folder.ended).toBe(1);
});

test('a port in use is told as the genuine server tells it', async () => {
  const topology = await start({ sentinels: 1, replicas: 0, quorum: 1, unsettled: true });
  const port = topology.sentinels[0]?.port;
  const { out, ended } = run(conf(`port ${port}\nbind 127.0.0.1\n`));
  expect(await ended).toBe(1);
  expect(out.stdout).toContain(
    `# Warning: Could not create server TCP listening socket 127.0.0.1:${port}: bind: Address already in use`,
  );
  expect(out.stdout).toContain(`# Failed listening on port ${port} (TCP), aborting.`);
});

test('SIGTERM ends it cleanly and quickly; it says nothing on standard error', async () => {
  const [port = 0] = await freePorts(1);
  const file = conf(`port ${port}\nbind 127.0.0.1\nsentinel monitor m 127.0.0.1 1 1\n`);
  const { child, out, ended } = run(file);
  await until('+monitor in the log', () => out.stdout.includes('+monitor master m 127.0.0.1 1 quorum 1'));
  expect(out.stdout).toMatch(/^\d+:X \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} # /m);
  expect(out.stdout).toContain(`Running mode=sentinel, port=${port}.`);
  expect(readFileSync(file, 'latin1')).toMatch(/^sentinel myid [0-9a-f]{40}$/m);
  child.kill('SIGHUP');
  child.kill('SIGUSR1');
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(out.stdout).toContain('# User requested shutdown...');
  expect(out.stdout).toContain('bye bye');
  expect(out.stderr).toBe('');
});

/** Send bytes, and read until the other side closes or has been quiet for a while after an answer. */
function talk(port: number, bytes: Buffer | string): Promise<{ answer: string; closed: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    socket.on('data', (data) => (answer += data.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => resolve({ answer, closed: true }));
    socket.setTimeout(3000, () => {
      socket.destroy();
      resolve({ answer, closed: false });
    });
  });
}

test('garbage, half-sent and oversized requests are answered and closed; everybody else goes on', async () => {
  const topology = await start({ sentinels: 1, replicas: 0, quorum: 1, unsettled: true });
  const [sentinel] = topology.sentinels;
  if (sentinel === undefined) throw new Error('no sentinel');
  const { port } = sentinel;
  const cases: [string, string][] = [
    ['*1\r\n!4\r\nPING\r\n', "-ERR Protocol error: expected '$', got '!'\r\n"],
    ['*99999999999\r\n', '-ERR Protocol error: invalid multibulk length\r\n'],
    ['*1\r\n$-5\r\n', '-ERR Protocol error: invalid bulk length\r\n'],
    ['*1\r\n$99999999999\r\n', '-ERR Protocol error: invalid bulk length\r\n'],
    ['PING "\r\n', '-ERR Protocol error: unbalanced quotes in request\r\n'],
    ['x'.repeat(70_000), '-ERR Protocol error: too big inline request\r\n'],
  ];
  for (const [bytes, answer] of cases) expect(await talk(port, bytes)).toEqual({ answer, closed: true });
  expect(await talk(port, 'POST / HTTP/1.1\r\nHost: here\r\n\r\n')).toEqual({ answer: '', closed: true });
  // Half a request waits for the rest, and costs what was sent, not what was announced.
  const before = await memory(sentinel.pid ?? 0);
  const half = Array.from({ length: 50 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  for (const socket of half) socket.write('*1000000\r\n$500000000\r\nx');
  expect(await sentinel.command('PING')).toBe('PONG');
  expect((await memory(sentinel.pid ?? 0)) - before).toBeLessThan(100_000);
  for (const socket of half) socket.destroy();
  expect(await sentinel.command('PING')).toBe('PONG');
});

/** Resident memory in kB. */
async function memory(pid: number): Promise<number> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
}
