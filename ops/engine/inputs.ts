import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import * as pulumi from '@pulumi/pulumi';
import { StepError } from './errors.js';
import { digestPath } from './hash.js';

/** Marks secrets (and, over the wire, assets) in what the mocks interface hands over. */
const SIGNATURE = '4dabf18193072939515e22adb298388d';
const SECRET = '1b47061264138c4ac30d75fd1eb44270';

export type Values = Readonly<Record<string, unknown>>;

/** A file, folder or text that the program passes along; the content's hash stands for it in the input hash. */
export interface AssetValue {
  readonly $asset: 'file' | 'archive' | 'text';
  readonly path?: string;
  readonly text?: string;
  readonly sha256: string;
}

export interface Revealed {
  /** Plain values, secrets among them. */
  readonly values: Values;
  /** Top-level keys under which something secret stands. */
  readonly secretKeys: readonly string[];
}

/** Unwraps secrets and assets at any depth and drops what was not set. */
export async function reveal(inputs: Values): Promise<Revealed> {
  const values: Record<string, unknown> = {};
  const secretKeys: string[] = [];
  for (const [key, raw] of Object.entries(inputs)) {
    const found = { secret: false };
    const value = await plain(raw, key, found);
    if (value === undefined || value === null) continue;
    values[key] = value;
    if (found.secret) secretKeys.push(key);
  }
  return { values, secretKeys };
}

async function plain(value: unknown, path: string, found: { secret: boolean }): Promise<unknown> {
  if (Array.isArray(value)) {
    return Promise.all(value.map((inner, index) => plain(inner, `${path}[${String(index)}]`, found)));
  }
  if (typeof value !== 'object' || value === null) return value;
  if (pulumi.asset.Asset.isInstance(value) || pulumi.asset.Archive.isInstance(value)) return describeAsset(value, path);
  if (pulumi.Resource.isInstance(value)) {
    throw new StepError(`${path}: a whole resource as input; pass its id`, [], 'ENGINE_UNSUPPORTED');
  }
  const fields = value as Values;
  if (fields[SIGNATURE] === SECRET) {
    found.secret = true;
    return plain(fields['value'], path, found);
  }
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(fields)) {
    const revealed = await plain(inner, `${path}.${key}`, found);
    if (revealed !== undefined && revealed !== null) result[key] = revealed;
  }
  return result;
}

async function describeAsset(asset: object, path: string): Promise<AssetValue> {
  const fields = asset as { readonly path?: Promise<string>; readonly text?: Promise<string> };
  if (fields.path !== undefined) {
    const file = await fields.path;
    await access(file).catch(() => {
      throw new StepError(`${path}: ${file} cannot be read`);
    });
    return {
      $asset: pulumi.asset.Archive.isInstance(asset) ? 'archive' : 'file',
      path: file,
      sha256: await digestPath(file),
    };
  }
  if (fields.text !== undefined) {
    const text = await fields.text;
    return { $asset: 'text', text, sha256: createHash('sha256').update(text).digest('hex') };
  }
  throw new StepError(`${path}: only assets from a path or a text, and archives from a path`, [], 'ENGINE_UNSUPPORTED');
}
