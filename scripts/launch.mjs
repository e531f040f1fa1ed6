// First step of every command: runs on whatever Node.js the machine has, brings the exact packages and the exact Node.js of the
// project, then hands over to ops/cli.ts (or to the test runner).
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [command, ...args] = process.argv.slice(2);

installPackages();
const node = projectNode();
// Ctrl-C reaches the command itself too, which takes back what it has begun: the prompt comes after that.
process.on('SIGINT', () => undefined);
const entry = command === 'test' ? ['tests/run.ts'] : ['ops/cli.ts', command];
const child = spawnSync(node, ['--import', 'tsx', ...entry, ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${join(node, '..')}:${process.env.PATH}` },
});
if (child.error) fail(`cannot start ${node}: ${child.error.message}`);
process.exit(child.status ?? (child.signal === 'SIGINT' ? 130 : 1));

/** `npm ci`, unless the installed packages already are those of the lockfile. */
function installPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.lock-sha256');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  process.stderr.write('• installing packages (npm ci)\n');
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (npm.status !== 0)
    fail('npm ci failed; its own words are above. Check the network and run the same command again.');
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(stamp, lock);
}

/** The Node.js that the packages brought; the machine's own where it is new enough. */
function projectNode() {
  const arch = { x64: 'x64', arm64: 'arm64' }[process.arch];
  const shipped = join(root, 'node_modules', `node-linux-${arch}`, 'bin', 'node');
  if (existsSync(shipped)) return shipped;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return fail(
    `Node.js 24 is needed and none was installed for ${process.platform}-${process.arch}; install Node.js 24.`,
  );
}

function fail(message) {
  process.stderr.write(`✖ INSTALL ${message}\n`);
  process.exit(1);
}
