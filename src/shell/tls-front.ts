// The door for clients over TLS: the handshake and who may come in, before the server hears of anybody.
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type SecureContextOptions, type TLSSocket } from 'node:tls';
import type { TlsSettings } from '../config/tls-options.ts';
import { openSslText } from './tls.ts';

/**
 * A client that has said who it is by then is a client; another one costs a descriptor.
 * Differs: the genuine server waits for ever.
 */
const HANDSHAKE_MS = 10_000;

export interface TlsFrontOptions {
  readonly context: SecureContextOptions;
  readonly authClients: TlsSettings['authClients'];
  /** How long a handshake may take; 10 s unless told. */
  readonly handshakeMs?: number;
  /** A connection came in: may its handshake begin? */
  mayEnter(socket: Socket): boolean;
  /** The handshake is done and the client is who it should be. */
  onSecure(socket: TLSSocket): void;
  /** A handshake failed, and why. The connection is closed already. */
  onRefused(reason: string): void;
}

export interface TlsFront {
  /** A server for one address to listen on. */
  createServer(): Server;
  /** Connections whose handshake is not done. */
  readonly pending: number;
  /** From now on, connections are made with this; those that stand go on. */
  setContext(context: SecureContextOptions): void;
  /** Close all whose handshake is not done. */
  close(): void;
}

/** Create the door. It listens nowhere by itself. */
export function createTlsFront(options: TlsFrontOptions): TlsFront {
  const { authClients, handshakeMs = HANDSHAKE_MS } = options;
  const pending = new Map<string, Socket>();
  // Made once for all addresses: whoever resumes a session may come by another one.
  const tls = createTlsServer({
    ...options.context,
    requestCert: authClients !== 'no',
    rejectUnauthorized: authClients === 'yes',
    handshakeTimeout: handshakeMs,
  });
  tls.on('tlsClientError', (error, socket) => {
    socket.destroy();
    options.onRefused(whyRefused(error, socket));
  });
  tls.on('secureConnection', (socket) => {
    pending.delete(remoteEnd(socket));
    if (authClients === 'optional' && hasBadCertificate(socket)) {
      socket.destroy();
      return options.onRefused(badCertificate(socket));
    }
    // A client that has said everything still gets its replies.
    socket.allowHalfOpen = true;
    options.onSecure(socket);
  });
  const accept = (socket: Socket) => {
    socket.on('error', () => socket.destroy());
    if (!options.mayEnter(socket)) return void socket.destroy();
    const end = remoteEnd(socket);
    pending.set(end, socket);
    socket.once('close', () => {
      if (pending.get(end) === socket) pending.delete(end);
    });
    tls.emit('connection', socket);
  };
  return {
    createServer: () => createServer(accept),
    get pending() {
      return pending.size;
    },
    setContext: (context) => tls.setSecureContext(context),
    close() {
      for (const socket of pending.values()) socket.destroy();
    },
  };
}

const remoteEnd = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;

/** node:tls notes that there is no certificate as if it were a bad one. */
function hasBadCertificate(socket: TLSSocket): boolean {
  return !socket.authorized && socket.getPeerX509Certificate() !== undefined;
}

/**
 * Differs: the client gets no TLS alert that says so, since node:tls looks at the certificate after the handshake.
 * The genuine server's words, and behind them what is wrong with the certificate.
 */
function badCertificate({ authorizationError }: TLSSocket): string {
  return `error:0A000086:SSL routines::certificate verify failed (${authorizationError})`;
}

function whyRefused(error: Error, socket: TLSSocket): string {
  if (socket.authorizationError) return badCertificate(socket);
  // It hung up in the middle of the handshake.
  if (error.message === 'socket hang up') return 'error:0A000126:SSL routines::unexpected eof while reading';
  return openSslText(error);
}
