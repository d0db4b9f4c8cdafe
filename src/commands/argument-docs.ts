// How each command is called, for COMMAND DOCS: redis-cli makes its hints and its help of it. A form reads like the
// usage line of a manual, with the names and types that redis-sentinel 7.0.15 gives.
import { array, bulk, map, type Reply, set, simple } from '../protocol/reply.ts';

interface ArgumentDoc {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'pattern' | 'pure-token' | 'oneof' | 'block';
  /** The word in front of the value, or the word that is the argument. */
  readonly token?: string;
  readonly since?: string;
  readonly deprecatedSince?: string;
  readonly flags?: readonly ('optional' | 'multiple' | 'multiple_token')[];
  readonly parts?: readonly ArgumentDoc[];
}

type Details = Partial<Omit<ArgumentDoc, 'name' | 'type'>>;

const text = (name: string, details: Details = {}): ArgumentDoc => ({ name, type: 'string', ...details });
const integer = (name: string, details: Details = {}): ArgumentDoc => ({ name, type: 'integer', ...details });
const pattern = (name: string, details: Details = {}): ArgumentDoc => ({ name, type: 'pattern', ...details });
/** A word that stands for itself. */
const keyword = (token: string, details: Details = {}): ArgumentDoc => ({
  name: token.toLowerCase(),
  type: 'pure-token',
  token,
  ...details,
});
const oneOf = (name: string, parts: readonly ArgumentDoc[], details: Details = {}): ArgumentDoc => ({
  name,
  type: 'oneof',
  ...details,
  parts,
});
const block = (name: string, parts: readonly ArgumentDoc[], details: Details = {}): ArgumentDoc => ({
  name,
  type: 'block',
  ...details,
  parts,
});
const words = (name: string, tokens: readonly string[], details: Details = {}): ArgumentDoc =>
  oneOf(
    name,
    tokens.map((token) => keyword(token)),
    details,
  );

const optional = { flags: ['optional'] } as const;
const repeated = { flags: ['multiple'] } as const;
const anyNumber = { flags: ['optional', 'multiple'] } as const;
const masterName = [text('master-name')];

