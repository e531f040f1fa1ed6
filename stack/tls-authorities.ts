import { X509Certificate } from 'node:crypto';
import { z } from 'zod';

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g;

/** What keeps a text from being a bundle of authorities, or null. */
function mistake(text: string): string | null {
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.some(([, kind]) => kind !== 'CERTIFICATE')) return 'expected certificates alone: this key is no secret';
  if (blocks.length === 0) return 'expected certificates in PEM form (-----BEGIN CERTIFICATE-----)';
  for (const [n, [pem]] of blocks.entries()) {
    const name = `certificate ${String(n + 1)} of ${String(blocks.length)}`;
    const certificate = parsed(pem);
    if (!certificate) return `${name} cannot be read`;
    if (!certificate.ca) return `${name} (${certificate.subject}) is not that of an authority`;
  }
  return null;
}

function parsed(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

/** Authorities of a company's own, as a key of the stack file. */
export const tlsAuthorities = z
  .string()
  .superRefine((text, context) => {
    const message = text === '' ? null : mistake(text);
    if (message !== null) context.addIssue({ code: 'custom', message });
  })
  .default('')
  .transform((text) => (text === '' ? undefined : text))
  .describe(
    'PEM certificates of the authorities that `external` engines are verified with, instead of the well-known ones; several stand one after the other. Empty: the well-known ones.',
  );
