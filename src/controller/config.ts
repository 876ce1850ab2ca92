import { z } from 'zod';
import { databaseUrl, httpAddress, httpUrl, integer, logLevel, secret, text } from '../config/pieces.ts';

/** Settings of `neurocards controller`. The API server comes from KUBECONFIG or the pod's service account. */
export const controllerEnvironment = z.object({
  NEUROCARDS_DATABASE_URL: databaseUrl(),
  NEUROCARDS_NAMESPACE: text('the namespace of the VideoJobs'),
  NEUROCARDS_OWN_NAMESPACE: text("the controller's own namespace, for its lease and its restore mark").optional(),
  NEUROCARDS_POD_TEMPLATES: text('the path of the JSON file with the pod templates of the runner'),
  NEUROCARDS_STORAGE_DIRECTORY: text('the directory where the photo and video volume is mounted'),
  NEUROCARDS_HTTP_ADDRESS: httpAddress().default({ host: '0.0.0.0', port: 8080 }),
  NEUROCARDS_MAC_KEY: secret(
    'the key that signs orders, the same as the bot has: it tells a forgotten order from a foreign one',
  ),
  NEUROCARDS_KIE_API_KEY: secret('the API key of KIE.ai, to follow abandoned tasks'),
  NEUROCARDS_KIE_BASE_URL: httpUrl().default('https://api.kie.ai'),
  NEUROCARDS_KIE_UPLOAD_URL: httpUrl().default('https://kieai.redpandaai.co'),
  NEUROCARDS_PUBLIC_URL: httpUrl('the public https URL of the bot, to prove callbacks of the provider').optional(),
  NEUROCARDS_WORKERS: integer(1, 64, 'how many VideoJobs are reconciled at the same time, 1 to 64').default(8),
  NEUROCARDS_LOG_LEVEL: logLevel().default('info'),
});
export type ControllerEnvironment = z.infer<typeof controllerEnvironment>;
