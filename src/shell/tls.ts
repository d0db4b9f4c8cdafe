// TLS as the file asks for it: certificates, keys and rules read from disk into what node:tls takes. Whatever is wrong
// is told in the genuine server's words (spec/config.md §7.6).
import { constants, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsIdentity, TlsSettings } from '../config/tls-options.ts';
import { StartError } from './config-file.ts';
import { isSystemError, words } from './store.ts';

/** What both sides of our connections are made with. */
export interface TlsMaterial {
  /** For those who connect to us. */
  readonly server: SecureContextOptions;
  /** For our connections to data nodes and peers; `undefined`: those are plain. */
  readonly links: SecureContext | undefined;
}

/**
 * Read everything the tls-* directives name; `undefined`: none of them asks for TLS, and no file is looked at.
 * Throws `StartError` behind a line on the reason, which goes to `explain`.
 */
export function loadTls(settings: TlsSettings, explain: (text: string) => void): TlsMaterial | undefined {
  if (settings.port === 0 && !settings.replication && !settings.cluster) return undefined;
  try {
    const server = serverOptions(settings);
    const { client } = settings;
    // An own identity towards others counts only when it is whole.
    const own = client.certFile !== undefined && client.keyFile !== undefined;
    const links = own ? commonOptions(settings, client) : server;
    return { server, links: settings.replication ? createSecureContext(links) : undefined };
  } catch (error) {
    if (!(error instanceof TlsError)) throw error;
    explain(error.message);
    throw new StartError('Failed to configure TLS. Check logs for more info.');
  }
}

/**
 * SIGHUP: renewed certificates take effect without a restart; `undefined`: they can't be used, or there are none.
 * Differs: the genuine server ignores SIGHUP, and goes on with certificates that run out.
 */
export function reloadTls(
  settings: TlsSettings,
  log: (level: 'notice' | 'warning', text: string) => void,
): TlsMaterial | undefined {
  try {
    const tls = loadTls(settings, (text) => log('warning', text));
    if (tls !== undefined) log('notice', 'Received SIGHUP: certificates and keys were read again');
    return tls;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    log('warning', "Received SIGHUP: the new certificates and keys can't be used, those in use stay");
    return undefined;
  }
}

/** The reason why TLS cannot be set up, as the genuine server words it. */
class TlsError extends Error {
  override readonly name = 'TlsError';
}

function serverOptions(settings: TlsSettings): SecureContextOptions {
  const { server, caCertFile, caCertDir } = settings;
  if (server.certFile === undefined) throw new TlsError('No tls-cert-file configured!');
  if (server.keyFile === undefined) throw new TlsError('No tls-key-file configured!');
  const verifies = settings.authClients !== 'no' || settings.replication || settings.cluster;
  if (verifies && caCertFile === undefined && caCertDir === undefined)
    throw new TlsError(
      'Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or tls-auth-clients are enabled!',
    );
  const common = commonOptions(settings, server);
  return {
    ...common,
    ...dhParameters(settings.dhParamsFile),
    honorCipherOrder: settings.preferServerCiphers,
    // Differs: `tls-session-caching no` leaves the genuine server's tickets, which resume sessions just as well.
    secureOptions: (common.secureOptions ?? 0) | (settings.sessionCaching ? 0 : constants.SSL_OP_NO_TICKET),
    sessionTimeout: settings.sessionCacheSeconds,
  };
}

/** What connections in either direction share. Faults are found in the genuine order. */
function commonOptions(settings: TlsSettings, identity: TlsIdentity): SecureContextOptions {
  const protocols = protocolOptions(settings.protocols);
  return {
    ...protocols,
    ...identityOptions(identity),
    ca: authorities(settings),
    ciphers: cipherList(settings),
  };
}

const PROTOCOLS: readonly { readonly name: string; readonly off: number }[] = [
  { name: 'tlsv1', off: constants.SSL_OP_NO_TLSv1 },
  { name: 'tlsv1.1', off: constants.SSL_OP_NO_TLSv1_1 },
  { name: 'tlsv1.2', off: constants.SSL_OP_NO_TLSv1_2 },
  { name: 'tlsv1.3', off: constants.SSL_OP_NO_TLSv1_3 },
];

/** TLS 1.2 and 1.3 unless the file says otherwise; what is not named is off. */
function protocolOptions(text = 'TLSv1.2 TLSv1.3'): SecureContextOptions {
  const wanted = text.toLowerCase().split(' ');
  if (!wanted.every((word) => PROTOCOLS.some(({ name }) => name === word)))
    throw new TlsError(
      "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.",
    );
  const off = PROTOCOLS.filter(({ name }) => !wanted.includes(name)).reduce((mask, protocol) => mask | protocol.off, 0);
  return { minVersion: 'TLSv1', maxVersion: 'TLSv1.3', secureOptions: off };
}

