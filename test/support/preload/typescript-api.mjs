/**
 * What the test runner preloads in place of tsx: it takes the modules as {@link compileProject} left them, in the folder that
 * `FLATDELTA_COMPILED` names.
 *
 * Starting tsx and passing 200 modules through it takes a process 0.5 s more than this, and a run starts some hundreds of
 * processes and threads.
 */
import { register as registerHooks } from "node:module";

/** Also for threads, which sources start by tsx's API. */
export function register() {
  process.setSourceMapsEnabled(true);
  registerHooks("./typescript-hooks.mjs", import.meta.url);
}
