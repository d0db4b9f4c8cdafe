// A client of the simulation: it asks a sentinel where the master is, writes there, and begins anew with the next sentinel
// when that fails. The sentinels are all it knows.
import type { NodeReply } from '../../src/core/effects.ts';
import type { Ms } from '../../src/core/state.ts';
import { plan } from '../core/fake-time.ts';
import { addParty, close, connect, ipOf, type Network, type Party, partyFacts, send } from './network.ts';

export interface Client {
  readonly party: Party;
  readonly group: string;
  /** When it last began a write that was acknowledged, and by whom. */
  writtenAt: Ms;
  writtenTo: string;
  writes: number;
  turn: number;
}

const WRITE_EVERY_MS: Ms = 500;
const PATIENCE_MS: Ms = 400;

/** A client that writes to the master of `group`, twice a second, until the end of the run. */
export function startClient(net: Network, group: string, sentinels: readonly Party[]): Client {
  const party: Party = { ...partyFacts(`client-${group}`, `10.0.9.${group.slice(1)}`, 0), accept: () => undefined };
  party.condition = 'up';
  addParty(net, party);
  const client: Client = { party, group, writtenAt: -1, writtenTo: '', writes: 0, turn: 0 };
  const again = () => {
    write(net, client, sentinels);
    plan(net.time, net.time.now + WRITE_EVERY_MS, again);
  };
  plan(net.time, net.time.now + net.rand(WRITE_EVERY_MS), again);
  return client;
}

function write(net: Network, client: Client, sentinels: readonly Party[]): void {
  const begun = net.time.now;
  client.turn += 1;
  const sentinel = sentinels[client.turn % sentinels.length];
  if (sentinel === undefined) return;
  const question = ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', client.group];
  ask(net, client, sentinel, question, (reply) => {
    if (reply.kind !== 'array') return;
    const [host, port] = reply.items;
    if (host?.kind !== 'text' || port?.kind !== 'text') return;
    const node = { ip: ipOf(net, host.text), port: Number(port.text) };
    ask(net, client, node, ['SET', 'key', 'value'], (done) => {
      if (done.kind !== 'text' || done.text !== 'OK') return;
      client.writtenAt = begun;
      client.writtenTo = `${node.ip}:${node.port}`;
      client.writes += 1;
    });
  });
}

/** One request over a connection of its own. Without an answer in time nothing happens. */
function ask(
  net: Network,
  { party }: Client,
  target: { readonly ip: string; readonly port: number },
  args: readonly string[],
  answered: (reply: NodeReply) => void,
): void {
  const socket = connect(net, party, target.ip, target.port, {
    opened: () => send(net, socket, { kind: 'request', args }),
    packet: (packet) => {
      if (packet.kind !== 'reply') return;
      close(net, socket);
      answered(packet.reply);
    },
    closed: () => undefined,
  });
  plan(net.time, net.time.now + PATIENCE_MS, () => close(net, socket));
}
