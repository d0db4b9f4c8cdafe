// The general directives: every name loads, every kind reads and writes its values as redis-sentinel 7.0.15 does.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  applyGeneral,
  checkOtherName,
  defaultValues,
  generalOption,
  renderGeneral,
  typedOptions,
  valueIn,
} from '../../src/config/general-options.ts';
import { type GeneralOption, generalTable, newerNames, retiredNames } from '../../src/config/general-table.ts';

/** A value that every option of the kind takes. */
function sample(row: GeneralOption): string[] {
  switch (row.kind) {
    case 'bind':
      return ['127.0.0.1', '-::1'];
    case 'output-limits':
      return ['pubsub', '1mb', '1kb', '5'];
    case 'replicaof':
      return ['127.0.0.1', '6379'];
    case 'save':
      return ['900', '1'];
    case 'oom-values':
      return ['0', '200', '800'];
    default:
      return [row.default ?? 'x'];
  }
}

describe('the table', () => {
  test('has the 178 names and 19 aliases of 7.0.15, none twice', () => {
    const names = generalTable.map((row) => row.name);
    const aliases = generalTable.flatMap((row) => row.alias ?? []);
    expect([names.length, aliases.length]).toEqual([178, 19]);
    expect(new Set([...names, ...aliases, ...retiredNames, ...newerNames]).size).toBe(
      178 + 19 + retiredNames.length + newerNames.length,
    );
  });

  test.each(generalTable.map((row) => [row.name, row] as const))('%s loads, by any name in any case', (_name, row) => {
    for (const name of [row.name, row.alias ?? row.name]) {
      const found = generalOption(name.toUpperCase());
      expect(found).toBe(row);
      expect(applyGeneral(defaultValues(), row, sample(row))).toBeUndefined();
    }
  });

  test.each([...newerNames, 'list-max-ziplist-value', 'some.module'])('%s is taken with a value', (name) => {
    expect(checkOtherName(name, ['x'])).toEqual({ error: undefined });
    expect(checkOtherName(name, [])?.error).toBeDefined();
  });

  test('completely unknown names are not', () => expect(checkOtherName('sentinel-port', ['x'])).toBeUndefined());
});

/** What the rewrite makes of a directive's values; `*` in front: only where the file has a line for it. */
function written(name: string, ...args: string[]): string[] | string {
  const row = generalOption(name);
  if (row === undefined) throw new Error(name);
  const values = defaultValues();
  const error = applyGeneral(values, row, args);
  return error ?? renderGeneral(values, row).map(({ line, differs }) => (differs ? line : `*${line}`));
}

test.each([
  { why: 'yes in any case', from: ['protected-mode', 'YES'], to: ['*protected-mode yes'] },
  { why: 'the Sentinel default is not the general one', from: ['protected-mode', 'no'], to: ['protected-mode no'] },
  { why: 'integer', from: ['port', '26379'], to: ['port 26379'] },
  { why: 'the general default is appended nowhere', from: ['port', '6379'], to: ['*port 6379'] },
  { why: 'octal', from: ['unixsocketperm', '0770'], to: ['unixsocketperm 770'] },
  { why: 'largest exact unit', from: ['proto-max-bulk-len', '10485760'], to: ['proto-max-bulk-len 10mb'] },
  { why: 'no exact unit', from: ['proto-max-bulk-len', '2m'], to: ['proto-max-bulk-len 2000000'] },
  { why: 'percentage', from: ['maxmemory-clients', '010%'], to: ['maxmemory-clients 10%'] },
  { why: 'enumeration in lower case', from: ['loglevel', 'WARNING'], to: ['loglevel warning'] },
  { why: 'a level of 7.2', from: ['loglevel', 'nothing'], to: ['loglevel nothing'] },
  { why: 'text is quoted', from: ['logfile', '/a b\xe9'], to: ['logfile "/a b\\xe9"'] },
  { why: 'empty text where that is a value', from: ['logfile', ''], to: ['*logfile ""'] },
  { why: 'empty text where it means unset', from: ['requirepass', ''], to: [] },
  { why: 'unset pidfile', from: ['pidfile', ''], to: [] },
  { why: 'addresses are not quoted', from: ['bind', '127.0.0.1', '-::1'], to: ['bind 127.0.0.1 -::1'] },
  { why: 'one value is split again', from: ['bind', '127.0.0.1 ::1'], to: ['bind 127.0.0.1 ::1'] },
  { why: 'the default bind is not written', from: ['bind', '*', '-::*'], to: [] },
  { why: 'nothing to listen on', from: ['bind', ''], to: ['bind ""'] },
  {
    why: 'each class has a line, units as for sizes',
    from: ['client-output-buffer-limit', 'slave', '1gb', '2048', '9', 'pubsub', '0', '0', '0'],
    to: [
      '*client-output-buffer-limit normal 0 0 0',
      'client-output-buffer-limit replica 1gb 2kb 9',
      'client-output-buffer-limit pubsub 0 0 0',
    ],
  },
  {
    why: 'a single value is split again',
    from: ['client-output-buffer-limit', 'NORMAL 1 2 3'],
    to: [
      'client-output-buffer-limit normal 1 2 3',
      '*client-output-buffer-limit replica 256mb 64mb 60',
      '*client-output-buffer-limit pubsub 32mb 8mb 60',
    ],
  },
])('written: $why', ({ from: [name = '', ...args], to }) => expect(written(name, ...args)).toEqual(to));

