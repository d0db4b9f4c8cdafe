// What it means that everything is in order: one master that everybody agrees on, follows, and writes to.
import { currentAddress, replicasOf } from '../../src/core/query.ts';
import type { Ms } from '../../src/core/state.ts';
import type { Client } from './client.ts';
import type { DataNode } from './data-node.ts';
import { ipOf, type Network } from './network.ts';
import type { Run } from './run.ts';
import type { Sentinel } from './sentinel.ts';

/** What is not in order, or `undefined`. After a repair only what still runs and can be reached counts. */
export function whatIsWrong(run: Run, since: Ms): string | undefined {
  for (const client of run.clients) {
    const wrong = wrongInGroup(run, client, since);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function wrongInGroup(run: Run, client: Client, since: Ms): string | undefined {
  const { group } = client;
  const sentinels = run.sentinels.filter((each) => isReachable(run, each));
  const nodes = run.nodes.filter((node) => node.group === group && isReachable(run, node) && isKnown(sentinels, node));
  if (isForgotten(run, sentinels, group)) return undefined;
  const repaired = run.trial.ending === 'repair';
  let place: string | undefined;
  for (const sentinel of sentinels) {
    const wrong = wrongInSentinel(run, sentinel, group, repaired);
    if (wrong !== undefined) return wrong;
    const shown = placeShown(sentinel, group);
    place ??= shown;
    if (shown !== place) return `${sentinel.name} says ${shown}, another ${place}`;
  }
  return wrongInNodes(run.net, nodes, place, repaired) ?? wrongInClient(client, place, since);
}

/** Neither dead nor standing still nor cut off from more than half of the others. */
function isReachable(run: Run, party: Sentinel | DataNode): boolean {
  if (party.condition !== 'up' || party.paused) return false;
  return 2 * party.cutTo.size < run.sentinels.length + run.nodes.length;
}

/** Whom all sentinels forgot by RESET or REMOVE while it followed nobody, none of them can find again. */
export function isKnown(sentinels: readonly Sentinel[], { group, ip, port, announcedAs }: DataNode): boolean {
  return sentinels.some(({ life }) => {
    const master = life?.state.masters.get(group);
    if (life === undefined || master === undefined) return false;
    return [master, ...replicasOf(life.state, master)].some(
      ({ address }) => address.host === announcedAs || (address.ip === ip && address.port === port),
    );
  });
}

/**
 * An operator made a sentinel forget the master that the one which it knows follows by now, in the middle of a failover:
 * only operators can tell it where that is.
 */
function isForgotten(run: Run, sentinels: readonly Sentinel[], group: string): boolean {
  const isForgetful = run.trial.faults.some(
    (fault) =>
      fault.kind === 'remove' || fault.kind === 'lost' || (fault.kind === 'order' && fault.args[0] === 'RESET'),
  );
  if (!isForgetful) return false;
  return sentinels.some((sentinel) => {
    const ip = sentinel.life?.state.masters.get(group)?.address.ip;
    const shown = run.nodes.find((node) => node.group === group && node.ip === ip);
    if (shown?.role !== 'slave') return false;
    const followed = run.nodes.find((node) => node.ip === ipOf(run.net, shown.follows?.host ?? ''));
    return followed !== undefined && !isKnown([sentinel], followed);
  });
}

function placeShown({ life }: Sentinel, group: string): string {
  const master = life?.state.masters.get(group);
  if (life === undefined || master === undefined) return 'nowhere';
  const { ip, port } = currentAddress(life.state, master);
  return `${ip}:${port} ${master.configEpoch}`;
}

function wrongInSentinel({ sentinels }: Run, { life, name }: Sentinel, group: string, repaired: boolean) {
  const master = life?.state.masters.get(group);
  if (master === undefined) return `${name} does not know ${group}`;
  if (repaired) return undefined;
  if (life?.state.tiltAt !== undefined) return `${name} is in TILT`;
  if (master.failover !== undefined) return `${name} is in ${master.failover.phase} of ${group}`;
  if (master.sdownAt !== undefined) return `${name} sees ${group} down`;
  if (master.peers.size !== sentinels.length - 1) return `${name} knows ${master.peers.size} peers of ${group}`;
  return undefined;
}

function wrongInNodes(
  net: Network,
  nodes: readonly DataNode[],
  place: string | undefined,
  repaired: boolean,
): string | undefined {
  const [address] = (place ?? '').split(' ');
  const master = nodes.find(({ ip, port }) => `${ip}:${port}` === address);
  if (master === undefined) return `${place} is not there`;
  for (const node of nodes) {
    if ((node === master) !== (node.role === 'master')) return `${node.name} is ${node.role}, the master is ${place}`;
    if (node === master || repaired) continue;
    if (`${ipOf(net, node.follows?.host ?? '')}:${node.follows?.port}` !== address)
      return `${node.name} follows ${node.follows?.host}`;
    if (node.link !== 'up') return `${node.name} is not in step`;
  }
  return undefined;
}

function wrongInClient(client: Client, place: string | undefined, since: Ms): string | undefined {
  const [address] = (place ?? '').split(' ');
  if (client.writtenAt < since) return `nothing was written to ${client.group} since the faults ended`;
  if (client.writtenTo !== address) return `the last write went to ${client.writtenTo}`;
  return undefined;
}
