import { Redis } from 'ioredis';
import { createApi } from '../../runtime/api/server.js';
import { createLogger } from '../../runtime/logger.js';

/** `docs/openapi.json`: what the API says of itself, asked of one that has nothing behind it. */
export async function openApiDocument(): Promise<string> {
  const redis = new Redis({ lazyConnect: true });
  const app = await createApi({
    database: { run: () => Promise.reject(new Error('there is no database')) },
    cache: { redis },
    credentials: { current: {} },
    logger: createLogger('generate', 'silent'),
    rateLimit: 1,
    board: { view: () => ({ at: 0, parts: [], history: [] }) },
    page: '',
  });
  await app.ready();
  const document = app.swagger();
  await app.close();
  redis.disconnect();
  return `${JSON.stringify(document, null, 2)}\n`;
}
