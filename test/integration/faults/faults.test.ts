// What nobody expects: an error thrown anywhere ends the process at once, with a message, and the next start goes on from
// the same file; what the system refuses, and whoever reads our log, ends nothing.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { SentinelNode } from '../../../src/demo/nodes.ts';
import { freePorts } from '../../../src/demo/ports.ts';
import type { Topology } from '../../../src/demo/topology.ts';
import { until } from '../../../src/demo/until.ts';
import { program, type Run, type RunOptions, workplace } from '../run.ts';
import { start } from '../support.ts';

const hook = fileURLToPath(new URL('hook.mjs', import.meta.url));
const place = workplace();

/** A sentinel with the hook in it, watching one real master. */
async function startWithHook(config: string[] = [], nodeOptions: string[] = [], env: Record<string, string> = {}) {
  const faultFile = place.path('fault.json');
  const topology = await start({
    replicas: 0,
    sentinels: [
      {
        command: [process.execPath, ...nodeOptions, '--import', hook, program],
        env: { FAULT_FILE: faultFile, ...env },
        config: ['sentinel resolve-hostnames yes', 'sentinel notification-script mymaster /bin/true', ...config],
      },
    ],
  });
  const sentinel = topology.sentinels[0] as SentinelNode;
  return { topology, sentinel, plant: (fault: object) => plant(sentinel, faultFile, fault) };
}

/** From the answer on, the fault is there. */
async function plant(sentinel: SentinelNode, file: string, fault: object): Promise<void> {
  writeFileSync(file, JSON.stringify(fault));
  const before = sentinel.log().length;
  process.kill(sentinel.pid ?? 0, 'SIGUSR2');
  await until('the fault', () => !sentinel.running || sentinel.log().slice(before).includes('SIGUSR2'), { everyMs: 5 });
}

