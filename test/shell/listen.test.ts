// Where we listen, on real sockets of this machine: addresses, names, Unix sockets, and the words for what goes wrong.

import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { networkInterfaces, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../src/demo/ports.ts';
import { until } from '../../src/demo/until.ts';
import { backlogWarning, isListenedOn, listenAll, type Places } from '../../src/shell/listen.ts';

/** An address of the documentation range: no machine has it. */
const FOREIGN = '198.51.100.99';
const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

const created: Server[] = [];
afterEach(() => {
  for (const server of created.splice(0)) server.close();
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ts-sentinel-listen-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What came of it: where we listen, or the reason why not; and what was warned of. */
async function outcome(places: Partial<Places>) {
  const warnings: string[] = [];
  const kinds: string[] = [];
  const create = (kind: string) => {
    kinds.push(kind);
    const server = createServer();
    created.push(server);
    return server;
  };
  try {
    const servers = await listenAll(create, { bind: [], port: 0, tlsPort: 0, backlog: 5, ...places }, (text) =>
      warnings.push(text),
    );
    const where = servers.map((server) => {
      const address = server.address();
      return typeof address === 'string' || address === null ? 'unix' : address.address;
    });
    return { where, warnings };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error), warnings };
  }
}

const aPort = async () => (await freePorts(1))[0] ?? 0;
const cannot = (place: string, reason: string) =>
  `Warning: Could not create server TCP listening socket ${place}: ${reason}`;

test.each([
  { why: 'one address', bind: ['127.0.0.1'], where: ['127.0.0.1'] },
  { why: 'several', bind: ['127.0.0.1', '127.0.0.2'], where: ['127.0.0.1', '127.0.0.2'] },
  { why: 'a name is its IPv4 address', bind: ['localhost'], where: ['127.0.0.1'] },
  { why: 'a dash in front changes nothing where the address is there', bind: ['-127.0.0.1'], where: ['127.0.0.1'] },
  { why: 'all of IPv4', bind: ['*'], where: ['0.0.0.0'] },
])('bind: $why', async ({ bind, where }) => {
  expect(await outcome({ bind, port: await aPort() })).toEqual({ where, warnings: [] });
});

test('a port for TLS beside the plain one, or alone; never the same', async () => {
  const [port, tlsPort] = [await aPort(), await aPort()];
  const bind = ['127.0.0.1'];
  expect(await outcome({ bind, port, tlsPort })).toEqual({ where: ['127.0.0.1', '127.0.0.1'], warnings: [] });
  expect(await outcome({ bind, tlsPort: await aPort() })).toEqual({ where: ['127.0.0.1'], warnings: [] });
  const only = await aPort();
  expect(await outcome({ bind, port: only, tlsPort: only })).toEqual({
    failed: `Failed listening on port ${only} (TLS), aborting.`,
    warnings: [cannot(`127.0.0.1:${only}`, 'bind: Address already in use')],
  });
});

// On a machine without IPv6 there is nothing to listen on.
test.runIf(hasIpv6)('both families side by side on one port, never one socket for both', async () => {
  const port = await aPort();
  expect(await outcome({ bind: ['*', '-::*'], port })).toEqual({ where: ['0.0.0.0', '::'], warnings: [] });
  const other = await aPort();
  expect(await outcome({ bind: ['127.0.0.1', '::1'], port: other })).toMatchObject({ where: ['127.0.0.1', '::1'] });
});

test.runIf(hasIpv6)('overlapping IPv6 addresses are refused, optional or not', async () => {
  const port = await aPort();
  expect(await outcome({ bind: ['::', '-::1'], port })).toEqual({
    failed: `Failed listening on port ${port} (TCP), aborting.`,
    warnings: [cannot(`::1:${port}`, 'bind: Address already in use')],
  });
});

test('an address that this machine does not have', async () => {
  const port = await aPort();
  const warnings = [cannot(`${FOREIGN}:${port}`, 'bind: Cannot assign requested address')];
  expect(await outcome({ bind: [FOREIGN, '127.0.0.1'], port })).toEqual({
    failed: `Failed listening on port ${port} (TCP), aborting.`,
    warnings,
  });
  expect(await outcome({ bind: [`-${FOREIGN}`, '127.0.0.1'], port })).toEqual({ where: ['127.0.0.1'], warnings });
  expect(await outcome({ bind: [`-${FOREIGN}`], port })).toEqual({
    failed: 'Configured to not listen anywhere, exiting.',
    warnings,
  });
});

test('a name that nobody knows is never passed over', async () => {
  const port = await aPort();
  expect(await outcome({ bind: ['-nobody.invalid'], port })).toEqual({
    failed: `Failed listening on port ${port} (TCP), aborting.`,
    warnings: [cannot(`nobody.invalid:${port}`, 'Name or service not known')],
  });
});

test('where one address fails, the others are given back', async () => {
  const port = await aPort();
  await outcome({ bind: ['127.0.0.1', FOREIGN], port });
  expect(await outcome({ bind: ['127.0.0.1'], port })).toEqual({ where: ['127.0.0.1'], warnings: [] });
});

test.each([
  { why: 'no port', places: { bind: ['*'], port: 0 } },
  { why: 'no address', places: { bind: [], port: 26379 } },
])('nowhere to listen: $why', async ({ places }) => {
  expect(await outcome(places)).toEqual({ failed: 'Configured to not listen anywhere, exiting.', warnings: [] });
});

test('a Unix socket, alone or beside a port, in the place of an old one, with the mode asked for', async () => {
  const path = join(temporaryFolder(), 'sentinel.sock');
  writeFileSync(path, 'left behind');
  expect(await outcome({ unixSocket: { path, mode: 0o600 } })).toEqual({ where: ['unix'], warnings: [] });
  expect(statSync(path).isSocket()).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  for (const server of created.splice(0)) await new Promise((resolve) => server.close(resolve));
  expect(existsSync(path)).toBe(false);
  const both = await outcome({ bind: ['127.0.0.1'], port: await aPort(), unixSocket: { path, mode: 0o777 } });
  expect(both).toEqual({ where: ['127.0.0.1', 'unix'], warnings: [] });
  expect(statSync(path).mode & 0o777).toBe(0o777);
});

test('a Unix socket that cannot be', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'none', 'x.sock');
  expect(await outcome({ unixSocket: { path, mode: 0 } })).toEqual({
    failed: 'Failed opening Unix socket: bind: No such file or directory',
    warnings: [],
  });
  const long = join(folder, 'x'.repeat(120));
  expect(await outcome({ unixSocket: { path: long, mode: 0 } })).toEqual({
    failed: 'Failed opening Unix socket: bind: File name too long',
    warnings: [],
  });
  mkdirSync(join(folder, 'taken'));
  chmodSync(join(folder, 'taken'), 0o700);
  expect(await outcome({ unixSocket: { path: join(folder, 'taken'), mode: 0 } })).toEqual({
    failed: 'Failed opening Unix socket: bind: Address already in use',
    warnings: [],
  });
});

test.each([
  { why: 'the kernel keeps as many', most: '511\n', warned: false },
  { why: 'the kernel keeps fewer', most: '128\n', warned: true },
  { why: 'no such file, as elsewhere than on Linux', most: undefined, warned: false },
])('tcp-backlog: $why', ({ most, warned }) => {
  const read = () => {
    if (most === undefined) throw new Error('ENOENT');
    return most;
  };
  expect(backlogWarning(511, read)).toBe(
    warned
      ? 'WARNING: The TCP backlog setting of 511 cannot be enforced because /proc/sys/net/core/somaxconn is set to the lower value of 128.'
      : undefined,
  );
});

test.runIf(platform() === 'linux')('whether a port is listened on, as the kernel has it', async () => {
  for (const bind of hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
    const port = await aPort();
    expect(await isListenedOn(port)).toBe(false);
    await outcome({ bind: [bind], port });
    // Connections of the port do not count, and do not hide it.
    const [server] = created as [Server];
    const client = connect(port, bind);
    await once(server, 'connection');
    expect(await isListenedOn(port)).toBe(true);
    server.close();
    await until('the socket to be closed', async () => (await isListenedOn(port)) === false);
    client.destroy();
    created.length = 0;
  }
});
