// Users as text again: whatever rules made a user, the rules that are written make the same one.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aclTable } from '../../../src/commands/table.ts';
import { aclFileLine, userLine, userText } from '../../../src/config/acl/describe.ts';
import { applyRules } from '../../../src/config/acl/rules.ts';
import { createUser, type User } from '../../../src/config/acl/user.ts';
import { declareUser, parseAclFile, settleUsers } from '../../../src/config/acl/users.ts';
import { isUsers } from '../../../src/config/load-users.ts';
import { tokenize } from '../../../src/config/tokens.ts';
import { sha256Hex } from '../fake-environment.ts';
import { anyRules } from './any-rules.ts';

const context = { commands: aclTable, allChannels: false, sha256Hex };

function userOf(name: string, rules: readonly string[]): User {
  const user = applyRules(createUser(name, false), rules, context);
  if ('fault' in user) throw new Error(`${user.rule}: ${user.fault}`);
  return user;
}

/** The user that a line of the configuration file makes. */
function readLine(line: string): User | undefined {
  const declared = declareUser((tokenize(line) ?? []).slice(1), [], context);
  if ('error' in declared) throw new Error(declared.error);
  const users = settleUsers([declared], undefined, context);
  if (!isUsers(users)) throw new Error(users.error.join());
  return users.get(declared.name);
}

test('any rules: the line of the file makes the same user, and the same line', () => {
  fc.assert(
    fc.property(anyRules, (rules) => {
      const user = userOf('u', rules);
      const line = userLine(user, aclTable);
      const again = readLine(line);
      expect(again).toBeDefined();
      if (again === undefined) return;
      expect(userLine(again, aclTable)).toBe(line);
      expect([...again.root.commands.allowed].sort()).toEqual([...user.root.commands.allowed].sort());
    }),
    { numRuns: 300 },
  );
});

test('any rules: the line of the ACL file makes the same user', () => {
  fc.assert(
    fc.property(anyRules, (rules) => {
      const user = userOf('u', rules);
      const users = parseAclFile(`${aclFileLine(user, aclTable)}\n`, 'f', context);
      if (!isUsers(users)) throw new Error(users.error);
      const again = users.get('u');
      expect(again === undefined ? '' : userText(again, aclTable)).toBe(userText(user, aclTable));
    }),
    { numRuns: 300 },
  );
});

describe('what has quotes in it', () => {
  test.each([
    { why: 'a name', name: `it's"`, rules: ['on'], line: String.raw`user "it's\"" on resetchannels -@all` },
    { why: 'an empty name', name: '', rules: [], line: 'user "" off resetchannels -@all' },
    { why: 'a pattern', name: 'u', rules: [`&a"b`], line: String.raw`user u off resetchannels "&a\"b" -@all` },
    { why: 'bytes', name: 'u', rules: ['&\xe9'], line: String.raw`user u off resetchannels "&\xe9" -@all` },
    {
      why: 'a pattern of a selector, which is read twice',
      name: 'u',
      rules: [`(~"it's" +ping)`],
      line: String.raw`user u off resetchannels -@all "(\"~it's\" resetchannels -@all +ping)"`,
    },
  ])('$why', ({ name, rules, line }) => {
    const user = userOf(name, rules);
    expect(userLine(user, aclTable)).toBe(line);
    const again = readLine(line);
    expect(again?.name).toBe(name);
    expect(again && userText(again, aclTable)).toBe(userText(user, aclTable));
  });
});
