// The bugs that `npm run sim:mutants` plants, each as a replacement of one text that must be there exactly once.
// Those named `fixed` were there once: taking a fix back must be noticed as well.

export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'everything is told before it is saved',
    file: 'src/shell/engine.ts',
    from: '      if (turn.some(',
    to: '      for (const deed of turn) perform(deed, true);\n      if (turn.some(',
  },
  {
    name: 'a vote is told although its save failed',
    file: 'src/commands/sentinel-read.ts',
    from: "ifUnsaved: reply('*', 0n), ",
    to: '',
  },
  {
    name: 'an unsaved vote of our own is asked for and counted',
    file: 'src/core/vote.ts',
    from: '  master.voteUnsaved = true;\n',
    to: '  master.voteUnsaved = false;\n',
  },
  {
    name: 'a lone sentinel leads before its vote is saved',
    file: 'src/core/election.ts',
    from: '  if (master.voteUnsaved) open += 1;\n  else hear(',
    to: '  hear(',
  },
  {
    name: 'the epoch of a vote is not in the file',
    file: 'src/core/durable.ts',
    from: '    leaderEpoch: master.leaderEpoch,',
    to: '    leaderEpoch: 0n,',
  },
  {
    name: 'two votes in one epoch',
    file: 'src/core/vote.ts',
    from: 'if (master.leaderEpoch >= ask.epoch || ',
    to: 'if (master.leaderEpoch > ask.epoch || ',
  },
  {
    name: 'the majority is one too small',
    file: 'src/core/query.ts',
    from: 'Math.floor(voters / 2) + 1',
    to: 'Math.floor(voters / 2)',
  },
  {
    name: 'the quorum does not matter in an election',
    file: 'src/core/vote.ts',
    from: 'return Math.max(majorityOf(voters), quorum);',
    to: 'return Math.min(majorityOf(voters), voters + quorum);',
  },
  {
    name: 'the quorum does not matter for odown',
    file: 'src/core/down.ts',
    from: 'if (votes >= quorum && ',
    to: 'if (votes >= 1 && ',
  },
  {
    name: 'whoever has a majority, we lead',
    file: 'src/core/election.ts',
    from: 'if (winner(votes, voters, quorum) === state.myId) {',
    to: 'if (winner(votes, voters, quorum) !== undefined) {',
  },
  {
    name: 'votes of other epochs count',
    file: 'src/core/election.ts',
    from: 'if (peer.vote?.epoch === epoch) hear',
    to: 'if (peer.vote !== undefined) hear',
  },
  {
    name: 'an attempt begins without a new epoch',
    file: 'src/core/election.ts',
    from: 'state.currentEpoch = later(used, state.currentEpoch) + 1n;',
    to: 'state.currentEpoch = later(used, state.currentEpoch);',
  },
  {
    name: 'an epoch that was heard of is not saved',
    file: 'src/core/vote.ts',
    from: '  state.currentEpoch = epoch;\n  persist(turn);',
    to: '  state.currentEpoch = epoch;',
  },
  {
    name: 'a hello with an old configuration is taken',
    file: 'src/core/hello.ts',
    from: '  if (hello.configEpoch <= master.configEpoch) return;\n',
    to: '',
  },
  {
    name: 'a new address comes without its epoch',
    file: 'src/core/hello.ts',
    from: '  master.configEpoch = hello.configEpoch;\n',
    to: '',
  },
  {
    name: 'answers about the old master count for the new one',
    file: 'src/core/instances.ts',
    from: '  for (const peer of peersOf(state, master)) peer.answer = undefined;\n',
    to: '',
  },
  {
    name: 'an answer that comes after a switch counts',
    file: 'src/core/ask.ts',
    from: "if (reply.kind !== 'array' || about !== master.address) return;",
    to: "if (reply.kind !== 'array' || about === undefined) return;",
  },
  {
    name: 'an answer counts for ever',
    file: 'src/core/down.ts',
    from: 'return answer !== undefined && now - answer.at <= answerLastsMs(state);',
    to: 'return answer !== undefined && now >= 0 && answerLastsMs(state) > 0;',
  },
  {
    name: 'a replica with priority 0 is promoted',
    file: 'src/core/selection.ts',
    from: "  if (replica.priority === 0) return 'its priority is 0';\n",
    to: '',
  },
  {
    name: 'the better priority does not matter',
    file: 'src/core/selection.ts',
    from: '  if (a.priority !== b.priority) return a.priority - b.priority;\n',
    to: '',
  },
  {
    name: 'the larger offset does not matter',
    file: 'src/core/selection.ts',
    from: '  if (a.offset !== b.offset) return ',
    to: '  if (a.offset < 0n) return ',
  },
  {
    name: 'a promotion is taken for done without proof',
    file: 'src/core/info.ts',
    from: "  if (node.role === 'master') confirmPromotion",
    to: "  if (node.kind === 'replica') confirmPromotion",
  },
  {
    name: 'the promoted node is not in the file',
    file: 'src/core/durable.ts',
    from: '    ...written((promoted ?? master).address),',
    to: '    ...written((promoted === undefined ? master : master).address),',
  },
  {
    name: 'down after half of down-after',
    file: 'src/core/down.ts',
    from: 'silentSince + downAfterMs + 1 :',
    to: 'silentSince + downAfterMs / 2 :',
  },
  {
    name: 'TILT stops nothing',
    file: 'src/core/judge.ts',
    from: '  if (turn.state.tiltAt === undefined) next = ',
    to: '  next = ',
  },
  {
    name: 'parallel-syncs does not matter',
    file: 'src/core/failover.ts',
    from: 'let slots = master.options.parallelSyncs - ',
    to: 'let slots = 100 - ',
  },
  {
    name: 'a dead leader is waited for',
    file: 'src/core/election.ts',
    from: 'if (leader.sdownAt === undefined) return afterTimeout;',
    to: 'if (leader.sdownAt === undefined || now < afterTimeout) return afterTimeout;',
  },
  {
    name: 'a second master is left alone',
    file: 'src/core/info.ts',
    from: "  if (replica.role === 'master')\n    return {",
    to: "  if (replica.role === 'master' && replica.priority < 0)\n    return {",
  },
  {
    name: 'scripts overtake one that waits for a save',
    file: 'src/core/scripts.ts',
    from: '    held ||= job.awaitsSave;',
    to: '    held = job.awaitsSave;',
  },
  {
    name: 'more scripts run at a time',
    file: 'src/core/scripts.ts',
    from: 'export const RUNNING_MAX = 16;',
    to: 'export const RUNNING_MAX = 100;',
  },
  {
    name: 'fixed: who changed places behind the DNS is believed',
    file: 'src/core/query.ts',
    from: '  return Math.min(...[one, other].map(',
    to: '  return Math.min(0, ...[one, other].map(',
  },
  {
    name: 'fixed: a hello that names a node means who is at its place',
    file: 'src/core/hello.ts',
    from: 'const moved = !sameNode(',
    to: 'const moved = !sameAddress(',
  },
  {
    name: 'fixed: the answer to an earlier question was news enough',
    file: 'src/core/info.ts',
    from: '(node.infoAskedAt ?? node.infoAt) < node.infoWantedAt',
    to: 'node.infoAt < node.infoWantedAt',
  },
  {
    name: 'fixed: who started anew as a master is promoted first',
    file: 'src/core/selection.ts',
    from: '  if (promotedAt === undefined) return -1;\n',
    to: '  if (promotedAt === undefined) return 1;\n',
  },
  {
    name: 'fixed: another run id at our own address was a peer',
    file: 'src/core/hello.ts',
    from: 'return host !== undefined && sameAddress(address, addressOf(host, port));',
    to: 'return host !== undefined && sameAddress(address, addressOf(host, -1));',
  },
  {
    name: 'fixed: MONITOR after REMOVE made room for a second vote',
    file: 'src/core/admin.ts',
    from: 'leaderEpoch: state.currentEpoch }',
    to: 'leaderEpoch: 0n }',
  },
];
