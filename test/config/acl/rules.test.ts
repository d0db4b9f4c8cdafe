// One rule after the other: the users they make and the faults they have, as redis-sentinel 7.0.15 answered them.
import { describe, expect, test } from 'vitest';
import { aclTable } from '../../../src/commands/table.ts';
import { userText } from '../../../src/config/acl/describe.ts';
import { applyRules, FAULTS, mergeSelectors } from '../../../src/config/acl/rules.ts';
import { createUser } from '../../../src/config/acl/user.ts';
import { sha256Hex } from '../fake-environment.ts';

const H = sha256Hex('pw');

function made(rules: readonly string[], allChannels = false): string {
  const result = applyRules(createUser('u', allChannels), rules, { commands: aclTable, allChannels, sha256Hex });
  return 'fault' in result ? `${result.rule}: ${FAULTS[result.fault]}` : userText(result, aclTable);
}

describe('users', () => {
  test.each([
    { why: 'a new user is off and may do nothing', rules: [], user: 'off resetchannels -@all' },
    { why: 'an empty rule changes nothing', rules: ['', 'on'], user: 'on resetchannels -@all' },
    { why: 'words in any case', rules: ['ON', 'AllKeys', 'ALLCHANNELS', 'AllCommands'], user: 'on ~* &* +@all' },
    { why: 'a password, once', rules: ['>pw', '>pw', `#${H}`], user: `off #${H} resetchannels -@all` },
    { why: 'a password ends nopass', rules: ['nopass', '>pw'], user: `off #${H} resetchannels -@all` },
    { why: 'nopass ends passwords', rules: ['>pw', 'nopass'], user: 'off nopass resetchannels -@all' },
    { why: 'resetpass ends both', rules: ['nopass', 'resetpass'], user: 'off resetchannels -@all' },
    { why: 'a password taken back by its text', rules: ['>pw', '<pw'], user: 'off resetchannels -@all' },
    { why: 'or by its hash', rules: ['>pw', `!${H}`], user: 'off resetchannels -@all' },
    { why: 'reset says so', rules: ['on', '>pw', '+@all', 'RESET'], user: 'off sanitize-payload resetchannels -@all' },
    {
      why: 'payload words are kept',
      rules: ['skip-sanitize-payload'],
      user: 'off skip-sanitize-payload resetchannels -@all',
    },
    {
      why: 'keys mean nothing, and are kept',
      rules: ['~a', '%R~b', '%w~c', '%RW~d'],
      user: 'off ~a %R~b %W~c ~d resetchannels -@all',
    },
    { why: 'reading and writing is all', rules: ['%w~b', '%r~b'], user: 'off ~b resetchannels -@all' },
    { why: 'an access without a pattern', rules: ['%R'], user: 'off %R~ resetchannels -@all' },
    { why: 'an empty pattern', rules: ['~'], user: 'off ~ resetchannels -@all' },
    { why: 'channels, each once', rules: ['&a', '&b*', '&a'], user: 'off resetchannels &a &b* -@all' },
    { why: 'all channels make one of them void', rules: ['&a', 'allchannels'], user: 'off &* -@all' },
    { why: 'a selector', rules: ['(~a +ping)'], user: 'off resetchannels -@all (~a resetchannels -@all +ping)' },
    {
      why: 'selectors end',
      rules: ['(+ping)', '(+role)', 'clearselectors', '()'],
      user: 'off resetchannels -@all (resetchannels -@all)',
    },
    {
      why: 'quotes that do not close leave an empty selector',
      rules: ['(+ping ~a"b)'],
      user: 'off resetchannels -@all (resetchannels -@all)',
    },
  ])('$why', ({ rules, user }) => expect(made(rules)).toBe(`user u ${user}`));

  test('acl-pubsub-default gives channels to users and selectors, and to what is reset', () => {
    expect(made(['(+ping)'], true)).toBe('user u off &* -@all (&* -@all +ping)');
    expect(made(['resetchannels', 'reset'], true)).toBe('user u off sanitize-payload &* -@all');
  });
});

