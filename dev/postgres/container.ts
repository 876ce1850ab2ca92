import { PostgreSqlContainer } from '@testcontainers/postgresql';
import { getContainerRuntimeClient } from 'testcontainers';
import { DevEnvironmentError } from '../errors.ts';
import { databasesOf, run } from './databases.ts';
import type { PostgresOptions, PostgresServer } from './server.ts';

/**
 * The second lane: `postgres:18-alpine` in a container, for machines with Docker. Same interface, but data do not
 * survive `close()`, and `pid` is the server's on the Docker host.
 * @throws DevEnvironmentError `ProgramsUnavailable` when there is no engine or no image.
 */
export async function startPostgresContainer(options: PostgresOptions): Promise<PostgresServer> {
  const password = 'postgres';
  const recipe = new PostgreSqlContainer('postgres:18-alpine')
    .withUsername('postgres')
    .withPassword(password)
    .withDatabase('postgres')
    .withCommand([
      'postgres',
      '-c',
      'max_connections=200',
      '-c',
      'timezone=UTC',
      ...(options.ephemeral ? ['-c', 'fsync=off'] : []),
    ]);
  const container = await (options.port === undefined
    ? recipe
    : recipe.withExposedPorts({ container: 5432, host: options.port })
  )
    .start()
    .catch((error: unknown) => {
      throw new DevEnvironmentError(
        'ProgramsUnavailable',
        'PostgreSQL could not be started in a container: see that Docker runs and can get postgres:18-alpine, or unset NEUROCARDS_POSTGRES.',
        { cause: error },
      );
    });
  const host = container.getHost();
  const port = container.getPort();
  const urlFor = (database: string, user = 'postgres') =>
    `postgres://${encodeURIComponent(user)}:${password}@${host}:${port}/${encodeURIComponent(database)}`;
  const ownerUrl = urlFor('postgres');
  // Trust, as in the other lane: roles made later have no password.
  await run(
    ownerUrl,
    `do $$ begin execute format('copy (values (''local all all trust''), (''host all all all trust'')) to %L', current_setting('hba_file')); end $$`,
    'select pg_reload_conf()',
  );
  const runtime = await getContainerRuntimeClient();
  const { State } = await runtime.container.inspect(runtime.container.getById(container.getId()));
  const close = async () => void (await container.stop());
  options.signal?.addEventListener('abort', () => void close(), { once: true });
  return { host, port, ownerUrl, urlFor, pid: State.Pid, close, ...databasesOf(ownerUrl) };
}
