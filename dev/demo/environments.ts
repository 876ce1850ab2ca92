import type { DemoPorts } from './ports.ts';
import type { Secrets } from './secrets.ts';

export interface Places {
  /** Each process has a user of its own, with the rights that the chart gives it. */
  kubeconfigs: { bot: string; controller: string };
  storage: string;
  podTemplates: string;
  databaseUrl(role: string): string;
}

export interface Environments {
  bot: Record<string, string>;
  controller: Record<string, string>;
  standIns: Record<string, string>;
  generate: Record<string, string>;
  deliver: Record<string, string>;
}

/** What every process is told. Nothing is inherited from whoever starts the demo, so that it runs the same everywhere. */
export function environmentsOf(
  ports: DemoPorts,
  secrets: Secrets,
  places: Places,
  namespaces: { jobs: string; own: string },
): Environments {
  const telegram = `http://127.0.0.1:${ports.telegram}`;
  const kie = `http://127.0.0.1:${ports.kie}`;
  const callbacks = `http://127.0.0.1:${ports.bot}`;
  const provider = {
    NEUROCARDS_KIE_API_KEY: secrets.kieApiKey,
    NEUROCARDS_KIE_BASE_URL: kie,
    NEUROCARDS_KIE_UPLOAD_URL: kie,
  };
  return {
    standIns: {
      NEUROCARDS_TELEGRAM_BOT_TOKEN: secrets.telegramBotToken,
      NEUROCARDS_KIE_API_KEY: secrets.kieApiKey,
      NEUROCARDS_PROMPTER_API_KEY: secrets.prompterApiKey,
    },
    bot: {
      KUBECONFIG: places.kubeconfigs.bot,
      NEUROCARDS_DATABASE_URL: places.databaseUrl('bot'),
      NEUROCARDS_TELEGRAM_BOT_TOKEN: secrets.telegramBotToken,
      NEUROCARDS_TELEGRAM_API_ROOT: telegram,
      NEUROCARDS_STORAGE_DIRECTORY: places.storage,
      NEUROCARDS_NAMESPACE: namespaces.jobs,
      NEUROCARDS_MAC_KEY: secrets.macKey,
      NEUROCARDS_IDENTITY_PEPPER: secrets.identityPepper,
      NEUROCARDS_HTTP_ADDRESS: `127.0.0.1:${ports.bot}`,
      NEUROCARDS_SUPPORT_CONTACT: '@neurocards_support',
      NEUROCARDS_PUBLIC_URL: callbacks,
    },
    controller: {
      KUBECONFIG: places.kubeconfigs.controller,
      NEUROCARDS_DATABASE_URL: places.databaseUrl('controller'),
      NEUROCARDS_NAMESPACE: namespaces.jobs,
      NEUROCARDS_OWN_NAMESPACE: namespaces.own,
      NEUROCARDS_MAC_KEY: secrets.macKey,
      NEUROCARDS_POD_TEMPLATES: places.podTemplates,
      NEUROCARDS_STORAGE_DIRECTORY: places.storage,
      NEUROCARDS_HTTP_ADDRESS: `127.0.0.1:${ports.controller}`,
      NEUROCARDS_PUBLIC_URL: callbacks,
      ...provider,
    },
    generate: {
      NEUROCARDS_DATABASE_URL: places.databaseUrl('runner'),
      NEUROCARDS_PROMPTER_BASE_URL: `http://127.0.0.1:${ports.completions}`,
      NEUROCARDS_PROMPTER_API_KEY: secrets.prompterApiKey,
      NEUROCARDS_PUBLIC_URL: callbacks,
      ...provider,
    },
    deliver: {
      NEUROCARDS_DATABASE_URL: places.databaseUrl('runner'),
      NEUROCARDS_TELEGRAM_BOT_TOKEN: secrets.telegramBotToken,
      NEUROCARDS_TELEGRAM_API_ROOT: telegram,
    },
  };
}
