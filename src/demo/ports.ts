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

/**
 * What this process was given lately, oldest first: a port that is not listened on yet, or not just now, belongs to whom
 * it was given to. Half of all are remembered, so that a long run always finds some.
 */
const given = new Set<number>();
const REMEMBERED = (HIGHEST - LOWEST) / 2;

/** `count` different ports that nobody listens on just now, and that nobody in this process was given lately. */
export async function freePorts(count: number, rand: () => number = Math.random): Promise<number[]> {
  const found: number[] = [];
  for (let tries = 0; found.length < count; tries++) {
    if (tries > TRIES + count) throw new Error(`found only ${found.length} of ${count} free ports`);
    const port = LOWEST + Math.floor(rand() * (HIGHEST - LOWEST));
    if (given.has(port)) continue;
    // Before it is tried: somebody else may draw the same one meanwhile.
    remember(port);
    if (await isFree(port)) found.push(port);
  }
  return found;
}

function remember(port: number): void {
  const [oldest] = given;
  if (given.size >= REMEMBERED && oldest !== undefined) given.delete(oldest);
  given.add(port);
}

/** Can this port be listened on? */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
