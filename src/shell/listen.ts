// Where we listen: the words of a `bind` line and a Unix socket, and the genuine server's words for what goes wrong.
import { lookup } from 'node:dns/promises';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { isIP, type Server } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { StartError } from './config-file.ts';
import { isSystemError, words } from './store.ts';

/** A socket in the file system. */
export interface UnixSocket {
  readonly path: string;
  /** Its mode; 0 = what the umask leaves. */
  readonly mode: number;
}

export type SocketKind = 'tcp' | 'tls' | 'unix';

export interface Places {
  /** Words of a `bind` line; empty: no TCP. */
  readonly bind: readonly string[];
  /** 0 = no plain TCP. */
  readonly port: number;
  /** 0 = no TLS. */
  readonly tlsPort: number;
  readonly backlog: number;
  readonly unixSocket?: UnixSocket | undefined;
}

/** One address of a `bind` line. */
interface Place {
  /** An address or a name; a literal IPv6 address has a colon. */
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

/** The kernel does not know the family: such an address is passed over, asked for or not. */
const NO_SUCH_FAMILY = new Set(['EAFNOSUPPORT', 'EPFNOSUPPORT', 'ESOCKTNOSUPPORT', 'EPROTONOSUPPORT', 'ENOPROTOOPT']);

/**
 * Make a server listen on every address of `bind`, and on the Unix socket. Sockets of IPv6 take no IPv4, so that `*`
 * and `::*` are two. Throws `StartError` with the genuine texts; returns the servers that listen, at least one.
 */
export async function listenAll(
  createServer: (kind: SocketKind) => Server,
  { bind, port, tlsPort, backlog, unixSocket }: Places,
  warn: (text: string) => void,
): Promise<Server[]> {
  const servers: Server[] = [];
  const giveUp = (text: string) => {
    for (const listening of servers) listening.close();
    return new StartError(text);
  };
  const ports = [
    { kind: 'tcp', port },
    { kind: 'tls', port: tlsPort },
  ] as const;
  for (const { kind, port } of ports) {
    for (const place of port === 0 ? [] : bind.map(placeOf)) {
      const server = createServer(kind);
      try {
        await listen(server, { host: await addressOf(place.host), port, backlog, ipv6Only: true });
        servers.push(server);
      } catch (error) {
        if (!isSystemError(error)) throw error;
        const { code = '', syscall } = error;
        const reason = syscall === 'getaddrinfo' ? 'Name or service not known' : `bind: ${words(error)}`;
        warn(`Warning: Could not create server TCP listening socket ${place.shown}:${port}: ${reason}`);
        if ((place.optional && code === 'EADDRNOTAVAIL') || NO_SUCH_FAMILY.has(code)) continue;
        throw giveUp(`Failed listening on port ${port} (${kind.toUpperCase()}), aborting.`);
      }
    }
  }
  if (unixSocket !== undefined) {
    const server = createServer('unix');
    const obstacle = await listenInFileSystem(server, unixSocket, backlog);
    if (obstacle !== undefined) throw giveUp(`Failed opening Unix socket: ${obstacle}`);
    servers.push(server);
  }
  if (servers.length === 0) throw new StartError('Configured to not listen anywhere, exiting.');
  return servers;
}

/** Names mean an IPv4 address here, as for the genuine server, whatever the resolver prefers. */
async function addressOf(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  return (await lookup(host, { family: host.includes(':') ? 6 : 4 })).address;
}

/** The longest path that fits the kernel's address of a Unix socket, in bytes. */
const UNIX_PATH_MAX = 107;

/** Listen on a Unix socket in the place of whatever has that name. Returns the words for what prevents it. */
async function listenInFileSystem(
  server: Server,
  { path, mode }: UnixSocket,
  backlog: number,
): Promise<string | undefined> {
  if (Buffer.byteLength(path) > UNIX_PATH_MAX) return 'bind: File name too long';
  try {
    rmSync(path);
  } catch {
    // It was not there, or the attempt to listen says what is wrong.
  }
  // Nobody may connect between the birth of the socket and its mode, hence the umask. Listening begins in this call.
  const umask = mode === 0 ? undefined : process.umask(0o777 & ~mode);
  const listening = listen(server, { path, backlog });
  if (umask !== undefined) process.umask(umask);
  try {
    await listening;
    if (mode !== 0) chmodSync(path, mode);
    return undefined;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    // libuv says "permission denied" for a folder that is not there.
    const noFolder = error.code === 'EACCES' && !existsSync(dirname(path));
    return `bind: ${noFolder ? words({ ...error, code: 'ENOENT' }) : words(error)}`;
  }
}

function listen(server: Server, options: Parameters<Server['listen']>[0] & object): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

const LOOK_EVERY_MS = 10_000;
/**
 * Of so many looks, so far apart, none must find it: the kernel hands out the table in pieces, and one socket that is
 * closed meanwhile can hide another one.
 */
const LOOKS = 3;
const LOOK_AGAIN_MS = 200;

/**
 * Look now and then whether the kernel still has a socket that listens on the ports of these servers; returns how to
 * stop looking. Somebody may shut one down (`ss --kill`): Node notices nothing, goes on deaf, and its loop never rests.
 * Throws out of a timer then: a sentinel that cannot be asked is to be started again.
 */
export function watchListeners(servers: readonly Server[]): () => void {
  const ports = servers.flatMap((server) => {
    const place = server.address();
    return typeof place === 'object' && place !== null ? [place.port] : [];
  });
  let watching = true;
  const timer = setInterval(async () => {
    for (const port of ports)
      if ((await isGone(port)) && watching) throw new Error(`Nothing listens on port ${port} any more`);
  }, LOOK_EVERY_MS).unref();
  return () => {
    watching = false;
    clearInterval(timer);
  };
}

async function isGone(port: number): Promise<boolean> {
  for (let look = 0; look < LOOKS; look += 1) {
    if ((await isListenedOn(port)) !== false) return false;
    await setTimeout(LOOK_AGAIN_MS, undefined, { ref: false });
  }
  return true;
}

/** Does the kernel have a socket that listens on `port`? `undefined`: it does not tell, as elsewhere than on Linux. */
export async function isListenedOn(port: number): Promise<boolean | undefined> {
  const tables = await Promise.all(['/proc/self/net/tcp', '/proc/self/net/tcp6'].map(readListeners));
  const known = tables.filter((table) => table !== undefined);
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  if (known.some((table) => table.includes(`:${hex} `) && new RegExp(`:${hex} ${ANY_PLACE} ${LISTEN} `).test(table)))
    return true;
  return known.length === tables.length ? false : undefined;
}

/** `0: 0100007F:67D3 00000000:0000 0A …` */
const ANY_PLACE = '[0-9A-F]+:[0-9A-F]{4}';
const LISTEN = '0A';
const OTHER = new RegExp(`: ${ANY_PLACE} ${ANY_PLACE} (?!${LISTEN})[0-9A-F]{2} `);
const CHUNK_BYTES = 64 * 1024;

/** The beginning of a table of all sockets, as far as those that listen: they come first, and there may be very many. */
async function readListeners(path: string): Promise<string | undefined> {
  try {
    const file = await open(path);
    try {
      let table = '';
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, null);
        table += buffer.toString('latin1', 0, bytesRead);
        if (bytesRead === 0 || OTHER.test(table)) return table;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
    // No such table, or no descriptor left for it: then this look tells nothing.
    return error.code === 'ENOENT' && path.endsWith('6') ? '' : undefined;
  }
}

const SOMAXCONN = '/proc/sys/net/core/somaxconn';

/** The genuine warning where the kernel keeps fewer connections waiting than `tcp-backlog` says; Linux only. */
export function backlogWarning(backlog: number, read = () => readFileSync(SOMAXCONN, 'latin1')): string | undefined {
  let most: number;
  try {
    most = Number.parseInt(read(), 10);
  } catch {
    return undefined;
  }
  if (!(most > 0 && most < backlog)) return undefined;
  return `WARNING: The TCP backlog setting of ${backlog} cannot be enforced because ${SOMAXCONN} is set to the lower value of ${most}.`;
}
