import fc from 'fast-check';
import { z } from 'zod';

// One seed for the whole run, printed by the test command, so that a red property can be run again exactly as it was.
const seed = z.coerce.number().int().optional().parse(process.env['NEUROCARDS_TEST_SEED']);
if (seed !== undefined) fc.configureGlobal({ seed });
