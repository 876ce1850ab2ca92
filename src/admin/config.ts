import { z } from 'zod';
import { databaseUrl, secret, text } from '../config/pieces.ts';

/** Settings of `neurocards admin`. The API server is asked where KUBECONFIG or a pod gives one. */
export const adminEnvironment = z.object({
  NEUROCARDS_DATABASE_URL: databaseUrl('a PostgreSQL URL of the role admin'),
  NEUROCARDS_NAMESPACE: text('the namespace of the VideoJobs').optional(),
  NEUROCARDS_OWN_NAMESPACE: text("the controller's own namespace, with its lease and its restore mark").optional(),
  NEUROCARDS_MAC_KEY: secret('the key that signs orders, to tell a forgotten order from a foreign object').optional(),
  NEUROCARDS_ACTOR: text('who acts, for the audit rows; --actor says it for one command').optional(),
});
export type AdminEnvironment = z.infer<typeof adminEnvironment>;
