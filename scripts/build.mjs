/**
 * Builds what is installed: the bundles, the release archive of the gateway, the Node runtime that goes with it, and the build
 * context of the runtime image.
 *
 * Promised: the same sources give the same bytes on every run, wherever the checkout lies; the production bundle
 *   holds nothing of the simulator; every file is replaced whole, so that a run cut off leaves no half file.
 * Not promised: the same bytes from another version of esbuild or Node.
 * On failure: an exception; dist/manifest.json is then absent, so that nobody takes the rest for finished.
 */
import { build as bundle } from 'esbuild';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { statusPage } from './status-page.mjs';
import { tarGz } from './tar.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Bundles by entry point. Only the second one may hold the simulator. */
const BUNDLES = { 'telegram.cjs': 'runtime/main.ts', 'simulator.cjs': 'runtime/simulator-main.ts' };
/** What decides the result beside the sources: the build itself, its packages, and the runtime image. */
const BUILD_FILES = [
  'scripts/build.mjs',
  'scripts/tar.mjs',
  'package-lock.json',
  ...readdirSync(join(ROOT, 'images', 'runtime')).map((name) => `images/runtime/${name}`),
];
const SIMULATOR_FOLDER = 'runtime/simulator/';

/** Makes everything below `outdir` and returns the manifest that it also writes there. */
export async function build({ root = ROOT, outdir = join(root, 'dist') } = {}) {
  const manifestPath = join(outdir, 'manifest.json');
  const fresh = freshManifest(root, manifestPath);
  if (fresh) return fresh;
  rmSync(manifestPath, { force: true });
  const made = Object.fromEntries(
    await Promise.all(Object.entries(BUNDLES).map(async ([name, entry]) => [name, await makeBundle(root, entry)])),
  );
  refuseSimulator(made['telegram.cjs'].inputs);
  const bundles = Object.fromEntries(Object.entries(made).map(([name, { text }]) => [name, text]));
  for (const [name, text] of Object.entries(bundles)) put(join(outdir, name), text);
  const page = await statusPage(root);
  put(join(outdir, 'status.html'), page.text);
  const sql = sqlFiles(root);
  for (const { name, data } of sql) put(join(outdir, 'sql', name), data);

  const runtime = findNode(root);
  const release = makeRelease(root, outdir, runtime.version, bundles['telegram.cjs'], sql);
  const node = makeNodeArchive(outdir, runtime);
  makeImageContext(root, outdir, runtime.binary, { ...bundles, 'status.html': page.text }, sql);

  const manifest = {
    hash: release.hash,
    bundle: 'telegram.cjs',
    release: release.archive,
    node,
    sizes: { ...sizesOf(bundles), [release.archive]: release.bytes },
    sha256: Object.fromEntries(Object.entries(bundles).map(([name, text]) => [name, sha256(text)])),
    inputs: inputsHash(root, [
      ...new Set([...Object.values(made), page].flatMap(({ inputs }) => inputs)),
      ...sql.map(({ name }) => `sql/${name}`),
    ]),
  };
  put(manifestPath, Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  return manifest;
}

/** The last build's manifest, if nothing that went into it has changed since. */
function freshManifest(root, path) {
  try {
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    const sql = sqlFiles(root).map(({ name }) => `sql/${name}`);
    const known = new Set(manifest.inputs.files);
    const same = inputsHash(root, manifest.inputs.files).sha256 === manifest.inputs.sha256;
    return same && sql.every((name) => known.has(name)) ? manifest : null;
  } catch {
    // No manifest, or a file of it is gone.
    return null;
  }
}

/** One CommonJS file. Its comments and module keys name paths relative to the root, never where the root lies. */
async function makeBundle(root, entry) {
  const result = await bundle({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    sourcemap: false,
    legalComments: 'none',
    preserveSymlinks: true,
    logLevel: 'warning',
    // Optional and native: `pg` does without. All else is inside: where a bundle runs there are no node_modules.
    external: ['pg-native'],
  });
  return { text: Buffer.from(result.outputFiles[0].contents), inputs: Object.keys(result.metafile.inputs).sort() };
}

/** The simulator answers to any credentials: a production process must not even carry it. */
function refuseSimulator(inputs) {
  const found = inputs.filter((path) => path.startsWith(SIMULATOR_FOLDER));
  if (found.length > 0) throw new Error(`the production bundle contains the simulator: ${found.join(', ')}`);
}

function sqlFiles(root) {
  const folder = join(root, 'sql');
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name) => ({ name, data: readFileSync(join(folder, name)) }));
}

