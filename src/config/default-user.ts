// The `user default` line: the one ACL line that redis-sentinel writes into every file by itself.
// This version knows the default user with all rights and passwords only; everything else is refused, not weakened.

/** SHA-256 of a byte string as 64 lower-case hex characters; injected, because this folder only works on text. */
export type Sha256Hex = (bytes: string) => string;

/** The default user of a file's `user default` line, which wins over requirepass (spec/config.md §7.3). */
export interface DefaultUser {
  readonly nopass: boolean;
  /** Lower-case sha256 hex, in the order of the line. Never empty unless `nopass`. */
  readonly passwordHashes: readonly string[];
  readonly payload: 'sanitize-payload' | 'skip-sanitize-payload';
}

interface Rights {
  readonly on: boolean;
  readonly nopass: boolean;
  readonly hashes: readonly string[];
  readonly payload: DefaultUser['payload'];
  readonly allKeys: boolean;
  readonly allChannels: boolean;
  readonly allCommands: boolean;
}

/** What each rule without a parameter sets. */
const RULES: Readonly<Record<string, Partial<Rights>>> = {
  on: { on: true },
  off: { on: false },
  nopass: { nopass: true, hashes: [] },
  resetpass: { nopass: false, hashes: [] },
  'sanitize-payload': { payload: 'sanitize-payload' },
  'skip-sanitize-payload': { payload: 'skip-sanitize-payload' },
  '~*': { allKeys: true },
  allkeys: { allKeys: true },
  resetkeys: { allKeys: false },
  '&*': { allChannels: true },
  allchannels: { allChannels: true },
  resetchannels: { allChannels: false },
  '+@all': { allCommands: true },
  allcommands: { allCommands: true },
  '-@all': { allCommands: false },
  nocommands: { allCommands: false },
  clearselectors: {},
};

/**
 * The default user that `rules` make, starting from a reset one. `undefined` when it is anything but a user that is
 * on, has all rights and can log in: this version cannot enforce less, so it must not start with it.
 */
export function parseDefaultUser(
  rules: readonly string[],
  start: { allChannels: boolean; sha256Hex: Sha256Hex },
): DefaultUser | undefined {
  const reset: Rights = {
    on: false,
    nopass: false,
    hashes: [],
    payload: 'sanitize-payload',
    allKeys: false,
    allChannels: start.allChannels,
    allCommands: false,
  };
  let user = reset;
  for (const rule of rules) {
    const lower = rule.toLowerCase();
    const change = lower === 'reset' ? reset : Object.hasOwn(RULES, lower) ? RULES[lower] : undefined;
    const hashes = change === undefined ? passwordsAfter(user.hashes, rule, start.sha256Hex) : undefined;
    if (change === undefined && hashes === undefined) return undefined;
    const opened = hashes !== undefined && hashes.length > user.hashes.length ? { nopass: false } : {};
    user = { ...user, ...(change ?? { hashes: hashes ?? [], ...opened }) };
  }
  const { nopass, payload, hashes } = user;
  const full = user.on && user.allKeys && user.allChannels && user.allCommands;
  return full && (nopass || hashes.length > 0) ? { nopass, payload, passwordHashes: hashes } : undefined;
}

/** `undefined`: not a password rule, or one that the genuine server refuses. */
function passwordsAfter(hashes: readonly string[], rule: string, sha256Hex: Sha256Hex): readonly string[] | undefined {
  const [sign, rest] = [rule.slice(0, 1), rule.slice(1)];
  const hash = sign === '>' || sign === '<' ? sha256Hex(rest) : rest;
  if (!/^[0-9a-f]{64}$/.test(hash)) return undefined;
  if (sign === '>' || sign === '#') return hashes.includes(hash) ? hashes : [...hashes, hash];
  if ((sign === '<' || sign === '!') && hashes.includes(hash)) return hashes.filter((other) => other !== hash);
  return undefined;
}

/** The line of a default user that came from a line; with a requirepass only, and untouched, it has fewer words. */
export function renderDefaultUser(user: DefaultUser | undefined, requirePassHash: string | undefined): string {
  const hashes = user === undefined ? [requirePassHash] : user.passwordHashes;
  const open = user === undefined ? requirePassHash === undefined : user.nopass;
  const words = ['user default on', open ? 'nopass' : undefined, user?.payload];
  words.push(...hashes.map((hash) => (hash === undefined ? undefined : `#${hash}`)), '~* &* +@all');
  return words.filter((word) => word !== undefined).join(' ');
}
