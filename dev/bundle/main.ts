// Writes the bundles that the image holds into dist/. See --help.
import { parseArgs } from 'node:util';
import { buildBundles } from './bundle.ts';

const HELP = `npm run build                writes dist/main.mjs, dist/runner.mjs, dist/photo-child.mjs and the SQL they read
npm run build -- --native    and dist/node_modules with what cannot be bundled, so that dist runs anywhere
  --directory DIR            writes into that directory instead
`;

const { values } = parseArgs({
  options: { help: { type: 'boolean', short: 'h' }, native: { type: 'boolean' }, directory: { type: 'string' } },
});
if (values.help === true) console.log(HELP);
else {
  for (const { file, bytes } of await buildBundles({
    native: values.native === true,
    ...(values.directory === undefined ? {} : { directory: values.directory }),
  })) {
    console.log(`${file.padEnd(44)} ${Math.ceil(bytes / 1024)} KiB`);
  }
}
