import { describe, expect, it } from 'vitest';
import { JOBS, type Job } from '../kube/resources.ts';
import { childLabels } from '../videojob/names.ts';
import { secondsFromNow, uid } from './decide.fixtures.ts';
import { observeJob } from './job.ts';
import { watchTerminatingJobs } from './terminating.ts';

function aJob(status: object = {}, metadata: object = {}): Job {
  return JOBS.parse({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: 'vj-abcdefghijkl-gen-1',
      namespace: 'jobs',
      uid: 'job-1',
      resourceVersion: '1',
      labels: childLabels('abcdefghijkl', 'generate', 1),
      ownerReferences: [{ apiVersion: 'neurocards.io/v1alpha1', kind: 'VideoJob', name: 'vj-abcdefghijkl', uid }],
      ...metadata,
    },
    spec: {},
    status,
  });
}

const condition = (type: string) => ({ conditions: [{ type, status: 'True' }] });

describe('a Job', () => {
  it.each([
    ['Complete', 'succeeded'],
    ['SuccessCriteriaMet', 'succeeded'],
    ['Failed', 'failed'],
    ['FailureTarget', 'failed'],
    ['Suspended', null],
  ])('with %s has ended as %s', (type, ended) => {
    expect(observeJob(aJob(condition(type)), uid, null)?.ended).toBe(ended);
  });

  it('of another owner is not ours', () => {
    expect(observeJob(aJob(), uid, null)?.ours).toBe(true);
    expect(observeJob(aJob(), 'another-uid', null)?.ours).toBe(false);
  });

  it('of a name that we would not give is none of our children, whatever its labels say', () => {
    expect(observeJob(aJob({}, { name: 'somebodys-job' }), uid, null)).toBeNull();
    expect(observeJob(aJob({}, { labels: {} }), uid, null)).toBeNull();
  });

  it('found under the name of an execution stands for it, without labels too', () => {
    const found = observeJob(aJob({}, { labels: {} }), uid, null, { stage: 'generation', execution: 1 });
    expect(found).toMatchObject({ stage: 'generation', execution: 1 });
  });
});

describe('a Job whose last pod terminates', () => {
  const terminating = aJob({ terminating: 1, active: 0, startTime: '2020-01-01T00:00:00Z' });

  it('does so since it was first seen, not since it started', () => {
    const jobs = watchTerminatingJobs();
    expect(jobs.since(terminating, secondsFromNow(0))).toEqual(secondsFromNow(0));
    expect(jobs.since(terminating, secondsFromNow(59))).toEqual(secondsFromNow(0));
  });

  it('begins anew after a pod was active again', () => {
    const jobs = watchTerminatingJobs();
    jobs.since(terminating, secondsFromNow(0));
    expect(jobs.since(aJob({ terminating: 1, active: 1 }), secondsFromNow(10))).toBeNull();
    expect(jobs.since(terminating, secondsFromNow(20))).toEqual(secondsFromNow(20));
  });
});
