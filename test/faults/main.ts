// npm run faults: what a person runs before a release, beside the part of it that is in npm test.
import { runMutants } from './mutants/run.ts';
import { HELP, parseFaultsOptions } from './options.ts';
import { runSchedules } from './schedules/run.ts';
import { STORIES } from './schedules/stories.ts';
import { WORKLOADS, type Workload } from './schedules/workloads.ts';

async function main(args: readonly string[]): Promise<number> {
  const options = parseFaultsOptions(args);
  switch (options.mode) {
    case 'help':
      console.log(HELP);
      return 0;
    case 'mutants':
      return (await runMutants(options)).green ? 0 : 1;
    case 'schedules': {
      console.log(`Schedules are drawn with --seed ${options.seed}.`);
      const stopping = new AbortController();
      process.once('SIGINT', () => {
        console.log('Nothing more is begun; what was played is told when it is over.');
        stopping.abort();
      });
      const print = (line: string): void => console.log(line);
      const isAbout = ({ name }: Workload): boolean => name.includes(options.about ?? '');
      const { complaints, summary } = await runSchedules({
        ...options,
        workloads: WORKLOADS.filter(isAbout),
        stories: STORIES.filter(isAbout),
        print,
        signal: stopping.signal,
      });
      if (stopping.signal.aborted) complaints.push(`interrupted after ${summary.schedules} schedules`);
      for (const complaint of complaints) console.error(complaint);
      return complaints.length === 0 ? 0 : 1;
    }
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
