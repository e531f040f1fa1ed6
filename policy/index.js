// What the Pulumi CLI starts. It knows TypeScript only through ts-node; the project loads its own by tsx.
require('tsx/cjs');
require('./pack.ts');
