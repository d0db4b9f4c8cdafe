// Clusters with passwords and with users that may do no more than they have to; refusals are told, with the remedy.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { createClient } from '../../src/demo/client.ts';
import type { SentinelNode } from '../../src/demo/nodes.ts';
import type { SentinelKind } from '../../src/demo/programs.ts';
import { until } from '../../src/demo/until.ts';
import { createAuthority, writeTlsFiles } from '../certificates.ts';
import {
  acceptsWrites,
  agreedEpoch,
  event,
  follows,
  genuineIsInstalled,
  masterFields,
  promotions,
  start,
} from './support.ts';

/** Passwords of the nodes' default user, of our user there, and of the sentinels. */
const NODES = 'node-secret';
const WATCHER = 'watcher-secret';
const SENTINELS = 'sentinel-secret';

/** What a sentinel needs on a data node, and nothing else (spec/config.md §7.5). */
const RIGHTS =
  'resetchannels &__sentinel__:hello -@all +multi +slaveof +ping +exec +subscribe +config|rewrite +publish +info ' +
  '+client|setname +client|kill +script|kill';
const watcher = (rights = RIGHTS) => `user watcher on >${WATCHER} ${rights}`;
const login = { user: 'watcher', password: WATCHER };

const MIXES: { why: string; kinds: SentinelKind[] }[] = [
  { why: 'three ts', kinds: ['ts', 'ts', 'ts'] },
  { why: 'one genuine, two ts', kinds: ['genuine', 'ts', 'ts'] },
];
// Without redis-sentinel on the machine there is nothing to mix with.
const mixes = MIXES.filter(({ kinds }) => genuineIsInstalled || !kinds.includes('genuine'));

test.each(mixes)('$why: a user with the documented rights is enough for a failover', async ({ kinds }) => {
  const topology = await start({
    password: NODES,
    login,
    config: [watcher()],
    // Peers are greeted with requirepass: all sentinels have the same.
    sentinels: kinds.map((kind) => ({ kind, password: SENTINELS })),
    downAfterMs: 1500,
  });
  await topology.master.kill();
  const promoted = await topology.agreedMaster({ not: topology.master });
  await acceptsWrites(promoted);
  await agreedEpoch(topology);
  for (const replica of topology.replicas) if (replica !== promoted) await follows(replica, promoted);
  await topology.master.start();
  await follows(topology.master, promoted);
  expect(promotions(topology)).toHaveLength(1);
  for (const node of topology.nodes) expect(await node.command('ACL', 'LOG')).toEqual([]);
  for (const sentinel of topology.sentinels) {
    expect(sentinel.log()).not.toMatch(/NOPERM|NOAUTH|WRONGPASS/);
    for (const secret of [NODES, WATCHER, SENTINELS]) expect(sentinel.log()).not.toContain(secret);
  }
});

/** One sentinel and a master that it may not watch in some way. */
async function startRefused(options: Parameters<typeof start>[0]) {
  const topology = await start({ sentinels: 1, replicas: 0, quorum: 1, unsettled: true, ...options });
  return { topology, sentinel: topology.sentinels[0] as SentinelNode };
}

const said = (sentinel: SentinelNode, text: string) =>
  until(`${sentinel.name} to say ${text}`, () => sentinel.log().includes(text), { describe: sentinel.log });

test('a missing right is told with the command that grants it, and that command is enough', async () => {
  const rights = RIGHTS.replace('+ping ', '');
  const { topology, sentinel } = await startRefused({ password: NODES, login, config: [watcher(rights)] });
  // From the log: it may be down before anybody listens.
  await said(sentinel, '+sdown master mymaster');
  await said(sentinel, "does not let user 'watcher' run ping (NOPERM): say there ACL SETUSER watcher +ping");
  await topology.master.command('ACL', 'SETUSER', 'watcher', '+ping');
  await event(sentinel, '-sdown', { text: 'master mymaster' });
  expect(sentinel.log().match(/NOPERM/g)).toHaveLength(1);
});

test('no password and a wrong one are told; SENTINEL SET with the right one is enough; no secret is logged', async () => {
  const { topology, sentinel } = await startRefused({ password: NODES, sentinels: [{ blank: true }] });
  const { port } = topology.master;
  await sentinel.command('SENTINEL', 'MONITOR', 'mymaster', '127.0.0.1', String(port), '1');
  await said(sentinel, `master mymaster 127.0.0.1 ${port} wants us to log in (NOAUTH)`);
  await sentinel.command('SENTINEL', 'SET', 'mymaster', 'auth-pass', 'wrong-secret');
  await said(sentinel, "refuses our password for user 'default' (WRONGPASS)");
  await sentinel.command('SENTINEL', 'SET', 'mymaster', 'auth-pass', NODES);
  await until('its run id', async () => (await masterFields(sentinel)).runid !== '');
  for (const secret of ['wrong-secret', NODES]) expect(sentinel.log()).not.toContain(secret);
});

