// The corpus through the real process: what starts, what is refused and in which words, what is written, and whether
// redis-sentinel starts with that. Outcomes were recorded from redis-sentinel 7.0.15 (corpus/outcomes.json); paths,
// port and our own address are those of this run. What the text alone leads to: test/config/corpus.test.ts.
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { rewriteConfig } from '../../src/config/rewrite.ts';
import { freePorts } from '../../src/demo/ports.ts';
import { until } from '../../src/demo/until.ts';
import { createAuthority } from '../certificates.ts';
import { fakeEnvironment } from '../config/fake-environment.ts';
import { type Run, workplace } from './run.ts';
import { genuineIsInstalled } from './support.ts';

interface Outcome {
  readonly file: string;
  readonly expect: 'starts' | 'refused';
  readonly unauthenticatedPing?: string;
  readonly channel?: 'block' | 'log';
  readonly line?: number;
  readonly quoted?: string;
  readonly message?: string;
  readonly log?: readonly string[];
}

const corpus = new URL('../config/corpus/', import.meta.url);
const outcomes = JSON.parse(readFileSync(new URL('outcomes.json', corpus), 'utf8')) as Outcome[];

/** What redis-sentinel 7.0.15 refuses and we start with, and what an unauthenticated PING is answered then. */
const startsHere: Readonly<Record<string, string>> = {
  '06-acl-users-inline.conf': 'NOAUTH Authentication required.', // subcommands of 7.2
  '22-newer-versions.conf': 'PONG',
  '23-valkey-state.conf': 'PONG',
  'bad-09-rename-config.conf': 'PONG', // a command that a sentinel does not have
};
const credentials: Readonly<Record<string, readonly string[]>> = {
  '06-acl-users-inline.conf': ['admin', 'adm1n'],
  '06b-acl-users-inline-7.0.conf': ['admin', 'adm1n'],
  '08-requirepass.conf': ['correct horse # battery'],
  '09-k8s-hostnames.conf': ['S0meThing'],
  '14-quoted-values.conf': ['tab\there "quoted" \\ Az #hash'],
};
/** What we leave can't start redis-sentinel 7.0.15: it holds what only newer releases know. */
const onlyHere = new Set(Object.keys(startsHere));

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));
const place = workplace();
const authority = createAuthority('corpus');
const server = authority.issue('redis');

/** The fixtures that the recordings were made with, in a folder of this test. */
function furnish(): void {
  for (const folder of ['etc/redis/tls', 'etc/redis/sentinel.d', 'var/lib/redis', 'var/log/redis', 'run/sentinel'])
    mkdirSync(place.path(folder), { recursive: true });
  place.write(authority.certificate, 'etc/redis/tls/ca.crt');
  place.write(server.certificate, 'etc/redis/tls/redis.crt');
  place.write(server.key, 'etc/redis/tls/redis.key');
  for (const script of ['notify.sh', 'reconfig.sh'])
    chmodSync(place.write('#!/bin/sh\nexit 0\n', `etc/redis/${script}`), 0o755);
  const users = 'user default on nopass ~* &* +@all\nuser app on >4pp -@all +ping allchannels\n';
  place.write(users, 'etc/redis/sentinel-users.acl');
  place.write('loglevel verbose\nsentinel announce-port 26379\n', 'etc/redis/common.inc');
}

/** A text of the corpus or of its recordings as it is here. */
function here(text: string, port: number): string {
  return text
    .replaceAll(/\/(etc\/redis|var\/lib|var\/log|run\/sentinel)/g, (path) => place.path(path.slice(1)))
    .replaceAll('10.20.0.21', '127.0.0.2')
    .replaceAll('26379', String(port));
}

interface Started {
  readonly run: Run;
  readonly port: number;
  readonly file: string;
}

async function start({ file: name }: Outcome): Promise<Started> {
  furnish();
  const [port = 0] = await freePorts(1);
  const file = place.write(here(readFileSync(new URL(name, corpus), 'latin1'), port), 'etc/redis/sentinel.conf');
  return { run: place.run([file, ...options(name, port)]), port, file };
}

/** A file that names no port means 26379, which may be taken here. One of them becomes a daemon. */
function options(name: string, port: number): string[] {
  const names = /^\s*port\s/m.test(readFileSync(new URL(name, corpus), 'latin1'));
  return [...(names ? [] : ['--port', String(port)]), ...(name.startsWith('02-') ? ['--daemonize', 'no'] : [])];
}

