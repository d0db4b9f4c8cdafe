// The ways in which clients reach a cluster: with nothing, with passwords, as users with few rights, over TLS; the same
// settings for the servers and for the clients.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TopologyOptions } from '../../src/demo/topology.ts';
import { createAuthority } from '../certificates.ts';
import type { Orders } from './program.ts';

export interface Settings {
  readonly topology: TopologyOptions;
  readonly orders: Omit<Orders, 'KEY' | 'SENTINELS' | 'MASTER_NAME'>;
}

export interface Variant {
  readonly name: string;
  /** Files go into `dir`. */
  settings(dir: string): Settings;
}

/** Long enough that starting three virtual machines on two cores takes no node for down. */
const WATCH = { downAfterMs: 2_000, failoverTimeoutMs: 10_000 };

const SENTINEL_PASSWORD = 'sentinel-secret';
const REDIS_PASSWORD = 'data-secret';
const WATCHER_PASSWORD = 'watcher-secret';
const PEER_PASSWORD = 'peer-secret';
const APP_PASSWORD = 'app-secret';

const sentinels = (config: readonly string[]) => [1, 2, 3].map(() => ({ password: SENTINEL_PASSWORD, config }));

export const variants: readonly Variant[] = [
  { name: 'plain', settings: () => ({ topology: WATCH, orders: { PROTOCOL: '2' } }) },
  {
    name: 'password',
    settings: () => ({
      topology: { ...WATCH, password: REDIS_PASSWORD, sentinels: sentinels([]) },
      orders: { PROTOCOL: '2', SENTINEL_PASSWORD, REDIS_PASSWORD },
    }),
  },
  {
    name: 'acl',
    settings: () => ({
      topology: {
        ...WATCH,
        password: REDIS_PASSWORD,
        login: { user: 'watcher', password: WATCHER_PASSWORD },
        config: [
          `user watcher on >${WATCHER_PASSWORD} &* +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info +client|setname +client|kill +script|kill`,
          `user app on >${APP_PASSWORD} ~* &* +@all -@admin -@dangerous +info +role`,
        ],
        sentinels: sentinels([
          `user peer on >${PEER_PASSWORD} &__sentinel__:hello +ping +publish +client|setname +sentinel|is-master-down-by-addr`,
          `user app on >${APP_PASSWORD} &* +@connection +@pubsub +role +sentinel|get-master-addr-by-name +sentinel|master +sentinel|masters +sentinel|replicas +sentinel|slaves +sentinel|sentinels`,
          'sentinel sentinel-user peer',
          `sentinel sentinel-pass ${PEER_PASSWORD}`,
        ]),
      },
      orders: {
        PROTOCOL: '3',
        SENTINEL_USERNAME: 'app',
        SENTINEL_PASSWORD: APP_PASSWORD,
        REDIS_USERNAME: 'app',
        REDIS_PASSWORD: APP_PASSWORD,
      },
    }),
  },
  {
    name: 'tls',
    settings: (dir) => {
      const authority = createAuthority('clients');
      const { certificate, key } = authority.issue('everybody', { addresses: ['127.0.0.1'] });
      const file = (name: string, text: string) => {
        const path = join(dir, name);
        writeFileSync(path, text, { mode: 0o600 });
        return path;
      };
      const caFile = file('ca.crt', authority.certificate);
      const certFile = file('own.crt', certificate);
      const keyFile = file('own.key', key);
      return {
        topology: { ...WATCH, tls: { caFile, certFile, keyFile } },
        orders: { PROTOCOL: '3', TLS_CA: caFile, TLS_CERT: certFile, TLS_KEY: keyFile },
      };
    },
  },
];
