// Where we listen: the words of a `bind` line as sockets, and the genuine server's words for what goes wrong.
import type { Server } from 'node:net';
import { StartError } from './config-file.ts';
import { isSystemError, words } from './store.ts';

/** One address of a `bind` line. */
interface Place {
  readonly host: string;
  /** As messages show it: `*` for all addresses. */
  readonly shown: string;
  /** `-` in front: an address this machine does not have is passed over. */
  readonly optional: boolean;
}

/** `*` and `::*` are all addresses of a family. */
function placeOf(word: string): Place {
  const optional = word.startsWith('-');
  const shown = optional ? word.slice(1) : word;
  const host = shown === '*' ? '0.0.0.0' : shown === '::*' ? '::' : shown;
  return { host, shown, optional };
}

/**
 * Make a server listen on every address of `bind`. Sockets of IPv6 take no IPv4, so that `*` and `::*` are two.
 * Throws `StartError` with the genuine texts; returns the servers that listen, at least one.
 */
export async function listenAll(
  createServer: () => Server,
  { bind, port, backlog }: { bind: readonly string[]; port: number; backlog: number },
  warn: (text: string) => void,
): Promise<Server[]> {
  const servers: Server[] = [];
  for (const place of bind.map(placeOf)) {
    const server = createServer();
    try {
      await listen(server, place.host, port, backlog);
      servers.push(server);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      if (place.optional && error.code !== 'EADDRINUSE') continue;
      // An address family that the kernel does not know is passed over, asked for or not.
      if (error.code === 'EAFNOSUPPORT') continue;
      const reason = error.code === 'ENOTFOUND' ? 'Name or service not known' : `bind: ${words(error)}`;
      warn(`Warning: Could not create server TCP listening socket ${place.shown}:${port}: ${reason}`);
      for (const listening of servers) listening.close();
      throw new StartError(`Failed listening on port ${port} (TCP), aborting.`);
    }
  }
  if (servers.length === 0) throw new StartError(`Failed listening on port ${port} (TCP), aborting.`);
  return servers;
}

function listen(server: Server, host: string, port: number, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog, ipv6Only: true }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
