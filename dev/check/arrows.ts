import { join } from 'node:path';
import { Visitor } from '@swc/core/Visitor.js';
import { cruise, type IForbiddenRuleType } from 'dependency-cruiser';
import { trackedFiles } from './files.ts';

/** The floors of the house, from the ground up. A room is a folder of `src/`; arrows go down only. */
const RULES = ['videojob', 'failure', 'texts'];
const PLUMBING = ['config', 'log', 'metrics'];
const DOORS = [...PLUMBING, 'http', 'postgres', 'kube', 'telegram', 'provider', 'prompter', 'storage', 'photo'];
const LEDGER = ['ledger'];
const STAGES = ['order', 'generation', 'delivery', 'audit'];
const PROCESSES = ['bot', 'controller', 'runner', 'admin'];

const rooms = (...names: readonly (readonly string[])[]): string => `^src/(${names.flat().join('|')})/`;

/** A test beside the code may take stand-ins and support from outside; the arrows are about what ships. */
const TESTS = '\\.test\\.ts$';
/** In a rule about rooms: the room the import starts in. */
const SAME_ROOM = '^src/$1/';

const ARROWS: readonly IForbiddenRuleType[] = [
  {
    name: 'rules-import-nothing-of-ours',
    comment: 'Rules are pure: a case table that reaches for a door cannot be read or tested by itself.',
    severity: 'error',
    from: { path: rooms(RULES), pathNot: TESTS },
    to: { path: '^src/', pathNot: SAME_ROOM },
  },
  {
    name: 'doors-import-plumbing-and-rules',
    comment: 'One door per outside thing; a door that opens another hides an effect.',
    severity: 'error',
    from: { path: rooms(DOORS), pathNot: TESTS },
    to: { path: '^src/', pathNot: [SAME_ROOM, rooms(PLUMBING, RULES)] },
  },
  {
    name: 'ledger-knows-only-doors-and-rules',
    comment: 'Money is decided below orders, generation and delivery, never by them.',
    severity: 'error',
    from: { path: rooms(LEDGER), pathNot: TESTS },
    to: { path: '^src/', pathNot: [SAME_ROOM, rooms(DOORS, RULES)] },
  },
  {
    name: 'stages-know-the-ledger-and-below',
    comment: 'Order, generation and delivery meet in the ledger, not in each other, and know no process.',
    severity: 'error',
    from: { path: rooms(STAGES), pathNot: TESTS },
    to: { path: '^src/', pathNot: [SAME_ROOM, rooms(LEDGER, DOORS, RULES)] },
  },
  {
    name: 'processes-never-import-each-other',
    comment: 'They talk through PostgreSQL and the API server, so that each can be killed alone.',
    severity: 'error',
    from: { path: rooms(PROCESSES), pathNot: TESTS },
    to: { path: rooms(PROCESSES), pathNot: SAME_ROOM },
  },
  {
    name: 'nobody-imports-an-entry',
    comment: 'Importing an entry starts it.',
    severity: 'error',
    from: {},
    to: { path: '^src/(main|runner)\\.ts$' },
  },
  {
    name: 'runner-stays-small',
    comment: 'The Kubernetes client would triple the memory of a pod that only waits.',
    severity: 'error',
    from: { path: '^src/runner\\.ts$' },
    to: { reachable: true, path: ['^src/(kube|order)/', '(^|/)node_modules/@kubernetes/client-node/'] },
  },
  {
    name: 'one-room-for-metrics',
    comment: 'All metrics stand in one table; a second registry would split them.',
    severity: 'error',
    from: { pathNot: '^src/metrics/' },
    to: { path: '(^|/)node_modules/(prom-client|@prometheus-io/client)/' },
  },
  {
    name: 'src-never-imports-dev-or-test',
    comment: 'What ships must not need the stand-ins.',
    severity: 'error',
    from: { path: '^src/', pathNot: TESTS },
    to: { path: '^(dev|test)/' },
  },
  {
    name: 'every-import-is-found',
    comment: 'An import that does not resolve escapes every rule above.',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
];

/**
 * swc parses `using`, and the visitor it ships (1.16.18), with which dependency-cruiser reads the tree, throws on it. Its
 * initialisers are read like those of any other declaration.
 */
function teachUsing(): void {
  const known = Visitor.prototype.visitStatement;
  Visitor.prototype.visitStatement = function visitStatement(statement) {
    const { type, decls }: { type: string; decls?: Parameters<Visitor['visitVariableDeclarators']>[0] } = statement;
    if (type !== 'UsingDeclaration') return known.call(this, statement);
    this.visitVariableDeclarators(decls ?? []);
    return statement;
  };
}
teachUsing();

/** One import that goes the wrong way. */
export type WrongArrow = { readonly rule: string; readonly from: string; readonly to: string; readonly why: string };

/** What the arrows were found to be: which files were read, and what was wrong. */
export type Arrows = { readonly seen: readonly string[]; readonly wrong: readonly WrongArrow[] };

/**
 * Reads every import under `src/` and holds it against the floors.
 *
 * @param root the checkout, or a copy of its shape with a `src/` in it
 * @throws {Error} when the reader saw no file at all, as it does silently when it cannot parse TypeScript
 */
export async function readArrows(root: string): Promise<Arrows> {
  const { output } = await cruise(['src'], {
    baseDir: root,
    // TypeScript 7 has no API that dependency-cruiser can use; swc reads the syntax, type imports included.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
    validate: true,
    ruleSet: { forbidden: [...ARROWS] },
  });
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text where a result was expected.');
  const seen = output.modules.map((module) => module.source).filter((source) => source.startsWith('src/'));
  if (seen.length === 0) throw new Error(`No import under ${root}/src could be read; is @swc/core installed?`);
  const wrong = output.summary.violations.map((violation) => ({
    rule: violation.rule.name,
    from: violation.from,
    to: violation.to,
    why: ARROWS.find((arrow) => arrow.name === violation.rule.name)?.comment ?? '',
  }));
  return { seen, wrong };
}

/** The source files of the checkout: what is tracked, and what is about to be. */
export function sourceFiles(root: string): string[] {
  return trackedFiles(root, ['src/*.ts']);
}

/** One line per wrong arrow and per file that was not read; empty when all is well. */
export async function wrongArrows(root: string = join(import.meta.dirname, '../..')): Promise<string[]> {
  const { seen, wrong } = await readArrows(root);
  const unseen = sourceFiles(root).filter((file) => !seen.includes(file));
  return [
    ...wrong.map(({ rule, from, to, why }) => `${from} -> ${to}: ${rule}. ${why}`),
    ...unseen.map((file) => `${file}: its imports were not read, so nothing holds them.`),
  ];
}
