// The tls-* directives, typed, and what they decide about ports. Files are names here; shell/tls.ts reads them.

/** What the file says of TLS; `undefined` = unset. Times in seconds. */
export interface TlsSettings {
  /** 0 = no clients over TLS. */
  readonly port: number;
  /** Connections to data nodes and peers use TLS. */
  readonly replication: boolean;
  /** Without a meaning of its own for a sentinel, but TLS must be set up completely for it. */
  readonly cluster: boolean;
  readonly server: TlsIdentity;
  /** What we show to data nodes and peers instead of the server's identity, if both files are named. */
  readonly client: TlsIdentity;
  readonly caCertFile: string | undefined;
  readonly caCertDir: string | undefined;
  readonly dhParamsFile: string | undefined;
  /** `optional`: verified if presented. */
  readonly authClients: 'yes' | 'no' | 'optional';
  readonly protocols: string | undefined;
  /** For TLS 1.2 and older. */
  readonly ciphers: string | undefined;
  /** For TLS 1.3. */
  readonly ciphersuites: string | undefined;
  readonly preferServerCiphers: boolean;
  /** Clients may resume a session instead of beginning a new one. */
  readonly sessionCaching: boolean;
  readonly sessionCacheSeconds: number;
}

/** A certificate with its key. */
export interface TlsIdentity {
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly keyFilePass: string | undefined;
}

/** The tls-* options in effect; `textOf` gives an option's value as the rewrite spells it, `undefined` = unset. */
export function tlsSettings(textOf: (name: string) => string | undefined): TlsSettings {
  const isSet = (name: string) => textOf(name) === 'yes';
  const identity = (prefix: string): TlsIdentity => ({
    certFile: textOf(`${prefix}-cert-file`),
    keyFile: textOf(`${prefix}-key-file`),
    keyFilePass: textOf(`${prefix}-key-file-pass`),
  });
  return {
    port: Number(textOf('tls-port')),
    replication: isSet('tls-replication'),
    cluster: isSet('tls-cluster'),
    server: identity('tls'),
    client: identity('tls-client'),
    caCertFile: textOf('tls-ca-cert-file'),
    caCertDir: textOf('tls-ca-cert-dir'),
    dhParamsFile: textOf('tls-dh-params-file'),
    authClients: textOf('tls-auth-clients') as TlsSettings['authClients'],
    protocols: textOf('tls-protocols'),
    ciphers: textOf('tls-ciphers'),
    ciphersuites: textOf('tls-ciphersuites'),
    preferServerCiphers: isSet('tls-prefer-server-ciphers'),
    sessionCaching: isSet('tls-session-caching'),
    sessionCacheSeconds: Number(textOf('tls-session-cache-timeout')),
  };
}

interface Ports {
  readonly port: number;
  readonly tls: Pick<TlsSettings, 'port' | 'replication'>;
}

/** The port that the log, INFO and the process title show: the plain one, or the one for TLS where it is the only one. */
export function shownPort({ port, tls }: Ports): number {
  return port === 0 ? tls.port : port;
}

/**
 * The port that hellos tell unless announce-port is set: peers reach us over TLS exactly when we would reach them so
 * (spec/config.md §7.6). 0 = peers cannot reach us.
 */
export function announcedPort({ port, tls }: Ports): number {
  return tls.replication && tls.port !== 0 ? tls.port : port;
}
