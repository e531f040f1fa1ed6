import { z } from 'zod';

/** A port of the Docker host, or of an engine. */
export const port = (fallback: number, what: string) => z.int().min(1).max(65_535).default(fallback).describe(what);
/** A container's share. */
export const cpus = (fallback: number) =>
  z.number().min(0.05).default(fallback).describe('CPU limit, in cores. A change replaces the container.');
export const memoryMb = (fallback: number, change = 'A change replaces the container.') =>
  z.int().min(16).default(fallback).describe(`Memory limit in MiB, swap included. ${change}`);
export const IN_PLACE = 'Changed in place.';
/** Given by `pulumi config set --secret`. */
export const secretText = z.string().min(1);
