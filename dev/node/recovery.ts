import { setTimeout as pause } from 'node:timers/promises';
import { lives } from '../process-record.ts';
import type { NodeDirectory } from './directory.ts';
import { processesOfPods, signalGroup } from './process.ts';
import type { PodRecord, RecordedEnd, Records } from './records.ts';

/**
 * Makes the machine look as after a reboot: ends every container that an earlier life of this node left running, and
 * gives each of its Pods an end. Ends that were recorded but not reported are kept as they are.
 * @returns the ends to report, by the Pod's UID. Talks to nobody outside this machine.
 */
export async function recover(
  directory: NodeDirectory,
  records: Records,
  log: (message: string) => void,
): Promise<Map<string, RecordedEnd>> {
  const known = records.all((file) => log(`record ${file} was unreadable and is removed`));
  for (const { process: left, end, pod } of known.values()) {
    // Where the machine does not tell start times, the number may be somebody else's by now.
    if (end || !left || left.started === 'unknown' || !lives(left)) continue;
    log(`${pod}: ends process ${left.pid}, left by an earlier life of this node`);
    signalGroup(left.pid, 'SIGKILL');
  }
  await killLeftovers(directory);
  const ends = new Map<string, RecordedEnd>();
  for (const [uid, record] of known) {
    const end = record.end ?? rebooted(record);
    records.write({ ...record, end });
    ends.set(uid, end);
  }
  return ends;
}

/** The end of a Pod whose container was lost with its node. */
export function rebooted({ startTime, startedAt }: Pick<PodRecord, 'startTime'> & { startedAt?: Date }): RecordedEnd {
  const message = 'The node was restarted while the container ran.';
  return {
    startTime,
    container: {
      kind: 'terminated',
      exitCode: 137,
      reason: 'ContainerStatusUnknown',
      message,
      startedAt,
      finishedAt: startedAt && new Date(),
    },
    verdict: { reason: 'NodeRebooted', message },
  };
}

async function killLeftovers({ pods }: NodeDirectory): Promise<void> {
  const deadline = Date.now() + 5_000;
  for (let left = processesOfPods(pods); left.length > 0; left = processesOfPods(pods)) {
    if (Date.now() > deadline) throw new Error(`processes ${left.join(', ')} of an earlier node do not end`);
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone between the look and the signal, which is what we wanted.
      }
    }
    await pause(10);
  }
}
