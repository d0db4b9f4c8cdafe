// What it means that everything is in order, asked from the outside: one master that all sentinels agree on, all nodes
// follow and all applications write to.
import { parseFields, parseInfo } from '../../src/demo/nodes.ts';
import { textOf } from '../../src/demo/until.ts';
import type { LineOf } from './history.ts';
import { DATA_HOSTS, type DataHost, type Ms, nameOf, SENTINEL_HOSTS, type SentinelHost } from './plan.ts';
import { MASTER, type Servers } from './servers.ts';

/** The last acknowledged write of each writer. */
export type LastWrites = ReadonlyMap<string, LineOf<'write'>>;

/** The master where all is in order, and otherwise what is not. `since`: every writer has written to it after that. */
export async function lookForOrder(
  servers: Servers,
  writes: LastWrites,
  since: Ms,
): Promise<{ master: DataHost } | { wrong: string }> {
  try {
    const views = await Promise.all(SENTINEL_HOSTS.map((host) => viewOf(servers, host)));
    const wrong = views.find((view) => view.wrong !== undefined)?.wrong;
    if (wrong !== undefined) return { wrong };
    const places = new Set(views.map(({ place }) => place));
    if (places.size > 1) return { wrong: `the sentinels name ${[...places].join(', ')}` };
    const master = DATA_HOSTS.find((host) => host === views[0]?.master);
    if (master === undefined) return { wrong: `the master is ${views[0]?.master}` };
    const wrongNodes = await Promise.all(DATA_HOSTS.map((host) => wrongInNode(servers, host, master)));
    const wrongNode = wrongNodes.find((text) => text !== undefined) ?? wrongInWrites(writes, master, since);
    return wrongNode === undefined ? { master } : { wrong: wrongNode };
  } catch (error) {
    return { wrong: textOf(error) };
  }
}

async function viewOf(servers: Servers, host: SentinelHost) {
  const { client } = servers.of(host);
  const ask = (...words: string[]) =>
    client.command('SENTINEL', ...words, MASTER).catch((error: unknown) => {
      throw new Error(`${host} does not answer: ${textOf(error)}`);
    });
  const { flags, ip = '', 'config-epoch': epoch } = parseFields(await ask('MASTER'));
  const replicas = ((await ask('REPLICAS')) as unknown[]).map(parseFields);
  const peers = ((await ask('SENTINELS')) as unknown[]).map(parseFields);
  const { sentinel_tilt: tilt } = parseInfo(String(await client.command('INFO', 'sentinel')));
  const master = nameOf(ip);
  const odd =
    replicas.find((each) => each.flags !== 'slave' || each['master-link-status'] !== 'ok') ??
    peers.find((each) => each.flags !== 'sentinel');
  let wrong: string | undefined;
  if (tilt !== '0') wrong = `${host} is in TILT`;
  else if (flags !== 'master') wrong = `${host} sees ${master} as ${flags}`;
  else if (replicas.length !== DATA_HOSTS.length - 1) wrong = `${host} knows ${replicas.length} replicas`;
  else if (peers.length !== SENTINEL_HOSTS.length - 1) wrong = `${host} knows ${peers.length} sentinels`;
  else if (odd !== undefined)
    wrong = `${host} sees ${nameOf(odd.ip ?? '')} as ${odd.flags}, its link ${odd['master-link-status']}`;
  return { master, place: `${master} in epoch ${epoch}`, wrong };
}

async function wrongInNode(servers: Servers, host: DataHost, master: DataHost): Promise<string | undefined> {
  const info = parseInfo(String(await servers.of(host).client.command('INFO', 'replication')));
  const { role, master_host: follows = '', master_link_status: link } = info;
  if (host === master) return role === 'master' ? undefined : `the master ${host} is a ${role}`;
  if (role !== 'slave') return `${host} is a ${role} as well`;
  if (nameOf(follows) !== master) return `${host} follows ${nameOf(follows)}`;
  return link === 'up' ? undefined : `the link of ${host} is ${link}`;
}

function wrongInWrites(writes: LastWrites, master: DataHost, since: Ms): string | undefined {
  for (const [writer, { at, to }] of writes) {
    if (at < since) return `${writer} has written nothing since the faults ended`;
    if (to !== master) return `${writer} writes to ${to}`;
  }
  return undefined;
}
