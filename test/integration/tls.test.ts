// Clusters in which everybody talks TLS and shows a certificate, with genuine peers and without; and strangers at the door.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import type { SentinelNode } from '../../src/demo/nodes.ts';
import { findOnPath, type SentinelKind } from '../../src/demo/programs.ts';
import { until } from '../../src/demo/until.ts';
import { createAuthority, type Identity, writeTlsFiles } from '../certificates.ts';
import {
  acceptsWrites,
  agreedEpoch,
  follows,
  genuineIsInstalled,
  listed,
  masterFields,
  promotions,
  start,
} from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'ts-sentinel-certificates-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const authority = createAuthority('ours');
const foreign = createAuthority('foreign');
const files = (name: string, identity: Identity) => writeTlsFiles(folder, name, identity, authority);
const ours = files('ours', authority.issue('node'));
const strangers = files('stranger', foreign.issue('node'));

const MIXES: { why: string; kinds: SentinelKind[] }[] = [
  { why: 'three ts', kinds: ['ts', 'ts', 'ts'] },
  { why: 'one genuine, two ts', kinds: ['genuine', 'ts', 'ts'] },
  { why: 'two genuine, one ts', kinds: ['genuine', 'genuine', 'ts'] },
];
// Without redis-sentinel on the machine there is nothing to mix with.
const mixes = MIXES.filter(({ kinds }) => genuineIsInstalled || !kinds.includes('genuine'));

test.each(mixes)('mutual TLS, $why: a killed master is replaced once, and returns as a replica', async ({ kinds }) => {
  const topology = await start({ tls: ours, sentinels: kinds.map((kind) => ({ kind })), downAfterMs: 2000 });
  await topology.master.kill();
  const promoted = await topology.agreedMaster({ not: topology.master });
  await acceptsWrites(promoted);
  await agreedEpoch(topology);
  for (const replica of topology.replicas) if (replica !== promoted) await follows(replica, promoted);
  await topology.master.start();
  await follows(topology.master, promoted);
  expect(promotions(topology)).toHaveLength(1);
});

/** One sentinel that talks TLS, and a master without replicas. */
async function startOne() {
  const topology = await start({ tls: ours, sentinels: 1, replicas: 0, quorum: 1 });
  return { topology, sentinel: topology.sentinels[0] as SentinelNode };
}

test('what the process shows of itself when its only port is one for TLS', async () => {
  const { sentinel } = await startOne();
  expect(sentinel.log()).toContain(`Running mode=sentinel, port=${sentinel.port}.`);
  expect((await sentinel.info('server')).tcp_port).toBe(String(sentinel.port));
  await expect(sentinel.command('SENTINEL', 'CONFIG', 'SET', 'tls-port', '1')).rejects.toThrow(
    "ERR Invalid argument 'tls-port' to SENTINEL CONFIG SET",
  );
});

// The client of the distribution: without it there is nothing to run.
test.skipIf(findOnPath(['redis-cli']) === undefined)('redis-cli --tls', async () => {
  const { sentinel } = await startOne();
  const cli = async (...args: string[]) => {
    const own = ['--tls', '--cacert', ours.caFile, '-p', String(sentinel.port), ...args];
    const { stdout, stderr } = await promisify(execFile)('redis-cli', own).catch((error) => error);
    return String(stdout) + String(stderr);
  };
  const member = ['--cert', ours.certFile, '--key', ours.keyFile];
  expect(await cli(...member, 'PING')).toBe('PONG\n');
  expect(await cli(...member, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster')).toMatch(/^127\.0\.0\.1\n\d+\n$/);
  // It says what broke the connection, or is ended by SIGPIPE when it writes to a closed one.
  const refused = /^(Error: .*\n)?$/;
  expect(await cli('PING')).toMatch(refused);
  expect(await cli('--cert', strangers.certFile, '--key', strangers.keyFile, 'PING')).toMatch(refused);
  await until('both refusals in the log', () => sentinel.log().split('Error accepting a client').length === 3);
});

/** What a client hears until the connection is closed. */
function heard(socket: ReturnType<typeof connectPlain> | TLSSocket, say: string): Promise<string> {
  let text = '';
  socket.on('data', (data) => (text += data.toString('latin1')));
  socket.on('error', () => undefined);
  socket.write(say);
  return new Promise((resolve) => void socket.on('close', () => resolve(text)));
}

test('strangers and plain text get nothing, and everybody else goes on', async () => {
  const { sentinel } = await startOne();
  const { port } = sentinel;
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false };
  expect(await heard(connect(options), 'PING\r\n')).toBe('');
  const own = foreign.issue('x');
  expect(await heard(connect({ ...options, cert: own.certificate, key: own.key }), 'PING\r\n')).toBe('');
  expect(await heard(connectPlain(port, '127.0.0.1'), 'PING\r\n')).toBe('');
  for (const reason of [
    'error:0A0000C7:SSL routines::peer did not return a certificate',
    'error:0A000086:SSL routines::certificate verify failed',
    'error:0A00010B:SSL routines::wrong version number',
  ])
    expect(sentinel.log()).toContain(`# Error accepting a client connection: ${reason}`);
  expect(await sentinel.command('PING')).toBe('PONG');
});

test('a sentinel with a foreign certificate sees nobody, is nobody’s peer, and says why', async () => {
  const { topology, sentinel } = await startOne();
  const identity = [`tls-client-cert-file "${strangers.certFile}"`, `tls-client-key-file "${strangers.keyFile}"`];
  const stranger = await topology.addSentinel({ config: identity });
  // It is sdown before anybody could listen; and not every attempt to connect lives to read what the node says of it.
  const says = (text: RegExp) =>
    until(`it to say ${text}`, () => text.test(stranger.log()), { describe: stranger.log });
  await says(/# \+sdown master mymaster/);
  await says(/# master mymaster 127\.0\.0\.1 \d+ can't be spoken to over TLS: .*unknown ca/);
  expect((await masterFields(stranger))['num-other-sentinels']).toBe('0');
  expect(await listed(sentinel, 'SENTINELS')).toEqual([]);
  expect((await masterFields(sentinel)).flags).toBe('master');
});

test('SIGHUP: renewed certificates are shown from then on; broken ones are refused, and connections stay', async () => {
  const own = files('renewed', authority.issue('before'));
  const topology = await start({
    tls: ours,
    sentinels: [{ tls: own }, {}],
    replicas: 0,
  });
  const sentinel = topology.sentinels[0] as SentinelNode;
  const shown = async () => {
    const socket = connect({ port: sentinel.port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    const name = socket.getPeerCertificate().subject.CN;
    socket.destroy();
    return name;
  };
  const hangUp = () => process.kill(sentinel.pid as number, 'SIGHUP');
  expect(await shown()).toBe('before');
  files('renewed', authority.issue('after'));
  hangUp();
  await until('the new certificate', async () => (await shown()) === 'after');
  writeFileSync(own.certFile, 'broken');
  hangUp();
  await until('a refusal', () => sentinel.log().includes('those in use stay'));
  expect(sentinel.log()).toContain(`Failed to load certificate: ${own.certFile}: `);
  expect(await shown()).toBe('after');
  await topology.settled();
});