/** By full name; a command that is not here takes no arguments. */
const ARGUMENTS: Readonly<Record<string, readonly ArgumentDoc[]>> = {
  'acl|cat': [text('categoryname', optional)],
  'acl|deluser': [text('username', repeated)],
  'acl|dryrun': [text('username'), text('command'), text('arg', anyNumber)],
  'acl|genpass': [integer('bits', optional)],
  'acl|getuser': [text('username')],
  'acl|log': [oneOf('operation', [integer('count'), keyword('RESET')], optional)],
  'acl|setuser': [text('username'), text('rule', anyNumber)],
  auth: [text('username', { since: '6.0.0', ...optional }), text('password')],
  'client|caching': [words('mode', ['YES', 'NO'])],
  'client|kill': [
    oneOf('filter', [
      text('ip:port', { deprecatedSince: '2.8.12' }),
      oneOf(
        'new-format',
        [
          integer('client-id', { token: 'ID', since: '2.8.12', ...optional }),
          oneOf(
            'normal_master_slave_pubsub',
            [
              keyword('NORMAL'),
              keyword('MASTER', { since: '3.2.0' }),
              keyword('SLAVE'),
              keyword('REPLICA', { since: '5.0.0' }),
              keyword('PUBSUB'),
            ],
            { token: 'TYPE', since: '2.8.12', ...optional },
          ),
          text('username', { token: 'USER', ...optional }),
          text('ip:port', { token: 'ADDR', ...optional }),
          text('ip:port', { token: 'LADDR', since: '6.2.0', ...optional }),
          text('yes/no', { token: 'SKIPME', ...optional }),
        ],
        repeated,
      ),
    ]),
  ],
  'client|list': [
    words('normal_master_replica_pubsub', ['NORMAL', 'MASTER', 'REPLICA', 'PUBSUB'], {
      token: 'TYPE',
      since: '5.0.0',
      ...optional,
    }),
    block('id', [integer('client-id', repeated)], { token: 'ID', since: '6.2.0', ...optional }),
  ],
  'client|no-evict': [words('enabled', ['ON', 'OFF'])],
  'client|pause': [integer('timeout'), words('mode', ['WRITE', 'ALL'], { since: '6.2.0', ...optional })],
  'client|reply': [words('on_off_skip', ['ON', 'OFF', 'SKIP'])],
  'client|setname': [text('connection-name')],
  'client|tracking': [
    words('status', ['ON', 'OFF']),
    integer('client-id', { token: 'REDIRECT', ...optional }),
    text('prefix', { token: 'PREFIX', flags: ['optional', 'multiple', 'multiple_token'] }),
    ...['BCAST', 'OPTIN', 'OPTOUT', 'NOLOOP'].map((token) => keyword(token, optional)),
  ],
  'client|unblock': [integer('client-id'), words('timeout_error', ['TIMEOUT', 'ERROR'], optional)],
  'command|docs': [text('command-name', anyNumber)],
  'command|info': [text('command-name', anyNumber)],
  'command|list': [
    oneOf(
      'filterby',
      [
        text('module-name', { token: 'MODULE' }),
        text('category', { token: 'ACLCAT' }),
        pattern('pattern', { token: 'PATTERN' }),
      ],
      { token: 'FILTERBY', ...optional },
    ),
  ],
  hello: [
    block(
      'arguments',
      [
        integer('protover'),
        block('username_password', [text('username'), text('password')], { token: 'AUTH', ...optional }),
        text('clientname', { token: 'SETNAME', ...optional }),
      ],
      optional,
    ),
  ],
  info: [text('section', anyNumber)],
  ping: [text('message', optional)],
  psubscribe: [block('pattern', [pattern('pattern')], repeated)],
  publish: [text('channel'), text('message')],
  punsubscribe: [pattern('pattern', anyNumber)],
  'sentinel|ckquorum': masterName,
  'sentinel|config': [
    oneOf('set_or_get', [
      block('set_param_value', [text('parameter'), text('value')], { token: 'SET', ...repeated }),
      text('parameter', { token: 'GET', ...repeated }),
    ]),
  ],
  'sentinel|debug': [block('parameter_value', [text('parameter'), text('value')], repeated)],
  'sentinel|failover': masterName,
  'sentinel|get-master-addr-by-name': masterName,
  'sentinel|info-cache': [text('nodename', repeated)],
  'sentinel|is-master-down-by-addr': [text('ip'), integer('port'), integer('current-epoch'), text('runid')],
  'sentinel|master': masterName,
  'sentinel|monitor': [text('name'), text('ip'), integer('port'), integer('quorum')],
  'sentinel|remove': masterName,
  'sentinel|replicas': masterName,
  'sentinel|reset': [pattern('pattern')],
  'sentinel|sentinels': masterName,
  'sentinel|set': [text('master-name'), block('option_value', [text('option'), text('value')], repeated)],
  // redis-sentinel 7.0.15 names the words of this one and forgets to say that they are words.
  'sentinel|simulate-failure': [
    oneOf(
      'mode',
      ['crash-after-election', 'crash-after-promotion', 'help'].map((name) => ({ name, type: 'pure-token' })),
      anyNumber,
    ),
  ],
  'sentinel|slaves': masterName,
  shutdown: [
    words('nosave_save', ['NOSAVE', 'SAVE'], optional),
    ...['NOW', 'FORCE', 'ABORT'].map((token) => keyword(token, { since: '7.0.0', ...optional })),
  ],
  subscribe: [text('channel', repeated)],
  unsubscribe: [text('channel', anyNumber)],
};

/** The `arguments` entry of a command's description; `undefined` when it takes none. */
export function argumentsReply(fullName: string): Reply | undefined {
  const docs = ARGUMENTS[fullName];
  return docs === undefined ? undefined : array(docs.map(argumentReply));
}

function argumentReply({ name, type, token, since, deprecatedSince, flags, parts }: ArgumentDoc): Reply {
  const entries: (readonly [string, Reply])[] = [
    ['name', bulk(name)],
    ['type', bulk(type)],
  ];
  if (token !== undefined) entries.push(['token', bulk(token)]);
  if (since !== undefined) entries.push(['since', bulk(since)]);
  if (deprecatedSince !== undefined) entries.push(['deprecated_since', bulk(deprecatedSince)]);
  if (flags !== undefined) entries.push(['flags', set(flags.map(simple))]);
  if (parts !== undefined) entries.push(['arguments', array(parts.map(argumentReply))]);
  return map(entries);
}
