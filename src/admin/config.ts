import { z } from 'zod';
import { databaseUrl, text } from '../config/pieces.ts';

/** Settings of `neurocards admin`. The API server is only asked for the VideoJob, and only where KUBECONFIG or a pod gives one. */
export const adminEnvironment = z.object({
  NEUROCARDS_DATABASE_URL: databaseUrl('a PostgreSQL URL of the role admin'),
  NEUROCARDS_NAMESPACE: text('the namespace of the VideoJobs').optional(),
});