describe('commands', () => {
  test.each([
    { why: 'one', rules: ['+PING'], words: '-@all +ping' },
    { why: 'a subcommand', rules: ['+client|LIST'], words: '-@all +client|list' },
    { why: 'a container brings its own', rules: ['+acl', '-acl|list'], words: '-@all +acl -acl|list' },
    { why: 'taken from all', rules: ['+@all', '-sentinel|reset'], words: '+@all -sentinel|reset' },
    { why: 'a category', rules: ['+@dangerous'], words: '-@all +@dangerous' },
    {
      why: 'taken from all, and given back',
      rules: ['+@all', '-@dangerous', '+info', '+sentinel|masters'],
      words: '+@all -@admin +sentinel|masters',
    },
    {
      why: 'the categories that fit best',
      rules: ['+@all', '-sentinel', '-client|kill', '+client|list', '-@admin', '+@slow'],
      words: '+@all -role',
    },
    { why: 'nocommands forgets all', rules: ['+@all', 'nocommands'], words: '-@all' },
    {
      why: 'a first argument in any case, once',
      rules: ['+ping|a', '+ping|B', '+ping|b'],
      words: '-@all +ping|a +ping|B',
    },
    {
      why: 'a command given or taken forgets its first arguments',
      rules: ['+ping|foo', '+ping', '-ping'],
      words: '-@all',
    },
    {
      why: 'first arguments behind the subcommands of others',
      rules: ['+acl', '+subscribe|foo'],
      words: '-@all +acl +subscribe|foo',
    },
  ])('$why', ({ rules, words }) => expect(made(rules)).toBe(`user u off resetchannels ${words}`));

  test.each([
    { why: 'a newer subcommand that is named is kept', rules: ['+client|setinfo'], words: '-@all +client|setinfo' },
    { why: 'as has a category that it is of', rules: ['-client|setinfo', '+@connection'], words: '-@all +@connection' },
    { why: 'nothing derived names it', rules: ['+@all', '-client|setname'], words: '+@all -client|setname' },
  ])('$why', ({ rules, words }) => expect(made(rules)).toBe(`user u off resetchannels ${words}`));
});

test('a newer subcommand: a rule about its container is the last word', () => {
  expect(made(['-client|setinfo', '+client'])).toBe(made(['+client']));
});

test.each([
  { why: 'no rule', rule: 'nonsense', fault: 'syntax' },
  { why: 'a blank in a pattern', rule: '~a b', fault: 'syntax' },
  { why: 'a blank in a channel', rule: '&a b', fault: 'syntax' },
  { why: 'a NUL byte in a channel', rule: '&a\0', fault: 'syntax' },
  { why: 'no access', rule: '%~foo', fault: 'syntax' },
  { why: 'an access that does not exist', rule: '%X~a', fault: 'syntax' },
  { why: 'an access twice', rule: '%RR~a', fault: 'syntax' },
  { why: 'no command', rule: '+', fault: 'unknown-command' },
  { why: 'a command of data nodes', rule: '+get', fault: 'unknown-command' },
  { why: 'no such category', rule: '+@nosuch', fault: 'unknown-command' },
  { why: 'no category', rule: '-@', fault: 'unknown-command' },
  { why: 'no such subcommand', rule: '+client|nosuch', fault: 'unknown-command' },
  { why: 'a first argument taken away', rule: '-ping|x', fault: 'unknown-command' },
  { why: 'too many parts', rule: '+client|list|x|y', fault: 'unknown-command' },
  { why: 'an empty first argument', rule: '+ping|', fault: 'syntax' },
  { why: 'an empty subcommand', rule: '+client|', fault: 'syntax' },
  { why: 'a blank in a first argument', rule: '+ping|a b', fault: 'syntax' },
  { why: 'a first argument of a subcommand', rule: '+sentinel|masters|x', fault: 'first-argument' },
  { why: 'an unknown password', rule: '<pw', fault: 'no-such-password' },
  { why: 'no hash', rule: '#ABC', fault: 'bad-hash' },
  { why: 'no hash to take away', rule: '!abc', fault: 'bad-hash' },
  { why: 'a rule of users in a selector', rule: '(on)', fault: 'syntax' },
  { why: 'a selector in a selector', rule: '((+ping)', fault: 'syntax' },
  { why: 'what is wrong in a selector', rule: '(+nosuch)', fault: 'unknown-command' },
] as const)('fault: $why', ({ rule, fault }) => expect(made([rule])).toBe(`${rule}: ${FAULTS[fault]}`));

test.each([
  { rules: ['allkeys', '~x'], fault: 'all-keys' },
  { rules: ['~*', '%R~x'], fault: 'all-keys' },
  { rules: ['allchannels', '&x'], fault: 'all-channels' },
] as const)('fault: $rules', ({ rules, fault }) => expect(made(rules)).toBe(`${rules[1]}: ${FAULTS[fault]}`));

test.each([
  { why: 'words of one selector', words: ['on', '(+ping', '~a)', '>x'], rules: ['on', '(+ping ~a)', '>x'] },
  { why: 'parentheses by themselves', words: ['(', '+ping', ')'], rules: ['( +ping )'] },
  { why: 'nothing to join', words: ['(+ping)', '()'], rules: ['(+ping)', '()'] },
  { why: 'the last parenthesis that was opened', words: ['(a', '(b', 'c)'], rules: ['(b c)'] },
  { why: 'one that nothing closes', words: ['on', '(+ping', '~a'], rules: ['on'], open: 1 },
])('selectors are joined: $why', ({ why: _, words, ...merged }) => expect(mergeSelectors(words)).toEqual(merged));
