// --check-config: everything that is wrong at once, for people, and no secrets.
import { describe, expect, test } from 'vitest';
import { checkConfig } from '../../src/config/load.ts';
import { renderFindings } from '../../src/config/report.ts';
import { fakeEnvironment } from './fake-environment.ts';

function report(text: string, more: Parameters<typeof fakeEnvironment>[0] = {}): string {
  return renderFindings(checkConfig(text, fakeEnvironment(more)), {
    file: 's.conf',
    lines: text.split('\n').length,
  });
}

test('nothing wrong', () => {
  expect(report('port 5000\nsentinel monitor m 127.0.0.1 6379 2\n')).toBe('s.conf: OK, 1 master, 0 warnings\n');
});

test('every problem of every kind, by line, and what only follows from one is left out', () => {
  const text = [
    'port 126379',
    'sentinel monitor m 127.0.0.1 6379 0',
    'sentinel parallel-syncs m 2',
    'sentinel parallel-syncs other 2',
    "sentinel auth-pass m don't tell",
    'sentinel auth-pass m two words',
    'sentinel myid short',
    'foo bar',
    'dir /no-such',
    'requirepass a b',
    'bad\0line',
    'hz 20',
  ].join('\n');
  expect(report(text)).toBe(`s.conf:1: argument must be between 0 and 65535 inclusive
    port 126379
s.conf:2: Quorum must be 1 or greater.
    sentinel monitor m 127.0.0.1 6379 0
s.conf:4: No such master with specified name.
    sentinel parallel-syncs other 2
s.conf:5: Unbalanced quotes in configuration line
    sentinel auth-pass m ***
s.conf:6: Unrecognized sentinel configuration statement.
    sentinel auth-pass m ***
s.conf:7: Malformed Sentinel id in myid option.
    sentinel myid short
s.conf:8: Bad directive or wrong number of arguments
    foo bar
s.conf:9: No such file or directory
    dir /no-such
s.conf:10: wrong number of arguments
    requirepass ***
s.conf:11: NUL byte in configuration line
    bad?line
s.conf: warning: line 12: 'hz' means nothing to a sentinel: it has no effect
s.conf: 10 problems, 1 warning
`);
});

describe('where it is wrong', () => {
  test('an included file is named, the rest of the main file is read all the same', () => {
    const files = { '/inc.conf': '\nport x\n' };
    expect(
      report('include /inc.conf\ninclude /none\nfoo bar', { files }),
    ).toBe(`s.conf:3: Bad directive or wrong number of arguments
    foo bar
s.conf: Fatal error, can't open config file '/none': No such file or directory
/inc.conf:2: argument couldn't be parsed into an integer
    port x
s.conf: 3 problems, 0 warnings
`);
  });

  test('the command line', () => {
    expect(report('port 1', { commandLine: ['port "x"'] })).toContain('command line: argument');
  });

  test('nowhere: a log file that cannot be opened, nothing to listen on', () => {
    const text = report('port 0\nlogfile /no-such/x.log');
    expect(text).toContain("s.conf: Can't open the log file: No such file or directory\n");
    expect(text).toContain('s.conf: Configured to not listen anywhere, exiting.\n');
    expect(text).toContain('s.conf: 2 problems');
  });

  test.each(['port 0\nunixsocket /x', 'port 0\nbind 127.0.0.1\nunixsocket /x', 'bind ""\nunixsocket /x'])(
    'somewhere to listen: %s',
    (text) => expect(report(text)).toContain('s.conf: OK'),
  );
  test.each(['port 0', 'bind ""', 'bind'])('nowhere to listen: %s', (text) =>
    expect(report(text)).toContain('not listen anywhere'),
  );
});
