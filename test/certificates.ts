// A certificate authority for a cluster of our own: just enough of X.509 (RFC 5280) for two programs to trust each other,
// so that nothing needs to be installed for TLS.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsFiles } from '../src/demo/client.ts';

/** A certificate and its private key, as PEM text. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

export interface Authority {
  /** Who trusts this certificate trusts all that this authority issued. */
  readonly certificate: string;
  issue(name: string, options?: IssueOptions): Identity;
}

export interface IssueOptions {
  /** The key is encrypted with it. */
  readonly passphrase?: string;
  /** IPv4 addresses that its owner may be reached at: most client libraries want to find there whom they called. */
  readonly addresses?: readonly string[];
}

/** Certificates of a day ago last for ten more days, whatever the clocks of a cluster say. */
const DAY_MS = 86_400_000;
const LIFETIME_DAYS = 10;

/** Write an identity, and the authority it trusts, into a folder, under a name. */
export function writeTlsFiles(
  folder: string,
  name: string,
  { certificate, key }: Identity,
  authority: Authority,
): TlsFiles {
  const write = (end: string, text: string) => {
    const file = join(folder, `${name}.${end}`);
    writeFileSync(file, text);
    return file;
  };
  return {
    caFile: write('ca', authority.certificate),
    certFile: write('crt', certificate),
    keyFile: write('key', key),
  };
}

/** Create an authority with a key of its own. */
export function createAuthority(name: string): Authority {
  const own = newKeys();
  const issuer = distinguishedName(name);
  const issuerKey = own.publicKey;
  const certify = (contents: Pick<Contents, 'subject' | 'key' | 'isAuthority' | 'addresses'>) =>
    pem('CERTIFICATE', signed(toBeSigned({ issuer, issuerKey, ...contents }), own.privateKey));
  return {
    certificate: certify({ subject: issuer, key: own.publicKey, isAuthority: true, addresses: [] }),
    issue(subject, { passphrase, addresses = [] } = {}) {
      const { publicKey, privateKey } = newKeys();
      const secret = passphrase === undefined ? {} : { cipher: 'aes-128-cbc', passphrase };
      const key = privateKey.export({ type: 'pkcs8', format: 'pem', ...secret }).toString();
      const contents = { subject: distinguishedName(subject), key: publicKey, isAuthority: false, addresses };
      return { certificate: certify(contents), key };
    },
  };
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

interface Contents {
  readonly issuer: Buffer;
  readonly issuerKey: KeyObject;
  readonly subject: Buffer;
  readonly key: KeyObject;
  readonly isAuthority: boolean;
  readonly addresses: readonly string[];
}

function toBeSigned(contents: Contents): Buffer {
  const { issuer, subject, key } = contents;
  const from = Date.now() - DAY_MS;
  return sequence(
    tagged(0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    issuer,
    sequence(utcTime(from), utcTime(from + LIFETIME_DAYS * DAY_MS)),
    subject,
    asDer(key),
    tagged(3, sequence(...extensions(contents))),
  );
}

/** Those without which strict verifiers (Python since 3.13) refuse a certificate. */
function extensions({ issuerKey, key, isAuthority, addresses }: Contents): Buffer[] {
  const usage = sequence(OID.keyUsage, TRUE, octets(KEY_CERT_SIGN));
  const names = addresses.map((address) => der(0x87, Buffer.from(address.split('.').map(Number))));
  return [
    sequence(OID.basicConstraints, TRUE, octets(isAuthority ? sequence(TRUE) : sequence())),
    sequence(OID.subjectKeyIdentifier, octets(octets(keyId(key)))),
    sequence(OID.authorityKeyIdentifier, octets(sequence(der(0x80, keyId(issuerKey))))),
    ...(isAuthority ? [usage] : []),
    ...(names.length > 0 ? [sequence(OID.subjectAltName, octets(sequence(...names)))] : []),
  ];
}

const asDer = (key: KeyObject) => key.export({ type: 'spki', format: 'der' });
const keyId = (key: KeyObject) => createHash('sha1').update(asDer(key)).digest();

function signed(contents: Buffer, key: KeyObject): Buffer {
  const signature = sign('sha256', contents, key);
  return sequence(contents, ECDSA_WITH_SHA256, der(0x03, Buffer.of(0), signature));
}

const distinguishedName = (name: string) =>
  sequence(der(0x31, sequence(OID.commonName, der(0x0c, Buffer.from(name, 'utf8')))));

// DER: a tag, the length, the contents.

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), contents]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

const integer = (bytes: Buffer) => der(0x02, bytes);
const octets = (bytes: Buffer) => der(0x04, bytes);
const tagged = (number: number, contents: Buffer) => der(0xa0 + number, contents);
const utcTime = (at: number) =>
  der(
    0x17,
    Buffer.from(
      `${new Date(at)
        .toISOString()
        .replaceAll(/[-:T]|\.\d+/g, '')
        .slice(2)}`,
    ),
  );

const TRUE = der(0x01, Buffer.of(0xff));
const OID = {
  commonName: der(0x06, Buffer.of(0x55, 4, 3)),
  basicConstraints: der(0x06, Buffer.of(0x55, 0x1d, 19)),
  subjectKeyIdentifier: der(0x06, Buffer.of(0x55, 0x1d, 14)),
  keyUsage: der(0x06, Buffer.of(0x55, 0x1d, 15)),
  subjectAltName: der(0x06, Buffer.of(0x55, 0x1d, 17)),
  authorityKeyIdentifier: der(0x06, Buffer.of(0x55, 0x1d, 35)),
};
/** A bit string of six bits, of which the last one is set. */
const KEY_CERT_SIGN = der(0x03, Buffer.of(2, 0x04));
/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = sequence(der(0x06, Buffer.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2)));

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').replaceAll(/.{64}/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines.trimEnd()}\n-----END ${label}-----\n`;
}
