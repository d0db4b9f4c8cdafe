// The demo's live picture, and the painting and cutting of its lines.
import { expect, test } from 'vitest';
import { createPaint, cut, wantsColours, wrap } from '../../src/demo/paint.ts';
import { drawPicture, type View } from '../../src/demo/picture.ts';

const sentinel = { master: 'node 1', flags: 'master', failoverState: '', epoch: 1, configEpoch: '0' };
const view: View = {
  title: 'ts-sentinel',
  step: 'node 1 was killed',
  runningMs: 4_200,
  nodes: [
    { name: 'node 1', address: '127.0.0.1:7001', state: 'killed', offset: '9', follows: '', linkUp: false },
    { name: 'node 2', address: '127.0.0.1:7002', state: 'master', offset: '12', follows: '', linkUp: false },
    { name: 'node 3', address: '127.0.0.1:7003', state: 'replica', offset: '12', follows: 'node 1', linkUp: false },
  ],
  sentinels: [
    { ...sentinel, name: 'sentinel 1', address: '127.0.0.1:9001', flags: 's_down,master' },
    { ...sentinel, name: 'sentinel 2', address: '127.0.0.1:9002', flags: 's_down,o_down,master,disconnected' },
    { ...sentinel, name: 'sentinel 3', address: '127.0.0.1:9003', failoverState: 'wait_promotion' },
  ],
  perSecond: 0,
  acknowledged: 1176,
  refusedAttempts: 20,
  refusedForMs: 1_240,
  history: [40, 20, 1, 0, 0],
  zeroAt: 1_000,
  events: [
    { at: 2_023, channel: '+sdown', text: 'master node 1', by: [0, 2] },
    { at: 2_050, channel: '+odown', text: 'master node 1 #quorum 2/2', by: [2] },
  ],
};

test('the picture during a failover', () => {
  expect(drawPicture(view, { columns: 100, rows: 40 }, createPaint(false)).join('\n')).toMatchInlineSnapshot(`
    "
     4.2 s  ts-sentinel
     > node 1 was killed

     Data nodes
       ✗ node 1   127.0.0.1:7001    killed
       ○ node 2   127.0.0.1:7002    master   offset 12  no sentinel says so
       ○ node 3   127.0.0.1:7003    replica  offset 12  looks for node 1

     Sentinels                        master is  epoch  config  thinks
       sentinel 1  127.0.0.1:9001    node 1         1       0  it is down
       sentinel 2  127.0.0.1:9002    node 1         1       0  it is down, others agree
       sentinel 3  127.0.0.1:9003    node 1         1       0  fails it over: wait promotion

     Writes     REFUSED for 1.24 s  1176 acknowledged, 20 refused
       █▄▁··

     Events     seconds, sentinels that say so, event
         +1.023  1   3  +sdown                             master node 1
         +1.050      3  +odown                             master node 1 #quorum 2/2"
  `);
});

test.each([
  { why: 'roomy', columns: 120, rows: 50 },
  { why: 'narrow: nothing is wider than the terminal', columns: 30, rows: 50 },
  { why: 'low: the newest events go first to be seen', columns: 80, rows: 18 },
  { why: 'tiny: even the head is cut', columns: 10, rows: 5 },
])('the picture fits: $why', ({ columns, rows }) => {
  const lines = drawPicture(view, { columns, rows }, createPaint(true));
  expect(lines.length).toBeLessThanOrEqual(rows);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  for (const line of lines) expect([...line.replaceAll(/\u001b\[\d+m/g, '')].length).toBeLessThanOrEqual(columns);
});

test('a low terminal shows the newest event, and no empty lines', () => {
  const draw = (rows: number, events = view.events) =>
    drawPicture({ ...view, events }, { columns: 80, rows }, createPaint(false));
  const lowest = draw(50, []).filter((line) => line !== '').length;
  expect(draw(lowest + 1).at(-1)).toContain('+odown');
  expect(draw(lowest + 1).at(-2)).toContain('Events');
});

test.each([
  { why: 'plain', line: 'abcdef', columns: 3, result: 'abc' },
  {
    why: 'colours end although their text is cut',
    line: '\u001b[31mabc\u001b[0m',
    columns: 2,
    result: '\u001b[31mab\u001b[0m',
  },
  { why: 'short', line: 'ab', columns: 3, result: 'ab' },
])('cut: $why', ({ line, columns, result }) => {
  expect(cut(line, columns)).toBe(result);
});

test.each([
  { why: 'between words', text: 'aa bb cc', lines: ['aa bb', 'cc'] },
  { why: 'a long word alone', text: 'a bbbbbbbb c', lines: ['a', 'bbbbbbbb', 'c'] },
  { why: 'colours take no place', text: '\u001b[31maa\u001b[0m bb', lines: ['\u001b[31maa\u001b[0m bb'] },
])('wrap: $why', ({ text, lines }) => {
  expect(wrap(text, 5)).toEqual(lines);
});

test.each([
  { why: 'a terminal', isTerminal: true, env: {}, wants: true },
  { why: 'a pipe', isTerminal: false, env: {}, wants: false },
  { why: 'NO_COLOR', isTerminal: true, env: { NO_COLOR: '1' }, wants: false },
  { why: 'an empty NO_COLOR means nothing', isTerminal: true, env: { NO_COLOR: '' }, wants: true },
  { why: 'a dumb terminal', isTerminal: true, env: { TERM: 'dumb' }, wants: false },
])('colours for $why: $wants', ({ isTerminal, env, wants }) => {
  expect(wantsColours(isTerminal, env)).toBe(wants);
});
