// The arithmetic of votes: who leads, and when nobody can any more.
import { describe, expect, test } from 'vitest';
import { isProvablySplit, winner } from '../../src/core/vote.ts';

const counted = (votes: Record<string, number>) => new Map(Object.entries(votes));

test.each([
  { why: 'majority and quorum met', votes: { a: 2, b: 1 }, voters: 3, quorum: 2, leader: 'a' },
  { why: 'quorum met, no majority', votes: { a: 1, b: 1 }, voters: 3, quorum: 1, leader: undefined },
  { why: 'majority met, quorum not', votes: { a: 3 }, voters: 5, quorum: 4, leader: undefined },
  {
    why: 'a quorum of more than there are voters is never met',
    votes: { a: 3 },
    voters: 3,
    quorum: 4,
    leader: undefined,
  },
  { why: 'half is no majority', votes: { a: 2 }, voters: 4, quorum: 1, leader: undefined },
  { why: 'half and one is', votes: { a: 3 }, voters: 4, quorum: 1, leader: 'a' },
  { why: 'alone, our own vote is all there is', votes: { a: 1 }, voters: 1, quorum: 1, leader: 'a' },
  { why: 'nobody voted', votes: {}, voters: 1, quorum: 1, leader: undefined },
])('winner: $why', ({ votes, voters, quorum, leader }) => {
  expect(winner(counted(votes as Record<string, number>), voters, quorum)).toBe(leader);
});

describe('a split is provable only', () => {
  test.each([
    { why: 'when all have voted and nobody has enough', votes: { a: 1, b: 1, c: 1 }, heard: 3, open: 0, split: true },
    { why: 'not while the one missing vote could decide', votes: { a: 1, b: 1 }, heard: 2, open: 1, split: false },
    { why: 'when those who refused leave too few', votes: { a: 1 }, heard: 3, open: 0, split: true },
    { why: 'not in a minority: a new epoch would not help it', votes: { a: 1 }, heard: 1, open: 0, split: false },
    { why: 'not when somebody has won', votes: { a: 2 }, heard: 2, open: 1, split: false },
  ])('$why', ({ votes, heard, open, split }) => {
    const ballot = { heard, open, voters: 3, quorum: 2 };
    expect(isProvablySplit(counted(votes as Record<string, number>), ballot)).toBe(split);
  });
});
