// Users of files: what is said of lines that are wrong, in the words of redis-sentinel 7.0.15.
import { describe, expect, test } from 'vitest';
import { aclTable } from '../../../src/commands/table.ts';
import { userText } from '../../../src/config/acl/describe.ts';
import { declareUser, parseAclFile, settleUsers } from '../../../src/config/acl/users.ts';
import { isUsers } from '../../../src/config/load-users.ts';
import { sha256Hex } from '../fake-environment.ts';

const context = (allChannels = false) => ({ commands: aclTable, allChannels, sha256Hex });
const texts = (users: ReturnType<typeof settleUsers>) =>
  isUsers(users) ? [...users.values()].map((user) => userText(user, aclTable)) : users;

const DUPLICATE = 'Duplicate user found. A user can only be defined once in config files';

describe('a `user` line, while the file is read', () => {
  test.each([
    { why: 'the word two places left of the faulty one is shown', line: 'a on on blah', error: "'on': Syntax error" },
    { why: 'for the first rule that is `user`', line: 'a blah', error: "'user': Syntax error" },
    { why: 'a user twice', line: 'known on', error: `'known': ${DUPLICATE}` },
    { why: 'an open parenthesis', line: 'a on >x (foo', error: "'on': Unknown command or category name in ACL" },
  ])('$why', ({ line, error }) => {
    const known = [{ name: 'known', rules: [] }];
    expect(declareUser(line.split(' '), known, context())).toEqual({ error: `Error in user declaration ${error}` });
  });

  test('commands that are not known yet are no error yet', () => {
    const user = declareUser(['a', 'on', '(+nosuch', '+ping)', '+@nosuch'], [], context());
    expect(user).toEqual({ name: 'a', rules: ['on', '(+nosuch +ping)', '+@nosuch'] });
  });
});

describe('when all was read', () => {
  const settle = (...lines: string[]) =>
    texts(
      settleUsers(
        lines.map((line) => ({ name: line.split(' ')[0] ?? '', rules: line.split(' ').slice(1) })),
        sha256Hex('pw'),
        context(),
      ),
    );

  test('the default user is there, with the password of requirepass', () => {
    expect(settle()).toEqual([`user default on #${sha256Hex('pw')} ~* &* +@all`]);
  });

  test('a line of its own resets it, requirepass included', () => {
    expect(settle('default on +@all')).toEqual(['user default on sanitize-payload resetchannels +@all']);
  });

  test('the first rule that is wrong ends the start, with two lines in the log', () => {
    expect(settle('a on', 'b on +nosuch blah')).toEqual({
      error: [
        "Error loading ACL rule '+nosuch' for the user named 'b': Unknown command or category name in ACL",
        'Critical error while loading ACLs. Exiting.',
      ],
    });
  });

  test('names have no blanks', () => {
    expect(settleUsers([{ name: 'a b', rules: [] }], undefined, context())).toEqual({
      error: ['Spaces not allowed in ACL usernames', 'Critical error while loading ACLs. Exiting.'],
    });
  });
});

describe('an ACL file', () => {
  const parse = (text: string) => texts(parseAclFile(text, 'f', context()) as ReturnType<typeof settleUsers>);
  const END = 'WARNING: ACL errors detected, no change to the previously active ACL rules was performed';

  test('users, empty lines, line ends of Windows, selectors, quotes that mean nothing', () => {
    expect(parse('user e ( +ping ) (+role\t) +@all -@all  \tnopass \n\r\nuser "q on\t\r\n')).toEqual([
      'user e off nopass resetchannels -@all (resetchannels -@all +ping) (resetchannels -@all +role)',
      'user "q on resetchannels -@all',
      'user default on nopass ~* &* +@all',
    ]);
  });

  test('the default user of the file is not reset first: it is a new one', () => {
    expect(parse('user default on nopass +@all\n')).toEqual(['user default on nopass resetchannels +@all']);
  });

  test('everything that is wrong, in one line', () => {
    const text =
      'user b nonsense +x\n\nuser b\nfoo\nuser  c d\nuser c\tx on\nuser default on >pw\n # x\nUSER z on\nuser x &* &a\nuser y (+ping\n';
    expect(parse(text)).toEqual({
      error:
        "f:1: Syntax error. f:1: Error in applying operation '+x': Unknown command or category name in ACL. " +
        "WARNING: Duplicate user 'b' found on line 3. f:4 should start with user keyword followed by the username. " +
        "f:5: Syntax error. 'f:6: username 'c\tx' contains invalid characters. " +
        'f:8 should start with user keyword followed by the username. ' +
        'f:9 should start with user keyword followed by the username. ' +
        "f:10: Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. " +
        "Try 'resetchannels' to start with an empty list of channels. " +
        `f:11: Unmatched parenthesis in selector definition. ${END}`,
    });
  });
});
