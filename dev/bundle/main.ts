// Writes the bundles that the image holds into dist/. See --help.
import { buildBundles } from './bundle.ts';

const HELP = `npm run build    writes dist/main.mjs, dist/runner.mjs, dist/photo-child.mjs and the SQL they need
`;

if (process.argv.includes('--help') || process.argv.includes('-h')) console.log(HELP);
else for (const { file, bytes } of await buildBundles()) console.log(`${file}  ${Math.round(bytes / 1024)} KiB`);