/** The `node` binary that the package manager installed for this machine's architecture. */
function findNode(root) {
  const folder = join(root, 'node_modules', `node-linux-${process.arch}`);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return { version, arch: process.arch, binary: join(folder, 'bin', 'node') };
}

/** What a gateway host unpacks into `releases/<hash>`. The hash covers every byte of it. */
function makeRelease(root, outdir, node, bundleText, sql) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const files = [
    ...sql.map(({ name, data }) => ({ path: `sql/${name}`, mode: 0o644, data })),
    { path: 'telegram.cjs', mode: 0o644, data: bundleText },
    { path: 'version.json', mode: 0o644, data: Buffer.from(`${JSON.stringify({ version, node })}\n`) },
  ];
  const hash = createHash('sha256');
  for (const { path, data } of files) hash.update(`${path}\0${String(data.length)}\0`).update(data);
  const short = hash.digest('hex').slice(0, 12);
  const archive = `release/telegram-gateway-${short}.tar.gz`;
  const bytes = tarGz(files, 9);
  put(join(outdir, archive), bytes);
  prune(join(outdir, 'release'), /^telegram-gateway-.*\.tar\.gz$/, archive);
  return { hash: short, archive, bytes: bytes.length };
}

/** Made once a version: compressing 120 MB takes seconds. A file beside it tells which binary is inside. */
function makeNodeArchive(outdir, { version, arch, binary }) {
  const archive = `release/node-${version}-linux-${arch}.tar.gz`;
  const path = join(outdir, archive);
  const data = readFileSync(binary);
  const source = sha256(data);
  if (readOr(`${path}.source`) !== source || !statSync(path, { throwIfNoEntry: false })) {
    rmSync(`${path}.source`, { force: true });
    put(path, tarGz([{ path: 'node', mode: 0o755, data }], 3));
    put(`${path}.source`, Buffer.from(source));
  }
  return { version, arch, archive, sha256: source };
}

/** Everything that images/runtime/Dockerfile copies, beside it. */
function makeImageContext(root, outdir, nodeBinary, texts, sql) {
  const context = join(outdir, 'image');
  const source = join(root, 'images', 'runtime');
  for (const name of readdirSync(source))
    put(join(context, name), readFileSync(join(source, name)), modeOf(join(source, name)));
  for (const [name, text] of Object.entries(texts)) put(join(context, name), text);
  rmSync(join(context, 'sql'), { recursive: true, force: true });
  for (const { name, data } of sql) put(join(context, 'sql', name), data);
  const target = join(context, 'node');
  if (statSync(target, { throwIfNoEntry: false })?.ino === statSync(nodeBinary).ino) return;
  rmSync(target, { force: true });
  try {
    linkSync(nodeBinary, target);
  } catch {
    copyFileSync(nodeBinary, target);
  }
}

/** Hash of the project's own sources that went in: who finds another one has a stale build in front of them. */
function inputsHash(root, paths) {
  const own = paths.filter((path) => !path.includes('node_modules')).sort();
  const hash = createHash('sha256');
  for (const path of own) hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  return { files: own, sha256: hash.digest('hex') };
}

/** Whole or not at all; an equal file is left alone, with its time. */
function put(path, data, mode = 0o644) {
  const old = statSync(path, { throwIfNoEntry: false });
  if (old?.size === data.length && (old.mode & 0o777) === mode && readFileSync(path).equals(data)) return;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${String(process.pid)}.new`;
  writeFileSync(temporary, data, { mode });
  renameSync(temporary, path);
}

function prune(folder, pattern, keep) {
  for (const name of readdirSync(folder)) if (pattern.test(name) && !keep.endsWith(name)) rmSync(join(folder, name));
}

const modeOf = (path) => statSync(path).mode & 0o755;
const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const sizesOf = (bundles) => Object.fromEntries(Object.entries(bundles).map(([name, text]) => [name, text.length]));

function readOr(path) {
  return statSync(path, { throwIfNoEntry: false }) ? readFileSync(path, 'utf8') : '';
}

/** `--outdir <folder>`; the manifest goes to stdout, everything for people to stderr. */
async function main(argv) {
  const at = argv.indexOf('--outdir');
  const outdir = at === -1 ? undefined : resolve(argv[at + 1] ?? 'dist');
  const startedAt = performance.now();
  const manifest = await build(outdir === undefined ? {} : { outdir });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  for (const [name, bytes] of Object.entries(manifest.sizes))
    console.error(`${(bytes / 1e6).toFixed(2).padStart(7)} MB  ${name}  ${manifest.sha256[name] ?? ''}`);
  console.error(`release ${manifest.hash}, node ${manifest.node.version}, ${seconds} s`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href)
  await main(process.argv.slice(2));
