import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = 'runtime/api/page';
/** What decides the result beside the script and what it imports. */
export const PAGE_FILES = [`${FOLDER}/page.html`, `${FOLDER}/page.css`, 'scripts/status-page.mjs'];

/** The status page of the API as one document: style, script and chart library inside, nothing to be loaded. */
export async function statusPage(root) {
  const read = (path) => readFileSync(join(root, path), 'utf8');
  const result = await build({
    absWorkingDir: root,
    entryPoints: [`${FOLDER}/page.mjs`],
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    legalComments: 'none',
    preserveSymlinks: true,
    logLevel: 'warning',
  });
  const style = `${read('node_modules/uplot/dist/uPlot.min.css')}\n${read(`${FOLDER}/page.css`)}`;
  // A script that says `</script>` would end its own element.
  const script = result.outputFiles[0].text.replaceAll('</script', String.raw`<\/script`);
  const text = read(`${FOLDER}/page.html`)
    .replace('/* styles */', () => style)
    .replace('/* script */', () => script);
  return { text: Buffer.from(text), inputs: [...Object.keys(result.metafile.inputs).sort(), ...PAGE_FILES] };
}
