// Writes the generated files of the repository, or says which are not up to date.
import { join } from 'node:path';
import { GENERATORS, outdatedFiles, writeFiles } from './generators.ts';

const ROOT = join(import.meta.dirname, '../..');

const HELP = `npm run generate               writes every generated file
npm run generate -- --check    writes nothing, exits 1 when one is not up to date

Generated files:
${GENERATORS.map((generator) => `  ${generator.file}`).join('\n')}
`;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(HELP);
    return 0;
  }
  if (args.includes('--check')) {
    const outdated = await outdatedFiles(ROOT);
    for (const line of outdated) console.error(line);
    return outdated.length === 0 ? 0 : 1;
  }
  const written = await writeFiles(ROOT);
  console.log(
    written.length === 0 ? 'Every generated file is up to date.' : written.map((file) => `wrote ${file}`).join('\n'),
  );
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