/** A sentinel by itself, whose one master is not there, and which answers. */
async function startAlone(text: string, options: RunOptions = {}): Promise<{ run: Run; port: number; file: string }> {
  const [port = 0] = await freePorts(1);
  const file = place.write(`port ${port}\nbind 127.0.0.1\nsentinel monitor m 127.0.0.1 1 1\n${text}`);
  const run = place.run([file], options);
  await until('an answer', () => say(port, 'PING'), { describe: () => run.out.stdout + run.out.stderr });
  return { run, port, file };
}

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** The beginning of the answer to one request, over a connection of its own. */
function say(port: number, request: string, form: 'inline' | 'array' = 'inline'): Promise<string> {
  const words = request.split(' ');
  const frame = `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(form === 'inline' ? `${request}\r\n` : frame));
    open.push(socket);
    socket.once('data', (data: Buffer) => {
      resolve(data.toString('latin1'));
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed without an answer')));
  });
}

const ended = (sentinel: SentinelNode) =>
  until('the end of the process', () => !sentinel.running, { describe: () => sentinel.log().slice(-2000) });

/** It starts again from its file, is who it was, watches what it watched, and nothing is left of the crash. */
async function goesOn(sentinel: SentinelNode, topology: Topology, id: unknown): Promise<void> {
  await sentinel.start();
  expect(await sentinel.command('SENTINEL', 'MYID')).toBe(id);
  await topology.settled();
  const names = readdirSync(dirname(sentinel.confFile)).filter((name) => name.startsWith('sentinel.conf'));
  expect(names).toEqual(['sentinel.conf']);
}

const ask =
  (...words: string[]) =>
  (sentinel: SentinelNode) =>
    // The process ends of it: an answer is not to be expected.
    void sentinel.command(...words).catch(() => undefined);

describe('an error that nobody expected', () => {
  const FAULTS: { why: string; fault: object; cause?: (sentinel: SentinelNode, topology: Topology) => void }[] = [
    { why: 'in a rule, at a tick', fault: { what: 'step', input: 'tick' } },
    { why: 'in a rule, at a reply', fault: { what: 'step', input: 'reply' } },
    { why: 'in a rule, at a hello', fault: { what: 'step', input: 'message' } },
    {
      why: 'in a rule, when a connection breaks',
      fault: { what: 'step', input: 'closed' },
      cause: (_, { master }) => void master.command('CLIENT', 'KILL', 'TYPE', 'normal'),
    },
    {
      why: 'in a rule, when a connection stands',
      fault: { what: 'step', input: 'connected' },
      cause: (_, { master }) => void master.command('CLIENT', 'KILL', 'TYPE', 'normal'),
    },
    {
      why: 'in a rule, when a script ends',
      fault: { what: 'step', input: 'script-exited' },
      cause: ask('SENTINEL', 'SET', 'mymaster', 'quorum', '1'),
    },
    {
      why: 'in a rule, when a name is known',
      fault: { what: 'step', input: 'resolved' },
      cause: ask('SENTINEL', 'MONITOR', 'other', 'localhost', '1', '1'),
    },
    { why: 'in an effect', fault: { what: 'perform' } },
    { why: 'in a command', fault: { what: 'execute' }, cause: ask('PING') },
    { why: 'in what reads requests', fault: { what: 'readRequests' }, cause: ask('PING') },
    { why: 'in what writes replies', fault: { what: 'flush' }, cause: ask('PING') },
    { why: 'in the text to be saved', fault: { what: 'rewriteConfig' }, cause: ask('SENTINEL', 'FLUSHCONFIG') },
    {
      why: 'in the resolver',
      fault: { what: 'answerOf' },
      cause: ask('SENTINEL', 'MONITOR', 'other', 'localhost', '1', '1'),
    },
    { why: 'in a timer', fault: { what: 'timer' } },
    { why: 'in a promise that nobody looks at', fault: { what: 'rejection' } },
    { why: 'in a turn', fault: { what: 'rejection of a turn' } },
  ];

  test('ends the process with status 1 and its stack in the log, wherever it is thrown; the next start goes on', async () => {
    // Even where the environment says that a rejection is nothing but a warning.
    const { sentinel, topology, plant } = await startWithHook([], [], { NODE_OPTIONS: '--unhandled-rejections=warn' });
    const id = await sentinel.command('SENTINEL', 'MYID');
    for (const { why, fault, cause } of FAULTS) {
      const before = sentinel.log().length;
      await plant(fault);
      cause?.(sentinel, topology);
      await ended(sentinel);
      const log = sentinel.log().slice(before);
      expect(sentinel.exit, why).toMatchObject({ code: 1, signal: null });
      const report = log.split('=== TS-SENTINEL BUG REPORT START: ');
      expect(report, why).toHaveLength(2);
      expect(report[0], why).toMatch(/\n\d+:X \d\d \w{3} \d{4} [\d:.]{12} # $/);
      expect(report[1], why).toMatch(/^Error: a planted error\n {4}at .*hook\.mjs/);
      expect(report[1], why).toMatch(/\ncaused by Error: its cause\n[\s\S]* === BUG REPORT END\n$/);
      expect(sentinel.stderr(), why).toBe('');
      await goesOn(sentinel, topology, id);
      expect(await sentinel.command('SENTINEL', 'MASTERS'), why).toHaveLength(1);
    }
  });

  test.each([
    { thrown: 'nothing', told: 'thrown: undefined' },
    { thrown: 'text', told: 'thrown: a planted text' },
  ])('that is no Error ($thrown) is told all the same', async ({ thrown, told }) => {
    const { sentinel, plant } = await startWithHook();
    await plant({ what: 'timer', thrown });
    await ended(sentinel);
    expect(sentinel.exit?.code).toBe(1);
    expect(sentinel.log()).toContain(`=== TS-SENTINEL BUG REPORT START: ${told} === BUG REPORT END\n`);
  });

  test('is one line of JSON where lines are JSON', async () => {
    const { sentinel, plant } = await startWithHook([], [], { TS_SENTINEL_LOG_FORMAT: 'json' });
    await plant({ what: 'timer' });
    await ended(sentinel);
    const lines = sentinel
      .log()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.at(-1)).toMatchObject({ level: 'warning', pid: sentinel.pid });
    expect(lines.at(-1).msg).toMatch(/BUG REPORT START: Error: a planted error\n {4}at /);
  });

  test('is told without the stack with crash-log-enabled no', async () => {
    const { sentinel, plant } = await startWithHook(['crash-log-enabled no']);
    await plant({ what: 'timer' });
    await ended(sentinel);
    expect(sentinel.exit?.code).toBe(1);
    expect(sentinel.log()).toMatch(/ # Ended by an unexpected error: a planted error\n$/);
  });

  test('is told on standard error where the log file takes nothing', async () => {
    const faultFile = place.path('fault.json');
    const { run } = await startAlone('logfile /dev/full\n', {
      command: [process.execPath, '--import', hook, program],
      env: { FAULT_FILE: faultFile },
    });
    writeFileSync(faultFile, JSON.stringify({ what: 'timer' }));
    run.child.kill('SIGUSR2');
    expect(await run.ended).toBe(1);
    expect(run.out.stderr).toContain('BUG REPORT START: Error: a planted error');
  });

  test('a heap that is full ends the process with a message; the next start goes on', async () => {
    const { sentinel, topology, plant } = await startWithHook([], ['--max-old-space-size=48']);
    const id = await sentinel.command('SENTINEL', 'MYID');
    await sentinel.command('SENTINEL', 'SET', 'mymaster', 'failover-timeout', '54321');
    await plant({ what: 'heap' });
    await ended(sentinel);
    expect(sentinel.exit?.code ?? sentinel.exit?.signal).not.toBe(0);
    expect(sentinel.stderr()).toMatch(/FATAL ERROR: .*heap/i);
    await goesOn(sentinel, topology, id);
    expect(readFileSync(sentinel.confFile, 'latin1')).toContain('sentinel failover-timeout mymaster 54321\n');
  });
});

describe('whoever reads the log', () => {
  test('may go away: the sentinel goes on', async () => {
    const { run, port } = await startAlone('loglevel debug\n');
    run.child.stdout?.destroy();
    for (let times = 0; times < 3; times++) expect(await say(port, 'SENTINEL FLUSHCONFIG')).toBe('+OK\r\n');
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    expect(run.out.stderr).toBe('');
  });

  test('may hang: what it does not read is dropped, and it is told so', async () => {
    const { run, port } = await startAlone('');
    const { stdout } = run.child;
    stdout?.pause();
    const words = Array.from({ length: 300 }, () => `auth-user ${'u'.repeat(1000)}`).join(' ');
    for (let times = 0; times < 100; times++)
      expect(await say(port, `SENTINEL SET m ${words}`, 'array')).toBe('+OK\r\n');
    stdout?.resume();
    await until('the first lines', () => run.out.stdout.length > 1_000_000);
    await say(port, 'SENTINEL SET m quorum 1');
    const missing = /^\d+ lines of the log are missing here: nobody read them in time$/m;
    await until('what is missing', () => missing.test(run.out.stdout));
    await until('what came behind it', () => /\+set master m 127\.0\.0\.1 1 quorum 1\n/.test(run.out.stdout));
    // Of 30 MB of log lines it kept 1 MB, and what the pipe and we took in before.
    expect(run.out.stdout.length).toBeLessThan(5_000_000);
  });

  test('a log file on a full disk: the sentinel goes on', async () => {
    const { run, port } = await startAlone('logfile /dev/full\n');
    expect(await say(port, 'SENTINEL SET m quorum 2')).toBe('+OK\r\n');
    expect(await say(port, 'SENTINEL FLUSHCONFIG')).toBe('+OK\r\n');
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
  });
});

describe('what the system takes away', () => {
  test('descriptors: clients leave enough for links and saves, nobody hangs, and a place that gets free is taken', async () => {
    // A data node that says nothing: its links stand, and are kept until they are judged.
    const silent = createServer((socket) => void open.push(socket));
    const [nodePort = 0] = await freePorts(1);
    await new Promise<void>((resolve) => silent.listen(nodePort, '127.0.0.1', resolve));
    try {
      const masters = Array.from({ length: 20 }, (_, index) => `sentinel monitor m${index} 127.0.0.1 ${nodePort} 1\n`);
      const { run, port } = await startAlone(masters.join(''), {
        command: ['sh', '-c', 'ulimit -n 90; exec "$0" "$@"', process.execPath, program],
      });
      await until('the links', () => open.filter((socket) => socket.localPort === nodePort).length >= 40);
      const clients = Array.from({ length: 120 }, () => listener(port));
      await until('everybody to be in or out', () => clients.every(({ text, closed }) => text() !== '' || closed()));
      const inside = clients.filter(({ text, closed }) => text() === '+PONG\r\n' && !closed());
      expect(inside.length).toBeGreaterThanOrEqual(8);
      expect(inside.length).toBeLessThan(40);
      // Whoever was turned away has read why, or found the door closed where even that would have cost a descriptor.
      for (const { text } of clients)
        expect(['+PONG\r\n', '-ERR max number of clients reached\r\n', '']).toContain(text());
      const [first] = inside;
      first?.socket.write('SENTINEL FLUSHCONFIG\r\n');
      await until('a save', () => first?.text().endsWith('+OK\r\n'));
      for (const { socket } of clients) socket.destroy();
      await until('a free place', async () => (await say(port, 'PING')) === '+PONG\r\n');
      expect(run.out.stdout).not.toContain('not able to save');
      run.child.kill('SIGTERM');
      expect(await run.ended).toBe(0);
    } finally {
      silent.close();
    }
  });

  test('the listening socket: the process ends with status 1 and says why', async (context) => {
    const { run, port } = await startAlone('');
    const tool = fileURLToPath(new URL('shut-listener.py', import.meta.url));
    const { status } = spawnSync('python3', [tool, String(run.child.pid), String(port)]);
    // No python3, or a kernel that lets nobody take another process's socket.
    if (status !== 0) context.skip();
    expect(await run.ended).toBe(1);
    expect(run.out.stdout).toContain(`BUG REPORT START: Error: Nothing listens on port ${port} any more\n`);
  });
});

/** A client that asks once and listens. */
function listener(port: number) {
  const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
  open.push(socket);
  let text = '';
  let closed = false;
  socket.on('data', (data: Buffer) => {
    text += data.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
  });
  return { socket, text: () => text, closed: () => closed };
}