test.each([
  { why: 'the right one', password: SENTINELS, welcome: true },
  { why: 'a wrong one', password: 'wrong-secret', welcome: false },
])('peers log in with sentinel-pass: $why', async ({ password, welcome }) => {
  const config = [`sentinel sentinel-pass ${password}`];
  const each = { password: SENTINELS, config };
  const topology = await start({ sentinels: [each, each], replicas: 0, quorum: 2, unsettled: true });
  if (welcome) return await topology.settled();
  for (const sentinel of topology.sentinels) {
    await said(sentinel, '+sdown sentinel ');
    await said(sentinel, "refuses our password for user 'default' (WRONGPASS): check 'sentinel sentinel-pass'");
    expect(sentinel.log()).not.toContain('wrong-secret');
  }
});

/** What a peer needs on a sentinel, a monitoring tool and a client (spec/config.md §7.5, spec/clients.md §3). */
const PEER = '-@all resetchannels &__sentinel__:hello +ping +publish +client|setname +sentinel|is-master-down-by-addr';
const EXPORTER =
  '-@all +client|setname +info +sentinel|masters +sentinel|ckquorum +sentinel|sentinels +sentinel|slaves +sentinel|config';
const CLIENT =
  '-@all +auth +client|getname +client|id +client|setname +command +hello +ping +role +subscribe resetchannels ' +
  '&+switch-master +sentinel|get-master-addr-by-name +sentinel|master +sentinel|myid +sentinel|replicas ' +
  '+sentinel|sentinels +sentinel|masters';

const folder = mkdtempSync(join(tmpdir(), 'ts-sentinel-certificates-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const authority = createAuthority('ours');
const peers = mixes.flatMap((mix) => [
  { ...mix, link: 'plain', tls: undefined },
  { ...mix, link: 'TLS', tls: writeTlsFiles(folder, 'node', authority.issue('node'), authority) },
]);
test.each(peers)(
  '$why, $link: peers with the documented rights on each other agree and vote',
  async ({ kinds, tls }) => {
    const config = [
      `user peer on >peer-secret ${PEER}`,
      'sentinel sentinel-user peer',
      'sentinel sentinel-pass peer-secret',
    ];
    const sentinels = kinds.map((kind) => ({ kind, password: SENTINELS, config }));
    const topology = await start({ sentinels, downAfterMs: 1500, ...(tls && { tls }) });
    await topology.master.kill();
    await acceptsWrites(await topology.agreedMaster({ not: topology.master }));
    await agreedEpoch(topology);
    expect(promotions(topology)).toHaveLength(1);
    for (const sentinel of topology.sentinels) expect(await sentinel.command('ACL', 'LOG')).toEqual([]);
  },
);

describe.each(['ts', 'genuine'] as const)('users of a %s sentinel', (kind) => {
  const config = [`user exporter on >exporter-secret ${EXPORTER}`, `user app on >app-secret ${CLIENT}`];
  /** Each request on one connection of the user: what it was answered, or how it was refused. */
  async function say(port: number, username: string, requests: readonly string[]) {
    const client = createClient(port, { username, password: `${username}-secret` });
    onTestFinished(() => client.close());
    const answers: string[] = [];
    for (const request of requests)
      answers.push(
        await client.command(...request.split(' ')).then(
          () => 'answered',
          (error: Error) => error.message.replace(/^(\w+).*/, '$1'),
        ),
      );
    return answers;
  }

  // Without redis-sentinel on the machine there is nothing to compare with.
  test.skipIf(kind === 'genuine' && !genuineIsInstalled)('redis_exporter, an application and an operator', async () => {
    const { sentinels } = await start({ sentinels: [{ kind, config }], quorum: 1 });
    const [{ port }] = sentinels as [SentinelNode];
    const scrape = ['CLIENT SETNAME redis_exporter', 'CONFIG GET *', 'INFO ALL', 'LATENCY LATEST', 'SLOWLOG LEN'];
    const perMaster = ['CKQUORUM', 'SENTINELS', 'SLAVES'].map((what) => `SENTINEL ${what} mymaster`);
    expect(await say(port, 'exporter', [...scrape, 'SENTINEL MASTERS', ...perMaster, 'SENTINEL CONFIG GET *'])).toEqual(
      [
        ...['answered', 'ERR', 'answered', 'ERR', 'ERR'],
        ...['answered', 'answered', 'answered', 'answered', 'answered'],
      ],
    );
    expect(
      await say(port, 'exporter', ['SENTINEL FAILOVER mymaster', 'SENTINEL REMOVE mymaster', 'PUBLISH x y']),
    ).toEqual(Array(3).fill('NOPERM'));
    const asks = [
      'GET-MASTER-ADDR-BY-NAME mymaster',
      'MASTER mymaster',
      'REPLICAS mymaster',
      'SENTINELS mymaster',
      'MYID',
    ];
    expect(await say(port, 'app', ['PING', 'ROLE', ...asks.map((ask) => `SENTINEL ${ask}`)])).toEqual(
      Array(7).fill('answered'),
    );
    expect(await say(port, 'app', ['SENTINEL RESET *', 'SHUTDOWN', 'ACL LIST', 'SUBSCRIBE +sdown'])).toEqual(
      Array(4).fill('NOPERM'),
    );
  });
});
