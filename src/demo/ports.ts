// Free TCP ports on the loopback address for servers that are started, killed and started again.
// A port found free can be taken before its user binds it: callers start again with others when that happens.
import { createServer } from 'node:net';

/**
 * Below every usual ephemeral range (Linux from 32768, macOS and Windows from 49152): while a killed server is down, its
 * port must not become the local end of somebody's connection, least of all of one to itself (TCP self-connect).
 */
const LOWEST = 20_000;
const HIGHEST = 32_000;
const TRIES = 1_000;

/** `count` different ports that nobody listens on just now. */
export async function freePorts(count: number, rand: () => number = Math.random): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > TRIES + count) throw new Error(`found only ${found.size} of ${count} free ports`);
    const port = LOWEST + Math.floor(rand() * (HIGHEST - LOWEST));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

/** Can this port be listened on? */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
