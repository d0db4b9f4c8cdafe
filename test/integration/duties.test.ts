// What a service manager, a log shipper and an operator see of the process: start and stop, files, signals, supervisors.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { connect } from 'node:net';
import { platform } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { freePorts } from '../../src/demo/ports.ts';
import { until } from '../../src/demo/until.ts';
import { type Run, type RunOptions, workplace } from './run.ts';

const place = workplace();
const onLinux = platform() === 'linux';
const has = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;
const genuineVersion = spawnSync('redis-sentinel', ['--version'], { encoding: 'latin1' }).stdout ?? '';
const genuineIs70 = genuineVersion.includes('v=7.0.');
const canListen = has('python3', '--version') && has('systemd-notify', '--version');

const daemons: number[] = [];
afterEach(() => {
  for (const pid of daemons.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
});

const aPort = async () => (await freePorts(1))[0] ?? 0;
const MASTER = 'sentinel monitor m 127.0.0.1 1 1\n';
const read = (name: string) => (existsSync(place.path(name)) ? readFileSync(place.path(name), 'latin1') : '');

/** Start with the directives in `text`, and wait until it has told its first event. */
async function up(text: string, { args = [], ...options }: RunOptions & { args?: string[] } = {}): Promise<Run> {
  const run = place.run([place.write(`bind 127.0.0.1\n${MASTER}${text}`), ...args], options);
  await until('the start', () => run.out.stdout.includes('+monitor master m'), { describe: () => run.out.stderr });
  return run;
}

async function stopped(run: Run, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  run.child.kill(signal);
  return await run.ended;
}

/** A file that is there and says something. */
const said = (name: string) => until(`${name} to say something`, () => (read(name) === '' ? undefined : read(name)));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Connect once: it makes a line in a verbose log. */
function touch(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end());
    socket.on('error', reject).on('close', () => resolve());
    socket.resume();
  });
}

// The texts are those of 7.0; without it there is nothing to compare with.
describe.runIf(genuineIs70)('the log of start and stop is the genuine one, line by line', () => {
  /** Level and text of each line, without what differs from run to run. */
  function lines(log: string, port: number): string[] {
    return log
      .split('\n')
      .filter((line) => line !== '')
      .map((line) =>
        line
          .replace(/^\d+:X \d\d \w{3} \d{4} [\d:.]{12} /, '')
          .replace(/^\d+:signal-handler \(\d+\)/, 'signal-handler')
          .replace(/pid=\d+/, 'pid=')
          .replace(/ID is [0-9a-f]{40}/, 'ID is')
          .replaceAll(String(port), 'PORT'),
      );
  }

  test.each([
    { why: 'a first start', text: '', signal: 'SIGTERM' as const },
    {
      why: 'with a pid file, a socket, an id, a backlog and clients beyond what the system gives',
      text: `pidfile x.pid\nunixsocket x.sock\ntcp-backlog 1000000\nmaxclients 3000000\nsentinel myid ${'a'.repeat(40)}\n`,
      signal: 'SIGINT' as const,
    },
    { why: 'supervised by nobody', text: 'supervised systemd\n', signal: 'SIGTERM' as const },
    { why: 'supervised, detected', text: 'supervised auto\nloglevel verbose\n', signal: 'SIGTERM' as const },
  ])('$why', async ({ text, signal }) => {
    const logs: string[][] = [];
    for (const command of [undefined, ['redis-sentinel']]) {
      const port = await aPort();
      const run = await up(`port ${port}\n${text}`, command === undefined ? {} : { command });
      expect(await stopped(run, signal)).toBe(0);
      expect(existsSync(place.path('x.pid')) || existsSync(place.path('x.sock'))).toBe(false);
      logs.push(lines(run.out.stdout, port));
    }
    const [ours = [], theirs = []] = logs;
    // Our name behind the words that tools look for is the only thing that is ours.
    expect(ours.map((line) => line.replace(' (ts-sentinel)', ''))).toEqual(theirs);
  });
});

