// Who hears an event: channel listeners first, then one message for each matching pattern, everybody the same bytes.
import { expect, test } from 'vitest';
import { deliveries } from '../../src/commands/pubsub.ts';
import { closeSession, createSessions, openSession, subscribe, unsubscribe } from '../../src/commands/session.ts';

function listeners() {
  const sessions = createSessions();
  const open = () => openSession(sessions, { address: 'a:1', localAddress: 'b:2', authenticated: true }, 0);
  return { sessions, one: open(), two: open(), three: open() };
}

test('channels before patterns, once for each subscription that matches', () => {
  const { sessions, one, two } = listeners();
  subscribe(sessions, two, 'patterns', '*');
  subscribe(sessions, two, 'patterns', '+s*');
  subscribe(sessions, one, 'channels', '+sdown');
  const told = deliveries(sessions, '+sdown', 'x').map(({ session, bytes }) => [session, bytes.toString()]);
  expect(told).toEqual([
    [one.id, '*3\r\n$7\r\nmessage\r\n$6\r\n+sdown\r\n$1\r\nx\r\n'],
    [two.id, '*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$6\r\n+sdown\r\n$1\r\nx\r\n'],
    [two.id, '*4\r\n$8\r\npmessage\r\n$3\r\n+s*\r\n$6\r\n+sdown\r\n$1\r\nx\r\n'],
  ]);
  expect(deliveries(sessions, '+SDOWN', 'x')).toHaveLength(1);
});

test('clients of one protocol share one buffer', () => {
  const { sessions, one, two, three } = listeners();
  for (const session of [one, two, three]) subscribe(sessions, session, 'channels', 'c');
  three.protocol = 3;
  const [a, b, c] = deliveries(sessions, 'c', 'x');
  expect(a?.bytes).toBe(b?.bytes);
  expect(c?.bytes.toString()).toMatch(/^>3/);
});

test('who leaves or is gone hears nothing, and leaves nothing behind', () => {
  const { sessions, one, two } = listeners();
  subscribe(sessions, one, 'channels', 'c');
  subscribe(sessions, two, 'patterns', '*');
  unsubscribe(sessions, one, 'channels', 'c');
  closeSession(sessions, two);
  expect(deliveries(sessions, 'c', 'x')).toEqual([]);
  expect(sessions.byChannel.size + sessions.byPattern.size).toBe(0);
});
