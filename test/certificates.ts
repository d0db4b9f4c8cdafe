// A certificate authority for a cluster of our own: just enough of X.509 (RFC 5280) for two programs to trust each other,
// so that nothing needs to be installed for TLS.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A certificate and its private key, as PEM text. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

export interface Authority {
  /** Who trusts this certificate trusts all that this authority issued. */
  readonly certificate: string;
  /** Issue a certificate; with a passphrase its key is encrypted. */
  issue(name: string, options?: { readonly passphrase?: string }): Identity;
}

/** Certificates of a day ago last for ten more days, whatever the clocks of a cluster say. */
const DAY_MS = 86_400_000;
const LIFETIME_DAYS = 10;

/** Create an authority with a key of its own. */
export function createAuthority(name: string): Authority {
  const own = newKeys();
  const issuer = distinguishedName(name);
  const certify = (subject: Buffer, key: KeyObject, isAuthority: boolean) =>
    pem('CERTIFICATE', signed(toBeSigned({ issuer, subject, key, isAuthority }), own.privateKey));
  return {
    certificate: certify(issuer, own.publicKey, true),
    issue(subject, { passphrase } = {}) {
      const { publicKey, privateKey } = newKeys();
      const secret = passphrase === undefined ? {} : { cipher: 'aes-128-cbc', passphrase };
      const key = privateKey.export({ type: 'pkcs8', format: 'pem', ...secret }).toString();
      return { certificate: certify(distinguishedName(subject), publicKey, false), key };
    },
  };
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

interface Contents {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly key: KeyObject;
  readonly isAuthority: boolean;
}

function toBeSigned({ issuer, subject, key, isAuthority }: Contents): Buffer {
  const publicKey = key.export({ type: 'spki', format: 'der' });
  const basicConstraints = sequence(OID.basicConstraints, TRUE, octets(isAuthority ? sequence(TRUE) : sequence()));
  const keyId = createHash('sha1').update(publicKey).digest();
  const subjectKeyId = sequence(OID.subjectKeyIdentifier, octets(octets(keyId)));
  const from = Date.now() - DAY_MS;
  return sequence(
    tagged(0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    issuer,
    sequence(utcTime(from), utcTime(from + LIFETIME_DAYS * DAY_MS)),
    subject,
    publicKey,
    tagged(3, sequence(basicConstraints, subjectKeyId)),
  );
}

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
};
/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = sequence(der(0x06, Buffer.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2)));

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').replaceAll(/.{64}/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines.trimEnd()}\n-----END ${label}-----\n`;
}