function identityOptions({ certFile = '', keyFile = '', keyFilePass }: TlsIdentity): SecureContextOptions {
  const cert = attempt(`Failed to load certificate: ${certFile}`, () => {
    const chain = readFileSync(certFile);
    createSecureContext({ cert: chain });
    return { cert: chain };
  });
  return attempt(`Failed to load private key: ${keyFile}`, () => {
    const passphrase = keyFilePass === undefined ? {} : { passphrase: keyFilePass };
    const identity = { ...cert, key: readFileSync(keyFile), ...passphrase };
    createSecureContext(identity);
    return identity;
  });
}

/** Only these are trusted, never those of the system: with an empty list nobody is. */
function authorities({ caCertFile, caCertDir }: TlsSettings): Buffer[] {
  const fromFile = attempt('Failed to configure CA certificate(s) file/directory', () =>
    caCertFile === undefined ? [] : [readCertificates(caCertFile)],
  );
  return [...fromFile, ...(caCertDir === undefined ? [] : hashedCertificates(caCertDir))];
}

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** node:tls passes over what it cannot read; a file of authorities that holds none is a mistake. */
function readCertificates(file: string): Buffer {
  const text = readFileSync(file, 'latin1');
  const found = text.match(CERTIFICATE) ?? [];
  // OpenSSL's own words.
  if (found.length === 0) throw new Error('error:05800088:x509 certificate routines::no certificate or crl found');
  for (const certificate of found) if (!/TRUSTED/.test(certificate)) new X509Certificate(certificate);
  return Buffer.from(text, 'latin1');
}

/**
 * The files of a directory that OpenSSL would look at: named by a hash (`openssl rehash` makes the names).
 * Differs: read now and at SIGHUP, not at each handshake. As there, a directory that cannot be read trusts nobody.
 */
function hashedCertificates(directory: string): Buffer[] {
  try {
    const names = readdirSync(directory).filter((name) => /^[0-9a-f]{8}\.\d+$/.test(name));
    return names.sort().map((name) => readFileSync(join(directory, name)));
  } catch (error) {
    if (isSystemError(error)) return [];
    throw error;
  }
}

/** OpenSSL's own suites of TLS 1.3, which node:tls wants to have in one list with the older ones. */
const DEFAULT_SUITES = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';

/** The name of no cipher: node:tls would take an empty list for "the usual ones". */
const NONE = 'none';

function cipherList({ ciphers = 'DEFAULT', ciphersuites = DEFAULT_SUITES }: TlsSettings): string {
  const isSuite = (name: string) => name.startsWith('TLS_');
  const older = ciphers.split(':').filter((name) => !isSuite(name));
  const suites = ciphersuites.split(':').filter(isSuite);
  attempt(
    `Failed to configure ciphers: ${ciphers}`,
    () => createSecureContext({ ciphers: older.join(':') || NONE }),
    false,
  );
  attempt(
    `Failed to configure ciphersuites: ${ciphersuites}`,
    () => createSecureContext({ ciphers: suites.join(':') || NONE }),
    false,
  );
  return [...suites, ...older].join(':');
}

function dhParameters(file: string | undefined): SecureContextOptions {
  if (file === undefined) return {};
  let dhparam: Buffer;
  try {
    dhparam = readFileSync(file);
  } catch (error) {
    if (isSystemError(error)) throw new TlsError(`Failed to load ${file}: ${words(error)}`);
    throw error;
  }
  const unread = new TlsError(`${file}: failed to read DH params.`);
  // node:tls passes over a text without them.
  if (!dhparam.includes('-----BEGIN DH PARAMETERS-----')) throw unread;
  attempt(unread.message, () => createSecureContext({ dhparam }), false);
  return { dhparam };
}

/** Run `work`; what it throws becomes a `TlsError` that says `what` failed and, unless told not to, why. */
function attempt<T>(what: string, work: () => T, why = true): T {
  try {
    return work();
  } catch (error) {
    throw new TlsError(why ? `${what}: ${reasonOf(error)}` : what);
  }
}

/** OpenSSL numbers the errors of the system as well. */
function reasonOf(error: unknown): string {
  if (!isSystemError(error) || error.errno === undefined) return openSslText(error);
  return `error:${(0x80000000 - error.errno).toString(16).toUpperCase()}:system library::${words(error)}`;
}

/**
 * An error in OpenSSL's words without its function, file and line, as the genuine server shows it:
 * `error:0A0000C7:SSL routines::peer did not return a certificate`. One line; other errors say their message.
 */
export function openSslText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const parts = /error:([0-9A-F]{8}):([^:]*):[^:]*:([^:\n]*)/.exec(error.message);
  if (parts !== null) return `error:${parts[1]}:${parts[2]}::${parts[3]}`;
  return error.message.split('\n', 1)[0] ?? '';
}
