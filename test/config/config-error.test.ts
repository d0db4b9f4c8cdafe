// The genuine error block, byte for byte (spec/config.md §1.7).
import { expect, test } from 'vitest';
import { ConfigError, renderConfigError } from '../../src/config/config-error.ts';

test('a line at fault is quoted', () => {
  const error = new ConfigError('Unrecognized sentinel configuration statement.', {
    number: 3,
    text: 'sentinel foo bar',
  });
  expect(renderConfigError(error, '7.0.15')).toBe(
    "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 3\n>>> 'sentinel foo bar'\nUnrecognized sentinel configuration statement.\n",
  );
});

test('without a line the two middle lines are missing', () => {
  const error = new ConfigError("Can't open the log file: Permission denied");
  expect(renderConfigError(error, '7.0.15')).toBe(
    "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nCan't open the log file: Permission denied\n",
  );
});

test('what the genuine server only logs has no block', () => {
  const error = new ConfigError('Configured to not listen anywhere, exiting.', undefined, { channel: 'log' });
  expect(renderConfigError(error, '7.0.15')).toBe('');
  expect(error.logLines).toEqual(['Configured to not listen anywhere, exiting.']);
});
