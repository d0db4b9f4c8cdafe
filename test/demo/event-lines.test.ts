// The demo's reading of the sentinels' events.
import { expect, test } from 'vitest';
import { addEvent, type EventLine, inNames } from '../../src/demo/event-lines.ts';

const ID = 'b1f6b0f987fed490cee1ec5a041b528dea314690';
const names = {
  node: (port: string) => `node ${port.at(-1)}`,
  sentinel: (id: string) => (id === ID ? 'sentinel 1' : '?'),
};

test.each([
  { why: 'master', channel: '+sdown', payload: 'master m 127.0.0.1 7001', text: 'master node 1' },
  {
    why: 'quorum kept',
    channel: '+odown',
    payload: 'master m 127.0.0.1 7001 #quorum 2/2',
    text: 'master node 1 #quorum 2/2',
  },
  {
    why: 'replica',
    channel: '+slave',
    payload: 'slave h:7002 127.0.0.1 7002 @ m 127.0.0.1 7001',
    text: 'replica node 2',
  },
  {
    why: 'peer',
    channel: '+config-update-from',
    payload: `sentinel ${ID} 127.0.0.1 9001 @ m 127.0.0.1 7001`,
    text: 'sentinel 1',
  },
  { why: 'switch', channel: '+switch-master', payload: 'm 127.0.0.1 7001 127.0.0.1 7003', text: 'node 1 -> node 3' },
  { why: 'vote', channel: '+vote-for-leader', payload: `${ID} 4`, text: 'sentinel 1, epoch 4' },
  { why: 'epoch', channel: '+new-epoch', payload: '4', text: 'epoch 4' },
  {
    why: 'role in our words',
    channel: '-role-change',
    payload: 'slave h:7002 127.0.0.1 7002 @ m 127.0.0.1 7001 new reported role is slave',
    text: 'replica node 2 says it is a replica',
  },
  { why: 'anything else as it is', channel: '+tilt', payload: '#tilt mode entered', text: '#tilt mode entered' },
])('in names: $why', ({ channel, payload, text }) => {
  expect(inNames(channel, payload, names)).toBe(text);
});

const said = (at: number) => ({ at, channel: '+sdown', payload: 'master m 127.0.0.1 7001' });

test.each([
  { why: 'two sentinels soon after each other share a line', second: said(2_000), place: 1, lines: [[0, 1]] },
  { why: 'the same sentinel again is news', second: said(2_000), place: 0, lines: [[0], [0]] },
  { why: 'much later is another story', second: said(9_000), place: 1, lines: [[0], [1]] },
  { why: 'other words', second: { ...said(2_000), channel: '-sdown' }, place: 1, lines: [[0], [1]] },
])('lines: $why', ({ second, place, lines }) => {
  const all: EventLine[] = [];
  addEvent(all, 0, said(1_000), names);
  addEvent(all, place, second, names);
  expect(all.map(({ by }) => by)).toEqual(lines);
});
