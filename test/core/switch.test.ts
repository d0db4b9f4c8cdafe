// Which node a new configuration means, when more than one could be meant. Its course is told by the scenarios.
import { expect, test } from 'vitest';
import { currentAddress, nodeAt, replicasOf } from '../../src/core/query.ts';
import type { Address } from '../../src/core/state.ts';
import { switchMaster } from '../../src/core/switch.ts';
import { beginTurn } from '../../src/core/turn.ts';
import { fileWith, startFrom } from './small-state.ts';

const placed = (host: string, ip: string): Address => ({ host, ip, port: 6379 });

/** A master and two replicas whose names stand for one IP, since the DNS is behind. */
function twoAtOneIp() {
  const replicas = ['r1.test', 'r2.test'].map((host) => ({ host, port: 6379 }));
  const file = fileWith({ host: 'm.test', replicas }, { resolveHostnames: true, announceHostnames: true });
  const { state, master } = startFrom(file);
  for (const replica of replicasOf(state, master)) replica.address = placed(replica.address.host, '10.0.0.2');
  return { state, master };
}

test.each([
  { why: 'the second of two at one IP', told: placed('r2.test', '10.0.0.2'), host: 'r2.test' },
  { why: 'the first of them', told: placed('r1.test', '10.0.0.2'), host: 'r1.test' },
  { why: 'a name in other letters', told: placed('R2.Test', '10.0.0.2'), host: 'r2.test' },
  { why: 'a name whose IP is not known yet', told: { host: 'r2.test', ip: undefined, port: 6379 }, host: 'r2.test' },
  { why: 'an IP means who is there', told: placed('10.0.0.2', '10.0.0.2'), host: 'r1.test' },
])('the switch goes to the node that is named: $why', ({ told, host }) => {
  const { state, master } = twoAtOneIp();
  expect(nodeAt(state, master, told)?.address.host).toBe(host);
  switchMaster(
    beginTurn(state, 0, 0, () => 0),
    master,
    told,
  );
  expect(currentAddress(state, master).host).toBe(host);
  expect(replicasOf(state, master).map(({ address }) => address.host)).not.toContain(host);
});

test.each([
  { why: 'nobody is at a place that no node has', told: placed('r3.test', '10.0.0.3') },
  { why: 'another name at the place of a node is another node', told: placed('r3.test', '10.0.0.2') },
])('$why', ({ told }) => {
  const { state, master } = twoAtOneIp();
  expect(nodeAt(state, master, told)).toBeUndefined();
});
