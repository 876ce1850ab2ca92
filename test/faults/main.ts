// npm run faults: what a person runs before a release, beside the part of it that is in npm test.
import { runMutants } from './mutants/run.ts';
import { HELP, parseFaultsOptions } from './options.ts';

async function main(args: readonly string[]): Promise<number> {
  const options = parseFaultsOptions(args);
  if (options.mode === 'help') {
    console.log(HELP);
    return 0;
  }
  return (await runMutants(options)).green ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
