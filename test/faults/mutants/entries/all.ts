import type { SourceMutant } from '../source-mutant.ts';
import { botMutants } from './bot.ts';
import { controllerMutants } from './controller.ts';
import { deliveryMutants } from './delivery.ts';
import { generationMutants } from './generation.ts';
import { paymentMutants } from './payments.ts';
import { peopleMutants } from './people.ts';
import { sqlMutants } from './sql.ts';

/** Every mistake written down by hand. */
export const sourceMutants: readonly SourceMutant[] = [
  ...generationMutants,
  ...deliveryMutants,
  ...controllerMutants,
  ...botMutants,
  ...paymentMutants,
  ...peopleMutants,
  ...sqlMutants,
];
