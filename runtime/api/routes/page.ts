import { createHash } from 'node:crypto';
import type { ApiInstance, ApiParts } from '../server.js';

/** The status page: one document that loads nothing but `/v1/status`, which its policy holds it to. */
export function pageRoute(app: ApiInstance, { page }: ApiParts): void {
  const scripts = [...page.matchAll(/<script>([^]*?)<\/script>/g)].map(
    ([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  );
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.join(' ')}`,
    "style-src 'unsafe-inline'",
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  app.get('/', { schema: { hide: true } }, (_request, reply) =>
    reply
      .headers({ 'content-security-policy': policy, 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' })
      .type('text/html; charset=utf-8')
      .send(page),
  );
}
