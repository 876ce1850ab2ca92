import type { Atom } from './schedules/atom.ts';
import type { Point } from './schedules/point.ts';
import type { Schedule } from './schedules/schedule.ts';
import { STORIES } from './schedules/stories.ts';
import { WORKLOADS, type Workload } from './schedules/workloads.ts';

/** A schedule made for one row of the crash table. */
export interface RowSchedule {
  readonly row: number;
  readonly schedule: Schedule;
}

function workload(name: string): Workload {
  const found = [...WORKLOADS, ...STORIES].find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no workload "${name}"`);
  return found;
}

type Place = readonly [Point['maker'], Point['boundary'], operation: string];

function point(moment: Point['moment'], [maker, boundary, operation]: Place): Point {
  return { maker, boundary, operation, moment, occurrence: 1 };
}

const killed = (row: number, moment: Point['moment'], place: Place, name = 'happy'): RowSchedule =>
  struck(row, { kind: 'kill', at: point(moment, place) }, name);

const struck = (row: number, atom: Atom, name = 'happy'): RowSchedule => ({
  row,
  schedule: { pattern: 'intermediate', workload: workload(name), atoms: [atom] },
});

const told = (row: number, name: string): RowSchedule => ({
  row,
  schedule: { pattern: 'story', workload: workload(name), atoms: [] },
});

const post: Place = ['bot', 'api', 'POST videojobs'];
const claim: Place = ['controller', 'postgres', 'ledger.claim'];
const firstStatus: Place = ['controller', 'api', 'PATCH videojobs/status'];

/** For the rows that no other test is about (`named-tests.ts`). */
export const ROW_SCHEDULES: readonly RowSchedule[] = [
  killed(1, 'before', ['bot', 'postgres', 'insert bot.inbox']),
  killed(4, 'before', ['bot', 'telegram', 'getUpdates confirm']),
  killed(6, 'before', post),
  killed(7, 'after', post),
  killed(11, 'before', claim),
  killed(12, 'after', claim),
  struck(13, { kind: 'twice', at: point('before', claim), seconds: 0 }),
  killed(14, 'before', ['generate', 'postgres', 'ledger.begin_submit']),
  killed(18, 'before', ['generate', 'postgres', 'ledger.answer_submit']),
  killed(20, 'before', firstStatus),
  killed(24, 'after', ['generate', 'postgres', 'ledger.succeed_attempt']),
  killed(25, 'after', ['controller', 'api', 'POST jobs dlv']),
  killed(26, 'after', ['deliver', 'postgres', 'ledger.begin_edit']),
  killed(28, 'before', ['deliver', 'postgres', 'ledger.shown']),
  killed(30, 'after', ['deliver', 'postgres', 'ledger.record_requests']),
  told(32, 'the Job is gone before anybody saw it end'),
  killed(33, 'after', ['controller', 'postgres', 'ledger.close_order'], 'provider refuses the content'),
  killed(35, 'before', ['bot', 'telegram', 'sendMessage'], 'provider refuses the content'),
  told(36, 'deleted while PostgreSQL is away'),
  struck(40, {
    kind: 'stale',
    since: point('after', firstStatus),
    at: point('after', ['controller', 'api', 'POST jobs dlv']),
    seconds: 4,
  }),
  struck(41, {
    kind: 'swallow',
    at: {
      resource: 'videojobs',
      type: 'ADDED',
      stage: '',
      tells: '',
      occurrence: 1,
    },
  }),
  struck(45, { kind: 'jump', at: point('before', ['generate', 'kie', 'recordInfo']), seconds: 65 }),
];