describe('daemonize', () => {
  test('the parent ends with 0 when the daemon listens; the daemon has a pid file, no terminal, and stops cleanly', async () => {
    const port = await aPort();
    const text = `port ${port}\nbind 127.0.0.1\ndaemonize yes\npidfile d.pid\nlogfile d.log\n${MASTER}`;
    const run = place.run([place.write(text), '--loglevel', 'verbose', '-'], { stdin: 'timeout 0\n' });
    expect(await run.ended).toBe(0);
    const pid = Number(read('d.pid'));
    daemons.push(pid);
    expect(pid).not.toBe(run.child.pid);
    await touch(port);
    expect(run.out.stderr).toBe('');
    process.kill(pid, 'SIGTERM');
    await until('the daemon to end', () => !isAlive(pid));
    expect(existsSync(place.path('d.pid'))).toBe(false);
    const log = read('d.log');
    expect(log).toContain(`${pid}:X `);
    expect(log).toContain(`Running mode=sentinel, port=${port}.`);
    expect(log).toContain('* Removing the pid file.');
    expect(log).toContain('bye bye');
  });

  test('what keeps it from listening is told by the parent, with status 1', async () => {
    const port = await aPort();
    await up(`port ${port}\n`);
    const text = `port ${port}\nbind 127.0.0.1\ndaemonize yes\npidfile e.pid\nlogfile e.log\n${MASTER}`;
    const second = place.run([place.write(text, 'second.conf')]);
    expect(await second.ended).toBe(1);
    expect(second.out.stderr).toBe(`Failed listening on port ${port} (TCP), aborting.\n`);
    expect(read('e.log')).toContain('bind: Address already in use');
    expect(existsSync(place.path('e.pid'))).toBe(false);
  });

  test('a wrong configuration is refused before anything is started', async () => {
    const run = place.run([place.write('daemonize yes\nlogfile f.log\nfoo bar\n')]);
    expect(await run.ended).toBe(1);
    expect(run.out.stderr).toContain(">>> 'foo bar'\nBad directive or wrong number of arguments\n");
  });

  test('a supervised process stays in the foreground', async () => {
    const port = await aPort();
    place.write('#!/bin/sh\nexit 0\n', 'systemd-notify');
    execFileSync('chmod', ['+x', place.path('systemd-notify')]);
    const env = { NOTIFY_SOCKET: '/nowhere', PATH: `${place.path('.')}:${process.env.PATH}` };
    const run = await up(`port ${port}\nsupervised auto\ndaemonize yes\n`, { env });
    expect(await stopped(run)).toBe(0);
  });
});

