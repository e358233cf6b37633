// Builds the front end into app/web/static: bundles with the hash of their content in their names, the sprite of the
// icons in icons.txt, and manifest.json by which asset() in the templates finds them.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "static");
const modules = join(here, "..", "..", "..", "node_modules");
const manifest = {};

// `import components from "components"`: every file of components/, so that a room adds one without touching another.
const components = {
  name: "components",
  setup(setup) {
    setup.onResolve({ filter: /^components$/ }, () => ({ path: "components", namespace: "components" }));
    setup.onLoad({ filter: /.*/, namespace: "components" }, async () => {
      const files = (await readdir(join(here, "components"))).filter((file) => file.endsWith(".js")).sort();
      const imports = files.map((file, i) => `import * as c${i} from "./components/${file}";`);
      return {
        contents: `${imports.join("\n")}\nexport default [${files.map((_, i) => `c${i}`).join(", ")}];`,
        resolveDir: here,
      };
    });
  },
};

// The style sheet of the form for other sites travels inside its script.
const inside = {
  name: "inside",
  setup(setup) {
    setup.onLoad({ filter: /embed\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code, loader: "text" };
    });
  },
};

const common = {
  bundle: true,
  minify: true,
  outdir: out,
  target: ["chrome123", "firefox125", "safari17.5"],
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file", ".svg": "dataurl", ".png": "dataurl" },
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
};

async function bundle(entries, options) {
  const entryPoints = entries.map((name) => join(here, name));
  const result = await build({ ...common, entryPoints, ...options });
  for (const [file, { entryPoint, inputs }] of Object.entries(result.metafile.outputs)) {
    const source = entryPoint ?? (file.endsWith(".woff2") ? Object.keys(inputs)[0] : null);
    if (source) manifest[basename(source)] = basename(file);
    kept.add(basename(file));
  }
}

async function add(name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
  const [stem, suffix] = name.split(".");
  manifest[name] = `${stem}-${hash}.${suffix}`;
  kept.add(manifest[name]);
  await writeFile(join(out, manifest[name]), content);
}

async function sprite() {
  const names = (await readFile(join(here, "icons.txt"), "utf8")).split(/\s+/).filter(Boolean);
  const symbols = await Promise.all(
    [...new Set(names)].sort().map(async (name) => {
      const svg = await readFile(join(modules, "@tabler/icons/icons/outline", `${name}.svg`), "utf8").catch(() => {
        throw new Error(`icons.txt: Tabler has no outline icon called ${name}.`);
      });
      const inner = svg.replace(/^[\s\S]*?<svg[^>]*>/, "").replace("</svg>", "").replace(/\s*\n\s*/g, "");
      return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${inner}</symbol>`;
    }),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
}

const kept = new Set([".built", "manifest.json"]);
await mkdir(out, { recursive: true });
await bundle(["app.js"], { format: "esm", splitting: true, plugins: [components] });
await bundle(["theme.js"], { format: "iife" });
await bundle(["embed.js"], { format: "iife", plugins: [inside] });
await bundle(["app.css"], {});
await add("icons.svg", await sprite());
await add("favicon.svg", await readFile(join(here, "favicon.svg")));
await writeFile(join(out, "manifest.json"), JSON.stringify(manifest, null, 1));
// What an earlier build left is removed last, so that a running server always finds what its manifest names.
for (const file of await readdir(out)) if (!kept.has(file)) await rm(join(out, file));
