// Clients over TLS: who comes in, and what is said of those who don't. Texts as redis-sentinel 7.0.15 logs them.
import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { TlsSettings } from '../../src/config/tls-options.ts';
import { freePorts } from '../../src/demo/ports.ts';
import { until } from '../../src/demo/until.ts';
import { createTlsFront } from '../../src/shell/tls-front.ts';
import { createAuthority } from '../certificates.ts';

const ours = createAuthority('ours');
const theirs = createAuthority('theirs');
const as = ({ certificate, key }: { certificate: string; key: string }) => ({ cert: certificate, key });
const server = as(ours.issue('server'));
const member = as(ours.issue('client'));
const stranger = as(theirs.issue('stranger'));

async function open(authClients: TlsSettings['authClients'], room = () => true, handshakeMs = 10_000) {
  const onRefused = vi.fn();
  const front = createTlsFront({
    context: { ...server, ca: [ours.certificate] },
    authClients,
    handshakeMs,
    mayEnter: room,
    onSecure: (socket) => socket.end('welcome'),
    onRefused,
  });
  const [port = 0] = await freePorts(1);
  const listener = front.createServer();
  await new Promise<void>((resolve) => void listener.listen(port, '127.0.0.1', resolve));
  onTestFinished(() => {
    front.close();
    listener.close();
  });
  return { front, port, onRefused };
}

/** Connect, and return what came until the other side closed; an error counts as an end. */
function visit(port: number, own: ConnectionOptions): Promise<string> {
  const trust = { ca: [ours.certificate], checkServerIdentity: () => undefined };
  return said(connect({ port, host: '127.0.0.1', ...trust, ...own }));
}

function said(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (data) => (text += data.toString()));
  socket.on('error', () => undefined);
  return new Promise((resolve) => void socket.on('close', () => resolve(text)));
}

const FAILED = /^error:0A000086:SSL routines::certificate verify failed \(\w+\)$/;
const NONE = /^error:0A0000C7:SSL routines::peer did not return a certificate$/;

test.each([
  { auth: 'yes', who: 'a member', own: member, refused: undefined },
  { auth: 'yes', who: 'somebody without a certificate', own: {}, refused: NONE },
  { auth: 'yes', who: 'a stranger', own: stranger, refused: FAILED },
  { auth: 'optional', who: 'a member', own: member, refused: undefined },
  { auth: 'optional', who: 'somebody without a certificate', own: {}, refused: undefined },
  { auth: 'optional', who: 'a stranger', own: stranger, refused: FAILED },
  { auth: 'no', who: 'somebody without a certificate', own: {}, refused: undefined },
  { auth: 'no', who: 'a stranger', own: stranger, refused: undefined },
] as const)('tls-auth-clients $auth: $who', async ({ auth, own, refused }) => {
  const { front, port, onRefused } = await open(auth);
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
    expect(await visit(port, { ...own, maxVersion })).toBe(refused === undefined ? 'welcome' : '');
  await until('nobody at the door', () => front.pending === 0);
  if (refused === undefined) expect(onRefused).not.toHaveBeenCalled();
  else expect(onRefused.mock.calls).toEqual([[expect.stringMatching(refused)], [expect.stringMatching(refused)]]);
});

test('a session of a stranger is not resumed by anybody', async () => {
  const { port } = await open('optional');
  const first = connect({ port, host: '127.0.0.1', ca: [ours.certificate], checkServerIdentity: () => undefined });
  const session = await new Promise<Buffer>((resolve) => void first.once('session', resolve));
  expect(await visit(port, { session, ...stranger, maxVersion: 'TLSv1.2' })).toBe('');
});

test('plain text, silence and hanging up are closed without a word', async () => {
  const { front, port, onRefused } = await open('yes');
  const plain = connectPlain(port, '127.0.0.1');
  plain.write('PING\r\n');
  expect(await said(plain)).toBe('');
  expect(onRefused).toHaveBeenLastCalledWith('error:0A00010B:SSL routines::wrong version number');
  const silent = connectPlain(port, '127.0.0.1');
  await until('it is at the door', () => front.pending === 1);
  silent.end();
  expect(await said(silent)).toBe('');
  await until('it is gone', () => front.pending === 0);
  expect(onRefused).toHaveBeenLastCalledWith('error:0A000126:SSL routines::unexpected eof while reading');
});

test('a handshake that does not end is closed, and whoever talks meanwhile comes in', async () => {
  const { front, port, onRefused } = await open('yes', undefined, 300);
  const silent = connectPlain(port, '127.0.0.1');
  await until('it is at the door', () => front.pending === 1);
  expect(await visit(port, member)).toBe('welcome');
  expect(await said(silent)).toBe('');
  await until('it is gone', () => front.pending === 0);
  expect(onRefused.mock.calls).toEqual([['TLS handshake timeout']]);
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)('a member resumes its session: %s', async (maxVersion) => {
  const { port, onRefused } = await open('yes');
  const options = { port, host: '127.0.0.1', ca: [ours.certificate], checkServerIdentity: () => undefined };
  const first = connect({ ...options, ...member, maxVersion });
  const session = new Promise<Buffer>((resolve) => void first.on('session', resolve));
  expect(await said(first)).toBe('welcome');
  const again = connect({ ...options, ...member, maxVersion, session: await session });
  const reused = new Promise((resolve) => void again.once('secureConnect', () => resolve(again.isSessionReused())));
  expect(await said(again)).toBe('welcome');
  expect(await reused).toBe(true);
  expect(onRefused).not.toHaveBeenCalled();
});

test('who is not let in gets no handshake', async () => {
  const { front, port, onRefused } = await open('yes', () => false);
  expect(await visit(port, member)).toBe('');
  expect(front.pending).toBe(0);
  expect(onRefused).not.toHaveBeenCalled();
});

test('new certificates count for new connections', async () => {
  const { front, port } = await open('yes');
  expect(await visit(port, member)).toBe('welcome');
  front.setContext({ ...as(theirs.issue('server')), ca: [theirs.certificate] });
  expect(await visit(port, member)).toBe('');
  expect(await visit(port, { ...stranger, ca: [theirs.certificate] })).toBe('welcome');
});