/** The reply to a request; `undefined` while nobody listens. Closes the connection. */
function ask(port: number, name: string, ...requests: (readonly string[])[]): Promise<string | undefined> {
  const bytes = requests.map(
    (words) => `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`,
  );
  return new Promise((resolve) => {
    let reply = '';
    const tls = { ca: authority.certificate, cert: server.certificate, key: server.key, rejectUnauthorized: false };
    const socket: Socket = name.startsWith('05-') ? connectTls(port, '127.0.0.1', tls) : connect(port, '127.0.0.1');
    socket.setEncoding('latin1').write(bytes.join(''));
    socket.on('data', (text: string) => {
      reply += text;
      if (reply.split('\r\n').length > requests.length) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(reply === '' ? undefined : reply));
  });
}

const firstLine = (reply: string | undefined) => reply?.split('\r\n')[0]?.replace(/^[-+]/, '');

/** Listens on IPv6. */
const needsIpv6 = (name: string) => name.startsWith('17');

const begun = outcomes.filter(({ file, expect }) => expect === 'starts' || file in startsHere);
test.for(begun)('$file starts, saves, and starts again', async (outcome, context) => {
  const { file: name, unauthenticatedPing = startsHere[outcome.file] } = outcome;
  context.skip(needsIpv6(name) && !hasIpv6, 'this machine has no IPv6');
  const { run, port, file } = await start(outcome);
  const text = readFileSync(file, 'latin1');
  let running = run;
  const answers = async () => {
    if (running.child.exitCode !== null) return running.out.stderr + running.out.stdout;
    return firstLine(await ask(port, name, ['PING']));
  };
  const answer = await until('an answer', answers);
  expect(answer).toBe(unauthenticatedPing);

  const login = credentials[name];
  const requests = [...(login === undefined ? [] : [['AUTH', ...login]]), ['SENTINEL', 'FLUSHCONFIG']];
  expect(await ask(port, name, ...requests)).toBe('+OK\r\n'.repeat(requests.length));
  running.child.kill('SIGTERM');
  expect(await running.ended).toBe(0);
  const saved = readFileSync(file, 'latin1');
  expect(saved).toBe(rewritten(text, saved, options(name, port)));

  running = place.run([file, ...options(name, port)]);
  expect(await until('an answer again', answers)).toBe(unauthenticatedPing);
  running.child.kill('SIGTERM');
  expect(await running.ended).toBe(0);
  // With an id in it, a start leaves the file alone.
  expect(readFileSync(file, 'latin1')).toBe(saved);

  if (!genuineIsInstalled || onlyHere.has(name)) return;
  running = place.run([file, ...options(name, port)], { command: ['redis-sentinel'] });
  expect(await until('an answer of redis-sentinel', answers)).toBe(unauthenticatedPing);
});

/** What the pure part makes of the text, which is compared with the recordings elsewhere. */
function rewritten(text: string, saved: string, args: readonly string[]): string {
  const myId = /^sentinel myid (\S+)$/m.exec(saved)?.[1];
  const read = ['etc/redis/common.inc', 'etc/redis/sentinel-users.acl'].map((name) => {
    const path = place.path(name);
    return [path, readFileSync(path, 'latin1')] as const;
  });
  const environment = fakeEnvironment({
    files: Object.fromEntries(read),
    commandLine: args.length === 0 ? [] : [args.join(' ').replaceAll(' --', '\n').slice(2)],
    workingDirectory: () => (/^\s*dir /m.test(text) ? place.path('var/lib/redis') : place.path('.').replace(/\/$/, '')),
  });
  const loaded = loadConfig(text, environment);
  return rewriteConfig(text, { ...loaded.durable, myId }, loaded.inEffect);
}

const refused = outcomes.filter(({ file, expect }) => expect === 'refused' && !(file in startsHere));
test.for(refused)('$file is refused in the recorded words', async (outcome, context) => {
  context.skip(needsIpv6(outcome.file) && !hasIpv6, 'this machine has no IPv6');
  const { run, port } = await start(outcome);
  expect(await run.ended).toBe(1);
  const { channel, line, quoted, message, log = [] } = outcome;
  const block = `\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line ${line}\n>>> '${quoted}'\n${message}\n`;
  expect(run.out.stderr).toBe(channel === 'block' ? here(block, port) : '');
  const logged = run.out.stdout.split('\n').map((each) => each.replace(/^\d+:X .{24} /, ''));
  const last = log.map((each) => here(each, port));
  if (channel === 'log') expect(logged.filter((each) => each !== '').slice(-last.length)).toEqual(last);
});
