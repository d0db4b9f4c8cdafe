// What is said of certificates, keys and rules that can't be used; texts recorded from redis-sentinel 7.0.15.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { StartError } from '../../src/shell/config-file.ts';
import { loadTls, openSslText } from '../../src/shell/tls.ts';
import { createAuthority } from '../certificates.ts';
import { fakeEnvironment } from '../config/fake-environment.ts';

const folder = mkdtempSync(join(tmpdir(), 'ts-sentinel-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const authority = createAuthority('ours');
const own = authority.issue('own');
const locked = authority.issue('locked', { passphrase: 'open sesame' });
const files = {
  ca: file('ca.crt', authority.certificate),
  crt: file('own.crt', own.certificate),
  key: file('own.key', own.key),
  otherKey: file('other.key', authority.issue('other').key),
  lockedCrt: file('locked.crt', locked.certificate),
  lockedKey: file('locked.key', locked.key),
  garbage: file('garbage.pem', 'nothing\n'),
  directory: join(folder, 'authorities'),
};
mkdirSync(files.directory);

function load(text: string) {
  const told: string[] = [];
  const { general } = loadConfig(`bind 127.0.0.1\n${text}`, fakeEnvironment());
  try {
    return { told, tls: loadTls(general.tls, (line) => told.push(line)) };
  } catch (error) {
    expect(error).toBeInstanceOf(StartError);
    told.push((error as Error).message);
    return { told, tls: undefined };
  }
}

const CERT = `tls-cert-file ${files.crt}`;
const KEY = `tls-key-file ${files.key}`;
const CA = `tls-ca-cert-file ${files.ca}`;
const GOOD = `port 0\ntls-port 5\n${CERT}\n${KEY}\n${CA}`;
const NO_CA =
  'Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or tls-auth-clients are enabled!';
const BAD_PROTOCOLS =
  "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.";

test.each([
  { why: 'no certificate', text: 'tls-port 5', line: 'No tls-cert-file configured!' },
  { why: 'no certificate, links only', text: 'tls-replication yes', line: 'No tls-cert-file configured!' },
  { why: 'no certificate, tls-cluster', text: 'tls-cluster yes', line: 'No tls-cert-file configured!' },
  { why: 'no key', text: `tls-port 5\n${CERT}`, line: 'No tls-key-file configured!' },
  { why: 'nobody to trust', text: `tls-port 5\n${CERT}\n${KEY}`, line: NO_CA },
  {
    why: 'links verify, whatever clients do',
    text: `tls-replication yes\ntls-auth-clients no\n${CERT}\n${KEY}`,
    line: NO_CA,
  },
  {
    why: 'a missing certificate',
    text: `${GOOD}\ntls-cert-file /nope`,
    line: 'Failed to load certificate: /nope: error:80000002:system library::No such file or directory',
  },
  {
    why: 'a certificate that is none',
    text: `${GOOD}\ntls-cert-file ${files.garbage}`,
    line: `Failed to load certificate: ${files.garbage}: error:0480006C:PEM routines::no start line`,
  },
  {
    why: 'a missing key',
    text: `${GOOD}\ntls-key-file /nope`,
    line: 'Failed to load private key: /nope: error:80000002:system library::No such file or directory',
  },
  {
    why: 'a key that is none',
    text: `${GOOD}\ntls-key-file ${files.garbage}`,
    line: `Failed to load private key: ${files.garbage}: error:1E08010C:DECODER routines::unsupported`,
  },
  {
    why: 'the key of another certificate',
    text: `${GOOD}\ntls-key-file ${files.otherKey}`,
    line: `Failed to load private key: ${files.otherKey}: error:05800074:x509 certificate routines::key values mismatch`,
  },
  {
    why: 'a wrong pass phrase',
    text: `${GOOD}\ntls-cert-file ${files.lockedCrt}\ntls-key-file ${files.lockedKey}\ntls-key-file-pass wrong`,
    line: `Failed to load private key: ${files.lockedKey}: error:1C800064:Provider routines::bad decrypt`,
  },
  {
    why: 'missing authorities',
    text: `${GOOD}\ntls-ca-cert-file /nope`,
    line: 'Failed to configure CA certificate(s) file/directory: error:80000002:system library::No such file or directory',
  },
  {
    why: 'a file without authorities',
    text: `${GOOD}\ntls-ca-cert-file ${files.garbage}`,
    line: 'Failed to configure CA certificate(s) file/directory: error:05800088:x509 certificate routines::no certificate or crl found',
  },
  { why: 'an unknown protocol', text: `${GOOD}\ntls-protocols "TLSv1.2 foo"`, line: BAD_PROTOCOLS },
  { why: 'a blank too many', text: `${GOOD}\ntls-protocols "TLSv1.2  TLSv1.3"`, line: BAD_PROTOCOLS },
  { why: 'an unknown cipher', text: `${GOOD}\ntls-ciphers foo`, line: 'Failed to configure ciphers: foo' },
  {
    why: 'a suite of TLS 1.3 among the older ones',
    text: `${GOOD}\ntls-ciphers TLS_AES_128_GCM_SHA256`,
    line: 'Failed to configure ciphers: TLS_AES_128_GCM_SHA256',
  },
  { why: 'an unknown suite', text: `${GOOD}\ntls-ciphersuites foo`, line: 'Failed to configure ciphersuites: foo' },
  {
    why: 'another unknown suite',
    text: `${GOOD}\ntls-ciphersuites TLS_FOO`,
    line: 'Failed to configure ciphersuites: TLS_FOO',
  },
  {
    why: 'missing DH parameters',
    text: `${GOOD}\ntls-dh-params-file /nope`,
    line: 'Failed to load /nope: No such file or directory',
  },
  {
    why: 'DH parameters that are none',
    text: `${GOOD}\ntls-dh-params-file ${files.garbage}`,
    line: `${files.garbage}: failed to read DH params.`,
  },
  {
    why: 'an own identity towards others that is missing',
    text: `${GOOD}\ntls-client-cert-file /nope\ntls-client-key-file /nope`,
    line: 'Failed to load certificate: /nope: error:80000002:system library::No such file or directory',
  },
])('refused as by redis-sentinel: $why', ({ text, line }) => {
  expect(load(text).told).toEqual([line, 'Failed to configure TLS. Check logs for more info.']);
});

test.each([
  { why: 'everything usual', text: GOOD },
  {
    why: 'nobody to trust, and nobody is asked',
    text: `port 0\ntls-port 5\n${CERT}\n${KEY}\ntls-auth-clients no`,
  },
  {
    why: 'a key with its pass phrase',
    text: `${GOOD}\ntls-cert-file ${files.lockedCrt}\ntls-key-file ${files.lockedKey}\ntls-key-file-pass "open sesame"`,
  },
  { why: 'a directory that is missing trusts nobody', text: `${GOOD}\ntls-ca-cert-file ""\ntls-ca-cert-dir /nope` },
  { why: 'half an own identity does not count', text: `${GOOD}\ntls-client-cert-file /nope` },
  { why: 'an unknown suite beside a known one', text: `${GOOD}\ntls-ciphersuites TLS_FOO:TLS_AES_128_GCM_SHA256` },
  { why: 'empty texts are unset', text: `${GOOD}\ntls-ciphers ""\ntls-ciphersuites ""\ntls-protocols ""` },
  { why: 'protocols in any case', text: `${GOOD}\ntls-protocols tlsV1.3` },
])('accepted as by redis-sentinel: $why', ({ text }) => {
  const { told, tls } = load(text);
  expect(told).toEqual([]);
  expect(tls).toBeDefined();
  expect(tls?.links).toBeUndefined();
});

test('without TLS no file is looked at; links get their own context only with tls-replication', () => {
  expect(load('port 5\ntls-cert-file /nope')).toEqual({ told: [], tls: undefined });
  expect(load(`${GOOD}\ntls-replication yes`).tls?.links).toBeDefined();
});

test('only files of the directory that are named by a hash are trusted', () => {
  writeFileSync(join(files.directory, 'ours.crt'), authority.certificate);
  const text = `${GOOD}\ntls-ca-cert-file ""\ntls-ca-cert-dir ${files.directory}`;
  expect(load(text).tls?.server.ca).toEqual([]);
  writeFileSync(join(files.directory, '3387b84d.0'), authority.certificate);
  expect(load(text).tls?.server.ca).toEqual([Buffer.from(authority.certificate)]);
});

test.each([
  {
    why: 'function, file and line of OpenSSL go',
    message: '80FC:error:0A0000C7:SSL routines:tls_process:peer did not return a certificate:../deps/x.c:3517:\n',
    text: 'error:0A0000C7:SSL routines::peer did not return a certificate',
  },
  { why: 'other errors stay', message: 'connect ECONNREFUSED 127.0.0.1:1', text: 'connect ECONNREFUSED 127.0.0.1:1' },
  { why: 'one line of log is one line', message: 'a\nb', text: 'a' },
])('openSslText: $why', ({ message, text }) => {
  expect(openSslText(new Error(message))).toBe(text);
});