test('several classes of one line are taken together or not at all', () => {
  const values = defaultValues();
  const row = generalOption('client-output-buffer-limit');
  if (row === undefined) throw new Error('no row');
  expect(applyGeneral(values, row, ['normal', '1', '1', '1', 'nobody', '1', '1', '1'])).toContain(
    'Invalid client class',
  );
  expect(values.outputLimits.normal.hardBytes).toBe(0);
});

test('defaults in Sentinel mode', () => {
  expect(typedOptions(defaultValues())).toEqual({
    port: 26379,
    tls: {
      port: 0,
      replication: false,
      cluster: false,
      server: { certFile: undefined, keyFile: undefined, keyFilePass: undefined },
      client: { certFile: undefined, keyFile: undefined, keyFilePass: undefined },
      caCertFile: undefined,
      caCertDir: undefined,
      dhParamsFile: undefined,
      authClients: 'yes',
      protocols: undefined,
      ciphers: undefined,
      ciphersuites: undefined,
      preferServerCiphers: false,
      sessionCaching: true,
      sessionCacheSeconds: 300,
    },
    bind: ['*', '-::*'],
    protectedMode: false,
    dir: undefined,
    logfile: '',
    loglevel: 'notice',
    requirePass: undefined,
    aclFile: undefined,
    aclLogMaxLen: 128,
    aclAllChannels: false,
    maxclients: 10000,
    timeout: 0,
    tcpKeepalive: 300,
    tcpBacklog: 511,
    outputLimits: {
      normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
      replica: { hardBytes: 256 * 1024 ** 2, softBytes: 64 * 1024 ** 2, softSeconds: 60 },
      pubsub: { hardBytes: 32 * 1024 ** 2, softBytes: 8 * 1024 ** 2, softSeconds: 60 },
    },
    queryBufferLimit: 1024 ** 3,
    protoMaxBulkLen: 512 * 1024 ** 2,
    bindSourceAddr: undefined,
    unixSocket: undefined,
    unixSocketMode: 0,
    pidfile: undefined,
    daemonize: false,
    syslogEnabled: false,
    syslogIdent: 'redis',
    syslogFacility: 'local0',
    alwaysShowLogo: false,
    crashLogEnabled: true,
    setProcTitle: true,
    procTitleTemplate: '{title} {listen-addr} {server-mode}',
    supervised: 'no',
  });
  expect(valueIn(defaultValues(), 'tls-port')).toBe('0');
});

test('the README names every directive that does not only make a warning', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const effective = generalTable.filter(({ use }) => use === 'honoured' || use === 'accepted');
  const shown = (name: string) => readme.includes(`\`${name.replace(/^tls-.*/, 'tls-*')}\``);
  expect(effective.map(({ name }) => name).filter((name) => !shown(name))).toEqual([]);
});
