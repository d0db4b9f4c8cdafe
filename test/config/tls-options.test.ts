// Which port is shown, and which one peers hear of (spec/config.md §7.6).
import { expect, test } from 'vitest';
import { announcedPort, shownPort } from '../../src/config/tls-options.ts';

test.each([
  { why: 'plain only', port: 1, tls: { port: 0, replication: false }, shown: 1, announced: 1 },
  { why: 'both, plain links', port: 1, tls: { port: 2, replication: false }, shown: 1, announced: 1 },
  { why: 'both, links over TLS', port: 1, tls: { port: 2, replication: true }, shown: 1, announced: 2 },
  { why: 'TLS only', port: 0, tls: { port: 2, replication: true }, shown: 2, announced: 2 },
  { why: 'TLS for clients only', port: 0, tls: { port: 2, replication: false }, shown: 2, announced: 0 },
  { why: 'TLS for links only', port: 1, tls: { port: 0, replication: true }, shown: 1, announced: 1 },
])('$why', ({ port, tls, shown, announced }) => {
  expect(shownPort({ port, tls })).toBe(shown);
  expect(announcedPort({ port, tls })).toBe(announced);
});
