// A subscriber that writes down all it is told, without what is chance.
import { connect } from 'node:net';
import { until } from '../../src/demo/until.ts';
import { encodeRequest } from './golden/connection.ts';
import { createReplyReader } from './golden/replies.ts';
import type { World } from './golden/setups.ts';
import { type Masked, mask, nameOf } from './mask.ts';

export interface Listener {
  /** What was heard so far: confirmations first, then messages, each as one line of JSON. */
  heard(): readonly string[];
  close(): void;
}

/** Say `requests` to the sentinel that is asked, and listen; settles once `confirmations` replies have come. */
export async function listenTo(
  world: World,
  requests: readonly (readonly string[])[],
  confirmations: number,
): Promise<Listener> {
  const reader = createReplyReader();
  const name = nameOf(world);
  const heard: string[] = [];
  const note = (masked: Masked) => void heard.push(JSON.stringify(masked));
  const socket = connect({ port: world.target.port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    reader.feed(chunk);
    for (let next = reader.next(); next !== undefined; next = reader.next()) note(mask(next, requests, name));
  });
  socket.write(Buffer.concat(requests.map(encodeRequest)));
  await until('the subscriptions to stand', () => heard.length >= confirmations);
  return { heard: () => heard, close: () => socket.destroy() };
}
