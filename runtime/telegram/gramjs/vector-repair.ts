import { BinaryReader } from 'telegram/extensions/index.js';
import { tlobjects } from 'telegram/tl/AllTLObjects.js';

/**
 * Correction of a defect of GramJS by which one unreadable object spoils its neighbours for good: while the library reads
 * a vector, it clears `isVector` in the table of the class that the vector is a field of, and an exception in between
 * leaves it so. From then on every object of that class is read and written wrongly, in the whole process: after one
 * unknown update no `Updates` can be encoded any more, after one unknown entity no `Message` with entities.
 *
 * Promised: whatever a read ends with, the tables are as they were. Not promised: the object that could not be read.
 */
interface Field {
  isVector: boolean;
}

interface KnownClass {
  readonly prototype: { validate?(): void };
}

let vectors: readonly Field[] | undefined;

/**
 * Every vector field there is. The tables are private to the library's classes; the one way to them is that each class
 * asks its own table `hasOwnProperty`, so that method lends a hand, once, without anything else running meanwhile.
 */
function findVectors(): Field[] {
  const tables = new Set<object>();
  const own = Object.getOwnPropertyDescriptor(Object.prototype, 'hasOwnProperty');
  if (!own) throw new Error('Object.prototype has no hasOwnProperty');
  const collect = function (this: object): boolean {
    tables.add(this);
    return false;
  };
  Object.defineProperty(Object.prototype, 'hasOwnProperty', { ...own, value: collect });
  try {
    for (const { prototype } of Object.values(tlobjects as Record<string, KnownClass>)) prototype.validate?.();
  } finally {
    Object.defineProperty(Object.prototype, 'hasOwnProperty', own);
  }
  return [...tables].flatMap((table) => Object.values(table) as Field[]).filter((field) => field.isVector);
}

const original = Reflect.get(BinaryReader.prototype, 'tgReadObject');

/** The class is shared by every client of the process, so this is done once, when this module is loaded. */
BinaryReader.prototype.tgReadObject = function (this: BinaryReader): unknown {
  // Before anything was read, all tables are right.
  vectors ??= findVectors();
  try {
    return original.call(this) as unknown;
  } catch (error) {
    for (const field of vectors) field.isVector = true;
    throw error;
  }
};