describe('systemd', () => {
  // A sentinel that stops gives the program half a second to tell so: a busy machine may need that to start it.
  const twiceMore = { retry: 2 };

  test('is told of start and stop by systemd-notify', twiceMore, async () => {
    place.write(`#!/bin/sh\necho "$NOTIFY_SOCKET $@" >> ${place.path('told')}\n`, 'systemd-notify');
    execFileSync('chmod', ['+x', place.path('systemd-notify')]);
    const env = { NOTIFY_SOCKET: '@abstract', PATH: `${place.path('.')}:${process.env.PATH}` };
    const run = await up(`port ${await aPort()}\nsupervised systemd\n`, { env });
    expect(await said('told')).toBe('@abstract READY=1 STATUS=Ready to accept connections\n');
    expect(await stopped(run)).toBe(0);
    expect(read('told').split('\n')[1]).toBe('@abstract STOPPING=1');
    expect(run.out.stdout).toContain('* Supervised by systemd. Please make sure');
    expect(run.out.stdout).not.toContain('error');
  });

  // The socket's kind is one that Node does not have: a listener in Python, and the real program.
  test.runIf(canListen)('the real systemd-notify reaches a real socket', twiceMore, async () => {
    const listener = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind('notify.sock'); print('ready', flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(s, 4096, 4)
    for fd in fds: socket.close(fd)
    print(data.decode(), flush=True)`;
    const heard = place.run(['-c', listener], { command: ['python3'] });
    await until('the listener', () => heard.out.stdout.includes('ready'));
    const env = { NOTIFY_SOCKET: place.path('notify.sock') };
    const run = await up(`port ${await aPort()}\nsupervised auto\n`, { env });
    await until('READY=1', () => /^READY=1$/m.test(heard.out.stdout));
    expect(await stopped(run)).toBe(0);
    await until('STOPPING=1', () => /^STOPPING=1$/m.test(heard.out.stdout));
  });

  test('without its program the log says what is missing, and everything else goes on', async () => {
    const env = { NOTIFY_SOCKET: '/nowhere', PATH: place.path('.') };
    const run = await up(`port ${await aPort()}\nsupervised systemd\n`, { env });
    await until('the error', () =>
      run.out.stdout.includes('# systemd supervision error: systemd-notify does not start'),
    );
    expect(await stopped(run)).toBe(0);
  });
});

test('syslog gets each line with facility, level and ident, beside the ordinary log', async () => {
  place.write(`#!/bin/sh\necho "$@" >> ${place.path('args')}\nexec cat >> ${place.path('lines')}\n`, 'logger');
  execFileSync('chmod', ['+x', place.path('logger')]);
  const text = `port ${await aPort()}\nsyslog-enabled yes\nsyslog-ident "my sentinel"\nsyslog-facility local3\n`;
  const run = await up(text, { env: { PATH: `${place.path('.')}:${process.env.PATH}` } });
  await until('the first event in syslog', () => read('lines').includes('+monitor master m'));
  expect(read('args')).toBe(`--prio-prefix --id=${run.child.pid} --tag my sentinel\n`);
  expect(await stopped(run)).toBe(0);
  await until('the last line in syslog', () => read('lines').includes('bye bye'));
  // local3 is 19; warnings are 4, notices 5.
  expect(read('lines')).toContain(`<${19 * 8 + 4}>+monitor master m 127.0.0.1 1 quorum 1\n`);
  expect(read('lines')).toMatch(new RegExp(`^<${19 * 8 + 5}>Running mode=sentinel, port=\\d+\\.$`, 'm'));
  expect(run.out.stdout).toContain('+monitor master m');
});

test('without the program logger the log says so once', async () => {
  const run = await up(`port ${await aPort()}\nsyslog-enabled yes\n`, { env: { PATH: place.path('.') } });
  await until('the warning', () => run.out.stdout.includes("# Can't write to syslog: the program 'logger'"));
  expect(await stopped(run)).toBe(0);
});

test('a log file that was rotated away is made again with the next line', async () => {
  const port = await aPort();
  const text = `port ${port}\nbind 127.0.0.1\nloglevel verbose\nlogfile r.log\n${MASTER}`;
  const run = place.run([place.write(text)]);
  await until('the start', () => read('r.log').includes('+monitor'));
  renameSync(place.path('r.log'), place.path('r.log.1'));
  await touch(port);
  expect(await said('r.log')).toContain('Accepted 127.0.0.1:');
  expect(await stopped(run)).toBe(0);
  expect(read('r.log.1')).not.toContain('bye bye');
  expect(run.out.stdout).toBe('');
});

test('signals that mean nothing here change nothing, and open no debugger', async () => {
  const run = await up(`port ${await aPort()}\n`);
  for (const signal of ['SIGHUP', 'SIGPIPE', 'SIGALRM', 'SIGUSR1', 'SIGUSR2'] as const) run.child.kill(signal);
  await until('the last of them', () => run.out.stdout.includes('Received SIGUSR2'));
  expect(await stopped(run)).toBe(0);
  expect(run.out.stderr).toBe('');
});

test.each([
  { why: 'once, with a save that hangs: half a second, then a clean end', signals: 1, status: 0, last: 'bye bye' },
  { why: 'twice: at once', signals: 2, status: 1, last: 'You insist... exiting now.' },
])('SIGINT $why', async ({ signals, status, last }) => {
  const stop = fileURLToPath(new URL('../../dist/shell/stop.js', import.meta.url));
  const log = fileURLToPath(new URL('../../dist/shell/log.js', import.meta.url));
  const script = `
    const { createStop, stopOnSignals } = await import(${JSON.stringify(stop)});
    const { createLog } = await import(${JSON.stringify(log)});
    const log = createLog({ level: 'notice', file: '', format: 'text' });
    // The half second after the first signal must not be over before there is a second one.
    const later = setTimeout;
    if (${signals} === 2) globalThis.setTimeout = (end, ms) => later(end, 100 * ms);
    stopOnSignals(log, createStop({ log, cleanUp() {}, settled: () => new Promise(() => {}) }));
    setInterval(() => {}, 1000);
    console.log('waiting');`;
  const run = place.run(['--input-type=module', '-e', script], { command: [process.execPath] });
  await until('the script', () => run.out.stdout.includes('waiting'));
  run.child.kill('SIGINT');
  await until('the first', () => run.out.stdout.includes('Received SIGINT scheduling shutdown...'));
  if (signals === 2) run.child.kill('SIGINT');
  expect(await run.ended).toBe(status);
  expect(run.out.stdout).toContain(last);
});

// Elsewhere there is no /proc to read a title from.
test.runIf(onLinux)('the process title follows its template, or is left alone', async () => {
  const port = await aPort();
  const title = (run: Run) => readFileSync(`/proc/${run.child.pid}/cmdline`, 'latin1').split('\0')[0]?.trim();
  const usual = await up(`port ${port}\n`);
  expect(title(usual)).toBe(`redis-sentinel 127.0.0.1:${port} [sentinel]`);
  await stopped(usual);
  const own = await up(`port ${port}\nproc-title-template "{port} {server-mode} {unixsocket}"\n`);
  expect(title(own)).toBe(`${port} [sentinel]`);
  await stopped(own);
  const none = await up(`port ${port}\nset-proc-title no\n`);
  expect(title(none)).toBe(process.execPath);
  await stopped(none);
});

test('always-show-logo: a picture with the facts in the place of the line', async () => {
  const port = await aPort();
  const run = await up(`port ${port}\nalways-show-logo yes\n`);
  expect(run.out.stdout).toContain(`Port: ${port}\n`);
  expect(run.out.stdout).toContain(`PID: ${run.child.pid}\n`);
  expect(run.out.stdout).not.toContain('Running mode');
  expect(await stopped(run)).toBe(0);
});
