/** Migrated once per run; every test's database is a copy of it. */
export const TEMPLATE_DATABASE = 'neurocards_template';
